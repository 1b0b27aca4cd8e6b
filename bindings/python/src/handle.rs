//! Handles: symbolic references that survive a restart of the server.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use isymphony::action::{Arg, Options};
use isymphony::catalog::Kind;
use isymphony::handle;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::binding::Binding;
use crate::context::{Client, Context};
use crate::convert::{self, Seconds, action_arg, text, whole_number};
use crate::errors::OrRaise;
use crate::resource::kinds::wrap;
use crate::rich::{Fields, field};
use crate::ticket::{self, Target, Ticket, how, refuse_status, status_args, status_args_like};

/// A reference to an instance by its kind and the names along its path. It is bound anew at every use.
///
/// The name decides; when nothing has the name any more, the `configuration_id` that was seen under it does. An instance
/// without a symbolic name (a call segment, an agent) is found by its id only, until the server restarts.
///
/// Two are equal where they were made of the same path, or of the same name, for the same client; strict ones where they are
/// also bound to the same object. A strict one never equals one that is not.
#[pyclass(module = "isymphony", frozen, subclass, eq, hash)]
pub(crate) struct Handle {
    pub(crate) inner: Arc<handle::Handle>,
    client: Arc<Client>,
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl Handle {
    fn act_with(&self, py: Python<'_>, action: &str, args: Vec<(String, Arg)>, options: Options) -> PyResult<Ticket> {
        ticket::act(py, self.client.clone(), Target::Handle(self.inner.clone()), action, args, options)
    }
}

/// The Python object for a handle of the core: an instance of the class of its kind.
pub(crate) fn wrap_handle<'py>(
    py: Python<'py>,
    client: &Arc<Client>,
    handle: handle::Handle,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = handle.kind();
    let base = Handle { inner: Arc::new(handle), client: client.clone() };
    macro_rules! new {
        ($class:ident) => {
            Bound::new(py, PyClassInitializer::from(base).add_subclass($class))?.into_any()
        };
    }
    Ok(match kind {
        Kind::CoreServer => new!(CoreServerHandle),
        Kind::User => new!(UserHandle),
        Kind::Status => new!(StatusHandle),
        Kind::Extension => new!(ExtensionHandle),
        Kind::CallSegment => new!(CallSegmentHandle),
        Kind::Queue => new!(QueueHandle),
        Kind::Agent => new!(AgentHandle),
        Kind::ConferenceRoom => new!(ConferenceRoomHandle),
        Kind::Login | Kind::Statistics => Bound::new(py, base)?.into_any(),
    })
}

#[pymethods]
impl Handle {
    /// The kind, by the vendor's name.
    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.kind().name()
    }

    /// The path, by symbolic names as far as there are any. Where no core server was given and none is known to have the
    /// instance, it says `*` for the core server.
    #[getter]
    fn path(&self) -> String {
        self.inner.path()
    }

    /// The instance in the current snapshot. With `max_age` (seconds) it raises `Stale` when the server's last
    /// confirmation is older.
    #[pyo3(signature = (max_age=None))]
    fn get<'py>(&self, py: Python<'py>, max_age: Option<Seconds>) -> PyResult<Bound<'py, PyAny>> {
        let found = match max_age {
            Some(max_age) => self.inner.get_within(max_age.0),
            None => self.inner.get(),
        };
        let found = found.or_raise(py)?;
        let (context, resource) = Context::of(&found, &self.client);
        wrap(py, &context, &resource)
    }

    /// The id of the instance now: new after every restart of the server.
    fn resolve<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::uuid(py, self.inner.resolve().or_raise(py)?)
    }

    /// The same reference, bound for good to the object that it finds now or, where there is none, first: when the name leads
    /// to another object, it raises `NotFound`. An object is the same as long as it has its `configuration_id`, also after a
    /// restart of the server; where its kind has none, as long as it has its id.
    fn strict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        wrap_handle(py, &self.client, self.inner.strict())
    }

    /// Whether it refuses another object than the one it is bound to.
    #[getter]
    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    /// To what the handle is bound, as it was last found; `None` before it found anything.
    #[getter]
    fn binding(&self) -> Option<Binding> {
        self.inner.binding().map(Binding::of)
    }

    /// Carries out an action of the catalogue, at most once. Waits for the server's answer, at most `timeout` seconds.
    ///
    /// What surely was not carried out raises; what may have been is a `Ticket` whose outcome is `"unknown"`. With `force`
    /// it is sent to the handle's path although the snapshot says that nothing is there.
    #[pyo3(signature = (action, /, *, timeout=None, force=false, **args))]
    fn act(
        &self,
        py: Python<'_>,
        action: &Bound<'_, PyString>,
        timeout: Option<Seconds>,
        force: bool,
        args: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Ticket> {
        self.act_with(py, text("action", action)?, convert::action_args(args)?, how(timeout, force))
    }

    #[classattr]
    fn __match_args__() -> (&'static str,) {
        ("path",)
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "path", self.path())?,
            field(py, "is_strict", self.is_strict())?,
            field(py, "binding", self.binding())?,
        ])
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let handle = &slf.get().inner;
        let strict = if handle.is_strict() { " strict" } else { "" };
        Ok(format!("<{} {}{strict}>", slf.get_type().name()?, handle.path()))
    }
}

macro_rules! handle {
    ($(#[$doc:meta])* $class:ident { $($methods:tt)* }) => {
        $(#[$doc])*
        #[pyclass(module = "isymphony", frozen, extends = Handle)]
        pub(crate) struct $class;

        #[pymethods]
        impl $class {
            $($methods)*
        }
    };
}

fn act(handle: &Bound<'_, Handle>, action: &str, args: Vec<(&str, Arg)>, options: Options) -> PyResult<Ticket> {
    let args = args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    handle.get().act_with(handle.py(), action, args, options)
}

/// Sets the status of the user that a handle is of.
fn set_status(py: Python<'_>, user: &Handle, args: Vec<(String, Arg)>, options: Options) -> PyResult<Ticket> {
    let status = user.inner.below("status").map_err(|error| refuse_status(py, &args, error))?;
    ticket::act(py, user.client.clone(), Target::Handle(Arc::new(status)), "set", args, options)
}

handle! {
    /// A handle of a core server.
    CoreServerHandle {}
}

handle! {
    /// A handle of a user.
    UserHandle {
        /// Sets the user's status. `return_time` is Unix time in milliseconds or a `datetime`.
        #[pyo3(
            signature = (name, r#type, note=None, return_time=None, *, timeout=None, force=false),
            text_signature = "($self, name, type, note='', return_time=None, *, timeout=None, force=False)"
        )]
        fn set_status(
            slf: &Bound<'_, Self>,
            name: &Bound<'_, PyString>,
            r#type: &Bound<'_, PyString>,
            note: Option<&Bound<'_, PyString>>,
            return_time: Option<&Bound<'_, PyAny>>,
            timeout: Option<Seconds>,
            force: bool,
        ) -> PyResult<Ticket> {
            let py = slf.py();
            let base: &Handle = slf.as_super().get();
            let args = status_args(name, r#type, note, return_time)?;
            set_status(py, base, args, how(timeout, force))
        }

        /// Sets the status of this name as other users of the core server show it: its type and note are theirs.
        ///
        /// Nothing is sent with `NotFound` where no user shows a status of that name, and with `Ambiguous` where two show
        /// different ones.
        #[pyo3(signature = (name, *, timeout=None, force=false))]
        fn set_status_like(
            slf: &Bound<'_, Self>,
            name: &Bound<'_, PyString>,
            timeout: Option<Seconds>,
            force: bool,
        ) -> PyResult<Ticket> {
            let py = slf.py();
            let base: &Handle = slf.as_super().get();
            let user = base.inner.get().map_err(|error| refuse_status(py, &[], error))?;
            let args = status_args_like(py, &user.get(), name)?;
            set_status(py, base, args, how(timeout, force))
        }
    }
}

handle! {
    /// A handle of a user's status.
    StatusHandle {
        /// Sets the status. `return_time` is Unix time in milliseconds or a `datetime`.
        #[pyo3(
            signature = (name, r#type, note=None, return_time=None, *, timeout=None, force=false),
            text_signature = "($self, name, type, note='', return_time=None, *, timeout=None, force=False)"
        )]
        fn set(
            slf: &Bound<'_, Self>,
            name: &Bound<'_, PyString>,
            r#type: &Bound<'_, PyString>,
            note: Option<&Bound<'_, PyString>>,
            return_time: Option<&Bound<'_, PyAny>>,
            timeout: Option<Seconds>,
            force: bool,
        ) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "set", status_args(name, r#type, note, return_time)?, how(timeout, force))
        }
    }
}

handle! {
    /// A handle of an extension.
    ExtensionHandle {
        /// Rings the extension itself, then dials the destination: a number, or an extension, a queue or a conference room by
        /// its path, its id or itself.
        #[pyo3(signature = (destination, *, timeout=None, force=false))]
        fn originate(slf: &Bound<'_, Self>, destination: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "originate", vec![("destination", action_arg("destination", destination)?)], how(timeout, force))
        }

        /// Turns do-not-disturb on or off.
        #[pyo3(signature = (on, *, timeout=None, force=false))]
        fn set_dnd(slf: &Bound<'_, Self>, on: bool, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), if on { "enable_dnd" } else { "disable_dnd" }, Vec::new(), how(timeout, force))
        }
    }
}

handle! {
    /// A handle of a call segment: by its id, until the server restarts.
    CallSegmentHandle {
        /// Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue: a number, or
        /// an extension, a queue or a conference room by its path, its id or itself.
        #[pyo3(signature = (destination, *, timeout=None, force=false))]
        fn transfer(slf: &Bound<'_, Self>, destination: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "transfer", vec![("destination", action_arg("destination", destination)?)], how(timeout, force))
        }
    }
}

handle! {
    /// A handle of a queue.
    QueueHandle {
        /// Logs an extension in to the queue as an agent: by its number, its path or id, or itself.
        #[pyo3(signature = (extension, *, timeout=None, force=false))]
        fn login(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "login", vec![("extension", action_arg("extension", extension)?)], how(timeout, force))
        }

        /// Logs an extension out of the queue.
        #[pyo3(signature = (extension, *, timeout=None, force=false))]
        fn logout(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "logout", vec![("extension", action_arg("extension", extension)?)], how(timeout, force))
        }
    }
}

handle! {
    /// A handle of an agent: by its id, until the server restarts.
    AgentHandle {
        /// Logs the agent out of its queue.
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn logout(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "logout", Vec::new(), how(timeout, force))
        }

        /// Pauses the agent.
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn pause(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "pause", Vec::new(), how(timeout, force))
        }

        /// Ends the agent's pause.
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn unpause(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "unpause", Vec::new(), how(timeout, force))
        }

        /// Sets the agent's penalty: agents with a lower one are called first.
        #[pyo3(signature = (penalty, *, timeout=None, force=false))]
        fn set_penalty(slf: &Bound<'_, Self>, penalty: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            act(slf.as_super(), "set_penalty", vec![("penalty", Arg::Int(whole_number("penalty", penalty)?))], how(timeout, force))
        }
    }
}

handle! {
    /// A handle of a conference room.
    ConferenceRoomHandle {}
}

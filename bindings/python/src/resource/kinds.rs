//! A class for each kind of resource: its properties, its relations, its actions.

use std::sync::Arc;

use isymphony::catalog::Kind;
use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::{CallerId, Resource};
use crate::context::Context;
use crate::convert::{Seconds, action_arg};
use crate::errors::OrRaise;
use crate::mapping::ResourceMapping;
use crate::ticket::{Ticket, status_args};

/// The Python object for a resource of the core: an instance of the class of its kind.
pub(crate) fn wrap<'py>(
    py: Python<'py>,
    context: &Arc<Context>,
    resource: &snapshot::Resource<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let base = Resource::new(context, resource);
    macro_rules! new {
        ($class:ident) => {
            Bound::new(py, PyClassInitializer::from(base).add_subclass($class::new()))?.into_any()
        };
    }
    Ok(match resource.kind() {
        Kind::CoreServer => new!(CoreServer),
        Kind::User => new!(User),
        Kind::Login => new!(Login),
        Kind::Status => new!(Status),
        Kind::Extension => new!(Extension),
        Kind::CallSegment => new!(CallSegment),
        Kind::Queue => new!(Queue),
        Kind::Agent => new!(Agent),
        Kind::Statistics => new!(Statistics),
        Kind::ConferenceRoom => new!(ConferenceRoom),
    })
}

/// A relation to at most one.
fn one<'s, 'py, V: View<'s> + std::ops::Deref<Target = snapshot::Resource<'s>>>(
    py: Python<'py>,
    of: &Resource,
    related: Option<V>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    related.map(|related| wrap(py, &of.context, &related)).transpose()
}

/// A relation to any number.
fn many<'s, 'py>(
    py: Python<'py>,
    of: &Resource,
    related: impl ExactSizeIterator<Item = snapshot::Resource<'s>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let related = related.map(|related| wrap(py, &of.context, &related)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, related)
}

macro_rules! class {
    (
        $(#[$doc:meta])*
        $class:ident ($($field:ident: $field_type:ty),*) [$($match_arg:literal),*]
        { $($(#[$property_doc:meta])* $property:ident: $value:ty,)* }
        { $($rest:tt)* }
    ) => {
        $(#[$doc])*
        #[pyclass(module = "isymphony", frozen, extends = Resource)]
        pub(crate) struct $class {
            $($field: $field_type,)*
        }

        impl $class {
            fn new() -> $class {
                $class { $($field: PyOnceLock::new(),)* }
            }
        }

        impl $class {
            #[inline]
            fn view<'a>(slf: &'a Bound<'_, Self>) -> snapshot::$class<'a> {
                let base: &Resource = slf.as_super().get();
                View::view(base.core()).expect("the class follows from the kind")
            }
        }

        #[pymethods]
        impl $class {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                let names: &[&str] = &[$($match_arg),*];
                PyTuple::new(py, names)
            }

            $(
                $(#[$property_doc])*
                #[getter]
                fn $property<'a>(slf: &'a Bound<'_, Self>) -> Option<$value> {
                    $class::view(slf).$property()
                }
            )*

            $($rest)*
        }
    };
}

/// A list of a core server, made once.
fn list_of<'py>(
    slf: &Bound<'py, CoreServer>,
    made: &PyOnceLock<Py<ResourceMapping>>,
    list: impl FnOnce(&snapshot::CoreServer<'_>) -> ResourceMapping,
) -> PyResult<Bound<'py, ResourceMapping>> {
    let py = slf.py();
    let mapping = made.get_or_try_init(py, || Py::new(py, list(&CoreServer::view(slf))))?;
    Ok(mapping.bind(py).clone())
}

/// A new mapping for a list of the core, in the context of a resource.
macro_rules! mapping {
    ($slf:ident . $list:ident) => {
        list_of($slf, &$slf.get().$list, |server| {
            ResourceMapping::new($slf.as_super().get().context.clone(), server.$list())
        })
    };
}

class! {
    /// One PBX that the iSymphony server manages.
    CoreServer(
        users: PyOnceLock<Py<ResourceMapping>>,
        extensions: PyOnceLock<Py<ResourceMapping>>,
        call_segments: PyOnceLock<Py<ResourceMapping>>,
        queues: PyOnceLock<Py<ResourceMapping>>,
        conferences: PyOnceLock<Py<ResourceMapping>>
    ) ["slug"]
    {
        /// The short name that stands in paths, as in `default`.
        slug: &'a str,
        /// The name for people.
        name: &'a str,
    }
    {
        /// The users, by user name.
        #[getter]
        fn users<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.users)
        }

        /// The extensions, by number.
        #[getter]
        fn extensions<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.extensions)
        }

        /// The call segments, by id.
        #[getter]
        fn call_segments<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.call_segments)
        }

        /// The queues, by identifier.
        #[getter]
        fn queues<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.queues)
        }

        /// The conference rooms, by identifier.
        #[getter]
        fn conferences<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.conferences)
        }
    }
}

class! {
    /// A user of iSymphony.
    User() ["user_name", "displayed_name"]
    {
        /// The name the user logs in with.
        user_name: &'a str,
        /// The name for people.
        displayed_name: &'a str,
        /// The id of the permission that guards the object.
        permission_id: &'a str,
    }
    {
        /// The status the user shows; `None` where a licence or the server has none.
        #[getter]
        fn status<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), User::view(slf).status())
        }

        /// The clients the user is logged in with now.
        #[getter]
        fn logins<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), User::view(slf).logins().iter())
        }

        /// The user's extensions.
        #[getter]
        fn extensions<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), User::view(slf).extensions().iter())
        }

        /// Sets the user's status. `return_time` is Unix time in milliseconds or a `datetime`.
        #[pyo3(signature = (name, r#type, note="", return_time=None, *, timeout=None))]
        fn set_status(
            slf: &Bound<'_, Self>,
            name: &str,
            r#type: &str,
            note: &str,
            return_time: Option<&Bound<'_, PyAny>>,
            timeout: Option<Seconds>,
        ) -> PyResult<Ticket> {
            let py = slf.py();
            let base: &Resource = slf.as_super().get();
            base.context.client().or_raise(py)?;
            let status = User::view(slf).status().ok_or_else(|| {
                isymphony::Error::new(isymphony::Code::NotFound, format!("{} has no status", base.path_text()))
            });
            let status = Resource::new(&base.context, &*status.or_raise(py)?);
            status.act_with(py, "set", status_args(name, r#type, note, return_time)?, timeout)
        }
    }
}

class! {
    /// A client with which a user is logged in now.
    Login() ["ip", "port"]
    {
        /// The address the client connected from.
        ip: &'a str,
        /// The port the client connected from.
        port: i64,
        /// When the client connected, in Unix milliseconds.
        time_connected: i64,
    }
    {
        /// The user who is logged in.
        #[getter]
        fn user<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Login::view(slf).user())
        }
    }
}

class! {
    /// The status a user shows.
    Status() ["name", "type"]
    {
        /// The name of the status, as in `Lunch`.
        name: &'a str,
        /// Which icon is shown; it changes no call flow.
        r#type: &'a str,
        /// A note the user wrote; empty when none.
        note: &'a str,
        /// When the user means to be back, in Unix milliseconds; `-1` when not said.
        return_time: i64,
        /// Whether the user made this status up.
        user_created: bool,
    }
    {
        /// The user whose status it is.
        #[getter]
        fn user<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Status::view(slf).user())
        }

        /// Sets the status. `return_time` is Unix time in milliseconds or a `datetime`.
        #[pyo3(signature = (name, r#type, note="", return_time=None, *, timeout=None))]
        fn set(
            slf: &Bound<'_, Self>,
            name: &str,
            r#type: &str,
            note: &str,
            return_time: Option<&Bound<'_, PyAny>>,
            timeout: Option<Seconds>,
        ) -> PyResult<Ticket> {
            let args = status_args(name, r#type, note, return_time)?;
            slf.as_super().get().act_with(slf.py(), "set", args, timeout)
        }
    }
}

class! {
    /// An extension of the PBX. The Live API tells neither its call state nor its do-not-disturb state.
    Extension() ["extension_number", "display_name"]
    {
        /// The number that is dialled; not always digits (`*72`).
        extension_number: &'a str,
        /// The name for people.
        display_name: &'a str,
        /// The id of the permission that guards the object.
        permission_id: &'a str,
    }
    {
        /// The users who have this extension.
        #[getter]
        fn users<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), Extension::view(slf).users().into_iter().map(|user| *user))
        }

        /// The call segments on the extension.
        #[getter]
        fn call_segments<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), Extension::view(slf).call_segments().iter())
        }

        /// The agents it is logged in as.
        #[getter]
        fn agents<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), Extension::view(slf).agents().into_iter().map(|agent| *agent))
        }

        /// Rings the extension itself, then dials the destination.
        #[pyo3(signature = (destination, *, timeout=None))]
        fn originate(slf: &Bound<'_, Self>, destination: &str, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let args = vec![("destination".to_owned(), destination.into())];
            slf.as_super().get().act_with(slf.py(), "originate", args, timeout)
        }

        /// Turns do-not-disturb on or off.
        #[pyo3(signature = (on, *, timeout=None))]
        fn set_dnd(slf: &Bound<'_, Self>, on: bool, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let action = if on { "enable_dnd" } else { "disable_dnd" };
            slf.as_super().get().act_with(slf.py(), action, Vec::new(), timeout)
        }
    }
}

class! {
    /// One leg of a call.
    CallSegment() ["type", "caller_id"]
    {
        /// `INTERNAL` or `EXTERNAL`.
        r#type: &'a str,
        /// The number that was dialled from outside; not always a number (`s`).
        did: &'a str,
        /// Whether it is on hold.
        on_hold: bool,
        /// Whether it is recorded.
        recording: bool,
        /// Whether the call came in to this side.
        incoming: bool,
    }
    {
        /// Who is on the other side.
        #[getter]
        fn caller_id(slf: &Bound<'_, Self>) -> CallerId {
            CallerId::of(&CallSegment::view(slf))
        }

        /// The extension it is on; `None` where that is not known (yet).
        #[getter]
        fn extension<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), CallSegment::view(slf).extension())
        }

        /// The queue it waits in.
        #[getter]
        fn queue<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), CallSegment::view(slf).queue())
        }

        /// The conference room it is in.
        #[getter]
        fn conference<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), CallSegment::view(slf).conference())
        }

        /// Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue.
        #[pyo3(signature = (destination, *, timeout=None))]
        fn transfer(slf: &Bound<'_, Self>, destination: &str, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let args = vec![("destination".to_owned(), destination.into())];
            slf.as_super().get().act_with(slf.py(), "transfer", args, timeout)
        }
    }
}

class! {
    /// A call queue.
    Queue() ["identifier", "display_name"]
    {
        /// The name for people.
        display_name: &'a str,
        /// The number or name of the queue on the PBX.
        identifier: &'a str,
        /// The id of the permission that guards the object.
        permission_id: &'a str,
    }
    {
        /// The agents that are logged in.
        #[getter]
        fn agents<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), Queue::view(slf).agents().iter())
        }

        /// The call segments in the queue.
        #[getter]
        fn call_segments<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), Queue::view(slf).call_segments().iter())
        }

        /// Logs an extension in to the queue as an agent: by its number, its path or id, or itself.
        #[pyo3(signature = (extension, *, timeout=None))]
        fn login(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let args = vec![("extension".to_owned(), action_arg(extension)?)];
            slf.as_super().get().act_with(slf.py(), "login", args, timeout)
        }

        /// Logs an extension out of the queue.
        #[pyo3(signature = (extension, *, timeout=None))]
        fn logout(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let args = vec![("extension".to_owned(), action_arg(extension)?)];
            slf.as_super().get().act_with(slf.py(), "logout", args, timeout)
        }
    }
}

class! {
    /// An extension that is logged in to a queue.
    Agent() ["name", "state"]
    {
        /// Whether the agent is paused.
        paused: bool,
        /// The state of the agent's device: `NOT_INUSE`, `INUSE`, `RINGING`, ...
        state: &'a str,
        /// The agent's name.
        name: &'a str,
        /// Whether the agent logged in, rather than being configured.
        dynamic: bool,
    }
    {
        /// The extension that is logged in.
        #[getter]
        fn extension<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Agent::view(slf).extension())
        }

        /// The queue it is logged in to.
        #[getter]
        fn queue<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Agent::view(slf).queue())
        }

        /// The statistics; their properties are unknown: read `raw`.
        #[getter]
        fn statistics<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Agent::view(slf).statistics())
        }

        /// Logs the agent out of its queue.
        #[pyo3(signature = (*, timeout=None))]
        fn logout(slf: &Bound<'_, Self>, timeout: Option<Seconds>) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "logout", Vec::new(), timeout)
        }

        /// Pauses the agent.
        #[pyo3(signature = (*, timeout=None))]
        fn pause(slf: &Bound<'_, Self>, timeout: Option<Seconds>) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "pause", Vec::new(), timeout)
        }

        /// Ends the agent's pause.
        #[pyo3(signature = (*, timeout=None))]
        fn unpause(slf: &Bound<'_, Self>, timeout: Option<Seconds>) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "unpause", Vec::new(), timeout)
        }

        /// Sets the agent's penalty: agents with a lower one are called first.
        #[pyo3(signature = (penalty, *, timeout=None))]
        fn set_penalty(slf: &Bound<'_, Self>, penalty: i64, timeout: Option<Seconds>) -> PyResult<Ticket> {
            let args = vec![("penalty".to_owned(), penalty.into())];
            slf.as_super().get().act_with(slf.py(), "set_penalty", args, timeout)
        }
    }
}

class! {
    /// The statistics of an agent. Their properties are unknown: read `raw`.
    Statistics() []
    {}
    {
        /// The agent whose statistics they are.
        #[getter]
        fn agent<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
            one(slf.py(), slf.as_super().get(), Statistics::view(slf).agent())
        }
    }
}

class! {
    /// A conference room.
    ConferenceRoom() ["identifier", "display_name"]
    {
        /// The name for people.
        display_name: &'a str,
        /// The number or name of the room on the PBX.
        identifier: &'a str,
        /// What is dialled to enter the room.
        dial_string: &'a str,
        /// Whether a user made the room.
        user_generated: bool,
        /// The id of the permission that guards the object.
        permission_id: &'a str,
    }
    {
        /// The call segments in the room.
        #[getter]
        fn call_segments<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
            many(slf.py(), slf.as_super().get(), ConferenceRoom::view(slf).call_segments().iter())
        }
    }
}

/// A mapping for a list that a path leads to.
pub(crate) fn wrap_list<'py>(
    py: Python<'py>,
    context: &Arc<Context>,
    list: snapshot::List<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(Bound::new(py, ResourceMapping::new(context.clone(), list))?.into_any())
}

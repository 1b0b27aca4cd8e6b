//! Users, their logins and statuses.

use isymphony::action::{Arg, Options};
use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::super::Resource;
use super::{class, many, one};
use crate::convert::Seconds;
use crate::errors::OrRaise;
use crate::ticket::{Ticket, how, refuse_status, status_args, status_args_like};

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
            let args = status_args(name, r#type, note, return_time)?;
            User::set(slf, args, how(timeout, force))
        }

        /// Sets the status of this name as the users of the core server show it: its type and note are theirs.
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
            let args = status_args_like(slf.py(), &slf.as_super().get().core(), name)?;
            User::set(slf, args, how(timeout, force))
        }
    }
}

impl User {
    /// Sets the status that the user shows.
    fn set(slf: &Bound<'_, Self>, args: Vec<(String, Arg)>, options: Options) -> PyResult<Ticket> {
        let py = slf.py();
        let base: &Resource = slf.as_super().get();
        base.context().client().or_raise(py)?;
        let status = User::view(slf).status().ok_or_else(|| {
            // It may be that statuses are not synced.
            let path = base.core().id_path().sub("status");
            let found = path.and_then(|path| base.core().snapshot().resolve_path(&path).map(drop));
            let none =
                || isymphony::Error::new(isymphony::Code::NotFound, format!("{} has no status", base.path_text()));
            found.err().unwrap_or_else(none)
        });
        let status = status.map_err(|error| refuse_status(py, &args, error))?;
        let status = Resource::new(base.context(), &status);
        status.act_with(py, "set", args, options)
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
            let args = status_args(name, r#type, note, return_time)?;
            slf.as_super().get().act_with(slf.py(), "set", args, how(timeout, force))
        }
    }
}

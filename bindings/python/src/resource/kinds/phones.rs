//! Extensions, call segments and conference rooms.

use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::super::{CallerId, Resource};
use super::{class, many, one};
use crate::convert::{Seconds, action_arg};
use crate::ticket::{Ticket, how};

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

        /// Rings the extension itself, then dials the destination: a number, or an extension, a queue or a conference room by
        /// its path, its id or itself.
        #[pyo3(signature = (destination, *, timeout=None, force=false))]
        fn originate(slf: &Bound<'_, Self>, destination: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let args = vec![("destination".to_owned(), action_arg("destination", destination)?)];
            slf.as_super().get().act_with(slf.py(), "originate", args, how(timeout, force))
        }

        /// Turns do-not-disturb on or off.
        #[pyo3(signature = (on, *, timeout=None, force=false))]
        fn set_dnd(slf: &Bound<'_, Self>, on: bool, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let action = if on { "enable_dnd" } else { "disable_dnd" };
            slf.as_super().get().act_with(slf.py(), action, Vec::new(), how(timeout, force))
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

        /// Transfers the call to an extension, an outside number, a parking lot, a conference room or a queue: a number, or
        /// an extension, a queue or a conference room by its path, its id or itself.
        #[pyo3(signature = (destination, *, timeout=None, force=false))]
        fn transfer(slf: &Bound<'_, Self>, destination: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let args = vec![("destination".to_owned(), action_arg("destination", destination)?)];
            slf.as_super().get().act_with(slf.py(), "transfer", args, how(timeout, force))
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

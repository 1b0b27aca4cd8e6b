//! Queues, their agents and statistics.

use isymphony::action::Arg;
use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::super::Resource;
use super::{class, many, one};
use crate::convert::{Seconds, action_arg, whole_number};
use crate::ticket::{Ticket, how};

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
        #[pyo3(signature = (extension, *, timeout=None, force=false))]
        fn login(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let args = vec![("extension".to_owned(), action_arg("extension", extension)?)];
            slf.as_super().get().act_with(slf.py(), "login", args, how(timeout, force))
        }

        /// Logs an extension out of the queue.
        #[pyo3(signature = (extension, *, timeout=None, force=false))]
        fn logout(slf: &Bound<'_, Self>, extension: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let args = vec![("extension".to_owned(), action_arg("extension", extension)?)];
            slf.as_super().get().act_with(slf.py(), "logout", args, how(timeout, force))
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
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn logout(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "logout", Vec::new(), how(timeout, force))
        }

        /// Pauses the agent.
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn pause(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "pause", Vec::new(), how(timeout, force))
        }

        /// Ends the agent's pause.
        #[pyo3(signature = (*, timeout=None, force=false))]
        fn unpause(slf: &Bound<'_, Self>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            slf.as_super().get().act_with(slf.py(), "unpause", Vec::new(), how(timeout, force))
        }

        /// Sets the agent's penalty: agents with a lower one are called first.
        #[pyo3(signature = (penalty, *, timeout=None, force=false))]
        fn set_penalty(slf: &Bound<'_, Self>, penalty: &Bound<'_, PyAny>, timeout: Option<Seconds>, force: bool) -> PyResult<Ticket> {
            let args = vec![("penalty".to_owned(), Arg::Int(whole_number("penalty", penalty)?))];
            slf.as_super().get().act_with(slf.py(), "set_penalty", args, how(timeout, force))
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

//! Actions, and the tickets for those that were sent.

use std::sync::Arc;

use isymphony::Error;
use isymphony::action::{self, Arg};
use isymphony::catalog::Kind;
use isymphony::handle;
use isymphony::snapshot::{self, ResourceOwned};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::blocking::{on_a_thread, wait_in_slices};
use crate::context::{Client, Context};
use crate::convert::{Seconds, action_arg, text};
use crate::errors::{build, raise};
use crate::resource::kinds::wrap;
use crate::rich::{Fields, field};
use crate::snapshot::Snapshot;

/// What an action goes to.
pub(crate) enum Target {
    /// Whatever the handle finds.
    Handle(Arc<handle::Handle>),
    /// This very instance.
    Resource(ResourceOwned),
}

/// Carries out an action and waits for the server's answer.
pub(crate) fn act(
    py: Python<'_>,
    client: Arc<Client>,
    target: Target,
    action: &str,
    args: Vec<(String, Arg)>,
    options: action::Options,
) -> PyResult<Ticket> {
    let action = action.to_owned();
    let live = client.live.clone();
    send(py, client, move || {
        let args: Vec<(&str, Arg)> = args.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        match target {
            Target::Handle(handle) => handle.act_with(&action, &args, &options),
            Target::Resource(resource) => live.act_with(&resource.get(), &action, &args, &options),
        }
    })
}

/// How an action is carried out.
pub(crate) fn how(timeout: Option<Seconds>, force: bool) -> action::Options {
    action::Options::from(timeout.map(|seconds| seconds.0)).force(force)
}

/// Sends something and gives the ticket for it.
pub(crate) fn send(
    py: Python<'_>,
    client: Arc<Client>,
    work: impl FnOnce() -> isymphony::Result<action::Ticket> + Send + 'static,
) -> PyResult<Ticket> {
    let ticket = on_a_thread(py, work);
    crate::records::drain(py)?;
    Ok(Ticket { core: ticket?, client })
}

/// The arguments of `set_status`.
pub(crate) fn status_args(
    name: &Bound<'_, PyString>,
    kind: &Bound<'_, PyString>,
    note: Option<&Bound<'_, PyString>>,
    return_time: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<(String, Arg)>> {
    let note = note.map_or(Ok(""), |note| text("note", note))?;
    let mut args = status(text("name", name)?, text("type", kind)?, note);
    if let Some(return_time) = return_time {
        args.push(("return_time".to_owned(), action_arg("return_time", return_time)?));
    }
    Ok(args)
}

fn status(name: &str, kind: &str, note: &str) -> Vec<(String, Arg)> {
    vec![("name".to_owned(), name.into()), ("type".to_owned(), kind.into()), ("note".to_owned(), note.into())]
}

/// The arguments of `set_status_like`: the type and the note of a status as the users of the same core server show it.
pub(crate) fn status_args_like(
    py: Python<'_>,
    user: &snapshot::Resource<'_>,
    name: &Bound<'_, PyString>,
) -> PyResult<Vec<(String, Arg)>> {
    let name = text("name", name)?;
    let (kind, note) = action::status_like(user, name).map_err(|error| refuse_status(py, &[], error))?;
    Ok(status(name, &kind, &note))
}

/// Logs that a status is not set, since there is none to set or nothing says how, and gives the exception for it.
pub(crate) fn refuse_status(py: Python<'_>, args: &[(String, Arg)], error: Error) -> PyErr {
    let args: Vec<(&str, Arg)> = args.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let error = action::refused(Kind::Status, "set", &args, error);
    crate::records::drain(py).map_or_else(|error| error, |()| raise(py, &error))
}

/// An action that was sent: what became of it, and what to wait for to see its effect.
///
/// Each is of one sending, and equals only itself.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Ticket {
    core: action::Ticket,
    client: Arc<Client>,
}

#[pymethods]
impl Ticket {
    /// `"accepted"`, or `"unknown"` where it was sent and what the server made of it is not known. A refusal raises.
    #[getter]
    fn outcome(&self) -> &'static str {
        self.core.outcome().name()
    }

    /// Why the outcome is unknown: an `OutcomeUnknown`.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.error().map(|error| build(py, error, false)).transpose()
    }

    /// The path that was sent, by ids.
    #[getter]
    fn path(&self) -> &str {
        self.core.path()
    }

    /// Waits for a snapshot in which everything the action may have touched was read after it was carried out.
    ///
    /// `None` waits as long as it takes. Raises `TimedOut`.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Snapshot> {
        let timeout = timeout.map(|seconds| seconds.0);
        let snapshot = wait_in_slices(py, timeout, |slice| self.core.wait(Some(slice)));
        crate::records::drain(py)?;
        Ok(Snapshot::new(Context::new(snapshot?, &self.client)))
    }

    /// The call segments that appeared for an originate: those on the extension that the snapshot did not have before.
    ///
    /// Waits for the first of them; `None` waits as long as it takes. A call that began at the same moment on the same
    /// extension, or just before and was not known yet, is among them. Raises `TimedOut` where none appeared, `NotFound` where the extension is gone or the server
    /// restarted meanwhile, `Unsupported` where the action starts no calls.
    #[pyo3(signature = (timeout=None))]
    fn call_segments<'py>(&self, py: Python<'py>, timeout: Option<Seconds>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let timeout = timeout.map(|seconds| seconds.0);
        let segments = wait_in_slices(py, timeout, |slice| self.core.call_segments(Some(slice)));
        crate::records::drain(py)?;
        let wrapped = |segment: &ResourceOwned| {
            let (context, resource) = Context::of(segment, &self.client);
            wrap(py, &context, &resource)
        };
        segments?.iter().map(wrapped).collect()
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("outcome", "path")
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "outcome", self.outcome())?,
            field(py, "path", self.path())?,
            field(py, "error", self.error(py)?)?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<Ticket {} {}>", self.core.path(), self.core.outcome().name())
    }
}

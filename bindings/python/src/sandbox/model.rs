//! One core server of a sandbox, for scripts: objects come and go, calls move.

use isymphony::sandbox::{Caller, Pbx};
use pyo3::prelude::*;
use uuid::Uuid;

use crate::convert;
use crate::errors::OrRaise;
use crate::rich::{Fields, field};

/// One core server of a sandbox, for scripts: objects come and go, calls move.
///
/// Users are named by user name, extensions by number, queues and conference rooms by identifier, call segments by id.
/// Names need not be unique: a second object with the same name is how ambiguity is tried out.
#[pyclass(module = "isymphony.sandbox", frozen, subclass)]
pub(crate) struct SandboxCoreServer {
    pbx: Pbx,
}

impl SandboxCoreServer {
    pub(crate) fn new(pbx: Pbx) -> SandboxCoreServer {
        SandboxCoreServer { pbx }
    }
}

/// The id of a call segment: a UUID, its text, or a resource.
struct Segment(Uuid);

impl<'py> FromPyObject<'_, 'py> for Segment {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let value = value.to_owned();
        match value.cast::<crate::resource::Resource>() {
            Ok(resource) => Ok(Segment(resource.get().core().id())),
            Err(_) => convert::id(&value).map(Segment),
        }
    }
}

fn caller(name: &str, number: &str, did: Option<&str>) -> Caller {
    let caller = Caller::new(name, number);
    match did {
        Some(did) => caller.did(did),
        None => caller,
    }
}

#[pymethods]
impl SandboxCoreServer {
    /// The slug of this core server.
    #[getter]
    fn slug(&self) -> String {
        self.pbx.slug()
    }

    /// The id of this core server, of this incarnation.
    #[getter]
    fn core_server_id(&self) -> Uuid {
        self.pbx.core_server_id()
    }

    /// The numbers of all extensions, those a licence hides too.
    #[getter]
    fn extension_numbers(&self) -> Vec<String> {
        self.pbx.extension_numbers()
    }

    /// How many call segments there are.
    #[getter]
    fn call_segment_count(&self) -> usize {
        self.pbx.call_segment_count()
    }

    /// The id of a user.
    fn user_id(&self, py: Python<'_>, user_name: &str) -> PyResult<Uuid> {
        self.pbx.user_id(user_name).or_raise(py)
    }

    /// The id of an extension.
    fn extension_id(&self, py: Python<'_>, number: &str) -> PyResult<Uuid> {
        self.pbx.extension_id(number).or_raise(py)
    }

    /// The id of a queue.
    fn queue_id(&self, py: Python<'_>, identifier: &str) -> PyResult<Uuid> {
        self.pbx.queue_id(identifier).or_raise(py)
    }

    /// The id of a conference room.
    fn conference_id(&self, py: Python<'_>, identifier: &str) -> PyResult<Uuid> {
        self.pbx.conference_id(identifier).or_raise(py)
    }

    /// The id of an extension's agent in a queue.
    fn agent_id(&self, py: Python<'_>, queue: &str, extension: &str) -> PyResult<Uuid> {
        self.pbx.agent_id(queue, extension).or_raise(py)
    }

    /// The ids of the call segments on an extension, oldest first.
    fn call_segments(&self, py: Python<'_>, extension: &str) -> PyResult<Vec<Uuid>> {
        self.pbx.call_segments(extension).or_raise(py)
    }

    /// A call from outside makes an extension ring, until `answer` or `hang_up`. Its segment's id.
    #[pyo3(signature = (extension, name="Caller", number="5550100", did=None))]
    fn add_call(&self, py: Python<'_>, extension: &str, name: &str, number: &str, did: Option<&str>) -> PyResult<Uuid> {
        self.pbx.add_call(extension, &caller(name, number, did)).or_raise(py)
    }

    /// One extension calls another, which rings until `answer`. The ids of the caller's and the called one's segment.
    #[pyo3(signature = (caller, called))]
    fn add_internal_call(&self, py: Python<'_>, caller: &str, called: &str) -> PyResult<(Uuid, Uuid)> {
        self.pbx.add_internal_call(caller, called).or_raise(py)
    }

    /// A call from outside waits in a queue; a free agent rings until `answer`. The caller's segment's id.
    #[pyo3(signature = (queue, name="Caller", number="5550100", did=None))]
    fn queue_call(&self, py: Python<'_>, queue: &str, name: &str, number: &str, did: Option<&str>) -> PyResult<Uuid> {
        self.pbx.queue_call(queue, &caller(name, number, did)).or_raise(py)
    }

    /// Does what the action does: rings the extension, then calls the destination. The id of the extension's segment.
    fn originate(&self, py: Python<'_>, extension: &str, destination: &str) -> PyResult<Uuid> {
        self.pbx.originate(extension, destination).or_raise(py)
    }

    /// Answers a ringing segment; for a caller in a queue, the agent that rings for him.
    fn answer(&self, py: Python<'_>, segment: Segment) -> PyResult<()> {
        self.pbx.answer(segment.0).or_raise(py)
    }

    /// Puts a segment on hold, or takes it back.
    #[pyo3(signature = (segment, on=true))]
    fn hold(&self, py: Python<'_>, segment: Segment, on: bool) -> PyResult<()> {
        self.pbx.hold(segment.0, on).or_raise(py)
    }

    /// Starts or ends recording a segment.
    #[pyo3(signature = (segment, on=true))]
    fn record(&self, py: Python<'_>, segment: Segment, on: bool) -> PyResult<()> {
        self.pbx.record(segment.0, on).or_raise(py)
    }

    /// Ends a segment, and the one it talks to.
    fn hang_up(&self, py: Python<'_>, segment: Segment) -> PyResult<()> {
        self.pbx.hang_up(segment.0).or_raise(py)
    }

    /// Ends all calls.
    fn hang_up_all(&self) {
        self.pbx.hang_up_all();
    }

    /// Puts a segment into a conference room.
    fn join_conference(&self, py: Python<'_>, segment: Segment, conference: &str) -> PyResult<()> {
        self.pbx.join_conference(segment.0, conference).or_raise(py)
    }

    /// Does what the action does: moves a segment to an extension, a queue, a conference room or an outside number.
    fn transfer(&self, py: Python<'_>, segment: Segment, destination: &str) -> PyResult<()> {
        self.pbx.transfer(segment.0, destination).or_raise(py)
    }

    /// A new extension, bound to a user if one is named; else a licence hides it. Its id.
    #[pyo3(signature = (number, display_name, user_name=None))]
    fn add_extension(
        &self,
        py: Python<'_>,
        number: &str,
        display_name: &str,
        user_name: Option<&str>,
    ) -> PyResult<Uuid> {
        self.pbx.add_extension(number, display_name, user_name).or_raise(py)
    }

    /// Removes an extension; its calls end, its agents are logged out.
    fn remove_extension(&self, py: Python<'_>, number: &str) -> PyResult<()> {
        self.pbx.remove_extension(number).or_raise(py)
    }

    /// Gives an extension another number; the id stays.
    fn rename_extension(&self, py: Python<'_>, number: &str, new_number: &str) -> PyResult<()> {
        self.pbx.rename_extension(number, new_number).or_raise(py)
    }

    /// Sets the display name of an extension.
    fn set_display_name(&self, py: Python<'_>, number: &str, display_name: &str) -> PyResult<()> {
        self.pbx.set_display_name(number, display_name).or_raise(py)
    }

    /// Whether do-not-disturb is on, which the API does not show.
    fn dnd(&self, py: Python<'_>, number: &str) -> PyResult<bool> {
        self.pbx.dnd(number).or_raise(py)
    }

    /// Turns do-not-disturb on or off.
    fn set_dnd(&self, py: Python<'_>, number: &str, on: bool) -> PyResult<()> {
        self.pbx.set_dnd(number, on).or_raise(py)
    }

    /// A new user with a full licence and no extension. Its id.
    fn add_user(&self, py: Python<'_>, user_name: &str, displayed_name: &str) -> PyResult<Uuid> {
        self.pbx.add_user(user_name, displayed_name).or_raise(py)
    }

    /// Removes a user, with logins and status. The extensions stay, unbound.
    fn remove_user(&self, py: Python<'_>, user_name: &str) -> PyResult<()> {
        self.pbx.remove_user(user_name).or_raise(py)
    }

    /// Gives a user another user name; the id stays.
    fn rename_user(&self, py: Python<'_>, user_name: &str, new_user_name: &str) -> PyResult<()> {
        self.pbx.rename_user(user_name, new_user_name).or_raise(py)
    }

    /// Sets the displayed name of a user.
    fn set_displayed_name(&self, py: Python<'_>, user_name: &str, displayed_name: &str) -> PyResult<()> {
        self.pbx.set_displayed_name(user_name, displayed_name).or_raise(py)
    }

    /// Gives a user a full licence, or a lite one.
    fn set_full_user(&self, py: Python<'_>, user_name: &str, full: bool) -> PyResult<()> {
        self.pbx.set_full_user(user_name, full).or_raise(py)
    }

    /// A user's client connects. The id of the login.
    #[pyo3(
        signature = (user_name, ip="127.0.0.1", port=None),
        text_signature = "($self, user_name, ip='127.0.0.1', port=50000)"
    )]
    fn log_in_user(
        &self,
        py: Python<'_>,
        user_name: &str,
        ip: &str,
        port: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Uuid> {
        let port = port.map_or(Ok(50_000), |port| convert::argument("port", port))?;
        self.pbx.log_in_user(user_name, ip, port).or_raise(py)
    }

    /// All of a user's clients disconnect.
    fn log_out_user(&self, py: Python<'_>, user_name: &str) -> PyResult<()> {
        self.pbx.log_out_user(user_name).or_raise(py)
    }

    /// Sets a user's status, as the user would. `return_time` is Unix time in milliseconds.
    #[pyo3(signature = (user_name, name, r#type, note="", return_time=None))]
    fn set_status(
        &self,
        py: Python<'_>,
        user_name: &str,
        name: &str,
        r#type: &str,
        note: &str,
        return_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let return_time = return_time.map_or(Ok(-1), |time| convert::argument("return_time", time))?;
        self.pbx.set_status(user_name, name, r#type, note, return_time).or_raise(py)
    }

    /// A new queue without agents. Its id.
    fn add_queue(&self, py: Python<'_>, identifier: &str, display_name: &str) -> PyResult<Uuid> {
        self.pbx.add_queue(identifier, display_name).or_raise(py)
    }

    /// Removes a queue; its callers are hung up, its agents are logged out.
    fn remove_queue(&self, py: Python<'_>, identifier: &str) -> PyResult<()> {
        self.pbx.remove_queue(identifier).or_raise(py)
    }

    /// Enables or disables a queue; a disabled one and its agents are not shown.
    fn set_queue_enabled(&self, py: Python<'_>, identifier: &str, enabled: bool) -> PyResult<()> {
        self.pbx.set_queue_enabled(identifier, enabled).or_raise(py)
    }

    /// Logs an extension in to a queue. The agent's id.
    fn log_in_agent(&self, py: Python<'_>, queue: &str, extension: &str) -> PyResult<Uuid> {
        self.pbx.log_in_agent(queue, extension).or_raise(py)
    }

    /// Logs an extension out of a queue.
    fn log_out_agent(&self, py: Python<'_>, queue: &str, extension: &str) -> PyResult<()> {
        self.pbx.log_out_agent(queue, extension).or_raise(py)
    }

    /// Pauses an agent, or ends the pause.
    #[pyo3(signature = (queue, extension, paused=true))]
    fn pause_agent(&self, py: Python<'_>, queue: &str, extension: &str, paused: bool) -> PyResult<()> {
        self.pbx.pause_agent(queue, extension, paused).or_raise(py)
    }

    /// Sets an agent's state, until the next call of its extension changes it.
    fn set_agent_state(&self, py: Python<'_>, queue: &str, extension: &str, state: &str) -> PyResult<()> {
        self.pbx.set_agent_state(queue, extension, state).or_raise(py)
    }

    /// A new conference room. Its id.
    fn add_conference(&self, py: Python<'_>, identifier: &str, display_name: &str) -> PyResult<Uuid> {
        self.pbx.add_conference(identifier, display_name).or_raise(py)
    }

    /// Removes a conference room; who is in it is hung up.
    fn remove_conference(&self, py: Python<'_>, identifier: &str) -> PyResult<()> {
        self.pbx.remove_conference(identifier).or_raise(py)
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "slug", self.slug())?,
            field(py, "extensions", self.extension_numbers().len())?,
            field(py, "call_segments", self.call_segment_count())?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<SandboxCoreServer {}>", self.pbx.slug())
    }
}

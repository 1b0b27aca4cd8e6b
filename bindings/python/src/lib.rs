//! The native module of the Python package `isymphony`. Users import `isymphony`; this is `isymphony._isymphony`.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `live`, `connect`, `settings` | a client, how it is opened, and its settings |
//! | `doctor` | what a server has |
//! | `context` | what the objects of one snapshot share |
//! | `snapshot`, `mapping`, `change` | a snapshot, its lists, and what changed between two |
//! | `resource` | the resources: one frozen class a kind |
//! | `handle`, `binding`, `ticket` | symbolic references, to what they are bound, and actions that were sent |
//! | `watch` | what changes, as it changes |
//! | `health` | how a client is doing |
//! | `pickle` | values on their way to another process |
//! | `sandbox` | the embedded server |
//! | `errors` | the one way from an error of the core to a Python exception |
//! | `convert` | from Python arguments to those of the core |
//! | `blocking` | calls that take long: without the GIL, ended by Ctrl-C |
//! | `exit` | the end of the interpreter, which no thread of the application may meet within us |
//! | `rich` | what the library rich shows of an object |
//! | `records` | records of the `log` crate on their way to `logging` |
//!
//! Rules: all classes are frozen; no object holds a Python reference to what it came from, so there are no reference
//! cycles; no thread of ours ever asks for the GIL; no lock of ours is held while the GIL is taken.

use std::sync::OnceLock;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

mod binding;
mod blocking;
mod change;
mod connect;
mod context;
mod convert;
mod doctor;
mod errors;
mod exit;
mod handle;
mod health;
mod live;
mod mapping;
mod pickle;
mod records;
mod resource;
mod rich;
mod sandbox;
mod settings;
mod snapshot;
mod ticket;
mod watch;

/// The native module; see the package `isymphony`.
#[pyo3::pymodule]
mod _isymphony {
    #[pymodule_export]
    use super::binding::Binding;
    #[pymodule_export]
    use super::change::Change;
    #[pymodule_export]
    use super::connect::connect;
    #[pymodule_export]
    use super::doctor::{Finding, Report, examine};
    #[pymodule_export]
    use super::exit::_exit_begins;
    #[pymodule_export]
    use super::handle::{
        AgentHandle, CallSegmentHandle, ConferenceRoomHandle, CoreServerHandle, ExtensionHandle, Handle, QueueHandle,
        StatusHandle, UserHandle,
    };
    #[pymodule_export]
    use super::health::{Health, Problem};
    #[pymodule_export]
    use super::live::Live;
    #[pymodule_export]
    use super::mapping::ResourceMapping;
    #[pymodule_export]
    use super::pickle::_value_from_parts;
    #[pymodule_export]
    use super::records::_take_log_records;
    #[pymodule_export]
    use super::resource::kinds::{
        Agent, CallSegment, ConferenceRoom, CoreServer, Extension, Login, Queue, Statistics, Status, User,
    };
    #[pymodule_export]
    use super::resource::value::_resource_from_value;
    #[pymodule_export]
    use super::resource::{CallerId, Resource};
    #[pymodule_export]
    use super::sandbox::model::SandboxCoreServer;
    #[pymodule_export]
    use super::sandbox::{Sandbox, SandboxRequest};
    #[pymodule_export]
    use super::snapshot::Snapshot;
    #[pymodule_export]
    use super::ticket::Ticket;
    #[pymodule_export]
    use super::watch::Watch;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::refuse_a_second_interpreter(module.py())?;
        super::records::install();
        module.add("_is_debug_build", cfg!(debug_assertions))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// What this module keeps in statics (classes, functions) belongs to one interpreter, so a second one in the same process
/// is told that it cannot have it.
fn refuse_a_second_interpreter(py: Python<'_>) -> PyResult<()> {
    static FIRST: OnceLock<usize> = OnceLock::new();
    // Each interpreter has a module `sys` of its own, for as long as it lives.
    let this = py.import("sys")?.as_ptr() as usize;
    if *FIRST.get_or_init(|| this) == this {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "isymphony can be imported in one interpreter of a process only, and one has it already",
    ))
}

//! An extension that is logged in to a queue.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Agent;

use crate::error::isym_status;
use crate::extension::isym_extension;
use crate::guard::{self, found};
use crate::queue::isym_queue;
use crate::resource::{self, isym_resource};
use crate::statistics::isym_statistics;
use crate::str::isym_str;
use crate::uuid::isym_uuid;

/// An extension that is logged in to a queue.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_agent {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as an agent.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_agent(
    resource: isym_resource,
    agent: Option<&mut MaybeUninit<isym_agent>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Agent).map(|resource| isym_agent { resource }), agent))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_resource(agent: isym_agent) -> isym_resource {
    agent.resource
}

/// The id of an agent: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_id(agent: isym_agent) -> isym_uuid {
    resource::isym_resource_id(agent.resource)
}

/// Whether an agent is paused.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_paused(agent: isym_agent) -> bool {
    agent.resource.view(|view: Agent<'_>| view.paused().unwrap_or_default())
}

/// The state of an agent's device, as in "NOT_INUSE".
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_state(agent: isym_agent) -> isym_str {
    agent.resource.text(|view: Agent<'_>| view.state())
}

/// An agent's name.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_name(agent: isym_agent) -> isym_str {
    agent.resource.text(|view: Agent<'_>| view.name())
}

/// Whether an agent logged in, rather than being configured.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_dynamic(agent: isym_agent) -> bool {
    agent.resource.view(|view: Agent<'_>| view.dynamic().unwrap_or_default())
}

/// The queue an agent is logged in to.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_queue(agent: isym_agent, queue: Option<&mut MaybeUninit<isym_queue>>) -> isym_status {
    agent.resource.related(queue, |view: Agent<'_>| view.queue().map(|queue| isym_queue { resource: (*queue).into() }))
}

/// The extension that is logged in as an agent.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_extension(
    agent: isym_agent,
    extension: Option<&mut MaybeUninit<isym_extension>>,
) -> isym_status {
    agent.resource.related(extension, |view: Agent<'_>| {
        view.extension().map(|extension| isym_extension { resource: (*extension).into() })
    })
}

/// The statistics of an agent.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_agent_statistics(
    agent: isym_agent,
    statistics: Option<&mut MaybeUninit<isym_statistics>>,
) -> isym_status {
    agent.resource.related(statistics, |view: Agent<'_>| {
        view.statistics().map(|statistics| isym_statistics { resource: (*statistics).into() })
    })
}

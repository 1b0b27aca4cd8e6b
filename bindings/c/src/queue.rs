//! A call queue.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Queue;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::list::isym_list;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::uuid::isym_uuid;

/// A call queue.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_queue {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a queue.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_queue(
    resource: isym_resource,
    queue: Option<&mut MaybeUninit<isym_queue>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Queue).map(|resource| isym_queue { resource }), queue))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_resource(queue: isym_queue) -> isym_resource {
    queue.resource
}

/// The id of a queue: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_id(queue: isym_queue) -> isym_uuid {
    resource::isym_resource_id(queue.resource)
}

/// The name of a queue for people.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_display_name(queue: isym_queue) -> isym_str {
    queue.resource.text(|view: Queue<'_>| view.display_name())
}

/// The number or name of a queue on the PBX: the symbolic name.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_identifier(queue: isym_queue) -> isym_str {
    queue.resource.text(|view: Queue<'_>| view.identifier())
}

/// The id of a queue in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_configuration_id(queue: isym_queue) -> isym_str {
    queue.resource.text(|view: Queue<'_>| view.configuration_id())
}

/// The id of the permission that guards a queue.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_permission_id(queue: isym_queue) -> isym_str {
    queue.resource.text(|view: Queue<'_>| view.permission_id())
}

/// The agents that are logged in to a queue.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_agents(queue: isym_queue) -> isym_list {
    queue.resource.view(|view: Queue<'_>| view.agents().into())
}

/// The call segments in a queue.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_queue_call_segments(queue: isym_queue) -> isym_list {
    queue.resource.view(|view: Queue<'_>| view.call_segments().into())
}

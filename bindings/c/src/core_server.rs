//! A core server: one PBX that the iSymphony server manages.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::CoreServer;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::list::isym_list;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::uuid::isym_uuid;

/// A core server: one PBX that the iSymphony server manages.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_core_server {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a core server.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_core_server(
    resource: isym_resource,
    core_server: Option<&mut MaybeUninit<isym_core_server>>,
) -> isym_status {
    guard::quiet(|| {
        found(resource.of_kind(Kind::CoreServer).map(|resource| isym_core_server { resource }), core_server)
    })
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_resource(core_server: isym_core_server) -> isym_resource {
    core_server.resource
}

/// The id of a core server: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_id(core_server: isym_core_server) -> isym_uuid {
    resource::isym_resource_id(core_server.resource)
}

/// The short name of a core server that stands in paths, as in "default".
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_slug(core_server: isym_core_server) -> isym_str {
    core_server.resource.text(|view: CoreServer<'_>| view.slug())
}

/// The name of a core server for people.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_name(core_server: isym_core_server) -> isym_str {
    core_server.resource.text(|view: CoreServer<'_>| view.name())
}

/// The users below a core server.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_users(core_server: isym_core_server) -> isym_list {
    core_server.resource.view(|view: CoreServer<'_>| view.users().into())
}

/// The extensions below a core server.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_extensions(core_server: isym_core_server) -> isym_list {
    core_server.resource.view(|view: CoreServer<'_>| view.extensions().into())
}

/// The call segments below a core server.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_call_segments(core_server: isym_core_server) -> isym_list {
    core_server.resource.view(|view: CoreServer<'_>| view.call_segments().into())
}

/// The queues below a core server.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_queues(core_server: isym_core_server) -> isym_list {
    core_server.resource.view(|view: CoreServer<'_>| view.queues().into())
}

/// The conference rooms below a core server.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_core_server_conferences(core_server: isym_core_server) -> isym_list {
    core_server.resource.view(|view: CoreServer<'_>| view.conferences().into())
}

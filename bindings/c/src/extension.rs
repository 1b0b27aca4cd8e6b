//! An extension of the PBX.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Extension;

use crate::agent::isym_agent;
use crate::error::isym_status;
use crate::guard::{self, found};
use crate::list::isym_list;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::user::isym_user;
use crate::uuid::isym_uuid;

/// An extension of the PBX. The Live API tells neither its call state nor its do-not-disturb state.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_extension {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as an extension.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_extension(
    resource: isym_resource,
    extension: Option<&mut MaybeUninit<isym_extension>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Extension).map(|resource| isym_extension { resource }), extension))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_resource(extension: isym_extension) -> isym_resource {
    extension.resource
}

/// The id of an extension: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_id(extension: isym_extension) -> isym_uuid {
    resource::isym_resource_id(extension.resource)
}

/// The number that is dialled, not always digits ("*72"): the symbolic name.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_extension_number(extension: isym_extension) -> isym_str {
    extension.resource.text(|view: Extension<'_>| view.extension_number())
}

/// The name of an extension for people.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_display_name(extension: isym_extension) -> isym_str {
    extension.resource.text(|view: Extension<'_>| view.display_name())
}

/// The id of an extension in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_configuration_id(extension: isym_extension) -> isym_str {
    extension.resource.text(|view: Extension<'_>| view.configuration_id())
}

/// The id of the permission that guards an extension.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_permission_id(extension: isym_extension) -> isym_str {
    extension.resource.text(|view: Extension<'_>| view.permission_id())
}

/// The call segments on an extension.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_call_segments(extension: isym_extension) -> isym_list {
    extension.resource.view(|view: Extension<'_>| view.call_segments().into())
}

/// How many users have an extension.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_user_count(extension: isym_extension) -> usize {
    extension.resource.view(|view: Extension<'_>| view.users().len())
}

/// One of the users who have an extension, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_user_at(
    extension: isym_extension,
    position: usize,
    user: Option<&mut MaybeUninit<isym_user>>,
) -> isym_status {
    extension.resource.related(user, |view: Extension<'_>| {
        view.users().get(position).map(|user| isym_user { resource: (**user).into() })
    })
}

/// How many agents an extension has: one for each queue it is logged in to.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_agent_count(extension: isym_extension) -> usize {
    extension.resource.view(|view: Extension<'_>| view.agents().len())
}

/// One of the agents of an extension, one for each queue it is logged in to, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_extension_agent_at(
    extension: isym_extension,
    position: usize,
    agent: Option<&mut MaybeUninit<isym_agent>>,
) -> isym_status {
    extension.resource.related(agent, |view: Extension<'_>| {
        view.agents().get(position).map(|agent| isym_agent { resource: (**agent).into() })
    })
}

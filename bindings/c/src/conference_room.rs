//! A conference room.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::ConferenceRoom;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::list::isym_list;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::uuid::isym_uuid;

/// A conference room.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_conference_room {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a conference room.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_conference_room(
    resource: isym_resource,
    room: Option<&mut MaybeUninit<isym_conference_room>>,
) -> isym_status {
    guard::quiet(|| {
        found(resource.of_kind(Kind::ConferenceRoom).map(|resource| isym_conference_room { resource }), room)
    })
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_resource(room: isym_conference_room) -> isym_resource {
    room.resource
}

/// The id of a conference room: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_id(room: isym_conference_room) -> isym_uuid {
    resource::isym_resource_id(room.resource)
}

/// The id of a conference room in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_configuration_id(room: isym_conference_room) -> isym_str {
    room.resource.text(|view: ConferenceRoom<'_>| view.configuration_id())
}

/// The name of a conference room for people.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_display_name(room: isym_conference_room) -> isym_str {
    room.resource.text(|view: ConferenceRoom<'_>| view.display_name())
}

/// The number or name of a conference room on the PBX: the symbolic name (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_identifier(room: isym_conference_room) -> isym_str {
    room.resource.text(|view: ConferenceRoom<'_>| view.identifier())
}

/// What is dialled to enter a conference room.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_dial_string(room: isym_conference_room) -> isym_str {
    room.resource.text(|view: ConferenceRoom<'_>| view.dial_string())
}

/// Whether a user made a conference room.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_user_generated(room: isym_conference_room) -> bool {
    room.resource.view(|view: ConferenceRoom<'_>| view.user_generated().unwrap_or_default())
}

/// The id of the permission that guards a conference room.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_permission_id(room: isym_conference_room) -> isym_str {
    room.resource.text(|view: ConferenceRoom<'_>| view.permission_id())
}

/// The call segments in a conference room.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_conference_room_call_segments(room: isym_conference_room) -> isym_list {
    room.resource.view(|view: ConferenceRoom<'_>| view.call_segments().into())
}

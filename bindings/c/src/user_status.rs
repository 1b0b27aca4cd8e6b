//! The status a user shows.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Status;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::user::isym_user;
use crate::uuid::isym_uuid;

/// The status a user shows. (isym_status is what a call answers.)
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_user_status {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a status.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_user_status(
    resource: isym_resource,
    status: Option<&mut MaybeUninit<isym_user_status>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Status).map(|resource| isym_user_status { resource }), status))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_resource(status: isym_user_status) -> isym_resource {
    status.resource
}

/// The id of a status: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_id(status: isym_user_status) -> isym_uuid {
    resource::isym_resource_id(status.resource)
}

/// The id of a status in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_configuration_id(status: isym_user_status) -> isym_str {
    status.resource.text(|view: Status<'_>| view.configuration_id())
}

/// The name of a status, as in "Lunch".
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_name(status: isym_user_status) -> isym_str {
    status.resource.text(|view: Status<'_>| view.name())
}

/// Which icon is shown for a status, as in "away"; it changes no call flow.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_type(status: isym_user_status) -> isym_str {
    status.resource.text(|view: Status<'_>| view.r#type())
}

/// A note the user wrote; empty also when there is none.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_note(status: isym_user_status) -> isym_str {
    status.resource.text(|view: Status<'_>| view.note())
}

/// When the user means to be back, as Unix milliseconds; -1 when not said.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_return_time_ms(status: isym_user_status) -> i64 {
    status.resource.view(|view: Status<'_>| view.return_time().unwrap_or_default())
}

/// Whether the user made this status up.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_user_created(status: isym_user_status) -> bool {
    status.resource.view(|view: Status<'_>| view.user_created().unwrap_or_default())
}

/// The user whose status it is.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_user(
    status: isym_user_status,
    user: Option<&mut MaybeUninit<isym_user>>,
) -> isym_status {
    status.resource.related(user, |view: Status<'_>| view.user().map(|user| isym_user { resource: (*user).into() }))
}

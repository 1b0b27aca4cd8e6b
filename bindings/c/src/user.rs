//! A user of iSymphony.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::User;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::list::isym_list;
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::user_status::isym_user_status;
use crate::uuid::isym_uuid;

/// A user of iSymphony.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_user {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a user.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_user(
    resource: isym_resource,
    user: Option<&mut MaybeUninit<isym_user>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::User).map(|resource| isym_user { resource }), user))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_resource(user: isym_user) -> isym_resource {
    user.resource
}

/// The id of a user: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_id(user: isym_user) -> isym_uuid {
    resource::isym_resource_id(user.resource)
}

/// The id of a user in the Configuration API, which should survive a restart of the server (inferred).
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_configuration_id(user: isym_user) -> isym_str {
    user.resource.text(|view: User<'_>| view.configuration_id())
}

/// The name a user logs in with: the symbolic name.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_user_name(user: isym_user) -> isym_str {
    user.resource.text(|view: User<'_>| view.user_name())
}

/// The name of a user for people.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_displayed_name(user: isym_user) -> isym_str {
    user.resource.text(|view: User<'_>| view.displayed_name())
}

/// The id of the permission that guards a user.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_permission_id(user: isym_user) -> isym_str {
    user.resource.text(|view: User<'_>| view.permission_id())
}

/// The clients a user is logged in with now.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_logins(user: isym_user) -> isym_list {
    user.resource.view(|view: User<'_>| view.logins().into())
}

/// A user's extensions.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_extensions(user: isym_user) -> isym_list {
    user.resource.view(|view: User<'_>| view.extensions().into())
}

/// The status of a user; not found where a licence or the server has none.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_user_status_of(
    user: isym_user,
    status: Option<&mut MaybeUninit<isym_user_status>>,
) -> isym_status {
    user.resource
        .related(status, |view: User<'_>| view.status().map(|status| isym_user_status { resource: (*status).into() }))
}

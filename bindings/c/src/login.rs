//! A client with which a user is logged in now.

use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Login;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::resource::{self, isym_resource};
use crate::str::isym_str;
use crate::user::isym_user;
use crate::uuid::isym_uuid;

/// A client with which a user is logged in now.
///
/// A small value, see isym_resource: borrowed from a snapshot, to be copied at will; an empty one answers empty, 0
/// and false. An accessor answers the same for a property that is missing, null or of another type than the catalogue
/// says: isym_resource_property_state tells which.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_login {
    /// The same as a resource of any kind.
    pub resource: isym_resource,
}

/// The resource as a login.
///
/// Answers ISYM_NOT_FOUND where it is of another kind, and for an empty view. What is found is borrowed from the same
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_as_login(
    resource: isym_resource,
    login: Option<&mut MaybeUninit<isym_login>>,
) -> isym_status {
    guard::quiet(|| found(resource.of_kind(Kind::Login).map(|resource| isym_login { resource }), login))
}

/// The same as a resource of any kind.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_resource(login: isym_login) -> isym_resource {
    login.resource
}

/// The id of a login: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_id(login: isym_login) -> isym_uuid {
    resource::isym_resource_id(login.resource)
}

/// The address a client connected from.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_ip(login: isym_login) -> isym_str {
    login.resource.text(|view: Login<'_>| view.ip())
}

/// The port a client connected from.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_port(login: isym_login) -> i64 {
    login.resource.view(|view: Login<'_>| view.port().unwrap_or_default())
}

/// When a client connected, as Unix milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_time_connected_ms(login: isym_login) -> i64 {
    login.resource.view(|view: Login<'_>| view.time_connected().unwrap_or_default())
}

/// The user who is logged in.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_login_user(login: isym_login, user: Option<&mut MaybeUninit<isym_user>>) -> isym_status {
    login.resource.related(user, |view: Login<'_>| view.user().map(|user| isym_user { resource: (*user).into() }))
}

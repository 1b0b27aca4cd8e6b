//! The users and extensions of a sandbox, changed by a script.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::sandbox::isym_sandbox;
use crate::sandbox_calls::give;
use crate::str::{self, isym_texts};
use crate::uuid::isym_uuid;

/// A new user with a full licence and no extension. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    displayed_name: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.add_user(str::text(user_name, "user_name")?, str::any(displayed_name, "displayed_name")?)?, id);
        Ok(())
    })
}

/// Removes a user, with logins and status. The extensions stay.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_remove_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.remove_user(str::text(user_name, "user_name")?)
    })
}

/// Gives a user another user name; the id stays.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_rename_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    new_user_name: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.rename_user(str::text(user_name, "user_name")?, str::text(new_user_name, "new_user_name")?)
    })
}

/// Sets the displayed name of a user.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_displayed_name(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    displayed_name: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_displayed_name(str::text(user_name, "user_name")?, str::any(displayed_name, "displayed_name")?)
    })
}

/// Gives a user a full licence, or a lite one.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_full_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    full: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_full_user(str::text(user_name, "user_name")?, full)
    })
}

/// A user's client connects. `id`, which may be NULL, gets the id of the login.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_log_in_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    ip: *const c_char,
    port: u16,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.log_in_user(str::text(user_name, "user_name")?, str::text(ip, "ip")?, port)?, id);
        Ok(())
    })
}

/// All of a user's clients disconnect.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_log_out_user(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.log_out_user(str::text(user_name, "user_name")?)
    })
}

/// Sets a user's status, as the user would; see isym_user_set_status.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_status(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    user_name: *const c_char,
    name: *const c_char,
    status_type: *const c_char,
    note: *const c_char,
    return_time_ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        let user = str::text(user_name, "user_name")?;
        let note = str::optional(note, "note")?.unwrap_or_default();
        pbx.set_status(user, str::text(name, "name")?, str::text(status_type, "status_type")?, note, return_time_ms)
    })
}

/// A new extension, bound to a user; where `user_name` is NULL to none, so that a licence hides it. `id`, which may
/// be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_extension(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    display_name: *const c_char,
    user_name: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        let (number, display_name) = (str::text(number, "number")?, str::any(display_name, "display_name")?);
        give(pbx.add_extension(number, display_name, str::optional(user_name, "user_name")?)?, id);
        Ok(())
    })
}

/// Removes an extension; its calls end, its agents are logged out.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_remove_extension(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.remove_extension(str::text(number, "number")?)
    })
}

/// Gives an extension another number; the id stays.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_rename_extension(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    new_number: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.rename_extension(str::text(number, "number")?, str::text(new_number, "new_number")?)
    })
}

/// Sets the display name of an extension.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_display_name(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    display_name: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_display_name(str::text(number, "number")?, str::any(display_name, "display_name")?)
    })
}

/// The numbers of all extensions, in the order of the server's list; those that a licence hides too.
///
/// `numbers` is the caller's, who frees them with isym_texts_free.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_extension_numbers(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    numbers: Option<&mut MaybeUninit<Box<isym_texts>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (pbx, out) = (isym_sandbox::pbx(sandbox, core_server)?, need(numbers, "numbers")?);
        out.write(isym_texts::boxed(pbx.extension_numbers()));
        Ok(())
    })
}

/// Turns do-not-disturb on or off.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_dnd(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_dnd(str::text(number, "number")?, on)
    })
}

/// Whether do-not-disturb is on, which the Live API does not show.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_dnd(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    number: *const c_char,
    on: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (pbx, out) = (isym_sandbox::pbx(sandbox, core_server)?, need(on, "on")?);
        out.write(pbx.dnd(str::text(number, "number")?)?);
        Ok(())
    })
}

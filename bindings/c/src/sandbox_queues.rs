//! The queues, agents and conference rooms of a sandbox, changed by a script; and the ids of everything.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::catalog::Kind;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, invalid, need};
use crate::kind::checked;
use crate::sandbox::isym_sandbox;
use crate::sandbox_calls::give;
use crate::str;
use crate::uuid::isym_uuid;

/// A new queue without agents. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_queue(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    identifier: *const c_char,
    display_name: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.add_queue(str::text(identifier, "identifier")?, str::any(display_name, "display_name")?)?, id);
        Ok(())
    })
}

/// Removes a queue; its callers are hung up, its agents are logged out.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_remove_queue(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    identifier: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.remove_queue(str::text(identifier, "identifier")?)
    })
}

/// Enables or disables a queue; a disabled one and its agents are not shown.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_queue_enabled(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    identifier: *const c_char,
    enabled: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_queue_enabled(str::text(identifier, "identifier")?, enabled)
    })
}

/// Logs an extension in to a queue. `id`, which may be NULL, gets the agent's id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where it is logged in already.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_log_in_agent(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.log_in_agent(str::text(queue, "queue")?, str::text(extension, "extension")?)?, id);
        Ok(())
    })
}

/// Logs an extension out of a queue.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_log_out_agent(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.log_out_agent(str::text(queue, "queue")?, str::text(extension, "extension")?)
    })
}

/// Pauses an agent, or ends the pause.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_pause_agent(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    paused: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.pause_agent(str::text(queue, "queue")?, str::text(extension, "extension")?, paused)
    })
}

/// Sets an agent's state, until the next call of its extension changes it.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_set_agent_state(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    state: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.set_agent_state(str::text(queue, "queue")?, str::text(extension, "extension")?, str::text(state, "state")?)
    })
}

/// A new conference room. `id`, which may be NULL, gets its id.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_conference(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    identifier: *const c_char,
    display_name: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.add_conference(str::text(identifier, "identifier")?, str::any(display_name, "display_name")?)?, id);
        Ok(())
    })
}

/// Removes a conference room; who is in it is hung up.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_remove_conference(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    identifier: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.remove_conference(str::text(identifier, "identifier")?)
    })
}

/// The id, of this incarnation, of what has this symbolic name and is of this kind (isym_kind). For
/// ISYM_KIND_CORE_SERVER the name is not looked at.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_id_of(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    kind: u32,
    name: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (pbx, out) = (isym_sandbox::pbx(sandbox, core_server)?, need(id, "id")?);
        let found = match checked(kind, "kind")? {
            Kind::CoreServer => pbx.core_server_id(),
            Kind::User => pbx.user_id(str::text(name, "name")?)?,
            Kind::Extension => pbx.extension_id(str::text(name, "name")?)?,
            Kind::Queue => pbx.queue_id(str::text(name, "name")?)?,
            Kind::ConferenceRoom => pbx.conference_id(str::text(name, "name")?)?,
            kind => return Err(invalid(format!("{kind:#} has no symbolic name"))),
        };
        out.write(found.into());
        Ok(())
    })
}

/// The id of an extension's agent in a queue.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_agent_id(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    extension: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.agent_id(str::text(queue, "queue")?, str::text(extension, "extension")?)?, id);
        Ok(())
    })
}

//! The calls of a sandbox, moved by a script.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Result;
use isymphony_core::sandbox::Caller;
use uuid::Uuid;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::sandbox::isym_sandbox;
use crate::str;
use crate::uuid::{isym_uuid, isym_uuids};

/// A call from outside makes an extension ring, until isym_sandbox_answer or isym_sandbox_hang_up. `did` is the
/// number that was dialled; NULL: not known. `id`, which may be NULL, gets the id of the segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_call(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    extension: *const c_char,
    caller_name: *const c_char,
    caller_number: *const c_char,
    did: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.add_call(str::text(extension, "extension")?, &caller(caller_name, caller_number, did)?)?, id);
        Ok(())
    })
}

/// A call from outside waits in a queue; a free agent rings until isym_sandbox_answer. `did` is the number that was
/// dialled; NULL: not known. `id`, which may be NULL, gets the id of the segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_queue_call(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    queue: *const c_char,
    caller_name: *const c_char,
    caller_number: *const c_char,
    did: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.queue_call(str::text(queue, "queue")?, &caller(caller_name, caller_number, did)?)?, id);
        Ok(())
    })
}

/// One extension calls another, which rings until isym_sandbox_answer. `caller` and `called`, which may be NULL, get
/// the ids of the two segments.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where do-not-disturb is on.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_add_internal_call(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    from: *const c_char,
    to: *const c_char,
    caller: Option<&mut MaybeUninit<isym_uuid>>,
    called: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        let (first, second) = pbx.add_internal_call(str::text(from, "from")?, str::text(to, "to")?)?;
        give(first, caller);
        give(second, called);
        Ok(())
    })
}

/// Does what the action does: rings the extension, then calls the destination; goes on by itself. `id`, which may be
/// NULL, gets the id of the extension's segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_originate(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    extension: *const c_char,
    destination: *const c_char,
    id: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        give(pbx.originate(str::text(extension, "extension")?, str::text(destination, "destination")?)?, id);
        Ok(())
    })
}

/// Answers a ringing segment; for a caller in a queue, the agent that rings for him.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT, ISYM_REJECTED where nothing rings.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_answer(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.answer(segment.into())
    })
}

/// Puts a segment on hold, or takes it back.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_hold(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.hold(segment.into(), on)
    })
}

/// Starts or ends recording a segment.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_record(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    on: bool,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.record(segment.into(), on)
    })
}

/// Ends a segment, and the one it talks to.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_hang_up(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.hang_up(segment.into())
    })
}

/// Ends all calls.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_hang_up_all(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        isym_sandbox::pbx(sandbox, core_server)?.hang_up_all();
        Ok(())
    })
}

/// Puts a segment into a conference room.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_join_conference(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    conference: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.join_conference(segment.into(), str::text(conference, "conference")?)
    })
}

/// Moves a segment to an extension, a queue, a conference room or an outside number, as the action does.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_transfer(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    segment: isym_uuid,
    destination: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let pbx = isym_sandbox::pbx(sandbox, core_server)?;
        pbx.transfer(segment.into(), str::text(destination, "destination")?)
    })
}

/// The ids of the call segments on an extension, oldest first.
///
/// `segments` is the caller's, who frees them with isym_uuids_free.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_call_segments(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    extension: *const c_char,
    segments: Option<&mut MaybeUninit<Box<isym_uuids>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (pbx, out) = (isym_sandbox::pbx(sandbox, core_server)?, need(segments, "segments")?);
        out.write(isym_uuids::boxed(pbx.call_segments(str::text(extension, "extension")?)?));
        Ok(())
    })
}

/// How many call segments there are.
///
/// Errors: ISYM_NOT_FOUND, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_call_segment_count(
    sandbox: Option<&isym_sandbox>,
    core_server: *const c_char,
    count: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (pbx, out) = (isym_sandbox::pbx(sandbox, core_server)?, need(count, "count")?);
        out.write(pbx.call_segment_count());
        Ok(())
    })
}

fn caller(name: *const c_char, number: *const c_char, did: *const c_char) -> Result<Caller> {
    let caller = Caller::new(str::any(name, "caller_name")?, str::text(number, "caller_number")?);
    Ok(match str::optional(did, "did")? {
        Some(did) => caller.did(did),
        None => caller,
    })
}

pub(crate) fn give(id: Uuid, out: Option<&mut MaybeUninit<isym_uuid>>) {
    if let Some(out) = out {
        out.write(id.into());
    }
}

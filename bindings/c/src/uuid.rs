//! Ids across the boundary.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use uuid::Uuid;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, found, invalid, need};
use crate::str;

/// The id of an instance: 16 bytes in the order they are written. New at every restart of the server.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct isym_uuid {
    /// The bytes.
    pub bytes: [u8; 16],
}

impl From<Uuid> for isym_uuid {
    fn from(id: Uuid) -> isym_uuid {
        isym_uuid { bytes: id.into_bytes() }
    }
}

impl From<isym_uuid> for Uuid {
    fn from(id: isym_uuid) -> Uuid {
        Uuid::from_bytes(id.bytes)
    }
}

/// Writes an id as text, as in "ef2faba9-8557-49c1-9ffc-5a71f41c7a23", with a NUL behind: `out` has room for 37 bytes. Does
/// nothing where it is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuid_format(uuid: isym_uuid, out: *mut c_char) {
    guard::plain(|| {
        let mut text = [0; 37];
        Uuid::from(uuid).hyphenated().encode_lower(&mut text);
        if !out.is_null() {
            // SAFETY: the header demands room for 37 bytes, which are the caller's alone until the call returns.
            unsafe { text.as_ptr().copy_to_nonoverlapping(out.cast(), text.len()) };
        }
    });
}

/// Reads an id from text, with or without hyphens, in either case.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuid_parse(
    text: *const c_char,
    uuid: Option<&mut MaybeUninit<isym_uuid>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (text, out) = (str::text(text, "text")?, need(uuid, "uuid")?);
        let id = Uuid::try_parse(text).map_err(|problem| invalid(format!("text is not a UUID: {problem}")))?;
        out.write(id.into());
        Ok(())
    })
}

/// Whether two ids are the same.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuid_equal(a: isym_uuid, b: isym_uuid) -> bool {
    guard::plain(|| a == b)
}

/// Some ids that were made for the caller, who frees them with isym_uuids_free. Immutable. May be used on any number of
/// threads at once.
pub struct isym_uuids(Vec<isym_uuid>);

impl isym_uuids {
    pub(crate) fn boxed(ids: Vec<Uuid>) -> Box<isym_uuids> {
        Box::new(isym_uuids(ids.into_iter().map(isym_uuid::from).collect()))
    }
}

/// The number of ids.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuids_count(uuids: Option<&isym_uuids>) -> usize {
    guard::plain(|| uuids.map_or(0, |uuids| uuids.0.len()))
}

/// The id at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuids_at(
    uuids: Option<&isym_uuids>,
    position: usize,
    uuid: Option<&mut MaybeUninit<isym_uuid>>,
) -> isym_status {
    guard::quiet(|| found(uuids.and_then(|uuids| uuids.0.get(position)).copied(), uuid))
}

/// Frees ids. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuids_free(uuids: Option<Box<isym_uuids>>) {
    guard::plain(|| drop(uuids));
}

//! Ids across the boundary.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use uuid::Uuid;

use crate::error::{isym_error, isym_status};
use crate::guard::{self, invalid, need};
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

/// Writes an id as text, as in "ef2faba9-8557-49c1-9ffc-5a71f41c7a23", with a NUL behind: 37 bytes. Does nothing where
/// `out` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_uuid_format(uuid: isym_uuid, out: Option<&mut MaybeUninit<[c_char; 37]>>) {
    guard::plain(|| {
        if let Some(out) = out {
            let mut text = [0; 36];
            let text = Uuid::from(uuid).hyphenated().encode_lower(&mut text).as_bytes();
            let mut chars = [0; 37];
            for (to, from) in chars.iter_mut().zip(text) {
                *to = *from as c_char;
            }
            out.write(chars);
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

//! The instances of one list or singleton, borrowed from a snapshot.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use isymphony_core::Snapshot;
use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::{Collection, List, Resource};

use crate::error::{isym_error, isym_status};
use crate::guard::{self, found, invalid, need};
use crate::kind::isym_kind;
use crate::resource::isym_resource;
use crate::str;
use crate::time;
use crate::uuid::isym_uuid;

/// The instances of one list, in the server's order: a small value to be copied at will, borrowed from the snapshot that
/// gave it.
///
/// Valid until that snapshot is freed, on any number of threads at once. A list that is all zero is empty. The members
/// are private.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_list {
    /// Private.
    pub snapshot: *const c_void,
    /// Private.
    pub collection: *const c_void,
    /// Private.
    pub kind: u32,
}

impl Default for isym_list {
    fn default() -> Self {
        isym_list { snapshot: ptr::null(), collection: ptr::null(), kind: 0 }
    }
}

impl From<List<'_>> for isym_list {
    #[inline]
    fn from(list: List<'_>) -> isym_list {
        let (snapshot, collection, kind) = list.parts();
        isym_list {
            snapshot: ptr::from_ref(snapshot).cast(),
            collection: collection.map_or(ptr::null(), |collection| ptr::from_ref(collection).cast()),
            kind: kind as u32,
        }
    }
}

impl isym_list {
    /// The list; `None` for one that is all zero.
    #[inline]
    pub(crate) fn get(&self) -> Option<List<'_>> {
        let kind = Kind::from_number(self.kind)?;
        if self.snapshot.is_null() {
            return None;
        }
        // SAFETY: a list that is not all zero was made by `From<List>` out of these references, and the header demands
        // that it is used no longer than the snapshot lives that it was borrowed from, which holds both.
        let (snapshot, collection) =
            unsafe { (&*self.snapshot.cast::<Snapshot>(), self.collection.cast::<Arc<Collection>>().as_ref()) };
        Some(List::from_parts(snapshot, collection, kind))
    }
}

/// Looks a name up without building an error.
#[inline]
pub(crate) fn look_up<'s>(list: &List<'s>, name: &str) -> Result<Resource<'s>, isym_status> {
    list.find(name).ok_or_else(|| why_not(list, name))
}

#[cold]
fn why_not(list: &List<'_>, name: &str) -> isym_status {
    if list.is_ambiguous(name) { isym_status::ISYM_AMBIGUOUS } else { isym_status::ISYM_NOT_FOUND }
}

/// The kind of what is in a list.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_kind(list: isym_list) -> isym_kind {
    guard::plain(|| list.get().map(|list| list.kind().into()).unwrap_or_default())
}

/// The number of instances in a list.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_count(list: isym_list) -> usize {
    guard::plain(|| list.get().map_or(0, |list| list.len()))
}

/// Whether the server has this list and it is synced; a list that is known may be empty.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_is_known(list: isym_list) -> bool {
    guard::plain(|| list.get().is_some_and(|list| list.is_known()))
}

/// How many milliseconds ago the server last confirmed a list; INT64_MAX where it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_age_ms(list: isym_list) -> i64 {
    guard::plain(|| list.get().and_then(|list| list.age()).map_or(i64::MAX, time::age))
}

/// The instance at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_at(
    list: isym_list,
    position: usize,
    resource: Option<&mut MaybeUninit<isym_resource>>,
) -> isym_status {
    guard::quiet(|| found(list.get().and_then(|list| list.at(position)).map(isym_resource::from), resource))
}

/// The instance with this symbolic name, compared byte for byte. Allocates nothing, found or not.
///
/// Answers ISYM_NOT_FOUND, ISYM_AMBIGUOUS, or ISYM_INVALID_ARGUMENT for a name that is NULL, empty or not UTF-8. What
/// is found is borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_find(
    list: isym_list,
    name: *const c_char,
    resource: Option<&mut MaybeUninit<isym_resource>>,
) -> isym_status {
    guard::quiet(|| {
        let (Some(name), Some(out)) = (str::quiet(name), resource) else { return isym_status::ISYM_INVALID_ARGUMENT };
        let Some(list) = list.get() else { return isym_status::ISYM_NOT_FOUND };
        match look_up(&list, name) {
            Ok(resource) => found(Some(resource.into()), Some(out)),
            Err(status) => status,
        }
    })
}

/// As isym_list_find, with an error that says why not: the candidates of an ambiguous name, or that the kind is not
/// synced.
///
/// What is found is borrowed from the same snapshot.
///
/// Errors: ISYM_NOT_FOUND, ISYM_AMBIGUOUS, ISYM_UNSUPPORTED, ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_by_name(
    list: isym_list,
    name: *const c_char,
    resource: Option<&mut MaybeUninit<isym_resource>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (name, out) = (str::text(name, "name")?, need(resource, "resource")?);
        let list = list.get().ok_or_else(|| invalid("list is empty: all zero".to_owned()))?;
        out.write(list.by_name(name)?.into());
        Ok(())
    })
}

/// The instance with this id.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_list_by_id(
    list: isym_list,
    id: isym_uuid,
    resource: Option<&mut MaybeUninit<isym_resource>>,
) -> isym_status {
    guard::quiet(|| found(list.get().and_then(|list| list.by_id(id.into())).map(isym_resource::from), resource))
}

//! One instance of any kind, borrowed from a snapshot.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use isymphony_core::Snapshot;
use isymphony_core::snapshot::{Collection, Resource, View};

use crate::core_server::isym_core_server;
use crate::error::isym_status;
use crate::guard::{self, found};
use crate::kind::isym_kind;
use crate::str::{isym_str, isym_text};
use crate::time;
use crate::uuid::isym_uuid;

/// One instance of any kind: a small value to be copied at will, borrowed from the snapshot that gave it.
///
/// Valid until that snapshot (or the object that gave it) is freed, on any number of threads at once; the client may be
/// closed and freed before. A view that is all zero is empty: its accessors answer empty, 0 and false. The members are
/// private.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_resource {
    /// Private.
    pub snapshot: *const c_void,
    /// Private.
    pub collection: *const c_void,
    /// Private.
    pub row: u32,
}

impl Default for isym_resource {
    fn default() -> Self {
        isym_resource { snapshot: ptr::null(), collection: ptr::null(), row: 0 }
    }
}

impl From<Resource<'_>> for isym_resource {
    #[inline]
    fn from(resource: Resource<'_>) -> isym_resource {
        let (snapshot, collection, row) = resource.parts();
        isym_resource { snapshot: ptr::from_ref(snapshot).cast(), collection: ptr::from_ref(collection).cast(), row }
    }
}

impl isym_resource {
    /// The resource; `None` for a view that is all zero.
    #[inline]
    pub(crate) fn get(&self) -> Option<Resource<'_>> {
        if self.snapshot.is_null() || self.collection.is_null() {
            return None;
        }
        // SAFETY: a view that is not all zero was made by `From<Resource>` out of these two references, and the header
        // demands that it is used no longer than the snapshot lives that it was borrowed from, which holds both.
        let (snapshot, collection) =
            unsafe { (&*self.snapshot.cast::<Snapshot>(), &*self.collection.cast::<Arc<Collection>>()) };
        Resource::from_parts(snapshot, collection, self.row)
    }

    /// What a typed view says; the default for a view that is empty or of another kind.
    #[inline]
    pub(crate) fn view<'s, V: View<'s>, T: Default>(&'s self, read: impl FnOnce(V) -> T) -> T {
        guard::plain(|| self.get().and_then(V::view).map(read).unwrap_or_default())
    }

    /// A text that a typed view says.
    #[inline]
    pub(crate) fn text<'s, V: View<'s>>(&'s self, read: impl FnOnce(V) -> Option<&'s str>) -> isym_str {
        self.view(|view| read(view).map(isym_str::from_terminated).unwrap_or_default())
    }

    /// What a typed view is related to.
    #[inline]
    pub(crate) fn related<'s, V: View<'s>, T>(
        &'s self,
        out: Option<&mut MaybeUninit<T>>,
        read: impl FnOnce(V) -> Option<T>,
    ) -> isym_status {
        guard::quiet(|| found(self.get().and_then(V::view).and_then(read), out))
    }

    /// The same view, if the resource is of this kind.
    #[inline]
    pub(crate) fn of_kind(self, kind: isymphony_core::catalog::Kind) -> Option<isym_resource> {
        self.get().is_some_and(|resource| resource.kind() == kind).then_some(self)
    }
}

/// The kind of a resource.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_kind(resource: isym_resource) -> isym_kind {
    guard::plain(|| resource.get().map(|resource| resource.kind().into()).unwrap_or_default())
}

/// The id of a resource: new at every restart of the server. All zero for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_id(resource: isym_resource) -> isym_uuid {
    guard::plain(|| resource.get().map(|resource| resource.id().into()).unwrap_or_default())
}

/// The symbolic name of a resource: the slug, user name, number or identifier that stands behind getByName in a path.
/// Empty where the kind has none.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_name(resource: isym_resource) -> isym_str {
    guard::plain(|| {
        let resource = resource.get();
        resource.as_ref().and_then(Resource::name).map(isym_str::from_terminated).unwrap_or_default()
    })
}

/// The id of a resource in the Configuration API, which should survive a restart of the server (inferred). Empty where
/// the kind has none.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_configuration_id(resource: isym_resource) -> isym_str {
    guard::plain(|| {
        let resource = resource.get();
        resource.as_ref().and_then(Resource::configuration_id).map(isym_str::from_terminated).unwrap_or_default()
    })
}

/// The path of a resource, by symbolic names as far as there are any that are not ambiguous, otherwise by ids.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_path(resource: isym_resource) -> Option<Box<isym_text>> {
    guard::plain(|| resource.get().map(|resource| isym_text::boxed(resource.path().to_string())))
}

/// The path of a resource by ids only: valid until the server restarts, and never another object's.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_id_path(resource: isym_resource) -> Option<Box<isym_text>> {
    guard::plain(|| resource.get().map(|resource| isym_text::boxed(resource.id_path().to_string())))
}

/// The whole object as JSON: every value as the server sent it, the properties of the catalogue first.
///
/// Made for the caller, who frees it with isym_text_free. NULL for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_raw(resource: isym_resource) -> Option<Box<isym_text>> {
    guard::plain(|| resource.get().map(|resource| isym_text::boxed(resource.raw())))
}

/// What the catalogue does not know of a resource, as a JSON object; empty when nothing.
///
/// Borrowed from the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_extra(resource: isym_resource) -> isym_str {
    guard::plain(|| {
        let resource = resource.get();
        resource.as_ref().and_then(Resource::extra).map(isym_str::from_terminated).unwrap_or_default()
    })
}

/// How many milliseconds ago the server last confirmed a resource: computed now, so it grows by itself when nothing is
/// confirmed any more. INT64_MAX for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_age_ms(resource: isym_resource) -> i64 {
    guard::plain(|| resource.get().map_or(i64::MAX, |resource| time::age(resource.age())))
}

/// When the server last confirmed a resource, as Unix milliseconds, for display. 0 for an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_confirmed_at_ms(resource: isym_resource) -> i64 {
    guard::plain(|| resource.get().map_or(0, |resource| time::wall(resource.confirmed_at())))
}

/// The core server a resource is below; itself for a core server.
///
/// Answers ISYM_NOT_FOUND for an empty view. What is found is borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_core_server(
    resource: isym_resource,
    core_server: Option<&mut MaybeUninit<isym_core_server>>,
) -> isym_status {
    guard::quiet(|| {
        let server = resource.get().as_ref().and_then(Resource::core_server);
        found(server.map(|server| isym_core_server { resource: server.into() }), core_server)
    })
}

/// Whether two resources are the same instance with the same content; they may come from different snapshots. False for
/// an empty view.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_equal(a: isym_resource, b: isym_resource) -> bool {
    guard::plain(|| a.get().zip(b.get()).is_some_and(|(a, b)| a == b))
}

/// Whether a view is empty: all zero.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_is_empty(resource: isym_resource) -> bool {
    guard::plain(|| resource.get().is_none())
}

/// What is below a resource, by the name of the sub resource in a path or as an attribute, as in "callSegments" and
/// "call_segments": for programs that learn their names at run time. A singleton is a list of one. Empty where the kind
/// has no such sub resource.
///
/// Borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_sub(resource: isym_resource, name: *const c_char) -> crate::list::isym_list {
    guard::plain(|| {
        let Some((resource, name)) = resource.get().zip(crate::str::quiet(name)) else { return Default::default() };
        let sub = isymphony_core::catalog::SubId::find(resource.kind(), name);
        sub.map(|sub| resource.sub(sub).into()).unwrap_or_default()
    })
}

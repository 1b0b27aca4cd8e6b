//! Everything that is known of the server at one moment.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Snapshot;
use isymphony_core::snapshot::{CoreServer, List, Resource, Source, Target, View};

use crate::changes::isym_changes;
use crate::conference_room::isym_conference_room;
use crate::core_server::isym_core_server;
use crate::error::{isym_error, isym_status};
use crate::extension::isym_extension;
use crate::guard::{self, found, invalid, need};
use crate::list::{isym_list, look_up};
use crate::queue::isym_queue;
use crate::resource::isym_resource;
use crate::str;
use crate::time;
use crate::user::isym_user;
use crate::uuid::isym_uuid;

/// Everything that is known of the server at one moment. Immutable: all reads of one snapshot agree with each other.
///
/// All views, lists and texts that a snapshot gives stay valid until it is freed, whatever becomes of the client. It may
/// be used on any number of threads at once.
pub struct isym_snapshot(pub(crate) Snapshot);

/// Where a snapshot comes from.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_source {
    /// Nowhere: the answer for NULL.
    #[default]
    ISYM_SOURCE_NONE = 0,
    /// A server, synced by this process.
    ISYM_SOURCE_LIVE = 1,
    /// A file.
    ISYM_SOURCE_SEALED = 2,
    /// A recording.
    ISYM_SOURCE_REPLAY = 3,
}

/// Another pin of the same snapshot. Cheap. NULL for NULL.
///
/// Made for the caller, who frees it with isym_snapshot_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_clone(snapshot: Option<&isym_snapshot>) -> Option<Box<isym_snapshot>> {
    guard::plain(|| snapshot.map(|snapshot| Box::new(isym_snapshot(snapshot.0.clone()))))
}

/// Frees a snapshot. What was borrowed from it must not be used any more. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_free(snapshot: Option<Box<isym_snapshot>>) {
    guard::plain(|| drop(snapshot));
}

/// The number of a snapshot: 0 before anything was synced, and one more at every publication.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_generation(snapshot: Option<&isym_snapshot>) -> u64 {
    guard::plain(|| snapshot.map_or(0, |snapshot| snapshot.0.generation()))
}

/// The number of the server's incarnation, counted by the client from 1: one more whenever the server restarted and gave
/// all objects new ids. 0 before anything was synced.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_epoch(snapshot: Option<&isym_snapshot>) -> u64 {
    guard::plain(|| snapshot.map_or(0, |snapshot| snapshot.0.epoch()))
}

/// Whether anything was synced yet.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_has_data(snapshot: Option<&isym_snapshot>) -> bool {
    guard::plain(|| snapshot.is_some_and(|snapshot| snapshot.0.has_data()))
}

/// How many milliseconds ago the server last confirmed the core servers' own lists, the oldest of them. Computed now, so
/// it grows by itself when nothing is confirmed any more. INT64_MAX before anything was synced.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_age_ms(snapshot: Option<&isym_snapshot>) -> i64 {
    guard::plain(|| snapshot.map_or(i64::MAX, |snapshot| time::age(snapshot.0.age())))
}

/// When the server last confirmed the core servers' own lists, the oldest of them, as Unix milliseconds, for display. 0 before
/// anything was synced.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_confirmed_at_ms(snapshot: Option<&isym_snapshot>) -> i64 {
    guard::plain(|| snapshot.and_then(|snapshot| snapshot.0.confirmed_at()).map_or(0, time::wall))
}

/// Where a snapshot comes from.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_source(snapshot: Option<&isym_snapshot>) -> isym_source {
    guard::plain(|| match snapshot.map(|snapshot| snapshot.0.source()) {
        None => isym_source::ISYM_SOURCE_NONE,
        Some(Source::Live) => isym_source::ISYM_SOURCE_LIVE,
        Some(Source::Sealed) => isym_source::ISYM_SOURCE_SEALED,
        Some(Source::Replay) => isym_source::ISYM_SOURCE_REPLAY,
    })
}

/// How many objects a snapshot knows, of all kinds.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_object_count(snapshot: Option<&isym_snapshot>) -> usize {
    guard::plain(|| snapshot.map_or(0, |snapshot| snapshot.0.size().0))
}

/// The core servers.
///
/// Borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_core_servers(snapshot: Option<&isym_snapshot>) -> isym_list {
    guard::plain(|| snapshot.map(|snapshot| snapshot.0.core_servers().into()).unwrap_or_default())
}

/// The core server with this slug.
///
/// Answers ISYM_NOT_FOUND, ISYM_AMBIGUOUS, or ISYM_INVALID_ARGUMENT for a text that is NULL, empty or not UTF-8.
/// Allocates nothing, found or not; isym_snapshot_resolve says in words why something was not found.
///
/// What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_core_server(
    snapshot: Option<&isym_snapshot>,
    slug: *const c_char,
    core_server: Option<&mut MaybeUninit<isym_core_server>>,
) -> isym_status {
    guard::quiet(|| {
        let (Some(snapshot), Some(slug), Some(out)) = (snapshot, str::quiet(slug), core_server) else {
            return isym_status::ISYM_INVALID_ARGUMENT;
        };
        match look_up(&snapshot.0.core_servers(), slug) {
            Ok(server) => found(Some(isym_core_server { resource: server.into() }), Some(out)),
            Err(status) => status,
        }
    })
}

/// The extension with this number in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_extension(
    snapshot: Option<&isym_snapshot>,
    core_server: *const c_char,
    number: *const c_char,
    extension: Option<&mut MaybeUninit<isym_extension>>,
) -> isym_status {
    guard::quiet(|| {
        look_below(snapshot, core_server, CoreServer::extensions, number, extension, |resource| isym_extension {
            resource: resource.into(),
        })
    })
}

/// The user with this user name in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_user(
    snapshot: Option<&isym_snapshot>,
    core_server: *const c_char,
    user_name: *const c_char,
    user: Option<&mut MaybeUninit<isym_user>>,
) -> isym_status {
    guard::quiet(|| {
        look_below(snapshot, core_server, CoreServer::users, user_name, user, |resource| isym_user {
            resource: resource.into(),
        })
    })
}

/// The queue with this identifier in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_queue(
    snapshot: Option<&isym_snapshot>,
    core_server: *const c_char,
    identifier: *const c_char,
    queue: Option<&mut MaybeUninit<isym_queue>>,
) -> isym_status {
    guard::quiet(|| {
        look_below(snapshot, core_server, CoreServer::queues, identifier, queue, |resource| isym_queue {
            resource: resource.into(),
        })
    })
}

/// The conference room with this identifier in the core server with this slug.
///
/// Answers and costs: as isym_snapshot_core_server. What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_conference(
    snapshot: Option<&isym_snapshot>,
    core_server: *const c_char,
    identifier: *const c_char,
    conference: Option<&mut MaybeUninit<isym_conference_room>>,
) -> isym_status {
    guard::quiet(|| {
        look_below(snapshot, core_server, CoreServer::conferences, identifier, conference, |resource| {
            isym_conference_room { resource: resource.into() }
        })
    })
}

/// Looks a name up in a list of a core server.
#[inline]
fn look_below<'s, T>(
    snapshot: Option<&'s isym_snapshot>,
    slug: *const c_char,
    list: impl FnOnce(&CoreServer<'s>) -> List<'s>,
    name: *const c_char,
    out: Option<&mut MaybeUninit<T>>,
    view: impl FnOnce(Resource<'s>) -> T,
) -> isym_status {
    let (Some(snapshot), Some(slug), Some(name), Some(out)) = (snapshot, str::quiet(slug), str::quiet(name), out)
    else {
        return isym_status::ISYM_INVALID_ARGUMENT;
    };
    let server = match look_up(&snapshot.0.core_servers(), slug) {
        Ok(server) => server,
        Err(status) => return status,
    };
    let Some(server) = CoreServer::view(server) else { return isym_status::ISYM_INTERNAL };
    match look_up(&list(&server), name) {
        Ok(resource) => found(Some(view(resource)), Some(out)),
        Err(status) => status,
    }
}

/// The instance that a path addresses, as the server would resolve it: any mix of ids and getByName, with or without
/// `communication_manager/rest/live/` or a whole URL in front, as in
/// "coreServers/getByName/default/extensions/getByName/4224".
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: ISYM_NOT_FOUND that says at which step, ISYM_AMBIGUOUS with the candidates, ISYM_UNSUPPORTED for kinds that are
/// not synced, ISYM_INVALID_PATH that says where and why, also for a path that addresses a list.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_resolve(
    snapshot: Option<&isym_snapshot>,
    path: *const c_char,
    resource: Option<&mut MaybeUninit<isym_resource>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (snapshot, path, out) = (need(snapshot, "snapshot")?, str::any(path, "path")?, need(resource, "resource")?);
        out.write(snapshot.0.resolve(path)?.one()?.into());
        Ok(())
    })
}

/// The list that a path addresses; see isym_snapshot_resolve.
///
/// What is found is borrowed from `snapshot`.
///
/// Errors: as there; ISYM_INVALID_PATH for a path that addresses one instance.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_resolve_list(
    snapshot: Option<&isym_snapshot>,
    path: *const c_char,
    list: Option<&mut MaybeUninit<isym_list>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (snapshot, path, out) = (need(snapshot, "snapshot")?, str::any(path, "path")?, need(list, "list")?);
        match snapshot.0.resolve(path)? {
            Target::List(list) => out.write(list.into()),
            Target::One(resource) => {
                let message = format!("the path addresses one {}, not a list of them", resource.kind());
                return Err(isymphony_core::Error::new(isymphony_core::Code::InvalidPath, message));
            }
        };
        Ok(())
    })
}

/// The resource with this id, whatever its kind.
///
/// Answers ISYM_NOT_FOUND. What is found is borrowed from `snapshot`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_by_id(
    snapshot: Option<&isym_snapshot>,
    id: isym_uuid,
    resource: Option<&mut MaybeUninit<isym_resource>>,
) -> isym_status {
    guard::quiet(|| {
        let Some(snapshot) = snapshot else { return isym_status::ISYM_INVALID_ARGUMENT };
        found(snapshot.0.by_id(id.into()).map(isym_resource::from), resource)
    })
}

/// What changed since an older snapshot of the same client. Each resource occurs at most once. Takes time that follows
/// what changed, not what there is.
///
/// `changes` is the caller's, who frees it with isym_changes_free; it holds its own pins of both snapshots.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_snapshot_diff(
    snapshot: Option<&isym_snapshot>,
    older: Option<&isym_snapshot>,
    changes: Option<&mut MaybeUninit<Box<isym_changes>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (snapshot, older, out) = (need(snapshot, "snapshot")?, need(older, "older")?, need(changes, "changes")?);
        if older.0.generation() > snapshot.0.generation() {
            return Err(invalid("older is newer than snapshot".to_owned()));
        }
        out.write(Box::new(isym_changes(snapshot.0.diff(&older.0))));
        Ok(())
    })
}

//! Watching: what changed since the watcher last looked.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use isymphony_core::catalog::Kind;
use isymphony_core::snapshot::Change;
use isymphony_core::watch::{Filter, Watch};
use isymphony_core::{Code, Error, Live, Result};

use crate::changes::isym_change;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, invalid, need};
use crate::handle::isym_handle;
use crate::live::isym_live;
use crate::str::{self, Text};
use crate::time::limit;

/// A subscription to changes. One thread at a time takes from it; the caller frees it with isym_watch_free, also after the
/// client was freed.
pub struct isym_watch {
    watch: Watch,
    /// What isym_watch_next gave last: its views borrow from it.
    last: Option<Change>,
    event_type: Text,
    event: Text,
}

impl isym_watch {
    fn new(live: &Live, filter: Filter, initial: bool) -> Box<isym_watch> {
        let watch = if initial { live.watch_from_nothing(filter) } else { live.watch(filter) };
        Box::new(isym_watch { watch, last: None, event_type: Text::from(""), event: Text::from("") })
    }
}

/// Watches what changes from now on; with `initial`, first gives all that is there as ISYM_CHANGE_ADDED, with no gap to the
/// changes that follow.
///
/// `kinds` says which kinds of resources, as a sum of `1u << kind` (`1u << ISYM_KIND_EXTENSION`); 0: all. `core_server` is a
/// slug, or NULL for all. With `events`, the server's events are handed on as they come (ISYM_CHANGE_EVENT), whatever the
/// kinds. A restart of the server is told whatever the kinds.
///
/// The watch is the caller's, who frees it with isym_watch_free.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_watch(
    live: Option<&isym_live>,
    kinds: u32,
    core_server: *const c_char,
    initial: bool,
    events: bool,
    watch: Option<&mut MaybeUninit<Box<isym_watch>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, out) = (&need(live, "live")?.0, need(watch, "watch")?);
        let mut filter = filter(kinds)?.events(events);
        if let Some(slug) = str::optional(core_server, "core_server")? {
            filter = filter.core_server(slug);
        }
        out.write(isym_watch::new(live, filter, initial));
        Ok(())
    })
}

/// Watches what changes from now on in what a handle finds, in every snapshot anew: also after a restart of the server, which
/// is told, too. With `initial`, first gives what is there as ISYM_CHANGE_ADDED, with no gap to the changes that follow; with
/// `events`, the server's events that name it are handed on as they come (ISYM_CHANGE_EVENT).
///
/// The watch is the caller's, who frees it with isym_watch_free; it outlives the handle.
///
/// Errors: ISYM_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn isym_handle_watch(
    handle: Option<&isym_handle>,
    initial: bool,
    events: bool,
    watch: Option<&mut MaybeUninit<Box<isym_watch>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (handle, out) = (&need(handle, "handle")?.0, need(watch, "watch")?);
        let filter = Filter::default().kinds([handle.kind()]).handle(handle).events(events);
        out.write(isym_watch::new(handle.live(), filter, initial));
        Ok(())
    })
}

fn filter(kinds: u32) -> Result<Filter> {
    if kinds == 0 {
        return Ok(Filter::default());
    }
    let known: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kinds & (1 << *kind as u32) != 0).collect();
    match known.iter().fold(kinds, |rest, kind| rest & !(1 << *kind as u32)) {
        0 => Ok(Filter::default().kinds(known)),
        rest => Err(invalid(format!("kinds holds the bits {rest:#x}, which are no kinds of resources"))),
    }
}

/// Takes the next change; waits for one at most `timeout_ms`, negative (ISYM_FOREVER): as long as it takes, 0: not at all.
///
/// What is written to `change` is borrowed from the watch, until the next call with it.
///
/// Errors: ISYM_TIMED_OUT when none came in time; ISYM_CLOSED once the client is closed and everything was taken.
#[unsafe(no_mangle)]
pub extern "C" fn isym_watch_next(
    watch: Option<&mut isym_watch>,
    timeout_ms: i64,
    change: Option<&mut MaybeUninit<isym_change>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (watch, out) = (need(watch, "watch")?, need(change, "change")?);
        let Some(change) = watch.watch.next(limit(timeout_ms))? else {
            return Err(Error::new(Code::TimedOut, "nothing changed in time"));
        };
        if let Some(event) = &change.event {
            (watch.event_type, watch.event) = (Text::from(&*event.event_type), Text::from(&*event.json));
        }
        let change = watch.last.insert(change);
        let mut view = isym_change::from(&*change);
        if change.event.is_some() {
            (view.event_type, view.event) = (watch.event_type.borrow(), watch.event.borrow());
        }
        out.write(view);
        Ok(())
    })
}

/// A descriptor that is readable while there may be something to take with a time limit of 0, for poll, epoll or an event loop.
/// It belongs to the watch: do not read, write or close it.
///
/// Errors: ISYM_INTERNAL when the process may open no more descriptors; it may work later.
#[unsafe(no_mangle)]
pub extern "C" fn isym_watch_fd(
    watch: Option<&isym_watch>,
    fd: Option<&mut MaybeUninit<c_int>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (watch, out) = (need(watch, "watch")?, need(fd, "fd")?);
        out.write(watch.watch.fd()?.as_raw_fd());
        Ok(())
    })
}

/// How many snapshots were merged into later ones, and how many events were dropped, because the reader was slow: of the
/// resources it gets the latest, of the events the latest 1 000, or the latest 4 MiB where they are large. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_watch_merged(watch: Option<&isym_watch>) -> u64 {
    guard::plain(|| watch.map_or(0, |watch| watch.watch.merged()))
}

/// Ends a watch and frees it; the client goes on. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_watch_free(watch: Option<Box<isym_watch>>) {
    guard::plain(|| drop(watch));
}

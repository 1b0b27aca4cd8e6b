//! A client: the live state of one server.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use isymphony_core::Live;
use isymphony_core::health::State;

use crate::config::isym_config;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::snapshot::isym_snapshot;
use crate::str::{self, Text, isym_str, isym_text};
use crate::ticket::isym_ticket;
use crate::time::limit;

/// A client of one iSymphony server: keeps the live state true in the background, and acts by name.
///
/// All its functions but isym_live_free may be called on any number of threads at once; only those that say so wait.
pub struct isym_live(pub(crate) Live, Text);

/// How well a client knows the server. The numbers never change their meaning; later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_state {
    /// No state: the answer for NULL.
    #[default]
    ISYM_STATE_NONE = 0,
    /// Nothing was synced yet.
    ISYM_STATE_CONNECTING = 1,
    /// What is known was confirmed within the cadence.
    ISYM_STATE_LIVE = 2,
    /// Something is known, and its confirmation is overdue: the server cannot be reached, or answers wrongly.
    ISYM_STATE_STALE = 3,
    /// The server refuses this client (401, 403, a demand for TLS), or the client broke. It is tried again, slowly.
    ISYM_STATE_FAILED = 4,
    /// The client was closed.
    ISYM_STATE_CLOSED = 5,
}

impl From<State> for isym_state {
    fn from(state: State) -> isym_state {
        match state {
            State::Connecting => isym_state::ISYM_STATE_CONNECTING,
            State::Live => isym_state::ISYM_STATE_LIVE,
            State::Stale => isym_state::ISYM_STATE_STALE,
            State::Failed => isym_state::ISYM_STATE_FAILED,
            State::Closed => isym_state::ISYM_STATE_CLOSED,
        }
    }
}

/// Opens a client and starts to sync. Does not wait for the server: one that is down is tried until it answers.
///
/// `live` is the caller's, who frees it with isym_live_free. The settings are copied.
///
/// Errors: ISYM_CONFIG when the settings contradict each other or name files that cannot be used; ISYM_INTERNAL when the
/// process may start no more threads.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_open(
    config: Option<&isym_config>,
    live: Option<&mut MaybeUninit<Box<isym_live>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (config, out) = (need(config, "config")?.config.clone()?, need(live, "live")?);
        let url = Text::new(config.get_origin());
        out.write(Box::new(isym_live(Live::open(config)?, url)));
        Ok(())
    })
}

/// Waits for the first whole snapshot, at most `timeout_ms`; negative (ISYM_FOREVER): as long as it takes.
///
/// Errors: ISYM_SYNC_TIMEOUT, which says what stands in the way; ISYM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_wait(
    live: Option<&isym_live>,
    timeout_ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || need(live, "live")?.0.wait(limit(timeout_ms)).map(drop))
}

/// Pins the current snapshot if it is not older than `max_age_ms`; negative (ISYM_ANY_AGE): whatever its age, and empty
/// before the first sync. Never waits.
///
/// `snapshot` is the caller's, who frees it with isym_snapshot_free; it outlives the client.
///
/// Errors: ISYM_STALE with the age and what went wrong last.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_snapshot(
    live: Option<&isym_live>,
    max_age_ms: i64,
    snapshot: Option<&mut MaybeUninit<Box<isym_snapshot>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, out) = (need(live, "live")?, need(snapshot, "snapshot")?);
        let pin = match limit(max_age_ms) {
            None => live.0.snapshot(),
            Some(max_age) => live.0.snapshot_within(max_age)?,
        };
        out.write(Box::new(isym_snapshot(pin)));
        Ok(())
    })
}

/// Asks for all core servers' own lists now, and waits until they are read, at most `timeout_ms`; negative
/// (ISYM_FOREVER): as long as it takes.
///
/// `snapshot` may be NULL; else it is the caller's, who frees it with isym_snapshot_free.
///
/// Errors: ISYM_TIMED_OUT, ISYM_SYNC_TIMEOUT before the first sync, ISYM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_refresh(
    live: Option<&isym_live>,
    timeout_ms: i64,
    snapshot: Option<&mut MaybeUninit<Box<isym_snapshot>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let fresh = need(live, "live")?.0.refresh(limit(timeout_ms))?;
        if let Some(out) = snapshot {
            out.write(Box::new(isym_snapshot(fresh)));
        }
        Ok(())
    })
}

/// Which server it is: its scheme, host and port, as in "http://pbx:58080", without credentials. Empty for NULL.
///
/// Borrowed from `live`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_url(live: Option<&isym_live>) -> isym_str {
    guard::plain(|| live.map(|live| live.1.borrow()).unwrap_or_default())
}

/// How well a client knows the server now. See isym_live_health for why.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_state(live: Option<&isym_live>) -> isym_state {
    guard::plain(|| live.map(|live| live.0.health().state.into()).unwrap_or_default())
}

/// Replaces the credentials, from the next request on, and tries again at once.
///
/// Errors: ISYM_CONFIG when the user name cannot be sent.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_set_credentials(
    live: Option<&isym_live>,
    user_name: *const c_char,
    password: *const c_char,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let live = need(live, "live")?;
        live.0.set_credentials(str::text(user_name, "user_name")?, str::any(password, "password")?)
    })
}

/// A POST on any path below `communication_manager/rest/live/`, for what the catalogue does not know, with a JSON body or,
/// where `body` is NULL, without. At most once. Waits for the server's answer, at most `timeout_ms`; negative
/// (ISYM_DEFAULT_TIMEOUT): the action timeout of the settings.
///
/// `ticket` may be NULL; else it is the caller's, who frees it with isym_ticket_free.
///
/// Errors: ISYM_INVALID_PATH, ISYM_INVALID_ARGUMENT before anything is sent; then as isym_handle_act.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_post(
    live: Option<&isym_live>,
    path: *const c_char,
    body: *const c_char,
    timeout_ms: i64,
    ticket: Option<&mut MaybeUninit<Box<isym_ticket>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, path, body) = (need(live, "live")?, str::any(path, "path")?, str::optional(body, "body")?);
        isym_ticket::give(live.0.post(path, body, limit(timeout_ms)), ticket)
    })
}

/// Asks the server now for what is at a path below `communication_manager/rest/live/`, for what the catalogue does not know,
/// and gives the JSON text of its answer, which is not kept. Takes at most `timeout_ms`; negative (ISYM_DEFAULT_TIMEOUT):
/// the request timeout of the settings.
///
/// Where an overlay says that a sub resource is raw, the path to it may hold names, as in
/// "coreServers/getByName/default/extensions/getByName/4224/voicemails"; any other path is asked for as it stands.
///
/// `json` is the caller's, who frees it with isym_text_free.
///
/// Errors: ISYM_INVALID_PATH; ISYM_NOT_FOUND and ISYM_AMBIGUOUS when the instance is not in the snapshot; ISYM_BAD_ANSWER
/// when the answer is not JSON; ISYM_AUTH and the like as the server answers; ISYM_TIMED_OUT, ISYM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_get_raw(
    live: Option<&isym_live>,
    path: *const c_char,
    timeout_ms: i64,
    json: Option<&mut MaybeUninit<Box<isym_text>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (live, path, out) = (need(live, "live")?, str::any(path, "path")?, need(json, "json")?);
        out.write(isym_text::boxed(live.0.get_raw(path, limit(timeout_ms))?));
        Ok(())
    })
}

/// Closes a client, within `timeout_ms` whatever hangs; negative (ISYM_DEFAULT_TIMEOUT): 90 ms. Requests in flight are
/// ended, calls that wait answer ISYM_CLOSED. Snapshots stay readable, also those still to be pinned. May be called from
/// any thread, any number of times.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_close(live: Option<&isym_live>, timeout_ms: i64) {
    guard::plain(|| {
        if let Some(live) = live {
            live.0.close(limit(timeout_ms));
        }
    });
}

/// Closes a client and frees it. No other thread may be in a call with it. Snapshots, handles and tickets that it gave
/// stay valid; the handles and tickets answer ISYM_CLOSED where they need the server. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_free(live: Option<Box<isym_live>>) {
    guard::plain(|| {
        if let Some(live) = live {
            live.0.close(None);
        }
    });
}

#[allow(dead_code)] // Compiles only while what C shares between threads may be shared.
const fn shared_between_threads() {
    const fn check<T: Send + Sync>() {}
    check::<isym_live>();
    check::<isym_snapshot>();
    check::<isym_ticket>();
    check::<isym_config>();
    check::<crate::handle::isym_handle>();
    check::<isym_error>();
}

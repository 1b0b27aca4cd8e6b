//! How a client is doing.

use std::mem::MaybeUninit;

use isymphony_core::Health;
use isymphony_core::catalog::Kind;
use isymphony_core::health::{EventsState, Problem};

use crate::error::{isym_error, isym_status};
use crate::guard::{self, found};
use crate::kind::isym_kind;
use crate::live::{isym_live, isym_state};
use crate::str::{Text, isym_str};
use crate::time;

/// How it stands with the server's events, which only make changes show sooner. The numbers never change their meaning;
/// later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_events_state {
    /// No state: the answer for NULL.
    #[default]
    ISYM_EVENTS_NONE = 0,
    /// They are not listened to, by the settings.
    ISYM_EVENTS_OFF = 1,
    /// The socket is being opened, for the first time or again.
    ISYM_EVENTS_CONNECTING = 2,
    /// They are listened to.
    ISYM_EVENTS_CONNECTED = 3,
    /// The server has no events or refuses them, or cannot be reached. It is tried again, slowly. Everything works all the
    /// same, by asking.
    ISYM_EVENTS_UNAVAILABLE = 4,
}

impl From<EventsState> for isym_events_state {
    fn from(state: EventsState) -> isym_events_state {
        match state {
            EventsState::Off => isym_events_state::ISYM_EVENTS_OFF,
            EventsState::Connecting => isym_events_state::ISYM_EVENTS_CONNECTING,
            EventsState::Connected => isym_events_state::ISYM_EVENTS_CONNECTED,
            EventsState::Unavailable => isym_events_state::ISYM_EVENTS_UNAVAILABLE,
        }
    }
}

/// How a client was doing at one moment. Immutable; the caller frees it with isym_health_free. May be used on any
/// number of threads at once.
pub struct isym_health {
    health: Health,
    last: Option<Trouble>,
    events: Option<Trouble>,
    failing: Vec<(Kind, Trouble)>,
}

/// A problem with its texts as C reads them.
struct Trouble {
    error: isym_error,
    about: Text,
    at_ms: i64,
}

impl From<&Problem> for Trouble {
    fn from(problem: &Problem) -> Trouble {
        Trouble {
            error: isym_error::new(problem.error.clone()),
            about: Text::from(problem.about.as_str()),
            at_ms: time::wall(problem.at),
        }
    }
}

/// Something that went wrong: a value, borrowed from the isym_health that gave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_problem {
    /// What went wrong. Not to be freed.
    pub error: *const isym_error,
    /// When, as Unix milliseconds, for display.
    pub at_ms: i64,
    /// The path that was asked, by ids, below `communication_manager/rest/live/`.
    pub about: isym_str,
    /// The kind whose lists fail; ISYM_KIND_NONE where the problem is not about one kind.
    pub kind: isym_kind,
}

impl isym_problem {
    fn new(trouble: &Trouble, kind: isym_kind) -> isym_problem {
        isym_problem { error: &trouble.error, at_ms: trouble.at_ms, about: trouble.about.borrow(), kind }
    }
}

/// How a client is doing now. Meant for a status display, not for every read. NULL for NULL.
///
/// Made for the caller, who frees it with isym_health_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_health(live: Option<&isym_live>) -> Option<Box<isym_health>> {
    guard::plain(|| {
        let health = live?.0.health();
        let last = health.last_error.as_ref().map(Trouble::from);
        let events = health.events_problem.as_ref().map(Trouble::from);
        let failing = health.failing.iter().map(|(kind, problem)| (*kind, Trouble::from(problem))).collect();
        Some(Box::new(isym_health { health, last, events, failing }))
    })
}

/// How well the client knew the server.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_state(health: Option<&isym_health>) -> isym_state {
    guard::plain(|| health.map(|health| health.health.state.into()).unwrap_or_default())
}

/// Since when the state held, as Unix milliseconds, for display.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_since_ms(health: Option<&isym_health>) -> i64 {
    guard::plain(|| health.map_or(0, |health| time::wall(health.health.since)))
}

/// Whether a whole snapshot was ever there.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_has_data(health: Option<&isym_health>) -> bool {
    guard::plain(|| health.is_some_and(|health| health.health.has_data))
}

/// How many milliseconds before the server had last confirmed the core servers' lists; INT64_MAX without data.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_age_ms(health: Option<&isym_health>) -> i64 {
    guard::plain(|| health.map_or(i64::MAX, |health| time::age(health.health.age)))
}

/// The server's incarnation, counted from 1; 0 without data.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_epoch(health: Option<&isym_health>) -> u64 {
    guard::plain(|| health.map_or(0, |health| health.health.epoch))
}

/// The number of the snapshot of that moment; 0 without data.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_generation(health: Option<&isym_health>) -> u64 {
    guard::plain(|| health.map_or(0, |health| health.health.generation))
}

/// How many snapshots were replaced and were still held by a reader.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_retired_snapshots(health: Option<&isym_health>) -> u64 {
    guard::plain(|| health.map_or(0, |health| health.health.retired_snapshots))
}

/// The last thing that went wrong, also when it has healed since.
///
/// Answers ISYM_NOT_FOUND where nothing ever did. What is found is borrowed from `health`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_last_problem(
    health: Option<&isym_health>,
    problem: Option<&mut MaybeUninit<isym_problem>>,
) -> isym_status {
    guard::quiet(|| {
        let last = health.and_then(|health| health.last.as_ref());
        found(last.map(|trouble| isym_problem::new(trouble, isym_kind::ISYM_KIND_NONE)), problem)
    })
}

/// How many kinds had lists that failed while the server could be reached.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_failing_count(health: Option<&isym_health>) -> usize {
    guard::plain(|| health.map_or(0, |health| health.failing.len()))
}

/// What was wrong with one kind, by its position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `health`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_failing_at(
    health: Option<&isym_health>,
    position: usize,
    problem: Option<&mut MaybeUninit<isym_problem>>,
) -> isym_status {
    guard::quiet(|| {
        let failing = health.and_then(|health| health.failing.get(position));
        found(failing.map(|(kind, trouble)| isym_problem::new(trouble, (*kind).into())), problem)
    })
}

/// How many kinds had lists that the server had not confirmed in time: longer ago than the longest interval of the kind's
/// cadence, the time the server may take to answer, and a second. Any of them makes the state ISYM_STATE_STALE; in the other
/// kinds the data may have been as fresh as ever.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_overdue_count(health: Option<&isym_health>) -> usize {
    guard::plain(|| health.map_or(0, |health| health.health.overdue.len()))
}

/// A kind whose lists were overdue, by its position, counted from 0, and the age of the oldest of them in milliseconds.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. `kind` and `age_ms` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_overdue_at(
    health: Option<&isym_health>,
    position: usize,
    kind: Option<&mut MaybeUninit<isym_kind>>,
    age_ms: Option<&mut MaybeUninit<i64>>,
) -> isym_status {
    guard::quiet(|| {
        let overdue = health.and_then(|health| health.health.overdue.get(position));
        let Some((overdue, age)) = overdue else { return isym_status::ISYM_NOT_FOUND };
        if let Some(kind) = kind {
            kind.write((*overdue).into());
        }
        if let Some(age_ms) = age_ms {
            age_ms.write(time::age(*age));
        }
        isym_status::ISYM_OK
    })
}

/// How it stood with the server's events.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_events(health: Option<&isym_health>) -> isym_events_state {
    guard::plain(|| health.map(|health| health.health.events.into()).unwrap_or_default())
}

/// The last thing that went wrong with the events, also when it has healed since.
///
/// Answers ISYM_NOT_FOUND where nothing ever did. What is found is borrowed from `health`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_events_problem(
    health: Option<&isym_health>,
    problem: Option<&mut MaybeUninit<isym_problem>>,
) -> isym_status {
    guard::quiet(|| {
        let events = health.and_then(|health| health.events.as_ref());
        found(events.map(|trouble| isym_problem::new(trouble, isym_kind::ISYM_KIND_NONE)), problem)
    })
}

/// Frees a health. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_health_free(health: Option<Box<isym_health>>) {
    guard::plain(|| drop(health));
}

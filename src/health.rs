//! The truth about how well the client knows the server.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::catalog::Kind;
use crate::error::{Code, Error};
use crate::snapshot::Snapshot;

/// How well the client knows the server. The numbers are stable: they cross the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Nothing was synced yet.
    Connecting = 1,
    /// What is known was confirmed within the cadence.
    Live = 2,
    /// Something is known, and its confirmation is overdue: the server cannot be reached, or answers wrongly.
    Stale = 3,
    /// The server refuses this client (401, 403, a demand for TLS), or the client broke. It is tried again, slowly.
    Failed = 4,
    /// The client was closed.
    Closed = 5,
}

impl State {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Live => "live",
            State::Stale => "stale",
            State::Failed => "failed",
            State::Closed => "closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How it stands with the server's events, which only make changes show sooner. The numbers are stable: they cross the C
/// boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventsState {
    /// They are not listened to, by the settings.
    Off = 1,
    /// The socket is being opened, for the first time or again.
    Connecting = 2,
    /// They are listened to.
    Connected = 3,
    /// The server has no events or refuses them, or cannot be reached. It is tried again, slowly. Everything works all
    /// the same, by asking.
    Unavailable = 4,
}

impl EventsState {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            EventsState::Off => "off",
            EventsState::Connecting => "connecting",
            EventsState::Connected => "connected",
            EventsState::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for EventsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that went wrong: what, when, and with which part of the server's state.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What went wrong.
    pub error: Error,
    /// When, as wall time for display.
    pub at: SystemTime,
    /// The path that was asked, by ids, below `communication_manager/rest/live/`.
    pub about: String,
}

/// How the client is doing, at one moment.
#[derive(Debug, Clone)]
pub struct Health {
    /// How well the client knows the server.
    pub state: State,
    /// Since when the state holds, as wall time for display.
    pub since: SystemTime,
    /// Whether a whole snapshot was ever there.
    pub has_data: bool,
    /// How long ago the server last confirmed the core servers' lists, see [`Snapshot::age`](crate::snapshot::Snapshot::age).
    /// [`Duration::MAX`] without data.
    pub age: Duration,
    /// The server's incarnation, counted from 1; 0 without data.
    pub epoch: u64,
    /// The number of the current snapshot; 0 without data.
    pub generation: u64,
    /// The last thing that went wrong, also when it has healed since.
    pub last_error: Option<Problem>,
    /// What is wrong now, by kind, where single lists fail while the server can be reached.
    pub failing: Vec<(Kind, Problem)>,
    /// Kinds whose core servers' lists the server did not confirm in time, each with the age of the oldest: longer ago than
    /// the longest interval of the [cadence](crate::Config::cadence), the
    /// [first byte timeout](crate::Config::first_byte_timeout) and a second. Any of them makes the state
    /// [`Stale`](State::Stale); in the other kinds the data may be as fresh as ever.
    pub overdue: Vec<(Kind, Duration)>,
    /// How it stands with the server's events.
    pub events: EventsState,
    /// The last thing that went wrong with the events, also when it has healed since.
    pub events_problem: Option<Problem>,
    /// Snapshots that were replaced and that a reader still holds.
    pub retired_snapshots: u64,
}

impl Health {
    /// The health of a client without a sync: in a forked child that closed it, or could not start one.
    pub(crate) fn without_sync(snapshot: &Snapshot, error: Error) -> Health {
        let at = SystemTime::now();
        let state = if error.code() == Code::Closed { State::Closed } else { State::Failed };
        let last_error = (state == State::Failed).then(|| Problem { error, at, about: String::new() });
        Health {
            state,
            since: at,
            has_data: snapshot.has_data(),
            age: snapshot.age(),
            epoch: snapshot.epoch(),
            generation: snapshot.generation(),
            last_error,
            failing: Vec::new(),
            overdue: Vec::new(),
            events: EventsState::Off,
            events_problem: None,
            retired_snapshots: 0,
        }
    }
}

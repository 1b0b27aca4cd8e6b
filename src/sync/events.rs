//! The thread that listens to the server's events: it keeps the socket open, and makes hints of what comes.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::collector::Collector;
use super::hints::{self, Reading};
use super::{Message, Shared, backoff, closed, defect};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::event::{Event, Subscribers};
use crate::health::{EventsState, Problem};
use crate::path::EVENTS;
use crate::snapshot::collection::Address;
use crate::transport::events::{EventSocket, Received};

/// A server that refuses the socket is tried again this slowly, though not more slowly than the settings' longest wait.
const REFUSED_WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));
/// A socket that was open for this long makes earlier failures forgotten.
const STEADY: Duration = Duration::from_secs(10);
/// After so many failures in a row the events count as unavailable.
const PATIENCE: u32 = 3;

/// What the client's handles and the thread share.
pub(crate) struct Events {
    standing: Mutex<Standing>,
    woken: Condvar,
    counters: Counters,
    pub(crate) subscribers: Subscribers,
}

struct Standing {
    state: EventsState,
    problem: Option<Problem>,
    /// A new try is worth while now.
    retry: bool,
}

#[derive(Default)]
struct Counters {
    sockets: AtomicU64,
    received: AtomicU64,
    ignored: AtomicU64,
    hints: AtomicU64,
    merged: AtomicU64,
}

impl Events {
    pub(super) fn new(on: bool) -> Events {
        let state = if on { EventsState::Connecting } else { EventsState::Off };
        Events {
            standing: Mutex::new(Standing { state, problem: None, retry: false }),
            woken: Condvar::new(),
            counters: Counters::default(),
            subscribers: Subscribers::default(),
        }
    }

    /// Ends the wait for the next try: there is a reason for one now, or the client closes.
    pub(super) fn retry(&self) {
        self.standing().retry = true;
        self.woken.notify_all();
    }

    pub(super) fn health(&self) -> (EventsState, Option<Problem>) {
        let standing = self.standing();
        (standing.state, standing.problem.clone())
    }

    /// What was counted, by name.
    pub(crate) fn metrics(&self) -> [(&'static str, u64); 5] {
        let Counters { sockets, received, ignored, hints, merged } = &self.counters;
        [
            ("event_sockets", sockets.load(Relaxed)),
            ("events", received.load(Relaxed)),
            ("ignored_event_messages", ignored.load(Relaxed)),
            ("event_hints", hints.load(Relaxed)),
            ("merged_event_hints", merged.load(Relaxed)),
        ]
    }

    fn set(&self, state: EventsState, problem: Option<Problem>) {
        // Not with the lock held: a logger is the application's own code.
        let mut news = None;
        let mut standing = self.standing();
        if standing.state != state {
            news = Some(problem.as_ref().map(|problem| format!(": {}", problem.error)).unwrap_or_default());
        }
        standing.state = state;
        if problem.is_some() {
            standing.problem = problem;
        }
        drop(standing);
        if let Some(why) = news {
            log::info!("events: {state}{why}");
        }
    }

    fn wait(&self, shared: &Shared, time: Duration) {
        let until = Instant::now() + time;
        let mut standing = self.standing();
        while !std::mem::take(&mut standing.retry) && !shared.is_closed() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            standing = self.woken.wait_timeout(standing, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// An event has come.
    pub(super) fn on_event(&self, event: Event) {
        self.events.subscribers.deliver(&Arc::new(event));
    }
}

/// The life of the thread. A defect in it costs the events, and nothing more.
pub(super) fn run(shared: &Shared) {
    while let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| live(shared))) {
        let error = defect("the events ended by a defect", &*panic);
        log::error!("{error}");
        let problem = Problem { error, at: SystemTime::now(), about: EVENTS.to_owned() };
        shared.events.set(EventsState::Unavailable, Some(problem));
        shared.events.wait(shared, REFUSED_WAIT.1);
    }
}

/// Opens the socket and listens, again and again, until the client closes.
fn live(shared: &Shared) {
    let events = &shared.events;
    let mut failures = 0;
    while !shared.is_closed() {
        events.standing().retry = false;
        let (error, opened) = match shared.transport.open_events() {
            Ok(socket) => {
                let opened = Moment::now();
                events.counters.sockets.fetch_add(1, Relaxed);
                events.set(EventsState::Connected, None);
                // Whatever happened while nobody listened has left no trace here.
                shared.tell(Message::EventsMissed);
                (listen(shared, socket), Some(opened))
            }
            Err(error) => (error, None),
        };
        if shared.is_closed() {
            return;
        }
        let steady = opened.is_some_and(|opened| opened.age() > STEADY);
        failures = if steady { 1 } else { failures + 1 };
        let passing = matches!(error.code(), Code::TimedOut | Code::ConnectionFailed | Code::ServerError);
        let refused = opened.is_none() && !(passing && error.retryable());
        let wait = wait_after(shared, &error, failures, refused);
        let hopeless = refused || (failures >= PATIENCE && opened.is_none());
        let problem = Problem { error, at: SystemTime::now(), about: EVENTS.to_owned() };
        let state = match events.health().0 {
            EventsState::Unavailable if opened.is_none() => EventsState::Unavailable,
            _ if hopeless => EventsState::Unavailable,
            _ => EventsState::Connecting,
        };
        events.set(state, Some(problem));
        events.wait(shared, wait);
    }
}

fn wait_after(shared: &Shared, error: &Error, failures: u32, refused: bool) -> Duration {
    let bounds = shared.config.get_backoff();
    let mut wait = backoff::wait(bounds, failures);
    if refused {
        let slow = REFUSED_WAIT.0 + (REFUSED_WAIT.1 - REFUSED_WAIT.0).mul_f64(backoff::random());
        wait = wait.max(slow).min(bounds.1);
    }
    backoff::asked_for(error, wait, backoff::wait(bounds, 1))
}

/// Listens until the socket ends, and says why it did.
fn listen(shared: &Shared, mut socket: EventSocket) -> Error {
    let counters = &shared.events.counters;
    let (silence, answer) = shared.config.get_event_silence();
    let mut collector = Collector::default();
    let mut heard = Moment::now();
    let mut asked = None;
    let mut due = Vec::new();
    loop {
        if shared.is_closed() {
            return closed();
        }
        let patience = asked.map_or(heard + silence, |asked: Moment| asked + answer);
        let received = socket.receive(collector.due().map_or(patience, |due| due.min(patience)));
        let now = Moment::now();
        match received {
            Ok(Received::Nothing) => {}
            Ok(sign) => {
                (heard, asked) = (now, None);
                match sign {
                    Received::Text(text) if take(shared, &text, &mut due) => {
                        counters.received.fetch_add(1, Relaxed);
                        counters.merged.fetch_add(collector.add(&due, now) as u64, Relaxed);
                    }
                    Received::Text(_) | Received::Useless => {
                        counters.ignored.fetch_add(1, Relaxed);
                    }
                    Received::Sign | Received::Nothing => {}
                }
            }
            Err(error) => return error,
        }
        if let Some(message) = collector.take(now) {
            if let Message::Hints(addresses) = &message {
                counters.hints.fetch_add(addresses.len() as u64, Relaxed);
            }
            shared.tell(message);
        }
        match asked {
            Some(asked) if now > asked + answer => return socket.silent(silence + answer),
            None if now > heard + silence => match socket.ping() {
                Ok(()) => asked = Some(now),
                Err(error) => return error,
            },
            _ => {}
        }
    }
}

/// Takes an event in; false when it is none.
fn take(shared: &Shared, text: &str, due: &mut Vec<Address>) -> bool {
    due.clear();
    let Some(reading) = Reading::of(text) else { return false };
    hints::due(&shared.cell.pin(), &reading, due);
    if !shared.events.subscribers.is_empty() {
        shared.on_event(Event {
            event_type: reading.event_type.as_deref().unwrap_or_default().into(),
            time: reading.time,
            core_server_id: reading.core_server,
            json: text.into(),
        });
    }
    true
}

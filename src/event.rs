//! Events of the server, as they came, and their way to whoever listens.
//!
//! An event is a hint: it makes the sync look at the parts of the server's state that it names. It says nothing that a
//! snapshot is built from, so no lost, late or unknown event can make a snapshot wrong.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

/// A listener that does not keep up has this many events kept for it, the latest ones,
const KEPT: usize = 1_000;
/// and not more than so many bytes of them, though the latest one whatever its size.
const KEPT_BYTES: usize = 4 << 20;

/// An event of the server's Event API. Its type may be one that the vendor does not document.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What happened, as in `hangup`; empty where the event does not say.
    pub event_type: Box<str>,
    /// When it happened, by the server's clock, in Unix milliseconds.
    pub time: Option<i64>,
    /// The id of the core server it happened on.
    pub core_server_id: Option<Uuid>,
    /// The whole event, the text of a JSON object, as it came.
    pub json: Box<str>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({})", self.json)
    }
}

/// Who listens to events.
#[derive(Default)]
pub(crate) struct Subscribers {
    listeners: Mutex<Vec<Weak<Listener>>>,
    count: AtomicUsize,
}

impl Subscribers {
    /// From now on a listener gets every event, until it is dropped. `wake` is called after each delivery, on the thread of
    /// the events: it must be quick, and must not subscribe.
    pub(crate) fn subscribe(&self, wake: impl Fn() + Send + Sync + 'static) -> Arc<Listener> {
        let listener = Arc::new(Listener { waiting: Mutex::default(), wake: Box::new(wake) });
        let mut listeners = self.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        self.count.store(listeners.len(), Ordering::Release);
        listener
    }

    /// Whether nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Gives an event to all who listen.
    pub(crate) fn deliver(&self, event: &Arc<Event>) {
        let mut listeners = self.lock();
        listeners.retain(|listener| {
            let Some(listener) = listener.upgrade() else { return false };
            listener.put(event.clone());
            true
        });
        self.count.store(listeners.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who listens: the latest events that were not taken yet.
pub(crate) struct Listener {
    waiting: Mutex<Waiting>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// The sizes of the events together.
    bytes: usize,
    dropped: u64,
}

impl Waiting {
    fn pop(&mut self) -> Option<Arc<Event>> {
        let event = self.events.pop_front()?;
        self.bytes -= event.json.len();
        Some(event)
    }
}

impl Listener {
    /// The oldest event that waits.
    pub(crate) fn take(&self) -> Option<Arc<Event>> {
        self.lock().pop()
    }

    /// Whether no event waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().events.is_empty()
    }

    /// How many events were dropped since this was last asked, the oldest first, because they were not taken.
    pub(crate) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.lock().dropped)
    }

    fn put(&self, event: Arc<Event>) {
        let mut waiting = self.lock();
        waiting.bytes += event.json.len();
        waiting.events.push_back(event);
        while waiting.events.len() > KEPT || (waiting.bytes > KEPT_BYTES && waiting.events.len() > 1) {
            waiting.pop();
            waiting.dropped += 1;
        }
        drop(waiting);
        (self.wake)();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: i64) -> Arc<Event> {
        Arc::new(Event { event_type: "test".into(), time: Some(n), core_server_id: None, json: "{}".into() })
    }

    #[test]
    fn a_listener_that_sleeps_has_the_latest_events_and_a_count() {
        let subscribers = Subscribers::default();
        subscribers.deliver(&event(0));
        let rings = Arc::new(AtomicUsize::new(0));
        let ring = rings.clone();
        let wake = move || {
            ring.fetch_add(1, Ordering::Relaxed);
        };
        let sleeper = subscribers.subscribe(wake);
        let other = subscribers.subscribe(|| {});
        for n in 1..=KEPT as i64 + 5 {
            subscribers.deliver(&event(n));
            assert_eq!(other.take().unwrap().time, Some(n));
        }
        assert_eq!((sleeper.take_dropped(), sleeper.take_dropped(), other.take_dropped()), (5, 0, 0));
        assert_eq!(sleeper.take().unwrap().time, Some(6));
        assert_eq!(rings.load(Ordering::Relaxed), KEPT + 5);
        assert!(other.take().is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_too() {
        let subscribers = Subscribers::default();
        let sleeper = subscribers.subscribe(|| {});
        let large = |n, bytes| {
            let event_type = "test".into();
            Arc::new(Event { event_type, time: Some(n), core_server_id: None, json: "x".repeat(bytes).into() })
        };
        for n in 1..=10 {
            subscribers.deliver(&large(n, KEPT_BYTES / 4));
        }
        assert_eq!(sleeper.take_dropped(), 6);
        assert_eq!(sleeper.take().unwrap().time, Some(7));
        // There is room again for one, then it is the turn of the oldest.
        subscribers.deliver(&large(11, KEPT_BYTES / 4));
        assert_eq!(sleeper.take_dropped(), 0);
        subscribers.deliver(&event(12));
        assert_eq!(sleeper.take_dropped(), 1);
        // The latest one is kept however large it is.
        subscribers.deliver(&large(13, KEPT_BYTES + 1));
        assert_eq!(sleeper.take_dropped(), 4);
        assert_eq!(sleeper.take().unwrap().time, Some(13));
        assert!(sleeper.is_empty());
        assert_eq!(sleeper.lock().bytes, 0);
    }

    #[test]
    fn who_stopped_listening_is_forgotten() {
        let subscribers = Subscribers::default();
        assert!(subscribers.is_empty());
        let listener = subscribers.subscribe(|| {});
        assert!(!subscribers.is_empty());
        drop(listener);
        subscribers.deliver(&event(1));
        assert!(subscribers.is_empty());
    }
}

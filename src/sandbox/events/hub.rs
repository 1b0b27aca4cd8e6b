//! The open sockets of the events, and what waits to be written to each.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::filter::Filter;
use crate::sandbox::server::lock;

/// A socket for which this many bytes wait is cut off, or waited for.
const MOST: usize = 4 << 20;
/// How long a script waits for a slow client.
const PATIENCE: Duration = Duration::from_secs(2);

/// The open sockets.
#[derive(Default)]
pub(crate) struct Hub {
    sockets: Mutex<HashMap<u64, Arc<Outbox>>>,
    count: AtomicUsize,
    disabled: AtomicBool,
}

impl Hub {
    pub(super) fn add(&self, number: u64, stream: &TcpStream) -> Option<Arc<Outbox>> {
        let stream = stream.try_clone().ok()?;
        let outbox = Outbox { stream, waiting: Mutex::default(), filled: Condvar::new(), emptied: Condvar::new() };
        let outbox = Arc::new(outbox);
        let mut sockets = lock(&self.sockets);
        sockets.insert(number, Arc::clone(&outbox));
        self.count.store(sockets.len(), Ordering::Release);
        Some(outbox)
    }

    pub(super) fn remove(&self, number: u64) {
        let mut sockets = lock(&self.sockets);
        sockets.remove(&number);
        self.count.store(sockets.len(), Ordering::Release);
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether nobody would hear an event.
    pub(crate) fn is_idle(&self) -> bool {
        self.count() == 0
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.disabled.load(Ordering::Acquire)
    }

    pub(crate) fn set_enabled(&self, on: bool) {
        self.disabled.store(!on, Ordering::Release);
        if !on {
            self.drop_all();
        }
    }

    /// Ends all sockets: from now on none of them hears anything.
    pub(crate) fn drop_all(&self) {
        let sockets = std::mem::take(&mut *lock(&self.sockets));
        self.count.store(0, Ordering::Release);
        sockets.values().for_each(|outbox| outbox.end());
    }

    /// Sends an event of the model; never waits.
    pub(crate) fn tell(&self, event: &Map<String, Value>) {
        let Ok(text) = serde_json::to_string(event) else { return };
        let frame = frame(&text);
        for outbox in self.all() {
            if outbox.admits(event) && !outbox.put(&frame, Duration::ZERO) {
                outbox.end();
            }
        }
    }

    /// Sends a text, perhaps an event.
    pub(crate) fn send_text(&self, text: &str) {
        let event: Option<Map<String, Value>> = serde_json::from_str(text).ok();
        let frame = frame(text);
        for outbox in self.all() {
            if event.as_ref().is_none_or(|event| outbox.admits(event)) && !outbox.put(&frame, PATIENCE) {
                outbox.end();
            }
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        for outbox in self.all() {
            if !outbox.put(bytes, PATIENCE) {
                outbox.end();
            }
        }
    }

    fn all(&self) -> Vec<Arc<Outbox>> {
        lock(&self.sockets).values().cloned().collect()
    }
}

/// A text as a frame of a server: whole, not masked.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..65_536 => {
            frame.push(126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// What waits to be written to one socket.
pub(super) struct Outbox {
    stream: TcpStream,
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    frames: Vec<u8>,
    filter: Filter,
    ended: bool,
}

impl Outbox {
    pub(super) fn set_filter(&self, filter: Filter) {
        lock(&self.waiting).filter = filter;
    }

    /// Waits for something to write; `None` at the end.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let waiting = lock(&self.waiting);
        let idle = |waiting: &mut Waiting| waiting.frames.is_empty() && !waiting.ended;
        let mut waiting = self.filled.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
        if waiting.ended {
            return None;
        }
        self.emptied.notify_all();
        Some(std::mem::take(&mut waiting.frames))
    }

    pub(super) fn end(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.ended = true;
        waiting.frames = Vec::new();
        let _ = self.stream.shutdown(Shutdown::Both);
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn admits(&self, event: &Map<String, Value>) -> bool {
        lock(&self.waiting).filter.admits(event)
    }

    /// False where there is no room within the time.
    fn put(&self, frames: &[u8], patience: Duration) -> bool {
        let full = |waiting: &mut Waiting| waiting.frames.len() > MOST && !waiting.ended;
        let waiting = self.emptied.wait_timeout_while(lock(&self.waiting), patience, full);
        let (mut waiting, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.frames.len() > MOST {
            return false;
        }
        if !waiting.ended {
            waiting.frames.extend_from_slice(frames);
            self.filled.notify_one();
        }
        true
    }
}

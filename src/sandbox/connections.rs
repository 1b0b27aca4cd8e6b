//! The open connections: counted, bounded, and cut from outside.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::server::lock;

#[derive(Default)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: Mutex<Open>,
    emptied: Condvar,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// A handle of each, to cut it by; none where its thread asked to hold the only one.
    streams: HashMap<u64, Option<TcpStream>>,
}

/// Takes a connection off the list when its thread ends, however it ends.
pub(crate) struct Entry {
    inner: Arc<Inner>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut open = lock(&self.inner.open);
        open.streams.remove(&self.number);
        if open.streams.is_empty() {
            self.inner.emptied.notify_all();
        }
    }
}

impl Connections {
    /// Counts a connection in; `None` when there are `max` already.
    pub(crate) fn add(&self, stream: &TcpStream, max: usize) -> Option<u64> {
        let mut open = lock(&self.0.open);
        if open.streams.len() >= max {
            return None;
        }
        let number = open.next;
        open.next += 1;
        let handle = stream.try_clone().ok()?;
        open.streams.insert(number, Some(handle));
        Some(number)
    }

    pub(crate) fn entry(&self, number: u64) -> Entry {
        Entry { inner: Arc::clone(&self.0), number }
    }

    /// Drops the list's handle of a connection, so that the thread's own is the last one.
    pub(crate) fn release(&self, number: u64) {
        if let Some(handle) = lock(&self.0.open).streams.get_mut(&number) {
            *handle = None;
        }
    }

    /// Ends all connections but one.
    pub(crate) fn cut_all(&self, but: Option<u64>) {
        for (number, stream) in &lock(&self.0.open).streams {
            if let (Some(stream), true) = (stream, Some(*number) != but) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Ends one connection.
    pub(crate) fn cut(&self, number: u64) {
        if let Some(Some(stream)) = lock(&self.0.open).streams.get(&number) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.0.open).streams.len()
    }

    /// Waits until all threads of connections have ended, or until the time is over.
    pub(crate) fn wait_empty(&self, limit: Duration) {
        let open = lock(&self.0.open);
        let waited = self.0.emptied.wait_timeout_while(open, limit, |open| !open.streams.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

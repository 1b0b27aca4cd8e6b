//! The bound on actions in flight: a few pass at a time, the others wait for their turn, first come, first served.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};

pub(crate) struct Gate {
    size: usize,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    free: usize,
    /// Who waits, by the numbers they drew.
    waiting: VecDeque<u64>,
    next: u64,
    closed: bool,
}

/// The right to send one action, until it is dropped.
pub(crate) struct Pass<'g>(&'g Gate);

impl Gate {
    pub(crate) fn new(size: usize) -> Gate {
        let state = State { free: size, waiting: VecDeque::new(), next: 0, closed: false };
        Gate { size, state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, until `deadline`.
    pub(crate) fn enter(&self, deadline: Instant) -> Result<Pass<'_>> {
        let started = Instant::now();
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(number);
        loop {
            if state.closed {
                return Err(crate::sync::closed());
            }
            if state.free > 0 && state.waiting.front() == Some(&number) {
                state.free -= 1;
                state.waiting.pop_front();
                // There may be room for the next one too.
                self.moved.notify_all();
                return Ok(Pass(self));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting.retain(|other| *other != number);
                self.moved.notify_all();
                return Err(self.too_late(started.elapsed()));
            }
            state = self.moved.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn too_late(&self, waited: Duration) -> Error {
        Error::new(
            Code::TimedOut,
            format!(
                "the action waited {waited:.1?} for a free connection and was not sent: {} others were in flight (connections)",
                self.size
            ),
        )
    }

    /// Ends all waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_all();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_pass_than_fit_and_all_pass_in_their_order() {
        let gate = Gate::new(3);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let deadline = Instant::now() + Duration::from_secs(20);
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _pass = gate.enter(deadline).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
        let state = gate.lock();
        assert_eq!((state.free, state.waiting.len(), state.next), (3, 0, 400));
    }

    #[test]
    fn who_waits_too_long_gives_up_and_holds_nobody_up() {
        let gate = Gate::new(1);
        let soon = || Instant::now() + Duration::from_millis(20);
        let pass = gate.enter(soon()).unwrap();
        let error = gate.enter(soon()).err().unwrap();
        assert_eq!(error.code(), Code::TimedOut);
        assert!(error.message().contains("was not sent"), "{error}");
        drop(pass);
        drop(gate.enter(soon()).unwrap());
        gate.close();
        assert_eq!(gate.enter(soon()).err().unwrap().code(), Code::Closed);
    }
}

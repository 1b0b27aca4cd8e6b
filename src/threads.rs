//! Threads of ours: no signal of the application is handled on one, and none is detached by another.
//!
//! glibc's `pthread_detach` looks at a thread once more when it has detached it. A thread that ends in between is gone by
//! then, its memory may be that of the next one, and that one is taken for ended: who joins it gets `ESRCH`, for which the
//! standard library panics. Dropping a [`JoinHandle`] detaches; so a thread that nobody joins drops its own.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use crate::clock::Limit;

/// What a thread gets for a defect of its own: blocked, it would end the process without the application's handler.
const FAULTS: [Signal; 7] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGABRT, Signal::SIGSYS];

/// Starts a thread with all signals blocked, except for faults. Who gets the handle joins it.
pub(crate) fn start(
    name: &str,
    stack: Option<usize>,
    life: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut thread = thread::Builder::new().name(name.to_owned());
    if let Some(stack) = stack {
        thread = thread.stack_size(stack);
    }
    // A new thread inherits the mask of the one that starts it.
    let mut signals = SigSet::all();
    FAULTS.into_iter().for_each(|fault| signals.remove(fault));
    let mask = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let started = thread.spawn(life);
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    started
}

/// Starts a thread that nobody waits for, with all signals blocked, except for faults.
///
/// # Errors
/// Why the system gives none.
pub fn alone(name: &str, stack: Option<usize>, life: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (handle, own) = channel::<JoinHandle<()>>();
    let thread = start(name, stack, move || {
        drop(own.recv());
        life();
    })?;
    let _ = handle.send(thread);
    Ok(())
}

/// Threads that are waited for together, for some time.
#[derive(Default)]
pub(crate) struct Threads {
    list: Mutex<List>,
    ended: Condvar,
}

#[derive(Default)]
struct List {
    running: HashMap<ThreadId, JoinHandle<()>>,
    /// Those of them that wait for the others.
    waiting: HashSet<ThreadId>,
    /// To be joined.
    ended: Vec<JoinHandle<()>>,
    /// Nobody waits any more.
    left: bool,
}

impl Threads {
    /// Starts one, as [`start`] does.
    pub(crate) fn start(self: &Arc<Self>, name: &str, life: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let group = self.clone();
        // Locked, so that it does not end before it is in the list.
        let mut list = self.list();
        let thread = start(name, None, move || {
            let _end = End(group);
            life();
        })?;
        list.running.insert(thread.thread().id(), thread);
        Ok(())
    }

    /// Waits until all have ended; one of them that calls it does not wait for itself, nor for others that do the same. What
    /// has not ended by `limit` ends alone.
    pub(crate) fn join(&self, limit: Limit) {
        let own = thread::current().id();
        let mut list = self.list();
        let is_own = list.running.contains_key(&own);
        if is_own {
            list.waiting.insert(own);
            self.ended.notify_all();
        }
        while list.running.keys().any(|id| !is_own || !list.waiting.contains(id)) {
            let Some(waited) = limit.wait(&self.ended, list) else {
                list = self.list();
                break;
            };
            list = waited;
        }
        list.waiting.remove(&own);
        list.left = true;
        let ended = std::mem::take(&mut list.ended);
        drop(list);
        for thread in ended {
            let _ = thread.join();
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells, at the end of a thread, that it ends.
struct End(Arc<Threads>);

impl Drop for End {
    fn drop(&mut self) {
        let mut list = self.0.list();
        if let Some(own) = list.running.remove(&thread::current().id()) {
            if list.left { drop(own) } else { list.ended.push(own) }
        }
        self.0.ended.notify_all();
    }
}

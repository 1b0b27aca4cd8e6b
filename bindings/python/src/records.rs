//! Records of the `log` crate on their way to Python's `logging`.
//!
//! A thread of ours that logs puts the record into a bounded queue and goes on: it never asks for the GIL and never waits
//! for a handler. The queue is emptied into the logger `isymphony` by the application's own threads: in every call that
//! waits or sends, in `health`, `metrics` and `close`, and by `isymphony.drain_log()`. No lock is held meanwhile, so a
//! handler may call this library. When the queue is full, the newest records are dropped and counted.
//! A forked child has a queue of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::exit;

/// How many records wait at most.
const CAPACITY: usize = 4096;

/// The level of `logging`, the logger's name, the text, when (Unix seconds), and the name of the thread.
type Taken = (u8, String, String, f64, String);

/// The waiting records of one process.
struct Queue {
    process: u32,
    records: Mutex<VecDeque<Taken>>,
    dropped: AtomicU64,
    waiting: AtomicBool,
    draining: AtomicBool,
}

impl Queue {
    fn new() -> Queue {
        Queue {
            process: std::process::id(),
            records: Mutex::default(),
            dropped: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        }
    }

    /// That of this process. A forked child begins with an empty one: what waits is the parent's to hand over, and a thread
    /// that is not in the child may have held the lock, or been handing over, at the fork.
    fn mine() -> &'static Queue {
        static LATEST: AtomicPtr<Queue> = AtomicPtr::new(std::ptr::null_mut());
        loop {
            let latest = LATEST.load(Ordering::Acquire);
            // SAFETY: it is null, or points to a queue that is never freed and only ever shared.
            match unsafe { latest.as_ref() } {
                Some(queue) if queue.process == std::process::id() => return queue,
                _ => {}
            }
            let own = Box::into_raw(Box::new(Queue::new()));
            if LATEST.compare_exchange(latest, own, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: another thread was first, so nobody has seen this one.
                drop(unsafe { Box::from_raw(own) });
            }
        }
    }

    fn records(&self) -> MutexGuard<'_, VecDeque<Taken>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Other crates may log what is none of an application's business.
        metadata.target().starts_with("isymphony")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let thread = std::thread::current().name().unwrap_or("?").to_owned();
        let taken = (level(record.level()), record.target().replace("::", "."), record.args().to_string(), at, thread);
        let queue = Queue::mine();
        let mut records = queue.records();
        if records.len() < CAPACITY {
            records.push_back(taken);
        } else {
            queue.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queue.waiting.store(true, Ordering::Release);
    }

    fn flush(&self) {}
}

/// The number `logging` uses for a level.
fn level(level: Level) -> u8 {
    match level {
        Level::Error => 40,
        Level::Warn => 30,
        Level::Info => 20,
        Level::Debug => 10,
        Level::Trace => 5,
    }
}

/// Takes the records of this module's own copy of the `log` crate.
pub(crate) fn install() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// From now on only records that the logger `isymphony` would take are made.
pub(crate) fn set_level(py: Python<'_>) -> PyResult<()> {
    let logging = py.import("logging")?;
    let level: u32 = logging.call_method1("getLogger", ("isymphony",))?.call_method0("getEffectiveLevel")?.extract()?;
    log::set_max_level(match level {
        0..=5 => LevelFilter::Trace,
        6..=10 => LevelFilter::Debug,
        11..=20 => LevelFilter::Info,
        21..=30 => LevelFilter::Warn,
        _ => LevelFilter::Error,
    });
    Ok(())
}

/// Hands the waiting records to `logging`. An `Exception` that a handler raises is reported and goes no further; what is
/// none (`KeyboardInterrupt`, `SystemExit`) goes to the caller.
pub(crate) fn drain(py: Python<'_>) -> PyResult<()> {
    static EMIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let queue = Queue::mine();
    if !queue.waiting.load(Ordering::Acquire) {
        return Ok(());
    }
    let _inside = exit::enter(py);
    if queue.draining.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let emit = || EMIT.get_or_try_init(py, || py.import("isymphony._log")?.getattr("drain_log").map(Bound::unbind));
    // An exception that is on its way to the caller stays what it is.
    let pending = PyErr::take(py);
    let emitted = emit().and_then(|emit| emit.call0(py));
    queue.draining.store(false, Ordering::Release);
    match emitted {
        Err(error) if error.is_instance_of::<PyException>(py) => error.write_unraisable(py, None),
        Err(interrupt) => return Err(interrupt),
        Ok(_) => {}
    }
    if let Some(pending) = pending {
        pending.restore(py);
    }
    Ok(())
}

/// Takes all waiting records out of the queue, and how many were dropped since last time.
#[pyfunction]
pub(crate) fn _take_log_records(py: Python<'_>) -> PyResult<(Vec<Taken>, u64)> {
    set_level(py)?;
    let queue = Queue::mine();
    queue.waiting.store(false, Ordering::Release);
    let records = std::mem::take(&mut *queue.records());
    Ok((records.into(), queue.dropped.swap(0, Ordering::Relaxed)))
}

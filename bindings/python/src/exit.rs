//! The end of the interpreter.
//!
//! CPython ends a daemon thread that wants the GIL when the interpreter is being finalized. It does so by unwinding the
//! thread's stack, and where functions of ours are on that stack (Python called us, and we called Python), the process is
//! aborted. So nobody is on the way through us when that begins: from `exit_begins` on, other threads that come back from
//! waiting, or would call Python from within us, stay where they are, without the GIL; and it waits for those that are in it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// The thread that ends the interpreter, once it does, and its process: a forked child lives on.
static ENDED_BY: OnceLock<(u32, ThreadId)> = OnceLock::new();
/// The process in the upper half; in the lower how many threads of it are in Python code that we called.
static INSIDE: AtomicU64 = AtomicU64::new(0);
/// `exit_begins` waits at most so long: a handler of `logging` may hang.
const PATIENCE: Duration = Duration::from_secs(1);

/// As long as it lives, the thread is in Python code that we called.
pub(crate) struct Inside(());

/// Before Python code is called from within us.
pub(crate) fn enter(py: Python<'_>) -> Inside {
    stay_at_the_end(py);
    count(|inside| inside + 1);
    Inside(())
}

impl Drop for Inside {
    fn drop(&mut self) {
        count(|inside| inside.saturating_sub(1));
    }
}

fn count(change: impl Fn(u32) -> u32) -> u32 {
    let process = u64::from(std::process::id());
    let mut last = 0;
    let _ = INSIDE.fetch_update(Ordering::AcqRel, Ordering::Acquire, |known| {
        // The threads of a parent process are not here.
        let inside = if known >> 32 == process { known as u32 } else { 0 };
        last = change(inside);
        Some(process << 32 | u64::from(last))
    });
    last
}

/// Never returns on a thread that the end of the interpreter would end.
pub(crate) fn stay_at_the_end(py: Python<'_>) {
    let ends = |(process, by): &(u32, ThreadId)| *process == std::process::id() && *by != std::thread::current().id();
    if ENDED_BY.get().is_some_and(ends) {
        py.detach(|| {
            loop {
                std::thread::park();
            }
        });
    }
}

/// The interpreter is about to end, by this thread.
#[pyfunction]
pub(crate) fn _exit_begins(py: Python<'_>) {
    if ENDED_BY.set((std::process::id(), std::thread::current().id())).is_err() {
        return;
    }
    let began = Instant::now();
    while count(|inside| inside) > 0 && began.elapsed() < PATIENCE {
        py.detach(|| std::thread::sleep(Duration::from_millis(1)));
    }
}

//! Calls that take long: they run without the GIL, and a signal (Ctrl-C) ends them.

use std::sync::PoisonError;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use isymphony::{Code, Error, Result};
use pyo3::prelude::*;

use crate::errors::{OrRaise, raise};
use crate::exit::stay_at_the_end;

/// How long a call runs before it looks whether there was a signal.
const SLICE: Duration = Duration::from_millis(50);

/// Waits by asking again and again, each time for a slice of the whole time.
///
/// `wait` may be asked any number of times, and fails with [`Code::TimedOut`] or [`Code::SyncTimeout`] when its slice is
/// over.
pub(crate) fn wait_in_slices<T: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    wait: impl Fn(Duration) -> Result<T> + Send + Sync,
) -> PyResult<T> {
    let started = Instant::now();
    loop {
        let left = timeout.map_or(SLICE, |timeout| timeout.saturating_sub(started.elapsed()));
        let slice = left.min(SLICE);
        let error = match py.detach(|| wait(slice)) {
            Ok(value) => {
                stay_at_the_end(py);
                return Ok(value);
            }
            Err(error) => error,
        };
        stay_at_the_end(py);
        py.check_signals()?;
        let over = timeout.is_some_and(|timeout| started.elapsed() >= timeout);
        if over || !matches!(error.code(), Code::TimedOut | Code::SyncTimeout) {
            return Err(raise(py, &speak_of_the_whole(error, slice, timeout.unwrap_or_default())));
        }
    }
}

/// The error speaks of the time the caller gave, not of the last slice of it.
fn speak_of_the_whole(error: Error, slice: Duration, timeout: Duration) -> Error {
    if !matches!(error.code(), Code::TimedOut | Code::SyncTimeout) {
        return error;
    }
    let message = error.message().replacen(&format!("within {slice:?}"), &format!("within {timeout:?}"), 1);
    let mut whole = Error::new(error.code(), message).with_retryable(error.retryable());
    if let Some(status) = error.http_status() {
        whole = whole.with_http_status(status);
    }
    match error.server_message() {
        Some(words) => whole.with_server_message(words),
        None => whole,
    }
}

/// Runs what cannot be cut into slices (a request) on a thread of its own, which never touches the interpreter.
///
/// After a signal the caller goes on at once, and the thread ends by itself: the request is not undone.
pub(crate) fn on_a_thread<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    let (done, result) = channel();
    // Only so that it may be lent to where the GIL is released.
    let result = std::sync::Mutex::new(result);
    let run = move || {
        // Nobody listens any more when a signal ended the call.
        let _ = done.send(work());
    };
    isymphony::threads::alone("isymphony-call", None, run)
        .map_err(|e| Error::new(Code::Internal, format!("the system gives no thread for the call: {e}")))
        .or_raise(py)?;
    loop {
        let result = py.detach(|| result.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(SLICE));
        stay_at_the_end(py);
        match result {
            Ok(result) => return result.or_raise(py),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(raise(py, &Error::new(Code::Internal, "the call broke off; please report this")));
            }
        }
    }
}

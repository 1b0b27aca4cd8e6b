//! Watching: what changed since the watcher last looked.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use isymphony::snapshot::ResourceOwned;
use isymphony::{Code, Snapshot};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::change::Change;
use crate::context::{Client, Context};
use crate::convert::Seconds;
use crate::errors::{OrRaise, raise};
use crate::records;

/// How long a wait lasts before it looks whether there was a signal.
const SLICE: Duration = Duration::from_millis(50);

/// A subscription to changes, made by `Live.watch`: iterate over it, or `async for`; each reader takes from the same stream.
///
/// It ends when the client is closed, or by `close`. A slow reader gets the latest of each resource; memory is bounded.
#[pyclass(module = "isymphony", frozen, weakref)]
pub(crate) struct Watch {
    client: Arc<Client>,
    /// `None` once it was closed. The lock is never held while the GIL is taken.
    watch: Mutex<Option<isymphony::Watch>>,
    /// The contexts that the last changes were in.
    contexts: Mutex<VecDeque<Arc<Context>>>,
}

impl Watch {
    pub(crate) fn new(client: &Arc<Client>, watch: isymphony::Watch) -> Watch {
        Watch { client: client.clone(), watch: Mutex::new(Some(watch)), contexts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<isymphony::Watch>> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits without the GIL, in slices, so that a signal ends it. `Ok(None)`: none came in time.
    fn wait(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Option<Change>> {
        let started = Instant::now();
        loop {
            let left = timeout.map_or(SLICE, |timeout| timeout.saturating_sub(started.elapsed()));
            let next = py.detach(|| match &mut *self.lock() {
                Some(watch) => watch.next(Some(left.min(SLICE))),
                None => Err(isymphony::Error::new(Code::Closed, "the watch is closed")),
            });
            records::drain(py);
            if let Some(change) = next.or_raise(py)? {
                return Ok(Some(self.change(change)));
            }
            py.check_signals()?;
            if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
                return Ok(None);
            }
        }
    }

    fn change(&self, change: isymphony::snapshot::Change) -> Change {
        let context = |side: &Option<ResourceOwned>| side.as_ref().map(|r| self.context(r.get().snapshot()));
        let (before, after) = (context(&change.old), context(&change.new));
        let any =
            before.clone().or_else(|| after.clone()).unwrap_or_else(|| self.context(&self.client.live.snapshot()));
        Change::of(change, &before.unwrap_or_else(|| any.clone()), &after.unwrap_or(any))
    }

    /// The context of a snapshot: the same one for all changes between two snapshots.
    fn context(&self, snapshot: &Snapshot) -> Arc<Context> {
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = contexts.iter().find(|known| known.snapshot.generation() == snapshot.generation()) {
            return known.clone();
        }
        let made = Context::new(snapshot.clone(), &self.client);
        contexts.push_front(made.clone());
        contexts.truncate(2);
        made
    }
}

#[pymethods]
impl Watch {
    /// The next change; waits for one at most `timeout` seconds (`None`: as long as it takes). `None` when none came in time.
    ///
    /// Raises `Closed` once the client or the watch is closed and everything was taken.
    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Option<Change>> {
        self.wait(py, timeout.map(|timeout| timeout.0))
    }

    /// How many snapshots were merged into later ones, and how many events were dropped, because the reader was slow.
    #[getter]
    fn merged(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().as_ref().map_or(0, isymphony::Watch::merged))
    }

    /// A descriptor that is readable while there may be something to take with a timeout of 0. Only poll it.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        let fd = py.detach(|| match &*self.lock() {
            Some(watch) => watch.fd().map(|fd| fd.as_raw_fd()),
            None => Err(isymphony::Error::new(Code::Closed, "the watch is closed")),
        });
        fd.or_raise(py)
    }

    /// Ends the watch; the client goes on. May be called from within a loop over it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().take()));
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Change> {
        loop {
            match self.wait(py, None) {
                Ok(Some(change)) => return Ok(change),
                Ok(None) => {}
                Err(error) if is_closed(py, &error)? => return Err(PyStopIteration::new_err(())),
                Err(error) => return Err(error),
            }
        }
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("isymphony._aio")?.getattr("next_change")?.call1((slf,))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let state = if py.detach(|| self.lock().is_some()) { "open" } else { "closed" };
        format!("<Watch {state} of {}>", self.client.live.config().get_origin())
    }
}

/// Whether an exception is our `Closed`.
fn is_closed(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    let closed = raise(py, &isymphony::Error::new(Code::Closed, ""));
    Ok(error.is_instance(py, &closed.get_type(py)))
}

//! Watching: what changed since the watcher last looked.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
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
use crate::rich::{Fields, field};

/// How long a wait lasts before it looks whether there was a signal.
const SLICE: Duration = Duration::from_millis(50);

/// A subscription to changes, made by `Live.watch`: iterate over it, or `async for`; each reader takes from the same stream.
///
/// It ends when the client is closed, or by `close`. A slow reader gets the latest of each resource; memory is bounded.
/// In a forked child it goes on, unless a thread was taking from it at the fork: there it counts as closed.
#[pyclass(module = "isymphony", frozen, weakref)]
pub(crate) struct Watch {
    client: Arc<Client>,
    /// `None` once it was closed. The lock is never held while the GIL is taken.
    watch: Mutex<Option<isymphony::Watch>>,
    /// The contexts that the last changes were in.
    contexts: Mutex<VecDeque<Arc<Context>>>,
    /// The process that uses it.
    process: AtomicU32,
}

impl Watch {
    pub(crate) fn new(client: &Arc<Client>, watch: isymphony::Watch) -> Watch {
        let (watch, process) = (Mutex::new(Some(watch)), AtomicU32::new(std::process::id()));
        Watch { client: client.clone(), watch, contexts: Mutex::default(), process }
    }

    /// Whether it can be used: not in a forked child in which nobody ever gives the lock back. Asked with the GIL held, so
    /// that no other thread of the child has the lock when it is first asked there.
    fn is_usable(&self) -> bool {
        let process = std::process::id();
        if self.process.load(Relaxed) == process {
            return true;
        }
        let is_free = !matches!(self.watch.try_lock(), Err(TryLockError::WouldBlock));
        if is_free {
            self.process.store(process, Relaxed);
        }
        is_free
    }

    /// Uses the watch without the GIL.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        using: impl FnOnce(&mut isymphony::Watch) -> isymphony::Result<T> + Send,
    ) -> isymphony::Result<T> {
        let closed = |why| isymphony::Error::new(Code::Closed, why);
        if !self.is_usable() {
            return Err(closed("a thread of the parent process was taking from the watch at the fork"));
        }
        py.detach(|| match &mut *self.watch.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(watch) => using(watch),
            None => Err(closed("the watch is closed")),
        })
    }

    /// Waits without the GIL, in slices, so that a signal ends it. `Ok(None)`: none came in time.
    fn wait(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Option<Change>> {
        let started = Instant::now();
        loop {
            let left = timeout.map_or(SLICE, |timeout| timeout.saturating_sub(started.elapsed()));
            // Before anything is taken, so that an interrupt loses no change.
            records::drain(py)?;
            if let Some(change) = self.with(py, |watch| watch.next(Some(left.min(SLICE)))).or_raise(py)? {
                return Ok(Some(self.change(change)));
            }
            py.check_signals()?;
            if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
                return Ok(None);
            }
        }
    }

    fn state(&self, py: Python<'_>) -> &'static str {
        if self.with(py, |_| Ok(())).is_ok() { "open" } else { "closed" }
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
        self.with(py, |watch| Ok(watch.merged())).unwrap_or(0)
    }

    /// A descriptor that is readable while there may be something to take with a timeout of 0. Only poll it.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |watch| Ok(watch.fd()?.as_raw_fd())).or_raise(py)
    }

    /// A second descriptor of the same, which outlives the watch: it stays readable once the watch is closed. The caller
    /// closes it.
    fn _descriptor(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, duplicate).or_raise(py).map(OwnedFd::into_raw_fd)
    }

    /// Ends the watch, and every wait for it; the client goes on. May be called from within a loop over it, and from any
    /// thread.
    fn close(&self, py: Python<'_>) {
        if self.is_usable() {
            py.detach(|| drop(self.watch.lock().unwrap_or_else(PoisonError::into_inner).take()));
        }
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
        let _inside = crate::exit::enter(slf.py());
        slf.py().import("isymphony._aio")?.getattr("next_change")?.call1((slf,))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close(py);
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "url", self.client.live.config().get_origin())?,
            field(py, "state", self.state(py))?,
            field(py, "merged", self.merged(py))?,
        ])
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Watch {} of {}>", self.state(py), self.client.live.config().get_origin())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_usable() {
            // The thread was in the middle of something.
            std::mem::forget(self.watch.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// A descriptor that is readable whenever that of the watch is.
fn duplicate(watch: &mut isymphony::Watch) -> isymphony::Result<OwnedFd> {
    watch.fd()?.try_clone_to_owned().map_err(|error| {
        let message = format!("a descriptor could not be opened ({error}); is the process's limit too low?");
        isymphony::Error::new(Code::Internal, message).with_retryable(true)
    })
}

/// Whether an exception is our `Closed`.
fn is_closed(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    let closed = raise(py, &isymphony::Error::new(Code::Closed, ""));
    Ok(error.is_instance(py, &closed.get_type(py)))
}

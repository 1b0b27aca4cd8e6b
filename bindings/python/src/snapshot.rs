//! A snapshot: everything that is known of the server at one moment.

use std::sync::Arc;
use std::time::SystemTime;

use isymphony::snapshot::{Source, Target};
use isymphony::{Code, Error};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

use crate::change::Change;
use crate::context::Context;
use crate::convert;
use crate::errors::{OrRaise, raise};
use crate::mapping::ResourceMapping;
use crate::resource::kinds::wrap;
use crate::rich::{Fields, field};

/// Everything that is known of the server at one moment. Immutable: all its reads agree with each other.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Snapshot {
    pub(crate) context: Arc<Context>,
    core_servers: PyOnceLock<Py<ResourceMapping>>,
}

impl Snapshot {
    pub(crate) fn new(context: Arc<Context>) -> Snapshot {
        Snapshot { context, core_servers: PyOnceLock::new() }
    }

    fn core(&self) -> &isymphony::Snapshot {
        &self.context.snapshot
    }
}

#[pymethods]
impl Snapshot {
    /// The core servers, by slug.
    #[getter]
    fn core_servers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, ResourceMapping>> {
        let mapping = self.core_servers.get_or_try_init(py, || {
            Py::new(py, ResourceMapping::new(self.context.clone(), self.core().core_servers()))
        })?;
        Ok(mapping.bind(py).clone())
    }

    /// The resource that a path addresses, as the server would resolve it: any mix of ids and `getByName`, with or without
    /// what stands before `coreServers`.
    fn resolve<'py>(&self, py: Python<'py>, path: &Bound<'_, PyString>) -> PyResult<Bound<'py, PyAny>> {
        let resource = self.core().resolve(convert::text("path", path)?).and_then(Target::one).or_raise(py)?;
        wrap(py, &self.context, &resource)
    }

    /// The list that a path addresses, as in `coreServers/getByName/default/users`.
    fn resolve_list(&self, py: Python<'_>, path: &Bound<'_, PyString>) -> PyResult<ResourceMapping> {
        match self.core().resolve(convert::text("path", path)?).or_raise(py)? {
            Target::List(list) => Ok(ResourceMapping::new(self.context.clone(), list)),
            Target::One(resource) => {
                let message = format!("the path addresses one {}, not a list", resource.kind());
                Err(raise(py, &Error::new(Code::InvalidPath, message)))
            }
        }
    }

    /// The resource with this id (a `uuid.UUID` or its text), whatever its kind.
    fn by_id<'py>(&self, py: Python<'py>, id: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let id = convert::id(id)?;
        match self.core().by_id(id) {
            Some(resource) => wrap(py, &self.context, &resource),
            None => Err(raise(py, &Error::new(Code::NotFound, format!("nothing has the id {id}")))),
        }
    }

    /// The number of the server's incarnation, counted by the client from 1; 0 before anything was synced.
    #[getter]
    fn epoch(&self) -> u64 {
        self.core().epoch()
    }

    /// The number of this snapshot; 0 before anything was synced.
    #[getter]
    fn generation(&self) -> u64 {
        self.core().generation()
    }

    /// Whether anything was synced yet.
    #[getter]
    fn has_data(&self) -> bool {
        self.core().has_data()
    }

    /// How many seconds ago the server last confirmed the core servers' lists; `inf` before anything was synced.
    #[getter]
    fn age(&self) -> f64 {
        if self.core().has_data() { self.core().age().as_secs_f64() } else { f64::INFINITY }
    }

    /// When the server last confirmed the core servers' lists, the oldest of them, as wall time, for display; `None` before
    /// anything was synced.
    #[getter]
    fn confirmed_at(&self) -> Option<SystemTime> {
        self.core().confirmed_at()
    }

    /// Where it comes from: `"live"`, `"sealed"` or `"replay"`.
    #[getter]
    fn source(&self) -> &'static str {
        match self.core().source() {
            Source::Live => "live",
            Source::Sealed => "sealed",
            Source::Replay => "replay",
        }
    }

    /// What changed since an older snapshot of the same client. Each resource occurs at most once.
    fn diff(&self, py: Python<'_>, older: &Bound<'_, Snapshot>) -> Vec<Change> {
        let before = older.get().context.clone();
        let (new, old) = (self.core().clone(), before.snapshot.clone());
        let changes = py.detach(|| new.diff(&old));
        changes.into_iter().map(|change| Change::of(change, &before, &self.context)).collect()
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "generation", self.generation())?,
            field(py, "epoch", self.epoch())?,
            field(py, "objects", self.core().size().0)?,
            field(py, "age", self.age())?,
            field(py, "source", self.source())?,
        ])
    }

    fn __repr__(&self) -> String {
        let (objects, _) = self.core().size();
        format!("<Snapshot generation={} epoch={} objects={objects}>", self.generation(), self.epoch())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Snapshot cannot be pickled; pickle the resources you need"))
    }
}

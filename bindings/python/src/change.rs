//! What changed between two snapshots.

use std::sync::Arc;

use isymphony::snapshot::{self, ResourceOwned};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::context::Context;
use crate::resource::json;
use crate::resource::kinds::wrap;

/// One change of the server's state.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Change {
    core: snapshot::Change,
    contexts: [Arc<Context>; 2],
    old: PyOnceLock<Option<Py<PyAny>>>,
    new: PyOnceLock<Option<Py<PyAny>>>,
}

impl Change {
    pub(crate) fn of(core: snapshot::Change, before: &Arc<Context>, after: &Arc<Context>) -> Change {
        Change { core, contexts: [before.clone(), after.clone()], old: PyOnceLock::new(), new: PyOnceLock::new() }
    }
}

type Side = PyOnceLock<Option<Py<PyAny>>>;

fn side<'py>(
    py: Python<'py>,
    made: &Side,
    context: &Arc<Context>,
    resource: Option<&ResourceOwned>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let made = made.get_or_try_init(py, || {
        let wrapped = resource.map(|resource| wrap(py, context, &resource.get()).map(Bound::unbind));
        wrapped.transpose()
    })?;
    Ok(made.as_ref().map(|resource| resource.bind(py).clone()))
}

impl Change {
    /// All that makes two of them the same.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.kind(), self.before(py)?, self.after(py)?, self.event(py)?).into_pyobject(py)
    }

    /// What it is about: the resource, or the event.
    fn shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shown = self.resource(py)?.or(self.event(py)?);
        Ok(shown.unwrap_or_else(|| py.None().into_bound(py)))
    }
}

#[pymethods]
impl Change {
    /// `"added"`, `"changed"`, `"removed"`, `"epoch_changed"` (the core server restarted, and all ids are new), or `"event"`,
    /// which only a watch tells of.
    #[getter]
    fn kind(&self) -> &'static str {
        self.core.kind.name()
    }

    /// The resource before; `None` when it was added.
    #[getter(old)]
    fn before<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        side(py, &self.old, &self.contexts[0], self.core.old.as_ref())
    }

    /// The resource after; `None` when it was removed.
    #[getter(new)]
    fn after<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        side(py, &self.new, &self.contexts[1], self.core.new.as_ref())
    }

    /// The resource as it is now, or as it was last.
    #[getter]
    fn resource<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.after(py)?.or(self.before(py)?))
    }

    /// The server's event as it came; `None` unless `kind` is `"event"`.
    #[getter]
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.event.as_ref().map(|event| json::loads(py, &event.json)).transpose()
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("kind", "resource")
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Change>() else { return Ok(py.NotImplemented().into_bound(py)) };
        let equal = self.parts(py)?.eq(other.get().parts(py)?)?;
        Ok(equal.into_pyobject(py)?.to_owned().into_any())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.kind(), self.resource(py)?).into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Change('{}', {})", self.kind(), self.shown(py)?.repr()?))
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        Ok(vec![self.kind().into_pyobject(py)?.into_any(), self.shown(py)?])
    }
}

//! What changed between two snapshots.

use std::sync::Arc;

use isymphony::snapshot::{self, ResourceOwned};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

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

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let resource = match (self.resource(py)?, self.event(py)?) {
            (Some(shown), _) | (None, Some(shown)) => shown.repr()?.to_string(),
            (None, None) => "None".to_owned(),
        };
        Ok(format!("Change({:?}, {resource})", self.kind()))
    }
}

//! What changed between two snapshots.

use std::sync::Arc;

use isymphony::snapshot::{self, ChangeKind, ResourceOwned};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::context::Context;
use crate::pickle::{Parts, named};
use crate::resource::json;
use crate::resource::kinds::wrap;

/// One change of the server's state.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Change {
    kind: &'static str,
    /// The text of an event.
    event: Option<Box<str>>,
    old: Side,
    new: Side,
}

/// The resource before or after, which becomes a Python object when it is first asked for.
struct Side {
    core: Option<(ResourceOwned, Arc<Context>)>,
    made: PyOnceLock<Option<Py<PyAny>>>,
}

impl Side {
    fn of(resource: Option<ResourceOwned>, context: &Arc<Context>) -> Side {
        Side { core: resource.map(|resource| (resource, context.clone())), made: PyOnceLock::new() }
    }

    fn get<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let made = self.made.get_or_try_init(py, || {
            let core = self.core.as_ref();
            core.map(|(resource, context)| wrap(py, context, &resource.get()).map(Bound::unbind)).transpose()
        })?;
        Ok(made.as_ref().map(|resource| resource.bind(py).clone()))
    }
}

impl Change {
    pub(crate) fn of(core: snapshot::Change, before: &Arc<Context>, after: &Arc<Context>) -> Change {
        Change {
            kind: core.kind.name(),
            event: core.event.map(|event| event.json.clone()),
            old: Side::of(core.old, before),
            new: Side::of(core.new, after),
        }
    }

    /// Of what its pickle holds.
    pub(crate) fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Change> {
        let kinds =
            [ChangeKind::Added, ChangeKind::Changed, ChangeKind::Removed, ChangeKind::EpochChanged, ChangeKind::Event];
        type Made = Option<Py<PyAny>>;
        let (kind, old, new, event): (String, Made, Made, Option<String>) = parts.extract()?;
        let kind = named(parts.py(), kinds, ChangeKind::name, &kind)?.name();
        let side = |resource| {
            let made = PyOnceLock::new();
            let _ = made.set(parts.py(), resource);
            Side { core: None, made }
        };
        let event = event.map(String::into_boxed_str);
        Ok(Change { kind, event, old: side(old), new: side(new) })
    }

    /// What it is about: the resource, or the event.
    fn shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let shown = self.resource(py)?.or(self.event(py)?);
        Ok(shown.unwrap_or_else(|| py.None().into_bound(py)))
    }
}

impl Parts for Change {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.kind, self.before(py)?, self.after(py)?, self.event.as_deref()).into_pyobject(py)
    }
}

#[pymethods]
impl Change {
    /// `"added"`, `"changed"`, `"removed"`, `"epoch_changed"` (the core server restarted, and all ids are new), or `"event"`,
    /// which only a watch tells of.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    /// The resource before; `None` when it was added.
    #[getter(old)]
    fn before<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.old.get(py)
    }

    /// The resource after; `None` when it was removed.
    #[getter(new)]
    fn after<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.new.get(py)
    }

    /// The resource as it is now, or as it was last.
    #[getter]
    fn resource<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.after(py)?.or(self.before(py)?))
    }

    /// The server's event as it came; `None` unless `kind` is `"event"`.
    #[getter]
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.event.as_ref().map(|event| json::loads(py, event)).transpose()
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("kind", "resource")
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.equals(other)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
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

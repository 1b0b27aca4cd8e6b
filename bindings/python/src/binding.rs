//! To which object a handle is bound.

use isymphony::handle;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use uuid::Uuid;

use crate::convert;
use crate::pickle::Parts;
use crate::rich::{Fields, field};

/// To which object a handle is bound, as it was last found.
#[pyclass(module = "isymphony", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    id: Uuid,
    configuration_id: Option<String>,
    epoch: u64,
    rebinds: u64,
    other_objects: u64,
}

impl Binding {
    pub(crate) fn of(core: handle::Binding) -> Binding {
        let handle::Binding { id, configuration_id, epoch, rebinds, other_objects, .. } = core;
        Binding { id, configuration_id, epoch, rebinds, other_objects }
    }

    /// Of what its pickle holds.
    pub(crate) fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Binding> {
        let (id, configuration_id, epoch, rebinds, other_objects) = parts.extract()?;
        let id = convert::id(&id)?;
        Ok(Binding { id, configuration_id, epoch, rebinds, other_objects })
    }
}

impl Parts for Binding {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.id(py)?, &self.configuration_id, self.epoch, self.rebinds, self.other_objects).into_pyobject(py)
    }
}

#[pymethods]
impl Binding {
    /// The id of the object: new after every restart of the server.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::uuid(py, self.id)
    }

    /// The `configurationId` of the object, which stays; `None` where its kind has none.
    #[getter]
    fn configuration_id(&self) -> Option<&str> {
        self.configuration_id.as_deref()
    }

    /// The epoch of the snapshot it was found in.
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How often the handle was bound anew since it was made: to the same object after a restart of the server, or to
    /// another object that has the name now.
    #[getter]
    fn rebinds(&self) -> u64 {
        self.rebinds
    }

    /// How often that was another object, as far as a `configurationId` tells.
    #[getter]
    fn other_objects(&self) -> u64 {
        self.other_objects
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("id", "configuration_id")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "id", self.id(py)?)?,
            field(py, "configuration_id", self.configuration_id())?,
            field(py, "epoch", self.epoch)?,
            field(py, "rebinds", self.rebinds)?,
            field(py, "other_objects", self.other_objects)?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<Binding {} epoch={} rebinds={}>", self.id, self.epoch, self.rebinds)
    }
}

//! To which object a handle is bound.

use std::hash::{DefaultHasher, Hash, Hasher};

use isymphony::handle;
use pyo3::prelude::*;

/// To which object a handle is bound, as it was last found.
#[pyclass(module = "isymphony", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct Binding(pub(crate) handle::Binding);

#[pymethods]
impl Binding {
    /// The id of the object: new after every restart of the server.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::convert::uuid(py, self.0.id)
    }

    /// The `configurationId` of the object, which stays; `None` where its kind has none.
    #[getter]
    fn configuration_id(&self) -> Option<&str> {
        self.0.configuration_id.as_deref()
    }

    /// The epoch of the snapshot it was found in.
    #[getter]
    fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// How often the handle was bound anew since it was made: to the same object after a restart of the server, or to
    /// another object that has the name now.
    #[getter]
    fn rebinds(&self) -> u64 {
        self.0.rebinds
    }

    /// How often that was another object, as far as a `configurationId` tells.
    #[getter]
    fn other_objects(&self) -> u64 {
        self.0.other_objects
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0.id, self.0.epoch, self.0.rebinds).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("<Binding {} epoch={} rebinds={}>", self.0.id, self.0.epoch, self.0.rebinds)
    }
}

//! The raw JSON of a resource as Python objects; `isymphony._json` makes them.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// What `json.loads` makes of it; a whole number of more digits than Python's `int` reads is a `decimal.Decimal`.
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let _inside = crate::exit::enter(py);
    let loads = LOADS.get_or_try_init(py, || py.import("isymphony._json")?.getattr("loads").map(Bound::unbind))?;
    loads.bind(py).call1((text,))
}

//! What the library rich shows of an object: `__rich_repr__`.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

/// Names with their values.
pub(crate) type Fields<'py> = Vec<Field<'py>>;

pub(crate) type Field<'py> = (&'static str, Bound<'py, PyAny>);

pub(crate) fn field<'py>(py: Python<'py>, name: &'static str, value: impl IntoPyObject<'py>) -> PyResult<Field<'py>> {
    Ok((name, value.into_bound_py_any(py)?))
}

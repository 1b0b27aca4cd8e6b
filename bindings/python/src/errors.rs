//! The one way from an error of the core to a Python exception.

use isymphony::{Code, Error};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::exit;

static BUILD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception for an error of the core: built by `isymphony.errors`, where the classes are.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error, false).map_or_else(|e| e, PyErr::from_value)
}

/// The same, where the error is about the key of a mapping: what is not found is a `KeyError` too.
pub(crate) fn raise_for_key(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error, true).map_or_else(|e| e, PyErr::from_value)
}

/// The exception as an object.
pub(crate) fn build<'py>(py: Python<'py>, error: &Error, key: bool) -> PyResult<Bound<'py, PyAny>> {
    let _inside = exit::enter(py);
    let build =
        BUILD.get_or_try_init(py, || py.import("isymphony.errors")?.getattr("_from_core").map(Bound::unbind))?;
    let (text, words) = (error.to_string(), error.server_message());
    build.bind(py).call1((error.code().name(), text, error.retryable(), error.http_status(), words, key))
}

/// An argument that cannot be used.
pub(crate) fn invalid(py: Python<'_>, message: String) -> PyErr {
    raise(py, &Error::new(Code::InvalidArgument, message))
}

/// A result of the core as a result for Python.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for isymphony::Result<T> {
    #[inline]
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

//! Resources as values: how they are pickled and built again.
//!
//! The pickle of a resource holds its kind, its JSON, its path and when the server confirmed it. What is built from that
//! says the same and equals the original, but has no relations and no client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use isymphony::catalog::Kind;
use isymphony::snapshot::ResourceOwned;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Resource, kinds};
use crate::context::{Context, Detached};
use crate::errors::{OrRaise, invalid};

pub(crate) fn reduce<'py>(py: Python<'py>, resource: &Resource) -> PyResult<Bound<'py, PyTuple>> {
    let seconds = resource.confirmed_at().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let module = py.import(intern!(py, "isymphony._isymphony"))?;
    let build = module.getattr(intern!(py, "_resource_from_value"))?;
    let core = resource.core();
    (build, (core.kind().name(), core.raw(), resource.path_text(), seconds)).into_pyobject(py)
}

/// Builds a resource again from what its pickle holds.
#[pyfunction]
pub(crate) fn _resource_from_value<'py>(
    py: Python<'py>,
    kind: &str,
    json: &str,
    path: String,
    confirmed_at: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = Kind::from_name(kind).ok_or_else(|| invalid(py, format!("no kind is called {kind:?}")))?;
    let resource = ResourceOwned::from_json(kind, json).or_raise(py)?;
    let since = Duration::try_from_secs_f64(confirmed_at).unwrap_or_default();
    let confirmed_at = UNIX_EPOCH.checked_add(since).unwrap_or_else(SystemTime::now);
    let context = Context::detached(&resource, Detached { path, confirmed_at });
    kinds::wrap(py, &context, &resource.get())
}

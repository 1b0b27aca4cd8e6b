//! How resources show themselves. Texts of the server are escaped as Python escapes them.

use isymphony::snapshot::Resource;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::value_object;

/// The name and the value of everything the server says that the catalogue knows, the id last.
fn fields<'py>(py: Python<'py>, resource: &Resource<'_>) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    let mut fields = Vec::new();
    for property in resource.properties() {
        if let Some(value) = property.value {
            fields.push((property.row.snake, value_object(py, value)?));
        }
    }
    fields.push(("id", resource.id().to_string().into_pyobject(py)?.into_any()));
    Ok(fields)
}

/// As in `Extension(extension_number='4224', display_name='Ada', id='...')`.
pub(crate) fn repr(py: Python<'_>, resource: &Resource<'_>) -> PyResult<String> {
    let mut out = format!("{}(", resource.kind());
    for (i, (name, value)) in fields(py, resource)?.iter().enumerate() {
        let separator = if i > 0 { ", " } else { "" };
        out.push_str(&format!("{separator}{name}={}", value.repr()?));
    }
    out.push(')');
    Ok(out)
}

/// What the library rich asks for.
pub(crate) fn rich_repr<'py>(py: Python<'py>, resource: &Resource<'_>) -> PyResult<Bound<'py, PyAny>> {
    PyList::new(py, fields(py, resource)?)?.as_any().try_iter().map(Bound::into_any)
}

//! Faults from keyword arguments to the text the core reads.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use crate::convert::Seconds;
use crate::errors::invalid;

/// The text of a fault: as given, or put together from the parts.
pub(crate) fn text(text: Option<&str>, parts: Option<&Bound<'_, PyDict>>) -> PyResult<String> {
    let mut pairs: Vec<String> = text.into_iter().map(str::to_owned).collect();
    for (name, value) in parts.into_iter().flatten() {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        pairs.push(match name.as_str() {
            "delay" => format!("delay={}ms", millis(&value)?),
            "duration" => format!("for={}ms", millis(&value)?),
            "text" | "redirect" => format!("{name}={}", escape(value.str()?.to_str()?)),
            _ if value.is_exact_instance_of::<PyBool>() => match value.extract()? {
                true => name,
                false => continue,
            },
            _ => {
                let value = value.str()?;
                if value.to_str()?.contains(';') {
                    return Err(invalid(value.py(), format!("{name}: a ';' cannot be in it")));
                }
                format!("{name}={}", value.to_str()?)
            }
        });
    }
    if pairs.is_empty() {
        return Err(PyTypeError::new_err("a fault is given as one text, or as keyword arguments"));
    }
    Ok(pairs.join("; "))
}

fn millis(value: &Bound<'_, PyAny>) -> PyResult<u128> {
    value.extract::<Seconds>().map(|seconds| seconds.0.as_millis())
}

/// What separates pairs, and what encodes it.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace(';', "%3B")
}

//! From Python arguments to those of the core.

use std::time::Duration;

use isymphony::action::Arg;
use isymphony::catalog::Kind;
use isymphony::{Code, Error};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDateTime, PyDelta, PyDict, PyInt, PyString};
use uuid::Uuid;

use crate::errors::{OrRaise, invalid, raise};
use crate::exit;
use crate::handle::Handle;
use crate::resource::Resource;

/// A time in seconds, or a `timedelta`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        let seconds: f64 = match value.cast::<PyDelta>() {
            Ok(delta) => delta.call_method0("total_seconds")?.extract()?,
            Err(_) => value.extract().map_err(|error: PyErr| {
                if error.is_instance_of::<PyOverflowError>(py) {
                    return invalid(py, "a time of that many seconds is not possible".to_owned());
                }
                let of = value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
                PyTypeError::new_err(format!("a time is a number of seconds or a timedelta, not {of}"))
            })?,
        };
        // An infinite or very long time is as long as it can be reckoned with.
        let far = Duration::from_secs(100 * 365 * 86_400);
        match Duration::try_from_secs_f64(if seconds > far.as_secs_f64() { far.as_secs_f64() } else { seconds }) {
            Ok(time) => Ok(Seconds(time)),
            Err(_) => Err(invalid(py, format!("a time of {seconds} seconds is not possible"))),
        }
    }
}

/// What is wrong with the value of an argument, as an error that names the argument and keeps nothing of the value: it may
/// be a password.
pub(crate) fn misfit(py: Python<'_>, code: Code, name: &str, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(py) {
        return PyTypeError::new_err(format!("argument '{name}': {}", error.value(py)));
    }
    let why = if error.is_instance_of::<PyUnicodeEncodeError>(py) {
        "the text holds half of a surrogate pair, which is no character"
    } else if error.is_instance_of::<PyOverflowError>(py) {
        "the number is out of range"
    } else if error.is_instance_of::<PyValueError>(py) {
        &error.value(py).to_string()
    } else {
        return error;
    };
    raise(py, &Error::new(code, format!("{name}: {why}")))
}

/// Several values, as a list or another sequence. A text is none, though it is a sequence of texts.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<'py, T: FromPyObjectOwned<'py>> FromPyObject<'_, 'py> for Many<T> {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match value.cast::<PyString>() {
            Ok(_) => Err(PyTypeError::new_err("it is a list, as in ['default'], and not one str")),
            Err(_) => value.extract().map(Many),
        }
    }
}

/// The value of an argument.
pub(crate) fn argument<'py, T: FromPyObjectOwned<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<T> {
    value.extract::<T>().map_err(|error| misfit(value.py(), Code::InvalidArgument, name, error.into()))
}

/// The text of an argument.
pub(crate) fn text<'a>(name: &str, value: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    value.to_str().map_err(|error| misfit(value.py(), Code::InvalidArgument, name, error))
}

/// The text of a setting.
pub(crate) fn setting<'a>(name: &str, value: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    value.to_str().map_err(|error| misfit(value.py(), Code::Config, name, error))
}

/// A kind by its name: `"extension"`, `"extensions"`, `"Extension"`, `"call_segment"`, ...
pub(crate) fn kind(py: Python<'_>, setting: &str, name: &str) -> PyResult<Kind> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let named = |kind: &Kind| plain(kind.name()) == plain(name);
    let known = || Kind::ALL.map(|kind| kind.row().list_snake).join(", ");
    Kind::from_name(name).or_else(|| Kind::ALL.into_iter().find(named)).ok_or_else(|| {
        raise(py, &Error::new(Code::Config, format!("{setting}: no kind is called {name:?}; there are {}", known())))
    })
}

/// An id as a `uuid.UUID`.
pub(crate) fn uuid<'py>(py: Python<'py>, id: Uuid) -> PyResult<Bound<'py, PyAny>> {
    let _inside = exit::enter(py);
    id.into_pyobject(py)
}

/// An id, as a `uuid.UUID` or its text.
pub(crate) fn id(value: &Bound<'_, PyAny>) -> PyResult<Uuid> {
    match value.cast::<PyString>() {
        Ok(text) => {
            let text = text.to_string_lossy();
            Uuid::try_parse(&text).map_err(|_| invalid(value.py(), format!("{text:?} is not a UUID")))
        }
        Err(_) => value.extract(),
    }
}

/// The arguments of an action; `None` counts as not given.
pub(crate) fn action_args(args: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(String, Arg)>> {
    let mut given = Vec::new();
    for (name, value) in args.into_iter().flatten() {
        if !value.is_none() {
            let name = name.cast::<PyString>()?;
            let name = text("the name of an argument", name)?;
            given.push((name.to_owned(), action_arg(name, &value)?));
        }
    }
    Ok(given)
}

/// One argument of an action: a text, a whole number, an id, a `datetime`, a resource (itself, by its id), or a handle
/// (what it finds now).
pub(crate) fn action_arg(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Arg> {
    let py = value.py();
    if let Ok(given) = value.cast::<PyString>() {
        return Ok(Arg::Text(text(name, given)?.to_owned()));
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return whole_number(name, value).map(Arg::Int);
    }
    if let Ok(time) = value.cast::<PyDateTime>() {
        let timestamp = time.call_method0("timestamp").and_then(|seconds| seconds.extract::<f64>());
        let seconds = timestamp.map_err(|_| invalid(py, format!("{name}: a time that far off is not possible")))?;
        return Ok(Arg::Int((seconds * 1000.0).round() as i64));
    }
    if let Ok(resource) = value.cast::<Resource>() {
        return Ok(resource.get().as_arg());
    }
    if let Ok(handle) = value.cast::<Handle>() {
        return handle.get().inner.resolve().map(Arg::Id).or_raise(py);
    }
    if let Ok(id) = value.extract::<Uuid>() {
        return Ok(Arg::Id(id));
    }
    let of = value.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "argument '{name}': it is a str, an int, a datetime, a UUID, a resource or a handle, not {of}"
    )))
}

/// A whole number as an argument of an action.
pub(crate) fn whole_number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<i64> {
    match value.cast::<PyBool>() {
        Ok(_) => Err(PyTypeError::new_err(format!("argument '{name}': it is a whole number, not bool"))),
        Err(_) => argument(name, value),
    }
}

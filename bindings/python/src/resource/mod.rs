//! A resource: one instance of the server's state, as a frozen value that pins its snapshot.
//!
//! `kinds` has a class for each kind, `print` how they show themselves, `json` their raw JSON as Python objects, `value`
//! how they are pickled.

pub(crate) mod json;
pub(crate) mod kinds;
mod print;
pub(crate) mod value;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use isymphony::action::{Arg, Options};
use isymphony::snapshot::{self, Collection, Value};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::context::Context;
use crate::convert;
use crate::errors::OrRaise;
use crate::ticket::{self, Target, Ticket, how};

/// One instance of any kind, as it was in one snapshot.
///
/// Frozen. Two are equal when they say the same of the same instance, in whatever snapshot. Pickled it becomes a value:
/// all that it says, without relations and without a client.
#[pyclass(module = "isymphony", frozen, subclass)]
pub(crate) struct Resource {
    place: Arc<Place>,
    row: u32,
    id: PyOnceLock<Py<PyAny>>,
}

/// A collection of a snapshot: what the resources of one list share.
pub(crate) struct Place {
    pub(crate) context: Arc<Context>,
    pub(crate) collection: Arc<Collection>,
}

impl Resource {
    pub(crate) fn new(context: &Arc<Context>, resource: &snapshot::Resource<'_>) -> Resource {
        let (_, collection, row) = resource.parts();
        let place = Place { context: context.clone(), collection: collection.clone() };
        Resource { place: Arc::new(place), row, id: PyOnceLock::new() }
    }

    /// The same, where the place is most probably this one.
    pub(crate) fn new_at(place: &Arc<Place>, resource: &snapshot::Resource<'_>) -> Resource {
        let (_, collection, row) = resource.parts();
        if Arc::ptr_eq(collection, &place.collection) {
            Resource { place: place.clone(), row, id: PyOnceLock::new() }
        } else {
            Resource::new(&place.context, resource)
        }
    }

    #[inline]
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.place.context
    }

    #[inline]
    pub(crate) fn core(&self) -> snapshot::Resource<'_> {
        snapshot::Resource::from_parts(&self.place.context.snapshot, &self.place.collection, self.row)
            .expect("the row was there when the resource was made, and a collection never changes")
    }

    pub(crate) fn path_text(&self) -> String {
        match &self.context().detached {
            Some(detached) => detached.path.clone(),
            None => self.core().path().to_string(),
        }
    }

    /// As an argument of an action: this very instance, by its id. A value without a client has nothing but its path.
    pub(crate) fn as_arg(&self) -> Arg {
        match &self.context().detached {
            Some(detached) => Arg::Text(detached.path.clone()),
            None => Arg::from(self.core()),
        }
    }

    /// Acts on it, by its id: after a restart of the server it is not found.
    pub(crate) fn act_with(
        &self,
        py: Python<'_>,
        action: &str,
        args: Vec<(String, Arg)>,
        options: Options,
    ) -> PyResult<Ticket> {
        let client = self.context().client().or_raise(py)?;
        ticket::act(py, client, Target::Resource(self.core().to_owned()), action, args, options)
    }
}

#[pymethods]
impl Resource {
    /// The kind, by the vendor's name: `"Extension"`, `"CallSegment"`, ...
    #[getter]
    fn kind(&self) -> &'static str {
        self.core().kind().name()
    }

    /// The id: new at every restart of the server.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let id = self.id.get_or_try_init(py, || crate::convert::uuid(py, self.core().id()).map(Bound::unbind))?;
        Ok(id.bind(py).clone())
    }

    /// The symbolic name, where the kind has one and the server says it.
    #[getter]
    fn symbolic_name(&self) -> Option<&str> {
        self.core().name()
    }

    /// The id in the Configuration API, where the kind has one: unlike `id` it should survive a restart of the server.
    #[getter]
    fn configuration_id(&self) -> Option<&str> {
        self.core().configuration_id()
    }

    /// Its path below `communication_manager/rest/live/`, by symbolic names as far as there are any.
    #[getter]
    fn path(&self) -> String {
        self.path_text()
    }

    /// How many seconds ago the server last confirmed it.
    #[getter]
    fn age(&self) -> f64 {
        match &self.context().detached {
            Some(value) => value.confirmed_at.elapsed().unwrap_or_default().as_secs_f64(),
            None => self.core().age().as_secs_f64(),
        }
    }

    /// When the server last confirmed it, as wall time, for display.
    #[getter]
    pub(crate) fn confirmed_at(&self) -> SystemTime {
        match &self.context().detached {
            Some(value) => value.confirmed_at,
            None => self.core().confirmed_at(),
        }
    }

    /// The whole object: every value as the server sent it. A whole number of more digits than Python's `int` reads
    /// (`sys.get_int_max_str_digits()`, 4 300 by default) is a `decimal.Decimal`, with all of them.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::loads(py, &self.core().raw())
    }

    /// The whole object as the text of a JSON object.
    #[getter]
    fn raw_json(&self) -> String {
        self.core().raw()
    }

    /// What the catalogue does not know of it.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.core().extra() {
            Some(extra) => json::loads(py, extra),
            None => Ok(PyDict::new(py).into_any()),
        }
    }

    /// What the catalogue does not know of it, as the text of a JSON object; empty when nothing.
    #[getter]
    fn extra_json(&self) -> &str {
        self.core().extra().unwrap_or_default()
    }

    /// The core server it is below; itself for a core server, `None` for an unpickled value.
    #[getter]
    fn core_server<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core().core_server().map(|server| kinds::wrap(py, self.context(), &server)).transpose()
    }

    /// A property by its JSON name or attribute name; `None` when the server does not say it.
    ///
    /// Raises `AttributeError` when the catalogue has none of that name: look in `extra`.
    fn property<'py>(&self, py: Python<'py>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (kind, name) = (self.core().kind(), name.to_string_lossy());
        let Some(property) = self.core().property(&name) else {
            let message = format!("the catalogue has no property {name:?} of {kind:#}");
            return Err(PyAttributeError::new_err(message));
        };
        property.value.map(|value| value_object(py, value)).transpose()
    }

    /// What the server said of a property: `"present"`, `"null"`, `"missing"`, or `"other_type"` where the value has
    /// another type than the catalogue says (it is in `raw`).
    fn property_state(&self, name: &Bound<'_, PyString>) -> PyResult<&'static str> {
        let (core, name) = (self.core(), name.to_string_lossy());
        let property = core.property(&name).ok_or_else(|| {
            PyAttributeError::new_err(format!("the catalogue has no property {name:?} of {:#}", core.kind()))
        })?;
        Ok(match property.state {
            snapshot::State::Missing => "missing",
            snapshot::State::Null => "null",
            snapshot::State::OtherType => "other_type",
            snapshot::State::Present => "present",
        })
    }

    /// Carries out an action of the catalogue on it, at most once.
    ///
    /// It goes to this very instance, by its id: after a restart of the server it raises `NotFound`. Handles survive. With
    /// `force` it is sent although the snapshot says that the instance is gone.
    #[pyo3(signature = (action, /, *, timeout=None, force=false, **args))]
    fn act(
        &self,
        py: Python<'_>,
        action: &Bound<'_, PyString>,
        timeout: Option<convert::Seconds>,
        force: bool,
        args: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Ticket> {
        self.act_with(py, convert::text("action", action)?, convert::action_args(args)?, how(timeout, force))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        match other.cast::<Resource>() {
            Ok(other) => {
                let equal = self.core().same_content(&other.get().core());
                Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
            }
            Err(_) => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.core().kind(), self.core().id()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        print::repr(py, &self.core())
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        print::rich_repr(py, &self.core())
    }

    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        value::reduce(py, self)
    }
}

/// A property's value as a Python object.
pub(crate) fn value_object<'py>(py: Python<'py>, value: Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
    })
}

/// Who calls, or is called, on the other side of a call segment.
#[pyclass(module = "isymphony", frozen, eq, hash, get_all, new = "from_fields")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct CallerId {
    /// The id of the caller id itself.
    id: Option<String>,
    /// The caller's name.
    name: Option<String>,
    /// The caller's number.
    number: Option<String>,
}

impl CallerId {
    pub(crate) fn of(segment: &snapshot::CallSegment<'_>) -> CallerId {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        CallerId {
            id: owned(segment.caller_id_id()),
            name: owned(segment.caller_id_name()),
            number: owned(segment.caller_id_number()),
        }
    }
}

#[pymethods]
impl CallerId {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("number", "name")
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let repr = |text: &Option<String>| text.as_deref().into_pyobject(py)?.repr().map(|text| text.to_string());
        Ok(format!("CallerId(id={}, name={}, number={})", repr(&self.id)?, repr(&self.name)?, repr(&self.number)?))
    }

    fn __rich_repr__(&self) -> Vec<(&'static str, Option<&str>)> {
        vec![("id", self.id.as_deref()), ("name", self.name.as_deref()), ("number", self.number.as_deref())]
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let caller = slf.get();
        let fields = (caller.id.as_deref(), caller.name.as_deref(), caller.number.as_deref());
        (slf.get_type(), fields).into_pyobject(slf.py())
    }
}

//! The instances of one list as a mapping.
//!
//! A hit is answered from a dict that fills itself, so that a name that was asked before costs little more than a plain
//! dict. What the mapping says it has is always the whole list, whatever was asked so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use isymphony::catalog::Kind;
use isymphony::snapshot::{self, Collection, List};
use isymphony::{Code, Error};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyInt, PyMapping, PyString, PyType};
use uuid::Uuid;

use crate::context::Context;
use crate::errors::raise_for_key;
use crate::resource::kinds::object;
use crate::resource::{Place, Resource};
use crate::rich::{Fields, field};

/// The instances of one list, in the server's order.
///
/// The keys are the symbolic names; an id (`uuid.UUID`) where the kind has none, or an instance has none that is its own.
/// Every instance can be had by its id, too. A name that several have raises `Ambiguous`, except from `in`.
#[pyclass(module = "isymphony", frozen, mapping, generic)]
pub(crate) struct ResourceMapping {
    context: Arc<Context>,
    /// `None` where the server has no such list.
    place: Option<Arc<Place>>,
    kind: Kind,
    /// What was asked for already, by the key it was asked with.
    asked: PyOnceLock<Py<PyDict>>,
}

impl ResourceMapping {
    pub(crate) fn new(context: Arc<Context>, list: List<'_>) -> ResourceMapping {
        let (_, collection, kind) = list.parts();
        let place =
            collection.map(|collection| Arc::new(Place { context: context.clone(), collection: collection.clone() }));
        ResourceMapping { context, place, kind, asked: PyOnceLock::new() }
    }

    #[inline]
    fn collection(&self) -> Option<&Arc<Collection>> {
        self.place.as_ref().map(|place| &place.collection)
    }

    /// The object for one of the instances.
    fn wrap<'py>(&self, py: Python<'py>, resource: &snapshot::Resource<'_>) -> PyResult<Bound<'py, PyAny>> {
        let base = match &self.place {
            Some(place) => Resource::new_at(place, resource),
            None => Resource::new(&self.context, resource),
        };
        object(py, resource.kind(), base)
    }

    #[inline]
    pub(crate) fn list(&self) -> List<'_> {
        List::from_parts(&self.context.snapshot, self.collection(), self.kind)
    }

    /// What a key that was not asked before means.
    fn find<'a>(&'a self, key: &Bound<'_, PyAny>) -> Result<snapshot::Resource<'a>, PyErr> {
        let py = key.py();
        if let Ok(name) = key.cast::<PyString>() {
            let Ok(name) = name.to_str() else {
                let message = format!("no {} has a name with lone surrogates", self.kind);
                return Err(raise_for_key(py, &Error::new(Code::NotFound, message)));
            };
            let list = self.list();
            if self.kind.row().symbolic.is_none() {
                let found = Uuid::try_parse(name).ok().and_then(|id| list.by_id(id));
                let error = || Error::new(Code::NotFound, format!("no {} here has the id {name:?}", self.kind));
                return found.ok_or_else(|| raise_for_key(py, &error()));
            }
            return list.by_name(name).map_err(|error| raise_for_key(py, &error));
        }
        let error = match key.extract::<Uuid>() {
            Ok(id) => match self.list().by_id(id) {
                Some(resource) => return Ok(resource),
                None => Error::new(Code::NotFound, format!("no {} here has the id {id}", self.kind)),
            },
            Err(_) => {
                let of = key.get_type().name()?;
                let mut message = format!("the keys are texts and UUIDs, not {of}");
                if key.is_exact_instance_of::<PyInt>() {
                    message += &format!(": write {:?}", key.str()?.to_string_lossy());
                }
                Error::new(Code::NotFound, message)
            }
        };
        Err(raise_for_key(py, &error))
    }

    #[inline(never)]
    fn first_time<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        let resource = self.wrap(py, &self.find(key)?)?;
        // Only keys that are what they seem are remembered.
        if key.is_exact_instance_of::<PyString>() {
            self.asked.get_or_init(py, || PyDict::new(py).unbind()).bind(py).set_item(key, &resource)?;
        }
        Ok(resource)
    }

    /// The key under which an instance is listed.
    fn key<'py>(&self, py: Python<'py>, resource: &snapshot::Resource<'_>) -> PyResult<Bound<'py, PyAny>> {
        match resource.name().filter(|name| self.list().find(name).is_some()) {
            Some(name) => Ok(PyString::new(py, name).into_any()),
            None => crate::convert::uuid(py, resource.id()),
        }
    }

    fn view<'py>(slf: &Bound<'py, Self>, class: &'static str) -> PyResult<Bound<'py, PyAny>> {
        let _inside = crate::exit::enter(slf.py());
        slf.py().import("isymphony._views")?.getattr(class)?.call1((slf,))
    }
}

#[pymethods]
impl ResourceMapping {
    #[inline]
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(asked) = self.asked.get(key.py())
            && let Some(resource) = asked.bind(key.py()).get_item(key)?
        {
            return Ok(resource);
        }
        self.first_time(key)
    }

    /// The instance with this key, or `default`. Raises `Ambiguous` where several have the name.
    #[pyo3(signature = (key, default=None, /))]
    fn get<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        static KEY_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let py = key.py();
        match self.__getitem__(key) {
            Err(error) if error.matches(py, KEY_ERROR.import(py, "builtins", "KeyError")?)? => Ok(default),
            found => found.map(Some),
        }
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let list = self.list();
        if let Ok(name) = key.cast::<PyString>() {
            let Ok(name) = name.to_str() else { return Ok(false) };
            return Ok(match self.kind.row().symbolic {
                Some(_) => list.find(name).is_some(),
                None => Uuid::try_parse(name).is_ok_and(|id| list.by_id(id).is_some()),
            });
        }
        Ok(key.extract::<Uuid>().is_ok_and(|id| list.by_id(id).is_some()))
    }

    fn __len__(&self) -> usize {
        self.list().len()
    }

    fn __iter__(slf: Bound<'_, Self>) -> ResourceIterator {
        ResourceIterator::new(slf, What::Keys)
    }

    /// The keys.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ResourceMapping::view(slf, "Keys")
    }

    /// The instances.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ResourceMapping::view(slf, "Values")
    }

    /// The keys with their instances.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ResourceMapping::view(slf, "Items")
    }

    fn _iter_values(slf: Bound<'_, Self>) -> ResourceIterator {
        ResourceIterator::new(slf, What::Values)
    }

    fn _iter_items(slf: Bound<'_, Self>) -> ResourceIterator {
        ResourceIterator::new(slf, What::Items)
    }

    /// The instance with this id.
    fn by_id<'py>(&self, py: Python<'py>, id: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let id = crate::convert::id(id)?;
        match self.list().by_id(id) {
            Some(resource) => self.wrap(py, &resource),
            None => {
                let message = format!("no {} here has the id {id}", self.kind);
                Err(raise_for_key(py, &Error::new(Code::NotFound, message)))
            }
        }
    }

    /// The kind of the instances.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether the server has this list and it is synced; it may be empty all the same.
    #[getter]
    fn is_known(&self) -> bool {
        self.list().is_known()
    }

    /// How many seconds ago the server last confirmed the list; `None` when it is not known.
    #[getter]
    fn age(&self) -> Option<f64> {
        self.list().age().map(|age| age.as_secs_f64())
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let not_implemented = || Ok(py.NotImplemented().into_bound(py));
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) || other.cast::<PyMapping>().is_err() {
            return not_implemented();
        }
        let same_list = other.cast::<ResourceMapping>().is_ok_and(|other| {
            let (a, b) = (slf.get().collection(), other.get().collection());
            matches!((a, b), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
        });
        if same_list {
            return Ok(matches!(op, CompareOp::Eq).into_pyobject(py)?.to_owned().into_any());
        }
        let dict = |mapping: &Bound<'py, PyAny>| py.get_type::<PyDict>().call1((mapping,));
        dict(slf.as_any())?.rich_compare(dict(other)?, op)
    }

    #[classattr]
    const __hash__: Option<Py<PyAny>> = None;

    #[classattr]
    #[pyo3(name = "__reversed__")]
    const REVERSED: Option<Py<PyAny>> = None;

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "kind", self.kind())?,
            field(py, "count", self.__len__())?,
            field(py, "is_known", self.is_known())?,
            field(py, "age", self.age())?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<ResourceMapping of {} {}>", self.list().len(), self.kind.row().list_snake)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a ResourceMapping cannot be pickled; pickle its values"))
    }
}

#[derive(Clone, Copy)]
enum What {
    Keys,
    Values,
    Items,
}

/// Goes through a mapping in the server's order.
#[pyclass(frozen)]
pub(crate) struct ResourceIterator {
    mapping: Py<ResourceMapping>,
    what: What,
    next: AtomicUsize,
}

impl ResourceIterator {
    fn new(mapping: Bound<'_, ResourceMapping>, what: What) -> ResourceIterator {
        ResourceIterator { mapping: mapping.unbind(), what, next: AtomicUsize::new(0) }
    }
}

#[pymethods]
impl ResourceIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mapping = self.mapping.get();
        let Some(resource) = mapping.list().at(self.next.fetch_add(1, Ordering::Relaxed)) else {
            self.next.store(usize::MAX >> 1, Ordering::Relaxed);
            return Ok(None);
        };
        let value = || mapping.wrap(py, &resource);
        Ok(Some(match self.what {
            What::Keys => mapping.key(py, &resource)?,
            What::Values => value()?,
            What::Items => (mapping.key(py, &resource)?, value()?).into_pyobject(py)?.into_any(),
        }))
    }

    fn __length_hint__(&self) -> usize {
        self.mapping.get().list().len().saturating_sub(self.next.load(Ordering::Relaxed))
    }
}

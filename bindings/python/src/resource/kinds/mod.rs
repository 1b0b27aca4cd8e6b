//! A class for each kind of resource: its properties, its relations, its actions.
//!
//! `server`, `people` (users, logins, statuses), `phones` (extensions, call segments, conference rooms), `queues` (queues,
//! agents, statistics).

mod people;
mod phones;
mod queues;
mod server;

use std::sync::Arc;

use isymphony::catalog::Kind;
use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Resource;
use crate::context::Context;

pub(crate) use people::{Login, Status, User};
pub(crate) use phones::{CallSegment, ConferenceRoom, Extension};
pub(crate) use queues::{Agent, Queue, Statistics};
pub(crate) use server::CoreServer;

/// The Python object for a resource of the core: an instance of the class of its kind.
pub(crate) fn wrap<'py>(
    py: Python<'py>,
    context: &Arc<Context>,
    resource: &snapshot::Resource<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    object(py, resource.kind(), Resource::new(context, resource))
}

/// An instance of the class of a kind.
pub(crate) fn object(py: Python<'_>, kind: Kind, base: Resource) -> PyResult<Bound<'_, PyAny>> {
    macro_rules! new {
        ($class:ident) => {
            Bound::new(py, PyClassInitializer::from(base).add_subclass($class::new()))?.into_any()
        };
    }
    let object = match kind {
        Kind::CoreServer => new!(CoreServer),
        Kind::User => new!(User),
        Kind::Login => new!(Login),
        Kind::Status => new!(Status),
        Kind::Extension => new!(Extension),
        Kind::CallSegment => new!(CallSegment),
        Kind::Queue => new!(Queue),
        Kind::Agent => new!(Agent),
        Kind::Statistics => new!(Statistics),
        Kind::ConferenceRoom => new!(ConferenceRoom),
    };
    // SAFETY: the object was made just now, so nobody else has it, and the collector tracks it. It refers to nothing that
    // could refer back to it (an id at most; a core server to mappings, whose objects refer to nothing of Python's), so
    // it can be in no cycle, and the collector need not go through a hundred thousand of them.
    unsafe { pyo3::ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) };
    Ok(object)
}

/// A relation to at most one.
pub(super) fn one<'s, 'py, V: View<'s> + std::ops::Deref<Target = snapshot::Resource<'s>>>(
    py: Python<'py>,
    of: &Resource,
    related: Option<V>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    related.map(|related| wrap(py, of.context(), &related)).transpose()
}

/// A relation to any number.
pub(super) fn many<'s, 'py>(
    py: Python<'py>,
    of: &Resource,
    related: impl ExactSizeIterator<Item = snapshot::Resource<'s>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let related = related.map(|related| wrap(py, of.context(), &related)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, related)
}

/// Declares the class of a kind: its own fields, `__match_args__`, properties, and whatever methods it has.
macro_rules! class {
    (
        $(#[$doc:meta])*
        $class:ident ($($field:ident: $field_type:ty),*) [$($match_arg:literal),*]
        { $($(#[$property_doc:meta])* $property:ident: $value:ty,)* }
        { $($rest:tt)* }
    ) => {
        $(#[$doc])*
        #[pyclass(module = "isymphony", frozen, extends = Resource)]
        pub(crate) struct $class {
            $($field: $field_type,)*
        }

        impl $class {
            pub(super) fn new() -> $class {
                $class { $($field: PyOnceLock::new(),)* }
            }
        }

        impl $class {
            #[inline]
            fn view<'a>(slf: &'a Bound<'_, Self>) -> snapshot::$class<'a> {
                let base: &Resource = slf.as_super().get();
                View::view(base.core()).expect("the class follows from the kind")
            }
        }

        #[pymethods]
        impl $class {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                let names: &[&str] = &[$($match_arg),*];
                PyTuple::new(py, names)
            }

            $(
                $(#[$property_doc])*
                #[getter]
                #[allow(clippy::needless_lifetimes, reason = "what borrows from the resource names the lifetime")]
                fn $property<'a>(slf: &'a Bound<'_, Self>) -> Option<$value> {
                    $class::view(slf).$property()
                }
            )*

            $($rest)*
        }
    };
}
use class;

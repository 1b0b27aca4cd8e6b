//! Core servers.

use isymphony::snapshot::{self, View};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::super::Resource;
use super::class;
use crate::mapping::ResourceMapping;

/// A list of a core server, made once.
fn list_of<'py>(
    slf: &Bound<'py, CoreServer>,
    made: &PyOnceLock<Py<ResourceMapping>>,
    list: impl FnOnce(&snapshot::CoreServer<'_>) -> ResourceMapping,
) -> PyResult<Bound<'py, ResourceMapping>> {
    let py = slf.py();
    let mapping = made.get_or_try_init(py, || Py::new(py, list(&CoreServer::view(slf))))?;
    Ok(mapping.bind(py).clone())
}

/// A new mapping for a list of the core, in the context of a resource.
macro_rules! mapping {
    ($slf:ident . $list:ident) => {
        list_of($slf, &$slf.get().$list, |server| {
            ResourceMapping::new($slf.as_super().get().context().clone(), server.$list())
        })
    };
}

class! {
    /// One PBX that the iSymphony server manages.
    CoreServer(
        users: PyOnceLock<Py<ResourceMapping>>,
        extensions: PyOnceLock<Py<ResourceMapping>>,
        call_segments: PyOnceLock<Py<ResourceMapping>>,
        queues: PyOnceLock<Py<ResourceMapping>>,
        conferences: PyOnceLock<Py<ResourceMapping>>
    ) ["slug"]
    {
        /// The short name that stands in paths, as in `default`.
        slug: &'a str,
        /// The name for people.
        name: &'a str,
    }
    {
        /// The users, by user name.
        #[getter]
        fn users<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.users)
        }

        /// The extensions, by number.
        #[getter]
        fn extensions<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.extensions)
        }

        /// The call segments, by id.
        #[getter]
        fn call_segments<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.call_segments)
        }

        /// The queues, by identifier.
        #[getter]
        fn queues<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.queues)
        }

        /// The conference rooms, by identifier.
        #[getter]
        fn conferences<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, ResourceMapping>> {
            mapping!(slf.conferences)
        }
    }
}

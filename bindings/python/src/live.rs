//! A client: the live state of one server, and actions on it.

use std::sync::{Arc, Mutex, PoisonError};

use isymphony::handle::Handle;
use isymphony::watch::Filter;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::blocking::{on_a_thread, wait_in_slices};
use crate::context::{Client, Context};
use crate::convert::{self, Many, Seconds, setting, text};
use crate::errors::{OrRaise, invalid, raise};
use crate::handle::wrap_handle;
use crate::health::Health;
use crate::records;
use crate::resource::json;
use crate::rich::{Fields, field};
use crate::snapshot::Snapshot;
use crate::ticket::{self, Ticket};
use crate::watch::Watch;

/// A client of one iSymphony server, made by `isymphony.connect`: keeps a snapshot of its live state true in the
/// background, and acts by name.
///
/// All methods may be called from any thread. It closes at the end of its `with` block, by `close`, or when nothing holds
/// it, a handle or a ticket of it any more.
#[pyclass(module = "isymphony", frozen, weakref)]
pub(crate) struct Live {
    pub(crate) client: Arc<Client>,
    /// The object for the snapshot that was asked for last, so that what was looked up in it is there already.
    last: Mutex<Option<Py<Snapshot>>>,
}

impl Live {
    /// Opens a client and waits for the first whole snapshot, if `wait` says so.
    pub(crate) fn open(py: Python<'_>, config: isymphony::Config, wait: Option<Seconds>) -> PyResult<Live> {
        records::set_level(py)?;
        let live = match py.detach(|| isymphony::Live::open(config)) {
            Ok(live) => live,
            Err(error) => return records::drain(py).and(Err(raise(py, &error))),
        };
        let synced = match wait {
            Some(wait) => wait_in_slices(py, Some(wait.0), |slice| live.wait(Some(slice))).map(drop),
            None => Ok(()),
        };
        if let Err(error) = records::drain(py).and(synced) {
            py.detach(|| live.close(None));
            return Err(error);
        }
        Ok(Live { client: Arc::new(Client { live }), last: Mutex::new(None) })
    }

    fn core(&self) -> &isymphony::Live {
        &self.client.live
    }

    /// The object for a snapshot: the same one as long as the snapshot is.
    fn wrap<'py>(&self, py: Python<'py>, snapshot: isymphony::Snapshot) -> PyResult<Bound<'py, Snapshot>> {
        // The lock is held while nothing else can run in the interpreter, and nothing is freed under it.
        let lock = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = lock().as_ref().map(|last| last.clone_ref(py));
        if let Some(last) = last
            && last.get().context.snapshot.generation() == snapshot.generation()
        {
            return Ok(last.into_bound(py));
        }
        let made = Bound::new(py, Snapshot::new(Context::new(snapshot, &self.client)))?;
        let old = lock().replace(made.clone().unbind());
        drop(old);
        Ok(made)
    }

    fn handle_of<'py>(&self, py: Python<'py>, handle: isymphony::Result<Handle>) -> PyResult<Bound<'py, PyAny>> {
        wrap_handle(py, &self.client, handle.or_raise(py)?)
    }
}

#[pymethods]
impl Live {
    /// The current snapshot, whatever its age; empty before the first sync. Never waits.
    ///
    /// With `max_age` (seconds) it raises `Stale` when the server's last confirmation is older.
    #[pyo3(signature = (max_age=None))]
    fn snapshot<'py>(&self, py: Python<'py>, max_age: Option<Seconds>) -> PyResult<Bound<'py, Snapshot>> {
        let snapshot = match max_age {
            Some(max_age) => self.core().snapshot_within(max_age.0).or_raise(py)?,
            None => self.core().snapshot(),
        };
        self.wrap(py, snapshot)
    }

    /// Waits for the first whole snapshot; `None` waits as long as it takes. Raises `SyncTimeout`, which says why.
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<Seconds>) -> PyResult<Bound<'py, Snapshot>> {
        let timeout = timeout.map(|seconds| seconds.0);
        let snapshot = wait_in_slices(py, timeout, |slice| self.core().wait(Some(slice)));
        records::drain(py)?;
        self.wrap(py, snapshot?)
    }

    /// How the client is doing.
    #[getter]
    fn health(&self, py: Python<'_>) -> PyResult<Health> {
        records::drain(py)?;
        Ok(Health::new(py.detach(|| self.core().health())))
    }

    /// Asks for all core servers' own lists now, and waits until they are read. Raises `TimedOut`.
    #[pyo3(signature = (timeout=None))]
    fn refresh<'py>(&self, py: Python<'py>, timeout: Option<Seconds>) -> PyResult<Bound<'py, Snapshot>> {
        let live = self.core().clone();
        let snapshot = on_a_thread(py, move || live.refresh(timeout.map(|seconds| seconds.0)));
        records::drain(py)?;
        self.wrap(py, snapshot?)
    }

    /// A handle for the core server with this slug.
    fn core_server<'py>(&self, py: Python<'py>, slug: &Bound<'_, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.handle_of(py, Ok((*self.core().core_server(text("slug", slug)?)).clone()))
    }

    /// A handle for the user with this user name; without a core server, in whichever has one of that name.
    #[pyo3(signature = (user_name, core_server=None))]
    fn user<'py>(
        &self,
        py: Python<'py>,
        user_name: &Bound<'_, PyString>,
        core_server: Option<&Bound<'_, PyString>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (user_name, core_server) = (text("user_name", user_name)?, optional("core_server", core_server)?);
        self.handle_of(py, self.core().user(user_name, core_server).map(|handle| (*handle).clone()))
    }

    /// A handle for the extension with this number; without a core server, in whichever has one of that number.
    #[pyo3(signature = (number, core_server=None))]
    fn extension<'py>(
        &self,
        py: Python<'py>,
        number: &Bound<'_, PyString>,
        core_server: Option<&Bound<'_, PyString>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (number, core_server) = (text("number", number)?, optional("core_server", core_server)?);
        self.handle_of(py, self.core().extension(number, core_server).map(|handle| (*handle).clone()))
    }

    /// A handle for the queue with this identifier; without a core server, in whichever has one.
    #[pyo3(signature = (identifier, core_server=None))]
    fn queue<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'_, PyString>,
        core_server: Option<&Bound<'_, PyString>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (identifier, core_server) = (text("identifier", identifier)?, optional("core_server", core_server)?);
        self.handle_of(py, self.core().queue(identifier, core_server).map(|handle| (*handle).clone()))
    }

    /// A handle for the conference room with this identifier; without a core server, in whichever has one.
    #[pyo3(signature = (identifier, core_server=None))]
    fn conference<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'_, PyString>,
        core_server: Option<&Bound<'_, PyString>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (identifier, core_server) = (text("identifier", identifier)?, optional("core_server", core_server)?);
        self.handle_of(py, self.core().conference(identifier, core_server).map(|handle| (*handle).clone()))
    }

    /// A handle for what a path addresses.
    fn handle<'py>(&self, py: Python<'py>, path: &Bound<'_, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.handle_of(py, self.core().handle(text("path", path)?))
    }

    /// A POST on any path below `communication_manager/rest/live/`: for what the catalogue does not know.
    ///
    /// `body` is anything `json.dumps` takes, or a text that is JSON already; `None` sends no body. At most once.
    #[pyo3(signature = (path, body=None, *, timeout=None))]
    fn post(
        &self,
        py: Python<'_>,
        path: &Bound<'_, PyString>,
        body: Option<&Bound<'_, PyAny>>,
        timeout: Option<Seconds>,
    ) -> PyResult<Ticket> {
        let body = body.map(json_text).transpose()?;
        let (live, path) = (self.core().clone(), text("path", path)?.to_owned());
        let work = move || live.post(&path, body.as_deref(), timeout.map(|seconds| seconds.0));
        ticket::send(py, self.client.clone(), work)
    }

    /// Asks the server now for what is at a path below `communication_manager/rest/live/`, and gives what `json.loads` makes
    /// of the answer: for what the catalogue does not know. It is not kept.
    ///
    /// Takes at most `timeout` seconds (default: the request timeout). Where an overlay says that a sub resource is raw, the
    /// path to it may hold names; any other path is asked for as it stands.
    #[pyo3(signature = (path, timeout=None))]
    fn get_raw<'py>(
        &self,
        py: Python<'py>,
        path: &Bound<'_, PyString>,
        timeout: Option<Seconds>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (live, path) = (self.core().clone(), text("path", path)?.to_owned());
        let text = on_a_thread(py, move || live.get_raw(&path, timeout.map(|seconds| seconds.0)));
        records::drain(py)?;
        json::loads(py, &text?)
    }

    /// Watches what changes from now on; with `initial`, first gives all that is there as `"added"`, with no gap to the changes
    /// that follow.
    ///
    /// `kinds` (as in `["extensions", "call_segments"]`), `core_server` (a slug) and `resource` (a handle, a resource or its
    /// id) limit what is told; by a handle the resource is found anew in every snapshot, also after a restart of the server.
    /// With `events`, the server's events are handed on as they come, whatever the kinds.
    #[pyo3(signature = (kinds=None, initial=false, *, core_server=None, resource=None, events=true))]
    fn watch(
        &self,
        py: Python<'_>,
        kinds: Option<Many<Bound<'_, PyString>>>,
        initial: bool,
        core_server: Option<&Bound<'_, PyString>>,
        resource: Option<&Bound<'_, PyAny>>,
        events: bool,
    ) -> PyResult<Watch> {
        let mut filter = Filter::default().events(events);
        if let Some(Many(names)) = kinds {
            let kind = |name| convert::kind(py, "kinds", text("kinds", name)?);
            let kinds = names.iter().map(kind).collect::<PyResult<Vec<_>>>()?;
            filter = filter.kinds(kinds);
        }
        if let Some(slug) = optional("core_server", core_server)? {
            filter = filter.core_server(slug);
        }
        if let Some(handle) = resource.and_then(|resource| resource.cast::<crate::handle::Handle>().ok()) {
            filter = filter.handle(&handle.get().inner);
        } else if let Some(resource) = resource {
            let id = if resource.hasattr("configuration_id")? { resource.getattr("id")? } else { resource.clone() };
            filter = filter.resource(convert::id(&id)?);
        }
        let live = self.core();
        let watch = py.detach(|| if initial { live.watch_from_nothing(filter) } else { live.watch(filter) });
        Ok(Watch::new(&self.client, watch))
    }

    /// What the client counted since it was opened, by name.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        records::drain(py)?;
        let metrics = PyDict::new(py);
        for (name, value) in py.detach(|| self.core().metrics()) {
            metrics.set_item(name, value)?;
        }
        Ok(metrics)
    }

    /// Replaces the credentials, from the next request on, and tries again at once.
    fn set_credentials(
        &self,
        py: Python<'_>,
        username: &Bound<'_, PyString>,
        password: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let (username, password) = (setting("username", username)?, setting("password", password)?);
        py.detach(|| self.core().set_credentials(username, password)).or_raise(py)
    }

    /// Closes the client within `timeout` seconds (default 0.09) whatever hangs. Snapshots stay readable.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<()> {
        py.detach(|| self.core().close(timeout.map(|seconds| seconds.0)));
        records::drain(py)
    }

    /// Whether the client was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.core().is_closed()
    }

    /// The server's origin, as in `http://pbx:58080`: no credentials, no path.
    #[getter]
    fn url(&self) -> String {
        self.core().config().get_origin()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py, None)
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        let health = Health::new(py.detach(|| self.core().health()));
        let mut fields = vec![field(py, "url", self.url())?];
        fields.extend(health.__rich_repr__(py)?);
        Ok(fields)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let health = py.detach(|| self.core().health());
        format!("<Live {} {}>", self.url(), health.state)
    }
}

/// The text of an argument that need not be given.
fn optional<'a>(name: &str, value: Option<&'a Bound<'_, PyString>>) -> PyResult<Option<&'a str>> {
    value.map(|value| text(name, value)).transpose()
}

/// A body as the text of JSON.
fn json_text(body: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = body.py();
    if let Ok(given) = body.cast::<PyString>() {
        return text("body", given).map(str::to_owned);
    }
    let _inside = crate::exit::enter(py);
    let dumped = py.import("json")?.call_method1("dumps", (body,)).map_err(|error| {
        let is_refused = error.is_instance_of::<PyValueError>(py);
        if is_refused { invalid(py, format!("body: {}", error.value(py))) } else { error }
    });
    dumped?.extract()
}

//! The embedded server of the Live API: `model` has what moves it, `fault` what goes wrong.

mod fault;
pub(crate) mod model;

use std::sync::Arc;

use isymphony::sandbox::{self, RawResponse, RequestRecord, SandboxConfig};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::convert::{Many, Seconds, argument, setting};
use crate::errors::{OrRaise, invalid};
use crate::pickle::Parts;
use crate::rich::{Fields, field};
use crate::settings::{read, read_or};
use model::SandboxCoreServer;

/// An embedded server of the Live API and the Event API on a loopback port, to try this library on and to test programs
/// with: users, queues, agents and calls that move; real effects of actions; restarts; faults.
///
/// Deterministic from the seed. Its own methods move the first core server; `core_server(slug)` gives another one's.
#[pyclass(module = "isymphony.sandbox", frozen, extends = SandboxCoreServer)]
pub(crate) struct Sandbox {
    inner: Arc<sandbox::Sandbox>,
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(
        signature = (
            users=None, queues=None, seed=None, calls_per_second=None, *, username=None, password=None, core_servers=None,
            lite_users=None, extra_extensions=None, agents_per_queue=None, conferences=None, calls_at_start=None,
            ring_time=None, call_duration=None, licensing=true, conferences_enabled=true, port=None, max_connections=None,
            max_requests_kept=None
        ),
        text_signature = "(users=20, queues=3, seed=0, calls_per_second=0.0, *, username=None, password=None, \
        core_servers=None, lite_users=0, extra_extensions=0, agents_per_queue=4, conferences=2, calls_at_start=0, \
        ring_time=None, call_duration=None, licensing=True, conferences_enabled=True, port=0, max_connections=256, \
        max_requests_kept=100000)"
    )]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        users: Option<&Bound<'_, PyAny>>,
        queues: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        calls_per_second: Option<&Bound<'_, PyAny>>,
        username: Option<&Bound<'_, PyString>>,
        password: Option<&Bound<'_, PyString>>,
        core_servers: Option<&Bound<'_, PyAny>>,
        lite_users: Option<&Bound<'_, PyAny>>,
        extra_extensions: Option<&Bound<'_, PyAny>>,
        agents_per_queue: Option<&Bound<'_, PyAny>>,
        conferences: Option<&Bound<'_, PyAny>>,
        calls_at_start: Option<&Bound<'_, PyAny>>,
        ring_time: Option<&Bound<'_, PyAny>>,
        call_duration: Option<&Bound<'_, PyAny>>,
        licensing: bool,
        conferences_enabled: bool,
        port: Option<&Bound<'_, PyAny>>,
        max_connections: Option<&Bound<'_, PyAny>>,
        max_requests_kept: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let mut config = SandboxConfig::new()
            .users(read_or("users", users, 20)?)
            .queues(read_or("queues", queues, 3)?)
            .seed(read_or("seed", seed, 0)?)
            .calls_per_second(read_or("calls_per_second", calls_per_second, 0.0)?)
            .lite_users(read_or("lite_users", lite_users, 0)?)
            .extra_extensions(read_or("extra_extensions", extra_extensions, 0)?)
            .agents_per_queue(read_or("agents_per_queue", agents_per_queue, 4)?)
            .conferences(read_or("conferences", conferences, 2)?)
            .calls_at_start(read_or("calls_at_start", calls_at_start, 0)?)
            .licensing(licensing)
            .conferences_enabled(conferences_enabled)
            .port(read_or("port", port, 0)?)
            .max_connections(read_or("max_connections", max_connections, 256)?)
            .max_requests_kept(read_or("max_requests_kept", max_requests_kept, 100_000)?);
        if let Some(slugs) = core_servers {
            config = config.core_servers(read::<Many<String>>("core_servers", slugs)?.0);
        }
        if let Some(time) = ring_time {
            config = config.ring_time(read::<Seconds>("ring_time", time)?.0);
        }
        if let Some(time) = call_duration {
            config = config.call_duration(read::<Seconds>("call_duration", time)?.0);
        }
        if let Some((username, password)) = credentials(py, username, password)? {
            config = config.credentials(username, password);
        }
        let inner = Arc::new(py.detach(|| sandbox::Sandbox::start(config)).or_raise(py)?);
        let base = SandboxCoreServer::new((**inner).clone());
        Ok(PyClassInitializer::from(base).add_subclass(Sandbox { inner }))
    }

    /// Where it listens, as in `http://127.0.0.1:40123`.
    #[getter]
    fn url(&self) -> String {
        self.inner.url()
    }

    /// The port it listens on.
    #[getter]
    fn port(&self) -> u16 {
        self.inner.port()
    }

    /// The user name that is demanded; `None` without authentication.
    #[getter]
    fn username(&self) -> Option<String> {
        self.inner.username()
    }

    /// What moves another core server, by its slug.
    fn core_server(&self, py: Python<'_>, slug: &str) -> PyResult<SandboxCoreServer> {
        self.inner.core_server(slug).or_raise(py).map(SandboxCoreServer::new)
    }

    /// Ends it, whatever hangs. Does nothing in a forked child: the server is the parent's.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }

    /// Restarts the server: every id is new, all connections are cut; calls, logins and dynamic agents are gone.
    fn restart(&self, py: Python<'_>) {
        py.detach(|| self.inner.restart());
    }

    /// Restarts the server just before the answer to the n-th request from now.
    fn restart_at_request(&self, n: &Bound<'_, PyAny>) -> PyResult<()> {
        self.inner.restart_at_request(argument("n", n)?);
        Ok(())
    }

    /// How often the server was started.
    #[getter]
    fn incarnation(&self) -> u64 {
        self.inner.incarnation()
    }

    /// The server is down: connections are cut, and new ones are refused. The model moves on.
    fn stop_listening(&self, py: Python<'_>) {
        py.detach(|| self.inner.stop_listening());
    }

    /// The server is up again, on the same port.
    fn start_listening(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner.start_listening()).or_raise(py)
    }

    /// How many connections are open.
    #[getter]
    fn connections(&self) -> usize {
        self.inner.connections()
    }

    /// Demands other credentials from the next request on; without any, none.
    #[pyo3(signature = (username=None, password=None))]
    fn set_credentials(
        &self,
        py: Python<'_>,
        username: Option<&Bound<'_, PyString>>,
        password: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        self.inner.set_credentials(credentials(py, username, password)?).or_raise(py)
    }

    /// Whether this machine is missing in the server's white list: every request gets a 403.
    fn set_denied(&self, denied: bool) {
        self.inner.set_denied(denied);
    }

    /// Whether the server demands TLS: every request gets a 302.
    fn set_demand_tls(&self, demanded: bool) {
        self.inner.set_demand_tls(demanded);
    }

    /// Whether the licensing rules hold.
    fn set_licensing(&self, on: bool) {
        self.inner.set_licensing(on);
    }

    /// Whether conference rooms are enabled.
    fn set_conferences_enabled(&self, on: bool) {
        self.inner.set_conferences_enabled(on);
    }

    /// The requests it got, oldest first.
    #[getter]
    fn requests(&self, py: Python<'_>) -> Vec<SandboxRequest> {
        py.detach(|| self.inner.requests()).into_iter().map(SandboxRequest).collect()
    }

    /// How many requests it got, forgotten ones too.
    #[getter]
    fn request_count(&self) -> u64 {
        self.inner.request_count()
    }

    /// Forgets the requests and sets their count to 0.
    fn clear_requests(&self) {
        self.inner.clear_requests();
    }

    /// Answers literally on the requests that fit `on` (as in `"*/users"`, `"POST */originate"`), in place of the model.
    #[pyo3(
        signature = (on, body, *, status=None, headers=None),
        text_signature = "($self, on, body, *, status=200, headers=None)"
    )]
    fn respond_with(
        &self,
        on: &str,
        body: &Bound<'_, PyAny>,
        status: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let body = match body.cast::<PyString>() {
            Ok(text) => text.to_str()?.as_bytes().to_vec(),
            Err(_) => match body.cast::<PyBytes>() {
                Ok(bytes) => bytes.as_bytes().to_vec(),
                Err(_) => return Err(PyTypeError::new_err("argument 'body': it is a str or bytes")),
            },
        };
        let mut response = RawResponse::json(body);
        response.status = status.map_or(Ok(200), |status| argument("status", status))?;
        if let Some(headers) = headers {
            response.headers.clear();
            for (name, value) in headers {
                response = response.header(&name.extract::<String>()?, &value.extract::<String>()?);
            }
        }
        self.inner.respond_with(on, response);
        Ok(())
    }

    /// Takes back all of `respond_with`.
    fn clear_overrides(&self) {
        self.inner.clear_overrides();
    }

    /// Sends this text as an event to all who listen, whatever it is.
    fn send_event(&self, text: &str) {
        self.inner.send_event(text);
    }

    /// The last events as JSON texts, oldest first.
    #[getter]
    fn events(&self) -> Vec<String> {
        self.inner.events()
    }

    /// Lets something go wrong: `fault("status=503; on=*/users; times=3")`, or the same as
    /// `fault(status=503, on="*/users", times=3)`.
    ///
    /// One of: `delay` (seconds), `stall` (`"before_head"`, `"within_head"`, `"within_body"`), `cut`, `reset` (bytes),
    /// `drop=True`, `length` (`"longer"`, `"shorter"`, `"negative"`, `"twice"`), `chunks` (`"bad_size"`, `"huge_size"`,
    /// `"cut"`, `"no_end"`), `garbage` (bytes), `body` (`"html"`, `"object"`, `"list"`, `"null"`, `"empty"`), `text`,
    /// `status` (maybe with `retry_after`), `redirect` (maybe with `code`), `drip` (bytes a second), `oversized`, `nested`,
    /// `gzip_bomb`, `headers`, `header_bytes`; or `True` for `wrong_types`, `duplicate_ids`, `dangling_parents`. Beside it:
    /// `on`, `method`, and `times` or `duration` (seconds).
    #[pyo3(signature = (text=None, /, **parts))]
    fn fault(&self, py: Python<'_>, text: Option<&str>, parts: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let text = fault::text(text, parts)?;
        self.inner.fault_from_str(&text).or_raise(py)
    }

    /// Takes back all faults. Answers that hang already go on hanging.
    fn clear_faults(&self) {
        self.inner.clear_faults();
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "url", self.url())?,
            field(py, "username", self.username())?,
            field(py, "incarnation", self.incarnation())?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<Sandbox {}>", self.inner.url())
    }
}

/// The credentials to demand, both or none.
fn credentials<'a>(
    py: Python<'_>,
    username: Option<&'a Bound<'_, PyString>>,
    password: Option<&'a Bound<'_, PyString>>,
) -> PyResult<Option<(&'a str, &'a str)>> {
    match (username, password) {
        (Some(username), Some(password)) => Ok(Some((setting("username", username)?, setting("password", password)?))),
        (None, None) => Ok(None),
        _ => Err(invalid(py, "a username needs a password, and a password a username".to_owned())),
    }
}

/// One request that a sandbox got.
#[pyclass(module = "isymphony.sandbox", frozen)]
pub(crate) struct SandboxRequest(pub(crate) RequestRecord);

#[pymethods]
impl SandboxRequest {
    /// The method, as in `GET`.
    #[getter]
    fn method(&self) -> &str {
        &self.0.method
    }

    /// The path as it was sent, percent-encoded, below `communication_manager/rest/live/`.
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    /// The HTTP status of the answer; 0 where a fault left the request without one.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// When it came, in seconds since the sandbox started.
    #[getter]
    fn at(&self) -> f64 {
        self.0.at.as_secs_f64()
    }

    /// Whether its credentials were right, or none were demanded.
    #[getter]
    fn authorized(&self) -> bool {
        self.0.authorized
    }

    /// The body.
    #[getter]
    fn body(&self) -> &str {
        &self.0.body
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str) {
        ("method", "path", "status")
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.equals(other)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.method(), self.path(), self.status()).into_pyobject(py)?.hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "method", self.method())?,
            field(py, "path", self.path())?,
            field(py, "status", self.status())?,
            field(py, "authorized", self.authorized())?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<SandboxRequest {} {} {}>", self.0.method, self.0.path, self.0.status)
    }
}

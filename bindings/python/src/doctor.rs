//! `doctor`: finds out what a server has, and its report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use isymphony::doctor::{self, Options, Severity};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::blocking::on_a_thread;
use crate::convert::Seconds;
use crate::pickle::{Parts, named};
use crate::resource::json;
use crate::rich::{Fields, field};
use crate::{records, settings};

/// Finds out what the server at `url` really has of what this library expects, without carrying out or changing anything:
/// it asks with GET and OPTIONS only.
///
/// The other keywords are those of `connect`; what is about syncing has no effect. Whatever goes wrong on the way to the
/// server is in the report; `ConfigError` is raised where a setting is impossible. Ctrl-C ends the examination.
///
/// `sample` is how many instances of each kind are looked at, `search` how many are asked for what is below them where the
/// first ones have nothing there, `time_limit` (seconds or `timedelta`) when the examination ends, done or not. With
/// `actions=False` the paths of actions are asked with OPTIONS only, and not with GET where OPTIONS leaves the question
/// open: for a server that may carry something out for a GET.
#[pyfunction]
#[pyo3(
    name = "doctor",
    signature = (url, *, sample=None, search=None, time_limit=None, actions=true, **settings),
    text_signature = "(url, *, sample=3, search=25, time_limit=60.0, actions=True, username=None, password=None, \
    core_servers=None, resources=None, events=True, max_requests_per_second=None, ca_file=None, client_cert=None, \
    verify=True, proxy=None, overlay=None, overlay_text=None, action_paths=None, action_body_keys=None, connections=None, \
    body_limit=None, header_limit=None, text_limit=None, depth_limit=None, object_limit=None, connect_timeout=None, \
    first_byte_timeout=None, silence_timeout=None, request_timeout=None, action_timeout=None, cadences=None, backoff=None, \
    event_silence=None)"
)]
pub(crate) fn examine(
    py: Python<'_>,
    url: &Bound<'_, PyString>,
    sample: Option<&Bound<'_, PyAny>>,
    search: Option<&Bound<'_, PyAny>>,
    time_limit: Option<&Bound<'_, PyAny>>,
    actions: bool,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<Report> {
    let config = settings::config(py, url, settings)?;
    records::set_level(py)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (sample, search) = (settings::read_or("sample", sample, 3)?, settings::read_or("search", search, 25)?);
    let time_limit = settings::read_or("time_limit", time_limit, Seconds(A_MINUTE))?;
    let options = Options::default().sample(sample).search(search).time_limit(time_limit.0).get_actions(actions);
    let options = options.stop(stop.clone());
    let report = on_a_thread(py, move || Ok(doctor::examine(&config, &options)));
    // After a signal nobody wants to know any more.
    stop.store(true, Ordering::Relaxed);
    records::drain(py)?;
    report.map(|report| Report::of(&report))
}

const A_MINUTE: Duration = Duration::from_secs(60);

/// What something that the doctor found means, and what to do.
#[pyclass(module = "isymphony", frozen, eq, hash, get_all)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Finding {
    /// How bad it is: `"info"`, `"warning"` or `"error"`.
    severity: &'static str,
    /// The part of the server it is about, as in `User.status`.
    about: String,
    /// What was found.
    message: String,
    /// What to do; empty when nothing.
    advice: String,
}

impl From<&doctor::Finding> for Finding {
    fn from(finding: &doctor::Finding) -> Finding {
        let doctor::Finding { severity, about, message, advice } = finding.clone();
        Finding { severity: severity.name(), about, message, advice }
    }
}

impl Finding {
    /// Of what its pickle holds.
    pub(crate) fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Finding> {
        let (severity, about, message, advice): (String, _, _, _) = parts.extract()?;
        let severities = [Severity::Info, Severity::Warning, Severity::Error];
        let severity = named(parts.py(), severities, Severity::name, &severity)?.name();
        Ok(Finding { severity, about, message, advice })
    }
}

impl Parts for Finding {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.severity, &self.about, &self.message, &self.advice).into_pyobject(py)
    }
}

#[pymethods]
impl Finding {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("severity", "about")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    fn __str__(&self) -> String {
        let Finding { severity, about, message, advice } = self;
        let then = if advice.is_empty() { "" } else { ": " };
        format!("{severity}: {about}: {message}{then}{advice}")
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "severity", self.severity)?,
            field(py, "about", &self.about)?,
            field(py, "message", &self.message)?,
            field(py, "advice", &self.advice)?,
        ])
    }

    fn __repr__(&self) -> String {
        format!("<Finding {}>", self.__str__())
    }
}

/// What a server has, as `doctor` found it. Printed it is a table; no password and no property's value is ever in it.
#[pyclass(module = "isymphony", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Report {
    server: String,
    is_connected: bool,
    findings: Vec<Finding>,
    json: String,
    overlay: Option<String>,
    table: String,
}

impl Report {
    fn of(core: &doctor::Report) -> Report {
        Report {
            server: core.server.clone(),
            is_connected: core.is_connected(),
            findings: core.findings.iter().map(Finding::from).collect(),
            json: core.to_json(),
            overlay: core.overlay(),
            table: core.to_string(),
        }
    }

    /// Of what its pickle holds.
    pub(crate) fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Report> {
        let (server, is_connected, findings, json, overlay, table): (_, _, Vec<PyRef<'_, Finding>>, _, _, _) =
            parts.extract()?;
        let findings = findings.iter().map(|finding| (*finding).clone()).collect();
        Ok(Report { server, is_connected, findings, json, overlay, table })
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity.name()).count()
    }
}

impl Parts for Report {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Report { server, is_connected, json, overlay, table, .. } = self;
        (server, is_connected, self.findings(), json, overlay, table).into_pyobject(py)
    }
}

#[pymethods]
impl Report {
    /// Whether nothing is wrong that needs to be mended: no finding is an `"error"`.
    #[getter]
    fn ok(&self) -> bool {
        self.count(Severity::Error) == 0
    }

    /// Whether the Live API can be used at all.
    #[getter]
    fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// The server's origin, as in `http://pbx:58080`: no credentials, no path.
    #[getter]
    fn server(&self) -> &str {
        &self.server
    }

    /// What all this means and what to do, the worst first.
    #[getter]
    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    /// The whole report as the text of a JSON object.
    fn to_json(&self) -> &str {
        &self.json
    }

    /// The whole report as what `json.loads` makes of `to_json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::loads(py, &self.json)
    }

    /// The text of an overlay that adapts a client to the server: the `overlay_text` of `connect`, or a file. What could not
    /// be determined stands in it as a comment. `None` where there is nothing to adapt.
    fn overlay(&self) -> Option<&str> {
        self.overlay.as_deref()
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("ok", "findings")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    fn __str__(&self) -> &str {
        &self.table
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "server", self.server())?,
            field(py, "ok", self.ok())?,
            field(py, "is_connected", self.is_connected())?,
            field(py, "findings", self.findings())?,
        ])
    }

    fn __repr__(&self) -> String {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        format!("<Report {}: {errors} errors, {warnings} warnings>", self.server)
    }
}

//! How a client is doing.

use std::time::SystemTime;

use isymphony::health;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::errors::build;
use crate::pickle::Parts;
use crate::rich::{Fields, field};

/// Something that went wrong.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Problem(pub(crate) health::Problem);

#[pymethods]
impl Problem {
    /// What went wrong, as the exception that a call would have raised.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        build(py, &self.0.error, false)
    }

    /// When, as wall time.
    #[getter]
    fn at(&self) -> SystemTime {
        self.0.at
    }

    /// The path that was asked, by ids.
    #[getter]
    fn about(&self) -> &str {
        &self.0.about
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.equals(other)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.0.error.code().name(), self.0.at, self.about()).into_pyobject(py)?.hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    fn __str__(&self) -> String {
        self.0.error.to_string()
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("error", "about")
    }

    fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![field(py, "error", self.error(py)?)?, field(py, "at", self.at())?, field(py, "about", self.about())?])
    }

    fn __repr__(&self) -> String {
        format!("<Problem {} at {:?}: {}>", self.0.error.code(), self.0.about, self.0.error)
    }
}

/// How a client is doing, at one moment.
#[pyclass(module = "isymphony", frozen)]
pub(crate) struct Health(pub(crate) health::Health);

impl Health {
    pub(crate) fn new(health: health::Health) -> Health {
        Health(health)
    }
}

#[pymethods]
impl Health {
    /// `"connecting"`, `"live"`, `"stale"`, `"failed"` or `"closed"`.
    #[getter]
    fn state(&self) -> &'static str {
        self.0.state.name()
    }

    /// Since when the state holds, as wall time.
    #[getter]
    fn since(&self) -> SystemTime {
        self.0.since
    }

    /// Whether a whole snapshot was ever there.
    #[getter]
    fn has_data(&self) -> bool {
        self.0.has_data
    }

    /// How many seconds ago the server last confirmed the core servers' lists; `inf` without data.
    #[getter]
    fn age(&self) -> f64 {
        if self.0.has_data { self.0.age.as_secs_f64() } else { f64::INFINITY }
    }

    /// The server's incarnation, counted from 1; 0 without data.
    #[getter]
    fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The number of the current snapshot; 0 without data.
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The last thing that went wrong, also when it has healed since.
    #[getter]
    fn last_error(&self) -> Option<Problem> {
        self.0.last_error.clone().map(Problem)
    }

    /// What is wrong now, by kind, where single lists fail while the server can be reached.
    #[getter]
    fn failing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let failing = PyDict::new(py);
        for (kind, problem) in &self.0.failing {
            failing.set_item(kind.name(), Problem(problem.clone()))?;
        }
        Ok(failing)
    }

    /// Kinds whose core servers' lists the server did not confirm in time, each with the age of the oldest in seconds. Any
    /// of them makes the state `"stale"`; in the other kinds the data may be as fresh as ever.
    #[getter]
    fn overdue<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let overdue = PyDict::new(py);
        for (kind, age) in &self.0.overdue {
            overdue.set_item(kind.name(), age.as_secs_f64())?;
        }
        Ok(overdue)
    }

    /// How it stands with the server's events, which only make changes show sooner: `"off"` by the settings, `"connecting"`,
    /// `"connected"`, or `"unavailable"` where the server has none, refuses them or cannot be reached.
    #[getter]
    fn events(&self) -> &'static str {
        self.0.events.name()
    }

    /// The last thing that went wrong with the events, also when it has healed since.
    #[getter]
    fn events_problem(&self) -> Option<Problem> {
        self.0.events_problem.clone().map(Problem)
    }

    /// How many snapshots were replaced and are still held by a reader.
    #[getter]
    fn retired_snapshots(&self) -> u64 {
        self.0.retired_snapshots
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.equals(other)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        (self.state(), self.since(), self.epoch(), self.generation()).into_pyobject(py)?.hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.reduce(py)
    }

    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("state", "last_error")
    }

    pub(crate) fn __rich_repr__<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        Ok(vec![
            field(py, "state", self.state())?,
            field(py, "age", self.age())?,
            field(py, "epoch", self.epoch())?,
            field(py, "generation", self.generation())?,
            field(py, "events", self.events())?,
            field(py, "last_error", self.last_error())?,
            field(py, "failing", self.failing(py)?)?,
            field(py, "overdue", self.overdue(py)?)?,
        ])
    }

    fn __repr__(&self) -> String {
        let error = match &self.0.last_error {
            Some(problem) => format!(" last_error={}", problem.error.code()),
            None => String::new(),
        };
        let age = if self.0.has_data { format!("{:.3}", self.0.age.as_secs_f64()) } else { "inf".to_owned() };
        format!("<Health {} age={age} epoch={} generation={}{error}>", self.0.state, self.0.epoch, self.0.generation)
    }
}

//! Values on their way to another process or a file: each is taken apart into Python's own values, and built again from them.
//! What makes two of them the same is the same parts.

use std::time::{Duration, SystemTime};

use isymphony::health::{self, EventsState, State};
use isymphony::sandbox::RequestRecord;
use isymphony::{Code, Error, catalog::Kind};
use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::binding::Binding;
use crate::change::Change;
use crate::doctor::{Finding, Report};
use crate::errors::invalid;
use crate::health::{Health, Problem};
use crate::sandbox::SandboxRequest;

/// A value that can be pickled.
pub(crate) trait Parts: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync {
    /// All that it consists of.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>>;

    /// For `__reduce__`.
    fn reduce<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let build = py.import(intern!(py, "isymphony._isymphony"))?.getattr(intern!(py, "_value_from_parts"))?;
        (build, (Self::NAME, self.parts(py)?)).into_pyobject(py)
    }

    /// For `__eq__`.
    fn equals<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented().into_bound(py)) };
        let equal = self.parts(py)?.eq(other.get().parts(py)?)?;
        Ok(equal.into_pyobject(py)?.to_owned().into_any())
    }
}

/// Builds a value again from what its pickle holds.
#[pyfunction]
pub(crate) fn _value_from_parts<'py>(
    py: Python<'py>,
    name: &str,
    parts: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match name {
        "Binding" => Bound::new(py, Binding::from_parts(parts)?)?.into_any(),
        "Change" => Bound::new(py, Change::from_parts(parts)?)?.into_any(),
        "Finding" => Bound::new(py, Finding::from_parts(parts)?)?.into_any(),
        "Health" => Bound::new(py, Health::from_parts(parts)?)?.into_any(),
        "Problem" => Bound::new(py, Problem::from_parts(parts)?)?.into_any(),
        "Report" => Bound::new(py, Report::from_parts(parts)?)?.into_any(),
        "SandboxRequest" => Bound::new(py, SandboxRequest::from_parts(parts)?)?.into_any(),
        _ => return Err(PyTypeError::new_err(format!("{name} cannot be built from its parts"))),
    })
}

/// One of an enumeration, by its name.
pub(crate) fn named<T: Copy>(
    py: Python<'_>,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
    wanted: &str,
) -> PyResult<T> {
    all.into_iter()
        .find(|one| name(*one) == wanted)
        .ok_or_else(|| invalid(py, format!("{wanted:?} is unknown: it was pickled by another version")))
}

impl Parts for Problem {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (error, problem) = (&self.0.error, &self.0);
        let text = (error.code().name(), error.message(), error.retryable());
        (text, error.http_status(), error.server_message(), problem.at, &problem.about).into_pyobject(py)
    }
}

impl Problem {
    fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Problem> {
        type Text = (String, String, bool);
        let (text, status, words, at, about): (Text, Option<u16>, Option<String>, SystemTime, String) =
            parts.extract()?;
        let (code, message, retryable) = text;
        let code = named(parts.py(), Code::ALL.iter().copied(), Code::name, &code)?;
        let mut error = Error::new(code, message).with_retryable(retryable);
        if let Some(status) = status {
            error = error.with_http_status(status);
        }
        if let Some(words) = words {
            error = error.with_server_message(&words);
        }
        Ok(Problem(health::Problem { error, at, about }))
    }
}

impl Parts for Health {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let health = &self.0;
        let problem = |problem: &Option<health::Problem>| problem.clone().map(Problem);
        let failing: Vec<_> =
            health.failing.iter().map(|(kind, problem)| (kind.name(), Problem(problem.clone()))).collect();
        let overdue: Vec<_> = health.overdue.iter().map(|(kind, age)| (kind.name(), *age)).collect();
        (
            (health.state.name(), health.since, health.has_data, health.has_data.then_some(health.age)),
            (health.epoch, health.generation, health.retired_snapshots),
            (problem(&health.last_error), failing, overdue),
            (health.events.name(), problem(&health.events_problem)),
        )
            .into_pyobject(py)
    }
}

impl Health {
    fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<Health> {
        type Life = (String, SystemTime, bool, Option<Duration>);
        type Kinds<'py, T> = Vec<(String, T)>;
        type Wrong<'py> = (Option<PyRef<'py, Problem>>, Kinds<'py, PyRef<'py, Problem>>, Kinds<'py, Duration>);
        type Events<'py> = (String, Option<PyRef<'py, Problem>>);
        let py = parts.py();
        let ((state, since, has_data, age), (epoch, generation, retired_snapshots), wrong, events): (
            Life,
            (u64, u64, u64),
            Wrong<'_>,
            Events<'_>,
        ) = parts.extract()?;
        let states = [State::Connecting, State::Live, State::Stale, State::Failed, State::Closed];
        let events_states =
            [EventsState::Off, EventsState::Connecting, EventsState::Connected, EventsState::Unavailable];
        let problem = |problem: Option<PyRef<'_, Problem>>| problem.map(|problem| problem.0.clone());
        let kind = |name: &str| named(py, Kind::ALL, Kind::name, name);
        let (last_error, failing, overdue) = wrong;
        Ok(Health::new(health::Health {
            state: named(py, states, State::name, &state)?,
            since,
            has_data,
            age: age.unwrap_or(Duration::MAX),
            epoch,
            generation,
            last_error: problem(last_error),
            failing: failing
                .into_iter()
                .map(|(name, one)| Ok((kind(&name)?, one.0.clone())))
                .collect::<PyResult<_>>()?,
            overdue: overdue.into_iter().map(|(name, age)| Ok((kind(&name)?, age))).collect::<PyResult<_>>()?,
            events: named(py, events_states, EventsState::name, &events.0)?,
            events_problem: problem(events.1),
            retired_snapshots,
        }))
    }
}

impl Parts for SandboxRequest {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let request = &self.0;
        (&request.method, &request.path, request.status, request.at, request.authorized, &request.body)
            .into_pyobject(py)
    }
}

impl SandboxRequest {
    fn from_parts(parts: &Bound<'_, PyTuple>) -> PyResult<SandboxRequest> {
        let (method, path, status, at, authorized, body) = parts.extract()?;
        Ok(SandboxRequest(RequestRecord { method, path, status, at, authorized, body }))
    }
}

//! Asks within bounds: of time, of requests a second, and of patience with a server that no longer answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Options;
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::transport::{Answer, Transport};

/// So many requests in a row without an answer, and the server counts as gone.
const PATIENCE: u32 = 3;
/// Requests a second, unless set.
const RATE: f64 = 50.0;

pub(super) struct Asker {
    transport: Transport,
    body: Vec<u8>,
    pause: Duration,
    next: Instant,
    deadline: Instant,
    stop: Option<Arc<AtomicBool>>,
    requests: u64,
    unanswered: u32,
    gave_up: Option<&'static str>,
}

/// What a GET gave.
pub(super) enum Got<'a> {
    /// A 200, with its body.
    Body(&'a [u8]),
    /// Another status.
    Status(u16, Error),
    /// No answer, or none that could be read.
    Failed(Error),
}

impl Asker {
    pub(super) fn new(transport: Transport, config: &Config, options: &Options) -> Asker {
        let now = Instant::now();
        Asker {
            transport,
            body: Vec::new(),
            pause: Duration::from_secs_f64(1.0 / config.get_max_requests_per_second().unwrap_or(RATE)),
            next: now,
            deadline: now + options.time_limit.min(Duration::from_secs(86_400)),
            stop: options.stop.clone(),
            requests: 0,
            unanswered: 0,
            gave_up: None,
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Why not everything was asked.
    pub(super) fn gave_up(&self) -> Option<&'static str> {
        self.gave_up
    }

    pub(super) fn close(&self) {
        self.transport.close();
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// A GET below the Live API, whose body is wanted.
    pub(super) fn get(&mut self, path: &str) -> Got<'_> {
        if let Err(error) = self.begin() {
            return Got::Failed(error);
        }
        let result = self.transport.get(path, &mut self.body);
        self.note(result.as_ref().err());
        match result {
            Ok(()) => Got::Body(&self.body),
            Err(error) => match error.http_status() {
                Some(status) => Got::Status(status, error),
                None => Got::Failed(error),
            },
        }
    }

    /// GET or OPTIONS below the Live API, whose status is wanted.
    pub(super) fn probe(&mut self, method: &str, path: &str) -> Result<Answer> {
        self.begin()?;
        let result = self.transport.probe(method, path);
        self.note(result.as_ref().err());
        result
    }

    /// A GET at the server's root, whose status is wanted.
    pub(super) fn probe_at_root(&mut self, path: &str) -> Result<Answer> {
        self.begin()?;
        let result = self.transport.probe_at_root(path);
        self.note(result.as_ref().err());
        result
    }

    /// Opens the socket of the Event API, and closes it.
    pub(super) fn open_events(&mut self) -> Result<()> {
        self.begin()?;
        let result = self.transport.open_events();
        self.note(result.as_ref().err());
        result.map(drop)
    }

    fn begin(&mut self) -> Result<()> {
        if Instant::now() >= self.deadline {
            self.gave_up.get_or_insert("the time limit is over");
        }
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            self.gave_up.get_or_insert("it was stopped");
        }
        if let Some(why) = self.gave_up {
            return Err(Error::new(Code::TimedOut, format!("not asked: {why}")));
        }
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next = Instant::now() + self.pause;
        self.requests += 1;
        Ok(())
    }

    fn note(&mut self, error: Option<&Error>) {
        let silent = |error: &Error| {
            error.http_status().is_none() && matches!(error.code(), Code::ConnectionFailed | Code::TimedOut)
        };
        self.unanswered = if error.is_some_and(silent) { self.unanswered + 1 } else { 0 };
        if self.unanswered >= PATIENCE {
            self.gave_up.get_or_insert("the server no longer answers");
        }
    }
}

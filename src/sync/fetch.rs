//! The fetchers: a few threads that ask, compare with what is known, and build Tables; the writer decides what becomes of it.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::Message;
use crate::catalog::Shape;
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Code, Result};
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::{Limits, Table, digest};
use crate::transport::Transport;

/// A buffer larger than this is given back after use.
const KEPT_BUFFER: usize = 1 << 20;

/// One collection to ask for.
pub(super) struct Job {
    pub(super) address: Address,
    pub(super) path: String,
    /// What is known of it: an answer with the same bytes is neither parsed nor published.
    pub(super) known: Option<Arc<Collection>>,
    /// In which era of the writer it was asked, see [`Fetched::era`].
    pub(super) era: u64,
}

/// What came of a job.
pub(crate) struct Fetched {
    pub(super) address: Address,
    pub(super) path: String,
    /// A gathering and the polls after it are eras of their own; an answer from an earlier one is dropped.
    pub(super) era: u64,
    /// When the request was sent: what the answer says was true then or later.
    pub(super) asked: Moment,
    pub(super) outcome: Result<Outcome>,
}

pub(crate) enum Outcome {
    /// The bytes did not change.
    Same,
    New(Arc<Collection>),
    /// The server has no such collection (404).
    Absent,
}

/// The jobs that wait for a fetcher.
#[derive(Default)]
pub(super) struct Queue {
    jobs: Mutex<(VecDeque<Job>, bool)>,
    ready: Condvar,
}

impl Queue {
    pub(super) fn push(&self, job: Job) {
        self.lock().0.push_back(job);
        self.ready.notify_one();
    }

    /// Ends the fetchers; what waits is dropped.
    pub(super) fn close(&self) {
        let mut jobs = self.lock();
        jobs.0.clear();
        jobs.1 = true;
        self.ready.notify_all();
    }

    fn pop(&self) -> Option<Job> {
        let jobs = self.lock();
        let mut jobs = self
            .ready
            .wait_while(jobs, |(jobs, closed)| jobs.is_empty() && !*closed)
            .unwrap_or_else(PoisonError::into_inner);
        jobs.0.pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (VecDeque<Job>, bool)> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of a fetcher.
pub(super) fn run(
    queue: &Queue,
    (config, transport): (&Config, &Transport),
    limits: &Limits,
    writer: &Sender<Message>,
) {
    let mut body = Vec::new();
    while let Some(job) = queue.pop() {
        let asked = Moment::now();
        let outcome = fetch(&job, (config, transport), limits, asked, &mut body);
        let Job { address, path, era, .. } = job;
        if writer.send(Message::Fetched(Fetched { address, path, era, asked, outcome })).is_err() {
            return;
        }
        if body.capacity() > KEPT_BUFFER {
            body = Vec::new();
        }
    }
}

fn fetch(
    job: &Job,
    (config, transport): (&Config, &Transport),
    limits: &Limits,
    asked: Moment,
    body: &mut Vec<u8>,
) -> Result<Outcome> {
    match transport.get(&job.path, body) {
        Ok(()) => {}
        Err(error) if error.code() == Code::NotFound => return Ok(Outcome::Absent),
        Err(error) => return Err(error),
    }
    let digest = digest(body);
    if job.known.as_ref().is_some_and(|known| known.digest == digest) {
        return Ok(Outcome::Same);
    }
    let shape = job.address.sub.map_or(Shape::List, |sub| sub.row().shape);
    let kind = job.address.kind();
    let table = Table::from_json_named((kind, config.other_name(kind)), shape, body, limits)?;
    Ok(Outcome::New(Arc::new(Collection::new(job.address, table, digest, asked))))
}

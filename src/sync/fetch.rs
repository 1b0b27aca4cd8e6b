//! The fetchers: a few threads that ask, compare with what is known, and build Tables; the writer decides what becomes of it.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Message, defect};
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Code, Result};
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::{Limits, digest};
use crate::transport::Transport;

/// A buffer larger than this is given back after use.
const KEPT_BUFFER: usize = 1 << 20;

/// One collection to ask for, or one instance alone.
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
    /// The server has no such collection or instance (404).
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

/// The life of a fetcher, which does each job with `fetch` and a buffer for the body. A defect fails that job, and nothing more.
pub(super) fn run(
    queue: &Queue,
    writer: &Sender<Message>,
    fetch: impl Fn(&Job, Moment, &mut Vec<u8>) -> Result<Outcome>,
) {
    let mut body = Vec::new();
    while let Some(job) = queue.pop() {
        let asked = Moment::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| fetch(&job, asked, &mut body))).unwrap_or_else(|panic| {
            body = Vec::new();
            let error = defect("the answer could not be read: a defect", &*panic);
            log::error!("{}: {error}", job.path);
            Err(error)
        });
        log::trace!("GET {}: {} in {:.1?}", job.path, Told(&outcome), asked.age());
        let Job { address, path, era, .. } = job;
        if writer.send(Message::Fetched(Fetched { address, path, era, asked, outcome })).is_err() {
            return;
        }
        if body.capacity() > KEPT_BUFFER {
            body = Vec::new();
        }
    }
}

/// What an answer is, in a line of the log.
struct Told<'o>(&'o Result<Outcome>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(Outcome::Same) => f.write_str("as it was,"),
            Ok(Outcome::New(collection)) => write!(f, "{} objects", collection.len()),
            Ok(Outcome::Absent) => f.write_str("not there,"),
            Err(error) => write!(f, "{error},"),
        }
    }
}

/// Asks for one collection, or one instance.
pub(super) fn fetch(
    (config, transport): (&Config, &Transport),
    limits: &Limits,
    job: &Job,
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
    let name = config.other_name(job.address.kind());
    Ok(Outcome::New(Collection::from_answer(&job.address, name, (body, digest), limits, asked)?))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_defect_fails_the_job_and_the_fetcher_goes_on() {
        let queue = Queue::default();
        let (writer, inbox) = channel();
        for path in ["fine", "broken", "fine"] {
            queue.push(Job { address: Address::ROOT, path: path.to_owned(), known: None, era: 1 });
        }
        let fetch = |job: &Job, _: Moment, body: &mut Vec<u8>| {
            assert!(body.is_empty());
            body.push(0);
            assert_ne!(job.path, "broken", "a defect");
            body.clear();
            Ok(Outcome::Same)
        };
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            scope.spawn(|| run(&queue, &writer, fetch));
            let fetched = (0..3).map(|_| match inbox.recv_timeout(std::time::Duration::from_secs(10)) {
                Ok(Message::Fetched(fetched)) => fetched.outcome.map(|_| fetched.path),
                _ => panic!("a job has no outcome"),
            });
            let outcomes = fetched.collect();
            queue.close();
            outcomes
        });
        let error = outcomes[1].as_ref().unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.message().contains("a defect"), "{error}");
        assert!([&outcomes[0], &outcomes[2]].iter().all(|outcome| outcome.as_ref().is_ok_and(|path| path == "fine")));
    }
}

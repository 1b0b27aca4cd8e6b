//! What the client's handles and the sync's threads share: the cell, the transport, the settings, and the state.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::events::{self, Events};
use super::fetch::{self, Queue};
use super::writer::Writer;
use super::{Awaited, Message, defect};
use crate::action::Gate;
use crate::catalog::{Kind, KindSet};
use crate::clock::{Limit, Moment};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::health::{Health, Problem, State};
use crate::snapshot::cell::Cell;
use crate::snapshot::collection::Address;
use crate::snapshot::draft::Draft;
use crate::snapshot::{Limits, Snapshot};
use crate::threads::Threads;
use crate::transport::Transport;
use crate::watch::Signals;

/// `close` waits this long for the threads; they end by themselves soon after.
const CLOSE: Duration = Duration::from_millis(90);

/// A confirmation may be this late beyond the interval and the time to answer.
const GRACE: Duration = Duration::from_secs(1);

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) kinds: KindSet,
    /// The process that started the threads: a forked child has the memory, but not the threads.
    process: u32,
    pub(crate) transport: Transport,
    pub(crate) cell: Arc<Cell>,
    pub(crate) signals: Signals,
    pub(crate) counters: Counters,
    /// Bounds the actions in flight.
    pub(crate) gate: Gate,
    pub(crate) events: Events,
    jobs: Queue,
    writer: Sender<Message>,
    closed: AtomicBool,
    status: Mutex<Status>,
    /// Moves whenever the writer has handled something.
    progress: Condvar,
    threads: Arc<Threads>,
}

/// What the client counts, since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) failed_requests: AtomicU64,
    pub(crate) unchanged_answers: AtomicU64,
    pub(crate) changed_answers: AtomicU64,
    pub(crate) held_back_answers: AtomicU64,
    pub(crate) actions: AtomicU64,
    pub(crate) collections: AtomicU64,
    /// How far the gathering of an incarnation is: collections that are there, and those still asked for.
    pub(crate) gathered_collections: AtomicU64,
    pub(crate) collections_to_gather: AtomicU64,
    pub(crate) retired_snapshots: AtomicU64,
}

/// What the writer says about itself.
#[derive(Default)]
pub(super) struct Status {
    /// The reason why nothing is asked for at the moment.
    pub(super) down: Option<Problem>,
    pub(super) last_error: Option<Problem>,
    /// Collections that fail while the server can be reached.
    pub(super) failing: std::collections::BTreeMap<Address, Problem>,
    /// Collections that the server said it does not have, and when it was asked.
    pub(super) absent: std::collections::HashMap<Address, Moment>,
    /// A defect that ended the writer.
    broken: Option<Problem>,
    /// The state that was last told, and since when.
    told: Option<(State, SystemTime)>,
}

impl Status {
    /// Nothing is said of a collection any more: it was answered, or it is gone.
    pub(super) fn forget(&mut self, address: &Address) {
        self.failing.remove(address);
        self.absent.remove(address);
    }

    /// The addresses of an earlier incarnation say nothing.
    pub(super) fn forget_all(&mut self) {
        self.failing.clear();
        self.absent.clear();
    }
}

impl Shared {
    /// The cell of a new client, before anything was synced.
    pub(crate) fn cell(config: &Config) -> Arc<Cell> {
        Arc::new(Cell::new(Draft::nothing(config.kind_set())))
    }

    /// Opens the transport and starts the threads, which go on from what the cell has.
    pub(crate) fn start(config: Config, cell: Arc<Cell>) -> Result<Arc<Shared>> {
        config.validate()?;
        let transport = Transport::new(&config)?;
        let (writer, inbox) = channel();
        let shared = Arc::new(Shared {
            kinds: config.kind_set(),
            process: std::process::id(),
            transport,
            cell,
            signals: Signals::default(),
            counters: Counters::default(),
            gate: Gate::new(config.get_connections()),
            events: Events::new(config.get_events()),
            jobs: Queue::default(),
            writer,
            closed: AtomicBool::new(false),
            status: Mutex::default(),
            progress: Condvar::new(),
            threads: Arc::default(),
            config,
        });
        if let Err(error) = shared.start_threads(inbox) {
            shared.close(CLOSE);
            return Err(error);
        }
        Ok(shared)
    }

    fn start_threads(self: &Arc<Self>, inbox: Receiver<Message>) -> Result<()> {
        let limits = Limits {
            objects: self.config.get_object_limit(),
            depth: self.config.get_depth_limit(),
            text: self.config.get_text_limit(),
        };
        for _ in 0..self.config.get_connections() {
            let (shared, writer) = (self.clone(), self.writer.clone());
            self.spawn("isymphony-fetch", move || {
                fetch::run(&shared.jobs, &writer, |job, asked, body| {
                    fetch::fetch((&shared.config, &shared.transport), &limits, job, asked, body)
                })
            })?;
        }
        if self.config.get_events() {
            let shared = self.clone();
            self.spawn("isymphony-events", move || events::run(&shared))?;
        }
        let shared = self.clone();
        self.spawn("isymphony-sync", move || Writer::new(shared.clone()).run(&inbox))
    }

    /// Starts a thread of ours. A panic in it is told in the health; reads of the last snapshot go on.
    fn spawn(self: &Arc<Self>, name: &str, life: impl FnOnce() + Send + 'static) -> Result<()> {
        let shared = self.clone();
        let run = move || {
            if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(life)) {
                shared.broke(&*panic);
            }
        };
        self.threads.start(name, run).map_err(|error| {
            let message = format!("a thread could not be started ({error}); are the process's limits too low?");
            Error::new(Code::Internal, message).with_retryable(true)
        })
    }

    fn broke(&self, panic: &(dyn std::any::Any + Send)) {
        let error = defect("the sync ended by a defect", panic);
        log::error!("{error}");
        self.change(|status| {
            let problem = Problem { error, at: SystemTime::now(), about: String::new() };
            status.last_error = Some(problem.clone());
            status.broken = Some(problem);
        });
    }

    /// Whether a core server is to be synced.
    pub(super) fn wants(&self, slug: &str) -> bool {
        self.config.get_core_servers().is_none_or(|slugs| slugs.iter().any(|wanted| wanted == slug))
    }

    pub(super) fn push_job(&self, job: fetch::Job) {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.jobs.push(job);
    }

    /// Tells the writer something; it does not matter if it is gone.
    pub(crate) fn tell(&self, message: Message) {
        let _ = self.writer.send(message);
    }

    /// Changes the status and wakes whoever waits.
    pub(super) fn change(&self, edit: impl FnOnce(&mut Status)) {
        let mut status = self.status();
        edit(&mut status);
        let (_, news) = self.told(&mut status);
        drop(status);
        self.progress.notify_all();
        self.log(news);
    }

    /// What fails, and how.
    pub(super) fn failing(&self) -> Vec<(Address, Problem)> {
        self.status().failing.iter().map(|(address, problem)| (*address, problem.clone())).collect()
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the threads are those of a parent process.
    pub(crate) fn is_foreign(&self) -> bool {
        self.process != std::process::id()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends everything, within `time`, whatever hangs. From any thread, any number of times.
    pub(crate) fn close(&self, time: Duration) {
        self.closed.store(true, Ordering::Release);
        self.transport.close();
        if self.is_foreign() {
            return; // The threads are the parent's, and a lock may be held by one that does not exist here.
        }
        self.jobs.close();
        self.gate.close();
        self.events.retry();
        self.tell(Message::Close);
        self.change(|_| {});
        self.signals.set_all();
        // The application's logger, which may close the client, runs on our threads too.
        self.threads.join(Limit::new(Some(time)));
    }

    /// How long `close` waits unless told.
    pub(crate) fn close_limit() -> Duration {
        CLOSE
    }

    /// The kinds whose core servers' lists were not confirmed in time, each with the age of its oldest: a list is asked for
    /// at least once in its longest interval, and the server has its time to answer.
    fn overdue(&self, snapshot: &Snapshot) -> Vec<(Kind, Duration)> {
        if !snapshot.has_data() {
            return Vec::new();
        }
        let mut overdue: Vec<(Kind, Duration)> = Vec::new();
        for list in snapshot.own_lists() {
            let (kind, age) = (list.address.kind(), list.confirmed().age());
            if age <= self.config.get_cadence(kind).max + self.config.get_first_byte_timeout() + GRACE {
                continue;
            }
            match overdue.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, oldest)) => *oldest = age.max(*oldest),
                None => overdue.push((kind, age)),
            }
        }
        overdue
    }

    fn state(&self, status: &Status, snapshot: &Snapshot) -> State {
        let refused = |problem: &Problem| {
            matches!(problem.error.code(), Code::Auth | Code::Forbidden) || !problem.error.retryable()
        };
        if self.is_closed() {
            State::Closed
        } else if status.broken.is_some() || status.down.as_ref().is_some_and(refused) {
            State::Failed
        } else if !snapshot.has_data() {
            State::Connecting
        } else if status.down.is_some() || !self.overdue(snapshot).is_empty() {
            State::Stale
        } else {
            State::Live
        }
    }

    /// The state now, and since when; with the line to log, if it changed.
    fn told(&self, status: &mut Status) -> ((State, SystemTime), Option<String>) {
        let state = self.state(status, &self.cell.pin());
        if let Some((told, since)) = status.told
            && told == state
        {
            return ((state, since), None);
        }
        let since = SystemTime::now();
        status.told = Some((state, since));
        let why = status.down.as_ref().map(|problem| format!(": {}", problem.error)).unwrap_or_default();
        ((state, since), Some(format!("{}: {state}{why}", self.config.get_origin())))
    }

    /// Logs without a lock: a logger of the application may call us.
    fn log(&self, news: Option<String>) {
        if let Some(news) = news {
            log::info!("{news}");
        }
    }

    pub(crate) fn health(&self) -> Health {
        let mut status = self.status();
        let ((state, since), news) = self.told(&mut status);
        let snapshot = self.cell.pin();
        let (events, events_problem) = self.events.health();
        let mut failing: Vec<(Kind, Problem)> = Vec::new();
        for (address, problem) in &status.failing {
            if failing.iter().all(|(kind, _)| *kind != address.kind()) {
                failing.push((address.kind(), problem.clone()));
            }
        }
        let last_error = status.last_error.clone();
        drop(status);
        self.log(news);
        Health {
            state,
            since,
            has_data: snapshot.has_data(),
            age: snapshot.age(),
            epoch: snapshot.epoch(),
            generation: snapshot.generation(),
            last_error,
            failing,
            overdue: self.overdue(&snapshot),
            events,
            events_problem,
            retired_snapshots: self.counters.retired_snapshots.load(Ordering::Relaxed),
        }
    }

    /// Waits until `done` says so of the snapshot, asked again whenever the writer has handled something. `None`: the time was
    /// up.
    fn wait(&self, limit: Limit, mut done: impl FnMut(&Status, &Snapshot) -> bool) -> Option<Result<Snapshot>> {
        let mut status = self.status();
        loop {
            if self.is_closed() {
                return Some(Err(closed()));
            }
            let snapshot = self.cell.pin();
            if done(&status, &snapshot) {
                return Some(Ok(snapshot));
            }
            if let Some(problem) = &status.broken {
                return Some(Err(problem.error.clone()));
            }
            status = limit.wait(&self.progress, status)?;
        }
    }

    /// Waits for the first whole snapshot.
    pub(crate) fn wait_for_data(&self, limit: Limit) -> Result<Snapshot> {
        let synced = self.wait(limit, |_, snapshot| snapshot.has_data());
        synced.unwrap_or_else(|| Err(self.sync_timeout(limit)))
    }

    fn sync_timeout(&self, limit: Limit) -> Error {
        let status = self.status();
        let counted = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let there = counted(&self.counters.gathered_collections);
        let missing = counted(&self.counters.collections_to_gather);
        let why = match (&status.down, &status.last_error) {
            (Some(problem), _) => format!("{}", problem.error),
            (None, Some(problem)) => format!("{}; {there} parts have been read so far", problem.error),
            (None, None) => format!("{there} parts have been read and at least {missing} are still to come"),
        };
        let mut error = Error::new(
            Code::SyncTimeout,
            format!("no whole snapshot of {} came within {limit}: {why}", self.config.get_origin()),
        );
        if let Some(status) = status.down.as_ref().and_then(|problem| problem.error.http_status()) {
            error = error.with_http_status(status);
        }
        error
    }

    /// Waits until the server has confirmed the list of core servers and all their own lists, before the first sync for that
    /// too.
    pub(crate) fn wait_for_lists(&self, since: Moment, limit: Limit) -> Result<Snapshot> {
        let snapshot = self.wait_for_data(limit)?;
        let servers = snapshot.core_servers().iter().map(|server| server.id());
        let lists = servers.flat_map(|server| Address::lists(server, self.kinds));
        let addresses = lists.chain([Address::ROOT]).collect();
        self.wait_for(&Awaited { addresses, since }, limit)
    }

    /// Waits until the server has confirmed what is awaited, or it is known to be gone.
    pub(crate) fn wait_for(&self, awaited: &Awaited, limit: Limit) -> Result<Snapshot> {
        let confirmed = self.wait(limit, |status, snapshot| {
            let newer = |address: &Address| match snapshot.collection(address) {
                Some(collection) => collection.confirmed_of(address.item) > awaited.since,
                None => {
                    !snapshot.has_parent(address)
                        || status.absent.get(address).is_some_and(|asked| *asked > awaited.since)
                }
            };
            snapshot.has_data() && awaited.addresses.iter().all(newer)
        });
        confirmed.unwrap_or_else(|| {
            let last = self.status().last_error.as_ref().map(|p| format!("; the last error: {}", p.error));
            let last = last.unwrap_or_default();
            let message = format!("the server did not confirm what was awaited within {limit}{last}");
            Err(Error::new(Code::TimedOut, message))
        })
    }
}

pub(crate) fn closed() -> Error {
    Error::new(Code::Closed, "the client is closed")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// A wait that must end by itself.
    fn ends<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = channel();
        std::thread::spawn(move || done.send(wait()));
        result.recv_timeout(Duration::from_secs(10)).expect("the wait ends")
    }

    fn awaited(addresses: Vec<Address>) -> Awaited {
        Awaited { addresses, since: Moment::now() }
    }

    #[test]
    fn nobody_waits_for_a_writer_that_a_defect_ended() {
        let config = Config::new("http://127.0.0.1:1").unwrap();
        let shared = Shared::start(config.clone(), Shared::cell(&config)).unwrap();
        let early = shared.clone();
        let early = std::thread::spawn(move || ends(move || early.wait_for_data(Limit::new(None))));
        shared.broke(&"a defect");
        let mut outcomes = vec![early.join().unwrap()];
        for limit in [None, Some(Duration::from_secs(600))].map(Limit::new) {
            let (waits, asks) = (shared.clone(), shared.clone());
            outcomes.push(ends(move || waits.wait_for_data(limit)));
            outcomes.push(ends(move || asks.wait_for(&awaited(vec![Address::ROOT]), limit)));
        }
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert_eq!(error.code(), Code::Internal, "{error}");
            assert!(error.message().contains("a defect"), "{error}");
        }
        shared.close(CLOSE);
    }

    #[test]
    fn closing_on_a_thread_of_the_sync_does_not_wait_for_itself() {
        let config = Config::new("http://127.0.0.1:1").unwrap();
        let shared = Shared::start(config.clone(), Shared::cell(&config)).unwrap();
        let (start, started) = channel();
        let (done, closed) = channel();
        let closing = shared.clone();
        let life = move || {
            started.recv().unwrap();
            closing.close(Duration::MAX);
            done.send(()).unwrap();
        };
        shared.spawn("isymphony-test", life).unwrap();
        start.send(()).unwrap();
        closed.recv_timeout(Duration::from_secs(10)).expect("the wait ends");
    }

    #[test]
    #[cfg(feature = "sandbox")]
    fn what_is_there_is_given_though_a_defect_ended_the_writer() {
        use crate::sandbox::{Sandbox, SandboxConfig};
        let sandbox = Sandbox::start(SandboxConfig::new().users(2)).unwrap();
        let config = Config::new(&sandbox.url()).unwrap();
        let shared = Shared::start(config.clone(), Shared::cell(&config)).unwrap();
        shared.wait_for_data(Limit::new(Some(Duration::from_secs(10)))).unwrap();
        shared.broke(&"a defect");
        let forever = Limit::new(None);
        assert!(shared.wait_for_data(forever).is_ok() && shared.wait_for(&awaited(Vec::new()), forever).is_ok());
        shared.close(CLOSE);
    }
}

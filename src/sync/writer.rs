//! The writer: the one thread that decides what to ask for, takes the answers, and publishes snapshots.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use super::fetch::{Fetched, Job, Outcome};
use super::gather::{Gather, Step, below};
use super::placing::Placing;
use super::plan::{Bucket, Plan};
use super::{Message, Shared, backoff};
use crate::catalog::Kind;
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::health::Problem;
use crate::snapshot::cell::Retired;
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::{Draft, Server};
use crate::snapshot::{ByName, Source, Table};

/// Requests a second while polling, unless set.
const POLL_RATE: f64 = 50.0;
/// 401 and 403 are retried this slowly: they change when somebody changes something.
const REFUSED_WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));
/// A list of at least this many that shrinks to less than a quarter is asked for once more before it is believed.
const BIG: usize = 20;
/// What is below at most this many new instances is read at once; a flood of them waits its turn.
const FEW: usize = 100;
/// The writer looks up at least this often: to free what readers let go, and to tell when it grew stale.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// What was published last, and what is to be published next.
    draft: Draft,
    dirty: bool,
    generation: u64,
    epoch: u64,
    plan: Plan,
    gather: Option<Gather>,
    /// See [`Fetched::era`].
    era: u64,
    polls: Bucket,
    gathers: Option<Bucket>,
    in_flight: usize,
    pause: Option<Pause>,
    placing: Placing,
    retired: Retired,
}

/// The server cannot be reached or refuses us: nothing is asked for until then, and then only one thing.
struct Pause {
    until: Moment,
    failures: u32,
    probing: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Writer {
        let now = Moment::now();
        let rate = shared.config.get_max_requests_per_second();
        let last = shared.cell.pin();
        Writer {
            draft: Draft::from_snapshot(&last),
            dirty: false,
            generation: last.generation(),
            epoch: last.epoch(),
            plan: Plan::default(),
            gather: Some(Gather::new()),
            era: 0,
            polls: Bucket::new(rate.unwrap_or(POLL_RATE), now),
            gathers: rate.map(|rate| Bucket::new(rate, now)),
            in_flight: 0,
            pause: None,
            placing: Placing::default(),
            retired: Retired::default(),
            shared,
        }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let wake = self.dispatch();
            let wait = wake.map_or(IDLE, |wake| wake.since(Moment::now()).min(IDLE));
            let mut next = match inbox.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut handled = false;
            while let Some(message) = next {
                if matches!(message, Message::Close) || self.shared.is_closed() {
                    return;
                }
                self.handle(message);
                handled = true;
                next = inbox.try_recv().ok();
            }
            if self.dirty {
                self.publish();
            }
            self.shared.counters.retired_snapshots.store(self.retired.sweep() as u64, Relaxed);
            if handled || wake.is_none() {
                self.tell_progress();
            }
        }
    }

    fn tell_progress(&self) {
        let progress = self.gather.as_ref().map_or((0, 0), Gather::progress);
        self.shared.counters.collections.store(self.plan.len() as u64, Relaxed);
        self.shared.change(|status| status.progress = progress);
    }

    fn publish(&mut self) {
        self.generation += 1;
        self.dirty = false;
        let snapshot = self.draft.clone().finish(self.generation, self.epoch, Source::Live, self.shared.kinds);
        self.shared.cell.publish(snapshot, &mut self.retired);
        self.shared.signals.set_all();
    }

    /// Gives the fetchers work. Says when there will be more, if only time is needed.
    fn dispatch(&mut self) -> Option<Moment> {
        while self.in_flight < self.shared.config.get_connections() {
            let now = Moment::now();
            if let Some(pause) = &self.pause
                && (pause.probing || now < pause.until)
            {
                return (!pause.probing).then_some(pause.until);
            }
            let ready = match (&self.gather, &mut self.gathers) {
                (Some(_), None) => Ok(()),
                (Some(_), Some(bucket)) => bucket.take(now),
                (None, _) => self.has_work(now).and_then(|()| self.polls.take(now)),
            };
            if let Err(wake) = ready {
                return Some(wake);
            }
            let address = match &mut self.gather {
                None => self.next_poll(now),
                Some(gather) => match gather.next() {
                    Step::Ask(address) => Some(address),
                    Step::Wait => return None,
                    Step::Finished => {
                        self.finish_gathering();
                        continue;
                    }
                },
            };
            if let Some(address) = address {
                self.ask(address);
            }
        }
        None
    }

    fn has_work(&mut self, now: Moment) -> Result<(), Moment> {
        if !self.placing.is_idle() {
            return Ok(());
        }
        match self.plan.next_due() {
            Some(due) if due <= now => Ok(()),
            Some(due) => Err(due),
            None => Err(now + IDLE),
        }
    }

    fn next_poll(&mut self, now: Moment) -> Option<Address> {
        if let Some(address) = self.plan.next_first(now) {
            return Some(address);
        }
        while let Some(address) = self.placing.next() {
            if self.plan.take(&address) {
                return Some(address);
            }
        }
        self.plan.next(now)
    }

    fn ask(&mut self, address: Address) {
        let draft = match &self.gather {
            Some(gather) => gather.draft.as_ref(),
            None => Some(&self.draft),
        };
        let path = match address.sub {
            None => Some(crate::catalog::ROOT.to_owned()),
            Some(_) => draft.and_then(|draft| draft.path(&address)),
        };
        let Some(path) = path else {
            // What it was below is gone.
            self.plan.remove(&address);
            if let Some(gather) = &mut self.gather {
                gather.dropped();
            }
            return;
        };
        if let Some(pause) = &mut self.pause {
            pause.probing = true;
        }
        // Also while gathering a new incarnation: its ids differ, so equal bytes only occur when nothing restarted.
        let known = self.draft.get(&address).filter(|_| self.gather.is_none()).cloned();
        self.in_flight += 1;
        self.shared.push_job(Job { address, path, known, era: self.era });
    }

    fn handle(&mut self, message: Message) {
        let now = Moment::now();
        match message {
            Message::Fetched(fetched) => {
                self.in_flight -= 1;
                self.fetched(fetched, now);
            }
            Message::Urgent(addresses) => {
                for address in addresses {
                    self.plan.urge(&address, now);
                }
            }
            Message::Refresh => {
                self.plan.urge(&Address::ROOT, now);
                for address in self.draft.lists() {
                    self.plan.urge(&address, now);
                }
            }
            Message::Retry => {
                if let Some(pause) = &mut self.pause {
                    pause.until = now;
                }
            }
            Message::Close => {}
        }
    }

    fn fetched(&mut self, fetched: Fetched, now: Moment) {
        let is_current = fetched.era == self.era;
        match fetched.outcome {
            Ok(outcome) => {
                self.answered(fetched.address, now);
                if !is_current {
                    return;
                }
                match self.gather.is_some() {
                    true => self.gathered(fetched.address, outcome),
                    false => self.polled(fetched.address, &fetched.path, fetched.asked, outcome, now),
                }
            }
            Err(error) => {
                self.shared.counters.failed_requests.fetch_add(1, Relaxed);
                if error.code() == Code::Closed {
                    return;
                }
                self.failed(fetched.address, fetched.path, error, is_current, now);
            }
        }
    }

    /// The server answered: whatever was wrong with it is over.
    fn answered(&mut self, address: Address, now: Moment) {
        if self.pause.take().is_some() {
            self.plan.everything_is_due(now);
            self.shared.change(|status| status.down = None);
        }
        self.shared.change(|status| {
            status.failing.remove(&address);
        });
    }

    fn failed(&mut self, address: Address, path: String, error: Error, is_current: bool, now: Moment) {
        // What the list of core servers says holds for the server; one other path may be forbidden by itself.
        let unreachable = error.code() == Code::ConnectionFailed || address == Address::ROOT;
        let refused = matches!(error.code(), Code::Auth | Code::Forbidden) || (unreachable && !error.retryable());
        let problem = Problem { error, at: SystemTime::now(), about: path };
        if unreachable {
            self.pause_after(&problem, refused, now);
        } else if let Some(pause) = &mut self.pause {
            pause.probing = false;
            pause.until = now + backoff::wait(self.shared.config.get_backoff(), pause.failures);
        }
        self.shared.change(|status| {
            status.last_error = Some(problem.clone());
            if !unreachable {
                status.failing.insert(address, problem.clone());
            }
        });
        if !is_current {
            return;
        }
        if let Some(gather) = &mut self.gather {
            if gather.failed(address, !unreachable) {
                log::warn!("{}: published without it: {}", problem.about, problem.error);
            }
            return;
        }
        let failures = self.plan.entry(&address).map_or(1, |entry| {
            entry.failures += u32::from(!unreachable);
            entry.failures.max(1)
        });
        if refused && !unreachable {
            self.plan.urge(&Address::ROOT, now);
        }
        let wait = self.wait_after(&problem.error, failures, refused);
        self.plan.again(&address, now, wait);
    }

    /// How long to wait after the `failures`-th failure in a row.
    fn wait_after(&self, error: &Error, failures: u32, refused: bool) -> Duration {
        let bounds = self.shared.config.get_backoff();
        let mut wait = backoff::wait(bounds, failures);
        if refused {
            let slow = REFUSED_WAIT.0 + (REFUSED_WAIT.1 - REFUSED_WAIT.0).mul_f64(backoff::random());
            wait = wait.max(slow).min(bounds.1);
        }
        error.retry_after().map_or(wait, |asked| wait.max(asked))
    }

    fn pause_after(&mut self, problem: &Problem, refused: bool, now: Moment) {
        let failures = match &self.pause {
            // Several requests that were in flight failed together: that is one failure.
            Some(pause) if !pause.probing => pause.failures,
            Some(pause) => pause.failures + 1,
            None => 1,
        };
        let wait = self.wait_after(&problem.error, failures, refused);
        if self.pause.is_none() {
            log::warn!("{}: {}", problem.about, problem.error);
        }
        self.pause = Some(Pause { until: now + wait, failures, probing: false });
        self.plan.urge(&Address::ROOT, now);
        self.shared.change(|status| status.down = Some(problem.clone()));
    }

    fn start_gathering(&mut self) {
        self.era += 1;
        self.gather = Some(Gather::new());
        self.plan.clear();
        self.placing.clear();
    }

    fn gathered(&mut self, address: Address, outcome: Outcome) {
        let config = &self.shared.config;
        let wanted = |slug: &str| config.get_core_servers().is_none_or(|slugs| slugs.iter().any(|s| s == slug));
        let Some(gather) = &mut self.gather else { return };
        match outcome {
            Outcome::New(root) if address == Address::ROOT => {
                if !gather.root(root, self.shared.kinds, wanted) {
                    log::info!("the server restarted while it was read; reading it anew");
                    self.start_gathering();
                }
            }
            Outcome::New(collection) => gather.put(collection, self.shared.kinds),
            Outcome::Absent(error) if address == Address::ROOT => {
                let about = address.kind().row().list.to_owned();
                let error = error.context("the server has no Live API at this address");
                gather.failed(address, false);
                let problem = Problem { error, at: SystemTime::now(), about };
                self.shared.change(|status| status.last_error = Some(problem.clone()));
                self.pause_after(&problem, true, Moment::now());
            }
            Outcome::Absent(_) => gather.absent(address),
            Outcome::Same => gather.dropped(), // Nothing is known of a new incarnation, so nothing can be the same.
        }
    }

    fn finish_gathering(&mut self) {
        let Some(gather) = self.gather.take() else { return };
        let Some(draft) = gather.draft else { return };
        let same_incarnation = |server: &Server| self.draft.servers.iter().any(|old| old.id == server.id);
        if self.epoch == 0 || !draft.servers.iter().all(same_incarnation) {
            self.epoch += 1;
        }
        let missing: Vec<&str> = self.missing_core_servers(&draft);
        if !missing.is_empty() {
            let there: Vec<_> =
                (0..draft.root.table.len() as u32).filter_map(|row| draft.root.table.name(row)).collect();
            let (missing, there) = (missing.join(", "), there.join(", "));
            let message = format!("the server has no core server named {missing}; it has {there}");
            log::warn!("{message}");
            let error = Error::new(Code::NotFound, message);
            let problem = Problem { error, at: SystemTime::now(), about: crate::catalog::ROOT.to_owned() };
            self.shared.change(|status| status.last_error = Some(problem));
        }
        let now = Moment::now();
        self.plan.clear();
        for address in gather.addresses {
            self.plan.add(address, &self.shared.config, now, backoff::random());
        }
        self.era += 1;
        self.draft = draft;
        self.dirty = true;
        self.publish();
        self.tell_progress();
    }

    fn missing_core_servers(&self, draft: &Draft) -> Vec<&str> {
        let slugs = self.shared.config.get_core_servers().unwrap_or_default();
        let there = |slug: &&String| !matches!(draft.root.table.find_name(slug), ByName::None);
        slugs.iter().filter(|slug| !there(slug)).map(String::as_str).collect()
    }

    fn polled(&mut self, address: Address, path: &str, asked: Moment, outcome: Outcome, now: Moment) {
        let shared = self.shared.clone();
        let counters = &shared.counters;
        match outcome {
            Outcome::Same => {
                counters.unchanged_answers.fetch_add(1, Relaxed);
                if let Some(known) = self.draft.get(&address) {
                    known.confirm(asked);
                }
                self.plan.answered(&address, now, false);
            }
            Outcome::New(collection) => {
                counters.changed_answers.fetch_add(1, Relaxed);
                if self.is_surprising(&address, &collection.table) {
                    counters.held_back_answers.fetch_add(1, Relaxed);
                    self.hold_back(address, path, &collection.table, now);
                } else if address == Address::ROOT {
                    self.new_root(collection, now);
                } else {
                    self.plan.answered(&address, now, true);
                    self.replace(collection, now);
                }
            }
            Outcome::Absent(error) => self.absent(address, path, error, now),
        }
    }

    /// Whether a list suddenly lost most of what it had.
    fn is_surprising(&mut self, address: &Address, new: &Table) -> bool {
        let old = self.draft.get(address).map_or(0, |known| known.table.len());
        let held = self.plan.entry(address).is_some_and(|entry| entry.held_back);
        !held && old >= BIG && new.len() < old / 4
    }

    fn hold_back(&mut self, address: Address, path: &str, new: &Table, now: Moment) {
        let old = self.draft.get(&address).map_or(0, |known| known.table.len());
        let kind = address.kind();
        let message = format!("the list of {kind}s shrank from {old} to {}; it is asked for once more", new.len());
        let problem =
            Problem { error: Error::new(Code::BadAnswer, message), at: SystemTime::now(), about: path.to_owned() };
        self.shared.change(|status| status.last_error = Some(problem));
        if let Some(entry) = self.plan.entry(&address) {
            entry.held_back = true;
        }
        self.plan.again(&address, now, Duration::from_millis(100));
    }

    /// The list of core servers changed: another incarnation, another set, or only their names.
    fn new_root(&mut self, root: Arc<Collection>, now: Moment) {
        let config = &self.shared.config;
        let wanted = |slug: &str| config.get_core_servers().is_none_or(|slugs| slugs.iter().any(|s| s == slug));
        let next = Draft::new(root.clone(), wanted);
        if next.servers.iter().map(|s| s.id).eq(self.draft.servers.iter().map(|s| s.id)) {
            self.draft.root = root;
            self.dirty = true;
            self.plan.answered(&Address::ROOT, now, true);
        } else if next.servers.is_empty() && !self.plan.entry(&Address::ROOT).is_some_and(|entry| entry.held_back) {
            self.hold_back(Address::ROOT, crate::catalog::ROOT, &root.table, now);
        } else {
            self.start_gathering();
        }
    }

    /// Puts a changed collection in its place, and plans for what it brings and what it means.
    fn replace(&mut self, collection: Arc<Collection>, now: Moment) {
        let address = collection.address;
        let Some(server) = self.draft.server_mut(address.core_server) else { return };
        let old = address.sub.and_then(|sub| server.get(address.parent, sub)).cloned();
        server.put(collection.clone());
        self.dirty = true;
        let (server, old) = (&*server, old.as_ref().map(|old| &old.table));
        let mut at_once = Vec::new();
        if address.kind() == Kind::CallSegment {
            if address.is_list_of_core_server() {
                at_once = self.placing.calls_changed(server, old, &collection);
            } else {
                self.placing.found(&collection.table);
            }
        }
        let new: Vec<Address> =
            below(&collection, self.shared.kinds).into_iter().filter(|next| !self.plan.contains(next)).collect();
        for next in &new {
            self.plan.add(*next, &self.shared.config, now, 0.0);
        }
        if new.len() <= FEW {
            at_once.extend(new);
        }
        for next in at_once {
            self.plan.urge(&next, now);
        }
    }

    /// 404 where something used to be: it is gone when the server says so twice and what it was below is still there.
    fn absent(&mut self, address: Address, path: &str, error: Error, now: Moment) {
        if address == Address::ROOT {
            let problem = Problem { error, at: SystemTime::now(), about: path.to_owned() };
            self.shared.change(|status| status.last_error = Some(problem.clone()));
            self.pause_after(&problem, false, now);
            self.plan.again(&address, now, Duration::ZERO);
            return;
        }
        let (Some(sub), known) = (address.sub, self.draft.get(&address).is_some()) else { return };
        if !known {
            self.plan.answered(&address, now, false);
            return;
        }
        let above = self.draft.above(&address);
        let since = self.plan.entry(&address).and_then(|entry| entry.missing_since);
        let confirmed = since.is_some_and(|since| {
            above.as_ref().and_then(|above| self.draft.get(above)).is_some_and(|above| above.confirmed() > since)
        });
        if confirmed {
            if let Some(server) = self.draft.server_mut(address.core_server) {
                server.remove(address.parent, sub);
                self.dirty = true;
            }
            self.plan.answered(&address, now, true);
            return;
        }
        if let Some(above) = above {
            self.plan.urge(&above, now);
        }
        self.plan.urge(&Address::ROOT, now);
        if let Some(entry) = self.plan.entry(&address) {
            entry.missing_since.get_or_insert(now);
        }
        let wait = self.plan.shortest_wait(&address);
        self.plan.again(&address, now, wait);
    }
}

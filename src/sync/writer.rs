//! The writer: the one thread that decides what to ask for, takes the answers, and publishes snapshots.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use uuid::Uuid;

use super::alone::Doubts;
use super::bucket::{Bucket, Share};
use super::fetch::{Fetched, Job, Outcome};
use super::gather::{Gather, Step};
use super::placing::Placing;
use super::plan::Plan;
use super::trouble::Pause;
use super::{Message, Shared};
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::snapshot::Source;
use crate::snapshot::cell::Retired;
use crate::snapshot::collection::Address;
use crate::snapshot::draft::Draft;

/// Requests a second while polling, unless set.
const POLL_RATE: f64 = 50.0;
/// The writer looks up at least this often: to free what readers let go, and to tell when it grew stale.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    /// What was published last, and what is to be published next.
    pub(super) draft: Draft,
    pub(super) dirty: bool,
    pub(super) generation: u64,
    pub(super) epoch: u64,
    /// The ids of the core servers of this epoch, by slug.
    pub(super) incarnation: HashMap<String, Uuid>,
    pub(super) plan: Plan,
    pub(super) gather: Option<Gather>,
    /// See [`Fetched::era`].
    pub(super) era: u64,
    pub(super) polls: Bucket,
    /// Whether the rest comes before what is urgent, because that had the last turn.
    rest_is_next: bool,
    gathers: Option<Bucket>,
    in_flight: usize,
    pub(super) pause: Option<Pause>,
    pub(super) failures_in_a_row: u32,
    /// When the settings changed so that earlier refusals say nothing any more.
    pub(super) retried: Moment,
    pub(super) placing: Placing,
    pub(super) doubts: Doubts,
    /// What left a core server's own list a short time ago, and when that was asked for.
    pub(super) gone: HashMap<Uuid, Moment>,
    retired: Retired,
    pub(super) missed: Missed,
    /// What somebody waits for since an incarnation is gathered.
    pub(super) urged: HashSet<Address>,
    /// Whether somebody waits for all lists since then.
    pub(super) refresh: bool,
}

/// What may have changed while an incarnation was gathered, in a part that was read before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missed {
    #[default]
    Nothing,
    /// Events were not listened to from the beginning.
    Something,
    /// An event told of a change.
    Changes,
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
            incarnation: last.core_servers().iter().filter_map(|s| Some((s.name()?.to_owned(), s.id()))).collect(),
            plan: Plan::default(),
            gather: Some(Gather::new()),
            era: 0,
            polls: Bucket::new(rate.unwrap_or(POLL_RATE), now),
            rest_is_next: false,
            gathers: rate.map(|rate| Bucket::new(rate, now)),
            in_flight: 0,
            pause: None,
            failures_in_a_row: 0,
            retried: now,
            placing: Placing::default(),
            doubts: Doubts::default(),
            gone: HashMap::new(),
            missed: Missed::Nothing,
            urged: HashSet::new(),
            refresh: false,
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

    pub(super) fn tell_progress(&self) {
        let (there, missing) = self.gather.as_ref().map_or((0, 0), Gather::progress);
        let counters = &self.shared.counters;
        counters.collections.store(self.plan.len() as u64, Relaxed);
        counters.gathered_collections.store(there as u64, Relaxed);
        counters.collections_to_gather.store(missing as u64, Relaxed);
        self.shared.change(|_| ());
    }

    pub(super) fn publish(&mut self) {
        self.generation += 1;
        self.dirty = false;
        let snapshot = self.draft.clone().finish(self.generation, self.epoch, Source::Live, self.shared.kinds);
        self.shared.cell.publish(snapshot, &mut self.retired);
        log::debug!("published snapshot {} of epoch {}", self.generation, self.epoch);
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
                (Some(_), Some(bucket)) => bucket.take_any(now),
                (None, _) => Ok(()),
            };
            if let Err(wake) = ready {
                return Some(wake);
            }
            let address = match &mut self.gather {
                None if self.pause.is_some() => self.plan.force(&Address::ROOT, now),
                None => match self.next_poll(now) {
                    Ok(address) => address,
                    Err(wake) => return Some(wake),
                },
                Some(gather) if self.pause.is_some() => Some(gather.probe()),
                Some(gather) => match gather.next(now) {
                    Step::Ask(address) => Some(address),
                    Step::Wait => return None,
                    Step::Later(at) => return Some(at),
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

    /// Whether all connections but one are in use: that one is kept for the core servers' lists and what somebody waits for, so
    /// that many that stall below instances hold up nothing that matters more.
    fn is_last_connection(&self) -> bool {
        self.in_flight > 0 && self.in_flight + 1 == self.shared.config.get_connections()
    }

    /// What to poll next; or when there will be something, and a token for it.
    fn next_poll(&mut self, now: Moment) -> Result<Option<Address>, Moment> {
        if self.is_last_connection() {
            is_due(self.plan.next_list_due(), now)?;
            self.take_token(Share::Urgent, now)?;
            return Ok(self.plan.next_list(now));
        }
        let mut wake = now + IDLE;
        // Where the connections and not the rate are what there is too little of, they are shared all the same.
        let (sooner, later) =
            if self.rest_is_next { (Share::Rest, Share::Urgent) } else { (Share::Urgent, Share::Rest) };
        for share in [sooner, later] {
            let due = match share {
                Share::Rest if !self.placing.is_idle() => Some(now),
                share => self.plan.next_due(share),
            };
            match is_due(due, now).and_then(|()| self.take_token(share, now)) {
                Ok(()) => {
                    self.rest_is_next = share == Share::Urgent;
                    return Ok(match share {
                        Share::Rest => self.next_rest(now),
                        share => self.plan.next(share, now),
                    });
                }
                Err(later) => wake = wake.min(later),
            }
        }
        Err(wake)
    }

    fn take_token(&mut self, share: Share, now: Moment) -> Result<(), Moment> {
        let is_rest_due = |plan: &mut Plan| plan.next_due(Share::Rest).is_some_and(|due| due <= now);
        match self.polls.take(share, now) {
            // The tokens of the rest, where it has no use for them.
            Err(_) if share == Share::Urgent && self.placing.is_idle() && !is_rest_due(&mut self.plan) => {
                self.polls.take_any(now)
            }
            taken => taken,
        }
    }

    /// The search for a call's extension takes turns with all that confirms what is known.
    fn next_rest(&mut self, now: Moment) -> Option<Address> {
        self.placing.turn = !self.placing.turn;
        if self.placing.turn
            && let Some(address) = self.next_place(now)
        {
            return Some(address);
        }
        self.plan.next(Share::Rest, now).or_else(|| self.next_place(now))
    }

    /// The next extension that a call may be on.
    fn next_place(&mut self, now: Moment) -> Option<Address> {
        while let Some(address) = self.placing.next() {
            let since = self.placing.since;
            let known = self.draft.get(&address);
            if known.is_some_and(|known| known.confirmed() >= since) {
                continue;
            }
            if self.plan.take(&address, now) {
                return Some(address);
            }
            if !self.plan.is_asked_since(&address, since) {
                self.plan.urge(&address, now); // It is being asked for since before the call.
            }
        }
        None
    }

    /// Whether what a collection was below is no longer there.
    pub(super) fn is_gone(&self, address: &Address) -> bool {
        address.sub.is_some() && self.draft.path(address).is_none()
    }

    /// Nobody asks for a collection any more.
    pub(super) fn forget(&mut self, address: &Address) {
        self.plan.remove(address);
        self.shared.change(|status| status.forget(address));
    }

    /// Somebody waits for collections or instances, planned or not: they come first, as far as they are there.
    pub(super) fn urge(&mut self, addresses: impl IntoIterator<Item = Address>, now: Moment) {
        for address in addresses {
            let address = self.rather_whole(address);
            if !self.is_gone(&address) {
                self.plan.add(address, &self.shared.config, now, 0.0);
                self.plan.await_now(&address, now);
            }
        }
    }

    /// The list of core servers and their own lists, whether they are there or not.
    pub(super) fn lists(&self) -> Vec<Address> {
        let lists = self.draft.servers.iter().flat_map(|server| Address::lists(server.id, self.shared.kinds));
        lists.chain([Address::ROOT]).collect()
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
            self.forget(&address);
            if let Some(gather) = &mut self.gather {
                gather.dropped();
            }
            return;
        };
        if let Some(pause) = &mut self.pause {
            pause.probing = true;
        }
        // Also while gathering a new incarnation: its ids differ, so equal bytes only occur when nothing restarted.
        let known = self.draft.read_from(&address).filter(|_| self.gather.is_none()).cloned();
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
            Message::Urgent(addresses) if self.gather.is_some() => self.urged.extend(addresses),
            Message::Refresh if self.gather.is_some() => self.refresh = true,
            Message::EventsMissed if self.gather.is_some() => self.missed = self.missed.max(Missed::Something),
            Message::Hints(_) if self.gather.is_some() => self.missed = Missed::Changes,
            Message::Urgent(addresses) => self.urge(addresses, now),
            Message::Hints(addresses) => {
                // In their order, for which a moment each is enough.
                for (nanos, address) in (0..).zip(addresses) {
                    let now = now + Duration::from_nanos(nanos);
                    match address.item {
                        Some(_) => self.hint_item(address, now),
                        None => self.plan.urge(&address, now),
                    }
                }
            }
            Message::EventsMissed => self.plan.catch_up(now, self.polls.gap()),
            Message::Refresh => self.urge(self.lists(), now),
            Message::Retry => {
                self.retried = now;
                self.retry(now);
                self.shared.events.retry();
            }
            Message::Close => {}
        }
    }

    /// What failed is tried again now.
    fn retry(&mut self, now: Moment) {
        if let Some(pause) = &mut self.pause {
            pause.until = now;
        }
        match &mut self.gather {
            Some(gather) => gather.retry(now),
            None => self.plan.retry(now),
        }
    }

    fn fetched(&mut self, fetched: Fetched, now: Moment) {
        let is_current = fetched.era == self.era;
        match fetched.outcome.and_then(|outcome| self.check_root(fetched.address, outcome)) {
            Ok(outcome) => {
                self.answered(fetched.address, fetched.asked, now);
                if !is_current {
                    return;
                }
                match self.gather.is_some() {
                    true => self.gathered(fetched.address, &fetched.path, fetched.asked, outcome, now),
                    false => self.polled(fetched.address, &fetched.path, fetched.asked, outcome, now),
                }
            }
            Err(error) => {
                self.shared.counters.failed_requests.fetch_add(1, Relaxed);
                if error.code() == Code::Closed {
                    return;
                }
                let is_outdated = fetched.asked < self.retried;
                self.failed(fetched.address, fetched.path, error, is_current, now);
                if is_outdated {
                    self.retry(now); // It was asked with the old credentials.
                }
            }
        }
    }

    /// A server that lists no core server, or none that is wanted, is starting up or is not the one that was meant: what is
    /// known stays.
    fn check_root(&self, address: Address, outcome: Outcome) -> Result<Outcome, Error> {
        let about = |message: String| Error::new(Code::NotFound, message).with_retryable(true);
        match &outcome {
            Outcome::New(root) if address == Address::ROOT => {
                let table = root.table();
                let slugs = || (0..table.len() as u32).map(|row| table.name(row).unwrap_or_default());
                if table.is_empty() {
                    return Err(about("the server lists no core server".to_owned()));
                }
                if !slugs().any(|slug| self.shared.wants(slug)) {
                    let wanted = self.shared.config.get_core_servers().unwrap_or_default().join(", ");
                    let there = slugs().collect::<Vec<_>>().join(", ");
                    return Err(about(format!("the server has no core server named {wanted}; it has {there}")));
                }
                Ok(outcome)
            }
            Outcome::Absent if address == Address::ROOT => {
                Err(about(format!("the server has no Live API: it does not know {}", crate::catalog::ROOT)))
            }
            _ => Ok(outcome),
        }
    }
}

/// Says when something will be due, where it is not.
fn is_due(due: Option<Moment>, now: Moment) -> Result<(), Moment> {
    match due {
        Some(due) if due <= now => Ok(()),
        due => Err(due.unwrap_or(now + IDLE)),
    }
}

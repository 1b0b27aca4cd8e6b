//! The plan: which collection is asked for when, and which instance alone.
//!
//! Each collection has its own interval, halved when it changed, stretched when it did not, within the bounds of its kind.
//! What is due comes in three classes: the core servers' own lists and whatever somebody waits for; what the application
//! reads or watches below the instances; and the rest. So a thousand small collections never hold up the few that matter
//! most, and what nobody looks at gives way, but is not forgotten.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use super::hints::rank;
use crate::catalog::Kind;
use crate::clock::Moment;
use crate::config::{Cadence, Config};
use crate::snapshot::collection::Address;

/// A collection that only confirms what others tell is asked for this many times less often than its kind allows.
const CONFIRMING: u32 = 12;

/// The schedule of one collection.
#[derive(Debug)]
pub(super) struct Entry {
    due: Moment,
    interval: Duration,
    bounds: Cadence,
    pub(super) in_flight: bool,
    /// Failures in a row of this collection alone.
    pub(super) failures: u32,
    /// When the server first said 404 to a collection that used to be there.
    pub(super) missing_since: Option<Moment>,
    /// A surprising answer that is held back for one confirmation.
    pub(super) held_back: bool,
    urgent: bool,
    /// What became known while it was in flight: it is due again by then.
    by: Option<Moment>,
    /// Whether the application reads or watches it.
    wanted: bool,
}

/// After this many of what the application wants comes one of the rest.
const PATIENCE: u32 = 3;

/// By due time; an item whose time is not its entry's is outdated.
type Heap = BinaryHeap<Reverse<(Moment, Address)>>;

#[derive(Default)]
pub(super) struct Plan {
    entries: HashMap<Address, Entry>,
    first: Heap,
    wanted: Heap,
    rest: Heap,
    /// How often in a row the rest had to wait.
    waited: u32,
    /// How many of the entries are instances: each is asked for once.
    items: usize,
}

impl Plan {
    pub(super) fn clear(&mut self) {
        *self = Plan::default();
    }

    /// How many collections there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.items
    }

    /// How many instances are to be asked for alone.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    pub(super) fn entry(&mut self, address: &Address) -> Option<&mut Entry> {
        self.entries.get_mut(address)
    }

    /// Adds a collection, unless it is there. `spread` from 0 to 1 sets when within its interval it is first due.
    pub(super) fn add(&mut self, address: Address, config: &Config, now: Moment, spread: f64) {
        if self.entries.contains_key(&address) {
            return;
        }
        let bounds = bounds(&address, config);
        let due = now + bounds.min.mul_f64(spread);
        let entry = Entry {
            due,
            interval: bounds.min,
            bounds,
            in_flight: false,
            failures: 0,
            missing_since: None,
            held_back: false,
            urgent: false,
            by: None,
            wanted: false,
        };
        self.entries.insert(address, entry);
        self.items += usize::from(address.item.is_some());
        self.push(address, due);
    }

    pub(super) fn remove(&mut self, address: &Address) {
        if self.entries.remove(address).is_some() {
            self.items -= usize::from(address.item.is_some());
        }
    }

    /// An instance was answered: it leaves the plan, unless it was urged again meanwhile.
    pub(super) fn answered_item(&mut self, address: &Address, now: Moment) {
        match self.entries.get(address) {
            Some(entry) if entry.urgent => self.again(address, now, Duration::ZERO),
            _ => self.remove(address),
        }
    }

    fn push(&mut self, address: Address, due: Moment) {
        let Some(entry) = self.entries.get(&address) else { return };
        let heap = match entry {
            entry if entry.urgent || address.sub.is_none() || address.is_list_of_core_server() => &mut self.first,
            entry if entry.wanted => &mut self.wanted,
            _ => &mut self.rest,
        };
        heap.push(Reverse((due, address)));
    }

    /// Whether the application reads or watches a collection, from its next turn on.
    pub(super) fn want(&mut self, address: &Address, wanted: bool) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.wanted = wanted;
        }
    }

    /// Makes a collection due now, ahead of others.
    pub(super) fn urge(&mut self, address: &Address, now: Moment) {
        // What is urgent already has its place: many who urge take no memory.
        if let Some(entry) = self.entries.get_mut(address).filter(|entry| !entry.urgent) {
            entry.due = now;
            entry.urgent = true;
            self.push(*address, now);
        }
    }

    /// Something may have been missed: the core servers' lists become due now, and the rest earlier than it would be, one
    /// every `gap`, what changes fastest first.
    pub(super) fn catch_up(&mut self, now: Moment, gap: Duration) {
        let mut rest = Vec::new();
        let mut lists = Vec::new();
        for (address, entry) in &self.entries {
            match address.sub.is_none() || address.is_list_of_core_server() {
                true => lists.push(*address),
                false if entry.urgent => {}
                // What is being asked for may have been answered before.
                false if entry.in_flight => lists.push(*address),
                false => rest.push((is_confirming(address), rank(address.kind()), *address)),
            }
        }
        for address in lists {
            self.urge(&address, now);
        }
        rest.sort_unstable();
        let mut due = now;
        for (.., address) in rest {
            if let Some(entry) = self.entries.get_mut(&address).filter(|entry| entry.due > due) {
                entry.due = due;
                self.push(address, due);
            }
            due = due + gap;
        }
    }

    /// Schedules a collection after an answer.
    pub(super) fn answered(&mut self, address: &Address, now: Moment, changed: bool) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.failures = 0;
        entry.missing_since = None;
        entry.held_back = false;
        let next = if changed { entry.interval / 2 } else { entry.interval.mul_f64(1.5) };
        entry.interval = next.clamp(entry.bounds.min, entry.bounds.max);
        let wait = entry.interval;
        self.again(address, now, wait);
    }

    /// Schedules a collection after a wait. What was urged while it was in flight stays due.
    pub(super) fn again(&mut self, address: &Address, now: Moment, wait: Duration) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.in_flight = false;
        let by = entry.by.take();
        if !entry.urgent {
            entry.due = by.map_or(now + wait, |by| by.min(now + wait));
        }
        let due = entry.due;
        self.push(*address, due);
    }

    /// How long a 404 waits for its confirmation.
    pub(super) fn shortest_wait(&self, address: &Address) -> Duration {
        self.entries.get(address).map_or(Duration::from_secs(1), |entry| entry.bounds.min)
    }

    /// Takes the next collection that is due.
    pub(super) fn next(&mut self, now: Moment) -> Option<Address> {
        if let Some(first) = self.next_first(now) {
            return Some(first);
        }
        if self.waited < PATIENCE
            && let Some(wanted) = Plan::pop(&mut self.wanted, &mut self.entries, now)
        {
            self.waited += 1;
            return Some(wanted);
        }
        self.waited = 0;
        let rest = Plan::pop(&mut self.rest, &mut self.entries, now);
        rest.or_else(|| Plan::pop(&mut self.wanted, &mut self.entries, now))
    }

    /// Takes the next collection that is due among those that come first.
    pub(super) fn next_first(&mut self, now: Moment) -> Option<Address> {
        Plan::pop(&mut self.first, &mut self.entries, now)
    }

    fn pop(heap: &mut Heap, entries: &mut HashMap<Address, Entry>, now: Moment) -> Option<Address> {
        while let Some(Reverse((due, address))) = heap.peek().copied().filter(|Reverse((due, _))| *due <= now) {
            heap.pop();
            if let Some(entry) = entries.get_mut(&address)
                && entry.due == due
                && !entry.in_flight
            {
                entry.in_flight = true;
                entry.urgent = false;
                return Some(address);
            }
        }
        None
    }

    /// Takes a collection whatever its turn, also when it is not planned.
    pub(super) fn force(&mut self, address: &Address) -> Option<Address> {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.in_flight = true;
            entry.urgent = false;
        }
        Some(*address)
    }

    /// Takes a collection out of turn; false when it is not planned or in flight.
    pub(super) fn take(&mut self, address: &Address) -> bool {
        match self.entries.get_mut(address) {
            Some(entry) if !entry.in_flight => {
                entry.in_flight = true;
                entry.urgent = false;
                true
            }
            _ => false,
        }
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Moment> {
        [&self.first, &self.wanted, &self.rest]
            .into_iter()
            .filter_map(|heap| heap.peek().map(|Reverse((due, _))| *due))
            .min()
    }

    /// Makes a collection due now, in its turn: behind what has been due for longer.
    pub(super) fn hasten(&mut self, address: &Address, now: Moment) {
        if let Some(entry) = self.entries.get_mut(address).filter(|entry| entry.due > now) {
            entry.due = now;
            self.push(*address, now);
        }
    }

    /// Makes a collection due by a moment, also when it is in flight.
    pub(super) fn hasten_by(&mut self, address: &Address, moment: Moment) {
        match self.entries.get_mut(address) {
            Some(entry) if entry.in_flight => entry.by = Some(entry.by.map_or(moment, |by| by.min(moment))),
            _ => self.hasten(address, moment),
        }
    }

    /// All collections become due: the server was away. What was due before keeps its place ahead of the others, so a
    /// server that comes and goes is read in turn, and not the same part of it every time.
    pub(super) fn everything_is_due(&mut self, now: Moment) {
        let addresses: Vec<_> = self.entries.keys().copied().collect();
        for address in addresses {
            self.hasten(&address, now);
        }
    }
}

/// Whether a collection only confirms what others tell.
fn is_confirming(address: &Address) -> bool {
    address.sub.is_some_and(|sub| {
        let row = sub.row();
        matches!(
            (row.parent, row.kind),
            (Kind::Extension, _) | (Kind::User, Kind::Extension) | (Kind::Agent, Kind::Extension)
        )
    })
}

/// The bounds of a collection's interval.
fn bounds(address: &Address, config: &Config) -> Cadence {
    let cadence = config.get_cadence(address.kind());
    if !is_confirming(address) {
        return cadence;
    }
    Cadence { min: cadence.max.saturating_mul(CONFIRMING), max: cadence.max.saturating_mul(5 * CONFIRMING) }
}

/// Caps the requests a second.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Moment,
}

impl Bucket {
    pub(super) fn new(rate: f64, now: Moment) -> Bucket {
        Bucket { rate, tokens: Bucket::size(rate), filled: now }
    }

    /// A burst of a fifth of a second, and at least one request.
    fn size(rate: f64) -> f64 {
        (rate / 5.0).max(1.0)
    }

    /// The time between two requests that leaves half of the rate to others.
    pub(super) fn gap(&self) -> Duration {
        Duration::from_secs_f64(2.0 / self.rate)
    }

    /// Takes a token; or says when there will be one.
    pub(super) fn take(&mut self, now: Moment) -> Result<(), Moment> {
        let elapsed = now.since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.rate).min(Bucket::size(self.rate));
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(now + Duration::from_secs_f64((1.0 - self.tokens) / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SubId;
    use uuid::Uuid;

    fn address(parent: Kind, segment: &str, n: u128) -> Address {
        let core_server = Uuid::from_u128(1);
        let parent_id = if parent == Kind::CoreServer { core_server } else { Uuid::from_u128(n) };
        Address::below(core_server, parent_id, SubId::find(parent, segment).unwrap())
    }

    #[test]
    fn lists_come_before_what_is_below_instances_and_urged_ones_before_their_time() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let status = address(Kind::User, "status", 7);
        let calls = address(Kind::CoreServer, "callSegments", 0);
        plan.add(status, &config, now, 0.0);
        plan.add(calls, &config, now, 0.0);
        assert_eq!(plan.next(now), Some(calls));
        assert_eq!(plan.next(now), Some(status));
        assert_eq!(plan.next(now), None);
        plan.answered(&status, now, false);
        assert_eq!(plan.next(now), None);
        plan.urge(&status, now);
        assert_eq!(plan.next(now), Some(status));
    }

    #[test]
    fn urging_again_takes_no_memory_and_what_was_missed_is_caught_up_in_turn() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let calls = address(Kind::CoreServer, "callSegments", 0);
        let agents = address(Kind::Queue, "agents", 3);
        let all = [calls, agents, address(Kind::User, "logins", 7), address(Kind::Extension, "callSegments", 5)];
        for address in all {
            plan.add(address, &config, now, 0.0);
            assert!(plan.take(&address));
            plan.answered(&address, now, false);
        }
        for _ in 0..1_000 {
            plan.urge(&calls, now);
        }
        assert!(plan.first.len() <= 3, "{}", plan.first.len());
        let gap = Duration::from_millis(40);
        plan.catch_up(now, gap);
        let mut order = Vec::new();
        for n in 0..4 {
            let then = now + gap * n;
            while let Some(address) = plan.next(then) {
                order.push((n, address));
            }
        }
        assert_eq!(order, [(0, all[0]), (0, all[1]), (1, all[2]), (2, all[3])]);
    }

    #[test]
    fn what_is_wanted_comes_first_and_the_rest_is_not_forgotten() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let all: Vec<Address> = (0..12).map(|n| address(Kind::User, "status", n)).collect();
        for (n, address) in all.iter().enumerate() {
            plan.add(*address, &config, now, 0.0);
            assert!(plan.take(address));
            plan.want(address, n >= 6);
            plan.again(address, now, Duration::ZERO);
        }
        let order: Vec<bool> = (0..12).map(|_| plan.next(now).is_some_and(|next| next.parent.as_u128() >= 6)).collect();
        assert_eq!(order, [true, true, true, false, true, true, true, false, false, false, false, false]);
        assert_eq!(plan.next(now), None);
    }

    #[test]
    fn an_instance_is_asked_for_once_and_again_if_it_was_urged_meanwhile() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let users = address(Kind::CoreServer, "users", 0);
        let one = users.item(Uuid::from_u128(7));
        plan.add(users, &config, now, 1.0);
        plan.add(one, &config, now, 0.0);
        plan.urge(&one, now);
        assert_eq!((plan.next(now), plan.next(now)), (Some(one), None));
        plan.urge(&one, now);
        plan.answered_item(&one, now);
        assert_eq!((plan.items(), plan.len(), plan.next(now), plan.next(now)), (1, 1, Some(one), None));
        plan.answered_item(&one, now);
        assert_eq!((plan.items(), plan.len(), plan.next(now)), (0, 1, None));
    }

    #[test]
    fn what_is_hastened_while_it_is_in_flight_is_due_by_then() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let users = address(Kind::CoreServer, "users", 0);
        let second = Duration::from_secs(1);
        plan.add(users, &config, now, 0.0);
        assert!(plan.take(&users));
        plan.hasten_by(&users, now + second * 3);
        plan.hasten_by(&users, now + second);
        plan.answered(&users, now, false);
        assert_eq!((plan.next(now), plan.next(now + second)), (None, Some(users)));
        plan.answered(&users, now, false);
        plan.hasten_by(&users, now + second * 2);
        assert_eq!((plan.next(now + second), plan.next(now + second * 2)), (None, Some(users)));
    }

    #[test]
    fn after_an_outage_what_was_due_before_comes_first() {
        let (config, now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let all: Vec<Address> = (0..6).map(|n| address(Kind::User, "status", n)).collect();
        for address in &all {
            plan.add(*address, &config, now, 0.0);
        }
        // The server comes and goes, and answers two requests each time.
        let mut asked = Vec::new();
        for n in 0..3 {
            let now = now + Duration::from_millis(n);
            plan.everything_is_due(now);
            for _ in 0..2 {
                let address = plan.next(now).unwrap();
                plan.answered(&address, now, false);
                asked.push(address);
            }
        }
        assert_eq!(asked, all);
    }

    #[test]
    fn intervals_shrink_with_changes_and_grow_without() {
        let (config, mut now) = (Config::new("http://pbx").unwrap(), Moment(1_000_000_000));
        let mut plan = Plan::default();
        let calls = address(Kind::CoreServer, "callSegments", 0);
        plan.add(calls, &config, now, 0.0);
        let mut wait = |plan: &mut Plan, changed| {
            assert_eq!(plan.next(now), Some(calls));
            plan.answered(&calls, now, changed);
            let due = plan.next_due().unwrap();
            let wait = due.since(now);
            now = due;
            wait
        };
        assert_eq!(wait(&mut plan, false), Duration::from_millis(1500));
        for _ in 0..10 {
            wait(&mut plan, false);
        }
        assert_eq!(wait(&mut plan, false), Duration::from_secs(5));
        assert_eq!(wait(&mut plan, true), Duration::from_millis(2500));
        assert_eq!(wait(&mut plan, true), Duration::from_millis(1250));
        assert_eq!(wait(&mut plan, true), Duration::from_secs(1));
    }

    #[test]
    fn the_bucket_lets_through_its_rate() {
        let mut now = Moment(1_000_000_000);
        let mut bucket = Bucket::new(10.0, now);
        let mut passed = 0;
        let end = now + Duration::from_secs(10);
        while now < end {
            match bucket.take(now) {
                Ok(()) => passed += 1,
                Err(next) => now = next + Duration::from_nanos(1),
            }
        }
        assert!((100..=103).contains(&passed), "{passed}");
    }
}

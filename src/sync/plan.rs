//! The plan: which collection is asked for when, and which instance alone.
//!
//! Each collection has its own interval, halved when it changed, stretched when it did not, within the bounds of its kind.
//! Every second turn is of the core servers' own lists in their time. In between comes what is urgent, because somebody waits for
//! it, or because an event or an answer tells that it changed, of the core servers' own lists or below the instances; and the
//! rest: what the application reads or watches, and what it does not. Each share has its part of the rate ([`Share`]), so a
//! thousand small collections never hold up the few that matter most, and what no event tells of gives way, but is not forgotten.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use super::bucket::Share;
use super::hints::rank;
use crate::catalog::SubId;
use crate::clock::Moment;
use crate::config::{Cadence, Config};
use crate::snapshot::collection::Address;

/// A collection that only confirms what others tell is asked for this many times less often than its kind allows.
const CONFIRMING: u32 = 12;

/// After so many failures of a kind, and no answer since, it is the kind that is broken.
const BROKEN: u32 = 3;

/// The schedule of one collection.
#[derive(Debug)]
pub(super) struct Entry {
    due: Moment,
    interval: Duration,
    bounds: Cadence,
    pub(super) in_flight: bool,
    /// When it was asked for last.
    asked: Moment,
    /// Failures in a row of this collection alone.
    failures: u32,
    /// The server asked not to be asked before, whoever waits.
    not_before: Moment,
    /// When it would be due after a failure, if it were the only one of its kind to fail.
    alone: Moment,
    /// When the server first said 404 to a collection that used to be there.
    pub(super) missing_since: Option<Moment>,
    /// A surprising answer that is held back for one confirmation.
    pub(super) held_back: bool,
    /// Since when it is urged, ahead of its time.
    urged: Option<Moment>,
    /// Whether somebody waits for it.
    awaited: bool,
    /// What became known while it was in flight: it is due again by then.
    by: Option<Moment>,
    /// Whether the application reads or watches it.
    wanted: bool,
}

impl Entry {
    pub(super) fn shortest_wait(&self) -> Duration {
        self.bounds.min
    }

    /// Whether an item of a heap with this time still holds.
    fn is_due_at(&self, due: Moment) -> bool {
        self.due == due || self.urged == Some(due)
    }

    /// It is being asked for.
    fn asked_for(&mut self, now: Moment) {
        self.in_flight = true;
        self.asked = now;
        self.urged = None;
        self.awaited = false;
    }
}

/// The queues of what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The core servers' own lists in their time.
    Lists,
    /// What somebody waits for.
    Awaited,
    UrgedLists,
    Urged,
    Wanted,
    Rest,
}

impl Share {
    /// The turns of its classes; between any two of them the core servers' own lists have one. A turn that a class has no use for
    /// goes to the next that has.
    fn turns(self) -> &'static [Class] {
        match self {
            Share::Urgent => &[Class::Awaited, Class::UrgedLists, Class::Awaited, Class::Urged],
            Share::Rest => &[Class::Wanted, Class::Wanted, Class::Wanted, Class::Rest],
        }
    }
}

/// Whose turn it is in a share.
#[derive(Debug, Default, Clone, Copy)]
struct Turn {
    /// That of the lists was the last one.
    after_lists: bool,
    /// Which of the other turns is next.
    next: usize,
}

/// Those of the core servers' lists, and of what somebody waits for.
const LISTS: [Class; 3] = [Class::Lists, Class::Awaited, Class::UrgedLists];

/// By due time; an item whose time is not its entry's is outdated.
type Heap = BinaryHeap<Reverse<(Moment, Address)>>;

/// So much of a heap may be outdated, beside twice what there is: what is urged all the time leaves an item each time.
const OUTDATED: usize = 256;

#[derive(Default)]
pub(super) struct Plan {
    entries: HashMap<Address, Entry>,
    /// By class.
    heaps: [Heap; 6],
    /// Whose turn it is, by share.
    turns: [Turn; 2],
    /// For each sub resource, the failures since one of it was answered.
    failing: HashMap<SubId, u32>,
    /// How many of the entries are instances: each is asked for once, when it is urged.
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

    /// Adds a collection, unless it is there. `spread` from 0 to 1 sets when within its interval it is first due. An instance is
    /// due only when it is urged.
    pub(super) fn add(&mut self, address: Address, config: &Config, now: Moment, spread: f64) {
        if self.entries.contains_key(&address) {
            return;
        }
        let bounds = bounds(&address, config);
        let due = match address.item {
            Some(_) => Moment(u64::MAX),
            None => now + bounds.min.mul_f64(spread),
        };
        let entry = Entry {
            due,
            interval: bounds.min,
            bounds,
            in_flight: false,
            asked: Moment::default(),
            failures: 0,
            not_before: Moment::default(),
            alone: due,
            missing_since: None,
            held_back: false,
            urged: None,
            awaited: false,
            by: None,
            wanted: false,
        };
        self.entries.insert(address, entry);
        match address.item {
            Some(_) => self.items += 1,
            None => self.push(address, due),
        }
    }

    pub(super) fn remove(&mut self, address: &Address) {
        if self.entries.remove(address).is_some() {
            self.items -= usize::from(address.item.is_some());
        }
    }

    /// An instance was answered: it leaves the plan, unless it was urged again meanwhile.
    pub(super) fn answered_item(&mut self, address: &Address) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.in_flight = false;
        match entry.urged {
            Some(urged) => self.push_urged(*address, urged),
            None => self.remove(address),
        }
    }

    /// Queues a collection for when it is due.
    fn push(&mut self, address: Address, due: Moment) {
        let class = match self.entries.get(&address) {
            _ if is_list(&address) => Class::Lists,
            Some(entry) if entry.wanted => Class::Wanted,
            _ => Class::Rest,
        };
        self.queue(class, due, address);
    }

    /// Queues a collection that is urged.
    fn push_urged(&mut self, address: Address, urged: Moment) {
        let class = match self.entries.get(&address) {
            Some(entry) if entry.awaited => Class::Awaited,
            _ if is_list(&address) => Class::UrgedLists,
            _ => Class::Urged,
        };
        self.queue(class, urged, address);
    }

    fn queue(&mut self, class: Class, due: Moment, address: Address) {
        let heap = &mut self.heaps[class as usize];
        heap.push(Reverse((due, address)));
        if heap.len() > 2 * self.entries.len() + OUTDATED {
            heap.retain(|Reverse((due, address))| self.entries.get(address).is_some_and(|entry| entry.is_due_at(*due)));
        }
    }

    /// Whether the application reads or watches a collection, from its next turn on.
    pub(super) fn want(&mut self, address: &Address, wanted: bool) {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.wanted = wanted;
        }
    }

    /// Makes a collection due now, ahead of those that only are due by themselves. It keeps its place among them. What fails
    /// goes on waiting, and is read then.
    pub(super) fn urge(&mut self, address: &Address, now: Moment) {
        // What is urged already has its place: many who urge take no memory.
        let is_new = |entry: &&mut Entry| entry.urged.is_none() && entry.failures == 0;
        if let Some(entry) = self.entries.get_mut(address).filter(is_new) {
            entry.urged = Some(now);
            self.push_urged(*address, now);
        }
    }

    /// Makes a collection due now, or as soon as the server wants to be asked again: somebody waits for it.
    pub(super) fn await_now(&mut self, address: &Address, now: Moment) {
        if let Some(entry) = self.entries.get_mut(address).filter(|entry| !entry.awaited) {
            entry.awaited = true;
            let since = *entry.urged.get_or_insert(entry.not_before.max(now));
            self.push_urged(*address, since);
        }
    }

    /// Something may have been missed: the core servers' lists become due now, and the rest earlier than it would be, one
    /// every `gap`, what changes fastest first. What fails goes on waiting, and is read then.
    pub(super) fn catch_up(&mut self, now: Moment, gap: Duration) {
        let mut rest = Vec::new();
        let mut lists = Vec::new();
        for (address, entry) in &self.entries {
            match is_list(address) {
                true => lists.push(*address),
                false if entry.urged.is_some() || entry.failures > 0 => {}
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

    /// Schedules a collection after an answer. Its interval counts from when it was asked for, so that a slow answer makes what
    /// is known no older than it must; yet a slow server has a rest of half the time that it took, at most the interval.
    pub(super) fn answered(&mut self, address: &Address, now: Moment, changed: bool) {
        self.kind_answered(address);
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.failures = 0;
        entry.not_before = Moment::default();
        entry.missing_since = None;
        entry.held_back = false;
        let next = if changed { entry.interval / 2 } else { entry.interval.mul_f64(1.5) };
        entry.interval = next.clamp(entry.bounds.min, entry.bounds.max);
        let took = now.since(entry.asked);
        let wait = entry.interval.saturating_sub(took).max(took / 2).min(entry.interval);
        self.again(address, now, wait);
    }

    /// Failures in a row of this collection alone.
    pub(super) fn failures(&self, address: &Address) -> u32 {
        self.entries.get(address).map_or(0, |entry| entry.failures)
    }

    /// Whether several of a kind failed, and none was answered since.
    pub(super) fn is_broken_kind(&self, address: &Address) -> bool {
        address.sub.and_then(|sub| self.failing.get(&sub)).is_some_and(|failures| *failures >= BROKEN)
    }

    /// Schedules a collection after a failure; `wait` says how long after the n-th in a row, and `asked_for` how long the server
    /// asks us to at least. The failures of all of its kind count, until one of them is answered: so many collections that fail
    /// alike are asked for no more often than a few.
    pub(super) fn failed(
        &mut self,
        address: &Address,
        now: Moment,
        asked_for: Duration,
        wait: impl Fn(u32) -> Duration,
    ) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.failures += 1;
        entry.not_before = if asked_for.is_zero() { Moment::default() } else { now + asked_for };
        entry.urged = entry.urged.filter(|_| entry.awaited).map(|urged| urged.max(entry.not_before));
        entry.by = None;
        let alone = wait(entry.failures);
        entry.alone = now + alone;
        let together = address.sub.map_or(0, |sub| {
            let failures = self.failing.entry(sub).or_default();
            *failures += 1;
            *failures
        });
        let wait = if together > entry.failures { alone.max(wait(together)) } else { alone };
        self.again(address, now, wait);
    }

    /// What failed becomes due, as if nothing of its kind had failed: there is a reason to try again.
    pub(super) fn retry(&mut self, now: Moment) {
        self.failing.clear();
        let failed = self.entries.iter().filter(|(_, entry)| entry.failures > 0);
        let addresses: Vec<_> = failed.map(|(address, _)| *address).collect();
        for address in addresses {
            self.hasten(&address, now);
        }
    }

    /// One of a kind was answered: the others that failed wait no longer than they would alone.
    fn kind_answered(&mut self, address: &Address) {
        let Some(sub) = address.sub.filter(|sub| self.failing.remove(sub).is_some_and(|failures| failures > 1)) else {
            return;
        };
        let failed = self
            .entries
            .iter_mut()
            .filter(|(address, entry)| address.sub == Some(sub) && entry.failures > 0 && entry.alone < entry.due);
        let mut earlier = Vec::new();
        for (address, entry) in failed {
            entry.due = entry.alone;
            earlier.push((*address, entry.due));
        }
        for (address, due) in earlier {
            self.push(address, due);
        }
    }

    /// Schedules a collection after a wait. What was urged while it was in flight stays due.
    pub(super) fn again(&mut self, address: &Address, now: Moment, wait: Duration) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.in_flight = false;
        let due = now + wait;
        entry.due = entry.by.take().map_or(due, |by| by.min(due));
        let (due, urged) = (entry.due, entry.urged);
        self.push(*address, due);
        if let Some(urged) = urged {
            self.push_urged(*address, urged);
        }
    }

    /// Takes the next collection of a share that is due.
    pub(super) fn next(&mut self, share: Share, now: Moment) -> Option<Address> {
        let list = |plan: &mut Plan| plan.pop(Class::Lists, now).map(|list| (true, list));
        let other = |plan: &mut Plan| plan.next_other(share, now).map(|other| (false, other));
        let (is_list, next) = match self.turns[share as usize].after_lists {
            true => other(self).or_else(|| list(self)),
            false => list(self).or_else(|| other(self)),
        }?;
        self.turns[share as usize].after_lists = is_list;
        Some(next)
    }

    fn next_other(&mut self, share: Share, now: Moment) -> Option<Address> {
        let turns = share.turns();
        let from = self.turns[share as usize].next;
        let (turn, next) = (from..from + turns.len()).find_map(|turn| {
            let next = self.pop(turns[turn % turns.len()], now)?;
            Some((turn, next))
        })?;
        self.turns[share as usize].next = (turn + 1) % turns.len();
        Some(next)
    }

    /// Takes the next core server's list that is due, or what somebody waits for.
    pub(super) fn next_list(&mut self, now: Moment) -> Option<Address> {
        LISTS.into_iter().find_map(|class| self.pop(class, now))
    }

    fn pop(&mut self, class: Class, now: Moment) -> Option<Address> {
        let (_, address) = self.earliest(class).filter(|(due, _)| *due <= now)?;
        self.heaps[class as usize].pop();
        self.entries.get_mut(&address)?.asked_for(now);
        Some(address)
    }

    /// The earliest of a class, and when it is due. What is outdated before it is dropped.
    fn earliest(&mut self, class: Class) -> Option<(Moment, Address)> {
        let heap = &mut self.heaps[class as usize];
        while let Some(Reverse((due, address))) = heap.peek().copied() {
            if self.entries.get(&address).is_some_and(|entry| entry.is_due_at(due) && !entry.in_flight) {
                return Some((due, address));
            }
            heap.pop();
        }
        None
    }

    /// Takes a collection whatever its turn, also when it is not planned.
    pub(super) fn force(&mut self, address: &Address, now: Moment) -> Option<Address> {
        if let Some(entry) = self.entries.get_mut(address) {
            entry.asked_for(now);
        }
        Some(*address)
    }

    /// Takes a collection out of turn; false when it is not planned or in flight.
    pub(super) fn take(&mut self, address: &Address, now: Moment) -> bool {
        match self.entries.get_mut(address) {
            Some(entry) if !entry.in_flight => {
                entry.asked_for(now);
                true
            }
            _ => false,
        }
    }

    /// Whether a collection was asked for since then.
    pub(super) fn is_asked_since(&self, address: &Address, since: Moment) -> bool {
        self.entries.get(address).is_some_and(|entry| entry.asked >= since)
    }

    /// When something of a share is due next.
    pub(super) fn next_due(&mut self, share: Share) -> Option<Moment> {
        let lists = self.next_due_of(&[Class::Lists]);
        [lists, self.next_due_of(share.turns())].into_iter().flatten().min()
    }

    /// When a core server's list is due next, or what somebody waits for.
    pub(super) fn next_list_due(&mut self) -> Option<Moment> {
        self.next_due_of(&LISTS)
    }

    fn next_due_of(&mut self, classes: &[Class]) -> Option<Moment> {
        classes.iter().filter_map(|class| self.earliest(*class)).map(|(due, _)| due).min()
    }

    /// Makes a collection due now, in its turn: behind what has been due for longer.
    pub(super) fn hasten(&mut self, address: &Address, now: Moment) {
        if let Some(entry) = self.entries.get_mut(address) {
            let due = entry.not_before.max(now);
            if entry.due > due {
                entry.due = due;
                self.push(*address, due);
            }
        }
    }

    /// Makes a collection due by a moment, also when it is in flight. What fails goes on waiting, and is read then.
    pub(super) fn hasten_by(&mut self, address: &Address, moment: Moment) {
        match self.entries.get_mut(address) {
            Some(entry) if entry.in_flight => entry.by = Some(entry.by.map_or(moment, |by| by.min(moment))),
            Some(entry) if entry.failures == 0 => self.hasten(address, moment),
            _ => {}
        }
    }

    /// All collections become due: the server was away. What was due before keeps its place ahead of the others, so a
    /// server that comes and goes is read in turn, and not the same part of it every time. What fails again and again though
    /// the server is there goes on waiting: it would only send the server away once more.
    pub(super) fn everything_is_due(&mut self, now: Moment) {
        let well = self.entries.iter().filter(|(_, entry)| entry.failures < 2);
        let addresses: Vec<_> = well.map(|(address, _)| *address).collect();
        for address in addresses {
            self.hasten(&address, now);
        }
    }
}

/// Whether a collection is the list of core servers, or a core server's own list.
fn is_list(address: &Address) -> bool {
    address.sub.is_none() || address.is_list_of_core_server()
}

/// Whether a collection only confirms what others tell.
fn is_confirming(address: &Address) -> bool {
    address.sub.is_some_and(SubId::is_confirming)
}

/// The bounds of a collection's interval.
fn bounds(address: &Address, config: &Config) -> Cadence {
    let cadence = config.get_cadence(address.kind());
    if !is_confirming(address) {
        return cadence;
    }
    Cadence { min: cadence.max.saturating_mul(CONFIRMING), max: cadence.max.saturating_mul(5 * CONFIRMING) }
}

#[cfg(test)]
mod tests;

//! Many hints made few: a flood of events becomes a bounded number of messages of bounded size, and no collection is asked
//! for more often than makes sense.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Message, hints};
use crate::clock::Moment;
use crate::snapshot::collection::Address;

/// The writer is told something at most this often.
const TICK: Duration = Duration::from_millis(5);
/// What hints concern what comes and goes: each collection is made due at most this often.
const FLEETING: Duration = Duration::from_millis(50);
/// And the lists of what is configured, which may be long.
const CONFIGURED: Duration = Duration::from_secs(5);
/// With more collections than this waiting, everything is due.
const MOST: usize = 4096;
/// When more instances of one list than this are heard of in this time, the list is made due.
const MOST_ITEMS: u32 = 16;
const SPAN: Duration = Duration::from_secs(1);
/// So many collections go into one message.
const AT_ONCE: usize = 256;

/// The collections that are to be made due, and when each was last.
#[derive(Default)]
pub(super) struct Collector {
    waiting: HashSet<Address>,
    told: HashMap<Address, Moment>,
    /// Of how many instances of a list something was heard in the last [`SPAN`], and since when it is counted.
    items: HashMap<Address, (Moment, u32)>,
    overflowed: bool,
    /// When everything was made due last.
    missed: Option<Moment>,
    /// When there is something to tell the writer.
    due: Option<Moment>,
    last: Option<Moment>,
}

impl Collector {
    /// Takes hints in. Says how many of them were already waiting.
    pub(super) fn add(&mut self, addresses: &[Address], now: Moment) -> usize {
        let mut merged = 0;
        for address in addresses {
            let address = &self.rather_whole(*address, now);
            if self.overflowed || !self.waiting.insert(*address) {
                merged += 1;
                continue;
            }
            if self.waiting.len() > MOST {
                self.waiting = HashSet::new();
                self.overflowed = true;
                self.due = Some(self.missed.map_or(now, |missed| missed + CONFIGURED).max(now));
                continue;
            }
            let soonest = self.last.map_or(now, |last| last + TICK).max(self.allowed(address));
            self.due = Some(self.due.map_or(soonest, |due| due.min(soonest)));
        }
        merged
    }

    /// The whole list of an instance, where many of them are heard of: the requests for each alone would be too many.
    fn rather_whole(&mut self, address: Address, now: Moment) -> Address {
        if address.item.is_none() || self.waiting.contains(&address) {
            return address;
        }
        let list = address.whole();
        let (since, heard) = self.items.entry(list).or_insert((now, 0));
        if *since + SPAN <= now {
            (*since, *heard) = (now, 0);
        }
        *heard += 1;
        if *heard > MOST_ITEMS { list } else { address }
    }

    /// When the writer is to be told next.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// What the writer is to be told now.
    pub(super) fn take(&mut self, now: Moment) -> Option<Message> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.last = Some(now);
        if std::mem::take(&mut self.overflowed) {
            self.missed = Some(now);
            self.due = None;
            return Some(Message::EventsMissed);
        }
        let mut ready: Vec<Address> =
            self.waiting.iter().filter(|address| self.allowed(address) <= now).copied().collect();
        ready.sort_unstable_by_key(|address| (hints::rank(address.kind()), *address));
        ready.truncate(AT_ONCE);
        for address in &ready {
            self.waiting.remove(address);
            self.told.insert(*address, now);
        }
        if self.told.len() > MOST {
            self.told.retain(|address, told| *told + pause(address) > now);
        }
        let soonest = self.waiting.iter().map(|address| self.allowed(address)).min();
        self.due = soonest.map(|soonest| soonest.max(now + TICK));
        (!ready.is_empty()).then_some(Message::Hints(ready))
    }

    /// From when on a collection may be made due again.
    fn allowed(&self, address: &Address) -> Moment {
        self.told.get(address).map_or(Moment(0), |told| *told + pause(address))
    }
}

/// How long after it was last made due a collection, or an instance, may be made due again.
pub(super) fn pause(address: &Address) -> Duration {
    if hints::is_fleeting(address.kind()) { FLEETING } else { CONFIGURED }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Kind, SubId};
    use uuid::Uuid;

    fn at(parent: Kind, segment: &str, n: u128) -> Address {
        Address::below(Uuid::from_u128(1), Uuid::from_u128(n), SubId::find(parent, segment).unwrap())
    }

    fn told(message: Option<Message>) -> Vec<Address> {
        match message {
            Some(Message::Hints(addresses)) => addresses,
            Some(_) => panic!("another message"),
            None => Vec::new(),
        }
    }

    #[test]
    fn a_flood_about_few_things_becomes_few_requests() {
        let (start, mut collector) = (Moment(1_000_000_000), Collector::default());
        let calls = at(Kind::CoreServer, "callSegments", 1);
        let users = at(Kind::CoreServer, "users", 1);
        let mut sent = HashMap::new();
        let mut messages = 0;
        for micros in (0..10_000_000).step_by(100) {
            let now = start + Duration::from_micros(micros);
            collector.add(&[users, calls], now);
            if let Some(Message::Hints(addresses)) = collector.take(now) {
                messages += 1;
                addresses.iter().for_each(|address| *sent.entry(*address).or_insert(0) += 1);
            }
        }
        assert_eq!((sent[&users], sent[&calls]), (2, 200));
        assert!(messages <= 202, "{messages}");
    }

    #[test]
    fn the_first_hint_is_told_at_once_and_the_last_is_never_lost() {
        let (now, mut collector) = (Moment(1_000_000_000), Collector::default());
        let calls = at(Kind::CoreServer, "callSegments", 1);
        assert_eq!(collector.add(&[calls], now), 0);
        assert_eq!(told(collector.take(now)), [calls]);
        assert_eq!(collector.add(&[calls, calls], now), 1);
        assert!(collector.take(now).is_none());
        let due = collector.due().unwrap();
        assert_eq!(due, now + FLEETING);
        assert_eq!(told(collector.take(due)), [calls]);
        assert_eq!(collector.due(), None);
    }

    #[test]
    fn of_few_instances_each_is_told_and_of_many_their_list() {
        let (start, mut collector) = (Moment(1_000_000_000), Collector::default());
        let users = at(Kind::CoreServer, "users", 1);
        let mut sent = HashMap::new();
        for n in 0..30_000 {
            let now = start + Duration::from_millis(n);
            // Two events about each.
            collector.add(&[users.item(Uuid::from_u128(u128::from(n / 2)))], now);
            for address in told(collector.take(now)) {
                *sent.entry(address.item.is_some()).or_insert(0) += 1;
            }
        }
        assert!(sent[&true] <= 30 * MOST_ITEMS && sent[&true] >= 29 * MOST_ITEMS, "{sent:?}");
        assert!((5..=6).contains(&sent[&false]), "{sent:?}");
    }

    #[test]
    fn memory_is_bounded_and_too_much_means_everything() {
        let (mut now, mut collector) = (Moment(1_000_000_000), Collector::default());
        let some: Vec<_> = (0..3_000).map(|n| at(Kind::Extension, "callSegments", n)).collect();
        collector.add(&some, now);
        let mut count = 0;
        while let Some(due) = collector.due() {
            now = due.max(now);
            let part = told(collector.take(now));
            assert!(part.len() <= AT_ONCE);
            count += part.len();
        }
        assert_eq!(count, some.len());
        for n in 0..1_000_000 {
            collector.add(&[at(Kind::Extension, "callSegments", n)], now);
        }
        assert!(collector.waiting.len() <= MOST && collector.told.len() <= MOST);
        assert!(matches!(collector.take(now + TICK), Some(Message::EventsMissed)));
        assert_eq!(collector.due(), None);
        for n in 0..200_000 {
            now = now + TICK;
            collector.add(&[at(Kind::User, "logins", n)], now);
            collector.take(now);
        }
        assert!(collector.told.len() <= MOST + 1);
    }
}

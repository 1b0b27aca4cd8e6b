//! Instances of long lists that are asked for alone, because something told of them.
//!
//! What such an answer says stands until the list is asked for later. That an instance is gone, only its list tells.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use uuid::Uuid;

use super::collector;
use super::fetch::Outcome;
use super::writer::Writer;
use crate::clock::Moment;
use crate::snapshot::collection::{Address, Collection};

/// While so many instances are to be asked for alone, the lists of others are asked for instead.
const FEW: usize = 16;

impl Writer {
    /// An event told of an instance.
    pub(super) fn hint_item(&mut self, address: Address, now: Moment) {
        let address = self.rather_whole(address);
        match address.item {
            Some(_) => self.urge_item(address, now),
            None => self.hasten_list(&address, now),
        }
    }

    fn urge_item(&mut self, address: Address, now: Moment) {
        if !self.is_gone(&address) {
            self.plan.add(address, &self.shared.config, now, 0.0);
            self.plan.urge(&address, now);
        }
    }

    /// The whole list, where that is better than to ask for one of its instances alone: too many were asked for alone already,
    /// or the server does not tell of single instances.
    pub(super) fn rather_whole(&self, address: Address) -> Address {
        let list = self.draft.get(&address);
        let many = || self.plan.items() >= FEW || list.is_none_or(|list| list.has_many_patches());
        let whole = address.item.is_some() && (many() || self.doubts.refused.contains(&address.whole()));
        if whole { address.whole() } else { address }
    }

    /// Makes a list due now, or a while after it was last asked for, where that was just now.
    fn hasten_list(&mut self, list: &Address, now: Moment) {
        let asked = self.draft.get(list).map(|list| list.confirmed() + collector::pause(&list.address));
        self.plan.hasten_by(list, asked.map_or(now, |soonest| soonest.max(now)));
    }

    /// The answer for an instance that was asked for alone.
    pub(super) fn polled_item(&mut self, address: Address, asked: Moment, outcome: Outcome, now: Moment) {
        self.plan.answered_item(&address);
        let counters = &self.shared.counters;
        let Some(list) = self.draft.get(&address).cloned() else { return };
        match outcome {
            Outcome::Same => {
                counters.unchanged_answers.fetch_add(1, Relaxed);
                match self.draft.read_from(&address) {
                    Some(known) => known.confirm(asked),
                    None if list.confirmed() >= asked => {}
                    // It is the same as what the list has undone meanwhile.
                    None => self.urge_item(address, now),
                }
            }
            Outcome::New(row) => {
                counters.changed_answers.fetch_add(1, Relaxed);
                let patched = list.patched([row]);
                if !Arc::ptr_eq(&list, &patched) {
                    self.replace(patched, now);
                }
            }
            Outcome::Absent => self.did_not_come(address, true, now),
        }
    }

    /// An instance that was asked for alone did not come: because the server refused it, or because something failed.
    pub(super) fn did_not_come(&mut self, address: Address, refused: bool, now: Moment) {
        let list = address.whole();
        match (address.item, self.draft.get(&list)) {
            (Some(id), Some(known)) if refused && known.has_id(&id) => {
                let due = self.doubts.note(list, id, now);
                self.plan.hasten_by(&list, due);
            }
            _ => self.hasten_list(&list, now),
        }
    }

    /// A list was read: what it says of an instance that the server did not give alone.
    pub(super) fn settle_doubts(&mut self, address: &Address) {
        if let Some(list) = self.draft.get(address) {
            self.doubts.settle(list);
        }
    }
}

/// Whether the server gives single instances at all.
#[derive(Default)]
pub(super) struct Doubts {
    /// The instance of each list that the server refused last, and when.
    noted: HashMap<Address, (Uuid, Moment)>,
    /// When each list was made due last, or will be, for an instance that the server refused.
    due: HashMap<Address, Moment>,
    /// The lists that have what the server refused alone: they are read whole, in this incarnation.
    refused: HashSet<Address>,
}

impl Doubts {
    /// Notes an instance that the server refused. Says when its list is to be asked for: now, or a while after that was last
    /// done for another one.
    fn note(&mut self, list: Address, id: Uuid, now: Moment) -> Moment {
        self.noted.insert(list, (id, now));
        let due = match self.due.get(&list) {
            Some(due) if *due > now => *due,
            Some(due) => now.max(*due + collector::pause(&list)),
            None => now,
        };
        self.due.insert(list, due);
        due
    }

    fn settle(&mut self, list: &Arc<Collection>) {
        let Some((id, at)) = self.noted.get(&list.address).copied() else { return };
        if list.confirmed() <= at {
            return;
        }
        self.noted.remove(&list.address);
        if list.base().has_id(&id) {
            log::info!("the server does not give a single {}: its list is read whole", list.kind());
            self.refused.insert(list.address);
        }
    }
}

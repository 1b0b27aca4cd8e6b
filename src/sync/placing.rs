//! On which extension is a call segment? A segment does not say; only the extensions' own lists do.
//!
//! When a new segment appears in the core server's list, the extensions its numbers name are asked first, then the rest one
//! by one, until every segment has its place or all were asked.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

use crate::catalog::{Kind, SubId};
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::Server;
use crate::snapshot::{ByName, Table};

/// The properties of a call segment that may name its extension.
const NUMBERS: [&str; 2] = ["caller_id_number", "did"];

#[derive(Default)]
pub(super) struct Placing {
    /// Segments whose extension is being looked for.
    unplaced: HashSet<Uuid>,
    /// Segments that are on no extension we can see: nobody looks for them again.
    nowhere: HashSet<Uuid>,
    /// The extensions' lists that are still to be asked.
    sweep: VecDeque<Address>,
}

impl Placing {
    pub(super) fn clear(&mut self) {
        *self = Placing::default();
    }

    /// A core server's list of call segments changed. Gives the collections to ask at once.
    pub(super) fn calls_changed(&mut self, server: &Server, old: Option<&Table>, new: &Collection) -> Vec<Address> {
        let Some(sub) = SubId::find(Kind::Extension, "call_segments") else { return Vec::new() };
        let address = |parent| Address { core_server: server.id, parent, sub: Some(sub) };
        let mut at_once = Vec::new();
        for id in old.into_iter().flat_map(Table::ids).filter(|id| new.table.find_id(id).is_none()) {
            self.unplaced.remove(&id);
            self.nowhere.remove(&id);
            let left = server.homes(id).iter().filter(|(_, home)| *home == sub);
            at_once.extend(left.map(|(parent, _)| address(*parent)));
        }
        let Some(extensions) = server.list_of(Kind::Extension).map(|list| &list.table) else { return at_once };
        let mut is_new = false;
        for (row, id) in (0..).zip(new.table.ids()) {
            let placed = server.homes(id).iter().any(|(_, home)| *home == sub);
            if placed || self.nowhere.contains(&id) || !self.unplaced.insert(id) {
                continue;
            }
            is_new = true;
            let numbers = NUMBERS.iter().filter_map(|name| Kind::CallSegment.row().property(name));
            for number in numbers.filter_map(|property| new.table.text(row, property)) {
                if let ByName::One(extension) = extensions.find_name(number) {
                    at_once.push(address(extensions.id(extension)));
                }
            }
        }
        if is_new {
            self.sweep = extensions.ids().map(address).collect();
        }
        at_once
    }

    /// An extension's list of call segments was read: what is in it has its place.
    pub(super) fn found(&mut self, calls: &Table) {
        for id in calls.ids() {
            self.unplaced.remove(&id);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unplaced.is_empty()
    }

    /// The next extension to ask.
    pub(super) fn next(&mut self) -> Option<Address> {
        if self.unplaced.is_empty() {
            self.sweep.clear();
            return None;
        }
        let next = self.sweep.pop_front();
        if next.is_none() {
            self.nowhere.extend(self.unplaced.drain());
        }
        next
    }
}

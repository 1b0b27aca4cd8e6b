//! On which extension is a call segment? A segment does not say; only the extensions' own lists do.
//!
//! When a segment appears in the core server's list, the extensions its numbers name are asked first, then the others one by
//! one, until every segment has its place or all were asked since it appeared.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

use crate::catalog::{Kind, SubId};
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::draft::Server;
use crate::snapshot::{ByName, Table};

/// The properties of a call segment that may name its extension.
const NUMBERS: [&str; 2] = ["caller_id_number", "did"];

/// The list that places a call segment.
fn extension_calls() -> Option<SubId> {
    SubId::find(Kind::Extension, "call_segments")
}

#[derive(Default)]
pub(super) struct Placing {
    /// Segments whose extension is being looked for.
    unplaced: HashSet<Uuid>,
    /// Segments that are on no extension we can see: nobody looks for them again.
    nowhere: HashSet<Uuid>,
    /// The extensions' lists that were not asked since the last segment appeared.
    sweep: VecDeque<Address>,
    /// What is in `sweep`.
    swept: HashSet<Address>,
    /// Whether the search had the last turn.
    pub(super) turn: bool,
}

impl Placing {
    pub(super) fn clear(&mut self) {
        *self = Placing::default();
    }

    /// A core server's list of call segments changed. Gives the collections to ask at once.
    pub(super) fn calls_changed(&mut self, server: &Server, old: Option<&Table>, new: &Table) -> Vec<Address> {
        let Some(sub) = extension_calls() else { return Vec::new() };
        for id in old.into_iter().flat_map(Table::ids).filter(|id| new.find_id(id).is_none()) {
            self.unplaced.remove(&id);
            self.nowhere.remove(&id);
        }
        self.look_for(server, new, 0..new.len() as u32, sub)
    }

    /// A list of call segments below an instance was read: what is in it has its place, and what left it may have another.
    pub(super) fn found(&mut self, server: &Server, old: Option<&Table>, calls: &Collection) -> Vec<Address> {
        for id in calls.table.ids() {
            self.unplaced.remove(&id);
            self.nowhere.remove(&id);
        }
        let left = old.into_iter().flat_map(Table::ids).filter(|id| calls.table.find_id(id).is_none());
        let left: Vec<Uuid> = left.inspect(|id| _ = self.nowhere.remove(id)).collect();
        let (Some(sub), Some(all)) = (extension_calls(), server.list_of(Kind::CallSegment)) else { return Vec::new() };
        self.look_for(server, &all.table, left.iter().filter_map(|id| all.table.find_id(id)), sub)
    }

    /// Looks for those of these segments that are on no extension. Gives the likeliest extensions' lists.
    fn look_for(
        &mut self,
        server: &Server,
        calls: &Table,
        rows: impl IntoIterator<Item = u32>,
        sub: SubId,
    ) -> Vec<Address> {
        let Some(extensions) = server.list_of(Kind::Extension).map(|list| &list.table) else { return Vec::new() };
        let address = |parent| Address { core_server: server.id, parent, sub: Some(sub) };
        let mut likeliest = Vec::new();
        let mut is_new = false;
        for row in rows {
            let id = calls.id(row);
            let placed = server.homes(id).iter().any(|(_, home)| *home == sub);
            if placed || self.nowhere.contains(&id) || !self.unplaced.insert(id) {
                continue;
            }
            is_new = true;
            let numbers = NUMBERS.iter().filter_map(|name| Kind::CallSegment.row().property(name));
            for number in numbers.filter_map(|property| calls.text(row, property)) {
                if let ByName::One(extension) = extensions.find_name(number) {
                    likeliest.push(address(extensions.id(extension)));
                }
            }
        }
        if is_new {
            let missing = extensions.ids().map(address).filter(|extension| self.swept.insert(*extension));
            self.sweep.extend(missing);
        }
        likeliest
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unplaced.is_empty()
    }

    /// The next extension to ask.
    pub(super) fn next(&mut self) -> Option<Address> {
        if self.unplaced.is_empty() {
            self.sweep.clear();
            self.swept.clear();
            return None;
        }
        let next = self.sweep.pop_front();
        if let Some(address) = &next {
            self.swept.remove(address);
        } else {
            self.nowhere.extend(self.unplaced.drain());
        }
        next
    }
}

//! On which extension is a call segment? A segment does not say; only the extensions' own lists do.
//!
//! When a segment appears in the core server's list, the extensions its numbers name are asked first, then the others one by
//! one, until every segment has its place or all were asked since it appeared.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::catalog::{Kind, SubId};
use crate::clock::Moment;
use crate::snapshot::collection::{Address, Collection, Row};
use crate::snapshot::draft::Server;

/// The properties of a call segment that may name its extension.
const NUMBERS: [&str; 2] = ["caller_id_number", "did"];

/// The list that places a call segment.
fn extension_calls() -> Option<SubId> {
    SubId::find(Kind::Extension, "call_segments")
}

/// The ids that a collection had and its next version has not.
pub(super) fn left<'c>(old: Option<&'c Arc<Collection>>, new: &'c Arc<Collection>) -> impl Iterator<Item = Uuid> + 'c {
    let ids = old.into_iter().flat_map(|old| old.unshared(Some(new)));
    ids.map(|(_, id)| id).filter(|id| !new.has_id(id))
}

impl Server {
    /// What is known of the extensions' own lists.
    pub(super) fn extension_calls(&self) -> impl Iterator<Item = &Arc<Collection>> {
        let extensions = self.list_of(Kind::Extension).into_iter().flat_map(|extensions| extensions.unshared(None));
        extensions.filter_map(|(_, id)| self.get(id, extension_calls()?))
    }
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
    /// When it was known of the last of them.
    pub(super) since: Moment,
    /// Whether the search had the last turn.
    pub(super) turn: bool,
}

impl Placing {
    pub(super) fn clear(&mut self) {
        *self = Placing::default();
    }

    /// A core server's list of call segments changed. Gives the collections to ask at once.
    pub(super) fn calls_changed(
        &mut self,
        server: &Server,
        old: Option<&Arc<Collection>>,
        new: &Arc<Collection>,
        now: Moment,
    ) -> Vec<Address> {
        let Some(sub) = extension_calls() else { return Vec::new() };
        for id in left(old, new) {
            self.unplaced.remove(&id);
            self.nowhere.remove(&id);
        }
        let appeared = new.unshared(old).filter_map(|(position, _)| new.at(position));
        self.look_for(server, appeared, sub, now)
    }

    /// A list of call segments below an instance was read: what is in it has its place, and what left it may have another.
    pub(super) fn found(
        &mut self,
        server: &Server,
        old: Option<&Arc<Collection>>,
        calls: &Arc<Collection>,
        now: Moment,
    ) -> Vec<Address> {
        for (_, id) in calls.unshared(None) {
            self.unplaced.remove(&id);
            self.nowhere.remove(&id);
        }
        let left: Vec<Uuid> = left(old, calls).inspect(|id| _ = self.nowhere.remove(id)).collect();
        let (Some(sub), Some(all)) = (extension_calls(), server.list_of(Kind::CallSegment)) else { return Vec::new() };
        self.look_for(server, left.iter().filter_map(|id| all.find_id(id)), sub, now)
    }

    /// Looks for those of these segments that are on no extension. Gives the likeliest extensions' lists.
    fn look_for<'c>(
        &mut self,
        server: &Server,
        calls: impl IntoIterator<Item = Row<'c>>,
        sub: SubId,
        now: Moment,
    ) -> Vec<Address> {
        let Some(extensions) = server.list_of(Kind::Extension) else { return Vec::new() };
        let address = |parent| Address::below(server.id, parent, sub);
        let mut likeliest = Vec::new();
        let mut is_new = false;
        for (calls, row) in calls {
            let calls = calls.table();
            let id = calls.id(row);
            let placed = server.homes(id).iter().any(|(_, home)| *home == sub);
            if placed || self.nowhere.contains(&id) || !self.unplaced.insert(id) {
                continue;
            }
            is_new = true;
            let numbers = NUMBERS.iter().filter_map(|name| Kind::CallSegment.row().property(name));
            for number in numbers.filter_map(|property| calls.text(row, property)) {
                if let Some((extensions, extension)) = extensions.find_only(number) {
                    likeliest.push(address(extensions.table().id(extension)));
                }
            }
        }
        if is_new {
            self.since = now;
            let missing =
                extensions.unshared(None).map(|(_, id)| address(id)).filter(|extension| self.swept.insert(*extension));
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

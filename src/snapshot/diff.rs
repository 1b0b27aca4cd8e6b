//! What changed between two snapshots.
//!
//! Collections that both snapshots share cost nothing; a collection that was replaced is compared row by row, with the
//! guess that the server kept the order. Of a long list of which only single instances were read again, only these are compared.

use std::collections::HashSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use uuid::Uuid;

use super::Snapshot;
use super::collection::{Address, Collection};
use super::draft::Server;
use super::resource::{Resource, ResourceOwned};
use crate::catalog::{Kind, SubId};
use crate::event::Event;

/// The kind of a change. The numbers are stable: they cross the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChangeKind {
    /// The resource is new.
    Added = 1,
    /// A property or a relation of the resource changed.
    Changed = 2,
    /// The resource is gone.
    Removed = 3,
    /// The core server restarted: all ids are new. There are no single changes for what is below it.
    EpochChanged = 4,
    /// The server sent an event. Only a watch tells of events, as they come; they change no snapshot by themselves.
    Event = 5,
}

impl ChangeKind {
    /// The name in `snake_case`.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
            ChangeKind::EpochChanged => "epoch_changed",
            ChangeKind::Event => "event",
        }
    }
}

/// One change between two snapshots.
#[derive(Debug, Clone)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The resource before; `None` when it was added.
    pub old: Option<ResourceOwned>,
    /// The resource after; `None` when it was removed.
    pub new: Option<ResourceOwned>,
    /// The event, where it is one.
    pub event: Option<Arc<Event>>,
}

impl Change {
    /// The resource as it is now, or as it was last.
    pub fn resource(&self) -> Option<Resource<'_>> {
        self.new.as_ref().or(self.old.as_ref()).map(ResourceOwned::get)
    }
}

impl Snapshot {
    /// What changed since an older snapshot of the same client. Each resource occurs at most once.
    ///
    /// A resource counts as changed when one of its properties did, or when it moved: a call segment that is on another
    /// extension now.
    pub fn diff(&self, older: &Snapshot) -> Vec<Change> {
        let mut diff = Diff { old: older, new: self, changes: Vec::new(), seen: HashSet::new() };
        diff.root();
        diff.changes
    }
}

struct Diff<'s> {
    old: &'s Snapshot,
    new: &'s Snapshot,
    changes: Vec<Change>,
    seen: HashSet<(Kind, Uuid)>,
}

impl<'s> Diff<'s> {
    fn root(&mut self) {
        let (old, new) = (self.old, self.new);
        let (old_root, new_root) = (&old.0.root, &new.0.root);
        for before in old_root.rows().map(|row| Resource::new(old, row)) {
            let successor = || new_root.find_only(before.name()?);
            if !new_root.has_id(&before.id()) && successor().is_none() {
                self.server_appeared(old, before.id(), false);
                self.push(Some(before), None);
            }
        }
        for now in new_root.rows().map(|row| Resource::new(new, row)) {
            let id = now.id();
            if let Some(old_row) = old_root.find_id(&id) {
                let before = Resource::new(old, old_row);
                if !before.same_content(&now) {
                    self.push(Some(before), Some(now));
                }
                match (old.server(id), new.server(id)) {
                    (Some(a), Some(b)) => self.server(a, b),
                    (None, Some(_)) => self.server_appeared(new, id, true),
                    (Some(_), None) => self.server_appeared(old, id, false),
                    (None, None) => {}
                }
            } else if let Some(old_row) = now.name().and_then(|name| old_root.find_only(name)) {
                let before = Resource::new(old, old_row).to_owned();
                self.changes.push(Change {
                    kind: ChangeKind::EpochChanged,
                    old: Some(before),
                    new: Some(now.to_owned()),
                    event: None,
                });
            } else {
                self.push(None, Some(now));
                self.server_appeared(new, id, true);
            }
        }
    }

    /// A core server with all that is below it, new or gone.
    fn server_appeared(&mut self, snapshot: &'s Snapshot, id: Uuid, added: bool) {
        let Some(server) = snapshot.server(id) else { return };
        for collection in server.lists.iter().flatten().chain(server.children.values()) {
            for row in collection.rows() {
                let there = Resource::new(snapshot, row);
                let found = || snapshot.find(there.kind(), there.id());
                // What its own list does not have is not there.
                let resource = if there.id().is_nil() { Some(there) } else { found() };
                if added { self.push(None, resource) } else { self.push(resource, None) }
            }
        }
    }

    fn server(&mut self, old: &'s Server, new: &'s Server) {
        for sub in SubId::of(Kind::CoreServer) {
            let (a, b) = (&old.lists[sub.index()], &new.lists[sub.index()]);
            self.collection(a.as_ref(), b.as_ref());
            if a.is_some() != b.is_some() {
                self.copies(sub, old, new);
            }
        }
        for change in old.children.diff(&new.children) {
            match change {
                DiffItem::Add(_, now) => self.collection(None, Some(now)),
                DiffItem::Update { old: (_, before), new: (_, now) } => self.collection(Some(before), Some(now)),
                DiffItem::Remove(_, before) => self.collection(Some(before), None),
            }
        }
    }

    /// What is in other lists, where the instances' own list came or went: without it they count.
    fn copies(&mut self, own: SubId, old: &'s Server, new: &'s Server) {
        let of_kind = |copies: &&Arc<Collection>| copies.kind() == own.row().kind;
        for copies in old.children.values().chain(new.children.values()).filter(of_kind) {
            for (position, id) in copies.unshared(None) {
                if !self.is_copy_of_the_same(copies.kind(), id) {
                    self.moved(id, position, Some(copies));
                }
            }
        }
    }

    /// One collection before and after.
    fn collection(&mut self, old: Option<&'s Arc<Collection>>, new: Option<&'s Arc<Collection>>) {
        if let (Some(a), Some(b)) = (old, new)
            && Arc::ptr_eq(a, b)
        {
            return;
        }
        for (position, id) in old.into_iter().flat_map(|old| old.unshared(new)) {
            if new.is_none_or(|new| !new.has_id(&id)) {
                self.moved(id, position, old);
            }
        }
        let Some(new) = new else { return };
        // Of a list that both share, what was read alone on either side.
        let shared = old.filter(|old| Arc::ptr_eq(old.base(), new.base()));
        let read_before = shared.into_iter().flat_map(|old| old.unshared(Some(new)));
        for (position, id) in new.unshared(old).chain(read_before) {
            let Some((table, row)) = new.find_id_near(&id, position) else { continue };
            match old.and_then(|old| old.find_id_near(&id, position)) {
                Some((old_table, old_row))
                    if old_table.table().same_row(old_row, table.table(), row)
                        && (new.address.is_list_of_core_server() || self.is_at_the_same_home(new.address, id)) => {}
                Some(_) if self.is_copy_of_the_same(new.kind(), id) => {}
                _ => self.moved(id, position, Some(new)),
            }
        }
    }

    /// Whether the instance itself did not change, so that only a copy of it below another instance was refreshed.
    fn is_copy_of_the_same(&self, kind: Kind, id: Uuid) -> bool {
        let (old, new) = (self.old.find(kind, id), self.new.find(kind, id));
        !id.is_nil() && old.zip(new).is_some_and(|(old, new)| old.same_content(&new))
    }

    /// Whether the collection that decides on an instance is the same: of several, what went and came back counts first.
    fn is_at_the_same_home(&self, of: Address, id: Uuid) -> bool {
        let home = |snapshot: &'s Snapshot| snapshot.server(of.core_server)?.homes(id).first();
        home(self.old) == home(self.new)
    }

    /// An instance that differs in one collection, or is in only one of the two: what is it on the whole?
    fn moved(&mut self, id: Uuid, row: u32, found: Option<&'s Arc<Collection>>) {
        let Some(collection) = found else { return };
        if id.is_nil() {
            // A singleton without an id of its own is nobody's identity; what it says changed.
            let at = |snapshot: &'s Snapshot| {
                let server = snapshot.server(collection.address.core_server)?;
                let collection = server.get(collection.address.parent, collection.address.sub?)?;
                Resource::from_parts(snapshot, collection, row)
            };
            let (old, new) = (at(self.old), at(self.new));
            return self.report(old, new);
        }
        let kind = collection.kind();
        if self.seen.contains(&(kind, id)) {
            return;
        }
        self.push(self.old.find(kind, id), self.new.find(kind, id));
    }

    fn push(&mut self, old: Option<Resource<'s>>, new: Option<Resource<'s>>) {
        if let Some((kind, id)) = new.or(old).map(|resource| (resource.kind(), resource.id()))
            && (id.is_nil() || self.seen.insert((kind, id)))
        {
            self.report(old, new);
        }
    }

    fn report(&mut self, old: Option<Resource<'s>>, new: Option<Resource<'s>>) {
        let kind = match (old, new) {
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, None) => return,
        };
        let owned = |resource: Option<Resource<'_>>| resource.map(|resource| resource.to_owned());
        self.changes.push(Change { kind, old: owned(old), new: owned(new), event: None });
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::super::{Limits, Source, Table};
    use super::*;
    use crate::catalog::{KindSet, Shape};
    use crate::clock::Moment;

    const CORE: Uuid = Uuid::from_u128(1);

    fn collection(address: Address, body: &str) -> Arc<Collection> {
        let table = Table::from_json(address.kind(), Shape::List, body.as_bytes(), &Limits::default()).unwrap();
        Arc::new(Collection::new(address, table, 0, Moment(1)))
    }

    /// Without an own list the first that tells of an instance decides. One that went and came back is no longer the first.
    #[test]
    fn what_another_list_decides_on_changed_though_no_list_did() {
        let (ada, bob, extension) = (Uuid::from_u128(2), Uuid::from_u128(3), Uuid::from_u128(4));
        let sub = SubId::find(Kind::User, "extensions").unwrap();
        let of = |user, name| {
            let body = format!(r#"[{{"id":"{extension}","extensionNumber":"1","displayName":"{name}"}}]"#);
            collection(Address::below(CORE, user, sub), &body)
        };
        let root = collection(Address::ROOT, &format!(r#"[{{"id":"{CORE}","slug":"default"}}]"#));
        let mut draft = Draft::new(root, |_| true);
        draft.server_mut(CORE).unwrap().put(of(ada, "Old"));
        draft.server_mut(CORE).unwrap().put(of(bob, "New"));
        let before = draft.clone().finish(1, 1, Source::Live, KindSet::ALL);
        draft.server_mut(CORE).unwrap().remove(ada, sub);
        draft.server_mut(CORE).unwrap().put(of(ada, "Old"));
        let after = draft.finish(3, 1, Source::Live, KindSet::ALL);
        let changes = after.diff(&before);
        let says = |side: &Option<ResourceOwned>| side.as_ref().unwrap().get().raw();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].kind, ChangeKind::Changed);
        assert!(says(&changes[0].old).contains("Old") && says(&changes[0].new).contains("New"), "{changes:?}");
    }
}

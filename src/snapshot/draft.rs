//! The writer's side: the next snapshot while it is put together.
//!
//! A draft starts as a cheap copy of the last snapshot's parts; what is not replaced stays shared.

use std::sync::Arc;

use uuid::Uuid;

use super::collection::{Address, Collection, Row};
use super::{Inner, Snapshot, Source, Table};
use crate::catalog::{Kind, KindSet, SubId};

/// A place where an instance was found: below `parent`, in its sub resource.
pub(crate) type Home = (Uuid, SubId);

/// What is known below one core server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) id: Uuid,
    /// The core server's own lists, by [`SubId::index`]; `None` where the server has none or it is not synced.
    pub(crate) lists: Vec<Option<Arc<Collection>>>,
    /// What is below the instances. Ordered, so that two of them are compared without a look at what they share.
    pub(crate) children: imbl::OrdMap<Home, Arc<Collection>>,
    /// For each instance that is in one of the `children`: in which, those that tell it first in front.
    homes: imbl::HashMap<Uuid, Vec<Home>>,
}

impl Server {
    pub(crate) fn new(id: Uuid) -> Server {
        let lists = vec![None; SubId::of(Kind::CoreServer).count()];
        Server { id, lists, children: imbl::OrdMap::new(), homes: imbl::HashMap::new() }
    }

    pub(crate) fn homes(&self, id: Uuid) -> &[Home] {
        self.homes.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get(&self, parent: Uuid, sub: SubId) -> Option<&Arc<Collection>> {
        if sub.row().parent == Kind::CoreServer {
            self.lists[sub.index()].as_ref()
        } else {
            self.children.get(&(parent, sub))
        }
    }

    /// The core server's own list that instances of this kind are in, if the kind has one.
    pub(crate) fn list_of(&self, kind: Kind) -> Option<&Arc<Collection>> {
        self.lists[SubId::own_list(kind)?.index()].as_ref()
    }

    /// Where an instance is at home: in its core server's own list if its kind has one, and nowhere else; otherwise in the
    /// collection whose word on it is the latest news. So whatever the server answers, the way from an instance up to its core server ends.
    pub(crate) fn home_of(&self, id: Uuid, kind: Kind) -> Option<Home> {
        match SubId::own_list(kind) {
            Some(sub) => self.list_of(kind)?.find_id(&id).map(|_| (self.id, sub)),
            None => self.homes(id).iter().find(|(_, sub)| sub.row().kind == kind).copied(),
        }
    }

    /// The instance of this kind with this id: of its own list where there is one, otherwise of the first list that tells it.
    pub(crate) fn find(&self, id: Uuid, kind: Kind) -> Option<Row<'_>> {
        if let Some(list) = self.list_of(kind) {
            return list.find_id(&id);
        }
        let mut homes = self.homes(id).iter().filter(|(_, sub)| sub.row().kind == kind);
        homes.find_map(|home| self.children.get(home)?.find_id(&id))
    }

    /// The path of an instance, by ids.
    fn instance_path(&self, id: Uuid, kind: Kind) -> Option<String> {
        if kind == Kind::CoreServer {
            return Some(format!("{}/{}", crate::catalog::ROOT, self.id));
        }
        let (parent, sub) = self.home_of(id, kind)?;
        Some(format!("{}/{}/{id}", self.instance_path(parent, sub.row().parent)?, sub.row().segment))
    }

    /// Puts a collection in its place and drops what was below instances that are gone.
    pub(crate) fn put(&mut self, collection: Arc<Collection>) {
        let Some(sub) = collection.address.sub else { return };
        let parent = collection.address.parent;
        let new = collection.clone();
        let old = if sub.row().parent == Kind::CoreServer {
            self.lists[sub.index()].replace(collection)
        } else {
            self.children.insert((parent, sub), collection)
        };
        self.moved(parent, sub, old.as_ref(), Some(&new));
    }

    /// Removes a collection: the server no longer has it.
    pub(crate) fn remove(&mut self, parent: Uuid, sub: SubId) {
        let old = if sub.row().parent == Kind::CoreServer {
            self.lists[sub.index()].take()
        } else {
            self.children.remove(&(parent, sub))
        };
        if let Some(old) = old {
            self.moved(parent, sub, Some(&old), None);
        }
    }

    /// Keeps `homes` and what is below in step with a collection that was replaced.
    fn moved(&mut self, parent: Uuid, sub: SubId, old: Option<&Arc<Collection>>, new: Option<&Arc<Collection>>) {
        let nested = sub.row().parent != Kind::CoreServer;
        for (_, id) in old.into_iter().flat_map(|old| old.unshared(new)) {
            if new.is_some_and(|new| new.has_id(&id)) {
                continue;
            }
            if nested && let Some(homes) = self.homes.get_mut(&id) {
                homes.retain(|home| *home != (parent, sub));
                if homes.is_empty() {
                    self.homes.remove(&id);
                }
            }
            if !self.is_known(id, sub.row().kind) {
                for below in SubId::of(sub.row().kind) {
                    self.remove(id, below);
                }
                if !nested {
                    self.remove_copies(id, sub.row().kind);
                }
            }
        }
        if !nested {
            return;
        }
        let Some(new) = new else { return };
        for (position, id) in new.unshared(old) {
            let Some((before, old_row)) = old.and_then(|old| old.find_id_near(&id, position)) else {
                let homes = self.homes.entry(id).or_default();
                let at = if sub.is_confirming() { homes.len() } else { 0 };
                homes.insert(at, (parent, sub));
                continue;
            };
            // Of several that tell of it, what was news last counts.
            if !sub.is_confirming()
                && let Some(homes) = self.homes.get_mut(&id).filter(|homes| homes[0] != (parent, sub))
                && let Some((now, row)) = new.at(position)
                && !before.table().same_row(old_row, now.table(), row)
                && let Some(at) = homes.iter().position(|home| *home == (parent, sub))
            {
                homes[..=at].rotate_right(1);
            }
        }
    }

    /// Takes an instance that is gone from its own list out of all others, until they are read again.
    fn remove_copies(&mut self, id: Uuid, kind: Kind) {
        let homes: Vec<Home> = self.homes(id).iter().filter(|(_, sub)| sub.row().kind == kind).copied().collect();
        for (parent, sub) in homes {
            match self.children.get(&(parent, sub)).and_then(|copies| copies.without(&id)) {
                Some(rest) => self.put(Arc::new(rest)),
                None => self.remove(parent, sub),
            }
        }
    }

    /// Whether an instance is there: what is only in a copy below another instance is not.
    pub(crate) fn is_known(&self, id: Uuid, kind: Kind) -> bool {
        self.home_of(id, kind).is_some()
    }
}

/// The next snapshot.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) root: Arc<Collection>,
    pub(crate) servers: Vec<Server>,
}

impl Draft {
    /// A draft of one incarnation of the server: the core servers of `root` that `wanted` accepts, with nothing below yet.
    pub(crate) fn new(root: Arc<Collection>, wanted: impl Fn(&str) -> bool) -> Draft {
        let table = root.table();
        let servers = (0..table.len() as u32)
            .filter(|row| wanted(table.name(*row).unwrap_or_default()))
            .map(|row| Server::new(table.id(row)))
            .collect();
        Draft { root, servers }
    }

    /// A draft that starts with all that the snapshot has.
    pub(crate) fn from_snapshot(snapshot: &Snapshot) -> Draft {
        Draft { root: snapshot.0.root.clone(), servers: snapshot.0.servers.clone() }
    }

    pub(crate) fn server_mut(&mut self, core_server: Uuid) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| server.id == core_server)
    }

    pub(crate) fn get(&self, address: &Address) -> Option<&Arc<Collection>> {
        match address.sub {
            None => Some(&self.root),
            Some(sub) => self.servers.iter().find(|s| s.id == address.core_server)?.get(address.parent, sub),
        }
    }

    /// What was read from an address: a collection, or an instance that was read alone.
    pub(crate) fn read_from(&self, address: &Address) -> Option<&Arc<Collection>> {
        let collection = self.get(address)?;
        address.item.map_or(Some(collection), |id| collection.patch(&id))
    }

    /// The path of a collection or an instance, by ids; `None` when what it is below is gone.
    pub(crate) fn path(&self, address: &Address) -> Option<String> {
        let server = self.servers.iter().find(|server| server.id == address.core_server)?;
        let sub = address.sub?.row();
        let path = format!("{}/{}", server.instance_path(address.parent, sub.parent)?, sub.segment);
        Some(address.item.map_or_else(|| path.clone(), |id| format!("{path}/{id}")))
    }

    /// The collection that holds the instance a collection is below.
    pub(crate) fn above(&self, address: &Address) -> Option<Address> {
        let server = self.servers.iter().find(|server| server.id == address.core_server)?;
        let kind = address.sub?.row().parent;
        if kind == Kind::CoreServer {
            return Some(Address::ROOT);
        }
        let (parent, sub) = server.home_of(address.parent, kind)?;
        Some(Address::below(server.id, parent, sub))
    }

    /// Makes it a snapshot.
    pub(crate) fn finish(self, generation: u64, epoch: u64, source: Source, kinds: KindSet) -> Snapshot {
        let Draft { root, servers } = self;
        Snapshot::new(Inner { generation, epoch, source, kinds, root, servers })
    }

    /// The snapshot before anything was synced.
    pub(crate) fn nothing(kinds: KindSet) -> Snapshot {
        let root = Collection::new(Address::ROOT, Table::empty(Kind::CoreServer), 0, crate::clock::Moment(0));
        Draft { root: Arc::new(root), servers: Vec::new() }.finish(0, 0, Source::Live, kinds)
    }
}

//! The snapshot: everything that is known of the server at one moment, immutable, shared by all readers.
//!
//! A [`Snapshot`] is a set of Tables, one for each list or singleton that was read, and shares with the snapshot before
//! whatever did not change. Pinning one (cloning it) costs one atomic increment; all reads of one pin agree with each
//! other, and every borrowed text lives as long as the pin, on any thread.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `layout`, `pool`, `index`, `table`, `json` | the flat sections of a Table and how to read them |
//! | `build`, `builder`, `fast`, `slow` | from the JSON body to a Table |
//! | `bodies` | a snapshot without a server |
//! | `sealed` | a Table as one flat buffer |
//! | `collection`, `patches` | a Table in its place; instances of a long list that were read alone since |
//! | `draft` | the writer's next snapshot |
//! | `resource`, `list`, `views` | what a reader sees: resources, lists of them, typed views |
//! | `resolve` | paths, ids and names to resources |
//! | `diff` | what changed between two snapshots |
//! | `cell` | where the current snapshot is, and how it is replaced |

mod bodies;
mod build;
mod builder;
pub(crate) mod cell;
pub(crate) mod collection;
mod diff;
pub(crate) mod draft;
mod fast;
mod index;
mod json;
mod layout;
mod list;
mod patches;
mod pool;
mod resolve;
mod resource;
mod sealed;
mod slow;
mod table;
mod views;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

#[doc(hidden)]
pub use bodies::digest;
pub use build::Limits;
pub use collection::Collection;
pub use diff::{Change, ChangeKind};
pub(crate) use json::json_string;
pub use layout::State;
pub use list::List;
pub use resolve::Target;
pub(crate) use resolve::lacking;
pub use resource::{Property, Resource, ResourceOwned, Value};
pub(crate) use table::process_seed;
pub use table::{ByName, Report, Table};
pub use views::{
    Agent, CallSegment, ConferenceRoom, CoreServer, Extension, Login, Queue, Statistics, Status, User, View,
};

use crate::catalog::{Kind, KindSet};
use crate::clock::Moment;
use draft::Server;

/// Where a snapshot comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// A server, synced by this process.
    Live = 1,
    /// A file.
    Sealed = 2,
    /// A recording.
    Replay = 3,
}

/// Everything that is known of the server at one moment. See the [module](self).
///
/// `Clone` is a pin: cheap, and what it holds stays readable until the last clone is gone.
#[derive(Clone)]
pub struct Snapshot(pub(crate) Arc<cell::Share>);

pub(crate) struct Inner {
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    pub(crate) source: Source,
    pub(crate) kinds: KindSet,
    pub(crate) root: Arc<Collection>,
    /// In the order of the root's rows that are synced.
    pub(crate) servers: Vec<Server>,
}

impl Snapshot {
    /// The number of this snapshot: 0 before anything was synced, and one more at every publication.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The number of the server's incarnation, counted by this client from 1: one more whenever the server restarted
    /// and gave all objects new ids. 0 before anything was synced.
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Whether anything was synced yet.
    pub fn has_data(&self) -> bool {
        self.0.generation > 0
    }

    /// Where the snapshot comes from.
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// How long ago the server last confirmed what is known: the age of the oldest of the core servers' own lists.
    /// [`Duration::MAX`] before anything was synced. What is below an instance tells its own age ([`Resource::age`]).
    ///
    /// Computed now, from a monotonic clock, so it grows by itself when nothing is confirmed any more.
    pub fn age(&self) -> Duration {
        if self.has_data() { self.confirmed().age() } else { Duration::MAX }
    }

    /// The wall time of the oldest confirmation, for display; see [`Snapshot::age`].
    pub fn confirmed_at(&self) -> Option<SystemTime> {
        self.has_data().then(|| self.confirmed().wall())
    }

    fn confirmed(&self) -> Moment {
        self.own_lists().map(|list| list.confirmed()).fold(self.0.root.confirmed(), Moment::min)
    }

    /// The list of core servers, and the core servers' own lists.
    pub(crate) fn own_lists(&self) -> impl Iterator<Item = &Collection> {
        let lists = self.0.servers.iter().flat_map(|server| server.lists.iter().flatten());
        lists.chain([&self.0.root]).map(|list| &**list)
    }

    /// The core servers.
    pub fn core_servers(&self) -> List<'_> {
        List::of_collection(self, &self.0.root)
    }

    /// The core server with this slug.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::Code::NotFound), [`Code::Ambiguous`](crate::Code::Ambiguous).
    pub fn core_server(&self, slug: &str) -> crate::Result<CoreServer<'_>> {
        self.core_servers().by_name(slug).and_then(CoreServer::try_from)
    }

    /// The resource with this id, whatever its kind, if it is known. Where a server gives one id to instances of several kinds,
    /// those with a list of the core server's come first, and then the first in the catalogue.
    pub fn by_id(&self, id: Uuid) -> Option<Resource<'_>> {
        if let Some(row) = self.0.root.find_id(&id) {
            return Some(Resource::new(self, row));
        }
        self.0.servers.iter().find_map(|server| {
            let listed = server.lists.iter().flatten().find_map(|list| list.find_id(&id));
            let nested = || {
                let kinds = server.homes(id).iter().map(|(_, sub)| sub.row().kind);
                server.find(id, kinds.filter(|kind| server.list_of(*kind).is_none()).min()?)
            };
            Some(Resource::new(self, listed.or_else(nested)?))
        })
    }

    /// The resource of this kind with this id, if it is known.
    pub(crate) fn find(&self, kind: Kind, id: Uuid) -> Option<Resource<'_>> {
        let row = match kind {
            Kind::CoreServer => self.0.root.find_id(&id),
            _ => self.0.servers.iter().find_map(|server| server.find(id, kind)),
        };
        row.map(|row| Resource::new(self, row))
    }

    /// How many objects are known, and how many bytes their Tables take.
    pub fn size(&self) -> (usize, usize) {
        let nested = self.0.servers.iter().flat_map(|s| s.lists.iter().flatten().chain(s.children.values()));
        std::iter::once(&self.0.root)
            .chain(nested)
            .fold((0, 0), |(objects, bytes), collection| (objects + collection.len(), bytes + collection.memory()))
    }

    /// What was noticed while the Tables were built, all together.
    pub fn report(&self) -> Report {
        let nested = self.0.servers.iter().flat_map(|s| s.lists.iter().flatten().chain(s.children.values()));
        let mut sum = Report::default();
        for collection in std::iter::once(&self.0.root).chain(nested) {
            sum.add(&collection.report());
        }
        sum
    }

    pub(crate) fn collection(&self, address: &collection::Address) -> Option<&Arc<Collection>> {
        match address.sub {
            None => Some(&self.0.root),
            Some(sub) => self.server(address.core_server)?.get(address.parent, sub),
        }
    }

    /// Whether the instance that a collection is below is known.
    pub(crate) fn has_parent(&self, address: &collection::Address) -> bool {
        let is_known = |server: &Server| match address.sub.map(|sub| sub.row().parent) {
            None | Some(Kind::CoreServer) => true,
            Some(kind) => server.is_known(address.parent, kind),
        };
        address.sub.is_none() || self.server(address.core_server).is_some_and(is_known)
    }

    pub(crate) fn server(&self, core_server: Uuid) -> Option<&Server> {
        self.0.servers.iter().find(|server| server.id == core_server)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (objects, _) = self.size();
        write!(f, "Snapshot(generation {}, epoch {}, {objects} objects)", self.0.generation, self.0.epoch)
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod patched_laws;

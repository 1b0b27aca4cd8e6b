//! A collection: the Table of one list or singleton, where it belongs, and when the server last confirmed it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uuid::Uuid;

use super::table::Table;
use crate::catalog::{Kind, SubId};
use crate::clock::Moment;

/// Where a collection belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    /// The core server it is below; nil for the list of core servers.
    pub(crate) core_server: Uuid,
    /// The instance it is below: the core server itself for its own lists.
    pub(crate) parent: Uuid,
    /// Which sub resource; `None` for the list of core servers.
    pub(crate) sub: Option<SubId>,
}

impl Address {
    /// The list of core servers.
    pub(crate) const ROOT: Address = Address { core_server: Uuid::nil(), parent: Uuid::nil(), sub: None };

    /// A list of a core server.
    pub(crate) fn list(core_server: Uuid, sub: SubId) -> Address {
        Address { core_server, parent: core_server, sub: Some(sub) }
    }

    /// The kind of what is in it.
    pub(crate) fn kind(&self) -> Kind {
        self.sub.map_or(Kind::CoreServer, |sub| sub.row().kind)
    }

    /// Whether what it says of its instances counts before what any other collection says: a core server's own list where the
    /// kind has one, otherwise the collection that tells of them first.
    fn is_canonical(&self) -> bool {
        match SubId::own_list(self.kind()) {
            Some(own) => self.sub == Some(own),
            None => self.sub.is_none_or(|sub| !sub.is_confirming()),
        }
    }

    /// Whether it is a core server's own list.
    pub(crate) fn is_list_of_core_server(&self) -> bool {
        self.sub.is_some_and(|sub| sub.row().parent == Kind::CoreServer)
    }
}

/// A Table with its address. The content never changes; the confirmation moves forward.
#[derive(Debug)]
pub struct Collection {
    pub(crate) address: Address,
    pub(crate) table: Table,
    /// Whether what it says of its instances counts before what any other collection says.
    pub(crate) is_canonical: bool,
    /// A digest of the body the Table was built from.
    pub(crate) digest: u128,
    confirmed: AtomicU64,
    /// Whether a reader looked at it since the sync last asked.
    read: AtomicBool,
}

impl Collection {
    /// `confirmed` is when the request that brought the Table was sent: what it says was true then or later.
    pub(crate) fn new(address: Address, table: Table, digest: u128, confirmed: Moment) -> Collection {
        let is_canonical = address.is_canonical();
        Collection {
            address,
            table,
            is_canonical,
            digest,
            confirmed: AtomicU64::new(confirmed.0),
            read: AtomicBool::new(false),
        }
    }

    /// A reader looks at it: the sync asks for it before what nobody reads.
    #[inline]
    pub(crate) fn mark_read(&self) {
        // Readers share the cache line: it is written once, not at every read.
        if !self.read.load(Ordering::Relaxed) {
            self.read.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a reader looked at it since this was last called.
    pub(crate) fn take_read(&self) -> bool {
        self.read.swap(false, Ordering::Relaxed)
    }

    /// The Table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The server said again that this is how it is.
    pub(crate) fn confirm(&self, asked: Moment) {
        self.confirmed.fetch_max(asked.0, Ordering::Relaxed);
    }

    pub(crate) fn confirmed(&self) -> Moment {
        Moment(self.confirmed.load(Ordering::Relaxed))
    }
}

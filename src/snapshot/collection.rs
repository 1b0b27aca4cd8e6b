//! A collection: the Table of one list or singleton, where it belongs, and when the server last confirmed it.
//!
//! A long list may be a Table with [`Patches`]: instances that were read alone since. Whoever reads a collection sees what
//! is true of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uuid::Uuid;

use super::Limits;
use super::patches::Patches;
use super::table::{ByName, Report, Table};
use crate::catalog::{Kind, KindSet, Shape, SubId};
use crate::clock::Moment;
use crate::error::{Code, Error, Result};

/// A list of at least this many is not read whole for one instance that may have changed.
pub(crate) const LONG: usize = 256;

/// Where a collection belongs, or one instance of a core server's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    /// The core server it is below; nil for the list of core servers.
    pub(crate) core_server: Uuid,
    /// The instance it is below: the core server itself for its own lists.
    pub(crate) parent: Uuid,
    /// Which sub resource; `None` for the list of core servers.
    pub(crate) sub: Option<SubId>,
    /// The instance; `None` for the whole collection.
    pub(crate) item: Option<Uuid>,
}

impl Address {
    /// The list of core servers.
    pub(crate) const ROOT: Address = Address { core_server: Uuid::nil(), parent: Uuid::nil(), sub: None, item: None };

    /// What is below an instance.
    pub(crate) fn below(core_server: Uuid, parent: Uuid, sub: SubId) -> Address {
        Address { core_server, parent, sub: Some(sub), item: None }
    }

    /// All lists of a core server's own that are mirrored.
    pub(crate) fn lists(core_server: Uuid, kinds: KindSet) -> impl Iterator<Item = Address> {
        let subs = SubId::of(Kind::CoreServer).filter(move |sub| kinds.has(*sub));
        subs.map(move |sub| Address::list(core_server, sub))
    }

    /// A list of a core server.
    pub(crate) fn list(core_server: Uuid, sub: SubId) -> Address {
        Address::below(core_server, core_server, sub)
    }

    /// One instance of a list.
    pub(crate) fn item(self, id: Uuid) -> Address {
        Address { item: Some(id), ..self }
    }

    /// The whole collection that an instance is in; itself for one.
    pub(crate) fn whole(self) -> Address {
        Address { item: None, ..self }
    }

    /// The kind of what is in it.
    pub(crate) fn kind(&self) -> Kind {
        self.sub.map_or(Kind::CoreServer, |sub| sub.row().kind)
    }

    /// Whether what it says of its instances counts before what any other collection says: a core server's own list where the
    /// kind has one, otherwise the collections that do not only confirm what others tell.
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

/// A row of a Table, in its collection: what a resource is made of. The collection has no patches.
pub(crate) type Row<'c> = (&'c Arc<Collection>, u32);

/// A Table with its address. The content never changes; the confirmation moves forward, but for a list with patches: what
/// confirms the list may undo them.
#[derive(Debug)]
pub struct Collection {
    pub(crate) address: Address,
    /// Empty where there are patches: they hold the collection that they patch.
    table: Table,
    patches: Option<Box<Patches>>,
    /// Whether what it says of its instances counts before what any other collection says.
    pub(crate) is_canonical: bool,
    /// A digest of the body the Table was built from.
    pub(crate) digest: u128,
    confirmed: AtomicU64,
    /// Whether a reader looked at it since the sync last asked.
    read: AtomicBool,
}

/// The same object: what was read again is another one, whatever it holds.
impl PartialEq for Collection {
    fn eq(&self, other: &Collection) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Collection {
    /// `confirmed` is when the request that brought the Table was sent: what it says was true then or later.
    pub(crate) fn new(address: Address, table: Table, digest: u128, confirmed: Moment) -> Collection {
        let is_canonical = address.is_canonical();
        Collection {
            address,
            table,
            patches: None,
            is_canonical,
            digest,
            confirmed: AtomicU64::new(confirmed.0),
            read: AtomicBool::new(false),
        }
    }

    /// Reads the answer on a GET of a list or singleton, or of one instance of a list: it becomes a collection of one row.
    /// `name` is the property that is the symbolic name, where it is another than the catalogue says.
    ///
    /// # Errors
    /// As [`Table::from_json`]; [`Code::BadAnswer`] also for the answer of another instance.
    pub(crate) fn from_answer(
        address: &Address,
        name: Option<usize>,
        (body, digest): (&[u8], u128),
        limits: &Limits,
        asked: Moment,
    ) -> Result<Arc<Collection>> {
        let shape = match address.item {
            Some(_) => Shape::Singleton,
            None => address.sub.map_or(Shape::List, |sub| sub.row().shape),
        };
        let kind = address.kind();
        let table = Table::from_json_named((kind, name), shape, body, limits)?;
        if let Some(id) = address.item.filter(|id| table.id(0) != *id) {
            let message = format!("the answer for the {kind} {id} is of another one: {}", table.id(0));
            return Err(Error::new(Code::BadAnswer, message));
        }
        Ok(Arc::new(Collection::new(address.whole(), table, digest, asked)))
    }

    /// The list with these instances, each read alone, as far as they were asked for later than what is known of them.
    pub(crate) fn patched(self: &Arc<Self>, rows: impl IntoIterator<Item = Arc<Collection>>) -> Arc<Collection> {
        let base = self.base();
        let mut patches = self.patches.as_deref().map_or_else(|| Patches::new(base.clone()), Patches::clone);
        // All of them, whatever comes of the first.
        if rows.into_iter().filter(|row| patches.put(row.clone())).count() == 0 {
            return self.clone();
        }
        let table = Table::empty(base.table.kind());
        let patched = Collection::new(self.address, table, base.digest, base.confirmed());
        Arc::new(Collection { patches: Some(Box::new(patches)), ..patched })
    }

    /// The list without the instances that were read alone before it was last confirmed.
    pub(crate) fn settled(self: &Arc<Self>) -> Arc<Collection> {
        self.base().patched(self.patches().cloned())
    }

    /// Itself without patches.
    pub(crate) fn base(self: &Arc<Self>) -> &Arc<Collection> {
        self.patches.as_ref().map_or(self, |patches| &patches.base)
    }

    /// The instances that were read alone.
    pub(crate) fn patches(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.patches.iter().flat_map(|patches| patches.rows())
    }

    /// An instance that was read alone.
    pub(crate) fn patch(&self, id: &Uuid) -> Option<&Arc<Collection>> {
        self.patches.as_ref()?.patch(id)
    }

    /// Whether so many instances were read alone that it is better to read the whole list again. Reading an instance costs
    /// as much as there are patches, and reading the list as much as there are instances.
    pub(crate) fn has_many_patches(&self) -> bool {
        self.patches.as_ref().is_some_and(|patches| patches.rows().len() >= self.len().isqrt())
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

    /// The same less one instance; `None` where nothing is left of it. No body says so: the next answer is new whatever it is.
    pub(crate) fn without(&self, id: &Uuid) -> Option<Collection> {
        let table = self.table().without(id, self.address.sub?.row().shape)?;
        Some(Collection::new(self.address, table, 0, self.confirmed()))
    }

    /// The Table of a collection without patches.
    #[inline]
    pub(crate) fn table(&self) -> &Table {
        debug_assert!(self.patches.is_none());
        &self.table
    }

    pub(crate) fn kind(&self) -> Kind {
        self.table.kind()
    }

    /// The number of instances.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.patches.as_ref().map_or(self.table.len(), |patches| patches.len())
    }

    /// The instance at a position.
    #[inline]
    pub(crate) fn at(self: &Arc<Self>, position: u32) -> Option<Row<'_>> {
        match &self.patches {
            None => ((position as usize) < self.table.len()).then_some((self, position)),
            Some(patches) => patches.at(position),
        }
    }

    /// All instances, in their order.
    pub(crate) fn rows(self: &Arc<Self>) -> impl Iterator<Item = Row<'_>> {
        (0..self.len() as u32).filter_map(|position| self.at(position))
    }

    /// The instance with this id.
    #[inline]
    pub(crate) fn find_id(self: &Arc<Self>, id: &Uuid) -> Option<Row<'_>> {
        match self.table.find_id(id) {
            Some(row) => Some((self, row)),
            None => self.patches.as_ref()?.find_id(id),
        }
    }

    /// As [`Collection::find_id`], for one that is likely to be at this position.
    pub(crate) fn find_id_near(self: &Arc<Self>, id: &Uuid, position: u32) -> Option<Row<'_>> {
        let there = self.at(position).filter(|(collection, row)| collection.table.id(*row) == *id);
        there.or_else(|| self.find_id(id))
    }

    pub(crate) fn has_id(self: &Arc<Self>, id: &Uuid) -> bool {
        self.find_id(id).is_some()
    }

    /// The instance with this symbolic name, if there is exactly one.
    #[inline]
    pub(crate) fn find_only(self: &Arc<Self>, name: &str) -> Option<Row<'_>> {
        // The Table of a list with patches is empty: so one without pays nothing for what it finds.
        match self.table.find_only(name) {
            Some(row) => Some((self, row)),
            None => self.patches.as_ref()?.find_only(name),
        }
    }

    /// The positions of all instances with this symbolic name.
    pub(crate) fn named(&self, name: &str) -> Vec<u32> {
        match &self.patches {
            None => match self.table.find_name(name) {
                ByName::None => Vec::new(),
                ByName::One(row) => vec![row],
                ByName::Many(rows) => rows,
            },
            Some(patches) => patches.named(name),
        }
    }

    /// The positions and ids of all but what it surely shares with another collection.
    pub(crate) fn unshared(self: &Arc<Self>, other: Option<&Arc<Self>>) -> impl Iterator<Item = (u32, Uuid)> {
        let shared = other.is_some_and(|other| Arc::ptr_eq(self.base(), other.base()));
        let base = if shared { None } else { Some(&self.base().table) };
        let start = base.map_or(0, Table::len) as u32;
        let patches = self.patches.iter().flat_map(|patches| patches.ids()).filter(move |(at, _)| *at >= start);
        (0..).zip(base.into_iter().flat_map(Table::ids)).chain(patches)
    }

    /// All that it says as one flat buffer, see [`Table::from_bytes`].
    ///
    /// # Errors
    /// [`Code::BadAnswer`] when it is too large for one Table.
    pub fn to_bytes(self: &Arc<Self>) -> Result<Vec<u8>> {
        if self.patches.is_none() {
            return Ok(self.table.to_bytes());
        }
        let mut body = String::from("[");
        for (number, (collection, row)) in self.rows().enumerate() {
            body.push_str(if number == 0 { "" } else { "," });
            collection.table.write_json(row, &mut body);
        }
        body.push(']');
        let layout = self.base().table.layout;
        let name = (layout.symbolic != usize::MAX).then_some(layout.symbolic);
        let any = Limits { objects: usize::MAX, depth: usize::MAX, text: usize::MAX };
        Ok(Table::from_json_named((self.kind(), name), Shape::List, body.as_bytes(), &any)?.to_bytes())
    }

    /// The bytes it takes in memory.
    pub(crate) fn memory(&self) -> usize {
        self.table.memory() + self.patches.as_ref().map_or(0, |patches| patches.memory())
    }

    /// What was noticed while the answers were read.
    pub(crate) fn report(&self) -> Report {
        self.patches.as_ref().map_or(self.table.report(), |patches| patches.report())
    }

    /// The server said again that this is how it is, as it was last read whole: of a list with patches the instances that were
    /// not read alone, and not the list, see [`Collection::settled`].
    pub(crate) fn confirm(&self, asked: Moment) {
        let whole = self.patches.as_ref().map_or(self, |patches| &patches.base);
        whole.confirmed.fetch_max(asked.0, Ordering::Relaxed);
    }

    /// When the server last confirmed it, as a whole.
    pub(crate) fn confirmed(&self) -> Moment {
        Moment(self.confirmed.load(Ordering::Relaxed))
    }

    /// When the server last confirmed one instance, alone or with all others; `None` stands for all.
    pub(crate) fn confirmed_of(&self, item: Option<Uuid>) -> Moment {
        let alone = item.and_then(|id| self.patch(&id)).map_or(Moment(0), |row| row.confirmed());
        alone.max(self.confirmed())
    }
}

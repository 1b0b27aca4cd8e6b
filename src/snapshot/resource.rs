//! A resource: one instance, borrowed from a snapshot; and the same as a value that owns its pin.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::collection::{Address, Collection, LONG, Row};
use super::draft::Draft;
use super::{Limits, List, Snapshot, State, Table};
use crate::catalog::{self, Kind, KindSet, Shape, SubId, Type};
use crate::clock::Moment;
use crate::path::{Path, Selector};

/// One instance of any kind, borrowed from a snapshot. Small, `Copy`, reads without copying.
#[derive(Clone, Copy)]
pub struct Resource<'s> {
    snapshot: &'s Snapshot,
    collection: &'s Arc<Collection>,
    row: u32,
}

/// A property's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'s> {
    /// A text.
    Text(&'s str),
    /// A boolean.
    Bool(bool),
    /// An integer; for [`Type::Millis`] Unix milliseconds.
    Int(i64),
}

/// A property of a resource: its row in the catalogue, what the server said of it, and its value.
#[derive(Debug, Clone, Copy)]
pub struct Property<'s> {
    /// The row of the catalogue.
    pub row: &'static catalog::Property,
    /// What the server said.
    pub state: State,
    /// The value; `None` unless `state` is [`State::Present`].
    pub value: Option<Value<'s>>,
}

impl<'s> Resource<'s> {
    #[inline]
    pub(crate) fn new(snapshot: &'s Snapshot, (collection, row): Row<'s>) -> Resource<'s> {
        Resource { snapshot, collection, row }
    }

    /// The resource in this row of a collection of the snapshot. For bindings that store the parts of a resource;
    /// `None` when the collection has no such row.
    pub fn from_parts(snapshot: &'s Snapshot, collection: &'s Arc<Collection>, row: u32) -> Option<Resource<'s>> {
        ((row as usize) < collection.table().len()).then_some(Resource { snapshot, collection, row })
    }

    /// The parts to build the same resource again, see [`Resource::from_parts`].
    pub fn parts(&self) -> (&'s Snapshot, &'s Arc<Collection>, u32) {
        (self.snapshot, self.collection, self.row)
    }

    #[inline]
    pub(crate) fn table(&self) -> &'s Table {
        self.collection.table()
    }

    /// The snapshot it is borrowed from.
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// The kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.table().kind()
    }

    /// The id: new at every restart of the server.
    #[inline]
    pub fn id(&self) -> Uuid {
        self.table().id(self.row)
    }

    /// The symbolic name, where the kind has one and the server says it.
    #[inline]
    pub fn name(&self) -> Option<&'s str> {
        self.table().name(self.row).filter(|name| !name.is_empty())
    }

    /// The id in the Configuration API, where the kind has one: it should survive a restart (inferred).
    pub fn configuration_id(&self) -> Option<&'s str> {
        self.text(self.kind().row().property("configurationId")?)
    }

    /// A text property, by its position in the catalogue; `None` unless it is present.
    #[inline]
    pub fn text(&self, property: usize) -> Option<&'s str> {
        self.table().text(self.row, property)
    }

    /// A text property as bytes: UTF-8 with a NUL behind the slice; empty unless it is present.
    #[inline]
    pub fn text_bytes(&self, property: usize) -> &'s [u8] {
        self.table().text_bytes(self.row, property)
    }

    /// An integer property, by its position in the catalogue; `None` unless it is present.
    #[inline]
    pub fn int(&self, property: usize) -> Option<i64> {
        self.table().int(self.row, property)
    }

    /// A boolean property, by its position in the catalogue; `None` unless it is present.
    #[inline]
    pub fn bool(&self, property: usize) -> Option<bool> {
        self.table().bool(self.row, property)
    }

    /// A property by its JSON name or attribute name; `None` when the catalogue has none of that name.
    pub fn property(&self, name: &str) -> Option<Property<'s>> {
        self.kind().row().property(name).map(|position| self.property_at(position))
    }

    /// The catalogue's properties, in its order.
    pub fn properties(self) -> impl Iterator<Item = Property<'s>> {
        (0..self.kind().row().properties.len()).map(move |position| self.property_at(position))
    }

    fn property_at(&self, position: usize) -> Property<'s> {
        let row = &self.kind().row().properties[position];
        let value = match row.ty {
            Type::Text => self.text(position).map(Value::Text),
            Type::Bool => self.bool(position).map(Value::Bool),
            Type::Int | Type::Millis => self.int(position).map(Value::Int),
        };
        Property { row, state: self.table().state(self.row, position), value }
    }

    /// The whole object as JSON: every value as it was sent, the catalogue's properties first.
    pub fn raw(&self) -> String {
        self.table().json(self.row)
    }

    /// What the catalogue does not know of it, as the text of a JSON object; `None` when nothing.
    pub fn extra(&self) -> Option<&'s str> {
        self.table().extra(self.row)
    }

    /// How long ago the server last confirmed it.
    pub fn age(&self) -> Duration {
        self.collection.confirmed().age()
    }

    /// When the server last confirmed it, as wall time for display.
    pub fn confirmed_at(&self) -> SystemTime {
        self.collection.confirmed().wall()
    }

    /// The core server it is below; itself for a core server.
    pub fn core_server(&self) -> Option<Resource<'s>> {
        if self.kind() == Kind::CoreServer {
            return Some(*self);
        }
        let root = &self.snapshot.0.root;
        root.find_id(&self.collection.address.core_server).map(|row| Resource::new(self.snapshot, row))
    }

    pub(crate) fn core_server_id(&self) -> Uuid {
        if self.kind() == Kind::CoreServer { self.id() } else { self.collection.address.core_server }
    }

    /// Its path, by symbolic names as far as there are any that are not ambiguous, otherwise by ids.
    pub fn path(&self) -> Path {
        self.path_with(|resource| match resource.name().filter(|name| resource.is_only(name)) {
            Some(name) => Selector::Name(name.to_owned()),
            None => Selector::Id(resource.id()),
        })
    }

    /// Whether no other instance beside it has this name.
    fn is_only(&self, name: &str) -> bool {
        match self.own_list() {
            Some(list) => list.find_only(name).is_some(),
            None => self.table().find_only(name).is_some(),
        }
    }

    /// Its path by ids only: valid in this incarnation of the server, and never another object's.
    pub fn id_path(&self) -> Path {
        self.path_with(|resource| Selector::Id(resource.id()))
    }

    fn path_with(&self, selector: impl Fn(&Resource<'_>) -> Selector + Copy) -> Path {
        let built = match self.collection.address.sub {
            None => Ok(Path::core_server(selector(self))),
            Some(sub) => {
                let parent = self.parent_path(selector);
                parent.sub(sub.row().segment).and_then(|set| match sub.row().shape {
                    Shape::List => set.item(selector(self)),
                    Shape::Singleton => Ok(set),
                })
            }
        };
        built.unwrap_or_else(|_| Path::core_servers())
    }

    fn parent_path(&self, selector: impl Fn(&Resource<'_>) -> Selector + Copy) -> Path {
        let address = self.collection.address;
        let above = address.sub.and_then(|sub| self.snapshot.find(sub.row().parent, address.parent));
        match above {
            Some(parent) => parent.path_with(selector),
            None => Path::core_server(Selector::Id(address.core_server)),
        }
    }

    /// What is below it, for a list or singleton of the catalogue. Empty where the server has none.
    pub fn sub(&self, sub: SubId) -> List<'s> {
        let below = || self.snapshot.server(self.core_server_id())?.get(self.id(), sub);
        match (sub.row().parent == self.kind()).then(below).flatten() {
            Some(collection) => {
                collection.mark_read();
                List::of_collection(self.snapshot, collection)
            }
            None => List::empty(self.snapshot, sub.row().kind),
        }
    }

    /// The instances it is below of, through this sub resource: for an extension and `User/extensions`, its users.
    pub fn parents(&self, sub: SubId) -> Vec<Resource<'s>> {
        let Some(server) = self.snapshot.server(self.core_server_id()) else { return Vec::new() };
        let homes = server.homes(self.id()).iter().filter(|(_, s)| *s == sub);
        homes.filter_map(|(parent, _)| self.snapshot.find(sub.row().parent, *parent)).collect()
    }

    /// The same instance where it is at home, if it is anywhere; otherwise itself. So that all ways to an instance give the
    /// same content.
    #[inline]
    pub(crate) fn canonical(self) -> Resource<'s> {
        if self.collection.is_canonical { self } else { self.at_home().unwrap_or(self) }
    }

    #[inline(never)]
    fn at_home(self) -> Option<Resource<'s>> {
        let server = self.snapshot.server(self.core_server_id())?;
        let (parent, sub) = server.home_of(self.id(), self.kind())?;
        Some(Resource::new(self.snapshot, server.get(parent, sub)?.find_id(&self.id())?))
    }

    /// The core server's own list that it is in.
    fn own_list(&self) -> Option<&'s Arc<Collection>> {
        let address = self.collection.address;
        let list = || self.snapshot.server(address.core_server)?.list_of(self.kind());
        address.is_list_of_core_server().then(list).flatten()
    }

    /// The list that it is in, with all that is in it, also where it was read alone.
    pub(crate) fn list(&self) -> List<'s> {
        List::of_collection(self.snapshot, self.own_list().unwrap_or(self.collection))
    }

    /// Where the server is asked for it: for itself where its list is long, otherwise for the whole collection.
    pub(crate) fn address(&self) -> Address {
        let address = self.collection.address;
        self.own_list().filter(|list| list.len() >= LONG).map_or(address, |_| address.item(self.id()))
    }

    /// Whether the other says the same of the same instance, in whatever snapshot.
    pub fn same_content(&self, other: &Resource<'_>) -> bool {
        self.kind() == other.kind() && self.table().same_row(self.row, other.table(), other.row)
    }

    /// A value that holds its own pin of the snapshot.
    pub fn to_owned(&self) -> ResourceOwned {
        ResourceOwned { snapshot: self.snapshot.clone(), collection: self.collection.clone(), row: self.row }
    }
}

impl PartialEq for Resource<'_> {
    /// The same instance with the same content.
    fn eq(&self, other: &Self) -> bool {
        self.same_content(other)
    }
}

impl fmt::Debug for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind(), self.raw())
    }
}

/// A resource that holds its own pin of the snapshot: for storing, and for languages without borrows.
#[derive(Clone)]
pub struct ResourceOwned {
    snapshot: Snapshot,
    collection: Arc<Collection>,
    row: u32,
}

impl ResourceOwned {
    /// A resource built from its own JSON, as [`Resource::raw`] gives it, in an otherwise empty snapshot: it says what the
    /// JSON says and has no relations. For bindings that pass resources on as values.
    ///
    /// # Errors
    /// [`Code::BadAnswer`](crate::Code::BadAnswer) when it is not the JSON of one object that can be kept.
    pub fn from_json(kind: Kind, json: &str) -> crate::Result<ResourceOwned> {
        let limits = Limits { objects: 1, depth: 120, text: 1 << 30 };
        let table = Table::from_json(kind, Shape::Singleton, json.as_bytes(), &limits)?;
        let collection = Collection::new(Address::ROOT, table, 0, Moment::now());
        Ok(ResourceOwned { snapshot: Draft::nothing(KindSet::ALL), collection: Arc::new(collection), row: 0 })
    }

    /// The resource, to read.
    pub fn get(&self) -> Resource<'_> {
        Resource::new(&self.snapshot, (&self.collection, self.row))
    }
}

impl fmt::Debug for ResourceOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

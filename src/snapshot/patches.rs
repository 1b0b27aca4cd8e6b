//! The instances of a long list that were read alone since the whole list was.
//!
//! Each is a collection of one row, so that what it says, and since when, is read as of any other. An instance keeps the
//! position that it has in the list; one that the list does not have stands behind it. None is ever taken out: that an
//! instance is gone, only the whole list tells.

use std::sync::Arc;

use uuid::Uuid;

use super::collection::{Collection, Row};
use super::index::{self, Bucket, Found};
use super::table::Report;

/// What a list's Table does not say, or no longer.
#[derive(Debug, Clone)]
pub(crate) struct Patches {
    /// The list as it was last read whole.
    pub(super) base: Arc<Collection>,
    /// The instances that were read alone, in the order in which they first came, by id.
    rows: Indexed<Patch>,
    /// Those of the rows that the base does not have, in the order of their positions.
    added: Vec<u32>,
    /// The symbolic names that a patch gave or took.
    names: Indexed<Arc<Named>>,
}

#[derive(Debug, Clone)]
struct Patch {
    id: Uuid,
    position: u32,
    row: Arc<Collection>,
}

/// A symbolic name, and the positions of all that have it now.
#[derive(Debug)]
struct Named {
    name: Box<str>,
    holders: Vec<u32>,
}

impl Patches {
    pub(super) fn new(base: Arc<Collection>) -> Patches {
        Patches { base, rows: Indexed::default(), added: Vec::new(), names: Indexed::default() }
    }

    /// Takes in what was read later than what is known of the same instance. False when it was not.
    pub(super) fn put(&mut self, row: Arc<Collection>) -> bool {
        let (base, id) = (self.base.clone(), row.table().id(0));
        let known = self.find(&id);
        let patch = known.map(|known| &self.rows.entries[known]);
        let since = patch.map_or(base.confirmed(), |patch| patch.row.confirmed().max(base.confirmed()));
        if row.confirmed() <= since {
            return false;
        }
        let listed = base.table().find_id(&id);
        let before = match patch {
            Some(patch) => name(&patch.row, 0),
            None => listed.and_then(|listed| name(&base, listed)),
        };
        let before = before.map(str::to_owned);
        let position = patch.map(|patch| patch.position).or(listed).unwrap_or(self.len() as u32);
        if before.as_deref() != name(&row, 0) {
            before.iter().for_each(|name| self.rename(name, position, false));
            name(&row, 0).into_iter().for_each(|name| self.rename(name, position, true));
        }
        match known {
            Some(known) => self.rows.entries[known].row = row,
            None => {
                if listed.is_none() {
                    self.added.push(self.rows.entries.len() as u32);
                }
                self.rows.push(base.table().hash_id(&id), Patch { id, position, row });
            }
        }
        true
    }

    /// Notes that the instance at a position has a name, or no longer.
    fn rename(&mut self, name: &str, position: u32, has: bool) {
        let mut holders = self.named(name);
        holders.retain(|holder| *holder != position);
        if has {
            holders.push(position);
            holders.sort_unstable();
        }
        let (known, named) = (self.find_name(name), Arc::new(Named { name: name.into(), holders }));
        match known {
            Some(known) => self.names.entries[known] = named,
            None => self.names.push(self.base.table().hash_name(name), named),
        }
    }

    fn find(&self, id: &Uuid) -> Option<usize> {
        self.rows.find(self.base.table().hash_id(id), |patch| patch.id == *id)
    }

    fn find_name(&self, name: &str) -> Option<usize> {
        self.names.find(self.base.table().hash_name(name), |named| *named.name == *name)
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &Arc<Collection>> {
        self.rows.entries.iter().map(|patch| &patch.row)
    }

    /// The positions and ids of the rows.
    pub(super) fn ids(&self) -> impl Iterator<Item = (u32, Uuid)> {
        self.rows.entries.iter().map(|patch| (patch.position, patch.id))
    }

    pub(super) fn patch(&self, id: &Uuid) -> Option<&Arc<Collection>> {
        self.find(id).map(|found| &self.rows.entries[found].row)
    }

    pub(super) fn len(&self) -> usize {
        self.base.table().len() + self.added.len()
    }

    #[cold]
    #[inline(never)]
    pub(super) fn at(&self, position: u32) -> Option<Row<'_>> {
        let listed = self.base.table().len();
        if (position as usize) < listed {
            let id = self.base.table().id(position);
            return Some(self.patch(&id).map_or((&self.base, position), |row| (row, 0)));
        }
        let number = *self.added.get(position as usize - listed)?;
        Some((&self.rows.entries[number as usize].row, 0))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn find_id(&self, id: &Uuid) -> Option<Row<'_>> {
        match self.patch(id) {
            Some(row) => Some((row, 0)),
            None => Some((&self.base, self.base.table().find_id(id)?)),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn find_only(&self, name: &str) -> Option<Row<'_>> {
        match self.find_name(name).map(|found| &*self.names.entries[found].holders) {
            Some([position]) => self.at(*position),
            Some(_) => None,
            None => self.at(self.base.table().find_only(name)?),
        }
    }

    /// The positions of all that have a name.
    pub(super) fn named(&self, name: &str) -> Vec<u32> {
        self.find_name(name).map_or_else(|| self.base.named(name), |found| self.names.entries[found].holders.clone())
    }

    pub(super) fn memory(&self) -> usize {
        let rows: usize = self.rows().map(|row| row.memory()).sum();
        let names = self.names.entries.iter().map(|named| size_of::<Named>() + named.name.len());
        self.base.memory() + self.rows.memory() + rows + self.names.memory() + names.sum::<usize>()
    }

    /// What was noticed in the list, and in each row.
    pub(super) fn report(&self) -> Report {
        let mut report = self.base.report();
        self.rows().for_each(|row| report.add(&row.report()));
        report
    }
}

/// Entries in the order in which they came, with an index of them by a key that is in each.
#[derive(Debug, Clone)]
struct Indexed<T> {
    entries: Vec<T>,
    hashes: Vec<u64>,
    buckets: Box<[Bucket]>,
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Indexed { entries: Vec::new(), hashes: Vec::new(), buckets: Box::default() }
    }
}

impl<T> Indexed<T> {
    fn find(&self, hash: u64, same: impl Fn(&T) -> bool) -> Option<usize> {
        match index::find(&self.buckets, hash, |number| same(&self.entries[number as usize])) {
            Found::One(number) | Found::Many(number) => Some(number as usize),
            Found::None => None,
        }
    }

    /// Adds an entry with a key that is new.
    fn push(&mut self, hash: u64, entry: T) {
        let mut first = self.entries.len();
        self.entries.push(entry);
        self.hashes.push(hash);
        if index::buckets_for(self.entries.len()) > self.buckets.len() {
            first = 0;
            self.buckets = vec![Bucket::default(); index::buckets_for(2 * self.entries.len())].into_boxed_slice();
        }
        for (number, hash) in self.hashes.iter().enumerate().skip(first) {
            index::insert(&mut self.buckets, *hash, number as u32, |_| false);
        }
    }

    fn memory(&self) -> usize {
        size_of_val(&*self.entries) + size_of_val(&*self.hashes) + size_of_val(&*self.buckets)
    }
}

/// The symbolic name of a row, if it has one.
fn name(collection: &Collection, row: u32) -> Option<&str> {
    collection.table().name(row).filter(|name| !name.is_empty())
}

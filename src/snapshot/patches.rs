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
    rows: Vec<Patch>,
    /// The rows by id.
    ids: Box<[Bucket]>,
    /// Those of the rows that the base does not have, in the order of their positions.
    added: Vec<u32>,
    /// The symbolic names that a patch gave or took, and the positions of all that have each now.
    names: imbl::HashMap<Arc<str>, Arc<[u32]>>,
}

#[derive(Debug, Clone)]
struct Patch {
    id: Uuid,
    position: u32,
    row: Arc<Collection>,
}

impl Patches {
    pub(super) fn new(base: Arc<Collection>) -> Patches {
        Patches { base, rows: Vec::new(), ids: Box::default(), added: Vec::new(), names: imbl::HashMap::new() }
    }

    /// Takes in what was read later than what is known of the same instance. False when nothing was.
    pub(super) fn put(&mut self, rows: impl IntoIterator<Item = Arc<Collection>>) -> bool {
        let mut news = false;
        for row in rows {
            news |= self.put_one(row);
        }
        if news {
            self.index();
        }
        news
    }

    fn put_one(&mut self, row: Arc<Collection>) -> bool {
        let id = row.table().id(0);
        let known = self.rows.iter().position(|patch| patch.id == id);
        let since = known.map_or(self.base.confirmed(), |known| self.rows[known].row.confirmed().max(self.base.confirmed()));
        if row.confirmed() <= since {
            return false;
        }
        let listed = self.base.table().find_id(&id);
        let before = match known {
            Some(known) => name(&self.rows[known].row, 0),
            None => listed.and_then(|listed| name(&self.base, listed)),
        };
        let after = name(&row, 0);
        let position = match known {
            Some(known) => self.rows[known].position,
            None => listed.unwrap_or_else(|| self.len() as u32),
        };
        if before != after {
            let renamed = [(before.map(Arc::from), false), (after.map(Arc::from), true)];
            renamed.into_iter().for_each(|(name, has)| self.rename(name, position, has));
        }
        match known {
            Some(known) => self.rows[known].row = row,
            None => {
                if listed.is_none() {
                    self.added.push(self.rows.len() as u32);
                }
                self.rows.push(Patch { id, position, row });
            }
        }
        true
    }

    /// Notes that the instance at a position has a name, or no longer.
    fn rename(&mut self, name: Option<Arc<str>>, position: u32, has: bool) {
        let Some(name) = name else { return };
        let mut holders = self.named(&name);
        holders.retain(|holder| *holder != position);
        if has {
            holders.push(position);
            holders.sort_unstable();
        }
        self.names.insert(name, holders.into());
    }

    fn index(&mut self) {
        let seed = self.base.table().seed;
        self.ids = vec![Bucket::default(); index::buckets_for(self.rows.len())].into_boxed_slice();
        for (number, patch) in (0..).zip(&self.rows) {
            index::insert(&mut self.ids, index::hash_16(seed, key(&patch.id)), number, |_| false);
        }
    }

    fn find(&self, id: &Uuid) -> Option<&Patch> {
        let hash = index::hash_16(self.base.table().seed, key(id));
        match index::find(&self.ids, hash, |number| self.rows[number as usize].id == *id) {
            Found::One(number) | Found::Many(number) => Some(&self.rows[number as usize]),
            Found::None => None,
        }
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &Arc<Collection>> {
        self.rows.iter().map(|patch| &patch.row)
    }

    /// The positions and ids of the rows.
    pub(super) fn ids(&self) -> impl Iterator<Item = (u32, Uuid)> {
        self.rows.iter().map(|patch| (patch.position, patch.id))
    }

    pub(super) fn patch(&self, id: &Uuid) -> Option<&Arc<Collection>> {
        self.find(id).map(|patch| &patch.row)
    }

    pub(super) fn len(&self) -> usize {
        self.base.table().len() + self.added.len()
    }

    #[inline(never)]
    pub(super) fn at(&self, position: u32) -> Option<Row<'_>> {
        let listed = self.base.table().len();
        if (position as usize) < listed {
            let id = self.base.table().id(position);
            return Some(self.patch(&id).map_or((&self.base, position), |row| (row, 0)));
        }
        let number = *self.added.get(position as usize - listed)?;
        Some((&self.rows[number as usize].row, 0))
    }

    #[inline(never)]
    pub(super) fn find_id(&self, id: &Uuid) -> Option<Row<'_>> {
        match self.patch(id) {
            Some(row) => Some((row, 0)),
            None => Some((&self.base, self.base.table().find_id(id)?)),
        }
    }

    #[inline(never)]
    pub(super) fn find_only(&self, name: &str) -> Option<Row<'_>> {
        match self.renamed(name) {
            Some([position]) => self.at(*position),
            Some(_) => None,
            None => self.at(self.base.table().find_only(name)?),
        }
    }

    /// The positions of all that have a name.
    pub(super) fn named(&self, name: &str) -> Vec<u32> {
        self.renamed(name).map_or_else(|| self.base.named(name), <[u32]>::to_vec)
    }

    /// The positions of all that have a name which a patch gave or took.
    fn renamed(&self, name: &str) -> Option<&[u32]> {
        if self.names.is_empty() { None } else { self.names.get(name).map(|holders| &**holders) }
    }

    pub(super) fn memory(&self) -> usize {
        let rows: usize = self.rows().map(|row| row.memory()).sum();
        self.base.memory() + size_of_val(&*self.rows) + size_of_val(&*self.ids) + rows
    }

    /// What was noticed in the list, and in each row.
    pub(super) fn report(&self) -> Report {
        let mut report = self.base.report();
        self.rows().for_each(|row| report.add(&row.report()));
        report
    }
}

fn key(id: &Uuid) -> u128 {
    u128::from_le_bytes(id.into_bytes())
}

/// The symbolic name of a row, if it has one.
fn name(collection: &Collection, row: u32) -> Option<&str> {
    collection.table().name(row).filter(|name| !name.is_empty())
}

//! Collects the sections of a Table, item by item, and indexes them.

use uuid::Uuid;

use super::build::{Limits, bad};
use super::index::{self, Bucket};
use super::layout::{ID, LONG_NAME, Layout, MISSING, NAME, NAME_SIZE, short_name};
use super::pool::PoolBuilder;
use super::table::{Report, Table, process_seed};
use crate::catalog::{Kind, Resource, Shape, Type};
use crate::error::{Code, Error, Result};

/// What a key of an item is to the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Property(usize),
    /// A nested object with properties of the catalogue; the position of the first.
    Group(usize),
    Unknown,
}

/// The members of an object that the catalogue knows: the JSON name of each, and what it is.
pub(super) fn known_keys(row: &'static Resource, group: Option<&str>) -> Vec<(&'static str, Key)> {
    let mut keys = Vec::new();
    if group.is_none() {
        keys.push(("id", Key::Id));
    }
    for (i, property) in row.properties.iter().enumerate() {
        match (property.name.split_once('.'), group) {
            (None, None) => keys.push((property.name, Key::Property(i))),
            (Some((outer, _)), None) if keys.iter().all(|(name, _)| *name != outer) => {
                keys.push((outer, Key::Group(i)))
            }
            (Some((outer, inner)), Some(group)) if outer == group => keys.push((inner, Key::Property(i))),
            _ => {}
        }
    }
    keys
}

/// Collects the sections of a Table, item by item. An item is begun, filled, and committed, rejected or rolled back.
pub(super) struct Builder {
    kind: Kind,
    shape: Shape,
    pub(super) limits: Limits,
    layout: &'static Layout,
    seed: u64,
    records: Vec<u8>,
    pool: PoolBuilder,
    pub(super) report: Report,
    rows: usize,
    pub(super) seen: usize,
    /// The keys of the item and, behind the position of its first property, of each nested object.
    pub(super) keys: Vec<(&'static str, Key)>,
    pub(super) groups: Vec<(usize, Vec<(&'static str, Key)>)>,
    /// The order of the keys in the item before, as a first guess.
    pub(super) order: Vec<usize>,
    /// The item being read.
    record: Vec<u8>,
    state: u64,
    id: Option<Uuid>,
    pub(super) extra: String,
    other_types: u32,
    /// Where the pool was when the item began.
    mark: usize,
    /// The record of the item before: what repeats from item to item is stored once.
    before: Vec<u8>,
    /// The slots of the texts in the pool, in a record.
    texts: Vec<usize>,
}

impl Builder {
    pub(super) fn new((kind, layout): (Kind, &'static Layout), shape: Shape, limits: Limits) -> Builder {
        let keys = known_keys(kind.row(), None);
        let groups = keys
            .iter()
            .filter_map(|(name, key)| match key {
                Key::Group(first) => Some((*first, known_keys(kind.row(), Some(name)))),
                _ => None,
            })
            .collect();
        Builder {
            kind,
            shape,
            limits,
            layout,
            seed: process_seed(),
            records: Vec::new(),
            pool: PoolBuilder::with_capacity(64),
            report: Report::default(),
            rows: 0,
            seen: 0,
            order: (0..keys.len()).collect(),
            keys,
            groups,
            record: vec![0; layout.stride],
            state: 0,
            id: None,
            extra: String::new(),
            other_types: 0,
            mark: 0,
            before: vec![0; layout.stride],
            texts: text_slots(kind),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_singleton(&self) -> bool {
        self.shape == Shape::Singleton
    }

    pub(super) fn begin(&mut self) {
        self.record.fill(0);
        self.state = 0;
        self.id = None;
        self.extra.clear();
        self.other_types = 0;
        self.mark = self.pool.len();
    }

    pub(super) fn roll_back(&mut self) {
        self.pool.truncate(self.mark);
    }

    pub(super) fn reject(&mut self) {
        self.roll_back();
        self.report.rejected += 1;
    }

    /// Adds the item. A singleton without an id gets the nil id; in a list it has been rejected before.
    pub(super) fn commit(&mut self) -> Result<()> {
        let id = self.id.unwrap_or(Uuid::nil());
        self.record[ID..ID + 16].copy_from_slice(id.as_bytes());
        let Layout { state, extra, .. } = *self.layout;
        self.record[state..state + 8].copy_from_slice(&self.state.to_le_bytes());
        if !self.extra.is_empty() {
            self.report.unknown_properties += 1;
            self.extra.push('}');
            let offset = self.pool.push(&self.extra).ok_or_else(|| self.too_much_text())?;
            self.record[extra..extra + 4].copy_from_slice(&offset.to_le_bytes());
        }
        self.report.other_types += self.other_types;
        self.records.try_reserve(self.record.len()).map_err(|_| self.no_memory())?;
        self.records.extend_from_slice(&self.record);
        self.rows += 1;
        std::mem::swap(&mut self.record, &mut self.before);
        Ok(())
    }

    fn too_much_text(&self) -> Error {
        bad(format!("the answer for {} holds more than 4 GiB of text", self.kind))
    }

    fn no_memory(&self) -> Error {
        let message = format!("there is not enough memory for a list of {} with {} objects", self.kind, self.seen);
        Error::new(Code::Internal, message).with_retryable(true)
    }

    /// The estimate after the first items, so that the sections are allocated once and nearly exact.
    pub(super) fn expect_rows(&mut self, rows: usize) -> Result<()> {
        let more = rows.min(self.limits.objects).saturating_sub(self.rows);
        let more = more + more / 64;
        let text = (self.pool.len() / self.rows.max(1) + 1) * more;
        let records = self.records.try_reserve_exact(more * self.layout.stride);
        records.and_then(|()| self.pool.try_reserve(text)).map_err(|_| self.no_memory())
    }

    pub(super) fn nibble(&self, property: usize) -> u8 {
        (self.state >> (4 * property)) as u8 & 0xf
    }

    pub(super) fn set_nibble(&mut self, property: usize, nibble: u8) {
        debug_assert_eq!(self.nibble(property), MISSING);
        self.state |= u64::from(nibble) << (4 * property);
    }

    /// Sets the id; false when there is one already.
    pub(super) fn set_id(&mut self, id: Uuid) -> bool {
        self.id.replace(id).is_none()
    }

    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    pub(super) fn set_int(&mut self, property: usize, value: i64) {
        let slot = usize::from(self.layout.slots[property]);
        self.record[slot..slot + 8].copy_from_slice(&value.to_le_bytes());
    }

    /// Stores a text; `None` when it is longer than the limit or the pool is full.
    pub(super) fn set_text(&mut self, property: usize, text: &str) -> Option<()> {
        if text.len() > self.limits.text {
            return None;
        }
        if property == self.layout.symbolic {
            return self.set_name(text);
        }
        let slot = usize::from(self.layout.slots[property]);
        let offset = match self.known_text(property, text) {
            Some(offset) => offset,
            None => self.pool.push(text)?,
        };
        self.record[slot..slot + 4].copy_from_slice(&offset.to_le_bytes());
        Some(())
    }

    fn set_name(&mut self, text: &str) -> Option<()> {
        let name = match short_name(text.as_bytes()) {
            Some(name) => name,
            None => u128::from(self.pool.push(text)?) | u128::from(LONG_NAME) << (8 * (NAME_SIZE - 1)),
        };
        self.record[NAME..NAME + NAME_SIZE].copy_from_slice(&name.to_le_bytes());
        Some(())
    }

    /// Where the text stands already: in the item before under the same property, or in this item.
    fn known_text(&self, property: usize, text: &str) -> Option<u32> {
        let last = u32_at(&self.before, usize::from(self.layout.slots[property]));
        if self.pool.holds(last, text) {
            return Some(last);
        }
        if text.len() < 16 {
            return None;
        }
        self.texts.iter().map(|slot| u32_at(&self.record, *slot)).find(|offset| self.pool.holds(*offset, text))
    }

    /// Keeps a member that the catalogue does not know, or whose type is another one, as it was sent. `key` is JSON.
    pub(super) fn keep(&mut self, key: &str, value: &str) {
        self.extra.push(if self.extra.is_empty() { '{' } else { ',' });
        self.extra.push_str(key);
        self.extra.push(':');
        self.extra.push_str(value);
    }

    pub(super) fn count_other_type(&mut self) {
        self.other_types += 1;
    }

    pub(super) fn finish(mut self) -> Result<Table> {
        if self.rows == 0 && self.seen > 0 {
            return Err(bad(format!(
                "the answer for {} holds {} items, and none of them is an object with a usable id",
                self.kind, self.seen
            )));
        }
        if self.rows > index::MAX_ROWS {
            return Err(bad(format!("the list holds more than {} objects", index::MAX_ROWS)));
        }
        let mut ids = self.index_ids()?;
        while let Err(twice) = ids {
            self.remove_rows(&twice);
            ids = self.index_ids()?;
        }
        let names = match self.layout.symbolic {
            usize::MAX => Box::default(),
            _ => self.empty_index()?,
        };
        let mut table = Table {
            kind: self.kind,
            layout: self.layout,
            rows: self.rows as u32,
            seed: self.seed,
            report: self.report,
            records: self.records.into_boxed_slice(),
            ids: ids.unwrap_or_default(),
            names: Box::default(),
            text: self.pool.finish(),
        };
        table.index_names(names);
        Ok(table)
    }

    fn empty_index(&self) -> Result<Box<[Bucket]>> {
        let count = index::buckets_for(self.rows);
        let mut buckets = Vec::new();
        buckets.try_reserve_exact(count).map_err(|_| self.no_memory())?;
        buckets.resize(count, Bucket::default());
        Ok(buckets.into_boxed_slice())
    }

    /// The index by id; or the rows whose id an earlier row has.
    fn index_ids(&self) -> Result<Result<Box<[Bucket]>, Vec<usize>>> {
        let stride = self.layout.stride;
        let id = |row: u32| {
            let id = self.records[row as usize * stride + ID..].first_chunk().expect("a record starts with an id");
            u128::from_le_bytes(*id)
        };
        let mut buckets = self.empty_index()?;
        let mut twice = Vec::new();
        for row in 0..self.rows as u32 {
            let key = id(row);
            let hash = index::hash_16(self.seed, key);
            if index::insert(&mut buckets, hash, row, |other| id(other) == key).is_some() {
                twice.push(row as usize);
            }
        }
        Ok(if twice.is_empty() { Ok(buckets) } else { Err(twice) })
    }

    fn remove_rows(&mut self, rows: &[usize]) {
        let stride = self.layout.stride;
        let mut doomed = rows.iter().copied().peekable();
        let mut kept = 0;
        for row in 0..self.rows {
            if doomed.next_if_eq(&row).is_none() {
                self.records.copy_within(row * stride..(row + 1) * stride, kept * stride);
                kept += 1;
            }
        }
        self.records.truncate(kept * stride);
        self.report.duplicate_ids += rows.len() as u32;
        self.rows = kept;
    }
}

impl Table {
    /// Fills the index by symbolic name, and counts the names that are ambiguous.
    fn index_names(&mut self, mut buckets: Box<[Bucket]>) {
        let symbolic = self.layout.symbolic;
        if symbolic == usize::MAX {
            return;
        }
        let mut ambiguous = std::collections::HashSet::new();
        for row in 0..self.rows {
            let key = self.name_key(row);
            let twin = match key.to_le_bytes()[NAME_SIZE - 1] {
                0 => continue,
                LONG_NAME => {
                    let name = self.text_bytes(row, symbolic);
                    let hash = index::hash_text(self.seed, name);
                    index::insert(&mut buckets, hash, row, |other| self.text_bytes(other, symbolic) == name)
                }
                _ => index::insert(&mut buckets, index::hash_16(self.seed, key), row, |other| {
                    self.name_key(other) == key
                }),
            };
            ambiguous.extend(twin);
        }
        self.report.ambiguous_names = ambiguous.len() as u32;
        self.names = buckets;
    }
}

fn text_slots(kind: Kind) -> Vec<usize> {
    let layout = Layout::of(kind);
    let properties = kind.row().properties.iter().enumerate();
    let texts = properties.filter(|(i, property)| property.ty == Type::Text && *i != layout.symbolic);
    texts.map(|(i, _)| usize::from(layout.slots[i])).collect()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("a slot has four bytes"))
}

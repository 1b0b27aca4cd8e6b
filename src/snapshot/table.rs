//! A Table: the answer to one GET, immutable, without a pointer inside.
//!
//! Four flat sections: records of a fixed size, an index by id, an index by symbolic name, and the text pool.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use uuid::Uuid;

use super::index::{self, Bucket, Found};
use super::layout::{ID, Layout, MISSING, NAME, NAME_SIZE, NULL, OTHER, PRESENT, State, TRUE, short_name};
use super::pool;
use crate::catalog::{Kind, Property, Type};

/// What was noticed while a Table was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Items that were left out: not an object, no usable id, a text that is too long, contradicting duplicate keys.
    pub rejected: u32,
    /// Items that were left out because an earlier item of the same list has the same id.
    pub duplicate_ids: u32,
    /// Symbolic names that more than one item has.
    pub ambiguous_names: u32,
    /// Values of another type than the catalogue says; they are kept as raw JSON.
    pub other_types: u32,
    /// Items with properties that the catalogue does not know; they are kept as raw JSON.
    pub unknown_properties: u32,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Report) {
        self.rejected += other.rejected;
        self.duplicate_ids += other.duplicate_ids;
        self.ambiguous_names += other.ambiguous_names;
        self.other_types += other.other_types;
        self.unknown_properties += other.unknown_properties;
    }
}

/// The answer to one GET: the instances of one kind below one parent.
///
/// Immutable. Costs its bytes and no allocation per object. See the module `snapshot` for how to read one.
pub struct Table {
    pub(crate) kind: Kind,
    pub(crate) layout: &'static Layout,
    pub(crate) rows: u32,
    pub(crate) seed: u64,
    pub(crate) report: Report,
    pub(crate) records: Box<[u8]>,
    pub(crate) ids: Box<[Bucket]>,
    pub(crate) names: Box<[Bucket]>,
    pub(crate) text: Box<str>,
}

/// A read by symbolic name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByName {
    /// Nothing has the name.
    None,
    /// The row that has it.
    One(u32),
    /// The rows that have it: the name is ambiguous.
    Many(Vec<u32>),
}

/// The seed of this process's indexes: random, so that nobody can choose names that collide.
pub(crate) fn process_seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| std::hash::RandomState::new().build_hasher().finish())
}

impl Table {
    /// A Table without rows.
    pub fn empty(kind: Kind) -> Table {
        Table {
            kind,
            layout: Layout::of(kind),
            rows: 0,
            seed: 0,
            report: Report::default(),
            records: Box::default(),
            ids: Box::default(),
            names: Box::default(),
            text: Box::default(),
        }
    }

    /// The kind of every row.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows as usize
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// What was noticed while the Table was built.
    pub fn report(&self) -> Report {
        self.report
    }

    /// The bytes the Table takes in memory.
    pub fn memory(&self) -> usize {
        size_of::<Table>() + self.records.len() + size_of_val(&*self.ids) + size_of_val(&*self.names) + self.text.len()
    }

    #[inline]
    fn record(&self, row: u32) -> &[u8] {
        let stride = self.layout.stride;
        let start = row as usize * stride;
        &self.records[start..start + stride]
    }

    /// The bytes at an offset in the record of a row.
    #[inline]
    pub(super) fn field<const N: usize>(&self, row: u32, at: usize) -> &[u8; N] {
        array(&self.records, row as usize * self.layout.stride + at)
    }

    /// The id as the index knows it.
    #[inline]
    fn id_key(&self, row: u32) -> u128 {
        u128::from_le_bytes(*self.field(row, ID))
    }

    /// The field of the symbolic name, which a short one fills, see [`short_name`].
    #[inline]
    pub(super) fn name_key(&self, row: u32) -> u128 {
        u128::from_le_bytes(*self.field(row, NAME))
    }

    /// The id of a row.
    ///
    /// # Panics
    /// Like every read by row: when the row is not below [`Table::len`].
    #[inline]
    pub fn id(&self, row: u32) -> Uuid {
        Uuid::from_bytes(*self.field(row, ID))
    }

    /// The ids of all rows, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        (0..self.rows).map(|row| self.id(row))
    }

    #[inline]
    pub(super) fn nibble(&self, row: u32, property: usize) -> u8 {
        let state = u64::from_le_bytes(*self.field(row, self.layout.state));
        (state >> (4 * property)) as u8 & 0xf
    }

    /// What the server said of a property.
    pub fn state(&self, row: u32, property: usize) -> State {
        match self.nibble(row, property) {
            MISSING => State::Missing,
            NULL => State::Null,
            OTHER => State::OtherType,
            _ => State::Present,
        }
    }

    pub(super) fn property(&self, property: usize) -> &'static Property {
        &self.kind.row().properties[property]
    }

    /// Where a text property other than the symbolic name is in the pool.
    #[inline]
    fn offset(&self, row: u32, property: usize) -> u32 {
        debug_assert_eq!(self.property(property).ty, Type::Text);
        u32::from_le_bytes(*self.field(row, usize::from(self.layout.slots[property])))
    }

    /// The bytes of a text property (UTF-8, with a NUL behind them); empty unless it is present.
    #[inline]
    pub fn text_bytes(&self, row: u32, property: usize) -> &[u8] {
        if property == self.layout.symbolic {
            return self.name_bytes(row);
        }
        pool::get_bytes(&self.text, self.offset(row, property))
    }

    /// The symbolic name: in the record when it is short, else in the pool.
    #[inline]
    fn name_bytes(&self, row: u32) -> &[u8] {
        let name: &[u8; NAME_SIZE] = self.field(row, NAME);
        match usize::from(name[NAME_SIZE - 1]) {
            len if len < NAME_SIZE => &name[..len],
            _ => pool::get_bytes(&self.text, u32::from_le_bytes(*array(name, 0))),
        }
    }

    /// A text property; `None` unless it is present.
    #[inline]
    pub fn text(&self, row: u32, property: usize) -> Option<&str> {
        if self.nibble(row, property) < PRESENT {
            return None;
        }
        if property == self.layout.symbolic {
            return std::str::from_utf8(self.name_bytes(row)).ok();
        }
        Some(pool::get(&self.text, self.offset(row, property)))
    }

    /// An integer property; `None` unless it is present.
    #[inline]
    pub fn int(&self, row: u32, property: usize) -> Option<i64> {
        let slot = usize::from(self.layout.slots[property]);
        (self.nibble(row, property) >= PRESENT).then(|| i64::from_le_bytes(*self.field(row, slot)))
    }

    /// A boolean property; `None` unless it is present.
    #[inline]
    pub fn bool(&self, row: u32, property: usize) -> Option<bool> {
        match self.nibble(row, property) {
            PRESENT => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    /// The symbolic name of a row, where the kind has one and the row says it.
    #[inline]
    pub fn name(&self, row: u32) -> Option<&str> {
        let symbolic = self.layout.symbolic;
        if symbolic == usize::MAX { None } else { self.text(row, symbolic) }
    }

    /// What the catalogue does not know of a row, as the text of a JSON object, each value as it was sent.
    pub fn extra(&self, row: u32) -> Option<&str> {
        let offset = u32::from_le_bytes(*self.field(row, self.layout.extra));
        (offset != pool::EMPTY).then(|| pool::get(&self.text, offset))
    }

    /// The hash of an id in its index.
    #[inline]
    pub(super) fn hash_id(&self, id: &Uuid) -> u64 {
        index::hash_16(self.seed, u128::from_le_bytes(id.into_bytes()))
    }

    /// The hash of a symbolic name in its index.
    #[inline]
    pub(super) fn hash_name(&self, name: &str) -> u64 {
        match short_name(name.as_bytes()) {
            Some(name) => index::hash_16(self.seed, name),
            None => index::hash_text(self.seed, name.as_bytes()),
        }
    }

    /// The row with this id.
    #[inline]
    pub fn find_id(&self, id: &Uuid) -> Option<u32> {
        let hash = self.hash_id(id);
        let id = u128::from_le_bytes(id.into_bytes());
        match index::find(&self.ids, hash, |row| self.id_key(row) == id) {
            Found::One(row) | Found::Many(row) => Some(row),
            Found::None => None,
        }
    }

    /// The row with this symbolic name, compared byte for byte.
    pub fn find_name(&self, name: &str) -> ByName {
        match self.search_name(name) {
            Found::None => ByName::None,
            Found::One(row) => ByName::One(row),
            Found::Many(_) => self.all_named(name),
        }
    }

    /// The row with this symbolic name, if there is exactly one.
    #[inline]
    pub fn find_only(&self, name: &str) -> Option<u32> {
        match self.search_name(name) {
            Found::One(row) => Some(row),
            _ => None,
        }
    }

    /// Whether several rows have this symbolic name.
    pub(crate) fn is_ambiguous(&self, name: &str) -> bool {
        matches!(self.search_name(name), Found::Many(_))
    }

    #[inline]
    fn search_name(&self, name: &str) -> Found {
        match short_name(name.as_bytes()) {
            Some(name) => index::find(&self.names, index::hash_16(self.seed, name), |row| self.name_key(row) == name),
            None => self.search_long_name(name.as_bytes()),
        }
    }

    #[cold]
    fn search_long_name(&self, name: &[u8]) -> Found {
        let hash = index::hash_text(self.seed, name);
        index::find(&self.names, hash, |row| self.name_bytes(row) == name)
    }

    #[cold]
    fn all_named(&self, name: &str) -> ByName {
        ByName::Many((0..self.rows).filter(|row| self.name(*row) == Some(name)).collect())
    }

    /// Whether two rows, of this Table and another of the same kind, say the same.
    pub fn same_row(&self, row: u32, other: &Table, other_row: u32) -> bool {
        debug_assert_eq!(self.kind, other.kind);
        let (a, b) = (self.record(row), other.record(other_row));
        // Equal states are also equal booleans.
        let state = self.layout.state..self.layout.state + 8;
        if self.id(row) != other.id(other_row)
            || a[state.clone()] != b[state]
            || self.extra(row) != other.extra(other_row)
        {
            return false;
        }
        self.kind.row().properties.iter().enumerate().all(|(i, property)| {
            self.nibble(row, i) < PRESENT
                || match property.ty {
                    Type::Text => self.text_bytes(row, i) == other.text_bytes(other_row, i),
                    Type::Int | Type::Millis => self.int(row, i) == other.int(other_row, i),
                    Type::Bool => true,
                }
        })
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} x {})", self.rows, self.kind)
    }
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..at + N].first_chunk().expect("N bytes were taken")
}

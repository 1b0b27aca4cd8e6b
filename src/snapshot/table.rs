//! A Table: the answer to one GET, immutable, without a pointer inside.
//!
//! Four flat sections: records of a fixed size, an index by id, an index by symbolic name, and the text pool.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::index::{self, Found};
use super::layout::{EXTRA, ID, Layout, MISSING, NAME, NAME_SIZE, NULL, OTHER, PRESENT, STATE, State, TRUE};
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
    pub(crate) rows: u32,
    pub(crate) seed: u64,
    pub(crate) report: Report,
    pub(crate) records: Box<[u8]>,
    pub(crate) ids: Box<[u64]>,
    pub(crate) names: Box<[u64]>,
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
        size_of::<Table>() + self.records.len() + 8 * (self.ids.len() + self.names.len()) + self.text.len()
    }

    #[inline]
    fn record(&self, row: u32) -> &[u8] {
        let stride = Layout::of(self.kind).stride;
        let start = row as usize * stride;
        &self.records[start..start + stride]
    }

    #[inline]
    fn id_bytes(&self, row: u32) -> &[u8; 16] {
        array(self.record(row), ID)
    }

    /// The id of a row.
    ///
    /// # Panics
    /// Like every read by row: when the row is not below [`Table::len`].
    #[inline]
    pub fn id(&self, row: u32) -> Uuid {
        Uuid::from_bytes(*self.id_bytes(row))
    }

    /// The ids of all rows, in their order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        (0..self.rows).map(|row| self.id(row))
    }

    #[inline]
    fn nibble(&self, row: u32, property: usize) -> u8 {
        let state = u64::from_le_bytes(*array(self.record(row), STATE));
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

    fn property(&self, property: usize) -> &'static Property {
        &self.kind.row().properties[property]
    }

    /// The bytes of a text property (UTF-8, with a NUL behind them); empty unless it is present.
    #[inline]
    pub fn text_bytes(&self, row: u32, property: usize) -> &[u8] {
        let layout = Layout::of(self.kind);
        let record = self.record(row);
        if property == layout.symbolic {
            return self.name_bytes(record);
        }
        debug_assert_eq!(self.property(property).ty, Type::Text);
        pool::get_bytes(&self.text, u32::from_le_bytes(*array(record, usize::from(layout.slots[property]))))
    }

    /// The symbolic name in a record: in place when it is short, else in the pool.
    #[inline]
    fn name_bytes<'t>(&'t self, record: &'t [u8]) -> &'t [u8] {
        let name: &[u8; NAME_SIZE] = array(record, NAME);
        match usize::from(name[NAME_SIZE - 1]) {
            len if len < NAME_SIZE => &record[NAME..NAME + len],
            _ => pool::get_bytes(&self.text, u32::from_le_bytes(*array(name, 0))),
        }
    }

    /// A text property; `None` unless it is present.
    #[inline]
    pub fn text(&self, row: u32, property: usize) -> Option<&str> {
        if self.nibble(row, property) < PRESENT {
            return None;
        }
        let layout = Layout::of(self.kind);
        if property == layout.symbolic {
            return std::str::from_utf8(self.name_bytes(self.record(row))).ok();
        }
        let slot = usize::from(layout.slots[property]);
        Some(pool::get(&self.text, u32::from_le_bytes(*array(self.record(row), slot))))
    }

    /// An integer property; `None` unless it is present.
    #[inline]
    pub fn int(&self, row: u32, property: usize) -> Option<i64> {
        let slot = usize::from(Layout::of(self.kind).slots[property]);
        (self.nibble(row, property) >= PRESENT).then(|| i64::from_le_bytes(*array(self.record(row), slot)))
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
        let symbolic = Layout::of(self.kind).symbolic;
        if symbolic == usize::MAX { None } else { self.text(row, symbolic) }
    }

    /// What the catalogue does not know of a row, as the text of a JSON object, each value as it was sent.
    pub fn extra(&self, row: u32) -> Option<&str> {
        let offset = u32::from_le_bytes(*array(self.record(row), EXTRA));
        (offset != pool::EMPTY).then(|| pool::get(&self.text, offset))
    }

    /// The row with this id.
    #[inline]
    pub fn find_id(&self, id: &Uuid) -> Option<u32> {
        let hash = index::hash_id(self.seed, id.as_bytes());
        match index::find(&self.ids, hash, |row| self.id_bytes(row) == id.as_bytes()) {
            Found::One(row) | Found::Many(row) => Some(row),
            Found::None => None,
        }
    }

    /// The row with this symbolic name, compared byte for byte.
    #[inline]
    pub fn find_name(&self, name: &str) -> ByName {
        let hash = index::hash_text(self.seed, name.as_bytes());
        match index::find(&self.names, hash, |row| self.name_bytes(self.record(row)) == name.as_bytes()) {
            Found::None => ByName::None,
            Found::One(row) => ByName::One(row),
            Found::Many(_) => self.all_named(name),
        }
    }

    #[cold]
    fn all_named(&self, name: &str) -> ByName {
        ByName::Many((0..self.rows).filter(|row| self.name(*row) == Some(name)).collect())
    }

    /// Whether two rows, of this Table and another of the same kind, say the same.
    pub fn same_row(&self, row: u32, other: &Table, other_row: u32) -> bool {
        debug_assert_eq!(self.kind, other.kind);
        let (a, b) = (self.record(row), other.record(other_row));
        // Ids and states (and with them all booleans).
        if a[..EXTRA] != b[..EXTRA] || self.extra(row) != other.extra(other_row) {
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

    /// Writes a row as the JSON object it was read from: every value as it was sent, the catalogue's properties first.
    pub fn write_json(&self, row: u32, out: &mut String) {
        let _ = write!(out, "{{\"id\":\"{}\"", self.id(row));
        let extra: Vec<(String, &RawValue)> = self.extra(row).map(parse_extra).unwrap_or_default();
        let properties = self.kind.row().properties;
        let mut i = 0;
        while i < properties.len() {
            let Some((group, _)) = properties[i].name.split_once('.') else {
                if self.nibble(row, i) != MISSING && self.nibble(row, i) != OTHER {
                    let _ = write!(out, ",\"{}\":", properties[i].name);
                    self.write_value(row, i, out);
                }
                i += 1;
                continue;
            };
            let end = i + properties[i..].iter().take_while(|p| in_group(p.name, group)).count();
            self.write_group(row, group, i..end, &extra, out);
            i = end;
        }
        for (name, value) in &extra {
            if !self.is_merged(row, name, value) {
                let _ = write!(out, ",{}:{}", json_string(name), value.get());
            }
        }
        out.push('}');
    }

    /// A nested object: the known members, then the unknown ones from the extra object of the same name.
    fn write_group(
        &self,
        row: u32,
        group: &str,
        members: std::ops::Range<usize>,
        extra: &[(String, &RawValue)],
        out: &mut String,
    ) {
        if members.clone().all(|i| matches!(self.nibble(row, i), MISSING | OTHER)) {
            return; // What there is stands whole in the extra object.
        }
        let _ = write!(out, ",\"{group}\":{{");
        let mut first = true;
        for i in members {
            if matches!(self.nibble(row, i), MISSING | OTHER) {
                continue;
            }
            let name = &self.property(i).name[group.len() + 1..];
            let _ = write!(out, "{}\"{name}\":", if first { "" } else { "," });
            self.write_value(row, i, out);
            first = false;
        }
        for (name, value) in extra.iter().filter(|(name, _)| name == group).flat_map(|(_, v)| parse_extra(v.get())) {
            let _ = write!(out, ",{}:{}", json_string(&name), value.get());
        }
        out.push('}');
    }

    /// Whether [`Table::write_group`] has written this member of the extra object.
    fn is_merged(&self, row: u32, name: &str, value: &RawValue) -> bool {
        value.get().starts_with('{')
            && self
                .kind
                .row()
                .properties
                .iter()
                .enumerate()
                .any(|(i, property)| in_group(property.name, name) && !matches!(self.nibble(row, i), MISSING | OTHER))
    }

    fn write_value(&self, row: u32, property: usize, out: &mut String) {
        let _ = match (self.nibble(row, property), self.property(property).ty) {
            (NULL, _) => write!(out, "null"),
            (_, Type::Text) => write!(out, "{}", json_string(self.text(row, property).unwrap_or_default())),
            (_, Type::Bool) => write!(out, "{}", self.bool(row, property).unwrap_or_default()),
            (_, Type::Int | Type::Millis) => write!(out, "{}", self.int(row, property).unwrap_or_default()),
        };
    }

    /// The row as the text of a JSON object, see [`Table::write_json`].
    pub fn json(&self, row: u32) -> String {
        let mut out = String::new();
        self.write_json(row, &mut out);
        out
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} x {})", self.rows, self.kind)
    }
}

fn in_group(name: &str, group: &str) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

fn parse_extra(text: &str) -> Vec<(String, &RawValue)> {
    serde_json::from_str::<Members<'_>>(text).map(|members| members.0).unwrap_or_default()
}

/// The members of a JSON object in their order, each value as it was sent; duplicate keys stay.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A text as a JSON string.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..at + N].first_chunk().expect("N bytes were taken")
}

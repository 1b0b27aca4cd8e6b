//! From the JSON body of one answer to a Table, in one pass.
//!
//! Each item is first read by [`fast`](super::fast), which knows only the usual shape (plain strings, the catalogue's
//! types) and gives up on anything else; then by [`slow`](super::slow), which takes whatever serde_json takes and keeps
//! it without loss. Both write through the same [`Builder`], and a property test holds them to the same result.

use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::index::{self, Bucket};
use super::layout::{ID, LONG_NAME, Layout, MAX_PROPERTIES, MISSING, NAME, NAME_SIZE, short_name};
use super::pool::{self, PoolBuilder};
use super::table::{Report, Table, process_seed};
use super::{fast, slow};
use crate::catalog::{Kind, Resource, Shape};
use crate::error::{Code, Error, Result};

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Objects in one list.
    pub objects: usize,
    /// Levels of nesting in one item.
    pub depth: usize,
    /// Bytes of one text.
    pub text: usize,
}

impl Default for Limits {
    /// 4 million objects, 64 levels, 64 KiB.
    fn default() -> Self {
        Limits { objects: 4_000_000, depth: 64, text: 64 * 1024 }
    }
}

impl Table {
    /// Builds a Table from the body of an answer: a JSON array for [`Shape::List`], an object for [`Shape::Singleton`].
    ///
    /// An item that cannot be kept without loss is left out and counted in the [`Report`]; it never costs the others.
    ///
    /// # Errors
    /// [`Code::BadAnswer`] when the body as a whole is not such JSON, is cut short, exceeds a limit, or holds items of
    /// which none can be kept.
    pub fn from_json(kind: Kind, shape: Shape, body: &[u8], limits: &Limits) -> Result<Table> {
        build(kind, shape, body, limits, true)
    }

    /// As [`Table::from_json`], with another property as the symbolic name than the catalogue says.
    pub(crate) fn from_json_named(
        (kind, name): (Kind, Option<usize>),
        shape: Shape,
        body: &[u8],
        limits: &Limits,
    ) -> Result<Table> {
        let layout = name.map_or_else(|| Layout::of(kind), |name| Layout::named_by(kind, name));
        build_as((kind, layout), shape, body, limits, true)
    }
}

pub(super) fn build(kind: Kind, shape: Shape, body: &[u8], limits: &Limits, fast: bool) -> Result<Table> {
    build_as((kind, Layout::of(kind)), shape, body, limits, fast)
}

fn build_as(
    (kind, layout): (Kind, &'static Layout),
    shape: Shape,
    body: &[u8],
    limits: &Limits,
    fast: bool,
) -> Result<Table> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (text, damaged) = decode(body);
    let reader = Reader { kind, text: &text, damaged: &damaged, fast };
    let mut builder = Builder::new((kind, layout), shape, *limits);
    match shape {
        Shape::List => reader.list(&mut builder)?,
        Shape::Singleton => reader.singleton(&mut builder)?,
    }
    builder.finish()
}

/// The body as text; where it is not UTF-8, the places that are not.
fn decode(body: &[u8]) -> (Cow<'_, str>, Vec<usize>) {
    if let Ok(text) = std::str::from_utf8(body) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let (mut text, mut damaged) = (String::with_capacity(body.len()), Vec::new());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            damaged.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (Cow::Owned(text), damaged)
}

struct Reader<'a> {
    kind: Kind,
    text: &'a str,
    damaged: &'a [usize],
    fast: bool,
}

impl Reader<'_> {
    fn list(&self, builder: &mut Builder) -> Result<()> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, 0);
        if bytes.get(at) != Some(&b'[') {
            return Err(self.wrong("a JSON array", at));
        }
        at = skip_space(bytes, at + 1);
        if bytes.get(at) == Some(&b']') {
            return self.end(at + 1);
        }
        let start = at;
        loop {
            at = skip_space(bytes, self.item(builder, at)?);
            match bytes.get(at) {
                Some(b',') => at = skip_space(bytes, at + 1),
                Some(b']') => break,
                _ => return Err(self.wrong("',' or ']'", at)),
            }
            if builder.seen == 64 {
                builder.expect_rows((bytes.len() - start) / ((at - start) / 64).max(1));
            }
            if builder.seen > builder.limits.objects {
                return Err(bad(format!("the list holds more than {} objects", builder.limits.objects)));
            }
        }
        self.end(at + 1)
    }

    fn singleton(&self, builder: &mut Builder) -> Result<()> {
        let at = skip_space(self.text.as_bytes(), 0);
        if self.text.as_bytes().get(at) != Some(&b'{') {
            return Err(self.wrong("a JSON object", at));
        }
        let end = self.item(builder, at)?;
        self.end(end)
    }

    fn end(&self, at: usize) -> Result<()> {
        let at = skip_space(self.text.as_bytes(), at);
        if at == self.text.len() { Ok(()) } else { Err(self.wrong("the end", at)) }
    }

    /// Reads the item at `at`; says where it ends.
    fn item(&self, builder: &mut Builder, at: usize) -> Result<usize> {
        builder.seen += 1;
        if self.fast {
            builder.begin();
            if let Some(end) = fast::item(builder, self.text, at) {
                if self.is_damaged(at, end) {
                    builder.reject()
                } else {
                    builder.commit()?
                }
                return Ok(end);
            }
            builder.roll_back();
        }
        let (raw, end) = raw_value(self.text, at).map_err(|e| self.wrong(&e.to_string(), at))?;
        builder.begin();
        if !self.is_damaged(at, end) && slow::item(builder, raw).is_some() {
            builder.commit()?;
        } else {
            builder.reject();
        }
        Ok(end)
    }

    fn is_damaged(&self, start: usize, end: usize) -> bool {
        !self.damaged.is_empty() && self.damaged.iter().any(|at| (start..end).contains(at))
    }

    fn wrong(&self, expected: &str, at: usize) -> Error {
        let found: String = self.text[at..].chars().take(20).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let found = if found.is_empty() { "the end of the body".to_owned() } else { format!("{found:?}") };
        bad(format!("the answer for {} is not what was expected: at byte {at}: {expected}; found {found}", self.kind))
    }
}

fn bad(message: String) -> Error {
    Error::new(Code::BadAnswer, message)
}

pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The JSON value at `at`, as it stands there, and where it ends.
pub(super) fn raw_value(text: &str, at: usize) -> serde_json::Result<(&str, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(value)) => Ok((value.get(), at + values.byte_offset())),
        Some(Err(error)) => Err(error),
        None => Err(serde::de::Error::custom("a JSON value")),
    }
}

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
    seen: usize,
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
    /// The texts of the item before, by property: what repeats from item to item is stored once.
    last: [u32; MAX_PROPERTIES],
}

impl Builder {
    fn new((kind, layout): (Kind, &'static Layout), shape: Shape, limits: Limits) -> Builder {
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
            last: [pool::EMPTY; MAX_PROPERTIES],
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_singleton(&self) -> bool {
        self.shape == Shape::Singleton
    }

    fn begin(&mut self) {
        self.record.fill(0);
        self.state = 0;
        self.id = None;
        self.extra.clear();
        self.other_types = 0;
        self.mark = self.pool.len();
    }

    fn roll_back(&mut self) {
        self.pool.truncate(self.mark);
    }

    fn reject(&mut self) {
        self.roll_back();
        self.report.rejected += 1;
    }

    /// Adds the item. A singleton without an id gets the nil id; in a list it has been rejected before.
    fn commit(&mut self) -> Result<()> {
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
        self.records.extend_from_slice(&self.record);
        self.rows += 1;
        for i in 0..self.kind.row().properties.len() {
            if i != self.layout.symbolic && self.kind.row().properties[i].ty == crate::catalog::Type::Text {
                let slot = usize::from(self.layout.slots[i]);
                self.last[i] = u32_at(&self.record, slot);
            }
        }
        Ok(())
    }

    fn too_much_text(&self) -> Error {
        bad(format!("the answer for {} holds more than 4 GiB of text", self.kind))
    }

    /// The estimate after the first items, so that the sections are allocated once and nearly exact.
    fn expect_rows(&mut self, rows: usize) {
        let more = rows.min(self.limits.objects).saturating_sub(self.rows);
        let more = more + more / 64;
        self.records.reserve_exact(more * self.layout.stride);
        let text = (self.pool.len() / self.rows.max(1) + 1) * more;
        if self.pool.capacity() - self.pool.len() < text {
            self.pool.reserve(text);
        }
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
        if self.pool.get(self.last[property]) == text {
            return Some(self.last[property]);
        }
        if text.len() < 16 {
            return None;
        }
        self.kind.row().properties.iter().enumerate().find_map(|(i, row)| {
            if row.ty != crate::catalog::Type::Text || i == self.layout.symbolic {
                return None;
            }
            let offset = u32_at(&self.record, usize::from(self.layout.slots[i]));
            (self.pool.get(offset) == text).then_some(offset)
        })
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

    fn finish(mut self) -> Result<Table> {
        if self.rows == 0 && self.seen > 0 {
            return Err(bad(format!(
                "the answer for {} holds {} items, and none of them is an object with a usable id",
                self.kind, self.seen
            )));
        }
        if self.rows > index::MAX_ROWS {
            return Err(bad(format!("the list holds more than {} objects", index::MAX_ROWS)));
        }
        let mut ids = self.index_ids();
        while let Err(twice) = ids {
            self.remove_rows(&twice);
            ids = self.index_ids();
        }
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
        let (names, ambiguous) = table.index_names();
        table.names = names;
        table.report.ambiguous_names = ambiguous;
        Ok(table)
    }

    /// The index by id; or the rows whose id an earlier row has.
    fn index_ids(&self) -> Result<Box<[Bucket]>, Vec<usize>> {
        let stride = self.layout.stride;
        let id = |row: u32| {
            let id = self.records[row as usize * stride + ID..].first_chunk().expect("a record starts with an id");
            u128::from_le_bytes(*id)
        };
        let mut buckets = vec![Bucket::default(); index::buckets_for(self.rows)].into_boxed_slice();
        let mut twice = Vec::new();
        for row in 0..self.rows as u32 {
            let key = id(row);
            let hash = index::hash_16(self.seed, key);
            if index::insert(&mut buckets, hash, row, |other| id(other) == key).is_some() {
                twice.push(row as usize);
            }
        }
        if twice.is_empty() { Ok(buckets) } else { Err(twice) }
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
    /// The index by symbolic name, and how many names are ambiguous.
    fn index_names(&self) -> (Box<[Bucket]>, u32) {
        let symbolic = self.layout.symbolic;
        if symbolic == usize::MAX {
            return Default::default();
        }
        let mut buckets = vec![Bucket::default(); index::buckets_for(self.len())].into_boxed_slice();
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
        (buckets, ambiguous.len() as u32)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("a slot has four bytes"))
}

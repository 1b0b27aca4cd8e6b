//! A Table as one flat buffer and back, for files and for memory that processes share.
//!
//! The buffer is a header and four sections (records, index by id, index by name, text), each at a multiple of 64 bytes,
//! all little endian:
//!
//! | at | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | the magic `isymtab` and a NUL |
//! | 8 | 4 | the version of this format |
//! | 12 | 4 | the kind |
//! | 16 | 8 | the fingerprint of the kind's layout: bytes of another catalogue are refused |
//! | 24 | 8 | the seed of the indexes |
//! | 32 | 4 | the rows |
//! | 36 | 20 | the report: rejected, duplicate ids, ambiguous names, other types, unknown properties |
//! | 56 | 8 | a checksum of all the rest |
//! | 64 | 64 | of each section the offset and the length in bytes |
//!
//! Whatever the bytes are, opening them gives an error or a Table of which every read works.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::index::{self, Bucket, ENTRIES};
use super::json::Members;
use super::layout::{LONG_NAME, Layout, MAX_PROPERTIES, NAME_SIZE, PRESENT, TRUE};
use super::pool;
use super::table::{Report, Table};
use crate::catalog::{Kind, Type};
use crate::error::{Code, Error, Result};

const MAGIC: &[u8; 8] = b"isymtab\0";
const VERSION: u32 = 1;
const CHECKSUM: usize = 56;
const SECTIONS: usize = 64;
const HEADER: usize = 128;
/// Sections start at multiples of this: a bucket is a cache line.
const ALIGN: usize = size_of::<Bucket>();

impl Table {
    /// The Table as one flat buffer, see [`Table::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.memory() + 4 * ALIGN);
        let report = self.report();
        let counts = [
            report.rejected,
            report.duplicate_ids,
            report.ambiguous_names,
            report.other_types,
            report.unknown_properties,
        ];
        out.extend_from_slice(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend((self.kind as u32).to_le_bytes());
        out.extend(fingerprint(self.kind, self.layout).to_le_bytes());
        out.extend(self.seed.to_le_bytes());
        out.extend(self.rows.to_le_bytes());
        counts.iter().for_each(|count| out.extend(count.to_le_bytes()));
        out.resize(HEADER, 0);
        let mut section = |number: usize, write: &dyn Fn(&mut Vec<u8>)| {
            out.resize(out.len().next_multiple_of(ALIGN), 0);
            let start = out.len();
            write(&mut out);
            let at = SECTIONS + 16 * number;
            let len = out.len() - start;
            out[at..at + 8].copy_from_slice(&(start as u64).to_le_bytes());
            out[at + 8..at + 16].copy_from_slice(&(len as u64).to_le_bytes());
        };
        section(0, &|out| out.extend_from_slice(&self.records));
        section(1, &|out| write_index(&self.ids, out));
        section(2, &|out| write_index(&self.names, out));
        section(3, &|out| out.extend_from_slice(self.text.as_bytes()));
        let checksum = checksum(&out);
        out[CHECKSUM..SECTIONS].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Opens a buffer that [`Table::to_bytes`] made, here or in another process. Everything in it is checked first.
    ///
    /// # Errors
    /// [`Code::Unsupported`] when another version of this library, or one with another catalogue, made it;
    /// [`Code::InvalidArgument`] when it is damaged or no such buffer at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Table> {
        let reader = Reader(bytes);
        if !bytes.starts_with(MAGIC) {
            return Err(damaged("it does not start as one"));
        }
        let version = reader.u32(8)?;
        if version != VERSION {
            let message = format!("the Table is of format {version}; this library reads format {VERSION}");
            return Err(Error::new(Code::Unsupported, message));
        }
        let print = reader.u64(16)?;
        let found = Kind::from_number(reader.u32(12)?).and_then(|kind| Some((kind, layout_of(kind, print)?)));
        let Some((kind, layout)) = found else {
            let message = "the Table was made with another catalogue; make it again with this version of the library";
            return Err(Error::new(Code::Unsupported, message));
        };
        if checksum(bytes) != reader.u64(CHECKSUM)? {
            return Err(damaged("its checksum is wrong"));
        }
        let count = |number: usize| reader.u32(36 + 4 * number);
        let table = Table {
            kind,
            layout,
            rows: reader.u32(32)?,
            seed: reader.u64(24)?,
            report: Report {
                rejected: count(0)?,
                duplicate_ids: count(1)?,
                ambiguous_names: count(2)?,
                other_types: count(3)?,
                unknown_properties: count(4)?,
            },
            records: reader.section(0)?.into(),
            ids: read_index(reader.section(1)?)?,
            names: read_index(reader.section(2)?)?,
            text: std::str::from_utf8(reader.section(3)?).map_err(|_| damaged("its text is not UTF-8"))?.into(),
        };
        table.check()?;
        Ok(table)
    }

    /// Whether every read of a Table from outside works and tells what its records say.
    fn check(&self) -> Result<()> {
        let rows = self.len();
        let named = self.layout.symbolic != usize::MAX;
        if rows > index::MAX_ROWS || rows.checked_mul(self.layout.stride) != Some(self.records.len()) {
            return Err(damaged("its records do not fit its number of rows"));
        }
        if rows > 0 && !pool::is_valid(&self.text, pool::EMPTY) {
            return Err(damaged("its text does not start with the empty one"));
        }
        if !index::is_valid(&self.ids, rows) || !index::is_valid(&self.names, if named { rows } else { 0 }) {
            return Err(damaged("an index points nowhere"));
        }
        for row in 0..self.rows {
            self.check_record(row).map_err(|what| damaged(&format!("row {row}: {what}")))?;
        }
        // Now that all reads work: whether the indexes find what there is.
        for row in 0..self.rows {
            let found = self.find_id(&self.id(row)) == Some(row) && self.is_found_by_name(row);
            if !found {
                return Err(damaged(&format!("row {row}: an index does not know it")));
            }
        }
        Ok(())
    }

    fn check_record(&self, row: u32) -> Result<(), &'static str> {
        let properties = self.kind.row().properties;
        let is_text = |offset: [u8; 4]| pool::is_valid(&self.text, u32::from_le_bytes(offset));
        for i in 0..MAX_PROPERTIES {
            let ty = properties.get(i).map(|property| property.ty);
            let most = match ty {
                None => 0,
                Some(Type::Bool) => TRUE,
                Some(_) => PRESENT,
            };
            if self.nibble(row, i) > most {
                return Err("a state that does not exist");
            }
            let in_pool = ty == Some(Type::Text) && i != self.layout.symbolic;
            if in_pool && !is_text(*self.field(row, usize::from(self.layout.slots[i]))) {
                return Err("a text that is not there");
            }
        }
        if !is_text(*self.field(row, self.layout.extra)) {
            return Err("a text that is not there");
        }
        if self.extra(row).is_some_and(|extra| serde_json::from_str::<Members<'_>>(extra).is_err()) {
            return Err("unknown properties that are not JSON");
        }
        if self.layout.symbolic == usize::MAX {
            return Ok(());
        }
        let name = self.name_key(row).to_le_bytes();
        let (rest, sound) = match name[NAME_SIZE - 1] {
            LONG_NAME => (4, is_text([name[0], name[1], name[2], name[3]])),
            len => (usize::from(len), usize::from(len) < NAME_SIZE - 1),
        };
        if !sound || name[rest..NAME_SIZE - 1].iter().any(|byte| *byte != 0) {
            return Err("a name that is not there");
        }
        std::str::from_utf8(self.text_bytes(row, self.layout.symbolic)).map_err(|_| "a name that is not UTF-8")?;
        Ok(())
    }

    /// Whether a row without a name, or the index by name finds it: alone, or as one of several.
    fn is_found_by_name(&self, row: u32) -> bool {
        let Some(name) = self.name(row).filter(|name| !name.is_empty()) else { return true };
        match self.find_only(name) {
            Some(only) => only == row,
            None => self.is_ambiguous(name),
        }
    }
}

/// The layout of a kind with this fingerprint: the catalogue's, or one with another property as the symbolic name.
fn layout_of(kind: Kind, print: u64) -> Option<&'static Layout> {
    let others = (0..kind.row().properties.len()).map(|property| Layout::named_by(kind, property));
    std::iter::once(Layout::of(kind)).chain(others).find(|layout| fingerprint(kind, layout) == print)
}

/// What the records of a kind look like, as a number: the order, names, types and places of all properties.
fn fingerprint(kind: Kind, layout: &Layout) -> u64 {
    let mut text = format!("{} {} {} {}", kind.name(), layout.stride, layout.state, layout.symbolic);
    for (property, slot) in kind.row().properties.iter().zip(layout.slots) {
        text.push_str(&format!("; {} {} {slot}", property.name, property.ty.name()));
    }
    xxh3_64(text.as_bytes())
}

fn checksum(bytes: &[u8]) -> u64 {
    let (start, rest) = (bytes.get(..CHECKSUM), bytes.get(SECTIONS..));
    xxh3_64_with_seed(rest.unwrap_or_default(), xxh3_64(start.unwrap_or_default()))
}

fn write_index(buckets: &[Bucket], out: &mut Vec<u8>) {
    for bucket in buckets {
        out.extend(bucket.head.to_le_bytes());
        bucket.rows.iter().for_each(|row| out.extend(row.to_le_bytes()));
    }
}

fn read_index(bytes: &[u8]) -> Result<Box<[Bucket]>> {
    let (buckets, rest) = bytes.as_chunks::<{ size_of::<Bucket>() }>();
    if !rest.is_empty() {
        return Err(damaged("an index is cut short"));
    }
    let read = |bytes: &[u8; size_of::<Bucket>()]| {
        let (head, rows) = bytes.split_first_chunk::<16>().expect("a bucket has more than its head");
        let (numbers, _) = rows.as_chunks::<4>();
        let mut rows = [0; ENTRIES];
        rows.iter_mut().zip(numbers).for_each(|(row, bytes)| *row = u32::from_le_bytes(*bytes));
        Bucket { head: u128::from_le_bytes(*head), rows }
    };
    Ok(buckets.iter().map(read).collect())
}

fn damaged(what: &str) -> Error {
    Error::new(Code::InvalidArgument, format!("these bytes are no sealed Table, or a damaged one: {what}"))
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn u32(&self, at: usize) -> Result<u32> {
        self.get(at, 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(too_short)
    }

    fn u64(&self, at: usize) -> Result<u64> {
        self.get(at, 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(too_short)
    }

    fn section(&self, number: usize) -> Result<&'b [u8]> {
        let (start, len) = (self.u64(SECTIONS + 16 * number)?, self.u64(SECTIONS + 16 * number + 8)?);
        match (usize::try_from(start), usize::try_from(len)) {
            (Ok(start), Ok(len)) if start >= HEADER && start % ALIGN == 0 => self.get(start, len),
            _ => Err(damaged("a section is nowhere")),
        }
    }

    fn get(&self, start: usize, len: usize) -> Result<&'b [u8]> {
        start.checked_add(len).and_then(|end| self.0.get(start..end)).ok_or_else(too_short)
    }
}

fn too_short() -> Error {
    damaged("it is cut short")
}

/// The checksum of bytes that a test changed, put right, so that the other checks are reached.
#[cfg(test)]
pub(super) fn seal_again(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        let checksum = checksum(bytes);
        bytes[CHECKSUM..SECTIONS].copy_from_slice(&checksum.to_le_bytes());
    }
}

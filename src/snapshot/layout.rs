//! How a record of each kind is laid out: computed from the catalogue, at compile time.
//!
//! A record is `id` (16 bytes) | name (16, kinds with a symbolic name) | state (8) | extra (4) | one slot for each other
//! property (text 4, integer 8, boolean none). The state holds a nibble for each property, see [`State`]. The two keys stand
//! in front, side by side, because a look-up by one most often reads the other.

use crate::catalog::{Kind, RESOURCES, Resource, Type};

pub(crate) const ID: usize = 0;
pub(crate) const NAME: usize = 16;
/// The bytes of the name in the record; a longer one is in the text pool.
pub(crate) const NAME_SIZE: usize = 16;

/// A name of up to 14 bytes as it stands in a record, little endian: its bytes, zeros, its length. `None` for a longer one:
/// its record holds its offset in the text pool and [`LONG_NAME`] in place of the length.
#[inline]
pub(crate) fn short_name(name: &[u8]) -> Option<u128> {
    let len = name.len();
    // Two overlapping reads take all bytes without a loop; where they overlap they agree.
    let (low, high) = match len {
        0 => (0, 0),
        1..=3 => {
            let at = |i: usize| u64::from(name[i]) << (8 * i);
            (at(0) | at(len / 2) | at(len - 1), 0)
        }
        4..=7 => {
            let (start, end) = (name.first_chunk()?, name.last_chunk()?);
            (u64::from(u32::from_le_bytes(*start)) | u64::from(u32::from_le_bytes(*end)) << (8 * (len - 4)), 0)
        }
        8..=14 => {
            let (start, end) = (name.first_chunk()?, name.last_chunk()?);
            (u64::from_le_bytes(*start), (u64::from_le_bytes(*end) >> 8) >> (8 * (15 - len)))
        }
        _ => return None,
    };
    Some(u128::from(low) | u128::from(high | (len as u64) << 56) << 64)
}

/// What stands in place of the length of a name that is in the text pool.
pub(crate) const LONG_NAME: u8 = u8::MAX;

/// The most properties a kind may have: the state is 16 nibbles.
pub(crate) const MAX_PROPERTIES: usize = 16;

/// What the server said of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The property is not in the object.
    Missing,
    /// The property is `null`.
    Null,
    /// The value has another type than the catalogue says; it is kept as it was sent, reachable as raw JSON.
    OtherType,
    /// The value is there.
    Present,
}

pub(crate) const MISSING: u8 = 0;
pub(crate) const NULL: u8 = 1;
pub(crate) const OTHER: u8 = 2;
pub(crate) const PRESENT: u8 = 3;
/// A boolean that is true; [`PRESENT`] is false.
pub(crate) const TRUE: u8 = 4;

/// Where the properties of a kind are in its record.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Bytes of a record, a multiple of four.
    pub(crate) stride: usize,
    /// The property that is the symbolic name, or `usize::MAX`.
    pub(crate) symbolic: usize,
    /// The offset of the state.
    pub(crate) state: usize,
    /// The offset of the offset of what the catalogue does not know.
    pub(crate) extra: usize,
    /// The offset of each property's slot; for booleans unused.
    pub(crate) slots: [u16; MAX_PROPERTIES],
}

impl Layout {
    const fn of_row(row: &Resource) -> Layout {
        match &row.symbolic {
            Some(symbolic) => Layout::with_name(row, symbolic.property),
            None => Layout::with_name(row, usize::MAX),
        }
    }

    /// With this property as the symbolic name.
    const fn with_name(row: &Resource, symbolic: usize) -> Layout {
        let state = if symbolic == usize::MAX { NAME } else { NAME + NAME_SIZE };
        let extra = state + 8;
        let mut next = extra + 4;
        let mut slots = [0; MAX_PROPERTIES];
        let mut i = 0;
        while i < row.properties.len() {
            if i == symbolic {
                slots[i] = NAME as u16;
            } else {
                slots[i] = next as u16;
                next += match row.properties[i].ty {
                    Type::Text => 4,
                    Type::Int | Type::Millis => 8,
                    Type::Bool => 0,
                };
            }
            i += 1;
        }
        Layout { stride: next, symbolic, state, extra, slots }
    }

    /// The layout of a kind.
    pub(crate) fn of(kind: Kind) -> &'static Layout {
        &LAYOUTS[kind as usize - 1]
    }

    /// The layout of a kind in which this text property is the symbolic name, see [`overlay`](crate::overlay); for a kind
    /// without symbolic names its own.
    pub(crate) fn named_by(kind: Kind, property: usize) -> &'static Layout {
        &NAMED[kind as usize - 1][property]
    }
}

static NAMED: [[Layout; MAX_PROPERTIES]; RESOURCES.len()] = {
    let mut named = [const { [const { Layout::of_row(&RESOURCES[0]) }; MAX_PROPERTIES] }; RESOURCES.len()];
    let mut kind = 0;
    while kind < RESOURCES.len() {
        let row = &RESOURCES[kind];
        let mut i = 0;
        while i < MAX_PROPERTIES {
            let can = row.symbolic.is_some() && i < row.properties.len() && matches!(row.properties[i].ty, Type::Text);
            named[kind][i] = if can { Layout::with_name(row, i) } else { Layout::of_row(row) };
            i += 1;
        }
        kind += 1;
    }
    named
};

static LAYOUTS: [Layout; RESOURCES.len()] = {
    let mut layouts =
        [const { Layout { stride: 0, symbolic: 0, state: 0, extra: 0, slots: [0; MAX_PROPERTIES] } }; RESOURCES.len()];
    let mut i = 0;
    while i < RESOURCES.len() {
        layouts[i] = Layout::of_row(&RESOURCES[i]);
        i += 1;
    }
    layouts
};

/// The position of a property in its kind's row, at compile time; a name that the catalogue lacks does not compile.
pub(crate) const fn property(kind: Kind, name: &str) -> usize {
    let properties = RESOURCES[kind as usize - 1].properties;
    // `type` is a word of Rust, so its accessor is written `r#type`.
    let name = match name.as_bytes() {
        [b'r', b'#', name @ ..] => name,
        name => name,
    };
    let mut i = 0;
    while i < properties.len() {
        if same(properties[i].snake.as_bytes(), name) {
            return i;
        }
        i += 1;
    }
    panic!("the catalogue has no such property")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    if a.len() != b.len() {
        return false;
    }
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_its_bytes_and_its_length() {
        for len in 0..15 {
            let name = &b"abcdefghijklmno"[..len];
            let mut expected = [0; NAME_SIZE];
            expected[..len].copy_from_slice(name);
            expected[NAME_SIZE - 1] = len as u8;
            assert_eq!(short_name(name).map(u128::to_le_bytes), Some(expected));
        }
        assert_eq!(short_name(&[b'a'; 15]), None);
    }
}

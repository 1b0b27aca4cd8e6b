//! A flat open-addressing index: slots of (tag, row), found by hash, never removed from.
//!
//! It knows no keys: whoever asks says whether a row is the one. A slot is `tag << 32 | twins << 31 | (row + 1)`, zero when
//! empty. `twins` tells that later rows, which are not in the index, have the same key.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

const TWINS: u64 = 1 << 31;
const ROW: u64 = TWINS - 1;

/// The most rows an index can hold.
pub(crate) const MAX_ROWS: usize = (ROW - 1) as usize;

/// What an index says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No row has it.
    None,
    /// This row has it, and no other.
    One(u32),
    /// Several rows have it; this is the first.
    Many(u32),
}

#[inline]
pub(crate) fn hash_text(seed: u64, text: &[u8]) -> u64 {
    let mut hasher = FoldHasher::with_seed(seed, SharedSeed::global_fixed());
    hasher.write(text);
    hasher.finish()
}

#[inline]
pub(crate) fn hash_id(seed: u64, id: &[u8; 16]) -> u64 {
    let mut hasher = FoldHasher::with_seed(seed, SharedSeed::global_fixed());
    hasher.write_u128(u128::from_le_bytes(*id));
    hasher.finish()
}

/// The number of slots for this many rows: five for three, so that probing stays short.
pub(crate) fn slots_for(rows: usize) -> usize {
    if rows == 0 { 0 } else { rows * 5 / 3 + 1 }
}

#[inline]
fn home(hash: u64, slots: usize) -> usize {
    ((u128::from(hash) * slots as u128) >> 64) as usize
}

#[inline]
fn tag(hash: u64) -> u64 {
    hash << 32
}

/// Adds a row. `same` tells whether an earlier row has the same key: then that row is returned, its slot is marked, and
/// the new row is left out, so that a million rows of one key cost no more than a million keys.
pub(crate) fn insert(slots: &mut [u64], hash: u64, row: u32, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
    let mut at = home(hash, slots.len());
    loop {
        let slot = slots[at];
        if slot == 0 {
            slots[at] = tag(hash) | u64::from(row + 1);
            return None;
        }
        if slot & !(TWINS | ROW) == tag(hash) {
            let other = (slot & ROW) as u32 - 1;
            if same(other) {
                slots[at] |= TWINS;
                return Some(other);
            }
        }
        at = if at + 1 == slots.len() { 0 } else { at + 1 };
    }
}

/// Finds the row of a key.
#[inline]
pub(crate) fn find(slots: &[u64], hash: u64, mut same: impl FnMut(u32) -> bool) -> Found {
    if slots.is_empty() {
        return Found::None;
    }
    let mut at = home(hash, slots.len());
    loop {
        let slot = slots[at];
        if slot == 0 {
            return Found::None;
        }
        if slot & !(TWINS | ROW) == tag(hash) {
            let row = (slot & ROW) as u32 - 1;
            if same(row) {
                return if slot & TWINS == 0 { Found::One(row) } else { Found::Many(row) };
            }
        }
        at = if at + 1 == slots.len() { 0 } else { at + 1 };
    }
}

/// Whether an index that came from outside is sound: its rows exist, and it has an empty slot, so that probing ends.
pub(crate) fn is_valid(slots: &[u64], rows: usize) -> bool {
    slots.len() == slots_for(rows)
        && (slots.is_empty() || slots.contains(&0))
        && slots.iter().all(|slot| *slot == 0 || matches!((slot & ROW) as usize, row if row >= 1 && row <= rows))
}

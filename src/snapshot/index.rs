//! A flat hash index: from a key to a row, never removed from.
//!
//! It knows no keys: whoever asks says whether a row is the one. Its buckets are cache lines of twelve entries, each a tag
//! of eight bits and a row; a look-up compares the twelve tags at once, so it reads one line and seldom a wrong row. What
//! finds its bucket full goes to the next one and leaves a mark there.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The entries of a bucket.
pub(crate) const ENTRIES: usize = 12;
/// The buckets are filled to this many entries on average: few then overflow.
const FILL: usize = 9;

/// The most rows an index can hold.
pub(crate) const MAX_ROWS: usize = u32::MAX as usize - 1;

/// One cache line of an index. Entries are filled from the first on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    /// From the low bits up: the tag of each entry (eight bits), the marks, the number of entries taken (four bits).
    pub(crate) head: u128,
    pub(crate) rows: [u32; ENTRIES],
}

/// The mark of an entry: later rows, which are not in the index, have the same key.
const TWINS: u128 = 1 << (8 * ENTRIES);
/// The mark of a bucket: some key that belongs here is in a later bucket.
const PASSED: u128 = TWINS << ENTRIES;
const LEN: u32 = 124;

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

/// The hash of a key of sixteen bytes. Both factors depend on the seed: no key makes one zero but by luck.
#[inline]
pub(crate) fn hash_16(seed: u64, key: u128) -> u64 {
    let low = key as u64 ^ seed;
    let high = (key >> 64) as u64 ^ seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}

/// The hash of a key of any length.
pub(crate) fn hash_text(seed: u64, text: &[u8]) -> u64 {
    xxh3_64_with_seed(text, seed)
}

/// The number of buckets for this many rows.
pub(crate) fn buckets_for(rows: usize) -> usize {
    rows.div_ceil(FILL)
}

/// The bucket a key belongs to: by the high bits of its hash, where the tag is of the low ones.
#[inline]
fn home(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

#[inline]
fn next(at: usize, buckets: usize) -> usize {
    if at + 1 == buckets { 0 } else { at + 1 }
}

impl Bucket {
    /// The entries with a tag: the highest bit of each one's byte. Above the first there may be a wrong one, and for the
    /// tag 0 also an empty one; whoever asks compares the keys anyhow.
    #[inline]
    fn with_tag(&self, tag: u8) -> u128 {
        const ONES: u128 = u128::from_le_bytes([1; 16]);
        const HIGHS: u128 = (ONES << 7) & (TWINS - 1);
        let differing = self.head ^ u128::from_le_bytes([tag; 16]);
        differing.wrapping_sub(ONES) & !differing & HIGHS
    }

    #[inline]
    fn len(&self) -> usize {
        (self.head >> LEN) as usize
    }

    #[inline]
    fn found(&self, entry: usize) -> Found {
        let row = self.rows[entry];
        if self.head & (TWINS << entry) == 0 { Found::One(row) } else { Found::Many(row) }
    }
}

/// The entry of the first of `hits`.
#[inline]
fn first(hits: u128) -> usize {
    (hits.trailing_zeros() as usize / 8).min(ENTRIES - 1)
}

/// Adds a row. `same` tells whether an earlier row has the same key: then that row is returned, its entry is marked, and
/// the new row is left out, so that a million rows of one key cost no more than a million keys.
#[inline]
pub(crate) fn insert(buckets: &mut [Bucket], hash: u64, row: u32, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
    let tag = hash as u8;
    let mut at = home(hash, buckets.len());
    loop {
        let count = buckets.len();
        let bucket = &mut buckets[at];
        let len = bucket.len();
        let mut hits = bucket.with_tag(tag);
        while hits != 0 {
            let entry = first(hits);
            if entry < len && same(bucket.rows[entry]) {
                bucket.head |= TWINS << entry;
                return Some(bucket.rows[entry]);
            }
            hits &= hits - 1;
        }
        if len < ENTRIES {
            bucket.head += u128::from(tag) << (8 * len) | 1 << LEN;
            bucket.rows[len] = row;
            return None;
        }
        bucket.head |= PASSED;
        at = next(at, count);
    }
}

/// Finds the row of a key.
#[inline]
pub(crate) fn find(buckets: &[Bucket], hash: u64, same: impl Fn(u32) -> bool) -> Found {
    let at = home(hash, buckets.len());
    let Some(bucket) = buckets.get(at) else { return Found::None };
    let hits = bucket.with_tag(hash as u8);
    if hits != 0 {
        let entry = first(hits);
        if same(bucket.rows[entry]) {
            return bucket.found(entry);
        }
    }
    if hits & hits.wrapping_sub(1) == 0 && bucket.head & PASSED == 0 {
        return Found::None;
    }
    find_further(buckets, hash, at, same)
}

/// The rare rest of [`find`]: the first row with the key's tag was another's, or the bucket has overflowed.
#[cold]
#[inline(never)]
fn find_further(buckets: &[Bucket], hash: u64, mut at: usize, same: impl Fn(u32) -> bool) -> Found {
    loop {
        let bucket = &buckets[at];
        let mut hits = bucket.with_tag(hash as u8);
        while hits != 0 {
            let entry = first(hits);
            if same(bucket.rows[entry]) {
                return bucket.found(entry);
            }
            hits &= hits - 1;
        }
        if bucket.head & PASSED == 0 {
            return Found::None;
        }
        at = next(at, buckets.len());
    }
}

/// Whether an index that came from outside is sound: its rows exist, and some bucket ends every search.
pub(crate) fn is_valid(buckets: &[Bucket], rows: usize) -> bool {
    let sound = |bucket: &Bucket| bucket.len() <= ENTRIES && bucket.rows.iter().all(|row| (*row as usize) < rows);
    buckets.len() == buckets_for(rows)
        && buckets.iter().all(sound)
        && (buckets.is_empty() || buckets.iter().any(|bucket| bucket.head & PASSED == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        for rows in [0u32, 1, 9, 10, 100, 5_000] {
            let mut buckets = vec![Bucket::default(); buckets_for(rows as usize)];
            let hash = |key: u32| hash_16(7, u128::from(key / 2) * 3);
            for row in 0..rows {
                let twin = insert(&mut buckets, hash(row), row, |other| other / 2 == row / 2);
                assert_eq!(twin, (row % 2 == 1).then(|| row - 1));
            }
            for row in 0..rows {
                let found = find(&buckets, hash(row), |other| other / 2 == row / 2);
                let first = row / 2 * 2;
                assert_eq!(found, if first + 1 < rows { Found::Many(first) } else { Found::One(first) });
            }
            for key in rows + 1..rows + 100 {
                assert_eq!(find(&buckets, hash(key), |other| other / 2 == key / 2), Found::None);
            }
            assert!(is_valid(&buckets, rows as usize));
        }
    }

    #[test]
    fn a_full_bucket_overflows_into_the_next_and_around_the_end() {
        let rows = 2 * ENTRIES as u32 + 3;
        let mut buckets = vec![Bucket::default(); 3];
        let hash = u64::MAX; // The last bucket.
        for row in 0..rows {
            assert_eq!(insert(&mut buckets, hash, row, |_| false), None);
        }
        for row in 0..rows {
            assert_eq!(find(&buckets, hash, |other| other == row), Found::One(row));
        }
        assert_eq!(find(&buckets, hash, |_| false), Found::None);
        assert!(is_valid(&buckets, rows as usize));
        assert!(!is_valid(&buckets, rows as usize - 1));
        for bucket in &mut buckets {
            bucket.head |= PASSED;
        }
        assert!(!is_valid(&buckets, rows as usize), "a search for what is not there would not end");
    }
}

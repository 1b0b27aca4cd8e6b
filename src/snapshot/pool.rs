//! The text pool: every text with its length in front and a NUL behind, addressed by a 32-bit offset.
//!
//! The length is written in bytes below 0x80, so that the pool is one valid UTF-8 text and a slice of it needs no second
//! check: one byte below 0x40 is the length; a byte from 0x40 leads three bytes, 0x7f leads six.

use std::collections::TryReserveError;

/// The offset of the empty text, which every pool starts with.
pub(crate) const EMPTY: u32 = 0;

const SHORT: usize = 0x40;
const MEDIUM: usize = 0x3f << 14;

/// A pool that grows.
#[derive(Debug)]
pub(crate) struct PoolBuilder(String);

impl PoolBuilder {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut pool = String::with_capacity(bytes.max(2));
        pool.push_str("\0\0");
        PoolBuilder(pool)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn try_reserve(&mut self, bytes: usize) -> Result<(), TryReserveError> {
        self.0.try_reserve_exact(bytes)
    }

    /// Forgets everything behind `len`, which must come from [`PoolBuilder::len`].
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Adds a text; `None` when the pool would outgrow its 32-bit offsets.
    pub(crate) fn push(&mut self, text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(EMPTY);
        }
        let offset = u32::try_from(self.0.len()).ok().filter(|o| (*o as usize) + text.len() + 8 < u32::MAX as usize)?;
        let len = text.len();
        if len < SHORT {
            self.0.push(len as u8 as char);
        } else if len < MEDIUM {
            self.push_bits(0x40 | (len >> 14) as u8, len, 2);
        } else {
            self.push_bits(0x7f, len, 5);
        }
        self.0.push_str(text);
        self.0.push('\0');
        Some(offset)
    }

    fn push_bits(&mut self, lead: u8, len: usize, bytes: u32) {
        self.0.push(char::from(lead));
        for i in (0..bytes).rev() {
            self.0.push(char::from(((len >> (7 * i)) & 0x7f) as u8));
        }
    }

    /// Whether this text stands at an offset that [`PoolBuilder::push`] gave.
    pub(crate) fn holds(&self, offset: u32, text: &str) -> bool {
        get_bytes(&self.0, offset) == text.as_bytes()
    }

    pub(crate) fn finish(self) -> Box<str> {
        self.0.into_boxed_str()
    }
}

/// The text at an offset that [`PoolBuilder::push`] gave.
#[inline]
pub(crate) fn get(pool: &str, offset: u32) -> &str {
    let (start, len) = span(pool.as_bytes(), offset as usize);
    &pool[start..start + len]
}

/// The same as bytes, without the check that the slice starts and ends on characters.
#[inline]
pub(crate) fn get_bytes(pool: &str, offset: u32) -> &[u8] {
    let (start, len) = span(pool.as_bytes(), offset as usize);
    &pool.as_bytes()[start..start + len]
}

#[inline]
fn span(pool: &[u8], offset: usize) -> (usize, usize) {
    let lead = usize::from(pool[offset]);
    if lead < SHORT { (offset + 1, lead) } else { long_span(pool, offset, lead) }
}

#[cold]
fn long_span(pool: &[u8], offset: usize, lead: usize) -> (usize, usize) {
    let (first, bytes) = if lead == 0x7f { (0, 5) } else { (lead & 0x3f, 2) };
    let len = pool[offset + 1..offset + 1 + bytes].iter().fold(first, |len, b| len << 7 | usize::from(*b));
    (offset + 1 + bytes, len)
}

/// Whether a text of a pool that came from outside stands at `offset`, whole and NUL-terminated.
pub(crate) fn is_valid(pool: &str, offset: u32) -> bool {
    let (bytes, offset) = (pool.as_bytes(), offset as usize);
    let Some(&lead) = bytes.get(offset) else { return false };
    let header = match lead {
        0..0x40 => 1,
        0x7f => 6,
        _ => 3,
    };
    if offset + header > bytes.len() || bytes[offset..offset + header].iter().any(|b| *b >= 0x80) {
        return false;
    }
    let (start, len) = span(bytes, offset);
    let Some(end) = start.checked_add(len) else { return false };
    bytes.get(end) == Some(&0) && pool.is_char_boundary(start) && pool.is_char_boundary(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_come_back_nul_terminated() {
        let mut pool = PoolBuilder::with_capacity(0);
        let texts: Vec<String> = [0, 1, 63, 64, 127, 128, 16_383, 16_384, MEDIUM - 1, MEDIUM, MEDIUM + 5]
            .iter()
            .map(|n| if *n < 4 { "x".repeat(*n) } else { format!("ä{}ü", "y".repeat(n - 4)) })
            .collect();
        let offsets: Vec<u32> = texts.iter().map(|t| pool.push(t).unwrap()).collect();
        let pool = pool.finish();
        for (text, offset) in texts.iter().zip(offsets) {
            assert_eq!(get(&pool, offset), text);
            assert_eq!(get_bytes(&pool, offset), text.as_bytes());
            assert!(is_valid(&pool, offset));
            let end = get(&pool, offset).as_ptr() as usize - pool.as_ptr() as usize + text.len();
            assert_eq!(pool.as_bytes()[end], 0);
        }
        assert!(!is_valid(&pool, pool.len() as u32));
        assert!(!is_valid("\u{5}ab\0", 0));
        assert!(!is_valid("\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}ab\0", 0));
    }
}

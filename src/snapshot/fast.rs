//! Reads an item of the usual shape quickly, and gives up on any other.
//!
//! The usual shape: an object whose keys the catalogue knows, in any order but mostly the same; strings without escapes;
//! values of the catalogue's types. It never accepts what serde_json would refuse.

use uuid::Uuid;

use super::build::{raw_value, skip_space};
use super::builder::{Builder, Key};
use super::layout::{MISSING, NULL, PRESENT, TRUE};
use super::slow;
use crate::catalog::Type;

/// Reads the item at `at` and says where it ends; `None` to leave it to [`slow`](super::slow).
pub(super) fn item(builder: &mut Builder, text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = open(bytes, at)?;
    for position in 0.. {
        let (key, name, value) = key(builder, text, at, position)?;
        at = match key {
            Key::Id => id(builder, bytes, value)?,
            Key::Property(property) => property_value(builder, text, value, property)?,
            Key::Group(first) => group(builder, text, value, first)?,
            Key::Unknown => unknown(builder, text, name, value)?,
        };
        at = skip_space(bytes, at);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return (builder.has_id() || builder.is_singleton()).then_some(at + 1),
            _ => return None,
        }
    }
    None
}

/// Behind the brace of a non-empty object.
fn open(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at)? == &b'{').then(|| skip_space(bytes, at + 1))
}

/// The key at `at`, its text, and where its value starts. What stood at this position in the item before is tried first.
fn key<'t>(builder: &mut Builder, text: &'t str, at: usize, position: usize) -> Option<(Key, &'t str, usize)> {
    let bytes = text.as_bytes();
    if let Some(&guess) = builder.order.get(position) {
        let (name, key) = builder.keys[guess];
        if is_key(bytes, at, name) {
            return Some((key, name_at(text, at, name.len()), colon(bytes, at + name.len() + 2)?));
        }
    }
    let (name, end) = plain_string(text, at)?;
    let value = colon(bytes, end)?;
    let Some(found) = builder.keys.iter().position(|(known, _)| *known == name) else {
        return Some((Key::Unknown, name, value));
    };
    if position < builder.order.len() {
        builder.order[position] = found;
    } else if position < 64 {
        builder.order.resize(position + 1, found);
    }
    Some((builder.keys[found].1, name, value))
}

fn is_key(bytes: &[u8], at: usize, name: &str) -> bool {
    bytes.get(at) == Some(&b'"')
        && bytes[at + 1..].starts_with(name.as_bytes())
        && bytes.get(at + 1 + name.len()) == Some(&b'"')
}

fn name_at(text: &str, at: usize, len: usize) -> &str {
    &text[at + 1..at + 1 + len]
}

fn colon(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_space(bytes, at);
    (bytes.get(at)? == &b':').then(|| skip_space(bytes, at + 1))
}

fn id(builder: &mut Builder, bytes: &[u8], at: usize) -> Option<usize> {
    let text = bytes.get(at..at + 38)?;
    if text[0] != b'"' || text[37] != b'"' {
        return None;
    }
    let id = Uuid::try_parse_ascii(&text[1..37]).ok()?;
    builder.set_id(id).then_some(at + 38)
}

fn group(builder: &mut Builder, text: &str, at: usize, first: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = open(bytes, at)?;
    loop {
        let (name, end) = plain_string(text, at)?;
        let value = colon(bytes, end)?;
        let members = &builder.groups.iter().find(|(position, _)| *position == first)?.1;
        let (_, Key::Property(property)) = *members.iter().find(|(known, _)| *known == name)? else { return None };
        at = skip_space(bytes, property_value(builder, text, value, property)?);
        match bytes.get(at)? {
            b',' => at = skip_space(bytes, at + 1),
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

fn property_value(builder: &mut Builder, text: &str, at: usize, property: usize) -> Option<usize> {
    if builder.nibble(property) != MISSING {
        return None;
    }
    let rest = &text.as_bytes()[at..];
    if rest.starts_with(b"null") {
        builder.set_nibble(property, NULL);
        return Some(at + 4);
    }
    let (nibble, end) = match builder.kind().row().properties[property].ty {
        Type::Text => {
            let (value, end) = plain_string(text, at)?;
            builder.set_text(property, value)?;
            (PRESENT, end)
        }
        Type::Bool if rest.starts_with(b"true") => (TRUE, at + 4),
        Type::Bool if rest.starts_with(b"false") => (PRESENT, at + 5),
        Type::Bool => return None,
        Type::Int | Type::Millis => {
            let (value, len) = integer(rest)?;
            builder.set_int(property, value);
            (PRESENT, at + len)
        }
    };
    builder.set_nibble(property, nibble);
    Some(end)
}

/// An integer of at most 18 digits, without the forms that are rare (`-0`, fractions, exponents).
fn integer(bytes: &[u8]) -> Option<(i64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let digits = &bytes[usize::from(negative)..];
    let len = digits.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
    let usual = match digits.first()? {
        b'0' => len == 1 && !negative,
        _ => (1..=18).contains(&len),
    };
    if !usual || matches!(digits.get(len), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let value = digits[..len].iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some((if negative { -value } else { value }, len + usize::from(negative)))
}

fn unknown(builder: &mut Builder, text: &str, name: &str, at: usize) -> Option<usize> {
    let (value, end) = raw_value(text, at).ok()?;
    if slow::is_too_deep(value, builder.limits.depth) || value.len() > builder.limits.text {
        return None;
    }
    // The name is plain: between its quotes it is JSON already.
    builder.keep(&format!("\"{name}\""), value);
    Some(end)
}

/// The string at `at` and the position behind it, if it has no escape and no control character.
fn plain_string(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let end = plain_end(bytes, at + 1)?;
    Some((&text[at + 1..end], end + 1))
}

/// The position of the closing quote, eight bytes at a time.
fn plain_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The lowest bit that is set marks the first byte that is below `limit`, exactly.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let escape = word ^ (ONES * u64::from(b'\\'));
        let stop = below(quote, 1) | below(escape, 1) | below(word, 0x20);
        if stop != 0 {
            at += stop.trailing_zeros() as usize / 8;
            return (bytes[at] == b'"').then_some(at);
        }
        at += 8;
    }
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' | 0..0x20 => return None,
            _ => at += 1,
        }
    }
}

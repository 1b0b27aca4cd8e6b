//! Reads any item that serde_json can read, and keeps whatever the catalogue did not expect as raw JSON.

use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::builder::{Builder, Key};
use super::json::{Members, json_string};
use super::layout::{MISSING, NULL, OTHER, PRESENT, TRUE};
use crate::catalog::Type;

/// Reads an item from its own JSON; `None` to reject it.
pub(super) fn item(builder: &mut Builder, raw: &str) -> Option<()> {
    if !raw.starts_with('{') || is_too_deep(raw, builder.limits.depth) {
        return None;
    }
    for (name, value) in members(raw)? {
        match lookup(&builder.keys, &name) {
            Key::Id => id(builder, value)?,
            Key::Property(property) => {
                if !property_value(builder, property, value)? {
                    builder.keep(&json_string(&name), value);
                }
            }
            Key::Group(first) => group(builder, first, &name, value)?,
            Key::Unknown if value.len() > builder.limits.text => return None,
            Key::Unknown => builder.keep(&json_string(&name), value),
        }
    }
    (builder.has_id() || builder.is_singleton()).then_some(())
}

fn members(raw: &str) -> Option<impl Iterator<Item = (String, &str)>> {
    let Members(members) = serde_json::from_str(raw).ok()?;
    Some(members.into_iter().map(|(name, value): (String, &RawValue)| (name, value.get())))
}

fn lookup(keys: &[(&str, Key)], name: &str) -> Key {
    keys.iter().find(|(known, _)| *known == name).map_or(Key::Unknown, |(_, key)| *key)
}

fn id(builder: &mut Builder, value: &str) -> Option<()> {
    let text: Cow<'_, str> = serde_json::from_str(value).ok()?;
    let id = Uuid::try_parse(&text).ok().filter(|_| text.len() == 36)?;
    builder.set_id(id).then_some(())
}

/// Stores a property's value; false when it has another type and must be kept raw. `None` to reject the item.
fn property_value(builder: &mut Builder, property: usize, value: &str) -> Option<bool> {
    if builder.nibble(property) != MISSING {
        return None; // A key that occurs twice: which one is true is not known.
    }
    if value == "null" {
        builder.set_nibble(property, NULL);
        return Some(true);
    }
    let nibble = match builder.kind().row().properties[property].ty {
        Type::Text => match serde_json::from_str::<String>(value) {
            Ok(text) => {
                builder.set_text(property, &text)?;
                Some(PRESENT)
            }
            Err(_) => None,
        },
        Type::Bool => match value {
            "true" => Some(TRUE),
            "false" => Some(PRESENT),
            _ => None,
        },
        // `-0` would come back as `0`.
        Type::Int | Type::Millis => match serde_json::from_str::<i64>(value) {
            Ok(number) if value != "-0" => {
                builder.set_int(property, number);
                Some(PRESENT)
            }
            _ => None,
        },
    };
    if nibble.is_none() {
        if value.len() > builder.limits.text {
            return None;
        }
        builder.count_other_type();
    }
    builder.set_nibble(property, nibble.unwrap_or(OTHER));
    Some(nibble.is_some())
}

/// A nested object: its known members become properties, the others are kept under the same name.
fn group(builder: &mut Builder, first: usize, name: &str, value: &str) -> Option<()> {
    if !value.starts_with('{') {
        if value != "null" {
            builder.count_other_type();
        }
        if value.len() > builder.limits.text {
            return None;
        }
        builder.keep(&json_string(name), value);
        return Some(());
    }
    let keys = builder.groups.iter().find(|(position, _)| *position == first)?.1.clone();
    let mut others = String::new();
    let mut stored = false;
    for (member, value) in members(value)? {
        let is_stored = match lookup(&keys, &member) {
            Key::Property(property) => property_value(builder, property, value)?,
            _ => false,
        };
        stored |= is_stored;
        if !is_stored {
            others.push(if others.is_empty() { '{' } else { ',' });
            others.push_str(&json_string(&member));
            others.push(':');
            others.push_str(value);
        }
    }
    if !others.is_empty() {
        others.push('}');
    } else if !stored {
        others.push_str("{}");
    }
    if others.len() > builder.limits.text {
        return None;
    }
    if !others.is_empty() {
        builder.keep(&json_string(name), &others);
    }
    Some(())
}

/// Whether valid JSON is nested deeper than `limit` levels.
pub(super) fn is_too_deep(json: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    false
}

//! What the sample says of the properties: the catalogue's, and unknown ones. Names and types, never values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::report::{KindCheck, PropertyCheck, UnknownProperty};
use super::resources::Sample;
use crate::catalog::{Kind, Property, Type};

/// So many unknown properties of a kind are told of.
const MOST_UNKNOWN: usize = 64;
/// So much of a name is told.
const LONGEST_NAME: usize = 60;

pub(super) fn examine(sample: &Sample) -> Vec<KindCheck> {
    Kind::ALL.into_iter().map(|kind| examine_kind(sample, kind)).collect()
}

fn examine_kind(sample: &Sample, kind: Kind) -> KindCheck {
    let objects: Vec<&Map<String, Value>> = sample.of(kind).iter().map(|instance| &instance.object).collect();
    let properties = kind.row().properties;
    KindCheck {
        kind,
        sampled: objects.len(),
        asked_by_id: 0,
        found_by_id: 0,
        properties: properties.iter().map(|property| count(&objects, property)).collect(),
        unknown: unknown(&objects, properties),
        symbolic_name: None,
    }
}

fn count(objects: &[&Map<String, Value>], property: &'static Property) -> PropertyCheck {
    let mut check = PropertyCheck {
        name: property.name,
        r#type: property.ty.name(),
        mark: property.mark.letter(),
        present: 0,
        null: 0,
        missing: 0,
        other_type: 0,
        other_types: BTreeMap::new(),
    };
    for object in objects {
        match value(object, property.name) {
            None => check.missing += 1,
            Some(Value::Null) => check.null += 1,
            Some(value) if fits(value, property.ty) => check.present += 1,
            Some(value) => {
                check.other_type += 1;
                *check.other_types.entry(type_of(value)).or_default() += 1;
            }
        }
    }
    check
}

/// The value of a property; a dot in its name leads into a nested object.
pub(super) fn value<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    match name.split_once('.') {
        None => object.get(name),
        Some((outer, inner)) => match object.get(outer)? {
            Value::Object(object) => object.get(inner),
            Value::Null => Some(&Value::Null),
            _ => None,
        },
    }
}

fn fits(value: &Value, ty: Type) -> bool {
    match ty {
        Type::Text => value.is_string(),
        Type::Bool => value.is_boolean(),
        Type::Int | Type::Millis => value.is_i64(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unknown(objects: &[&Map<String, Value>], known: &[Property]) -> Vec<UnknownProperty> {
    let mut seen: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let mut add = |name: String, value: &Value| {
        if seen.len() < MOST_UNKNOWN || seen.contains_key(&name) {
            *seen.entry(name).or_default().entry(type_of(value)).or_default() += 1;
        }
    };
    let groups = |name: &str| known.iter().any(|p| p.name.split_once('.').is_some_and(|(outer, _)| outer == name));
    for object in objects {
        for (name, value) in object.iter().filter(|(name, _)| *name != "id") {
            match value {
                Value::Object(inner) if groups(name) => {
                    for (member, value) in inner {
                        let name = format!("{name}.{member}");
                        if known.iter().all(|property| property.name != name) {
                            add(clean(&name), value);
                        }
                    }
                }
                Value::Null if groups(name) => {}
                _ if groups(name) => add(clean(name), value),
                _ if known.iter().all(|property| property.name != name) => add(clean(name), value),
                _ => {}
            }
        }
    }
    seen.into_iter().map(|(name, types)| UnknownProperty { name, types }).collect()
}

/// A name that may stand in a terminal.
fn clean(name: &str) -> String {
    name.chars().take(LONGEST_NAME).flat_map(char::escape_debug).take(2 * LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_cannot_move_the_cursor() {
        let object: Map<String, Value> =
            serde_json::from_str(r#"{"id":1,"a\u001b[2J":1,"callerId":{"number":"1","x":[]},"did":null}"#).unwrap();
        let unknown = unknown(&[&object], Kind::CallSegment.row().properties);
        let names: Vec<_> = unknown.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(names, ["a\\u{1b}[2J", "callerId.x"]);
    }
}

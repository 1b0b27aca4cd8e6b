//! Objects of the model as JSON, property by property as the catalogue lists them.

use std::io::Write;

use super::world::table::{Entity, Value};
use crate::catalog::{Kind, Type};

/// Writes an object. A property the model does not know gets the empty value of its type, so that a new row of the
/// catalogue shows up at once.
pub(crate) fn write(kind: Kind, row: &dyn Entity, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":");
    value(Value::Id(row.id()), out);
    let mut nested: Option<&str> = None;
    for property in kind.row().properties {
        let (outer, name) = match property.name.split_once('.') {
            Some((outer, name)) => (Some(outer), name),
            None => (None, property.name),
        };
        if nested != outer {
            if nested.is_some() {
                out.push(b'}');
            }
            if let Some(outer) = outer {
                out.push(b',');
                text(outer, out);
                out.extend_from_slice(b":{");
            }
            nested = outer;
        }
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        match (row.property(property.name), property.ty) {
            (Value::Unknown, Type::Text) => value(Value::Text(""), out),
            (Value::Unknown, Type::Bool) => value(Value::Bool(false), out),
            (Value::Unknown, Type::Int) => value(Value::Int(0), out),
            (Value::Unknown, Type::Millis) => value(Value::Int(-1), out),
            (known, _) => value(known, out),
        }
    }
    if nested.is_some() {
        out.push(b'}');
    }
    for (name, extra) in row.extra() {
        out.push(b',');
        text(name, out);
        out.push(b':');
        value(extra, out);
    }
    out.push(b'}');
}

fn value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(s) => text(s, out),
        Value::Id(id) => {
            out.push(b'"');
            out.extend_from_slice(id.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
            out.push(b'"');
        }
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        // Writing to memory cannot fail.
        Value::Int(n) => drop(write!(out, "{n}")),
        Value::Null | Value::Unknown => out.extend_from_slice(b"null"),
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    // Writing text to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::config::SandboxConfig;
    use crate::sandbox::world::World;

    #[test]
    fn the_model_knows_every_property_of_the_catalogue() {
        let mut world = World::new(&SandboxConfig::new().calls_at_start(1));
        let core = world.cores.remove(0);
        for kind in Kind::ALL {
            let row: &dyn Entity = match core.rows(kind) {
                Some(rows) => rows.keys().next().and_then(|key| rows.row(key)).unwrap(),
                None => &core,
            };
            for property in kind.row().properties {
                assert_ne!(row.property(property.name), Value::Unknown, "{kind} {}", property.name);
            }
            let mut out = Vec::new();
            write(kind, row, &mut out);
            let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
            for property in kind.row().properties {
                let pointer = format!("/{}", property.name.replace('.', "/"));
                assert!(json.pointer(&pointer).is_some(), "{kind} {}", property.name);
            }
        }
    }
}

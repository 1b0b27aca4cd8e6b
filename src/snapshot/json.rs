//! A row back as JSON: every value as it was sent, the catalogue's properties first.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::layout::{MISSING, NULL, OTHER};
use super::table::Table;
use crate::catalog::Type;

impl Table {
    /// Writes a row as the JSON object it was read from: every value as it was sent, the catalogue's properties first.
    pub fn write_json(&self, row: u32, out: &mut String) {
        let _ = write!(out, "{{\"id\":\"{}\"", self.id(row));
        let extra: Vec<(String, &RawValue)> = self.extra(row).map(parse_extra).unwrap_or_default();
        let properties = self.kind.row().properties;
        let mut i = 0;
        while i < properties.len() {
            let Some((group, _)) = properties[i].name.split_once('.') else {
                if self.nibble(row, i) != MISSING && self.nibble(row, i) != OTHER {
                    let _ = write!(out, ",\"{}\":", properties[i].name);
                    self.write_value(row, i, out);
                }
                i += 1;
                continue;
            };
            let end = i + properties[i..].iter().take_while(|p| in_group(p.name, group)).count();
            self.write_group(row, group, i..end, &extra, out);
            i = end;
        }
        for (name, value) in &extra {
            if !self.is_merged(row, name, value) {
                let _ = write!(out, ",{}:{}", json_string(name), value.get());
            }
        }
        out.push('}');
    }

    /// A nested object: the known members, then the unknown ones from the extra object of the same name.
    fn write_group(
        &self,
        row: u32,
        group: &str,
        members: std::ops::Range<usize>,
        extra: &[(String, &RawValue)],
        out: &mut String,
    ) {
        if members.clone().all(|i| matches!(self.nibble(row, i), MISSING | OTHER)) {
            return; // What there is stands whole in the extra object.
        }
        let _ = write!(out, ",\"{group}\":{{");
        let mut first = true;
        for i in members {
            if matches!(self.nibble(row, i), MISSING | OTHER) {
                continue;
            }
            let name = &self.property(i).name[group.len() + 1..];
            let _ = write!(out, "{}\"{name}\":", if first { "" } else { "," });
            self.write_value(row, i, out);
            first = false;
        }
        for (name, value) in extra.iter().filter(|(name, _)| name == group).flat_map(|(_, v)| parse_extra(v.get())) {
            let _ = write!(out, ",{}:{}", json_string(&name), value.get());
        }
        out.push('}');
    }

    /// Whether [`Table::write_group`] has written this member of the extra object.
    fn is_merged(&self, row: u32, name: &str, value: &RawValue) -> bool {
        value.get().starts_with('{')
            && self
                .kind
                .row()
                .properties
                .iter()
                .enumerate()
                .any(|(i, property)| in_group(property.name, name) && !matches!(self.nibble(row, i), MISSING | OTHER))
    }

    fn write_value(&self, row: u32, property: usize, out: &mut String) {
        let _ = match (self.nibble(row, property), self.property(property).ty) {
            (NULL, _) => write!(out, "null"),
            (_, Type::Text) => write!(out, "{}", json_string(self.text(row, property).unwrap_or_default())),
            (_, Type::Bool) => write!(out, "{}", self.bool(row, property).unwrap_or_default()),
            (_, Type::Int | Type::Millis) => write!(out, "{}", self.int(row, property).unwrap_or_default()),
        };
    }

    /// The row as the text of a JSON object, see [`Table::write_json`].
    pub fn json(&self, row: u32) -> String {
        let mut out = String::new();
        self.write_json(row, &mut out);
        out
    }
}

fn in_group(name: &str, group: &str) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

fn parse_extra(text: &str) -> Vec<(String, &RawValue)> {
    serde_json::from_str::<Members<'_>>(text).map(|members| members.0).unwrap_or_default()
}

/// The members of a JSON object in their order, each value as it was sent; duplicate keys stay.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A text as a JSON string.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

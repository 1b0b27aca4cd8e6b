//! The filter that a client of the Event API may set: which events it wants.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Selects in: for every property one of its values must fit; `*` fits any. Without properties everything is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter(HashMap<String, Vec<String>>);

impl Filter {
    /// Reads `{"type":"filter","filters":[{"property":"type","value":"hangup"}]}`.
    pub(crate) fn parse(message: &str) -> Result<Filter, String> {
        let message: Value = serde_json::from_str(message).map_err(|e| format!("the message is not JSON: {e}"))?;
        if message["type"] != "filter" {
            return Err(format!("the type {} is not known; filter is", message["type"]));
        }
        let rows = message["filters"].as_array().ok_or("the property filters must be a list")?;
        let mut filter = Filter::default();
        for row in rows {
            let property = row["property"].as_str().ok_or("a filter has no property")?;
            let value = text(&row["value"]).ok_or("a filter has no value")?;
            filter.0.entry(property.to_owned()).or_default().push(value);
        }
        Ok(filter)
    }

    /// An event that lacks a filtered property is not wanted.
    pub(crate) fn admits(&self, event: &Map<String, Value>) -> bool {
        self.0.iter().all(|(property, values)| {
            let value = event.get(property).and_then(text);
            value.is_some_and(|value| values.iter().any(|wanted| wanted == "*" || *wanted == value))
        })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(filters: &str, event: &str) -> bool {
        let filter = Filter::parse(&format!(r#"{{"type":"filter","filters":{filters}}}"#)).unwrap();
        filter.admits(&serde_json::from_str(event).unwrap())
    }

    #[test]
    fn values_of_one_property_add_and_properties_restrict() {
        let hangup = r#"{"type":"hangup","port":5,"userId":"u"}"#;
        assert!(admits("[]", hangup));
        assert!(admits(r#"[{"property":"type","value":"hangup"}]"#, hangup));
        assert!(admits(r#"[{"property":"type","value":"dial"},{"property":"type","value":"hangup"}]"#, hangup));
        assert!(!admits(r#"[{"property":"type","value":"hangup"},{"property":"userId","value":"v"}]"#, hangup));
        assert!(admits(r#"[{"property":"port","value":"5"},{"property":"userId","value":"*"}]"#, hangup));
        assert!(admits(r#"[{"property":"port","value":5}]"#, hangup));
        assert!(!admits(r#"[{"property":"queueId","value":"*"}]"#, hangup));
        assert!(!admits(r#"[{"property":"userId","value":"*"}]"#, r#"{"userId":null}"#));
    }

    #[test]
    fn other_messages_are_refused_with_a_reason() {
        for bad in ["", "[]", "{}", r#"{"type":"filter"}"#, r#"{"type":"filter","filters":[{"property":"x"}]}"#] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}

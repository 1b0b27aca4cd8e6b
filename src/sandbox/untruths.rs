//! Answers that are whole and well formed, and say what is not so.
//!
//! What is wrong follows from the true answer alone, so that the same answer is always damaged in the same way.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::faults::Fault;
use super::http::Answer;
use super::rng::Rng;
use crate::catalog::{Kind, Shape, SubId};
use crate::path::Path;

/// What an object might say of what it belongs to.
const PARENTS: [&str; 4] = ["coreServerId", "userId", "extensionId", "queueId"];

/// What is asked for.
pub(crate) struct Asked {
    /// The path.
    pub(crate) path: Path,
    /// The id of the object that it is below.
    pub(crate) above: Option<Uuid>,
}

impl Fault {
    /// Whether it damages what a true answer says.
    pub(crate) fn is_untrue(&self) -> bool {
        matches!(self, Fault::WrongTypes | Fault::DuplicateIds | Fault::DanglingParents)
    }

    /// The answer with what is wrong in it; what is no JSON stays as it is.
    pub(crate) fn falsify(&self, answer: Answer, asked: &Asked) -> Answer {
        let Ok(mut json) = serde_json::from_slice(&answer.body) else { return answer };
        match self {
            Fault::WrongTypes => objects(&mut json).enumerate().for_each(|(n, object)| wrong_types(object, n)),
            Fault::DuplicateIds => duplicate_ids(&mut json, asked.above),
            Fault::DanglingParents => dangling_parents(&mut json, asked),
            _ => return answer,
        }
        Answer { body: std::sync::Arc::new(json.to_string().into_bytes()), ..answer }
    }
}

/// The objects of a list, or the one that it is.
fn objects(json: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let all = match json {
        Value::Array(items) => items.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    all.iter_mut().filter_map(Value::as_object_mut)
}

/// Every value but the id becomes one of another type: which one takes turns, from value to value and from object to object.
fn wrong_types(object: &mut Map<String, Value>, turn: usize) {
    let values = object.iter_mut().filter(|(name, _)| *name != "id");
    for (turn, (_, value)) in (turn..).zip(values) {
        match value {
            Value::Object(inner) if turn.is_multiple_of(2) => wrong_types(inner, turn),
            _ => *value = of_another_type(value, turn),
        }
    }
}

fn of_another_type(value: &Value, turn: usize) -> Value {
    let number = value.as_str().and_then(|text| text.parse::<i64>().ok()).unwrap_or(7);
    let all = [json!(number), json!({"is": "an object"}), json!(["a list"]), Value::Null, json!(true), json!("a text")];
    let is_other = |other: &&Value| std::mem::discriminant(*other) != std::mem::discriminant(value);
    let others: Vec<_> = all.iter().filter(is_other).collect();
    others[turn % others.len()].clone()
}

/// Each object of a list comes once more, with other values; and one has the id of what the list is below. A single object has
/// the id of what it is below.
fn duplicate_ids(json: &mut Value, above: Option<Uuid>) {
    let taken = above.map(|above| json!(above.to_string()));
    match json {
        Value::Array(items) => {
            let mut more = items.clone();
            more.iter_mut().for_each(change);
            if let (Some(mut item), Some(taken)) = (more.last().cloned(), taken) {
                item["id"] = taken;
                more.push(item);
            }
            items.append(&mut more);
        }
        Value::Object(object) => object.extend(taken.map(|taken| ("id".to_owned(), taken))),
        _ => {}
    }
}

/// Gives everything but the id another value.
fn change(value: &mut Value) {
    match value {
        Value::Object(object) => object.iter_mut().filter(|(name, _)| *name != "id").for_each(|(_, v)| change(v)),
        Value::String(text) => text.push_str(" again"),
        Value::Bool(is) => *is = !*is,
        Value::Number(number) => *value = json!(number.as_i64().unwrap_or_default() + 1),
        Value::Null | Value::Array(_) => {}
    }
}

/// Each object names others that do not exist; and what an object has of a kind with a list of its own, is not in that list.
fn dangling_parents(json: &mut Value, asked: &Asked) {
    for object in objects(json) {
        let id = object.get("id").map(Value::to_string).unwrap_or_default();
        let references = object.iter_mut().filter(|(name, _)| name.ends_with("Id") && *name != "configurationId");
        references.filter(|(_, value)| value.is_string()).for_each(|(name, value)| *value = nowhere(&id, name));
        for name in PARENTS {
            object.insert(name.to_owned(), nowhere(&id, name));
        }
    }
    let Some(sub) = asked.path.steps().last().filter(|step| step.selector.is_none()).and_then(|step| step.sub) else {
        return;
    };
    if sub.row().parent == Kind::CoreServer || SubId::own_list(sub.row().kind).is_none() {
        return;
    }
    let id = nowhere(&asked.above.unwrap_or_default().to_string(), sub.row().segment);
    match (sub.row().shape, json) {
        (Shape::List, Value::Array(items)) => {
            let mut item = items.first().cloned().unwrap_or_else(|| json!({}));
            item["id"] = id;
            items.push(item);
        }
        (_, json) => objects(json).for_each(|object| _ = object.insert("id".to_owned(), id.clone())),
    }
}

/// An id that nothing has, always the same for the same object and reference.
fn nowhere(of: &str, reference: &str) -> Value {
    let seed = of.bytes().chain(reference.bytes()).fold(0u64, |seed, byte| seed.wrapping_mul(257) ^ u64::from(byte));
    json!(Rng::new(seed, u64::MAX).uuid().to_string())
}

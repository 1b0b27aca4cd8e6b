//! The laws of building a Table, for any body.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::build::{Limits, build};
use super::table::{ByName, Table};
use crate::catalog::{Kind, Shape, Type};
use crate::error::Code;

fn table(kind: Kind, body: &str) -> Table {
    Table::from_json(kind, Shape::List, body.as_bytes(), &Limits::default()).unwrap()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z0-9 *#ä€]{0,20}", 1 => "\\PC{0,80}", 1 => "[\\x00-\\x1f\"\\\\]{0,4}", 1 => Just("x".repeat(70))]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn usual_value(ty: Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Text => any_text().prop_map(Value::from).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Type::Int | Type::Millis => any::<i64>().prop_map(Value::from).boxed(),
    }
}

/// An object of the kind: each property there or not, of its type or not; unknown members; nested ones.
pub(super) fn any_object(kind: Kind) -> impl Strategy<Value = Value> {
    let properties: Vec<_> = kind
        .row()
        .properties
        .iter()
        .map(|p| {
            let value = prop_oneof![8 => usual_value(p.ty), 1 => any_value(), 1 => Just(Value::Null)];
            proptest::option::weighted(0.9, value).prop_map(|value| (p.name, value))
        })
        .collect();
    let unknown = proptest::collection::vec(("z[a-z]{1,6}", any_value()), 0..2);
    (any::<u128>(), properties, unknown, any::<bool>()).prop_map(|(id, properties, unknown, id_last)| {
        let mut object = Map::new();
        let id = Value::from(Uuid::from_u128(id).to_string());
        if !id_last {
            object.insert("id".into(), id.clone());
        }
        for (name, value) in properties {
            let Some(value) = value else { continue };
            match name.split_once('.') {
                None => {
                    object.insert(name.into(), value);
                }
                Some((outer, inner)) => {
                    if let Some(nested) = object.entry(outer).or_insert_with(|| json!({})).as_object_mut() {
                        nested.insert(inner.into(), value);
                    }
                }
            }
        }
        object.extend(unknown);
        object.insert("id".into(), id);
        Value::Object(object)
    })
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn any_list() -> impl Strategy<Value = (Kind, Vec<Value>)> {
    any_kind().prop_flat_map(|kind| (Just(kind), proptest::collection::vec(any_object(kind), 0..12)))
}

fn same(a: &Table, b: &Table) -> bool {
    a.len() == b.len() && a.report() == b.report() && (0..a.len() as u32).all(|row| a.same_row(row, b, row))
}

proptest! {
    #[test]
    fn every_object_comes_back_as_it_was_sent((kind, objects) in any_list()) {
        let table = table(kind, &Value::from(objects.clone()).to_string());
        prop_assert_eq!(table.len() + table.report().duplicate_ids as usize, objects.len());
        let mut seen = std::collections::HashSet::new();
        let kept = objects.iter().filter(|object| seen.insert(object["id"].clone()));
        for (row, object) in kept.enumerate() {
            let back: Value = serde_json::from_str(&table.json(row as u32)).unwrap();
            prop_assert_eq!(&back, object);
            let id = object["id"].as_str().unwrap().parse().unwrap();
            prop_assert_eq!(table.find_id(&id), Some(row as u32));
        }
    }

    #[test]
    fn names_are_found_or_ambiguous((kind, objects) in any_list()) {
        let table = table(kind, &Value::from(objects).to_string());
        for row in 0..table.len() as u32 {
            let Some(name) = table.name(row).filter(|name| !name.is_empty()) else { continue };
            let rows: Vec<u32> = (0..table.len() as u32).filter(|r| table.name(*r) == Some(name)).collect();
            let expected = if rows.len() == 1 { ByName::One(row) } else { ByName::Many(rows) };
            prop_assert_eq!(table.find_name(name), expected);
            prop_assert_eq!(table.find_name(&format!("{name}\u{1}?")), ByName::None);
        }
    }

    #[test]
    fn the_fast_reader_and_the_slow_one_agree((kind, objects) in any_list(), pretty in any::<bool>()) {
        let list = Value::from(objects);
        let body = if pretty { serde_json::to_string_pretty(&list).unwrap() } else { list.to_string() };
        let fast = build(kind, Shape::List, body.as_bytes(), &Limits::default(), true).unwrap();
        let slow = build(kind, Shape::List, body.as_bytes(), &Limits::default(), false).unwrap();
        prop_assert!(same(&fast, &slow), "{:?} {:?}", fast.report(), slow.report());
    }

    /// Cut, changed and doubled bytes: the two readers agree, and nothing is accepted that is not JSON.
    #[test]
    fn damage_never_passes_for_json(
        (kind, objects) in any_list(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut body = Value::from(objects).to_string().into_bytes();
        for (index, byte, what) in edits {
            let at = index.index(body.len());
            match what {
                0 => body[at] = byte,
                1 => body.truncate(at.max(1)),
                _ => body.insert(at, byte),
            }
        }
        let fast = build(kind, Shape::List, &body, &Limits::default(), true);
        let slow = build(kind, Shape::List, &body, &Limits::default(), false);
        match (&fast, &slow) {
            (Ok(fast), Ok(slow)) => prop_assert!(same(fast, slow)),
            (Err(_), Err(_)) => {}
            _ => prop_assert!(false, "{fast:?} {slow:?}"),
        }
        if fast.is_ok() && let Ok(text) = std::str::from_utf8(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body)) {
            prop_assert!(serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn a_sealed_table_opens_as_it_was((kind, objects) in any_list()) {
        let table = table(kind, &Value::from(objects).to_string());
        let bytes = table.to_bytes();
        let opened = Table::from_bytes(&bytes).unwrap();
        prop_assert!(same(&table, &opened));
        for row in 0..table.len() as u32 {
            prop_assert_eq!(table.json(row), opened.json(row));
            prop_assert_eq!(opened.find_id(&table.id(row)), Some(row));
            let name = table.name(row).unwrap_or_default();
            prop_assert_eq!(table.find_name(name), opened.find_name(name));
        }
        prop_assert_eq!(bytes, opened.to_bytes());
    }

    /// Whatever was done to the bytes, opening them fails or gives a Table of which every read works.
    #[test]
    fn a_damaged_sealed_table_is_refused_or_reads_well(
        (kind, objects) in any_list(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..8u8), 1..6),
        honest in prop::bool::weighted(0.1),
    ) {
        let mut bytes = table(kind, &Value::from(objects).to_string()).to_bytes();
        let original = bytes.clone();
        for (index, byte, what) in edits {
            let at = index.index(bytes.len());
            match what {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.insert(at, byte),
                2 => bytes[at] = 0,
                3 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes[at] = byte,
            }
        }
        if honest {
            prop_assert!(bytes == original || Table::from_bytes(&bytes).is_err());
        }
        super::sealed::seal_again(&mut bytes);
        if let Ok(opened) = Table::from_bytes(&bytes) {
            for row in 0..opened.len() as u32 {
                prop_assert_eq!(opened.find_id(&opened.id(row)), Some(row));
                prop_assert!(serde_json::from_str::<Value>(&opened.json(row)).is_ok());
                for property in 0..opened.kind().row().properties.len() {
                    let _ = (opened.state(row, property), opened.bool(row, property));
                    let is_text = opened.kind().row().properties[property].ty == Type::Text;
                    let _ = is_text && opened.text(row, property).map(str::len) == Some(opened.text_bytes(row, property).len());
                }
                let _ = (opened.name(row), opened.find_name(opened.name(row).unwrap_or_default()));
            }
            let _ = (opened.find_name("4224"), opened.find_id(&Uuid::from_u128(7)));
        }
    }

    #[test]
    fn any_bytes_build_or_err(body in proptest::collection::vec(any::<u8>(), 0..200), kind in any_kind()) {
        let _ = Table::from_json(kind, Shape::List, &body, &Limits::default());
        let _ = Table::from_json(kind, Shape::Singleton, &body, &Limits::default());
    }
}

const A: &str = "00000000-0000-4000-8000-00000000000a";
const B: &str = "00000000-0000-4000-8000-00000000000b";

#[test]
fn one_bad_item_does_not_lose_the_rest() {
    let good = format!(r#"{{"id":"{A}","extensionNumber":"1"}}"#);
    let deep = format!(r#"{{"id":"{B}","x":{}{}}}"#, "[".repeat(70), "]".repeat(70));
    let long = format!(r#"{{"id":"{B}","displayName":"{}"}}"#, "x".repeat(70_000));
    let twice = format!(r#"{{"id":"{B}","displayName":"a","displayName":"b"}}"#);
    for bad in ["null", "7", "[]", "{}", r#"{"id":null}"#, r#"{"id":"4224"}"#, &deep, &long, &twice] {
        let table = table(Kind::Extension, &format!("[{bad},{good}]"));
        assert_eq!((table.len(), table.report().rejected), (1, 1), "{bad}");
        assert_eq!(table.find_name("1"), ByName::One(0));
    }
}

#[test]
fn values_that_have_no_text_form_stay_as_raw_json() {
    let body = format!(r#"[{{"id":"{A}","extensionNumber":"\ud800","displayName":"a\u0000b","big":1e400}}]"#);
    let table = table(Kind::Extension, &body);
    assert_eq!(table.text(0, 1), Some("a\0b"));
    assert_eq!(table.extra(0), Some(r#"{"extensionNumber":"\ud800","big":1e400}"#));
    assert_eq!((table.report().other_types, table.report().rejected), (1, 0));
}

#[test]
fn a_byte_order_mark_is_skipped_and_bad_utf8_costs_its_item_only() {
    let mut body = b"\xEF\xBB\xBF[".to_vec();
    body.extend(format!(r#"{{"id":"{A}","displayName":"x"}},"#).bytes());
    body.extend(format!(r#"{{"id":"{B}","displayName":""#).bytes());
    body.extend(b"\xff\xfe\"}]");
    let table = Table::from_json(Kind::Extension, Shape::List, &body, &Limits::default()).unwrap();
    assert_eq!((table.len(), table.report().rejected), (1, 1));
}

#[test]
fn of_many_damaged_items_each_costs_itself_alone() {
    let items = 20_000;
    let mut body = b"[".to_vec();
    for n in 0..items {
        let end: &[u8] = if n % 4 == 0 { b"a\"}," } else { b"\xff\xff\"}," };
        body.extend(
            format!(r#"{{"id":"{}","extensionNumber":""#, Uuid::from_u128(n)).bytes().chain(end.iter().copied()),
        );
    }
    *body.last_mut().unwrap() = b']';
    let table = Table::from_json(Kind::Extension, Shape::List, &body, &Limits::default()).unwrap();
    assert_eq!((table.len(), table.report().rejected), (items as usize / 4, items as u32 / 4 * 3));
    assert!((0..items).all(|n| table.find_id(&Uuid::from_u128(n)).is_some() == (n % 4 == 0)));
}

#[test]
fn a_body_that_is_no_list_is_refused_whole() {
    let item = format!(r#"{{"id":"{A}"}}"#);
    for body in [
        "",
        " ",
        "null",
        "{}",
        "<html>",
        "[",
        "[null]",
        "[{}]",
        "[]x",
        &item,
        &format!("[{item}"),
        &format!("[{item},]"),
    ] {
        let error = Table::from_json(Kind::User, Shape::List, body.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(error.code(), Code::BadAnswer, "{body}");
    }
    assert_eq!(table(Kind::User, " [ ] ").len(), 0);
    for body in ["", "null", "[]", "{", "5"] {
        assert!(
            Table::from_json(Kind::Status, Shape::Singleton, body.as_bytes(), &Limits::default()).is_err(),
            "{body}"
        );
    }
    let statistics =
        Table::from_json(Kind::Statistics, Shape::Singleton, br#"{"callsTaken":3}"#, &Limits::default()).unwrap();
    assert_eq!(statistics.extra(0), Some(r#"{"callsTaken":3}"#));
}

#[test]
fn repeated_ids_and_names_are_told() {
    let body = format!(
        r#"[{{"id":"{A}","extensionNumber":"1"}},{{"id":"{A}","extensionNumber":"2"}},{{"id":"{B}","extensionNumber":"1"}}]"#
    );
    let table = table(Kind::Extension, &body);
    assert_eq!((table.len(), table.report().duplicate_ids, table.report().ambiguous_names), (2, 1, 1));
    assert_eq!(table.find_name("1"), ByName::Many(vec![0, 1]));
    assert_eq!(table.find_name("2"), ByName::None);
}

#[test]
fn a_hundred_thousand_levels_cost_neither_the_stack_nor_the_list() {
    let body = format!("[{}{},{{\"id\":\"{A}\"}}]", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(table(Kind::User, &body).len(), 1);
    assert!(Table::from_json(Kind::User, Shape::List, "[".repeat(100_000).as_bytes(), &Limits::default()).is_err());
}

#[test]
fn bytes_of_another_version_or_catalogue_are_unsupported() {
    let bytes = table(Kind::Extension, &format!(r#"[{{"id":"{A}","extensionNumber":"1"}}]"#)).to_bytes();
    assert_eq!(Table::from_bytes(&bytes).unwrap().find_name("1"), ByName::One(0));
    for (at, code) in
        [(0, Code::InvalidArgument), (8, Code::Unsupported), (12, Code::Unsupported), (16, Code::Unsupported)]
    {
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        assert_eq!(Table::from_bytes(&other).unwrap_err().code(), code, "{at}");
    }
    for at in (64..bytes.len()).chain([24, 32, 36]) {
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        let opened = Table::from_bytes(&other);
        assert!(opened.is_err(), "{at}");
    }
    for len in 0..bytes.len() {
        assert!(Table::from_bytes(&bytes[..len]).is_err());
    }
    assert_eq!(Table::from_bytes(&Table::empty(Kind::User).to_bytes()).unwrap().len(), 0);
}

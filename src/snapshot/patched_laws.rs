//! The laws of a list of which instances were read alone: it reads as one that was built from what is true now.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::collection::{Address, Collection};
use super::draft::Draft;
use super::laws::any_object;
use super::{ChangeKind, Limits, Resource, Snapshot, Source, Table, Target};
use crate::catalog::{Kind, KindSet, Shape, SubId};
use crate::clock::Moment;

const CORE: Uuid = Uuid::from_u128(1);
const IDS: u128 = 9;
/// Few names, so that they change hands: none, short ones, one that is too long for a record.
const NAMES: [&str; 5] = ["", "a", "b", "*72", "a name of more than fourteen bytes"];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(1000 + number)
}

fn sub(kind: Kind) -> SubId {
    SubId::of(Kind::CoreServer).find(|sub| sub.row().kind == kind).unwrap()
}

/// An instance with one of few ids and one of few names.
fn any_instance(kind: Kind) -> impl Strategy<Value = Value> {
    (any_object(kind), 0..IDS, proptest::option::weighted(0.9, 0..NAMES.len())).prop_map(
        move |(object, number, name)| {
            let mut object = object;
            let members = object.as_object_mut().unwrap();
            if let Some(property) = kind.row().symbolic_property() {
                members.remove(property.name);
                members.extend(name.map(|name| (property.name.to_owned(), Value::from(NAMES[name]))));
            }
            members.insert("id".to_owned(), Value::from(id(number).to_string()));
            object
        },
    )
}

/// A list, and what is read of single instances later.
fn any_history() -> impl Strategy<Value = (Kind, Vec<Value>, Vec<Value>)> {
    let kinds: Vec<Kind> = SubId::of(Kind::CoreServer).map(|sub| sub.row().kind).collect();
    prop::sample::select(kinds).prop_flat_map(|kind| {
        let some = || proptest::collection::vec(any_instance(kind), 0..9);
        (Just(kind), some(), some())
    })
}

fn number(instance: &Value) -> Uuid {
    instance["id"].as_str().unwrap().parse().unwrap()
}

/// What is true after another instance was read.
fn learn(truth: &mut Vec<Value>, instance: &Value) {
    match truth.iter_mut().find(|known| number(known) == number(instance)) {
        Some(known) => *known = instance.clone(),
        None => truth.push(instance.clone()),
    }
}

fn list(kind: Kind, truth: &[Value], asked: u64) -> Arc<Collection> {
    let body = Value::from(truth.to_vec()).to_string();
    let table = Table::from_json(kind, Shape::List, body.as_bytes(), &Limits::default()).unwrap();
    Arc::new(Collection::new(Address::list(CORE, sub(kind)), table, 7, Moment(asked)))
}

fn one(kind: Kind, instance: &Value, asked: u64) -> Arc<Collection> {
    let table = Table::from_json(kind, Shape::Singleton, instance.to_string().as_bytes(), &Limits::default()).unwrap();
    Arc::new(Collection::new(Address::list(CORE, sub(kind)), table, 8, Moment(asked)))
}

fn snapshot(list: &Arc<Collection>) -> Snapshot {
    let root = format!(r#"[{{"id":"{CORE}","slug":"default"}}]"#);
    let root = Table::from_json(Kind::CoreServer, Shape::List, root.as_bytes(), &Limits::default()).unwrap();
    let mut draft = Draft::new(Arc::new(Collection::new(Address::ROOT, root, 0, Moment(1))), |_| true);
    draft.server_mut(CORE).unwrap().put(list.clone());
    draft.finish(1, 1, Source::Replay, KindSet::ALL)
}

fn raw(resource: Option<Resource<'_>>) -> Option<String> {
    resource.map(|resource| format!("{} {:?} {}", resource.raw(), resource.extra(), resource.path()))
}

/// Every read of the two gives the same.
fn check_same(a: &Arc<Collection>, b: &Arc<Collection>) -> Result<(), TestCaseError> {
    let kind = a.kind();
    let (a, b) = (snapshot(a), snapshot(b));
    let of = |snapshot: &Snapshot, read: &dyn Fn(super::List<'_>) -> String| {
        read(snapshot.core_server("default").unwrap().sub(sub(kind)))
    };
    let same = |read: &dyn Fn(super::List<'_>) -> String| {
        prop_assert_eq!(of(&a, read), of(&b, read));
        Ok(())
    };
    prop_assert_eq!(a.size().0, b.size().0);
    same(&|list| format!("{} {:?}", list.len(), list.iter().map(|found| raw(Some(found))).collect::<Vec<_>>()))?;
    same(&|list| format!("{:?}", list.iter().rev().map(|found| found.id()).collect::<Vec<_>>()))?;
    same(&|list| format!("{:?}", raw(list.at(list.len()))))?;
    for name in NAMES.into_iter().chain(["nobody"]) {
        same(&|list| format!("{:?} {}", raw(list.find(name)), list.is_ambiguous(name)))?;
        same(&|list| format!("{:?}", list.by_name(name).map(|found| raw(Some(found))).map_err(|e| e.to_string())))?;
    }
    for number in 0..=IDS {
        same(&|list| format!("{:?}", raw(list.by_id(id(number)))))?;
        prop_assert_eq!(raw(a.by_id(id(number))), raw(b.by_id(id(number))));
    }
    for found in b.core_server("default").unwrap().sub(sub(kind)).iter() {
        for path in [found.path(), found.id_path()] {
            let there = a.resolve_path(&path).unwrap();
            prop_assert!(matches!(there, Target::One(same) if same == found), "{} {:?}", path, there);
        }
    }
    Ok(())
}

/// What the differences of two snapshots are, without any order.
fn differences(new: &Arc<Collection>, old: &Arc<Collection>) -> Vec<(Uuid, ChangeKind)> {
    let changes = snapshot(new).diff(&snapshot(old));
    let mut all: Vec<_> = changes.iter().map(|change| (change.resource().unwrap().id(), change.kind)).collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all
}

fn naive_differences(new: &[Value], old: &[Value]) -> Vec<(Uuid, ChangeKind)> {
    let by_id = |truth: &[Value]| truth.iter().map(|known| (number(known), known.clone())).collect::<HashMap<_, _>>();
    let (new, old) = (by_id(new), by_id(old));
    let all = (0..IDS).map(id).filter_map(|id| match (old.get(&id), new.get(&id)) {
        (None, Some(_)) => Some((id, ChangeKind::Added)),
        (Some(_), None) => Some((id, ChangeKind::Removed)),
        (Some(old), Some(new)) if old != new => Some((id, ChangeKind::Changed)),
        _ => None,
    });
    all.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_reads_as_if_it_was_built_from_what_is_true(
        (kind, first, later) in any_history(),
        whole in any::<prop::sample::Index>(),
    ) {
        let mut truth = Vec::new();
        first.iter().for_each(|instance| learn(&mut truth, instance));
        let base = list(kind, &truth, 100);
        let mut versions = vec![(base.clone(), truth.clone())];
        let mut patched = base;
        for (asked, instance) in (101..).zip(&later) {
            patched = patched.patched([one(kind, instance, asked)]);
            learn(&mut truth, instance);
            check_same(&patched, &list(kind, &truth, asked))?;
            // What was asked for earlier changes nothing.
            let old = one(kind, &first.first().unwrap_or(instance).clone(), 99);
            prop_assert!(Arc::ptr_eq(&patched, &patched.patched([old])));
            let snapshot = snapshot(&patched);
            let read = snapshot.by_id(number(instance)).unwrap();
            prop_assert_eq!(read.parts().1.confirmed(), Moment(asked));
            prop_assert_eq!(patched.confirmed(), Moment(100));
            prop_assert_eq!(patched.confirmed_of(Some(number(instance))), Moment(asked));
            prop_assert_eq!(patched.confirmed_of(Some(id(IDS))), Moment(100));
            versions.push((patched.clone(), truth.clone()));
        }
        // All at once.
        let all = versions[0].0.patched((101..).zip(&later).map(|(asked, instance)| one(kind, instance, asked)));
        check_same(&all, &patched)?;
        // As one buffer.
        let opened = Table::from_bytes(&patched.to_bytes().unwrap()).unwrap();
        let opened = Arc::new(Collection::new(patched.address, opened, 0, Moment(1)));
        check_same(&opened, &patched)?;
        // Between any two versions.
        for (new, new_truth) in &versions {
            for (old, old_truth) in &versions {
                let expected = naive_differences(new_truth, old_truth);
                prop_assert_eq!(differences(new, old), expected.clone());
                prop_assert_eq!(differences(&list(kind, new_truth, 1), old), expected.clone());
                prop_assert_eq!(differences(new, &list(kind, old_truth, 1)), expected);
            }
        }
        // The whole list, asked for in between, answers at the end: with another content, or as it was before.
        let half = whole.index(later.len() + 1);
        let asked = 100 + half as u64;
        // What was asked for later stands behind it in the order in which it was first heard of.
        let newer: Vec<Uuid> = patched.patches().filter(|row| row.confirmed() > Moment(asked)).map(|row| row.table().id(0)).collect();
        let rest = || newer.iter().filter_map(|id| later.iter().rev().find(|instance| number(instance) == *id));
        let mut now = versions[half].1.clone();
        now.reverse();
        let fresh = list(kind, &now, asked).patched(patched.patches().cloned());
        rest().for_each(|instance| learn(&mut now, instance));
        check_same(&fresh, &list(kind, &now, 1))?;
        let mut now = versions[0].1.clone();
        patched.confirm(Moment(asked));
        let settled = patched.settled();
        rest().for_each(|instance| learn(&mut now, instance));
        check_same(&settled, &list(kind, &now, 1))?;
        prop_assert_eq!(settled.patches().count() == 0, rest().count() == 0);
    }
}

#[test]
fn an_instance_that_only_the_list_had_is_gone_with_what_is_below_it() {
    let (kind, instance) = (Kind::User, |n| serde_json::json!({"id": id(n).to_string(), "userName": format!("{n}")}));
    let base = list(kind, &[instance(0)], 100);
    let patched = base.patched([one(kind, &instance(1), 101)]);
    let before = snapshot(&patched);
    let mut draft = Draft::from_snapshot(&before);
    let status = SubId::find(Kind::User, "status").unwrap();
    let body = format!(r#"{{"id":"{}"}}"#, id(5));
    let table = Table::from_json(Kind::Status, Shape::Singleton, body.as_bytes(), &Limits::default()).unwrap();
    let below = Address::below(CORE, id(1), status);
    draft.server_mut(CORE).unwrap().put(Arc::new(Collection::new(below, table, 0, Moment(102))));
    assert!(draft.get(&below).is_some() && draft.path(&below).is_some());
    base.confirm(Moment(103));
    draft.server_mut(CORE).unwrap().put(patched.settled());
    assert!(draft.get(&below).is_none() && draft.path(&below).is_none());
    let after = draft.finish(2, 1, Source::Live, KindSet::ALL);
    assert!(after.by_id(id(5)).is_none() && after.by_id(id(1)).is_none() && after.by_id(id(0)).is_some());
}

#[test]
fn a_list_is_no_younger_than_the_answer_that_undid_what_it_says() {
    let (kind, instance) = (Kind::User, |n, name| serde_json::json!({"id": id(n).to_string(), "userName": name}));
    let base = list(kind, &[instance(0, "a"), instance(1, "b")], 100);
    let patched = base.patched([one(kind, &instance(1, "c"), 101)]);
    let pinned = snapshot(&patched);
    // The server says again what the list said first.
    patched.confirm(Moment(102));
    let settled = patched.settled();
    let confirmed = |list: &Arc<Collection>, number| list.find_id(&id(number)).unwrap().0.confirmed();
    assert_eq!(
        (settled.confirmed(), confirmed(&settled, 0), confirmed(&settled, 1)),
        (Moment(102), Moment(102), Moment(102))
    );
    let patched = pinned.collection(&patched.address).unwrap();
    assert_eq!((confirmed(patched, 0), confirmed(patched, 1)), (Moment(102), Moment(101)));
    assert_eq!((patched.confirmed(), patched.confirmed_of(Some(id(1)))), (Moment(100), Moment(101)));
}

#[test]
fn many_patches_read_as_the_list_that_was_built_with_them() {
    let kind = Kind::Extension;
    let instance =
        |n: u128, name: u128| serde_json::json!({"id": id(n).to_string(), "extensionNumber": format!("{name}")});
    let mut truth: Vec<Value> = (0..1000).map(|n| instance(n, n % 990)).collect();
    let mut patched = list(kind, &truth, 100);
    for (n, asked) in (0..500u128).zip(101..) {
        // Old ones and new ones, some twice; names go from one to another.
        let changed = instance(n * 37 % 1200, n * 91 % 1100);
        patched = patched.patched([one(kind, &changed, asked)]);
        learn(&mut truth, &changed);
    }
    check_same(&patched, &list(kind, &truth, 1)).unwrap();
    assert!(patched.has_many_patches());
}

#[test]
fn memory_follows_the_patches() {
    let (kind, instance) = (Kind::User, |n: u128| serde_json::json!({"id": id(n).to_string(), "userName": "a"}));
    let all: Vec<Value> = (0..1000).map(instance).collect();
    let base = list(kind, &all, 100);
    let patched = base.patched((0..10).map(|n| one(kind, &instance(n), 101)));
    let more = patched.memory() - base.memory();
    assert!((10 * 200..10 * 1000).contains(&more), "{more}");
    assert!(
        !patched.has_many_patches()
            && patched.patched((0..40).map(|n| one(kind, &instance(n), 102))).has_many_patches()
    );
}

#[test]
fn bodies_of_single_instances_follow_those_of_lists() {
    let core_servers = format!(r#"[{{"id":"{CORE}","slug":"default"}}]"#);
    let body = |number, name: &str| format!(r#"{{"id":"{}","userName":"{name}"}}"#, id(number));
    let users = format!("[{},{}]", body(0, "a"), body(1, "b"));
    let lists = [("coreServers", core_servers.as_bytes()), ("coreServers/getByName/default/users", users.as_bytes())];
    let before = Snapshot::from_bodies(lists).unwrap();
    let path = |number| format!("coreServers/{CORE}/users/{}", id(number));
    let renamed = before.with_bodies([(&*path(0), body(0, "c").as_bytes())]).unwrap();
    let after = renamed.with_bodies([(&*path(2), body(2, "b").as_bytes())]).unwrap();
    assert_eq!(after.generation(), 3);
    let users = after.core_server("default").unwrap().users();
    assert_eq!((users.len(), users.find("a"), users.is_ambiguous("b")), (3, None, true));
    assert_eq!(users.find("c").unwrap().id(), id(0));
    for (path, body) in [
        (path(0), body(1, "c")),
        (path(0), format!("[{}]", body(0, "c"))),
        ("coreServers/getByName/default/users/getByName/a".to_owned(), body(0, "c")),
        (format!("{}/extensions/{}", path(0), id(5)), body(5, "c")),
        ("coreServers".to_owned(), core_servers.clone()),
    ] {
        assert!(before.with_bodies([(&*path, body.as_bytes())]).is_err(), "{path}");
    }
}

//! P1: an extension by name and by id on a pinned snapshot, against a hash map of owned objects.
//!
//! "Hot" asks for 1 000 names over and over in random order, "uniform" for any of all. Each lookup reads something of what
//! it finds, as a program would: its id (by name), or the first character of its number (by id).

mod harness;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use harness::world::{self, Permission};
use harness::{Random, compare};
use isymphony::Snapshot;
use isymphony::snapshot::List;
use uuid::Uuid;

const HOT: usize = 1_000;
const LOOKUPS: usize = 1 << 16;

struct Peer {
    by_name: HashMap<String, Arc<world::Extension>, RandomState>,
    by_id: HashMap<Uuid, Arc<world::Extension>, RandomState>,
}

fn main() {
    // A number as argument keeps to that size.
    let only: Option<usize> = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    for (count, rounds, goal) in [(1_000, 401, 0.9), (100_000, 151, 0.6), (1_000_000, 101, 0.6)] {
        if only.is_some_and(|only| only != count) {
            continue;
        }
        let body = world::extensions(count, Permission::Same);
        let snapshot = Snapshot::from_bodies([
            ("coreServers", world::CORE_SERVERS.as_bytes()),
            (world::EXTENSIONS, body.as_bytes()),
        ])
        .expect("the bodies are sound");
        let peer = peer(&body);
        drop(body);
        let extensions = snapshot.core_server("default").expect("it is there").extensions();
        let hot: Vec<usize> = {
            let mut random = Random::new(3);
            let some: Vec<usize> = (0..HOT).map(|_| random.below(count)).collect();
            (0..LOOKUPS).map(|_| some[random.below(HOT)]).collect()
        };
        let uniform: Vec<usize> = {
            let mut random = Random::new(4);
            (0..LOOKUPS).map(|_| random.below(count)).collect()
        };
        by_name(&extensions, &peer, &hot, &format!("lookup by name, {count} extensions, hot"), rounds, Some(goal));
        by_id(&extensions, &peer, &hot, &format!("lookup by id, {count} extensions, hot"), rounds);
        by_name(&extensions, &peer, &uniform, &format!("lookup by name, {count} extensions, uniform"), rounds, None);
        by_id(&extensions, &peer, &uniform, &format!("lookup by id, {count} extensions, uniform"), rounds);
    }
}

fn peer(body: &str) -> Peer {
    let owned: Vec<world::Extension> = serde_json::from_str(body).expect("the body is JSON");
    let owned: Vec<Arc<world::Extension>> = owned.into_iter().map(Arc::new).collect();
    Peer {
        by_name: owned.iter().map(|extension| (extension.extension_number.clone(), extension.clone())).collect(),
        by_id: owned.iter().map(|extension| (extension.id, extension.clone())).collect(),
    }
}

/// The names to ask for, in one text, so that reading the questions costs next to nothing.
fn names(list: &List<'_>, positions: &[usize]) -> (String, Vec<usize>) {
    let (mut text, mut ends) = (String::new(), Vec::new());
    for position in positions {
        text.push_str(list.at(*position).and_then(|found| found.name()).expect("it has a name"));
        ends.push(text.len());
    }
    (text, ends)
}

fn by_name(list: &List<'_>, peer: &Peer, positions: &[usize], what: &str, rounds: usize, goal: Option<f64>) {
    let (text, ends) = names(list, positions);
    let keys: Vec<&str> = ends.iter().scan(0, |start, end| Some(&text[std::mem::replace(start, *end)..*end])).collect();
    let ours = |key: &&str| list.find(key).expect("it is there").id().as_u128() as u64;
    let theirs = |key: &&str| peer.by_name[*key].id.as_u128() as u64;
    assert!(keys.iter().all(|key| ours(key) == theirs(key)));
    let compared = compare(rounds, LOOKUPS, || ask(&keys, ours), || ask(&keys, theirs));
    compared.print("P1", what, "HashMap<String, Arc<_>> with foldhash", goal);
    let compared = compare(rounds, LOOKUPS, || ask_all(&keys, ours), || ask_all(&keys, theirs));
    compared.print("P1", &format!("{what}, in a tight loop"), "the same map", None);
}

fn by_id(list: &List<'_>, peer: &Peer, positions: &[usize], what: &str, rounds: usize) {
    let keys: Vec<Uuid> = positions.iter().map(|position| list.at(*position).expect("it is there").id()).collect();
    let first = |name: &str| name.bytes().next().map_or(0, u64::from);
    let ours = |key: &Uuid| list.by_id(*key).and_then(|found| found.name()).map_or(0, first);
    let theirs = |key: &Uuid| first(&peer.by_id[key].extension_number);
    assert!(keys.iter().all(|key| ours(key) == theirs(key)));
    let compared = compare(rounds, LOOKUPS, || ask(&keys, ours), || ask(&keys, theirs));
    compared.print("P1", what, "HashMap<Uuid, Arc<_>> with foldhash", None);
    let compared = compare(rounds, LOOKUPS, || ask_all(&keys, ours), || ask_all(&keys, theirs));
    compared.print("P1", &format!("{what}, in a tight loop"), "the same map", None);
}

/// Asks for the keys one by one: which is next depends on what the one before gave, as where a program does something
/// with the answer before it asks again.
#[inline(always)]
fn ask<K>(keys: &[K], lookup: impl Fn(&K) -> u64) -> u64 {
    let nothing = std::hint::black_box(0);
    (0..keys.len()).fold(0, |answer, i| lookup(&keys[i ^ (answer as usize & nothing)]))
}

/// Asks for the keys in a tight loop: the processor works on several at once.
#[inline(always)]
fn ask_all<K>(keys: &[K], lookup: impl Fn(&K) -> u64) -> u64 {
    keys.iter().fold(0, |sum, key| sum.wrapping_add(lookup(key)))
}

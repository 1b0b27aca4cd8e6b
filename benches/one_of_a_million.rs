//! P9: one changed instance among 1 000 000, which an event told of: from its body to a snapshot that shows it, against building
//! the Table of all of them from their body. And what the look-ups of such a list cost.
//!
//! An instance that is read alone costs more the more were read alone before it; the figure is the mean of as many as there
//! can be until the list is read whole again.

mod harness;

use std::hint::black_box;
use std::time::{Duration, Instant};

use harness::world::{self, Permission};
use harness::{Random, compare, verdict};
use isymphony::Snapshot;
use isymphony::catalog::{Kind, Shape};
use isymphony::snapshot::{Limits, List, Table};
use uuid::Uuid;

const COUNT: usize = 1_000_000;
const CHANGES: usize = 1_000;
const ROUNDS: usize = 7;
const GOAL: f64 = 0.001;
const LOOKUPS: usize = 1 << 16;

fn main() {
    let body = world::extensions(COUNT, Permission::Same);
    let base =
        Snapshot::from_bodies([("coreServers", world::CORE_SERVERS.as_bytes()), (world::EXTENSIONS, body.as_bytes())])
            .expect("the bodies are sound");
    let changes = changes(&base);
    let (mut whole, mut alone, mut last) = (Vec::new(), Vec::new(), base.clone());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let table = Table::from_json(Kind::Extension, Shape::List, black_box(body.as_bytes()), &Limits::default());
        whole.push(start.elapsed());
        assert_eq!(table.expect("the body is sound").len(), COUNT);
        last = base.clone();
        let start = Instant::now();
        for (path, body) in &changes {
            last = last.with_bodies([(&**path, black_box(body.as_bytes()))]).expect("the body is sound");
        }
        alone.push(start.elapsed() / CHANGES as u32);
        assert!(changes.iter().all(|(_, body)| extensions(&last).find(number(body)).is_some()));
    }
    let first = first(&base, &changes[0]);
    let (whole, alone) = (quartile(whole), quartile(alone));
    let ratio = alone.as_secs_f64() / whole.as_secs_f64();
    println!(
        "P9  one changed instance of {COUNT} extensions: ours {alone:.1?} (the first {first:.1?}), building all {whole:.1?}, \
         ratio {ratio:.6}{}",
        verdict(ratio, Some(GOAL))
    );
    lookups(&base, &last);
}

fn extensions(snapshot: &Snapshot) -> List<'_> {
    snapshot.core_server("default").expect("it is there").extensions()
}

/// The path and the new body of some extensions: each has another number and another name.
fn changes(base: &Snapshot) -> Vec<(String, String)> {
    let mut random = Random::new(5);
    let mut change = |n: usize| {
        const PART: usize = COUNT / CHANGES;
        let extension = extensions(base).at(n * PART + random.below(PART)).expect("it is there");
        let number = extension.name().expect("it has a number");
        let raw = extension.raw().replace(&format!("\"{number}\""), &format!("\"new{n}\""));
        (format!("{}/{}", world::EXTENSIONS, extension.id()), raw)
    };
    (0..CHANGES).map(&mut change).collect()
}

fn number(body: &str) -> &str {
    let start = body.find("\"new").expect("it is a changed one") + 1;
    &body[start..start + body[start..].find('"').expect("the text ends")]
}

fn first(base: &Snapshot, (path, body): &(String, String)) -> Duration {
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let start = Instant::now();
        let after = base.with_bodies([(&**path, black_box(body.as_bytes()))]);
        times.push(start.elapsed());
        assert!(after.is_ok());
    }
    quartile(times)
}

fn quartile(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 4]
}

/// Look-ups one by one, hot, of a list with and without instances that were read alone.
fn lookups(base: &Snapshot, patched: &Snapshot) {
    let (base, patched) = (extensions(base), extensions(patched));
    let mut random = Random::new(3);
    let some: Vec<usize> = (0..1_000).map(|_| random.below(COUNT)).collect();
    let at: Vec<usize> = (0..LOOKUPS).map(|_| some[random.below(some.len())]).collect();
    let names: Vec<String> =
        at.iter().map(|at| base.at(*at).and_then(|e| e.name()).unwrap_or_default().into()).collect();
    let ids: Vec<Uuid> = at.iter().map(|at| base.at(*at).map(|e| e.id()).unwrap_or_default()).collect();
    let by_name = |list: &List<'_>| {
        let lookup = |answer: u64, i: usize| {
            list.find(&names[i ^ (answer as usize & black_box(0))]).map_or(0, |found| found.id().as_u128() as u64)
        };
        (0..LOOKUPS).fold(0, lookup)
    };
    let by_id = |list: &List<'_>| {
        let lookup = |answer: u64, i: usize| {
            list.by_id(ids[i ^ (answer as usize & black_box(0))]).map_or(0, |found| found.id().as_u128() as u64)
        };
        (0..LOOKUPS).fold(0, lookup)
    };
    let what = format!("of {COUNT} extensions with {CHANGES} that were read alone, hot");
    let compared = compare(101, LOOKUPS, || by_name(&patched), || by_name(&base));
    compared.print("P9", &format!("lookup by name {what}"), "without", None);
    let compared = compare(101, LOOKUPS, || by_id(&patched), || by_id(&base));
    compared.print("P9", &format!("lookup by id {what}"), "without", None);
    let all = |list: &List<'_>| list.iter().fold(0u64, |sum, found| sum.wrapping_add(found.id().as_u128() as u64));
    let compared = compare(11, COUNT, || all(&patched), || all(&base));
    compared.print("P9", "each of all in turn", "without", None);
}

//! P4, P5, P6: from the body to a Table; a poll that brought nothing new; memory.

mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use harness::world::{self, Permission};
use harness::{compare, verdict};
use isymphony::catalog::{Kind, Shape};
use isymphony::snapshot::{Limits, Table, digest};

const COUNT: usize = 100_000;
const ROUNDS: usize = 31;

fn main() {
    let same = world::extensions(COUNT, Permission::Same);
    let distinct = world::extensions(COUNT, Permission::Distinct);
    let calls = world::call_segments(COUNT);
    build::<world::Extension>("extensions", Kind::Extension, &same, Some(0.6));
    build::<world::Extension>("extensions, distinct permissionIds", Kind::Extension, &distinct, None);
    build::<world::CallSegment>("call segments", Kind::CallSegment, &calls, None);
    chosen_names();
    unchanged(&same);
    memory("extensions", Kind::Extension, &same, Some(0.7));
    memory("extensions, distinct permissionIds", Kind::Extension, &distinct, None);
    memory("call segments", Kind::CallSegment, &calls, None);
}

fn table(kind: Kind, body: &str) -> Table {
    Table::from_json(kind, Shape::List, body.as_bytes(), &Limits::default()).expect("the body is sound")
}

fn build<Owned: serde::de::DeserializeOwned>(what: &str, kind: Kind, body: &str, goal: Option<f64>) {
    let peer = || serde_json::from_slice::<Vec<Owned>>(body.as_bytes()).expect("the body is sound");
    let what = format!("body to Table with both indexes, {COUNT} {what}");
    compare(ROUNDS, 1, || table(kind, body), peer).print("P4", &what, "serde_json to a Vec of owned structs", goal);
}

/// A million names that all have one hash under a known function: 31 * 66 + 66 is 31 * 65 + 97. To us they are as good as any.
fn chosen_names() {
    let body = |block: fn(u32, u32) -> &'static str| {
        let items = (0..1u32 << 20).map(|n| {
            let name: String = (0..20).map(|bit| block(n, bit)).collect();
            format!(r#"{{"id":"{}","extensionNumber":"{name}"}}"#, uuid::Uuid::from_u128(u128::from(n) << 64 | 1))
        });
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    };
    let chosen = body(|n, bit| if n >> bit & 1 == 1 { "BB" } else { "Aa" });
    let usual = body(|n, bit| ["00", "17", "29", "3x", "4b", "5-", "6k", "7Z"][(n >> bit & 7) as usize]);
    let build = |body| std::hint::black_box(table(Kind::Extension, body));
    let compared = compare(5, 1, || build(&chosen), || build(&usual));
    compared.print("P4", "body to Table, 1048576 names that collide under a known hash", "usual names", Some(2.0));
}

/// What a poll does with a body it has received: nothing but to see that it is the one that is known.
fn unchanged(body: &str) {
    let known = digest(body.as_bytes());
    let mut copy = vec![0u8; body.len()];
    let before = LIVE.load(Relaxed);
    let poll = || assert!(std::hint::black_box(digest(std::hint::black_box(body.as_bytes()))) == known);
    let compared = compare(101, 1, poll, || copy.copy_from_slice(std::hint::black_box(body.as_bytes())));
    assert!(LIVE.load(Relaxed) - before < 1 << 16, "a poll that brought nothing new allocates nothing that stays");
    let what = format!("a poll whose {:.1} MB did not change", body.len() as f64 / 1e6);
    compared.print("P5", &what, "copying the body", Some(1.5));
}

fn memory(what: &str, kind: Kind, body: &str, goal: Option<f64>) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let table = table(kind, body);
    let (live, peak) = (LIVE.load(Relaxed) - before, PEAK.load(Relaxed) - before);
    let ratio = live as f64 / body.len() as f64;
    println!(
        "P6  memory of a Table, {COUNT} {what}: {:.0} bytes an object, the body {:.0}, ratio {ratio:.2}{}",
        live as f64 / COUNT as f64,
        body.len() as f64 / COUNT as f64,
        verdict(ratio, goal)
    );
    // The body is held while the Table is built, so the peak beyond it is what the build itself takes.
    let ratio = peak as f64 / live as f64;
    println!(
        "P6  peak beyond the body while building, against the result: ratio {ratio:.2}{}",
        verdict(ratio, goal.map(|_| 1.2))
    );
    assert_eq!(table.len(), COUNT);
}

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn grew(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > layout.size() {
            // A block that grows may move, and is there twice for a moment; one that shrinks stays where it is.
            grew(size);
            LIVE.fetch_sub(layout.size(), Relaxed);
        } else {
            LIVE.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

//! P7: readers while snapshots are published. The tail of a read against an idle writer, two readers against one, and the
//! longest that a reader ever takes to let go of a snapshot.
//!
//! A read is a pin, a look-up by name, and the end of the pin. What is published has the same parts each time, as when one
//! small list among many has changed.

mod harness;

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};

use harness::world::{self, Permission};
use harness::{Random, lower_quartile, verdict};
use isymphony::Snapshot;
use isymphony::bench::{Publisher, Reader};
use isymphony::snapshot::{CoreServer, List};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

const COUNT: usize = 100_000;
const HOT: usize = 1_000;
/// Between two snapshots: 1 000 of them a second.
const PACE: Duration = Duration::from_millis(1);
/// How long one round of reads takes.
const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 16;
const SHORT_ROUNDS: usize = 500;
/// Of so many series of unpins the quietest counts: what else the machine does only ever adds time.
const SERIES: usize = 5;

fn main() {
    let snapshot = snapshot(&world::extensions(COUNT, Permission::Same));
    let names: Vec<String> = {
        let mut random = Random::new(3);
        (0..HOT).map(|_| world::number(random.below(COUNT), COUNT)).collect()
    };
    let mut publisher = Publisher::new(snapshot.clone());
    tail(&mut publisher, &snapshot, &names);
    two_readers(&publisher.reader(), &names);
    unpin(1_000, 400);
    unpin(1_000_000, 5);
}

fn snapshot(body: &str) -> Snapshot {
    let bodies = [("coreServers", world::CORE_SERVERS.as_bytes()), (world::EXTENSIONS, body.as_bytes())];
    Snapshot::from_bodies(bodies).expect("the bodies are sound")
}

#[inline]
fn extensions(snapshot: &Snapshot) -> List<'_> {
    let server = snapshot.core_servers().find("default").expect("it is there");
    CoreServer::try_from(server).expect("it is one").extensions()
}

#[inline]
fn read(snapshot: &Snapshot, name: &str) -> u64 {
    extensions(snapshot).find(name).expect("it is there").id().as_u128() as u64
}

/// How often something took how many nanoseconds.
struct Times {
    counts: Vec<u32>,
}

impl Times {
    fn new() -> Times {
        Times { counts: vec![0; 1 << 16] }
    }

    #[inline]
    fn add(&mut self, took: Duration) {
        let slot = (took.as_nanos() as usize).min(self.counts.len() - 1);
        self.counts[slot] += 1;
    }

    /// The time that this share of all did not exceed.
    fn quantile(&self, share: f64) -> f64 {
        let all: u64 = self.counts.iter().copied().map(u64::from).sum();
        let mut left = (all as f64 * share) as u64;
        let slot = self.counts.iter().position(|count| {
            let enough = u64::from(*count) > left;
            left = left.saturating_sub((*count).into());
            enough
        });
        slot.unwrap_or(self.counts.len()) as f64
    }
}

/// The times of single reads, for one round.
fn reads(reader: &Reader, names: &[String]) -> Times {
    let mut times = Times::new();
    let end = Instant::now() + ROUND;
    while Instant::now() < end {
        for name in names {
            let start = Instant::now();
            let pin = reader.pin();
            black_box(read(&pin, name));
            drop(pin);
            times.add(start.elapsed());
        }
    }
    times
}

/// What reading the clock takes, which is in every time that is measured one by one.
fn clock() -> f64 {
    let mut times = Times::new();
    for _ in 0..100_000 {
        let start = Instant::now();
        times.add(start.elapsed());
    }
    times.quantile(0.5)
}

fn tail(publisher: &mut Publisher, snapshot: &Snapshot, names: &[String]) {
    let (reader, clock) = (publisher.reader(), clock());
    let (mut idle, mut busy, mut published) = (Vec::new(), Vec::new(), 0);
    let quantiles = |times: &Times| [0.5, 0.999].map(|share| times.quantile(share) - clock);
    for round in 0..=ROUNDS * 2 {
        if round % 2 == 0 {
            idle.push(quantiles(&reads(&reader, names)));
            continue;
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut next = Instant::now();
                while !done.load(Relaxed) {
                    publisher.publish(snapshot);
                    published += 1;
                    next += PACE;
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
            busy.push(quantiles(&reads(&reader, names)));
            done.store(true, Relaxed);
        });
    }
    let rate = f64::from(published) / (ROUND.as_secs_f64() * busy.len() as f64);
    for (at, what, goal) in [(0, "half", None), (1, "99.9 %", Some(1.3))] {
        let of = |rounds: &[[f64; 2]]| lower_quartile(rounds.iter().map(|round| round[at]).collect());
        let (idle, busy) = (of(&idle), of(&busy));
        println!(
            "P7  {what} of all reads while {rate:.0} snapshots a second are published: within {busy:.0} ns, with an idle \
             writer {idle:.0} ns, ratio {:.2}{}",
            busy / idle,
            verdict(busy / idle, goal)
        );
    }
    println!("    (without the {clock:.0} ns that reading the clock takes)");
}

/// Nanoseconds a read, where so many threads read at once, from the start of the first to the end of the last. Rounds are
/// short, so that in many of them nothing else runs.
fn readers(threads: usize, reader: &Reader, names: &[String], reads_a_pin: usize) -> f64 {
    const READS: usize = 1 << 15;
    let there = AtomicUsize::new(0);
    let one = &|core: usize| {
        let mut cores = CpuSet::new();
        // Where there is no such core, the system decides.
        let _ = cores.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &cores));
        let mut names = names.iter().cycle();
        there.fetch_add(1, SeqCst);
        while there.load(SeqCst) < threads {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        for _ in 0..READS / reads_a_pin {
            let pin = reader.pin();
            for name in names.by_ref().take(reads_a_pin) {
                black_box(read(&pin, name));
            }
        }
        (start, Instant::now())
    };
    let (start, end) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|core| scope.spawn(move || one(core))).collect();
        let times = readers.into_iter().map(|reader| reader.join().expect("it reads"));
        times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).expect("there is a reader")
    });
    (end - start).as_nanos() as f64 / READS as f64
}

fn two_readers(reader: &Reader, names: &[String]) {
    for (reads_a_pin, what) in [(1, "a pin for each read"), (16, "a pin for 16 reads"), (1 << 15, "one pin for all")] {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..SHORT_ROUNDS {
            one.push(readers(1, reader, names, reads_a_pin));
            two.push(readers(2, reader, names, reads_a_pin));
        }
        let (one, two) = (lower_quartile(one), lower_quartile(two));
        let times = 2.0 * one / two;
        let goal = if times >= 1.9 { "ok" } else { "MISSED" };
        println!(
            "P7  two readers, {what}: {two:.0} ns a read, alone {one:.0} ns, {times:.2} times the reads (goal >= 1.9) {goal}"
        );
    }
}

/// How often this thread was put aside for another one.
fn interruptions() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).expect("the kernel counts").involuntary_context_switches()
}

/// A reader that lets go of a snapshot that was replaced meanwhile, and that nobody else needs.
fn unpin(count: usize, rounds: usize) {
    let body = world::extensions(count, Permission::Same);
    let mut publisher = Publisher::new(snapshot(&body));
    let reader = publisher.reader();
    let (mut longest, mut unpins, mut frees) = (u64::MAX, Times::new(), Times::new());
    for _ in 0..SERIES {
        let mut series = 0;
        for _ in 0..rounds {
            let pin = reader.pin();
            publisher.publish(&snapshot(&body));
            let before = interruptions();
            let start = Instant::now();
            drop(pin);
            let took = start.elapsed();
            // What another program did meanwhile is not the unpin's.
            if interruptions() == before {
                unpins.add(took);
                series = series.max(took.as_nanos() as u64);
            }
            let whole = snapshot(&body);
            let start = Instant::now();
            drop(whole);
            frees.add(start.elapsed());
        }
        longest = longest.min(series);
    }
    println!(
        "P7  the longest of {rounds} unpins, in the quietest of {SERIES} series, {count} objects: {longest} ns (goal <= 1000) {}; half of them within {:.0} ns; to free \
         such a snapshot takes {:.1} us",
        if longest <= 1_000 { "ok" } else { "MISSED" },
        unpins.quantile(0.5),
        frees.quantile(0.5) / 1e3,
    );
}

//! A soak: calls that move, restarts and faults from a seed, while readers check what must always hold.
//!
//! `ISYM_SOAK_SECONDS` (default 4) and `ISYM_SOAK_SEED` (default 1) set how long and which. `make soak` runs it for longer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::snapshot::{Agent, CallSegment, Extension, Queue, Snapshot};
use isymphony::watch::Filter;
use isymphony::{Config, Live};
use uuid::Uuid;

const FAULTS: &[&str] = &[
    "delay=30ms",
    "stall=before_head",
    "stall=within_body",
    "cut=40",
    "cut=300",
    "reset=100",
    "drop",
    "length=longer",
    "length=twice",
    "chunks=bad_size",
    "garbage=200",
    "body=html",
    "body=null",
    "body=list",
    "status=500",
    "status=503",
    "status=404",
    "drip=200",
    "nested=1000",
    "gzip_bomb=10M",
];
const PATTERNS: &[&str] =
    &["*", "*/extensions", "*/users", "*/callSegments", "*/queues", "*/status", "*/agents", "coreServers"];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator, so that a seed tells the whole story.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

/// What the readers know of the truth.
#[derive(Default)]
struct Truth {
    /// The ids of four objects that always exist, by epoch.
    incarnations: Mutex<HashMap<u64, [Uuid; 4]>>,
    /// When the n-th display name of 4224 was replaced by the next.
    replaced: Mutex<HashMap<u64, Instant>>,
    checks: AtomicU64,
}

impl Truth {
    fn check(&self, snapshot: &Snapshot) {
        let Ok(server) = snapshot.core_server("default") else { return };
        let id = |list: isymphony::snapshot::List<'_>, name| list.find(name).map(|resource| resource.id());
        let (extension, user, queue) =
            (id(server.extensions(), "4224"), id(server.users(), "mike"), id(server.queues(), "5001"));
        if let (Some(extension), Some(user), Some(queue)) = (extension, user, queue) {
            let ids = [server.id(), extension, user, queue];
            let mut incarnations = self.incarnations.lock().unwrap();
            assert_eq!(*incarnations.entry(snapshot.epoch()).or_insert(ids), ids, "an epoch mixes two incarnations");
            let others = incarnations.iter().filter(|(epoch, _)| **epoch != snapshot.epoch());
            assert!(others.flat_map(|(_, ids)| ids).all(|id| !ids.contains(id)), "an id outlived its incarnation");
        }
        self.relations(&server);
        if let Some(michael) = server.extensions().find("4224") {
            self.age(&Extension::try_from(michael).unwrap());
        }
        self.checks.fetch_add(1, Relaxed);
    }

    fn relations(&self, server: &isymphony::snapshot::CoreServer<'_>) {
        for extension in server.extensions().iter_as::<Extension<'_>>() {
            assert_eq!(extension.core_server().unwrap().id(), server.id());
            assert!(extension.users().iter().all(|user| user.extensions().by_id(extension.id()).is_some()));
            let agents = extension.agents();
            assert!(agents.iter().all(|agent| agent.extension().is_some_and(|e| e.id() == extension.id())));
            for segment in extension.call_segments().iter_as::<CallSegment<'_>>() {
                assert!(segment.extension().is_some_and(|on| on.call_segments().by_id(segment.id()).is_some()));
            }
        }
        for queue in server.queues().iter_as::<Queue<'_>>() {
            for agent in queue.agents().iter_as::<Agent<'_>>() {
                assert!(agent.queue().is_some_and(|of| of.id() == queue.id()));
            }
        }
    }

    /// "Confirmed at" must not be later than the moment from which the server said otherwise.
    fn age(&self, michael: &Extension<'_>) {
        let n = michael.display_name().and_then(|name| name.strip_prefix("Michael ")?.parse::<u64>().ok());
        let (now, age) = (Instant::now(), michael.age());
        if let Some(replaced) = n.and_then(|n| self.replaced.lock().unwrap().get(&n).copied()) {
            let stale = now.saturating_duration_since(replaced);
            assert!(age + Duration::from_millis(2) >= stale, "it says {age:?}, and has been wrong for {stale:?}");
        }
    }
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_that_must_hold_is_ever_broken() {
    let (seconds, seed) = (setting("ISYM_SOAK_SECONDS", 4), setting("ISYM_SOAK_SEED", 1));
    let world =
        SandboxConfig::new().users(30).seed(seed).calls_per_second(20.0).call_duration(Duration::from_millis(400));
    let sandbox = Sandbox::start(world).unwrap();
    let short = Duration::from_millis(250);
    let mut config = Config::new(&sandbox.url()).unwrap();
    config.backoff(Duration::from_millis(2), Duration::from_millis(100)).unwrap();
    config.first_byte_timeout(short).unwrap().silence_timeout(short).unwrap().request_timeout(2 * short).unwrap();
    for kind in Kind::ALL {
        config.cadence(kind, Duration::from_millis(20), Duration::from_millis(200)).unwrap();
    }
    config.max_requests_per_second(1500.0).unwrap().body_limit(4 << 20).unwrap();
    let live = Live::open(config).unwrap();
    live.wait(Some(Duration::from_secs(10))).unwrap();

    let (truth, done) = (Truth::default(), AtomicBool::new(false));
    let (mut restarts, mut faults, mut changes, mut start) = (0, 0, 0u64, None);
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    truth.check(&live.snapshot());
                }
            });
        }
        let watcher = scope.spawn(|| {
            let mut watch = live.watch(Filter::default());
            let mut seen = 0u64;
            while !done.load(Relaxed) {
                seen += u64::from(watch.next(Some(Duration::from_millis(20))).unwrap().is_some());
            }
            seen
        });
        let mut random = Random(seed);
        let mut name = 0;
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20 + random.below(60)));
            sandbox.set_display_name("4224", &format!("Michael {}", name + 1)).unwrap();
            truth.replaced.lock().unwrap().insert(name, Instant::now());
            name += 1;
            sandbox.clear_requests();
            match random.below(20) {
                0 => {
                    sandbox.restart();
                    restarts += 1;
                }
                1 => sandbox.restart_at_request(1 + random.below(30)),
                2..=7 => {
                    let (fault, on) = (random.pick(FAULTS), random.pick(PATTERNS));
                    sandbox.fault_from_str(&format!("{fault}; on={on}; for={}ms", 20 + random.below(300))).unwrap();
                    faults += 1;
                }
                8 => sandbox.clear_faults(),
                9 => {
                    sandbox.stop_listening();
                    std::thread::sleep(Duration::from_millis(random.below(200)));
                    sandbox.start_listening().unwrap();
                }
                _ => {}
            }
            if start.is_none() && end.saturating_duration_since(Instant::now()) < Duration::from_secs(seconds) * 3 / 4 {
                start = Some((memory(), descriptors()));
            }
        }
        sandbox.clear_faults();
        let healed = Instant::now() + Duration::from_secs(20);
        let current = || {
            let snapshot = live.snapshot();
            let server = snapshot.core_server("default");
            server.is_ok_and(|server| server.id() == sandbox.core_server_id()) && live.health().state == State::Live
        };
        while !current() {
            assert!(Instant::now() < healed, "not healed: {:#?}", live.health());
            std::thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Relaxed);
        changes = watcher.join().unwrap();
    });
    let (memory_then, descriptors_then) = start.unwrap_or((memory(), descriptors()));
    let count = |name: &str| live.metrics().iter().find(|(metric, _)| *metric == name).unwrap().1;
    println!(
        "soak: {seconds} s, seed {seed}: {restarts} restarts, {faults} faults, {} requests ({} failed), {} snapshots, \
         {} epochs, {changes} changes watched, {} checks, memory {memory_then} -> {} MB, descriptors {descriptors_then} -> {}",
        count("requests"),
        count("failed_requests"),
        live.snapshot().generation(),
        live.snapshot().epoch(),
        truth.checks.load(Relaxed),
        memory(),
        descriptors(),
    );
    assert!(truth.checks.load(Relaxed) > 100 && changes > 10 && live.snapshot().epoch() > 1, "the soak did something");
    assert!(descriptors() <= descriptors_then + 20, "descriptors leak");
    assert!(memory() <= memory_then + 64, "memory grows");
}

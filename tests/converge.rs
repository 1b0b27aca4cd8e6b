//! Whatever happened, and in whatever order it was read: soon afterwards the client knows what a new one reads.
//!
//! `ISYM_CONVERGE_SEED` (default 1) sets the first of `ISYM_CONVERGE_SEEDS` (default 2) worlds.
#![cfg(feature = "sandbox")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use isymphony::catalog::{Kind, SubId};
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::{Resource, Snapshot};
use isymphony::{Config, Live};

use common::{Random, VERY_LONG, ms, polling, setting};

const STEPS: u64 = 40;

/// All that a snapshot has, by the way to it.
fn all(snapshot: &Snapshot) -> BTreeSet<String> {
    fn below(resource: Resource<'_>, path: &str, found: &mut BTreeSet<String>) {
        for sub in SubId::of(resource.kind()) {
            for item in resource.sub(sub).iter() {
                let path = format!("{path}/{}/{}", sub.row().segment, item.id());
                // Statistics have no known properties, and change by themselves.
                let says = if item.kind() == Kind::Statistics { String::new() } else { item.raw() };
                found.insert(format!("{path}: {says}"));
                if path.matches('/').count() < 6 {
                    below(item, &path, found);
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    for server in snapshot.core_servers().iter() {
        below(server, &server.id().to_string(), &mut found);
    }
    found
}

fn config(sandbox: &Sandbox, events: bool) -> Config {
    let mut config = polling(sandbox, ms(20), ms(500));
    config.backoff(ms(2), ms(100)).unwrap().events(events);
    let short = ms(250);
    config.first_byte_timeout(short).unwrap().silence_timeout(short).unwrap().request_timeout(2 * short).unwrap();
    config.max_requests_per_second(1000.0).unwrap();
    config
}

/// Something happens on the server.
fn step(sandbox: &Sandbox, random: &mut Random, n: u64) {
    let numbers = sandbox.extension_numbers();
    let number = random.pick(&numbers).clone();
    let queue = random.pick(&["5001", "5002", "5003"]);
    let _ = match random.below(14) {
        0 => sandbox.add_call(&number, &Caller::new("Ann", "5550001")).map(drop),
        1 => sandbox.add_call(&number, &Caller::new("Ann", &number)).map(drop),
        2 => sandbox.add_internal_call(&number, random.pick::<String>(&numbers)).map(drop),
        3 | 4 => match sandbox.call_segments(&number).unwrap().first() {
            Some(call) => sandbox.hang_up(*call),
            None => sandbox.originate(&number, "5551234").map(drop),
        },
        5 => sandbox.queue_call(queue, &Caller::new("Bob", "5550002")).map(drop),
        6 => sandbox.log_in_agent(queue, &number).map(drop),
        7 => sandbox.log_out_agent(queue, &number),
        8 => sandbox.pause_agent(queue, &number, random.below(2) == 0),
        9 => sandbox.log_in_user(&number, "10.0.0.9", 4711).map(drop),
        10 => sandbox.set_status(&number, "Lunch", "away", &n.to_string(), -1),
        11 => sandbox.set_display_name(&number, &format!("Michael {n}")),
        12 if numbers.len() > 10 => sandbox.remove_extension(&number),
        13 => sandbox.add_extension(&format!("{}", 7000 + n), "New", Some("mike")).map(drop),
        _ => {
            sandbox.hang_up_all();
            Ok(())
        }
    };
}

const FAULTS: &[&str] = &["delay=60ms", "status=500", "status=404", "drop", "cut=60", "body=html", "stall=before_head"];
const PATTERNS: &[&str] =
    &["*", "*/callSegments", "*/extensions", "*/agents", "*/extensions/*", "*/status", "coreServers"];

fn trouble(sandbox: &Sandbox, random: &mut Random) {
    match random.below(30) {
        0 => sandbox.restart(),
        1 => sandbox.restart_at_request(1 + random.below(60)),
        2..8 => {
            let (fault, on) = (random.pick(FAULTS), random.pick(PATTERNS));
            sandbox.fault_from_str(&format!("{fault}; on={on}; for={}ms", 20 + random.below(200))).unwrap();
        }
        8 => sandbox.drop_event_sockets(),
        _ => {}
    }
}

#[test]
fn after_all_sorts_of_things_it_knows_what_a_new_client_reads() {
    let first = setting("ISYM_CONVERGE_SEED", 1);
    for seed in first..first + setting("ISYM_CONVERGE_SEEDS", 2) {
        let (mut random, events) = (Random(seed), seed % 2 == 0);
        let world = SandboxConfig::new().users(15).seed(seed).ring_time(Duration::from_secs(3600));
        let sandbox = Sandbox::start(world.call_duration(Duration::from_secs(3600))).unwrap();
        let live = Live::open(config(&sandbox, events)).unwrap();
        for n in 0..STEPS {
            trouble(&sandbox, &mut random);
            step(&sandbox, &mut random, n);
            std::thread::sleep(Duration::from_millis(random.below(60)));
        }
        sandbox.clear_faults();
        let start = Instant::now();
        loop {
            let new = Live::open(config(&sandbox, false)).unwrap();
            let (truth, known) = (all(&new.wait(VERY_LONG).unwrap()), all(&live.snapshot()));
            if truth == known {
                break;
            }
            let differ = truth.symmetric_difference(&known).take(8).collect::<Vec<_>>();
            assert!(start.elapsed() < Duration::from_secs(30), "seed {seed}: {differ:#?} {:#?}", live.health());
            std::thread::sleep(Duration::from_millis(200));
        }
        println!("seed {seed}: {:?}", start.elapsed());
    }
}

//! The whole life of a client, many times over and in bad times: nothing is left behind, and nobody is left waiting.
//!
//! `ISYM_OPENS` (default 10 000) sets how often a client is opened and closed. `make soak` does it more often.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

mod common;

use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::Builder;
use std::time::{Duration, Instant};

use isymphony::action::Outcome;
use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::snapshot::{Change, ChangeKind, Extension};
use isymphony::watch::{Filter, Watch};
use isymphony::{Code, Config, Live};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use common::{VERY_LONG, count, every_kind, look, memory, michael, ms, open_within, posts, sandbox, setting};

const SMALL_STACK: usize = 256 << 10;

/// A client that asks by itself so rarely that what it knows, somebody asked for.
fn config(url: &str) -> Config {
    let mut config = Config::new(url).unwrap();
    every_kind(&mut config, Duration::from_secs(300), Duration::from_secs(600));
    config.backoff(ms(2), ms(100)).unwrap();
    config
}

fn open(url: &str) -> Live {
    open_within(VERY_LONG, config(url))
}

#[track_caller]
fn until(what: &str, done: impl Fn() -> bool) {
    look(ms(2), VERY_LONG, what, done, String::new);
}

/// Runs `life` in a process of its own, which has one thread and no more descriptors than it was born with. The sandbox
/// whose URL it gets stays here.
fn alone(test: &str, life: impl FnOnce(&str)) {
    if let Ok(url) = std::env::var("ISYM_ALONE") {
        nix::unistd::alarm::set(200); // One that hangs is ended.
        return life(&url);
    }
    let sandbox = Sandbox::start(SandboxConfig::new().users(5)).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process.args(["--exact", test, "--nocapture"]).env("ISYM_ALONE", sandbox.url()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
    print!("{said}");
}

fn heard_name(change: &Change) -> String {
    assert_eq!(change.kind, ChangeKind::Changed);
    Extension::try_from(change.resource().unwrap()).unwrap().display_name().unwrap().to_owned()
}

#[test]
fn ten_thousand_clients_leave_no_thread_no_descriptor_and_no_memory() {
    let opens = setting("ISYM_OPENS", 10_000) as u32;
    alone("ten_thousand_clients_leave_no_thread_no_descriptor_and_no_memory", |url| {
        nix::unistd::alarm::set(200 + opens / 50);
        let life = |n: u32| {
            let live = Live::open(config(url)).unwrap();
            if n.is_multiple_of(20) {
                live.wait(VERY_LONG).unwrap();
            }
            match n % 3 {
                0 => live.close(None),
                1 => live.close(Some(Duration::ZERO)),
                _ => drop(live),
            }
        };
        let lives = |count: u32| {
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    scope.spawn(move || (thread..count).step_by(4).for_each(life));
                }
            });
        };
        let held = || (count("task"), count("fd"));
        let nothing = held();
        lives(500); // What the process allocates once and keeps, is there.
        until("the first threads end", || held() == nothing);
        let before = memory("VmRSS");
        let start = Instant::now();
        lives(opens);
        until("all threads end", || held() == nothing);
        let after = memory("VmRSS");
        println!("{opens} clients: {before} bytes became {after}, in {:.1?}", start.elapsed());
        assert!(after < before + (8 << 20), "{before} bytes became {after}");
    });
}

#[test]
fn a_hundred_clients_of_one_server_all_know_the_truth_and_all_close() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(4).max_connections(1_000)).unwrap();
    let clients: Vec<Live> = (0..100).map(|_| Live::open(config(&sandbox.url())).unwrap()).collect();
    let each = |life: &(dyn Fn(&Live) + Sync)| {
        std::thread::scope(|scope| {
            for some in clients.chunks(10) {
                scope.spawn(move || some.iter().for_each(life));
            }
        });
    };
    each(&|live| {
        assert_eq!(live.wait(VERY_LONG).unwrap().core_server("default").unwrap().id(), sandbox.core_server_id())
    });
    sandbox.set_display_name("4224", "Everybody's").unwrap();
    each(&|live| assert_eq!(michael(&live.refresh(VERY_LONG).unwrap()), "Everybody's"));
    sandbox.restart();
    each(&|live| {
        live.refresh(VERY_LONG).unwrap();
        until("the new incarnation", || {
            let snapshot = live.snapshot();
            snapshot.epoch() == 2 && snapshot.core_server("default").unwrap().id() == sandbox.core_server_id()
        });
        assert_eq!(michael(&live.snapshot()), "Everybody's");
    });
    each(&|live| live.close(None));
    each(&|live| {
        assert!(live.is_closed() && live.health().state == State::Closed);
        assert_eq!(live.refresh(VERY_LONG).unwrap_err().code(), Code::Closed);
        assert_eq!(michael(&live.snapshot()), "Everybody's", "what was known stays readable");
    });
}

#[test]
fn a_thousand_watchers_hear_each_change_until_they_leave() {
    const WATCHERS: usize = 1_000;
    alone("a_thousand_watchers_hear_each_change_until_they_leave", |url| {
        let sandbox = sandbox();
        let live = open(&sandbox.url());
        drop(open(url));
        let (descriptors, before) = (count("fd"), memory("VmRSS"));
        let (heard, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let listen = |n: usize, mut watch: Watch| {
            if n.is_multiple_of(10) {
                watch.fd().unwrap();
            }
            loop {
                let change = match watch.next(VERY_LONG) {
                    Ok(change) => heard_name(&change.expect("a change in time")),
                    Err(error) => return assert_eq!(error.code(), Code::Closed),
                };
                heard.fetch_add(1, SeqCst);
                match change.as_str() {
                    // Half of them leave from within the loop.
                    "First" if n.is_multiple_of(2) => {
                        drop(watch);
                        left.fetch_add(1, SeqCst);
                        return;
                    }
                    // And one closes the client of all.
                    "Second" if n == 1 => live.close(None),
                    _ => {}
                }
            }
        };
        let filter = || Filter::default().kinds([Kind::Extension]).events(false);
        let watches: Vec<Watch> = (0..WATCHERS).map(|_| live.watch(filter())).collect();
        std::thread::scope(|scope| {
            let listen = &listen;
            for (n, watch) in watches.into_iter().enumerate() {
                Builder::new().stack_size(SMALL_STACK).spawn_scoped(scope, move || listen(n, watch)).unwrap();
            }
            sandbox.set_display_name("4224", "First").unwrap();
            live.refresh(VERY_LONG).unwrap();
            until("all hear it", || heard.load(SeqCst) == WATCHERS && left.load(SeqCst) == WATCHERS / 2);
            let grown = memory("VmRSS") - before;
            println!("{WATCHERS} watchers, each with a thread: {grown} bytes");
            assert!(grown < 128 << 20, "{grown} bytes");
            sandbox.set_display_name("4224", "Second").unwrap();
            let _ = live.refresh(VERY_LONG); // The client may be closed before the call returns.
        });
        assert_eq!(heard.load(SeqCst), WATCHERS + WATCHERS / 2);
        drop(live);
        until("no descriptor is left", || count("fd") <= descriptors);
    });
}

#[test]
fn closing_twice_from_many_threads_ends_all_that_waits() {
    let sandbox = sandbox();
    for round in 0..20 {
        sandbox.clear_faults();
        let live = open(&sandbox.url());
        let extension = live.extension("4224", None).unwrap();
        sandbox.fault_from_str("stall=before_head; on=*/callSegments").unwrap();
        sandbox.fault_from_str("stall=before_head; on=*/enableDnd; method=POST").unwrap();
        let ticket = extension.originate("5551234").unwrap();
        let mut watch = live.watch(Filter::default().kinds([Kind::User]).events(false));
        sandbox.clear_requests();
        let together = Barrier::new(4);
        std::thread::scope(|scope| {
            let waits = [
                scope.spawn(|| live.refresh(None).unwrap_err().code()),
                scope.spawn(|| ticket.wait(None).unwrap_err().code()),
                scope.spawn(|| watch.next(None).unwrap_err().code()),
            ];
            let action = scope.spawn(|| extension.set_dnd(true));
            until("the action is sent", || !posts(&sandbox).is_empty());
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    live.close(if round % 2 == 0 { None } else { Some(Duration::ZERO) });
                    live.close(None);
                });
            }
            assert_eq!(waits.map(|wait| wait.join().unwrap()), [Code::Closed; 3]);
            let ticket = action.join().unwrap().expect("what was sent is no error");
            assert_eq!(ticket.outcome(), Outcome::Unknown);
        });
        assert!(live.is_closed() && watch.next(None).is_err());
    }
}

#[test]
fn a_small_stack_is_enough() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(200)).unwrap();
    let life = || {
        let live = open(&sandbox.url());
        let mut watch = live.watch_from_nothing(Filter::default());
        assert!(watch.next(VERY_LONG).unwrap().is_some());
        live.extension("4224", None).unwrap().originate("5551234").unwrap().wait(VERY_LONG).unwrap();
        assert!(!live.snapshot().diff(watch.snapshot()).is_empty());
        assert!(live.snapshot_within(Duration::ZERO).unwrap_err().code() == Code::Stale);
        assert!(!format!("{live:?} {:?} {:?}", live.health(), live.metrics()).is_empty());
        live.refresh(VERY_LONG).unwrap();
        live.close(None);
    };
    std::thread::scope(|scope| {
        Builder::new().stack_size(SMALL_STACK).spawn_scoped(scope, life).unwrap().join().unwrap();
    });
}

/// Sets how much the process may have of something; gives back what undoes it.
fn limit(resource: Resource, to: u64) -> impl FnOnce() {
    let (soft, hard) = getrlimit(resource).unwrap();
    setrlimit(resource, to, hard).unwrap();
    move || setrlimit(resource, soft, hard).unwrap()
}

#[test]
fn without_descriptors_it_says_so_and_heals_when_they_are_back() {
    alone("without_descriptors_it_says_so_and_heals_when_they_are_back", |url| {
        let live = open(url);
        let mut watch = live.watch(Filter::default().kinds([Kind::Extension]));
        let give_back = limit(Resource::RLIMIT_NOFILE, 3);
        let late = Live::open(config(url)).unwrap();
        let error = late.wait(Some(Duration::from_millis(200))).unwrap_err();
        assert!(error.code() == Code::SyncTimeout && error.message().contains("open files"), "{error}");
        assert_eq!(late.health().state, State::Connecting);
        let error = watch.fd().unwrap_err();
        assert!(error.code() == Code::Internal && error.retryable(), "{error}");
        let error = live.extension("4224", None).unwrap().originate("1").unwrap_err();
        assert!(error.code() == Code::ConnectionFailed && error.message().contains("open files"), "{error}");
        assert!(live.snapshot().has_data());
        give_back();
        late.wait(VERY_LONG).unwrap();
        until("it is live", || late.health().state == State::Live);
        assert!(watch.fd().is_ok());
        live.extension("4224", None).unwrap().originate("1").unwrap().wait(VERY_LONG).unwrap();
        late.extension("4224", None).unwrap().originate("1").unwrap().wait(VERY_LONG).unwrap();
        drop(late);
        while watch.next(Some(Duration::ZERO)).unwrap().is_some() {}
    });
}

#[test]
fn without_threads_it_says_so_and_heals_when_there_are_some() {
    alone("without_threads_it_says_so_and_heals_when_there_are_some", |url| {
        let live = open(url);
        let threads = count("task");
        let mut refused = 0;
        // With every megabyte more another one of the threads starts before the first that does not.
        for room in 0..64 {
            let give_back = limit(Resource::RLIMIT_AS, memory("VmSize") + (room << 20));
            let opened = Live::open(config(url));
            give_back();
            match opened {
                Ok(_) => break,
                Err(error) => {
                    refused += 1;
                    assert!(error.code() == Code::Internal && error.retryable(), "{error}");
                    assert!(error.message().contains("a thread could not be started"), "{error}");
                    until("those that started end", || count("task") == threads);
                }
            }
        }
        println!("refused {refused} times");
        assert!(refused > 0, "threads were never refused");
        assert!(open(url).snapshot().has_data());
        live.refresh(VERY_LONG).unwrap();
    });
}

//! The client in its host process: forks and signals.

mod common;

use std::os::fd::AsRawFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::watch::{Filter, Watch};
use isymphony::{Code, Config, Live};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use common::{LONG, every_kind, is_readable, ms, polling, sandbox};

fn open(sandbox: &Sandbox) -> Live {
    common::open(Config::new(&sandbox.url()).unwrap())
}

/// Runs `life` in a forked child and gives its exit code; a child that hangs fails the test.
fn in_child(life: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs only this library, whose life after a fork is what is tested, and leaves by _exit.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(life)).unwrap_or(99);
            // SAFETY: ends the child at once, without the parent's exit handlers.
            unsafe { nix::libc::_exit(code) }
        }
        ForkResult::Parent { child } => {
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                match waitpid(child, Some(nix::sys::wait::WaitPidFlag::WNOHANG)).unwrap() {
                    WaitStatus::Exited(_, code) => return code,
                    WaitStatus::StillAlive if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                    other => {
                        let _ = nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL);
                        panic!("the child did not end: {other:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_forked_child_reads_its_copy_and_syncs_when_asked() {
    let sandbox = sandbox();
    let live = open(&sandbox);
    let requests = sandbox.request_count();
    for _ in 0..5 {
        let code = in_child(|| {
            let extensions = |live: &Live| live.snapshot().core_server("default").unwrap().extensions().len();
            if extensions(&live) < 20 {
                return 1;
            }
            let before = live.snapshot().generation();
            if live.refresh(LONG).is_err() {
                return 2;
            }
            if live.health().state != State::Live
                || live.snapshot().generation() <= before
                || live.snapshot().epoch() != 1
            {
                return 3;
            }
            if live.extension("4224", None).unwrap().set_dnd(true).is_err() {
                return 4;
            }
            live.close(None);
            0
        });
        assert_eq!(code, 0);
        assert_eq!(in_child(|| i32::from(live.snapshot().core_server("default").is_err())), 0);
        assert_eq!(
            in_child(|| {
                live.close(None); // Never joins the parent's threads.
                0
            }),
            0
        );
    }
    assert!(sandbox.request_count() > requests);
    live.refresh(LONG).unwrap();
    assert_eq!(live.health().state, State::Live, "the parent is undisturbed");
}

/// Forks again and again while other threads do something, and runs `life` in each child.
fn in_children(meanwhile: impl Fn() + Sync, life: impl Fn()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    meanwhile();
                }
            });
        }
        let child = || {
            life();
            0
        };
        let forks = || (0..60).all(|_| in_child(child) == 0);
        let went_well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(forks));
        done.store(true, Ordering::Relaxed);
        assert!(went_well.unwrap_or(false));
    });
}

#[test]
fn a_handle_works_in_a_child_whatever_other_threads_did_with_it() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3)).unwrap();
    let live = open(&sandbox);
    let handle = live.extension("4224", None).unwrap();
    let resolve = || {
        handle.resolve().unwrap();
    };
    in_children(resolve, resolve);
}

#[test]
fn a_child_that_closed_the_client_may_ask_it_anything_and_never_waits_for_the_parents_threads() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3)).unwrap();
    let live = open(&sandbox);
    let handle = live.extension("4224", None).unwrap();
    let watch = Mutex::new(live.watch(Filter::default()));
    let busy = || {
        live.health();
        drop(live.watch(Filter::default()));
        live.snapshot_within(Duration::ZERO).unwrap_err();
    };
    in_children(busy, || {
        live.close(None);
        assert_eq!(live.health().state, State::Closed);
        assert!(live.is_closed() && live.health().has_data && !live.metrics().is_empty());
        assert_eq!(live.snapshot_within(Duration::ZERO).unwrap_err().code(), Code::Stale);
        let mut old = watch.lock().unwrap();
        let mut new = live.watch(Filter::default());
        while old.next(LONG).is_ok_and(|change| change.is_some()) {}
        let errors = [
            live.wait(LONG).unwrap_err(),
            live.refresh(LONG).unwrap_err(),
            live.set_credentials("manager", "secret").unwrap_err(),
            live.get_raw("coreServers", LONG).unwrap_err(),
            handle.set_dnd(true).unwrap_err(),
            old.next(LONG).unwrap_err(),
            new.next(LONG).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.code() == Code::Closed), "{errors:?}");
        assert!(handle.resolve().is_ok());
    });
    assert!(sandbox.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_child_that_cannot_start_a_sync_is_told_why() {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = std::env::temp_dir().join(format!("isymphony-process-{}.pem", std::process::id()));
    std::fs::write(&file, certificate.cert.pem()).unwrap();
    let mut config = Config::new("https://127.0.0.1:1").unwrap();
    let live = Live::open(config.ca_file(&file).clone()).unwrap();
    let handle = live.handle("coreServers/getByName/default").unwrap();
    let mut watch = live.watch(Filter::default());
    std::fs::remove_file(&file).unwrap();
    let ask = |watch: &mut Watch| {
        let health = live.health();
        assert_eq!(health.state, State::Failed);
        let errors = [
            health.last_error.unwrap().error,
            live.wait(LONG).unwrap_err(),
            live.refresh(LONG).unwrap_err(),
            live.post("coreServers/x", None, LONG).unwrap_err(),
            watch.next(LONG).unwrap_err(),
            live.watch(Filter::default()).next(LONG).unwrap_err(),
        ];
        for error in errors {
            assert!(error.code() == Code::Config && error.message().contains("ca_file"), "{error}");
        }
        assert_eq!(handle.get().unwrap_err().code(), Code::NotFound);
        assert!(!live.metrics().is_empty());
    };
    let code = in_child(|| {
        ask(&mut watch);
        // It heals when the reason is gone.
        std::fs::write(&file, certificate.cert.pem()).unwrap();
        let state = live.health().state;
        std::fs::remove_file(&file).unwrap();
        assert_eq!(state, State::Connecting);
        assert!(watch.next(Some(Duration::ZERO)).unwrap().is_none());
        live.close(None);
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn a_fork_at_any_moment_of_a_sync_that_publishes_leaves_both_whole() {
    let world = SandboxConfig::new().users(5).calls_per_second(50.0).call_duration(Duration::from_millis(100));
    let sandbox = Sandbox::start(world).unwrap();
    let live = common::open(polling(&sandbox, ms(2), ms(20)));
    let published = live.snapshot().generation();
    for round in 0..30 {
        let code = in_child(|| {
            let (known, age) = (live.snapshot(), live.snapshot().age());
            if known.core_server("default").unwrap().extensions().find("4224").is_none() {
                return 1;
            }
            std::thread::sleep(Duration::from_millis(20));
            // Nobody syncs here until somebody asks for it.
            if live.snapshot().generation() != known.generation() || live.snapshot().age() < age {
                return 2;
            }
            if round % 3 == 0 && !live.refresh(LONG).is_ok_and(|new| new.generation() > known.generation()) {
                return 3;
            }
            live.close(None);
            0
        });
        assert_eq!(code, 0, "round {round}");
        live.refresh(LONG).unwrap();
    }
    assert!(live.snapshot().generation() > published && live.health().state == State::Live);
}

#[test]
fn a_watch_goes_on_in_a_forked_child_with_a_descriptor_of_its_own() {
    let sandbox = sandbox();
    let mut config = Config::new(&sandbox.url()).unwrap();
    every_kind(&mut config, Duration::from_secs(300), Duration::from_secs(600));
    config.events(false);
    let live = common::open(config);
    let mut watch = live.watch(Filter::default().kinds([Kind::CallSegment]));
    while is_readable(&watch, Duration::ZERO) {
        assert!(watch.next(Some(Duration::ZERO)).unwrap().is_none());
    }
    let code = in_child(|| {
        let own = watch.fd().unwrap().as_raw_fd();
        while is_readable(&watch, Duration::ZERO) {
            watch.next(Some(Duration::ZERO)).unwrap();
        }
        live.extension("4224", None).unwrap().originate("5551234").unwrap().wait(LONG).unwrap();
        if !is_readable(&watch, Duration::ZERO) || watch.next(LONG).unwrap().is_none() {
            return 1;
        }
        // Once more: a child of the child.
        let code = in_child(|| i32::from(watch.fd().unwrap().as_raw_fd() == own));
        drop(watch);
        code
    });
    assert_eq!(code, 0);
}

fn threads() -> Vec<(String, u64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| {
            let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
            let field =
                |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim().to_owned());
            Some((field("Name:")?, u64::from_str_radix(&field("SigBlk:")?, 16).ok()?))
        })
        .filter(|(name, _)| name.starts_with("isymphony"))
        .collect()
}

/// What tells of a defect on the thread that gets it.
const FAULTS: [Signal; 7] =
    [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGABRT, Signal::SIGSYS];

#[test]
fn no_signal_but_a_fault_is_handled_on_a_thread_of_the_library() {
    let sandbox = sandbox();
    let live = open(&sandbox);
    let threads = threads();
    assert!(threads.len() >= 3, "{threads:?}");
    for (name, blocked) in threads {
        for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
            let is_blocked = blocked & (1 << (signal as i32 - 1)) != 0;
            assert_eq!(is_blocked, !FAULTS.contains(&signal), "{name}: {signal}");
        }
    }
    drop(live);
}

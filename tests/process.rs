//! The client in its host process: forks and signals.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::watch::{Filter, Watch};
use isymphony::{Code, Config, Live};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

const LONG: Option<Duration> = Some(Duration::from_secs(10));

fn open(sandbox: &Sandbox) -> Live {
    let live = Live::open(Config::new(&sandbox.url()).unwrap()).unwrap();
    live.wait(LONG).unwrap();
    live
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
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
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

#[test]
fn a_forked_child_that_may_start_no_thread_is_told_so_and_may_try_again() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let live = open(&sandbox);
    let code = in_child(|| {
        // SAFETY: the child is about to end, and nothing in it needs its rights. (No limit of this kind holds for root.)
        if unsafe { nix::libc::geteuid() == 0 && nix::libc::setuid(65_534) != 0 } {
            return 1;
        }
        let (soft, hard) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
        setrlimit(Resource::RLIMIT_NPROC, 0, hard).unwrap();
        let error = live.refresh(None).unwrap_err();
        if error.code() != Code::Internal || !error.retryable() || !error.message().contains("thread") {
            return 2;
        }
        if live.health().state != State::Failed || live.snapshot().core_server("default").is_err() {
            return 3;
        }
        setrlimit(Resource::RLIMIT_NPROC, soft, hard).unwrap();
        if live.refresh(LONG).is_err() || live.health().state != State::Live {
            return 4;
        }
        live.close(None);
        0
    });
    assert_eq!(code, 0);
}

/// Whether a watch's descriptor says that there may be something to take.
fn is_readable(watch: &Watch) -> bool {
    let fd = watch.fd().unwrap();
    let mut asked = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut asked, Some(&rustix::time::Timespec::default())).unwrap() > 0
}

#[test]
fn a_watch_goes_on_in_a_forked_child_with_a_descriptor_of_its_own() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let mut config = Config::new(&sandbox.url()).unwrap();
    for kind in Kind::ALL {
        config.cadence(kind, Duration::from_secs(300), Duration::from_secs(600)).unwrap();
    }
    let live = Live::open(config.events(false).clone()).unwrap();
    live.wait(LONG).unwrap();
    let mut watch = live.watch(Filter::default().kinds([Kind::CallSegment]));
    while is_readable(&watch) {
        assert!(watch.next(Some(Duration::ZERO)).unwrap().is_none());
    }
    let code = in_child(|| {
        let own = watch.fd().unwrap().as_raw_fd();
        while is_readable(&watch) {
            watch.next(Some(Duration::ZERO)).unwrap();
        }
        live.extension("4224", None).unwrap().originate("5551234").unwrap().wait(LONG).unwrap();
        if !is_readable(&watch) || watch.next(LONG).unwrap().is_none() {
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

#[test]
fn no_signal_is_handled_on_a_thread_of_the_library() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let live = open(&sandbox);
    let threads = threads();
    assert!(threads.len() >= 3, "{threads:?}");
    for (name, blocked) in threads {
        for signal in
            [nix::libc::SIGINT, nix::libc::SIGTERM, nix::libc::SIGCHLD, nix::libc::SIGALRM, nix::libc::SIGUSR1]
        {
            assert!(blocked & (1 << (signal - 1)) != 0, "{name} does not block {signal}");
        }
    }
    drop(live);
}

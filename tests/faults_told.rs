//! Faults of the server and of the host, each with what is told of it, and how it heals.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::{Extension, Snapshot};
use isymphony::{Config, Live};
use uuid::Uuid;

const LONG: Option<Duration> = Some(Duration::from_secs(20));

fn config(sandbox: &Sandbox) -> Config {
    let mut config = Config::new(&sandbox.url()).unwrap();
    config.backoff(Duration::from_millis(2), Duration::from_millis(100)).unwrap().events(false);
    for kind in Kind::ALL {
        config.cadence(kind, Duration::from_millis(10), Duration::from_millis(50)).unwrap();
    }
    config.max_requests_per_second(2000.0).unwrap();
    config
}

fn open(config: Config) -> Live {
    let live = Live::open(config).unwrap();
    live.wait(LONG).unwrap();
    live
}

#[track_caller]
fn until(what: &str, live: &Live, mut done: impl FnMut(&Snapshot) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done(&live.snapshot()) {
        assert!(Instant::now() < deadline, "{what}: {:#?}", live.health());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn extensions(snapshot: &Snapshot) -> Vec<Extension<'_>> {
    snapshot.core_server("default").unwrap().extensions().iter_as().collect()
}

/// With these, the calls of an extension are only confirmed within half a minute.
fn calls_that_are_confirmed_late(sandbox: &Sandbox) -> Config {
    let mut config = config(sandbox);
    config.cadence(Kind::CallSegment, Duration::from_millis(50), Duration::from_secs(2)).unwrap();
    config
}

#[test]
fn a_call_that_was_over_when_all_calls_were_read_first_is_gone_soon() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let core_server = sandbox.core_server_id();
    for (n, number) in (1..).zip(sandbox.extension_numbers()) {
        let calls = format!("coreServers/{core_server}/extensions/{}/callSegments", sandbox.extension_id(&number).unwrap());
        sandbox.override_body(&calls, &format!(r#"[{{"id":"{}"}}]"#, Uuid::from_u128(n)));
    }
    let live = open(calls_that_are_confirmed_late(&sandbox));
    let has = |extension: &Extension<'_>| !extension.call_segments().is_empty();
    assert!(extensions(&live.snapshot()).iter().all(has));
    sandbox.clear_overrides();
    until("gone everywhere", &live, |now| !extensions(now).iter().any(has));
}

#[test]
fn calls_that_are_read_after_their_extensions_find_them() {
    let sandbox = Sandbox::start(SandboxConfig::new().ring_time(Duration::from_secs(3600))).unwrap();
    let mut config = calls_that_are_confirmed_late(&sandbox);
    config.backoff(Duration::from_millis(300), Duration::from_secs(1)).unwrap();
    let calls = format!("coreServers/{}/callSegments", sandbox.core_server_id());
    sandbox.fault_from_str(&format!("status=500; on={calls}; times=2")).unwrap();
    let live = Live::open(config).unwrap();
    let numbers = sandbox.extension_numbers();
    let asked = || sandbox.requests().iter().filter(|request| request.path.contains("/extensions/")).count();
    until("the extensions' calls", &live, |_| asked() >= 2 * numbers.len());
    for number in numbers.iter().take(10) {
        sandbox.add_call(number, &Caller::new("Ann", "5550001")).unwrap();
    }
    live.wait(LONG).unwrap();
    let placed = |now: &Snapshot| extensions(now).iter().filter(|e| !e.call_segments().is_empty()).count();
    until("all are placed", &live, |now| placed(now) == 10);
}

//! What the calls that wait wait for, and how long.
#![cfg(feature = "sandbox")]

use std::time::Duration;

use isymphony::action::Outcome;
use isymphony::catalog::Kind;
use isymphony::sandbox::{Sandbox, SandboxConfig};
use isymphony::{Config, Live};

const LONG: Option<Duration> = Some(Duration::from_secs(10));

/// A client that asks by itself so rarely that what is asked, somebody waits for.
fn config(sandbox: &Sandbox) -> Config {
    let mut config = Config::new(&sandbox.url()).unwrap();
    for kind in Kind::ALL {
        config.cadence(kind, Duration::from_secs(300), Duration::from_secs(600)).unwrap();
    }
    config.max_requests_per_second(2000.0).unwrap().events(false);
    config
}

fn open(config: Config) -> Live {
    let live = Live::open(config).unwrap();
    live.wait(LONG).unwrap();
    live
}

fn asked_for(sandbox: &Sandbox, segment: &str) -> usize {
    sandbox.requests().iter().filter(|request| request.method == "GET" && request.path.ends_with(segment)).count()
}

#[test]
fn a_ticket_does_not_wait_for_what_is_not_synced() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let mut kinds = config(&sandbox);
    kinds.kinds([Kind::User, Kind::Extension]);
    let mut absent = config(&sandbox);
    absent
        .overlay("[subs.\"Extension.callSegments\"]\nabsent = true\n[subs.\"CoreServer.callSegments\"]\nabsent = true")
        .unwrap();
    for config in [kinds, absent] {
        let live = open(config);
        let before = live.snapshot();
        sandbox.clear_requests();
        let ticket = live.extension("4224", None).unwrap().originate("5551234").unwrap();
        assert_eq!(ticket.outcome(), Outcome::Accepted);
        ticket.wait(LONG).unwrap();
        live.refresh(LONG).unwrap();
        assert_eq!(asked_for(&sandbox, "/callSegments"), 0);
        let calls = |snapshot: &isymphony::Snapshot| snapshot.core_server("default").unwrap().call_segments().len();
        assert_eq!((calls(&before), calls(&live.snapshot())), (0, 0));
        live.close(None);
    }
}

//! What the calls that wait wait for, and how long.
#![cfg(feature = "sandbox")]

mod common;

use std::sync::Barrier;
use std::time::Duration;

use isymphony::action::{Options, Outcome};
use isymphony::catalog::Kind;
use isymphony::sandbox::{RawResponse, Sandbox, SandboxConfig};
use isymphony::snapshot::{Queue, User};
use isymphony::watch::Filter;
use isymphony::{Code, Config, Live};

use common::{LONG, asked_for, open, polling, sandbox, until};

const FOREVER: Option<Duration> = Some(Duration::MAX);

/// A client that asks by itself so rarely that what is asked, somebody waits for.
fn config(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, Duration::from_secs(300), Duration::from_secs(600));
    config.events(false);
    config
}

#[test]
fn a_ticket_does_not_wait_for_what_is_not_synced() {
    let sandbox = sandbox();
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

#[test]
fn a_ticket_of_an_action_that_touches_nobody_knows_what_waits_for_the_core_servers_lists() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let core_server = live.snapshot().core_server("default").unwrap().id();
    let path = format!("coreServers/{core_server}/somethingNew");
    sandbox.respond_with(&format!("POST {path}"), RawResponse::status(204, ""));
    sandbox.respond_with("POST */getByName/7777/enableDnd", RawResponse::status(204, ""));
    let unknown = live.extension("7777", Some("default")).unwrap();
    let force = Options::default().force(true);
    type Act<'a> = &'a dyn Fn() -> isymphony::Result<isymphony::action::Ticket>;
    let acts: [(&str, Act<'_>); 2] =
        [("5901", &|| live.post(&path, None, None)), ("5902", &|| unknown.act_with("enable_dnd", &[], &force))];
    for (queue, act) in acts {
        sandbox.add_queue(queue, "New").unwrap();
        let after = act().unwrap().wait(LONG).unwrap();
        assert!(after.core_server("default").unwrap().queues().find(queue).is_some(), "{queue}");
    }
}

#[test]
fn a_refresh_has_one_time_limit_for_all_of_it() {
    let sandbox = sandbox();
    sandbox.fault_from_str("delay=900ms; on=*/users").unwrap();
    let mut config = config(&sandbox);
    config.kinds([Kind::User]);
    let live = Live::open(config).unwrap();
    until("the first request", || asked_for(&sandbox, "/users") == 1);
    // The first answer takes up a part of the time, and the one that is waited for takes longer than the rest.
    let error = live.refresh(Some(Duration::from_millis(1_500))).unwrap_err();
    assert!(error.message().contains("within 1.5s"), "{error}");
    assert!(live.snapshot().has_data());
    assert_eq!(error.code(), Code::TimedOut);
    live.refresh(LONG).unwrap();
}

#[test]
fn refreshes_at_the_same_time_share_their_requests() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    sandbox.fault_from_str("delay=300ms; on=*/users").unwrap();
    sandbox.clear_requests();
    let start = Barrier::new(16);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                live.refresh(LONG).unwrap();
            });
        }
    });
    // One for the first, and one for those that came when it was sent already.
    assert!((1..=3).contains(&asked_for(&sandbox, "/users")), "{}", asked_for(&sandbox, "/users"));
}

#[test]
fn the_longest_limit_of_all_is_as_good_as_none() {
    let sandbox = sandbox();
    let live = Live::open(config(&sandbox)).unwrap();
    live.wait(FOREVER).unwrap();
    live.refresh(FOREVER).unwrap();
    live.snapshot_within(Duration::MAX).unwrap();
    let mut watch = live.watch(Filter::default());
    let extension = live.extension("4224", None).unwrap();
    let ticket =
        extension.act_with("originate", &[("destination", "1".into())], &Options::default().timeout(Duration::MAX));
    ticket.unwrap().wait(FOREVER).unwrap();
    let resource = extension.get().unwrap();
    live.act(&resource.get(), "enable_dnd", &[], FOREVER).unwrap().wait(FOREVER).unwrap();
    live.post(&format!("{}/disableDnd", extension.path()), None, FOREVER).unwrap().wait(FOREVER).unwrap();
    assert!(watch.next(FOREVER).unwrap().is_some());
    live.close(FOREVER);
    assert_eq!(live.wait(FOREVER).unwrap_err().code(), Code::Closed);
    while let Ok(change) = watch.next(FOREVER) {
        assert!(change.is_some());
    }
}

#[test]
fn closing_ends_what_waits_for_ever() {
    let sandbox = sandbox();
    sandbox.fault_from_str("stall=before_head; on=*/users").unwrap();
    let live = Live::open(config(&sandbox)).unwrap();
    let mut watch = live.watch(Filter::default());
    std::thread::scope(|scope| {
        let waits = [
            scope.spawn(|| live.wait(FOREVER).unwrap_err().code()),
            scope.spawn(|| live.refresh(FOREVER).unwrap_err().code()),
            scope.spawn(|| watch.next(FOREVER).unwrap_err().code()),
        ];
        std::thread::sleep(Duration::from_millis(100));
        live.close(FOREVER);
        assert_eq!(waits.map(|wait| wait.join().unwrap()), [Code::Closed; 3]);
    });
}

/// A client of a server that fails to give its users until now.
fn without_users(sandbox: &Sandbox, config: Config) -> Live {
    sandbox.fault_from_str("status=500; on=*/users").unwrap();
    let live = open(config);
    assert!(!live.snapshot().core_server("default").unwrap().users().is_known());
    live
}

#[test]
fn a_refresh_waits_for_what_could_not_be_read_before_too() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.backoff(Duration::from_millis(2), Duration::from_secs(60)).unwrap();
    let live = without_users(&sandbox, config);
    let error = live.refresh(Some(Duration::from_millis(500))).unwrap_err();
    assert!(error.code() == Code::TimedOut && error.message().contains("HTTP 500"), "{error}");
    sandbox.clear_faults();
    let snapshot = live.refresh(LONG).unwrap();
    assert!(snapshot.core_server("default").unwrap().users().by_name("mike").is_ok());
    // What the server hides is answered, too.
    sandbox.fault_from_str("status=404; on=*/users").unwrap();
    live.refresh(LONG).unwrap();
}

#[test]
fn what_could_not_be_read_at_the_start_is_tried_again_soon() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.backoff(Duration::from_millis(2), Duration::from_millis(200)).unwrap();
    let live = without_users(&sandbox, config);
    sandbox.clear_faults();
    until("the users", || live.snapshot().core_server("default").unwrap().users().is_known());
}

#[test]
fn who_refreshes_all_the_time_starves_nobody() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(40)).unwrap();
    let live = open(Config::new(&sandbox.url()).unwrap());
    sandbox.add_queue("5998", "Night").unwrap();
    sandbox.log_in_agent("5998", "4224").unwrap();
    sandbox.set_status("mike", "Lunch", "away", "", -1).unwrap();
    let (mut refreshes, mut left) = (0, vec!["agents", "status"]);
    while !left.is_empty() {
        // No pause: the next one waits already when the last one has what it waited for.
        let snapshot = live.refresh(LONG).unwrap();
        refreshes += 1;
        assert!(refreshes < 60, "never read: {left:?}");
        let server = snapshot.core_server("default").unwrap();
        let queue = server.queues().find("5998").and_then(|queue| Queue::try_from(queue).ok());
        let status = User::try_from(server.users().find("mike").unwrap()).unwrap().status();
        left.retain(|what| match *what {
            "agents" => queue.is_none_or(|queue| queue.agents().len() != 1),
            _ => status.is_none_or(|status| status.name() != Some("Lunch")),
        });
    }
}

//! What is known stays known: while something is read anew, when an instance goes and comes, and when much is going on.
//! And what is looked at is asked for first.

mod common;

use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::{EventsState, State};
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::{CoreServer, Snapshot, User};
use isymphony::watch::Filter;
use isymphony::{Config, Live};

use common::{LONG, asked_for, every_kind, extension, metric, ms, open, polling, sandbox, until_live};

/// A client that asks for everything often, and for what the longest of these cadences confirms only seldom.
fn config(sandbox: &Sandbox, longest: Duration) -> Config {
    let mut config = polling(sandbox, ms(20), longest);
    config.backoff(ms(2), ms(100)).unwrap().events(false);
    config
}

/// A client that asks for everything once, and then for long not again.
fn once(sandbox: &Sandbox) -> Config {
    let mut config = config(sandbox, Duration::from_secs(600));
    every_kind(&mut config, Duration::from_secs(500), Duration::from_secs(600));
    config
}

fn default(snapshot: &Snapshot) -> CoreServer<'_> {
    snapshot.core_server("default").unwrap()
}

/// From now on the server lists the core server "default" alone.
fn without_the_branch(sandbox: &Sandbox, live: &Live) {
    let only = format!("[{}]", default(&live.snapshot()).raw());
    sandbox.override_body("coreServers", &only);
}

#[test]
fn a_core_server_that_goes_takes_nothing_from_the_others() {
    let config_of = SandboxConfig::new().users(40).core_servers(["default", "branch"]);
    let sandbox = Sandbox::start(config_of).unwrap();
    let live = open(config(&sandbox, Duration::from_millis(200)));
    let before = live.snapshot();
    let id = default(&before).id();
    let counts = |snapshot: &Snapshot| {
        let server = default(snapshot);
        (server.users().len(), server.extensions().len(), server.queues().len())
    };
    // One list is broken, one is hidden, and one is nearly empty, just when the whole is read anew.
    sandbox.fault_from_str(&format!("status=500; on=coreServers/{id}/users")).unwrap();
    sandbox.fault_from_str(&format!("body=list; times=1; on=coreServers/{id}/extensions")).unwrap();
    sandbox.fault_from_str(&format!("status=404; on=coreServers/{id}/queues; times=1")).unwrap();
    without_the_branch(&sandbox, &live);
    until_live("the branch is gone", &live, || {
        let snapshot = live.snapshot();
        assert_eq!(counts(&snapshot), counts(&before));
        assert!(extension(&snapshot, "4224").is_some());
        snapshot.core_servers().len() == 1
    });
    let asked = sandbox.request_count();
    until_live("polled on", &live, || sandbox.request_count() > asked + 200);
    let snapshot = live.snapshot();
    assert_eq!((counts(&snapshot), snapshot.epoch()), (counts(&before), before.epoch()));
    let mike = default(&snapshot).users().by_name("mike").map(User::try_from).unwrap().unwrap();
    assert!(mike.status().is_some(), "what is below a list that was kept is read, too");
    assert!(mike.age() > default(&snapshot).queues().age().unwrap(), "kept is not confirmed");
    sandbox.clear_faults();
    until_live("healthy", &live, || live.health().failing.is_empty() && live.health().state == State::Live);
}

#[test]
fn what_is_wanted_while_the_whole_is_read_anew_is_not_forgotten() {
    let sandbox = Sandbox::start(SandboxConfig::new().core_servers(["default", "branch"])).unwrap();
    let live = open(once(&sandbox));
    without_the_branch(&sandbox, &live);
    sandbox.fault_from_str("delay=700ms; on=*/conferences; times=1").unwrap();
    sandbox.clear_requests();
    let refreshed = std::thread::scope(|scope| {
        let first = scope.spawn(|| live.refresh(LONG));
        until_live("the users were read anew", &live, || sandbox.requests().iter().any(|r| r.path.ends_with("/users")));
        std::thread::sleep(Duration::from_millis(100));
        let ticket = live.user("mike", Some("default")).unwrap().set_status("Lunch", "away", "", None).unwrap();
        let second = live.refresh(LONG).map(drop);
        (first.join().unwrap().map(drop), second, ticket.wait(LONG))
    });
    let (first, second, after) = refreshed;
    first.unwrap();
    second.unwrap();
    let after = after.unwrap();
    let mike = default(&after).users().by_name("mike").map(User::try_from).unwrap().unwrap();
    assert_eq!(mike.status().and_then(|status| status.name()), Some("Lunch"));
}

#[test]
fn an_instance_that_goes_and_comes_back_is_whole_again() {
    let sandbox = Sandbox::start(SandboxConfig::new().licensing(false)).unwrap();
    sandbox.add_extension("7001", "Lobby", None).unwrap();
    let mut seldom = config(&sandbox, Duration::from_millis(200));
    seldom.cadence(Kind::CallSegment, Duration::from_millis(20), Duration::from_secs(60)).unwrap();
    let live = open(seldom);
    sandbox.add_call("7001", &Caller::new("Ann", "5550001")).unwrap();
    live.refresh(LONG).unwrap();
    let has_call = || extension(&live.snapshot(), "7001").is_some_and(|e| e.call_segments().len() == 1);
    until_live("on its extension", &live, has_call);
    let before = live.snapshot();
    let server = default(&before);
    let others = server.extensions().iter().filter(|e| e.name() != Some("7001"));
    let others: Vec<String> = others.map(|extension| extension.raw()).collect();
    let list = format!("coreServers/{}/extensions", server.id());
    for _ in 0..2 {
        sandbox.override_body(&list, &format!("[{}]", others.join(",")));
        until_live("gone", &live, || extension(&live.snapshot(), "7001").is_none());
        sandbox.clear_overrides();
        until_live("back", &live, || extension(&live.snapshot(), "7001").is_some());
        until_live("whole", &live, has_call);
    }
}

#[test]
fn an_answer_that_comes_after_its_extension_went_brings_nothing_back() {
    let sandbox = sandbox();
    let live = open(config(&sandbox, Duration::from_millis(200)));
    let id = sandbox.extension_id("4224").unwrap();
    let server = sandbox.core_server_id();
    let calls = format!("coreServers/{server}/extensions/{id}/callSegments");
    let ghost = "[{\"id\":\"6a3f0c6e-5a52-4a30-9a08-0d3f3f3f3f3f\",\"type\":\"INTERNAL\"}]";
    sandbox.fault_from_str(&format!("delay=400ms; on={calls}")).unwrap();
    sandbox.override_body(&calls, ghost);
    let ghost = "6a3f0c6e-5a52-4a30-9a08-0d3f3f3f3f3f".parse().unwrap();
    sandbox.clear_requests();
    // A call that names the extension makes its list due.
    sandbox.add_call("4224", &Caller::new("Ann", "4224")).unwrap();
    until_live("asked", &live, || sandbox.requests().iter().any(|request| request.path.ends_with(&calls)));
    sandbox.remove_extension("4224").unwrap();
    until_live("gone", &live, || extension(&live.snapshot(), "4224").is_none());
    let gone = Instant::now();
    while gone.elapsed() < Duration::from_millis(700) {
        assert!(live.snapshot().by_id(ghost).is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_failed_and_is_gone_is_no_trouble_any_more() {
    let sandbox = sandbox();
    let live = open(config(&sandbox, Duration::from_millis(200)));
    let id = sandbox.user_id("mike").unwrap();
    sandbox.fault_from_str(&format!("status=500; on=*/users/{id}/status")).unwrap();
    until_live("failing", &live, || live.health().failing.iter().any(|(kind, _)| *kind == Kind::Status));
    sandbox.remove_user("mike").unwrap();
    until_live("forgotten", &live, || live.health().failing.is_empty());
}

#[test]
fn the_order_of_the_core_servers_means_nothing() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3).core_servers(["default", "branch"])).unwrap();
    let mut config = once(&sandbox);
    config.cadence(Kind::CoreServer, Duration::from_millis(20), Duration::from_millis(40)).unwrap();
    let raw: Vec<String> = open(config.clone()).snapshot().core_servers().iter().map(|server| server.raw()).collect();
    let mut orders = [format!("[{},{}]", raw[0], raw[1]), format!("[{},{}]", raw[1], raw[0])].into_iter().cycle();
    sandbox.clear_requests();
    let (live, mut turns) = (Live::open(config).unwrap(), 0);
    // The other way round at each look: while the whole is gathered, and afterwards.
    until_live("looked at ten times", &live, || {
        if asked_for(&sandbox, "coreServers") >= turns {
            sandbox.override_body("coreServers", &orders.next().unwrap());
            turns += 1;
        }
        turns > 10
    });
    assert!(live.health().has_data);
    let users = asked_for(&sandbox, "/users");
    assert!(users < 5, "the whole was read anew: {users} lists of users");
}

#[test]
fn what_is_hidden_everywhere_is_looked_into_once() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(100)).unwrap();
    for hidden in ["status", "logins"] {
        sandbox.fault_from_str(&format!("status=404; on=**/{hidden}")).unwrap();
    }
    let live = open(once(&sandbox));
    assert!(default(&live.snapshot()).users().len() >= 100);
    let requests = sandbox.requests();
    let hidden = requests.iter().filter(|request| request.path.ends_with("/status")).count();
    let looks = requests.iter().filter(|request| request.path.ends_with("coreServers")).count();
    // One in the beginning, one at the end, and at most one for each kind.
    assert!(hidden >= 100 && looks <= 4, "{looks} looks at the core servers for {hidden} hidden statuses");
}

/// A server with so many extensions that asking them all takes several seconds.
fn big() -> (Sandbox, Live) {
    let sandbox = Sandbox::start(SandboxConfig::new().users(300).ring_time(Duration::from_secs(3600))).unwrap();
    let mut config = config(&sandbox, Duration::from_millis(200));
    config.max_requests_per_second(200.0).unwrap();
    for kind in [Kind::User, Kind::Extension, Kind::Queue, Kind::Agent, Kind::ConferenceRoom, Kind::Login] {
        config.cadence(kind, Duration::from_secs(5), Duration::from_secs(30)).unwrap();
    }
    (sandbox, open(config))
}

#[test]
fn calls_that_are_on_no_extension_hold_nothing_up() {
    let (sandbox, live) = big();
    sandbox.override_body("*/extensions/*/callSegments", "[]");
    sandbox.add_call("4224", &Caller::new("Ann", "5550001")).unwrap();
    let asked = || sandbox.requests().iter().filter(|request| request.path.contains("/extensions/")).count();
    sandbox.clear_requests();
    until_live("the search began", &live, || asked() > 0);
    sandbox.clear_requests();
    let mut calls = 0;
    until_live("statuses are asked for", &live, || {
        calls += 1;
        if calls % 50 == 0 {
            sandbox.add_call("4224", &Caller::new("Ann", "5550001")).unwrap();
        }
        asked_for(&sandbox, "/status") > 100
    });
}

#[test]
fn a_call_finds_its_extension_also_while_others_come() {
    let (sandbox, live) = big();
    let numbers: Vec<_> = sandbox.extension_numbers().into_iter().filter(|number| number != "4224").collect();
    for number in numbers.iter().take(40) {
        sandbox.add_call(number, &Caller::new("Ann", "5550001")).unwrap();
    }
    let placed = || {
        let snapshot = live.snapshot();
        let with_calls = |number: &&String| extension(&snapshot, number).is_some_and(|e| !e.call_segments().is_empty());
        numbers.iter().take(40).filter(with_calls).count()
    };
    let mut others = numbers.iter().skip(40);
    let mut looks = 0;
    until_live("all are placed", &live, || {
        looks += 1;
        if looks % 50 == 0
            && let Some(number) = others.next()
        {
            sandbox.add_call(number, &Caller::new("Ann", "5550001")).unwrap();
        }
        placed() == 40
    });
}

#[test]
fn what_the_application_reads_is_asked_for_first() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(300)).unwrap();
    let mut config = config(&sandbox, Duration::from_millis(200));
    config.kinds([Kind::User, Kind::Status]).max_requests_per_second(150.0).unwrap();
    let live = open(config);
    let asked = |id: uuid::Uuid| asked_for(&sandbox, &format!("users/{id}/status"));
    let mike = sandbox.user_id("mike").unwrap();
    let users = live.snapshot();
    let other = default(&users).users().iter().map(|user| user.id()).find(|id| *id != mike).unwrap();
    sandbox.clear_requests();
    until_live("mike's status is asked for more often", &live, || {
        let snapshot = live.snapshot();
        assert!(User::try_from(snapshot.by_id(mike).unwrap()).unwrap().status().is_some());
        asked(mike) >= 12 && asked(other) >= 1
    });
    let (mike, other) = (asked(mike), asked(other));
    assert!(mike > 2 * other, "the status that is read: {mike} times; one that nobody reads: {other} times");
}

#[test]
fn what_the_application_watches_is_asked_for_first() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(150)).unwrap();
    let mut config = config(&sandbox, Duration::from_millis(200));
    config.kinds([Kind::User, Kind::Status, Kind::Login]).max_requests_per_second(150.0).unwrap();
    let live = open(config);
    let _watch = live.watch(Filter::default().kinds([Kind::Status]));
    // From their second turn on, the statuses come first.
    sandbox.clear_requests();
    until_live("each status was asked for", &live, || asked_for(&sandbox, "/status") >= 150);
    sandbox.clear_requests();
    until_live("statuses are asked for more often", &live, || {
        asked_for(&sandbox, "/status") >= 200 && asked_for(&sandbox, "/logins") >= 1
    });
    let (statuses, logins) = (asked_for(&sandbox, "/status"), asked_for(&sandbox, "/logins"));
    assert!(statuses > 3 * logins / 2, "watched: {statuses} times, not watched: {logins} times");
}

#[test]
fn what_no_event_tells_of_is_read_however_many_events_come() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(60)).unwrap();
    let mut config = config(&sandbox, Duration::from_millis(200));
    let kinds = [Kind::User, Kind::Login, Kind::Extension, Kind::CallSegment];
    config.kinds(kinds).max_requests_per_second(400.0).unwrap().events(true);
    let live = open(config);
    until_live("connected", &live, || live.health().events == EventsState::Connected);
    let server = sandbox.core_server_id();
    let extensions: Vec<_> = default(&live.snapshot()).extensions().iter().map(|extension| extension.id()).collect();
    let mut events = 0..;
    // More than the rate allows to ask for.
    let mut flood = || {
        for (n, extension) in events.by_ref().zip(&extensions) {
            let call = uuid::Uuid::from_u128(n + 1_000);
            sandbox.send_event(&format!(
                r#"{{"type":"hangup","coreServerId":"{server}","callSegmentId":"{call}","extensionId":"{extension}"}}"#
            ));
        }
    };
    until_live("the flood", &live, || {
        flood();
        metric(&live, "merged_event_hints") > 1_000
    });
    sandbox.clear_requests();
    until_live("the logins are read twice", &live, || {
        flood();
        asked_for(&sandbox, "/logins") >= 120
    });
    assert!(
        asked_for(&sandbox, &format!("{server}/callSegments")) > 10
            && asked_for(&sandbox, &format!("{server}/users")) > 2
    );
}

//! The events as hints: what they make visible soon, and what goes wrong with them. Cadences are so slow here that what
//! shows, shows by an event.
#![cfg(feature = "sandbox")]

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use isymphony::catalog::Kind;
use isymphony::health::EventsState;
use isymphony::sandbox::{Caller, Fault, Sandbox, SandboxConfig, Times};
use isymphony::snapshot::{ConferenceRoom, Extension, Queue, Snapshot, User};
use isymphony::{Config, Live};
use serde_json::json;

use common::{LONG, VERY_LONG, look, metric, ms, open, open_within, polling, sandbox, until_live, until_shown};

const NO_NEWS: Duration = Duration::from_millis(400);

fn slow(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, Duration::from_secs(30), Duration::from_secs(60));
    config.backoff(ms(5), ms(100)).unwrap();
    config
}

/// A client that has read everything, and whose events stand so.
fn listening(config: Config, events: EventsState) -> Live {
    let live = open(config);
    until_events(&live, events);
    // What a connected socket makes due is over too.
    std::thread::sleep(Duration::from_millis(200));
    live
}

fn connected(sandbox: &Sandbox) -> Live {
    listening(slow(sandbox), EventsState::Connected)
}

#[track_caller]
fn until_events(live: &Live, state: EventsState) {
    until_live(state.name(), live, || live.health().events == state);
}

fn one<'s, T: TryFrom<isymphony::snapshot::Resource<'s>>>(snapshot: &'s Snapshot, path: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    let path = format!("coreServers/getByName/default/{path}");
    T::try_from(snapshot.resolve(&path).unwrap().one().unwrap()).unwrap()
}

fn logins(snapshot: &Snapshot) -> usize {
    one::<User<'_>>(snapshot, "users/getByName/4224").logins().len()
}

#[test]
fn a_call_shows_soon_with_events_and_late_without() {
    let sandbox = sandbox();
    let with = connected(&sandbox);
    let mut config = slow(&sandbox);
    config.events(false);
    let without = listening(config, EventsState::Off);
    assert_eq!(sandbox.event_socket_count(), 1);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    let started = Instant::now();
    let calls = |snapshot: &Snapshot| one::<Extension<'_>>(snapshot, "extensions/getByName/4224").call_segments().len();
    until_shown("the call", &with, |snapshot| snapshot.by_id(call).is_some() && calls(snapshot) == 1);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    std::thread::sleep(NO_NEWS);
    assert!(without.snapshot().by_id(call).is_none());
    sandbox.hang_up(call).unwrap();
    until_shown("its end", &with, |snapshot| snapshot.by_id(call).is_none() && calls(snapshot) == 0);
    assert_eq!(without.health().events_problem.map(|problem| problem.about), None);
}

#[test]
fn logins_agents_and_conferences_show_soon() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let before = logins(&live.snapshot());
    sandbox.log_in_user("4224", "10.0.0.9", 4711).unwrap();
    until_shown("the login", &live, |snapshot| logins(snapshot) == before + 1);
    sandbox.log_out_user("4224").unwrap();
    until_shown("the logout", &live, |snapshot| logins(snapshot) == 0);

    sandbox.add_queue("5099", "Night").unwrap();
    let id = |name: &str| {
        json!({"type": "added", "coreServerId": sandbox.core_server_id().to_string(), "x": name}).to_string()
    };
    sandbox.send_event(&id("queue"));
    until_shown("the queue", &live, |snapshot| {
        snapshot.core_server("default").unwrap().queues().find("5099").is_some()
    });
    let agents = |snapshot: &Snapshot| one::<Queue<'_>>(snapshot, "queues/getByName/5099").agents().len();
    sandbox.log_in_agent("5099", "4224").unwrap();
    until_shown("the agent", &live, |snapshot| agents(snapshot) == 1);
    sandbox.log_out_agent("5099", "4224").unwrap();
    until_shown("no agent", &live, |snapshot| agents(snapshot) == 0);

    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    sandbox.answer(call).unwrap();
    sandbox.join_conference(call, "8001").unwrap();
    let joined =
        |snapshot: &Snapshot| one::<ConferenceRoom<'_>>(snapshot, "conferences/getByName/8001").call_segments().len();
    until_shown("the conference", &live, |snapshot| joined(snapshot) == 1);
    sandbox.hang_up(call).unwrap();
    until_shown("the empty conference", &live, |snapshot| joined(snapshot) == 0);
}

#[test]
fn an_agents_state_follows_its_calls() {
    let sandbox = sandbox();
    let extension = sandbox.extension_numbers().remove(3);
    sandbox.add_queue("5099", "Night").unwrap();
    sandbox.log_in_agent("5099", &extension).unwrap();
    let live = connected(&sandbox);
    let state = |snapshot: &Snapshot| {
        let agent = one::<Queue<'_>>(snapshot, "queues/getByName/5099").agents();
        isymphony::snapshot::Agent::try_from(agent.at(0).unwrap()).unwrap().state().map(str::to_owned)
    };
    assert_eq!(state(&live.snapshot()).as_deref(), Some("NOT_INUSE"));
    sandbox.queue_call("5099", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("it rings", &live, |snapshot| state(snapshot).as_deref() == Some("RINGING"));
}

#[test]
fn a_known_id_in_an_unknown_event_is_enough() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let user = sandbox.user_id("4224").unwrap().to_string();
    sandbox.set_status("4224", "Lunch", "xa", "back soon", -1).unwrap();
    sandbox.set_displayed_name("4224", "Michaela").unwrap();
    std::thread::sleep(NO_NEWS);
    let now = |snapshot: &Snapshot| {
        let user = one::<User<'_>>(snapshot, "users/getByName/4224");
        (user.displayed_name() == Some("Michaela"), user.status().and_then(|status| status.note()) == Some("back soon"))
    };
    assert_eq!(now(&live.snapshot()), (false, false));
    sandbox.send_event(&json!({"type": "neverHeardOf", "whom": {"it": [user]}}).to_string());
    until_shown("both", &live, |snapshot| now(snapshot) == (true, true));
}

#[test]
fn what_was_missed_shows_after_a_reconnect() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    sandbox.drop_event_sockets();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    sandbox.log_in_user("4224", "10.0.0.9", 4711).unwrap();
    sandbox.log_in_user("4224", "10.0.0.9", 4712).unwrap();
    let extension = sandbox.extension_numbers().remove(9);
    sandbox.log_in_agent("5001", &extension).unwrap();
    let agents = |snapshot: &Snapshot| one::<Queue<'_>>(snapshot, "queues/getByName/5001").agents().len();
    until_shown("all of it", &live, |snapshot| {
        snapshot.by_id(call).is_some() && logins(snapshot) >= 2 && agents(snapshot) == 5
    });
    assert!(metric(&live, "event_sockets") >= 2);
    let health = live.health();
    assert_eq!(health.events, EventsState::Connected);
    assert!(health.events_problem.unwrap().error.to_string().contains("ended"));
}

#[test]
fn a_restart_of_the_server_is_survived() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    sandbox.restart();
    until_shown("the new incarnation", &live, |snapshot| {
        snapshot.core_server("default").is_ok_and(|server| server.id() == sandbox.core_server_id())
    });
    until_events(&live, EventsState::Connected);
    until_live("the socket", &live, || sandbox.event_socket_count() == 1);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("the call", &live, |snapshot| snapshot.by_id(call).is_some());
}

#[test]
fn sockets_are_counted_and_cut() {
    let sandbox = sandbox();
    let clients = [connected(&sandbox), connected(&sandbox)];
    assert_eq!(sandbox.event_socket_count(), 2);
    drop(clients);
    let left = || (sandbox.event_socket_count(), sandbox.connections());
    look(ms(2), Some(Duration::from_secs(5)), "all are cut", || left() == (0, 0), || format!("{:?}", left()));
    let live = connected(&sandbox);
    sandbox.set_events_enabled(false);
    until_events(&live, EventsState::Unavailable);
    assert_eq!(sandbox.event_socket_count(), 0);
}

#[test]
fn a_server_without_events_costs_nothing_but_speed() {
    let sandbox = sandbox();
    sandbox.set_events_enabled(false);
    let mut config = slow(&sandbox);
    config.cadence(Kind::CallSegment, Duration::from_millis(20), Duration::from_millis(100)).unwrap();
    let live = listening(config, EventsState::Unavailable);
    let problem = live.health().events_problem.unwrap();
    assert_eq!((problem.error.http_status(), problem.about.as_str()), (Some(404), "communication_manager/ws/event"));
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("the call", &live, |snapshot| snapshot.by_id(call).is_some());
    assert!(live.health().last_error.is_none());
    for fault in [Fault::status(400), Fault::status(403), Fault::Html, Fault::Drop, Fault::Garbage(2_000)] {
        let text = format!("{fault:?}");
        sandbox.clear_faults();
        sandbox.fault(fault, "*/ws/event", Times::Forever);
        sandbox.set_events_enabled(true);
        std::thread::sleep(Duration::from_millis(250));
        assert_eq!(live.health().events, EventsState::Unavailable, "{text}");
        assert_eq!(live.health().state, isymphony::health::State::Live, "{text}");
    }
    sandbox.clear_faults();
    until_events(&live, EventsState::Connected);
}

#[test]
fn a_flood_is_merged_and_holds_nothing_up() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let core = sandbox.core_server_id().to_string();
    let ids: Vec<String> =
        sandbox.extension_numbers().iter().map(|n| sandbox.extension_id(n).unwrap().to_string()).collect();
    let event = |n: usize| {
        let call = format!("00000000-0000-4000-8000-{n:012}");
        json!({"type": "hangup", "time": n, "coreServerId": core, "callSegmentId": call, "extensionId": ids[n % ids.len()],
               "padding": "x".repeat(100)})
        .to_string()
    };
    // The sandbox keeps so many events for a slow listener.
    let send = |n: usize| {
        sandbox.send_event(&event(n));
        if n.is_multiple_of(4_000) {
            until_live("the events so far", &live, || metric(&live, "events") as usize + 4_000 > n);
        }
    };
    (0..1_000).for_each(send);
    let (memory, requests, started) = (resident(), metric(&live, "requests"), Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| (0..100_000).for_each(send));
        std::thread::sleep(Duration::from_millis(100));
        // No event tells of it: it shows because REST goes on.
        sandbox.set_display_name("4224", "Flooded").unwrap();
        sandbox.send_event(&json!({"type": "x", "extensionId": ids[0], "coreServerId": core}).to_string());
        let name = |snapshot: &Snapshot| {
            one::<Extension<'_>>(snapshot, "extensions/getByName/4224").display_name() == Some("Flooded")
        };
        until_shown("the name, in the flood", &live, name);
    });
    until_live("the end of the flood", &live, || metric(&live, "events") >= 101_001);
    let took = started.elapsed();
    let (grown, asked) = (resident().saturating_sub(memory), metric(&live, "requests") - requests);
    println!("100000 events in {took:?}: {asked} requests, {} KiB more, {:?}", grown >> 10, live.metrics());
    assert!(grown < 24 << 20, "{grown}");
    // At most 20 a second for each of the collections, and the limit of requests a second.
    assert!(asked as f64 <= 2_000.0 * (took.as_secs_f64() + 1.0), "{asked}");
    assert!(metric(&live, "merged_event_hints") > 100_000);
    assert_eq!(metric(&live, "event_sockets"), 1);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("a call after it", &live, |snapshot| snapshot.by_id(call).is_some());
}

/// The memory of this process, where the system tells.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[test]
fn an_event_is_a_hint_and_handed_on_whatever_is_in_it() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let mut watch = live.watch(isymphony::watch::Filter::default().kinds([]));
    let core_server = sandbox.core_server_id();
    for (n, odd) in ["1e400", r#""\ud800""#, r#"{"\udfff":[1e999]}"#].into_iter().enumerate() {
        let number = format!("509{n}");
        sandbox.add_queue(&number, "Night").unwrap();
        let event = format!(r#"{{"type":"added","x":{odd},"coreServerId":"{core_server}"}}"#);
        sandbox.send_event(&event);
        let change = watch.next(LONG).unwrap().unwrap().event.expect("an event");
        assert_eq!((&*change.event_type, &*change.json), ("added", &*event));
        until_shown(odd, &live, |snapshot| snapshot.core_server("default").unwrap().queues().find(&number).is_some());
    }
}

#[test]
fn what_is_no_event_is_ignored_and_counted() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    sandbox.send_event_bytes(&[0x82, 3, 1, 2, 3]); // Binary.
    sandbox.send_event_bytes(&[0x81, 2, 0xc3, 0x28]); // Not UTF-8.
    sandbox.send_event_bytes(&[0x01, 1, b'{', 0x80, 1, b'}']); // In two fragments: an event without anything.
    sandbox.send_event_bytes(&[0x89, 2, b'h', b'i']); // A ping.
    for garbage in ["", "null", "[1]", "{\"type\":", "hello", &"[".repeat(100_000)] {
        sandbox.send_event(garbage);
    }
    until_live("all of it", &live, || metric(&live, "ignored_event_messages") == 8 && metric(&live, "events") == 1);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("the call", &live, |snapshot| snapshot.by_id(call).is_some());
    assert_eq!(metric(&live, "event_sockets"), 1);
}

#[test]
fn what_breaks_the_protocol_or_the_limits_ends_the_socket_and_a_new_one_is_opened() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let breaks: [(&str, &dyn Fn()); 4] = [
        ("a huge message", &|| sandbox.send_event(&huge)),
        ("a huge announcement", &|| sandbox.send_event_bytes(&[0x81, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255])),
        ("a masked frame", &|| sandbox.send_event_bytes(&[0x81, 0x81, 1, 2, 3, 4, 5])),
        ("reserved bits", &|| sandbox.send_event_bytes(&[0xf3, 1, 1])),
    ];
    for (n, (what, send)) in (1..).zip(breaks) {
        send();
        until_live(what, &live, || metric(&live, "event_sockets") == n + 1);
        until_events(&live, EventsState::Connected);
        until_live("the old socket's end", &live, || sandbox.event_socket_count() == 1);
    }
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("the call", &live, |snapshot| snapshot.by_id(call).is_some());
}

#[test]
fn a_silent_socket_is_asked_and_a_dead_one_is_replaced() {
    let sandbox = sandbox();
    let mut config = slow(&sandbox);
    config.event_silence(Duration::from_millis(50), Duration::from_millis(200)).unwrap();
    let live = listening(config, EventsState::Connected);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(metric(&live, "event_sockets"), 1, "the sandbox answers pings");
    // Half a frame: what follows, answers to pings too, is part of it.
    sandbox.send_event_bytes(&[0x81, 126, 200, 0, b'{']);
    until_live("the next socket", &live, || metric(&live, "event_sockets") == 2);
    assert!(live.health().events_problem.unwrap().error.to_string().contains("silent"));
}

#[test]
fn wrong_credentials_are_told_and_can_be_mended() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "right-secret")).unwrap();
    let mut config = slow(&sandbox);
    config.credentials("manager", "wrong-secret").unwrap();
    // Without another reason it would be a minute until the next try.
    config.backoff(Duration::from_secs(60), Duration::from_secs(60)).unwrap();
    let live = Live::open(config).unwrap();
    until_events(&live, EventsState::Unavailable);
    until_live("the refusal", &live, || live.health().state == isymphony::health::State::Failed);
    let problem = live.health().events_problem.unwrap();
    assert_eq!(problem.error.http_status(), Some(401));
    assert!(!format!("{problem:?}").contains("secret"));
    live.set_credentials("manager", "right-secret").unwrap();
    until_events(&live, EventsState::Connected);
    live.wait(LONG).unwrap();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until_shown("the call", &live, |snapshot| snapshot.by_id(call).is_some());
}

/// Closes a client, and says how long it took.
fn closed(live: &Live) -> Duration {
    let started = Instant::now();
    live.close(Some(Duration::from_secs(5)));
    started.elapsed()
}

#[test]
fn close_ends_soon_when_connected_and_in_the_wait_for_the_next_try() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    assert!(closed(&live) < Duration::from_secs(1));
    until_live("the socket's end", &live, || sandbox.event_socket_count() == 0);
    sandbox.set_events_enabled(false);
    let mut config = slow(&sandbox);
    config.backoff(Duration::from_secs(60), Duration::from_secs(60)).unwrap();
    let live = listening(config, EventsState::Unavailable);
    assert!(closed(&live) < Duration::from_secs(1));
}

#[test]
fn close_ends_soon_when_the_handshake_hangs() {
    let sandbox = sandbox();
    sandbox.fault_from_str("stall=before_head; on=*/ws/event").unwrap();
    let live = open(slow(&sandbox));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(live.health().events, EventsState::Connecting);
    assert!(closed(&live) < Duration::from_secs(1));

    // Nobody accepts, nobody speaks TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["http", "https"] {
        let mut config = Config::new(&format!("{scheme}://{}", listener.local_addr().unwrap())).unwrap();
        if scheme == "https" {
            config.verify(false);
        }
        let live = Live::open(config).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(closed(&live) < Duration::from_secs(1));
    }
}

#[test]
fn a_handshake_that_never_ends_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    config.first_byte_timeout(Duration::from_millis(150)).unwrap();
    config.backoff(Duration::from_millis(5), Duration::from_millis(20)).unwrap();
    let live = Live::open(config).unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let tried = tries.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tried = tried.clone();
            std::thread::spawn(move || {
                let (mut stream, mut head) = (stream, [0; 4096]);
                let Ok(length) = stream.read(&mut head) else { return };
                if head[..length].starts_with(b"GET /communication_manager/ws/event ") {
                    tried.fetch_add(1, Relaxed);
                    // Slowly, byte by byte, a head that never ends.
                    let _ = stream.write_all(b"HTTP/1.1 101 X\r\nA: ");
                    while stream.write_all(b"x").is_ok() {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
            });
        }
    });
    until_live("three tries", &live, || tries.load(Relaxed) >= 3);
    until_live("no events", &live, || live.health().events == EventsState::Unavailable);
}

#[test]
fn a_watch_hands_events_on_as_they_came() {
    let sandbox = sandbox();
    let live = connected(&sandbox);
    let mut watch = live.watch(isymphony::watch::Filter::default().core_server("default"));
    let id = sandbox.core_server_id();
    let event = json!({"type": "somethingNew", "time": 5, "coreServerId": id.to_string(), "x": [1]}).to_string();
    sandbox.send_event(&event);
    sandbox.send_event(&json!({"type": "elsewhere", "coreServerId": uuid::Uuid::nil().to_string()}).to_string());
    let change = watch.next(LONG).unwrap().unwrap();
    assert_eq!(change.kind, isymphony::snapshot::ChangeKind::Event);
    let handed = change.event.unwrap();
    assert_eq!((&*handed.event_type, handed.time, &*handed.json), ("somethingNew", Some(5), event.as_str()));
    assert!(watch.next(Some(NO_NEWS)).unwrap().is_none_or(|change| change.event.is_none()));
}

#[test]
fn what_an_event_tells_does_not_wait_behind_what_only_confirms() {
    // There is always more to confirm than the rate allows.
    let sandbox = Sandbox::start(SandboxConfig::new().users(600)).unwrap();
    let mut config = Config::new(&sandbox.url()).unwrap();
    config.cadence(Kind::Status, Duration::from_millis(500), Duration::from_secs(1)).unwrap();
    let live = open(config);
    until_events(&live, EventsState::Connected);
    std::thread::sleep(Duration::from_secs(2));
    let numbers = sandbox.extension_numbers();
    let extensions = [100, 300, 500].map(|n| sandbox.extension_id(&numbers[n]).unwrap());
    sandbox.clear_requests();
    for n in [100, 300, 500] {
        // No number of the call names the extension it is on.
        sandbox.add_call(&numbers[n], &Caller::new("Ann", "5551234")).unwrap();
    }
    let calls = |now: &Snapshot, id| Extension::try_from(now.by_id(id).unwrap()).unwrap().call_segments().len();
    until_shown("the calls on their extensions", &live, |now| extensions.iter().all(|id| calls(now, *id) == 1));
    let paths: Vec<String> = sandbox.requests().into_iter().map(|request| request.path).collect();
    for id in extensions {
        let calls = format!("coreServers/{}/extensions/{id}/callSegments", sandbox.core_server_id());
        let asked: Vec<usize> = (0..paths.len()).filter(|n| paths[*n] == calls).collect();
        assert!(asked.len() == 1 && asked[0] < 12, "{asked:?}: {paths:#?}");
    }
}

/// Does something while events tell all the time that something changed at every extension.
fn in_a_flood(sandbox: &Sandbox, what: impl FnOnce()) {
    struct Done<'d>(&'d AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let core = sandbox.core_server_id().to_string();
    let numbers = sandbox.extension_numbers();
    let ids = numbers.iter().map(|number| sandbox.extension_id(number).unwrap().to_string());
    let events = ids.map(|id| json!({"type": "x", "coreServerId": core, "extensionId": id}).to_string());
    let (events, done) = (events.collect::<Vec<_>>(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| {
            while !done.load(Relaxed) {
                events.iter().for_each(|event| sandbox.send_event(event));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        std::thread::sleep(Duration::from_millis(500));
        what();
    });
}

#[test]
fn a_flood_on_a_slow_server_starves_nothing() {
    // So slow that the connections, and not the rate, are what there is too little of.
    let sandbox = Sandbox::start(SandboxConfig::new().users(12)).unwrap();
    let live = open(Config::new(&sandbox.url()).unwrap());
    until_events(&live, EventsState::Connected);
    sandbox.fault_from_str("delay=100ms; on=coreServers*").unwrap();
    in_a_flood(&sandbox, || {
        // No event tells of it.
        sandbox.set_status("mike", "Lunch", "away", "", -1).unwrap();
        until_shown("the status, in the flood", &live, |now| {
            let mike = now.core_server("default").unwrap().users().find("mike").unwrap();
            User::try_from(mike).unwrap().status().is_some_and(|status| status.name() == Some("Lunch"))
        });
    });
}

#[test]
fn the_lowest_rate_that_is_accepted_keeps_the_lists_fresh_in_a_flood() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(20)).unwrap();
    let longest = ms(500);
    let mut config = polling(&sandbox, ms(100), longest);
    let mut accepts = |rate: u32| config.max_requests_per_second(rate.into()).unwrap().validate().is_ok();
    (1..100).find(|rate| accepts(*rate)).unwrap();
    let live = open_within(VERY_LONG, config);
    until_events(&live, EventsState::Connected);
    in_a_flood(&sandbox, || {
        let (start, before) = (Instant::now(), sandbox.requests().len());
        std::thread::sleep(Duration::from_secs(6));
        let turns = (start.elapsed().as_secs_f64() / longest.as_secs_f64()) as usize;
        let requests = sandbox.requests().split_off(before);
        let core_server = format!("coreServers/{}", sandbox.core_server_id());
        let mut lists = vec!["coreServers".to_owned()];
        lists.extend(["users", "extensions", "queues", "callSegments"].map(|list| format!("{core_server}/{list}")));
        for list in lists {
            let asked = requests.iter().filter(|request| request.path == list).count();
            // Each is asked for its longest interval after it was answered, and then waits for a turn.
            assert!(asked * 4 >= turns * 3, "{list}: {asked} times in {turns} of its longest intervals");
        }
    });
}

//! What the client survives: nothing lost, no wrong answer, the truth told, healed by itself.

mod common;

use std::time::{Duration, Instant};

use isymphony::catalog::{Kind, Shape, SubId};
use isymphony::health::State;
use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use isymphony::snapshot::{CoreServer, List, Snapshot, User};
use isymphony::{Code, Config, Live};
use uuid::Uuid;

use common::{LONG, metric, michael, ms, open, polling, posts, sandbox, until_live};

/// A client whose limits are short enough to watch them at work.
fn config(sandbox: &Sandbox) -> Config {
    let short = Duration::from_millis(300);
    let mut config = polling(sandbox, ms(10), ms(50));
    config.backoff(ms(2), ms(100)).unwrap();
    config.connect_timeout(short).unwrap().first_byte_timeout(short).unwrap();
    config.silence_timeout(short).unwrap().request_timeout(2 * short).unwrap();
    config.body_limit(1 << 20).unwrap();
    config
}

fn mike(snapshot: &Snapshot) -> String {
    let user = snapshot.core_server("default").unwrap().users().by_name("mike").unwrap();
    User::try_from(user).unwrap().displayed_name().unwrap().to_owned()
}

/// Every way in which one list can be answered wrongly.
const BROKEN_ANSWERS: &[&str] = &[
    "stall=before_head",
    "stall=within_head",
    "stall=within_body",
    "drip=1",
    "cut=0",
    "cut=9",
    "cut=60",
    "cut=400",
    "reset=0",
    "reset=300",
    "drop",
    "length=longer",
    "length=shorter",
    "length=negative",
    "length=twice",
    "chunks=bad_size",
    "chunks=huge_size",
    "chunks=cut",
    "chunks=no_end",
    "garbage=500",
    "body=html",
    "body=object",
    "body=null",
    "body=empty",
    "text=[null,null]",
    "text=[{\"id\":7}]",
    "status=500",
    "status=502",
    "status=503; retry_after=0",
    "status=504",
    "status=429",
    "status=400",
    "status=403",
    "status=405",
    "status=204",
    "redirect=https://elsewhere:1/",
    "redirect=http://elsewhere:1/; code=307",
    "oversized=2G",
    "nested=100000",
    "gzip_bomb=1G",
    "headers=100000",
    "header_bytes=200000",
];

#[test]
fn a_broken_answer_costs_nothing_but_time() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "sesame")).unwrap();
    let mut config = config(&sandbox);
    config.credentials("manager", "sesame").unwrap();
    let live = open(config);
    for (round, fault) in BROKEN_ANSWERS.iter().enumerate() {
        let (old, new) = (michael(&live.snapshot()), format!("Michael {round}"));
        sandbox.fault_from_str(&format!("{fault}; on=*/*/extensions")).unwrap();
        let failed = metric(&live, "failed_requests");
        until_live(&format!("{fault}: a failure"), &live, || metric(&live, "failed_requests") > failed);
        sandbox.set_display_name("4224", &new).unwrap();
        sandbox.set_displayed_name("mike", &new).unwrap();
        until_live(&format!("{fault}: the users go on"), &live, || mike(&live.snapshot()) == new);
        assert_eq!(michael(&live.snapshot()), old, "{fault}");
        let health = live.health();
        let problem = health.last_error.expect("the failure is told");
        assert!(!problem.error.message().is_empty() && !format!("{problem:?} {live:?}").contains("sesame"), "{fault}");
        sandbox.clear_faults();
        until_live(&format!("{fault}: healed"), &live, || michael(&live.snapshot()) == new);
        until_live(&format!("{fault}: live"), &live, || {
            let health = live.health();
            health.state == State::Live && health.failing.is_empty()
        });
        assert_eq!(live.snapshot().epoch(), 1, "{fault}: not a new incarnation");
    }
}

/// All that is known, by id, with the kind of each.
fn everything(snapshot: &Snapshot) -> Vec<(Uuid, Kind)> {
    fn walk(list: List<'_>, all: &mut Vec<(Uuid, Kind)>) {
        for resource in list.iter() {
            let found = (resource.id(), resource.kind());
            assert_eq!(resource.kind(), list.kind(), "{resource:?}");
            assert!(resource.path().kind() == resource.kind() && resource.id_path().kind() == resource.kind());
            if !all.contains(&found) {
                all.push(found);
                SubId::of(resource.kind()).for_each(|sub| walk(resource.sub(sub), all));
            }
        }
    }
    let mut all = Vec::new();
    walk(snapshot.core_servers(), &mut all);
    all
}

#[test]
fn an_untrue_answer_costs_nothing_that_is_known_and_is_told() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(5).queues(2)).unwrap();
    sandbox.add_call("4224", &Caller::new("Ada", "5550001")).unwrap();
    let live = open(config(&sandbox));
    let (mut rounds, before) = (0, everything(&live.snapshot()));
    for (fault, counted) in [
        ("wrong_types", "other_types"),
        ("duplicate_ids", "duplicate_ids"),
        ("dangling_parents", "items_with_unknown_properties"),
    ] {
        let quiet = metric(&live, counted);
        for on in
            ["*/extensions", "*/users", "*/agents", "*/callSegments", "*/status", "*/statistics", "*/extension", "*"]
        {
            rounds += 1;
            let what = format!("{fault} on {on}");
            sandbox.fault_from_str(&format!("{fault}; on={on}")).unwrap();
            let asked = sandbox.request_count();
            // What is not known of statistics, and what comes alone, is not odd.
            let is_odd =
                on != "*/statistics" && !(fault == "duplicate_ids" && ["*/status", "*/extension"].contains(&on));
            until_live(&format!("{what}: served, and told"), &live, || {
                sandbox.request_count() > asked + 200 && (!is_odd || metric(&live, counted) > quiet)
            });
            let snapshot = live.refresh(LONG).unwrap();
            let now = everything(&snapshot);
            for (id, kind) in &before {
                // What is no list's is what its path says, whatever its id.
                let is_listed = SubId::all().any(|sub| (sub.row().kind, sub.row().shape) == (*kind, Shape::List));
                if fault == "wrong_types" || is_listed || *kind == Kind::CoreServer {
                    assert!(now.contains(&(*id, *kind)), "{what}: {kind} {id} is lost");
                    assert_eq!(snapshot.by_id(*id).map(|found| found.kind()), Some(*kind), "{what}: {id}");
                }
            }
            let server = CoreServer::try_from(snapshot.core_servers().at(0).unwrap()).unwrap();
            for extension in server.extensions().iter() {
                let found = extension.name().map(|name| server.extensions().find(name).map(|found| found.id()));
                assert!(found.is_none_or(|found| found == Some(extension.id())), "{what}: {extension:?}");
            }
            let health = live.health();
            assert_eq!(
                (health.state, health.failing.len(), snapshot.epoch()),
                (State::Live, 0, 1),
                "{what}: {health:#?}"
            );
            let new = format!("Michael {rounds}");
            sandbox.set_display_name("4224", &new).unwrap();
            sandbox.clear_faults();
            until_live(&format!("{what}: healed"), &live, || {
                let (snapshot, healed) = (live.snapshot(), everything(&live.snapshot()));
                let named = common::extension(&snapshot, "4224");
                named.is_some_and(|named| named.display_name() == Some(&new))
                    && metric(&live, counted) == quiet
                    && healed.len() == before.len()
                    && before.iter().all(|known| healed.contains(known))
            });
        }
    }
}

#[test]
fn a_restart_is_counted_though_the_core_servers_do_not_say_their_names() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3)).unwrap();
    let live = open(config(&sandbox));
    let shows = |name: Option<&str>, epoch: u64| {
        let snapshot = live.snapshot();
        let first = snapshot.core_servers().at(0).map(|server| (server.id(), server.name()));
        first == Some((sandbox.core_server_id(), name)) && snapshot.epoch() == epoch
    };
    sandbox.fault_from_str("wrong_types; on=coreServers").unwrap();
    until_live("nameless", &live, || shows(None, 1));
    sandbox.restart();
    until_live("restarted", &live, || shows(None, 2));
    sandbox.clear_faults();
    until_live("named", &live, || shows(Some("default"), 2));
    sandbox.restart();
    until_live("restarted again", &live, || shows(Some("default"), 3));
    sandbox.fault_from_str("wrong_types; on=coreServers").unwrap();
    sandbox.restart();
    until_live("restarted once more", &live, || shows(None, 4));
    sandbox.clear_faults();
    until_live("named again", &live, || shows(Some("default"), 4));
}

#[test]
fn a_server_that_is_broken_as_a_whole_is_told_and_waited_for() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    for (fault, state) in [
        ("drop", State::Stale),
        ("status=503", State::Stale),
        ("garbage=100", State::Stale),
        ("stall=before_head", State::Stale),
        ("body=html", State::Stale),
        ("status=401", State::Failed),
        ("status=403", State::Failed),
        ("redirect=https://pbx:55050/", State::Failed),
    ] {
        sandbox.fault_from_str(fault).unwrap();
        until_live(&format!("{fault}: {state}"), &live, || live.health().state == state);
        assert_eq!(michael(&live.snapshot()), "Michael Y", "{fault}");
        let before = sandbox.request_count();
        std::thread::sleep(Duration::from_millis(300));
        assert!(sandbox.request_count() - before < 300, "{fault}: no storm");
        sandbox.clear_faults();
        until_live(&format!("{fault}: live again"), &live, || live.health().state == State::Live);
    }
}

#[test]
fn a_list_that_is_suddenly_nearly_empty_is_asked_for_once_more() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(40)).unwrap();
    let live = open(config(&sandbox));
    let count = || live.snapshot().core_server("default").unwrap().users().len();
    let before = count();
    sandbox.fault_from_str("body=list; on=*/users; times=1").unwrap();
    let held = || metric(&live, "held_back_answers") == 1;
    until_live("held back", &live, held);
    let asked = sandbox.request_count();
    until_live("asked again", &live, || sandbox.request_count() > asked + 20);
    assert_eq!(count(), before);
    assert!(live.health().last_error.unwrap().error.message().contains("shrank"));
    sandbox.fault_from_str("body=list; on=*/users").unwrap();
    until_live("believed", &live, || count() == 0);
}

#[test]
fn a_list_that_is_nearly_empty_right_after_a_restart_is_asked_for_once_more() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(40)).unwrap();
    let live = open(config(&sandbox));
    let users = || (live.snapshot().epoch(), live.snapshot().core_server("default").unwrap().users().len());
    let before = users().1;
    for (epoch, times, after) in [(2, "; times=1", before), (3, "", 0)] {
        sandbox.stop_listening();
        sandbox.restart();
        let core = sandbox.core_server_id();
        sandbox.fault_from_str(&format!("text=[]; on=coreServers/{core}/users{times}")).unwrap();
        sandbox.start_listening().unwrap();
        until_live("the new incarnation", &live, || users().0 == epoch);
        assert_eq!(users().1, after);
        let held = metric(&live, "held_back_answers");
        assert_eq!(held, epoch - 1);
    }
}

#[test]
fn a_hidden_list_goes_and_comes_back_and_a_gone_instance_goes() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let known = || live.snapshot().core_server("default").unwrap().conferences().is_known();
    assert!(known());
    sandbox.fault_from_str("status=404; on=*/conferences").unwrap();
    until_live("hidden", &live, || !known());
    assert_eq!(live.health().state, State::Live);
    sandbox.clear_faults();
    until_live("back", &live, known);
    sandbox.remove_extension("4224").unwrap();
    until_live("gone", &live, || {
        let snapshot = live.snapshot();
        let found = snapshot.core_server("default").unwrap().extensions().by_name("4224").map(|e| e.id());
        found.is_err_and(|error| error.code() == Code::NotFound)
    });
}

#[test]
fn a_server_that_is_up_and_down_all_the_time_is_followed() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(5)).unwrap();
    let live = open(config(&sandbox));
    for round in 0..10 {
        sandbox.stop_listening();
        std::thread::sleep(Duration::from_millis(50));
        sandbox.start_listening().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        if round % 3 == 0 {
            sandbox.restart();
        }
    }
    let last = sandbox.core_server_id();
    until_live("the last incarnation", &live, || {
        live.health().state == State::Live
            && live.snapshot().core_server("default").is_ok_and(|server| server.id() == last)
    });
}

#[test]
fn an_action_whose_answer_is_lost_is_unknown_and_never_sent_twice() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let posts = || posts(&sandbox).len();
    for fault in
        ["cut=0", "cut=20", "reset=0", "drop", "stall=before_head", "garbage=50", "status=500", "status=502", "drip=1"]
    {
        sandbox.fault_from_str(&format!("{fault}; method=POST")).unwrap();
        let before = posts();
        let ticket = live.extension("4224", None).unwrap().originate("5551234").unwrap();
        assert_eq!(ticket.outcome(), isymphony::action::Outcome::Unknown, "{fault}");
        assert_eq!(ticket.error().unwrap().code(), Code::OutcomeUnknown, "{fault}");
        assert!(posts() <= before + 1, "{fault}");
        sandbox.clear_faults();
    }
    for (fault, code) in [("status=412", Code::Rejected), ("status=403", Code::Forbidden), ("status=401", Code::Auth)] {
        sandbox.fault_from_str(&format!("{fault}; method=POST")).unwrap();
        let before = posts();
        let error = live.extension("4224", None).unwrap().originate("5551234").unwrap_err();
        assert_eq!((error.code(), posts() - before), (code, 1), "{fault}");
        sandbox.clear_faults();
    }
    sandbox.stop_listening();
    let error = live.extension("4224", None).unwrap().originate("5551234").unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed, "what was surely not sent is an error");
}

#[test]
fn a_list_that_is_not_confirmed_in_time_makes_the_client_stale_and_says_which() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    assert_eq!((live.health().state, live.health().overdue.len()), (State::Live, 0));
    let calls = format!("coreServers/{}/callSegments", sandbox.core_server_id());
    sandbox.fault_from_str(&format!("status=500; on={calls}")).unwrap();
    until_live("stale", &live, || live.health().state == State::Stale);
    let health = live.health();
    let (kind, age) = health.overdue[0];
    assert_eq!((health.overdue.len(), kind), (1, Kind::CallSegment));
    // Its interval and the time to answer, with a second on top; the others go on being confirmed.
    assert!(age > Duration::from_millis(1350), "{age:?}");
    assert!(health.failing.iter().any(|(kind, _)| *kind == Kind::CallSegment));
    let users = live.snapshot().core_server("default").unwrap().users().age().unwrap();
    assert!(users < age, "{users:?}");
    sandbox.clear_faults();
    until_live("live again", &live, || live.health().state == State::Live);
    assert!(live.health().overdue.is_empty());
}

#[test]
fn new_credentials_are_tried_at_once_for_what_was_forbidden_by_itself() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(3)).unwrap();
    // With the longest waits: what is forbidden is asked for again after half a minute at the earliest.
    let slow = || {
        let mut config = config(&sandbox);
        config.backoff(Duration::from_secs(60), Duration::from_secs(60)).unwrap();
        config
    };
    let forbidden = |live: &Live| live.health().failing.iter().any(|(kind, _)| *kind == Kind::User);
    let users = format!("status=403; on=coreServers/{}/users", sandbox.core_server_id());
    let live = open(slow());
    sandbox.fault_from_str(&users).unwrap();
    until_live("forbidden", &live, || forbidden(&live));
    sandbox.clear_faults();
    live.set_credentials("other", "better").unwrap();
    until_live("allowed", &live, || !forbidden(&live));
    // The same before the first snapshot.
    sandbox.fault_from_str(&users).unwrap();
    let live = Live::open(slow()).unwrap();
    until_live("forbidden at the start", &live, || forbidden(&live));
    sandbox.clear_faults();
    live.set_credentials("other", "better").unwrap();
    live.wait(LONG).unwrap();
    assert!(live.snapshot().core_server("default").unwrap().users().is_known());
}

/// What one kind can be answered with everywhere, while all else is well.
const BROKEN_KIND: [&str; 6] =
    ["status=500", "status=403", "body=html", "drop", "cut=60", "redirect=https://elsewhere:1/"];

#[test]
fn a_kind_that_fails_everywhere_does_not_keep_the_first_snapshot_back() {
    for fault in BROKEN_KIND {
        let sandbox = Sandbox::start(SandboxConfig::new().users(50)).unwrap();
        sandbox.fault_from_str(&format!("{fault}; on=**/status")).unwrap();
        let live = Live::open(config(&sandbox)).unwrap();
        let snapshot = live.wait(LONG).unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!((mike(&snapshot).as_str(), michael(&snapshot).as_str()), ("Mike", "Michael Y"), "{fault}");
        assert!(live.health().failing.iter().any(|(kind, _)| *kind == Kind::Status), "{fault}: it is told");
        sandbox.clear_faults();
        until_live(&format!("{fault}: healed"), &live, || {
            let snapshot = live.snapshot();
            let mike = snapshot.core_server("default").unwrap().users().by_name("mike").unwrap();
            User::try_from(mike).unwrap().status().is_some() && live.health().failing.is_empty()
        });
    }
}

#[test]
fn a_kind_that_begins_to_fail_everywhere_holds_up_nothing_else() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(50)).unwrap();
    let live = open(config(&sandbox));
    let failed = || metric(&live, "failed_requests");
    for (round, fault) in ["status=500", "status=403", "body=html"].iter().enumerate() {
        let (before, new) = (failed(), format!("Michael {round}"));
        sandbox.fault_from_str(&format!("{fault}; on=**/status")).unwrap();
        until_live(&format!("{fault}: many failures"), &live, || {
            assert_eq!(live.health().state, State::Live, "{fault}");
            failed() > before + 60
        });
        sandbox.set_display_name("4224", &new).unwrap();
        until_live(&format!("{fault}: the extensions go on"), &live, || michael(&live.snapshot()) == new);
        sandbox.clear_faults();
        until_live(&format!("{fault}: healed"), &live, || live.health().failing.is_empty());
    }
}

#[test]
fn one_lists_long_retry_after_does_not_keep_the_first_snapshot_back_and_is_obeyed() {
    let sandbox = sandbox();
    sandbox.fault_from_str("status=503; retry_after=300; on=coreServers/*/users").unwrap();
    sandbox.fault_from_str("status=503; retry_after=300; on=**/callSegments").unwrap();
    let live = open(config(&sandbox));
    let snapshot = live.snapshot();
    let server = snapshot.core_server("default").unwrap();
    assert!(!server.users().is_known() && michael(&snapshot) == "Michael Y");
    assert!(live.health().failing.iter().any(|(kind, _)| *kind == Kind::User), "it is told");
    std::thread::sleep(Duration::from_millis(500));
    let mut asked = std::collections::HashMap::new();
    let refused = |path: &str| path.ends_with("/users") || path.ends_with("/callSegments");
    for request in sandbox.requests().into_iter().filter(|request| refused(&request.path)) {
        *asked.entry(request.path).or_insert(0) += 1;
    }
    assert!(asked.len() > 10 && asked.values().all(|times| *times == 1), "{asked:?}");
}

#[test]
fn a_kind_whose_every_connection_breaks_pauses_nothing_else_for_long() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(200)).unwrap();
    sandbox.fault_from_str("drop; on=**/status").unwrap();
    let mut config = config(&sandbox);
    // A pause takes half a second on the average.
    config.backoff(Duration::from_millis(50), Duration::from_secs(1)).unwrap();
    let live = open(config);
    assert!(live.health().failing.iter().any(|(kind, _)| *kind == Kind::Status), "it is told");
    let asked = sandbox.request_count();
    until_live("polled on", &live, || sandbox.request_count() > asked + 1_000);
    assert_eq!(live.health().state, State::Live);
    // A server that is gone is noticed all the same.
    sandbox.stop_listening();
    until_live("gone", &live, || live.health().state == State::Stale);
    sandbox.clear_faults();
    sandbox.start_listening().unwrap();
    until_live("healed", &live, || live.health().failing.is_empty() && live.health().state == State::Live);
}

#[test]
fn a_kind_that_stalls_everywhere_does_not_keep_the_first_snapshot_back() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(300)).unwrap();
    sandbox.fault_from_str("stall=before_head; on=**/status").unwrap();
    // To try each of them would take half a minute.
    let live = open(config(&sandbox));
    assert_eq!(live.snapshot().core_server("default").unwrap().users().len(), 300);
    assert!(live.health().failing.iter().any(|(kind, _)| *kind == Kind::Status), "it is told");
    sandbox.clear_faults();
    until_live("healed", &live, || {
        let snapshot = live.snapshot();
        let users = snapshot.core_server("default").unwrap().users();
        users.iter_as::<User>().all(|user| user.status().is_some())
    });
}

#[test]
fn a_kind_that_stalls_everywhere_holds_up_nothing_else() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(300)).unwrap();
    let mut config = config(&sandbox);
    config.first_byte_timeout(Duration::from_secs(2)).unwrap().request_timeout(Duration::from_secs(2)).unwrap();
    let live = open(config);
    sandbox.fault_from_str("stall=before_head; on=**/status").unwrap();
    until_live("they fail", &live, || live.health().failing.iter().any(|(kind, _)| *kind == Kind::Status));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let age = live.snapshot().age();
        assert!(age < Duration::from_secs(1), "{age:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! Actions that can be trusted, over real sockets: sent at most once, bounded, and what the server made of them.

mod common;

use std::collections::HashMap;
use std::time::Duration;

use isymphony::Code;
use isymphony::action::Outcome;
use isymphony::sandbox::{Caller, RawResponse, Sandbox};
use isymphony::snapshot::CallSegment;

use common::{LONG, open, posts, quick, sandbox, until, world};

/// How many calls the sandbox's extensions were made to begin: each rings first.
fn originated(sandbox: &Sandbox) -> usize {
    sandbox.events().iter().filter(|event| event.contains("\"dial\"")).count()
}

#[test]
fn at_most_once_from_many_threads_under_every_fault() {
    let sandbox = sandbox();
    let mut config = quick(&sandbox);
    config.action_timeout(Duration::from_millis(150)).unwrap().connections(3).unwrap();
    let live = open(config);
    let faults = [
        "delay=20ms",
        "stall=before_head",
        "stall=within_head",
        "cut=0",
        "cut=5",
        "reset=0",
        "drop",
        "garbage=100",
        "status=500",
        "status=502",
        "status=503",
        "status=404",
        "status=429",
        "status=401",
        "body=html",
        "drip=1",
        "length=shorter",
        "length=longer",
        "redirect=http://127.0.0.1:1/",
    ];
    for (round, fault) in faults.into_iter().enumerate() {
        sandbox.clear_requests();
        sandbox.clear_faults();
        let calls_before = originated(&sandbox);
        // Every other request or so, so that failures and successes mix.
        sandbox.fault_from_str(&format!("{fault}; on=*/originate; method=POST; times=5")).unwrap();
        let outcomes: HashMap<String, Result<Outcome, Code>> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..10)
                .map(|n| {
                    let handle = live.extension("4224", None).unwrap();
                    scope.spawn(move || {
                        let destination = format!("{round}-{n}");
                        let result = handle.originate(&destination).map(|ticket| ticket.outcome());
                        (destination, result.map_err(|error| error.code()))
                    })
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let sent = posts(&sandbox);
        for (destination, outcome) in &outcomes {
            let body = format!("{{\"destination\":\"{destination}\"}}");
            let same: Vec<_> = sent.iter().filter(|post| post.body == body).collect();
            assert!(same.len() <= 1, "{fault}: {destination} was sent {} times", same.len());
            if *outcome == Ok(Outcome::Accepted) {
                assert_eq!(same.len(), 1, "{fault}: {destination} was accepted, and not sent");
            }
        }
        // What was accepted took place; what was surely not sent, or refused, did not.
        let calls = originated(&sandbox) - calls_before;
        let count = |wanted: &dyn Fn(&Result<Outcome, Code>) -> bool| outcomes.values().filter(|o| wanted(o)).count();
        let accepted = count(&|outcome| *outcome == Ok(Outcome::Accepted));
        let unknown = count(&|outcome| *outcome == Ok(Outcome::Unknown));
        assert!(accepted <= calls && calls <= accepted + unknown, "{fault}: {calls} calls, {outcomes:?}");
    }
}

#[test]
fn a_restart_in_the_middle_makes_no_action_run_twice() {
    for requests in 1..8 {
        let (sandbox, live) = world();
        sandbox.clear_requests();
        sandbox.restart_at_request(requests);
        let results: Vec<_> = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..4)
                .map(|n| {
                    let handle = live.extension("4224", Some("default")).unwrap();
                    scope.spawn(move || handle.originate(format!("9-{n}")).map(|ticket| ticket.outcome()))
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        for n in 0..4 {
            let body = format!("{{\"destination\":\"9-{n}\"}}");
            let sent: Vec<_> = posts(&sandbox).into_iter().filter(|post| post.body == body).collect();
            // A 404 says that the id is unknown, so that one surely did not run.
            assert!(sent.iter().filter(|post| post.status != 404).count() <= 1 && sent.len() <= 2, "{sent:#?}");
        }
        let accepted = results.iter().filter(|result| matches!(result, Ok(Outcome::Accepted))).count();
        let dials = originated(&sandbox);
        assert!(accepted <= dials, "{requests}: {dials} calls, {results:?}");
    }
}

#[test]
fn no_more_are_in_flight_than_there_are_connections() {
    let sandbox = sandbox();
    let mut config = quick(&sandbox);
    config.connections(2).unwrap();
    let live = open(config);
    sandbox.fault_from_str("delay=100ms; method=POST").unwrap();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let handle = live.extension("4224", None).unwrap();
            scope.spawn(move || assert_eq!(handle.originate(format!("{n}")).unwrap().outcome(), Outcome::Accepted));
        }
    });
    let at: Vec<Duration> = posts(&sandbox).iter().map(|post| post.at).collect();
    assert_eq!(at.len(), 6);
    for (earlier, later) in at.iter().zip(&at[2..]) {
        assert!(*later >= *earlier + Duration::from_millis(95), "{at:?}");
    }
}

#[test]
fn who_waits_in_vain_for_a_connection_has_sent_nothing() {
    let sandbox = sandbox();
    let mut config = quick(&sandbox);
    config.connections(1).unwrap();
    let live = open(config);
    sandbox.fault_from_str("stall=before_head; method=POST; times=1").unwrap();
    let handle = live.extension("4224", None).unwrap();
    std::thread::scope(|scope| {
        let slow = handle.clone();
        let first =
            scope.spawn(move || slow.act("originate", &[("destination", "1".into())], Some(Duration::from_secs(1))));
        until("the first action", || posts(&sandbox).len() == 1);
        let error =
            handle.act("originate", &[("destination", "2".into())], Some(Duration::from_millis(100))).unwrap_err();
        assert_eq!(error.code(), Code::TimedOut);
        assert!(error.message().contains("was not sent") && error.message().contains("waited"), "{error}");
        assert_eq!(first.join().unwrap().unwrap().outcome(), Outcome::Unknown);
    });
    assert_eq!(handle.originate("3").unwrap().outcome(), Outcome::Accepted);
    let bodies: Vec<_> = posts(&sandbox).into_iter().map(|post| post.body).collect();
    assert!(bodies.len() == 2 && bodies.iter().all(|body| !body.contains('2')), "{bodies:?}");
}

#[test]
fn closing_ends_the_wait_for_a_connection() {
    let sandbox = sandbox();
    let mut config = quick(&sandbox);
    config.connections(1).unwrap();
    let live = open(config);
    sandbox.fault_from_str("stall=before_head; method=POST").unwrap();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let handle = live.extension("4224", None).unwrap();
                scope.spawn(move || handle.originate("1"))
            })
            .collect();
        until("the first action", || posts(&sandbox).len() == 1);
        live.close(None);
        let results: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        let unknown = results.iter().filter(|r| r.as_ref().is_ok_and(|t| t.outcome() == Outcome::Unknown)).count();
        let closed = results.iter().filter(|r| r.as_ref().is_err_and(|e| e.code() == Code::Closed)).count();
        assert_eq!((unknown, closed), (1, 2), "{results:?}");
    });
    assert_eq!(posts(&sandbox).len(), 1);
}

#[test]
fn a_ticket_of_an_originate_gives_the_calls_that_appeared_for_it() {
    let (sandbox, live) = world();
    let old = sandbox.add_call("4224", &Caller::new("Ann", "5550001")).unwrap();
    live.refresh(LONG).unwrap();
    let extension = live.extension("4224", None).unwrap();
    let ticket = extension.originate("5551234").unwrap();
    let calls = ticket.call_segments(LONG).unwrap();
    let ids: Vec<_> = calls.iter().map(|call| call.get().id()).collect();
    let expected: Vec<_> = sandbox.call_segments("4224").unwrap().into_iter().filter(|id| *id != old).collect();
    assert_eq!(ids, expected);
    assert_eq!(ids.len(), 1);
    let call = CallSegment::try_from(calls[0].get()).unwrap();
    assert_eq!(call.extension().and_then(|extension| extension.extension_number()), Some("4224"));

    // The server is slow to make the call: it is waited for.
    let lists = format!("*/extensions/{}/callSegments", sandbox.extension_id("4224").unwrap());
    sandbox.override_body(&lists, "[]");
    let ticket = extension.originate("5551234").unwrap();
    let error = ticket.call_segments(Some(Duration::from_millis(200))).unwrap_err();
    assert_eq!(error.code(), Code::TimedOut);
    assert!(error.message().starts_with("no call segment appeared"), "{error}");
    let found = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ticket.call_segments(LONG));
        std::thread::sleep(Duration::from_millis(100));
        sandbox.clear_overrides();
        waiting.join().unwrap()
    });
    assert!(found.is_ok(), "{found:?}");

    let other = live.user("mike", None).unwrap().set_status("Lunch", "away", "", None).unwrap();
    assert_eq!(other.call_segments(LONG).unwrap_err().code(), Code::Unsupported);
    sandbox.restart();
    until("a new epoch", || live.snapshot().epoch() == 2);
    assert_eq!(ticket.call_segments(LONG).unwrap_err().code(), Code::NotFound);
}

#[test]
fn what_the_server_finds_wrong_is_rejected_and_an_unknown_path_says_what_to_do() {
    let (sandbox, live) = world();
    let extension = live.extension("4224", None).unwrap();
    for status in [400, 409, 412, 422] {
        sandbox.respond_with("POST */originate", RawResponse::status(status, "no such line"));
        let error = extension.originate("5551234").unwrap_err();
        assert_eq!((error.code(), error.retryable(), error.http_status()), (Code::Rejected, false, Some(status)));
        assert_eq!(error.server_message(), Some("no such line"));
    }
    for (status, code) in [(404, Code::NotFound), (405, Code::Unsupported)] {
        sandbox.respond_with("POST */originate", RawResponse::status(status, "nothing here"));
        let error = extension.originate("5551234").unwrap_err();
        assert_eq!((error.code(), error.http_status()), (code, Some(status)));
        assert!(error.message().contains("overlay"), "{error}");
    }
}

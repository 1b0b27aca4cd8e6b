//! Actions that can be trusted, over real sockets: at most once, bounded, checked before they are sent, and audited.

mod common;

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use isymphony::action::{Arg, Options, Outcome};
use isymphony::catalog::Kind;
use isymphony::sandbox::{Caller, RawResponse, RequestRecord, Sandbox, SandboxConfig};
use isymphony::snapshot::CallSegment;
use isymphony::{Code, Config, Live};

use common::{LONG, ms, open, polling, sandbox, until};

fn config(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, ms(20), ms(100));
    config.backoff(ms(5), ms(100)).unwrap();
    config
}

fn world() -> (Sandbox, Live) {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    (sandbox, live)
}

fn posts(sandbox: &Sandbox) -> Vec<RequestRecord> {
    sandbox.requests().into_iter().filter(|request| request.method == "POST").collect()
}

/// How many calls the sandbox's extensions were made to begin: each rings first.
fn originated(sandbox: &Sandbox) -> usize {
    sandbox.events().iter().filter(|event| event.contains("\"dial\"")).count()
}

#[test]
fn at_most_once_from_many_threads_under_every_fault() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
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
    let mut config = config(&sandbox);
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
    let mut config = config(&sandbox);
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
    let mut config = config(&sandbox);
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
fn what_is_gone_is_refused_before_anything_is_sent_unless_forced() {
    let (sandbox, live) = world();
    let snapshot = live.snapshot();
    let extension = snapshot.core_server("default").unwrap().extensions().by_name("4224").unwrap();
    let handle = live.extension("4224", Some("default")).unwrap();
    let path = format!("{}/enableDnd", extension.id_path());
    sandbox.remove_extension("4224").unwrap();
    until("the extension to go", || {
        let snapshot = live.snapshot();
        snapshot.core_server("default").unwrap().extensions().find("4224").is_none()
    });
    let error = live.act(&extension, "enable_dnd", &[], None).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.message().starts_with("not sent: ") && error.message().contains("force"), "{error}");
    assert_eq!(handle.set_dnd(true).unwrap_err().code(), Code::NotFound);
    assert!(posts(&sandbox).is_empty());

    // Forced, it is sent, and the server has the word.
    let force = Options::default().force(true);
    let error = live.act_with(&extension, "enable_dnd", &[], &force).unwrap_err();
    assert_eq!((error.code(), error.http_status()), (Code::NotFound, Some(404)));
    assert_eq!(handle.act_with("enable_dnd", &[], &force).unwrap_err().http_status(), Some(404));
    let sent: Vec<_> = posts(&sandbox).into_iter().map(|post| post.path).collect();
    assert_eq!(sent, [path, "coreServers/getByName/default/extensions/getByName/4224/enableDnd".to_owned()]);
}

#[test]
fn what_is_not_synced_is_not_said_to_be_gone_and_can_be_forced() {
    let sandbox = sandbox();
    let mut config = config(&sandbox);
    config.kinds([Kind::User]);
    let live = open(config);
    let user = live.user("4224", Some("default")).unwrap();
    let extension = live.extension("4224", Some("default")).unwrap();
    for error in [user.set_status("Lunch", "away", "", None).unwrap_err(), extension.set_dnd(true).unwrap_err()] {
        assert_eq!(error.code(), Code::Unsupported, "{error}");
        assert!(error.message().contains("is not among the kinds this client syncs"), "{error}");
    }
    assert!(posts(&sandbox).is_empty());
    let force = Options::default().force(true);
    assert_eq!(extension.act_with("enable_dnd", &[], &force).unwrap().outcome(), Outcome::Accepted);
    assert!(sandbox.dnd("4224").unwrap());
}

#[test]
fn a_forced_action_is_not_sent_to_a_name_that_reads_as_a_step_up() {
    let (sandbox, live) = world();
    let force = Options::default().force(true);
    for name in [".", "..", "../..", "a/../..", "..\\.."] {
        let handle = live.extension(name, Some("default")).unwrap();
        let error = handle.act_with("enable_dnd", &[], &force).unwrap_err();
        assert_eq!(error.code(), Code::InvalidPath, "{name}: {error}");
        assert!(error.message().starts_with("not sent: "), "{error}");
        let path = format!("{}/enableDnd", handle.path());
        assert_eq!(live.post(&path, None, None).unwrap_err().code(), Code::InvalidPath, "{path}");
    }
    assert!(posts(&sandbox).is_empty());
    for name in ["...", "a/b", "%2e%2e", "..a"] {
        let handle = live.extension(name, Some("default")).unwrap();
        assert_eq!(handle.act_with("enable_dnd", &[], &force).unwrap_err().http_status(), Some(404), "{name}");
    }
}

#[test]
fn arguments_are_checked_and_the_error_says_what_is_allowed() {
    let (sandbox, live) = world();
    let user = live.user("4224", None).unwrap();
    let extension = live.extension("4224", None).unwrap();
    let snapshot = live.snapshot();
    let server = snapshot.core_server("default").unwrap();
    let queue = server.queues().at(0).unwrap();
    let agents = isymphony::catalog::SubId::find(Kind::Queue, "agents").unwrap();
    let agent = live.agent_of(&queue.sub(agents).at(0).unwrap()).unwrap();
    let refused = |result: isymphony::Result<isymphony::action::Ticket>, says: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(says), "{error}");
    };
    let status = |ty: &str, time: i64| user.set_status("Lunch", ty, "", Some(time));
    refused(status("hungry", -1), "available, unavailable, away");
    refused(status("away", 1_467_304_534), "looks like seconds");
    refused(status("away", 0), "milliseconds");
    refused(status("away", -2), "-1 for none");
    refused(status("away", i64::MAX), "milliseconds");
    refused(user.set_status(" ", "away", "", None), "must not be empty");
    refused(agent.set_penalty(-1), "from 0 to 2147483647");
    refused(agent.set_penalty(1 << 31), "from 0 to 2147483647");
    refused(extension.originate(""), "must not be empty");
    refused(extension.originate("1\r\nAction: Originate"), "control character");
    refused(extension.act("originate", &[("destination", 5.into())], None), "must be a text");
    refused(extension.act("originate", &[], None), "needs destination");
    refused(extension.act("originate", &[("to", "1".into())], None), "it has destination");
    refused(extension.originate(&*user), "a User, which cannot be dialled");
    let queue_handle = live.queue("5001", None).unwrap();
    refused(queue_handle.login(&*user), "the id of a User, not of an Extension");
    refused(queue_handle.login(user.resolve().unwrap().to_string()), "the id of a User, not of an Extension");
    let nobody = extension.originate("coreServers/getByName/default/extensions/getByName/999999").unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
    assert!(posts(&sandbox).is_empty());
    assert_eq!(status("away", 1_467_304_534_000).unwrap().outcome(), Outcome::Accepted);
    assert_eq!(agent.set_penalty(3).unwrap().outcome(), Outcome::Accepted);
}

#[test]
fn a_destination_is_a_text_or_what_has_a_number() {
    let (sandbox, live) = world();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    until("the call", || live.snapshot().by_id(call).is_some());
    let snapshot = live.snapshot();
    let server = snapshot.core_server("default").unwrap();
    let room = server.conferences().at(0).unwrap();
    let dial_string = room.text(room.kind().row().property("dialString").unwrap()).unwrap().to_owned();
    let from = live.extension("4224", None).unwrap();
    let queue = live.queue("5001", None).unwrap();
    from.originate("*72").unwrap();
    from.originate(String::from("0049 30")).unwrap();
    from.originate(server.extensions().at(1).unwrap()).unwrap();
    from.originate(&queue).unwrap();
    from.originate(room).unwrap();
    from.originate("coreServers/getByName/default/queues/getByName/5002").unwrap();
    live.call_segment_of(&snapshot.by_id(call).unwrap()).unwrap().transfer(&queue).unwrap();
    let sent: Vec<String> = posts(&sandbox)
        .iter()
        .map(|post| {
            serde_json::from_str::<serde_json::Value>(&post.body).unwrap()["destination"].as_str().unwrap().to_owned()
        })
        .collect();
    let second = server.extensions().at(1).unwrap().name().unwrap().to_owned();
    assert_eq!(sent, ["*72", "0049 30", &second, "5001", &dial_string, "5002", "5001"]);
}

#[test]
fn a_status_is_set_as_others_show_it() {
    let (sandbox, live) = world();
    sandbox.set_status("mike", "At Lunch", "altpink", "back at one", -1).unwrap();
    let shows = |name: &str, of: &str| {
        let snapshot = live.snapshot();
        let user = snapshot.core_server("default").unwrap().users().by_name(of).unwrap();
        let status = isymphony::snapshot::User::try_from(user).unwrap().status();
        status.is_some_and(|status| status.name() == Some(name))
    };
    until("the status", || shows("At Lunch", "mike"));
    let user = live.user("4224", None).unwrap();
    user.set_status_like("At Lunch").unwrap().wait(LONG).unwrap();
    let body: serde_json::Value = serde_json::from_str(&posts(&sandbox)[0].body).unwrap();
    assert_eq!(body["type"], "altpink");
    assert_eq!((body["note"].as_str(), body["returnTime"].as_i64()), (Some("back at one"), Some(-1)));
    assert!(shows("At Lunch", "4224"));

    assert_eq!(user.set_status_like("Siesta").unwrap_err().code(), Code::NotFound);
    sandbox.set_status("mike", "At Lunch", "away", "back at one", -1).unwrap();
    until("two that differ", || user.set_status_like("At Lunch").is_err());
    let error = user.set_status_like("At Lunch").unwrap_err();
    assert_eq!(error.code(), Code::Ambiguous);
    assert!(error.message().contains("altpink") && error.message().contains("away"), "{error}");
}

thread_local! {
    static LINES: RefCell<Vec<(log::Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the audit lines of each thread: an action is logged by the thread that calls it.
struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "isymphony::action" {
            LINES.with(|lines| lines.borrow_mut().push((record.level(), record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

#[test]
fn every_call_writes_one_line() {
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "hunter2")).unwrap();
    let mut config = config(&sandbox);
    config.credentials("manager", "hunter2").unwrap();
    let live = open(config);
    let line = || {
        let lines = LINES.with(|lines| std::mem::take(&mut *lines.borrow_mut()));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let (level, text) = lines[0].clone();
        assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
        (level, text)
    };
    let extension = live.extension("4224", None).unwrap();
    let id = extension.resolve().unwrap();
    extension.originate("555\" outcome=refused").unwrap();
    let (level, text) = line();
    assert_eq!(level, log::Level::Info);
    let starts = format!(
        "action=\"Extension.originate\" target=\"coreServers/getByName/default/extensions/getByName/4224\" id={id} \
         path=\"coreServers/{}/extensions/{id}/originate\" args=\"destination:555\\\" outcome=refused\" sent=yes tries=1 \
         http=204 outcome=accepted ms=",
        sandbox.core_server_id()
    );
    assert!(text.starts_with(&starts), "{text}");

    let user = live.user("4224", None).unwrap();
    user.set_status("Secret name", "away", "secret note", None).unwrap();
    let (_, text) = line();
    assert!(text.contains("args=\"type:away\"") && !text.to_lowercase().contains("secret"), "{text}");

    extension.originate("").unwrap_err();
    let (level, text) = line();
    assert_eq!(level, log::Level::Warn);
    assert!(
        text.contains("sent=no tries=0 http=- outcome=refused") && text.contains("code=invalid_argument"),
        "{text}"
    );

    live.extension("no\nbody", None).unwrap().set_dnd(true).unwrap_err();
    assert!(line().1.contains("target=\"\" id=- path=\"\""));

    let nobody = live.user("nobody", None).unwrap();
    assert_eq!(nobody.set_status("Secret name", "away", "", None).unwrap_err().code(), Code::NotFound);
    let (_, text) = line();
    let starts =
        "action=\"Status.set\" target=\"\" id=- path=\"\" args=\"type:away\" sent=no tries=0 http=- outcome=refused";
    assert!(text.starts_with(starts) && text.contains("code=not_found"), "{text}");
    for user in [&nobody, &user] {
        assert_eq!(user.set_status_like("No such status").unwrap_err().code(), Code::NotFound);
        let (_, text) = line();
        assert!(
            text.contains("action=\"Status.set\"") && text.contains("sent=no") && text.contains("not_found"),
            "{text}"
        );
    }

    sandbox.respond_with("POST */originate", RawResponse::status(412, "words of the server"));
    extension.originate("1").unwrap_err();
    let (_, text) = line();
    assert!(text.contains("sent=yes tries=1 http=412 outcome=refused") && text.contains("code=rejected"), "{text}");
    assert!(!text.contains("words of the server"), "{text}");

    sandbox.respond_with("POST */originate", RawResponse::status(500, "oh"));
    extension.originate("1").unwrap();
    assert!(line().1.contains("sent=yes tries=1 http=500 outcome=unknown"));

    sandbox.fault_from_str("drop; method=POST").unwrap();
    extension.originate("1").unwrap();
    assert!(line().1.contains("sent=maybe tries=1 http=- outcome=unknown"));
    sandbox.clear_faults();
    sandbox.clear_overrides();

    let path = format!("coreServers/getByName/default/extensions/{id}/enableDnd");
    live.post(&path, None, None).unwrap();
    assert!(line().1.starts_with(&format!("action=\"post\" target=\"\" id=- path=\"{path}\" args=\"\" sent=yes")));

    // After a 404 the name is looked up again: two POSTs, one line.
    sandbox.restart();
    extension.act("enable_dnd", &[], LONG).unwrap();
    let (_, text) = line();
    assert!(text.contains("outcome=accepted"), "{text}");
    let _ = extension.act("fly", &[], None).unwrap_err();
    assert!(line().1.contains("code=unsupported"));
    let number = Arg::Int(7);
    let _ = live.queue("5001", None).unwrap().login(number).unwrap_err();
    assert!(line().1.contains("args=\"extension:7\""));
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

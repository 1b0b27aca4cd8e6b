//! Actions that can be trusted, over real sockets: checked before they are sent, and audited.

mod common;

use std::cell::RefCell;

use isymphony::Code;
use isymphony::action::{Arg, Options, Outcome};
use isymphony::catalog::Kind;
use isymphony::sandbox::{Caller, RawResponse, Sandbox, SandboxConfig};

use common::{LONG, open, posts, quick, sandbox, until, world};

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
    let mut config = quick(&sandbox);
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
    let mut config = quick(&sandbox);
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

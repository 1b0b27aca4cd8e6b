//! Overlays: what each kind of row does, over real sockets; each mistake with its line; the example of the documentation.

mod common;

use std::time::Duration;

use isymphony::action::Outcome;
use isymphony::catalog::{Kind, SubId};
use isymphony::sandbox::{RawResponse, Sandbox};
use isymphony::{Code, Config, Live};
use proptest::prelude::*;

use common::{LONG, ms, polling, sandbox, until_shown};

fn open(sandbox: &Sandbox, overlay: &str) -> Live {
    let mut config = polling(sandbox, ms(20), ms(100));
    config.overlay(overlay).unwrap();
    common::open(config)
}

fn refused(overlay: &str) -> String {
    let mut config = Config::new("http://pbx").unwrap();
    let before = format!("{:?}", config.get_action_path(Kind::Extension, "originate"));
    let error = config.overlay(overlay).unwrap_err();
    assert_eq!(error.code(), Code::Config, "{overlay}");
    assert_eq!(before, format!("{:?}", config.get_action_path(Kind::Extension, "originate")), "nothing is changed");
    error.message().to_owned()
}

#[test]
fn the_example_of_the_documentation_works() {
    let page = include_str!("../docs/overlay.md");
    let mut config = Config::new("http://pbx").unwrap();
    config.overlay(example()).unwrap();
    assert_eq!(config.get_action_path(Kind::Extension, "originate"), Some("call/start"));
    assert_eq!(config.get_action_body_key(Kind::Extension, "originate", "destination"), Some("number"));
    assert_eq!(config.get_action_success(Kind::Extension, "originate"), Some(&[200, 202, 204][..]));
    assert_eq!(config.get_action_success(Kind::Extension, "enable_dnd"), None);
    assert!(config.is_absent_action(Kind::Agent, "set_penalty"));
    assert_eq!(config.get_symbolic_name(Kind::ConferenceRoom), Some(3));
    assert_eq!(config.get_symbolic_name(Kind::Queue), Some(1));
    assert_eq!(config.get_symbolic_name(Kind::Agent), None);
    assert!(config.is_absent(SubId::find(Kind::User, "status").unwrap()));
    assert_eq!(config.get_raw_subs(Kind::Extension).collect::<Vec<_>>(), ["voicemails"]);
    // The page names what there is, and its error is the real one.
    for kind in Kind::ALL {
        for action in kind.row().actions {
            assert!(page.contains(&format!("`{}`", action.name)), "{}", action.name);
        }
    }
    let error = refused("\n[kinds.ConferenceRoom]\nsymbolic_name = \"dialstring\"");
    assert!(page.contains(&error), "{error}");
}

#[test]
fn later_overlays_win_row_by_row() {
    let mut config = Config::new("http://pbx").unwrap();
    config.overlay("[actions.\"Agent.pause\"]\nabsent = true\n[subs.\"User.status\"]\nabsent = true").unwrap();
    config.overlay("[actions.\"Agent.pause\"]\npath = \"halt\"\n[subs.\"User.status\"]\nabsent = false").unwrap();
    assert!(!config.is_absent_action(Kind::Agent, "pause"));
    assert_eq!(config.get_action_path(Kind::Agent, "pause"), Some("halt"));
    assert!(!config.is_absent(SubId::find(Kind::User, "status").unwrap()));
    config.overlay("").unwrap();
    // Two that change places are fine.
    config
        .overlay("[actions.\"Agent.pause\"]\npath = \"unpause\"\n[actions.\"Agent.unpause\"]\npath = \"pause\"")
        .unwrap();
}

#[test]
fn mistakes_are_told_with_their_line_and_what_is_allowed() {
    for (overlay, says) in [
        ("\n\nactions = 7", "line 3: \"actions\" is a section"),
        ("[actions", "line 1: this is not TOML"),
        ("[subs.\"User.status\"]\nabsent = true\nabsent = true", "line 3: this is not TOML: duplicate key"),
        (
            "[action.\"Extension.originate\"]",
            "line 1: there is no section \"action\"; the sections are actions, kinds, subs",
        ),
        ("x = 1\n", "line 1: \"x\" is a section"),
        ("[actions.\"Fax.send\"]\npath = \"x\"", "line 1: there is no kind \"Fax\"; the kinds are CoreServer, User"),
        (
            "[actions.\"Extension.fly\"]\npath = \"x\"",
            "line 1: an Extension has no action \"fly\"; it has originate, enable_dnd",
        ),
        ("[actions.\"Login.x\"]\npath = \"x\"", "it has none"),
        (
            "[actions.Extension.originate]\npath = \"x\"",
            "line 1: quote the two together: [actions.\"Extension.originate\"]",
        ),
        ("[actions.originate]\npath = \"x\"", "a row here is [actions.\"Kind.name\"]"),
        ("[actions]\n\"Extension.originate\" = 1", "line 2: \"Extension.originate\" is a row"),
        (
            "[actions.\"Extension.originate\"]\n\npth = \"x\"",
            "line 3: \"pth\" is not known here; allowed are path, body, success, absent",
        ),
        ("[actions.\"Extension.originate\"]\npath = 7", "line 2: path must be a text in quotes"),
        (
            "[actions.\"Extension.originate\"]\npath = \"a//b\"",
            "line 2: the path \"a//b\" of the action originate is not a plain path",
        ),
        ("[actions.\"Extension.originate\"]\npath = \"../x\"", "line 2: "),
        ("[actions.\"Extension.originate\"]\npath = \"callSegments\"", "line 2: \"callSegments\" is a sub resource"),
        (
            "[actions.\"Extension.originate\"]\npath = \"enableDnd\"",
            "line 1: the actions originate and enable_dnd of an Extension are both",
        ),
        ("[actions.\"Extension.originate\"]\nbody = \"number\"", "line 2: body must be a table"),
        (
            "[actions.\"Extension.originate\"]\nbody = { number = \"x\" }",
            "line 2: the action originate has no argument \"number\"; its arguments are: destination",
        ),
        ("[actions.\"Extension.originate\".body]\ndestination = \"\"", "line 2: the key of the argument destination"),
        (
            "[actions.\"Status.set\"]\nbody = { name = \"a\",\n  note = \"a\" }",
            "line 3: the arguments name and note have the same key \"a\"",
        ),
        (
            "[actions.\"Status.set\"]\nbody = { name = \"type\" }",
            "line 2: the arguments name and type have the same key",
        ),
        (
            "[actions.\"Extension.originate\"]\nsuccess = 200",
            "line 2: success must be a list of HTTP statuses from 200 to 399",
        ),
        ("[actions.\"Extension.originate\"]\nsuccess = []", "line 2: success"),
        ("[actions.\"Extension.originate\"]\nsuccess = [200,\n 404]", "line 3: success"),
        ("[actions.\"Extension.originate\"]\nsuccess = [\"200\"]", "line 2: success"),
        ("[actions.\"Extension.originate\"]\nabsent = 1", "line 2: absent must be true or false"),
        (
            "[actions.\"Extension.originate\"]\nabsent = true\npath = \"x\"",
            "line 2: Extension.originate cannot be absent and have a path",
        ),
        ("[kinds.Fax]\nsymbolic_name = \"x\"", "line 1: there is no kind \"Fax\""),
        ("[kinds.User]\nname = \"x\"", "line 2: \"name\" is not known here; allowed are symbolic_name"),
        (
            "[kinds.User]\nsymbolic_name = \"shoe\"",
            "line 2: a User has no property \"shoe\"; its texts are configurationId, userName",
        ),
        (
            "[kinds.ConferenceRoom]\nsymbolic_name = \"userGenerated\"",
            "line 2: userGenerated is a boolean, and a symbolic name must be a text",
        ),
        ("[kinds.Agent]\nsymbolic_name = \"name\"", "line 2: an Agent has no symbolic names"),
        (
            "[subs.\"User.voicemails\"]\nabsent = true",
            "line 1: the catalogue has no \"voicemails\" below a User, but logins, status, extensions",
        ),
        ("[subs.\"User.status\"]\nkind = \"raw\"", "line 2: the catalogue knows User.status"),
        ("[subs.\"User.mails\"]\nkind = \"User\"", "line 2: the kind of a further sub resource can only be \"raw\""),
        ("[subs.\"User.mails\"]\nkind = \"raw\"\nabsent = true", "line 3: User.mails cannot be absent and be kept"),
        (
            "[subs.\"Extension.originate\"]\nkind = \"raw\"",
            "line 2: \"originate\" is the action originate of an Extension",
        ),
        (
            "[subs.\"Extension.call\"]\nkind = \"raw\"\n[actions.\"Extension.originate\"]\npath = \"call\"",
            "line 4: \"call\" is a sub resource of an Extension, so it cannot be an action",
        ),
        ("[subs.\"Extension.a b\"]\nkind = \"raw\"", "line 2: \"a b\" must be one plain path segment"),
    ] {
        let message = refused(overlay);
        assert!(message.contains(says), "{overlay}\n  says   {message}\n  not    {says}");
        assert!(message.starts_with("line "), "{message}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let mut config = Config::new("http://pbx").unwrap();
    let error = config.overlay_file("no-such-overlay.toml").unwrap_err();
    assert_eq!(error.code(), Code::Config);
    assert!(error.message().contains("no-such-overlay.toml cannot be opened"), "{error}");
    let file = std::env::temp_dir().join(format!("isymphony-overlay-{}.toml", std::process::id()));
    std::fs::write(&file, "[kinds.User]\nname = 1\n").unwrap();
    let error = config.overlay_file(&file).unwrap_err();
    assert!(error.message().contains("isymphony-overlay-") && error.message().contains(": line 2: "), "{error}");
    std::fs::write(&file, "[kinds.User]\nsymbolic_name = \"displayedName\"\n").unwrap();
    config.overlay_file(&file).unwrap();
    assert_eq!(config.get_symbolic_name(Kind::User), Some(2));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn an_action_is_sent_as_the_overlay_says() {
    let sandbox = sandbox();
    let live = open(
        &sandbox,
        "[actions.\"Extension.originate\"]\npath = \"call/start\"\nbody = { destination = \"number\" }\nsuccess = [202, 302]\n\
         [actions.\"Extension.enable_dnd\"]\nabsent = true",
    );
    let extension = live.extension("4224", None).unwrap();
    let answer = |status| sandbox.respond_with("POST */call/start", RawResponse::status(status, "so"));
    answer(202);
    assert_eq!(extension.originate("5551234").unwrap().outcome(), Outcome::Accepted);
    let sent = sandbox.requests().into_iter().rfind(|request| request.method == "POST").unwrap();
    assert!(sent.path.ends_with("/call/start"), "{}", sent.path);
    assert_eq!(sent.body, r#"{"number":"5551234"}"#);
    answer(302);
    assert_eq!(extension.originate("5551234").unwrap().outcome(), Outcome::Accepted);
    answer(200);
    let ticket = extension.originate("5551234").unwrap();
    assert_eq!(ticket.outcome(), Outcome::Unknown);
    assert_eq!(ticket.error().unwrap().http_status(), Some(200));
    answer(412);
    assert_eq!(extension.originate("5551234").unwrap_err().code(), Code::Rejected);

    let count = || sandbox.requests().iter().filter(|request| request.method == "POST").count();
    let before = count();
    let error = extension.set_dnd(true).unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.message().contains("overlay"), "{error}");
    assert_eq!(count(), before);
    assert_eq!(extension.set_dnd(false).unwrap().outcome(), Outcome::Accepted);
}

#[test]
fn another_property_is_the_symbolic_name() {
    let sandbox = sandbox();
    sandbox.set_displayed_name("4224", "Michael Y").unwrap();
    sandbox.add_conference("8100", "A room with a name that is longer than fourteen bytes").unwrap();
    let live = open(
        &sandbox,
        "[kinds.ConferenceRoom]\nsymbolic_name = \"displayName\"\n[kinds.User]\nsymbolic_name = \"displayedName\"",
    );
    let snapshot = live.snapshot();
    let server = snapshot.core_server("default").unwrap();
    for room in server.conferences().iter() {
        let name = room.text(1).unwrap();
        assert_eq!(room.name(), Some(name));
        assert_eq!(server.conferences().by_name(name).unwrap().id(), room.id());
        assert_eq!(snapshot.resolve_path(&room.path()).unwrap().one().unwrap().id(), room.id());
        assert!(server.conferences().by_name(room.text(2).unwrap()).is_err(), "the identifier is no longer the name");
        assert_eq!(live.conference(name, None).unwrap().resolve().unwrap(), room.id());
        // All else reads as before.
        let raw: serde_json::Value = serde_json::from_str(&room.raw()).unwrap();
        for property in room.properties().filter(|property| property.row.name != "userGenerated") {
            let value = match property.value.unwrap() {
                isymphony::snapshot::Value::Text(text) => text,
                other => panic!("{other:?}"),
            };
            assert_eq!(raw[property.row.name], value);
        }
    }
    assert_eq!(server.extensions().by_name("4224").unwrap().name(), Some("4224"));
    let michael = server.users().by_name("Michael Y").unwrap();
    let handle = live.user("Michael Y", Some("default")).unwrap();
    sandbox.restart();
    live.refresh(LONG).unwrap();
    until_shown("the new epoch", &live, |snapshot| snapshot.epoch() >= 2);
    assert_ne!(handle.resolve().unwrap(), michael.id());
}

#[test]
fn what_is_absent_is_never_asked_for_and_said_to_be_unsupported() {
    let sandbox = sandbox();
    let live =
        open(&sandbox, "[subs.\"User.status\"]\nabsent = true\n[subs.\"CoreServer.conferences\"]\nabsent = true");
    live.refresh(LONG).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let asked = |end: &str| sandbox.requests().iter().any(|request| request.path.ends_with(end));
    assert!(!asked("/status") && !asked("/conferences") && asked("/logins") && asked("/queues"));
    let snapshot = live.snapshot();
    for path in [
        "coreServers/getByName/default/users/getByName/4224/status",
        "coreServers/getByName/default/conferences/getByName/8001",
        "coreServers/getByName/default/conferences",
    ] {
        let error = snapshot.resolve(path).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported, "{path}: {error}");
        assert!(error.message().contains("overlay"), "{error}");
    }
    assert_eq!(live.conference("8001", None).unwrap().get().unwrap_err().code(), Code::Unsupported);
    let error = live.user("4224", None).unwrap().set_status("Lunch", "away", "", None).unwrap_err();
    assert_eq!(error.code(), Code::Unsupported, "{error}");
    assert!(snapshot.core_server("default").unwrap().conferences().is_empty());
}

#[test]
fn a_raw_sub_resource_is_reachable_by_its_path() {
    let sandbox = sandbox();
    let live = open(&sandbox, "[subs.\"Extension.voicemails\"]\nkind = \"raw\"");
    let id = sandbox.extension_id("4224").unwrap();
    sandbox.override_body(&format!("coreServers/*/extensions/{id}/voicemails"), "[{\"id\": 1, \"x\": null}]");
    sandbox.override_body(&format!("coreServers/*/extensions/{id}/voicemails/1"), "{\"id\": 1}");
    let path = "coreServers/getByName/default/extensions/getByName/4224/voicemails";
    assert_eq!(live.get_raw(path, None).unwrap(), "[{\"id\": 1, \"x\": null}]");
    assert_eq!(live.get_raw(&format!("/communication_manager/rest/live/{path}/1"), LONG).unwrap(), "{\"id\": 1}");
    let nobody = live.get_raw(&path.replace("4224", "999999"), None).unwrap_err();
    assert_eq!((nobody.code(), nobody.http_status()), (Code::NotFound, None));
    let report = isymphony::doctor::examine(live.config(), &Default::default());
    let check = report.set("Extension.voicemails").unwrap();
    assert_eq!((check.kind, check.mark, check.asked, check.present, check.absent), (None, 'S', 3, 1, 2));
    assert!(report.overlay().unwrap().contains("[subs.\"Extension.voicemails\"]\nkind = \"raw\""));
    // Any other path goes out as it stands.
    assert!(live.get_raw("coreServers/getByName/default/queues", None).unwrap().starts_with('['));
    assert_eq!(live.get_raw("coreServers/x", None).unwrap_err().http_status(), Some(404));
    assert_eq!(live.get_raw("a b", None).unwrap_err().code(), Code::InvalidPath);
    assert_eq!(live.get_raw("coreServers/%2e%2E/x", None).unwrap_err().code(), Code::InvalidPath);
    sandbox.override_body("*/nonsense", "[1,");
    assert_eq!(live.get_raw("coreServers/nonsense", None).unwrap_err().code(), Code::BadAnswer);
    sandbox.fault_from_str("stall=before_head; on=*/stalls").unwrap();
    let error = live.get_raw("coreServers/stalls", Some(Duration::from_millis(100))).unwrap_err();
    assert_eq!(error.code(), Code::TimedOut);
}

fn example() -> &'static str {
    let page = include_str!("../docs/overlay.md");
    page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

proptest! {
    /// Whatever the text is, it is taken whole or refused with its line, and nothing is changed.
    #[test]
    fn any_text_is_taken_or_refused_with_its_line(
        cut in 0usize..900,
        insert in prop_oneof!["\\PC{0,12}", Just("\"".to_owned()), Just("\n[subs".to_owned()), Just("= 7\n".to_owned())],
        drop in 0usize..40,
    ) {
        let text: Vec<char> = example().chars().collect();
        let cut = cut.min(text.len());
        let end = (cut + drop).min(text.len());
        let text: String = text[..cut].iter().copied().chain(insert.chars()).chain(text[end..].iter().copied()).collect();
        let mut config = Config::new("http://pbx").unwrap();
        match config.overlay(&text) {
            Ok(_) => {}
            Err(error) => {
                prop_assert_eq!(error.code(), Code::Config);
                let line = error.message().strip_prefix("line ").and_then(|rest| rest.split_once(": "));
                let number: usize = line.unwrap().0.parse().unwrap();
                prop_assert!((1..=text.matches('\n').count() + 1).contains(&number), "{}", error);
                prop_assert_eq!(config.get_action_path(Kind::Extension, "originate"), Some("originate"));
            }
        }
    }
}

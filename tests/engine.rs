//! The client against the sandbox, over real sockets: sync, names, relations, actions, restarts, outages.

mod common;

use std::time::{Duration, Instant};

use isymphony::action::Outcome;
use isymphony::catalog::Kind;
use isymphony::health::State;
use isymphony::path::Path;
use isymphony::sandbox::{Caller, Fault, Sandbox, SandboxConfig, Times};
use isymphony::snapshot::{CallSegment, ChangeKind, Extension, Resource, User};
use isymphony::watch::Filter;
use isymphony::{Code, Config, Live};

use common::{
    Incarnations, LONG, every_kind, extension, is_readable, ms, open, polling, sandbox, until_live, until_shown,
};

fn config(sandbox: &Sandbox) -> Config {
    let mut config = polling(sandbox, ms(20), ms(200));
    config.backoff(ms(5), ms(200)).unwrap();
    config
}

#[test]
fn the_first_snapshot_is_whole() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let snapshot = live.snapshot();
    assert_eq!((snapshot.generation(), snapshot.epoch()), (1, 1));
    let server = snapshot.core_server("default").unwrap();
    assert!(server.users().len() >= 20 && server.queues().len() >= 3, "{snapshot:?}");
    for path in [
        "http://localhost:58080/communication_manager/rest/live/coreServers/ca5de6c4-17bd-46ce-95a2-8b29c7812ca4/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
        "http://localhost:58080/communication_manager/rest/live/coreServers/getByName/default/extensions/getByName/4224",
        "http://localhost:58080/communication_manager/rest/live/coreServers/getByName/default/extensions/ef2faba9-8557-49c1-9ffc-5a71f41c7a23",
    ] {
        let michael = Extension::try_from(snapshot.resolve(path).unwrap().one().unwrap()).unwrap();
        assert_eq!((michael.extension_number(), michael.display_name()), (Some("4224"), Some("Michael Y")));
    }
    let users: Vec<User<'_>> = extension(&snapshot, "4224").unwrap().users();
    assert!(users.iter().any(|user| user.user_name() == Some("4224")), "{users:?}");
    assert!(server.users().iter_as::<User<'_>>().any(|user| user.status().is_some()));
    assert_eq!(live.health().state, State::Live);
}

#[test]
fn a_change_on_the_server_becomes_visible_and_shares_the_rest() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let before = live.snapshot();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    let snapshot = until_shown("the call", &live, |snapshot| {
        let call = snapshot.by_id(call).map(|call| CallSegment::try_from(call).unwrap());
        call.and_then(|call| call.extension()).is_some()
    });
    let michael = extension(&snapshot, "4224").unwrap();
    assert_eq!(michael.call_segments().len(), 1);
    let segment = CallSegment::try_from(snapshot.by_id(call).unwrap()).unwrap();
    assert_eq!(segment.caller_id_name(), Some("Ada"));
    assert_eq!(segment.extension(), Some(michael));
    assert!(before.by_id(call).is_none(), "a pinned snapshot does not move");
    let changes = snapshot.diff(&before);
    assert!(changes.iter().any(|change| change.resource().unwrap().id() == call), "{changes:?}");
    sandbox.hang_up(call).unwrap();
    until_shown("the end of the call", &live, |snapshot| {
        snapshot.by_id(call).is_none() && extension(snapshot, "4224").unwrap().call_segments().is_empty()
    });
}

#[test]
fn an_originate_makes_calls_that_the_ticket_waits_for() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let handle = live.extension("4224", None).unwrap();
    let ticket = handle.originate("5551234").unwrap();
    assert_eq!(ticket.outcome(), Outcome::Accepted);
    let snapshot = ticket.wait(LONG).unwrap();
    assert_eq!(extension(&snapshot, "4224").unwrap().call_segments().len(), 1);
}

#[test]
fn a_restart_is_one_new_epoch_and_handles_work_on() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let handle = live.extension("4224", Some("default")).unwrap();
    let old = handle.resolve().unwrap();
    sandbox.restart();
    let snapshot = until_shown("the new epoch", &live, |snapshot| snapshot.epoch() == 2);
    let new = handle.resolve().unwrap();
    assert_ne!(old, new);
    assert!(snapshot.by_id(old).is_none());
    assert_eq!(handle.originate("5551234").unwrap().outcome(), Outcome::Accepted);
}

#[test]
fn an_outage_keeps_the_last_data_and_heals() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    sandbox.stop_listening();
    until_live("stale", &live, || live.health().state == State::Stale);
    assert!(extension(&live.snapshot(), "4224").is_some());
    assert_eq!(live.snapshot_within(Duration::ZERO).unwrap_err().code(), Code::Stale);
    sandbox.start_listening().unwrap();
    until_live("live", &live, || live.health().state == State::Live);
    assert!(live.health().last_error.is_some());
}

#[test]
fn a_server_that_is_down_at_the_start_is_waited_for() {
    let sandbox = sandbox();
    sandbox.stop_listening();
    let live = Live::open(config(&sandbox)).unwrap();
    let error = live.wait(Some(Duration::from_millis(200))).unwrap_err();
    assert_eq!(error.code(), Code::SyncTimeout);
    sandbox.start_listening().unwrap();
    live.wait(LONG).unwrap();
}

#[test]
fn wrong_credentials_and_a_closed_door_are_told_apart_and_can_be_mended() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "right-secret")).unwrap();
    let mut settings = config(&sandbox);
    settings.credentials("manager", "wrong-secret").unwrap();
    let live = Live::open(settings).unwrap();
    let error = live.wait(Some(Duration::from_millis(300))).unwrap_err();
    assert_eq!(error.http_status(), Some(401));
    assert!(!format!("{error:?} {:?} {live:?}", live.health()).contains("secret"));
    assert_eq!(live.health().state, State::Failed);
    sandbox.set_denied(true);
    live.set_credentials("manager", "right-secret").unwrap();
    let error = live.wait(Some(Duration::from_millis(300))).unwrap_err();
    assert_eq!(error.http_status(), Some(403), "{error}");
    sandbox.set_denied(false);
    live.set_credentials("manager", "right-secret").unwrap();
    live.wait(LONG).unwrap();
}

#[test]
fn wrong_credentials_and_a_closed_door_are_tried_again_slowly() {
    for denied in [false, true] {
        let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "right")).unwrap();
        sandbox.set_denied(denied);
        let mut settings = Config::new(&sandbox.url()).unwrap();
        settings.credentials("manager", "wrong").unwrap().events(false);
        let live = Live::open(settings).unwrap();
        assert!(live.wait(Some(Duration::from_millis(500))).is_err());
        let asked = sandbox.request_count();
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(sandbox.request_count(), asked, "denied: {denied}");
    }
}

#[test]
fn a_bad_list_does_not_hold_up_the_others() {
    let sandbox = sandbox();
    sandbox.fault(Fault::status(500), "*/queues", Times::Forever);
    let live = open(config(&sandbox));
    let snapshot = live.snapshot();
    assert!(!snapshot.core_server("default").unwrap().queues().is_known());
    assert!(extension(&snapshot, "4224").is_some());
    assert_eq!(live.health().failing[0].0, Kind::Queue);
    sandbox.clear_faults();
    until_shown("the queues", &live, |snapshot| !snapshot.core_server("default").unwrap().queues().is_empty());
}

#[test]
fn a_restart_at_any_request_never_mixes_two_incarnations() {
    // The first round of this world has some thirty requests.
    for n in 1..80 {
        let sandbox = Sandbox::start(SandboxConfig::new().users(3).queues(1)).unwrap();
        sandbox.add_call("4224", &Caller::new("Bob", "5550199")).unwrap();
        let mut incarnations = Incarnations::default();
        incarnations.know(&sandbox);
        sandbox.restart_at_request(n);
        let first = sandbox.core_server_id();
        let live = Live::open(config(&sandbox)).unwrap();
        until_shown(&format!("the incarnation after request {n}"), &live, |snapshot| {
            incarnations.look(snapshot);
            sandbox.incarnation() == 2
                && snapshot.core_server("default").is_ok_and(|server| server.id() == sandbox.core_server_id())
        });
        // All that there is at the end is of the second incarnation: it was seen below no other core server.
        assert!((1..=2).contains(&incarnations.len()));
        assert!(live.snapshot().by_id(first).is_none());
    }
}

#[test]
fn close_ends_soon_whatever_hangs() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    sandbox.fault_from_str("stall=before_head; on=*").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    live.close(None);
    live.close(None);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(live.health().state, State::Closed);
    assert_eq!(live.wait(LONG).unwrap_err().code(), Code::Closed);
    assert!(extension(&live.snapshot(), "4224").is_some());
}

#[test]
fn a_watch_tells_what_was_added_changed_and_removed() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let mut watch = live.watch(Filter::default().kinds([Kind::Extension]).events(false));
    let mut calls = live.watch(Filter::default().kinds([Kind::CallSegment]).events(false));
    sandbox.add_extension("7777", "Seven", Some("4224")).unwrap();
    let change = watch.next(LONG).unwrap().unwrap();
    assert_eq!((change.kind, change.resource().unwrap().name()), (ChangeKind::Added, Some("7777")));
    sandbox.set_display_name("7777", "Siebzig").unwrap();
    // That it is its user's shows by itself, from the user's own list.
    let renamed = loop {
        let change = watch.next(LONG).unwrap().unwrap();
        assert_eq!(change.kind, ChangeKind::Changed);
        let names = [&change.old, &change.new].map(|side| side.as_ref().unwrap().get().text(1).unwrap().to_owned());
        if names[0] != names[1] {
            break names;
        }
    };
    assert_eq!(renamed, ["Seven", "Siebzig"]);
    sandbox.remove_extension("7777").unwrap();
    let removed = loop {
        let change = watch.next(LONG).unwrap().unwrap();
        if change.kind != ChangeKind::Changed {
            break change;
        }
    };
    assert_eq!((removed.kind, removed.new.is_none()), (ChangeKind::Removed, true));
    assert!(calls.next(Some(Duration::ZERO)).unwrap().is_none());
    sandbox.restart();
    assert_eq!(watch.next(LONG).unwrap().unwrap().kind, ChangeKind::EpochChanged);
    live.close(None);
    assert_eq!(watch.next(LONG).unwrap_err().code(), Code::Closed);
}

#[test]
fn a_watch_from_nothing_starts_with_all_there_is_and_a_descriptor_tells_when_to_look() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let mut watch = live.watch_from_nothing(Filter::default().kinds([Kind::User]).events(false));
    assert!(is_readable(&watch, Duration::ZERO));
    let mut users = 0;
    while let Some(change) = watch.next(Some(Duration::ZERO)).unwrap() {
        assert_eq!(change.kind, ChangeKind::Added);
        users += 1;
    }
    assert_eq!(users, live.snapshot().core_server("default").unwrap().users().len());
    assert!(!is_readable(&watch, Duration::ZERO));
    sandbox.add_user("new", "New").unwrap();
    assert!(is_readable(&watch, Duration::from_secs(10)));
}

#[test]
fn a_watch_from_nothing_tells_of_nothing_that_is_not_there() {
    let sandbox = sandbox();
    sandbox.fault_from_str("dangling_parents; on=*/extensions").unwrap();
    let live = open(config(&sandbox));
    let mut watch = live.watch_from_nothing(Filter::default().kinds([Kind::Extension]).events(false));
    let mut told = 0;
    while let Some(change) = watch.next(Some(Duration::ZERO)).unwrap() {
        let extension = change.resource().unwrap().id();
        assert!(watch.snapshot().by_id(extension).is_some(), "{change:?}");
        told += 1;
    }
    let snapshot = watch.snapshot();
    let michael = User::try_from(snapshot.core_server("default").unwrap().users().by_name("4224").unwrap()).unwrap();
    assert_eq!(michael.extensions().iter().filter(|has| snapshot.by_id(has.id()).is_none()).count(), 1);
    assert_eq!(told, sandbox.extension_numbers().len());
}

#[test]
fn a_ticket_waits_also_for_what_was_never_read() {
    let sandbox = sandbox();
    let mut settings = config(&sandbox);
    settings.events(false);
    every_kind(&mut settings, Duration::from_secs(30), Duration::from_secs(60));
    let live = open(settings);
    sandbox.add_queue("5900", "New").unwrap();
    live.refresh(LONG).unwrap();
    let ticket = live.queue("5900", None).unwrap().login("4224").unwrap();
    let snapshot = ticket.wait(LONG).unwrap();
    let queue = snapshot.core_server("default").unwrap().queues().by_name("5900").unwrap();
    assert_eq!(isymphony::snapshot::Queue::try_from(queue).unwrap().agents().len(), 1);
}

#[test]
fn a_handle_tells_when_it_is_bound_anew_and_a_strict_one_refuses_another_object() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let handle = live.extension("4224", None).unwrap();
    assert_eq!(handle.binding(), None);
    let strict = handle.strict();
    assert_eq!(handle, live.extension("4224", None).unwrap());
    assert_ne!(handle, live.extension("4224", Some("default")).unwrap());
    assert!(strict != handle && strict == handle.strict());
    let first = handle.resolve().unwrap();
    let binding = handle.binding().unwrap();
    assert_eq!((binding.id, binding.rebinds, binding.other_objects), (first, 0, 0));
    assert_eq!(strict.binding().unwrap(), binding);

    sandbox.restart();
    until_shown("a new epoch", &live, |snapshot| snapshot.epoch() == 2);
    assert_ne!(handle.resolve().unwrap(), first);
    assert_eq!(strict.resolve().unwrap(), handle.resolve().unwrap());
    let again = handle.binding().unwrap();
    assert_eq!((again.epoch, again.rebinds, again.other_objects), (2, 1, 0));
    assert_eq!(again.configuration_id, binding.configuration_id);

    // A renamed extension is the same object; then another one takes its name.
    sandbox.rename_extension("4224", "7000").unwrap();
    until_shown("renamed", &live, |snapshot| extension(snapshot, "7000").is_some());
    assert_eq!(strict.get().unwrap().get().name(), Some("7000"));
    let other = sandbox.extension_numbers().into_iter().find(|number| number != "7000").unwrap();
    sandbox.rename_extension(&other, "4224").unwrap();
    until_shown("taken", &live, |snapshot| extension(snapshot, "4224").is_some());
    assert_eq!(handle.get().unwrap().get().name(), Some("4224"));
    assert_eq!(handle.binding().unwrap().other_objects, 1);
    let error = strict.get().unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.message().contains("strict"), "{error}");
    assert_ne!(strict, handle.strict());
    sandbox.clear_requests();
    assert_eq!(strict.originate("5551234").unwrap_err().code(), Code::NotFound);
    assert!(sandbox.requests().iter().all(|request| request.method != "POST"), "nothing was sent");
}

#[test]
fn what_is_below_a_strict_handle_is_strict_too() {
    let sandbox = sandbox();
    let live = open(config(&sandbox));
    let strict = live.user("mike", None).unwrap().strict();
    assert!(strict.set_status("Lunch", "away", "", None).is_ok());
    sandbox.rename_user("mike", "michael").unwrap();
    sandbox.add_user("mike", "Another Mike").unwrap();
    until_shown("taken", &live, |s| {
        let users = s.core_server("default").unwrap().users();
        users.find("mike").is_some() && users.find("michael").is_some()
    });
    sandbox.clear_requests();
    assert_eq!(strict.set_status("Back", "available", "", None).unwrap_err().code(), Code::NotFound);
    assert!(sandbox.requests().iter().all(|request| request.method != "POST"), "nothing was sent");
}

/// Replaces a core server's extensions: their ids, numbers and `configurationId`s.
fn replace_extensions(sandbox: &Sandbox, live: &Live, core_server: &str, extensions: &[(u128, &str, &str)]) {
    let id = |id| uuid::Uuid::from_u128(id);
    let items = extensions.iter().map(|(extension, number, configuration_id)| {
        let id = id(*extension);
        format!(r#"{{"id":"{id}","extensionNumber":"{number}","configurationId":"{configuration_id}"}}"#)
    });
    let server = live.snapshot().core_server(core_server).unwrap().id();
    let list = format!("coreServers/{server}/extensions");
    sandbox.override_body(&list, &format!("[{}]", items.collect::<Vec<_>>().join(",")));
    until_shown("the extensions", live, |snapshot| {
        let list = snapshot.core_server(core_server).unwrap().extensions();
        let there = |(extension, number, _): &(u128, &str, &str)| {
            list.by_id(id(*extension)).is_some_and(|found| found.name() == Some(*number))
        };
        list.len() == extensions.len() && extensions.iter().all(there)
    });
}

#[test]
fn a_configuration_id_that_is_empty_or_shared_leads_a_handle_to_no_other_object() {
    for shared in ["", "7"] {
        let sandbox = Sandbox::start(SandboxConfig::new().users(2)).unwrap();
        let live = open(config(&sandbox));
        replace_extensions(&sandbox, &live, "default", &[(1, "4224", shared), (2, "4225", shared)]);
        let path = "coreServers/getByName/default/extensions/getByName/4224";
        let handles = [(*live.extension("4224", None).unwrap()).clone(), live.handle(path).unwrap()];
        for handle in &handles {
            assert_eq!(handle.resolve().unwrap().as_u128(), 1);
            assert_eq!(handle.binding().unwrap().configuration_id, None);
        }
        let strict = handles.each_ref().map(|handle| handle.strict());
        replace_extensions(&sandbox, &live, "default", &[(2, "4225", shared)]);
        for handle in handles.iter().chain(&strict) {
            assert_eq!(handle.get().unwrap_err().code(), Code::NotFound);
        }
        // The name goes to the other one.
        replace_extensions(&sandbox, &live, "default", &[(2, "4224", shared)]);
        for (handle, strict) in handles.iter().zip(&strict) {
            assert_eq!(handle.resolve().unwrap().as_u128(), 2);
            let error = strict.get().unwrap_err();
            assert!(error.code() == Code::NotFound && error.message().contains("strict"), "{error}");
        }
    }
}

#[test]
fn a_strict_handle_knows_its_object_by_its_id_or_a_configuration_id_of_its_own() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(2)).unwrap();
    let live = open(config(&sandbox));
    replace_extensions(&sandbox, &live, "default", &[(1, "4224", "7"), (2, "4225", "8")]);
    let strict = live.extension("4224", None).unwrap().strict();
    assert_eq!(strict.binding().unwrap().configuration_id.as_deref(), Some("7"));
    replace_extensions(&sandbox, &live, "default", &[(3, "4224", "7"), (4, "4225", "8")]);
    assert_eq!(strict.resolve().unwrap().as_u128(), 3);
    // Another one has it too: it tells nothing any more.
    replace_extensions(&sandbox, &live, "default", &[(5, "4224", "7"), (6, "4225", "7")]);
    let error = strict.get().unwrap_err();
    assert!(error.message().contains("configurationId 7") && error.message().contains("(id "), "{error}");
    replace_extensions(&sandbox, &live, "default", &[(3, "4224", "7"), (6, "4225", "7")]);
    assert_eq!(strict.resolve().unwrap().as_u128(), 3);
}

#[test]
fn a_handle_without_a_core_server_does_not_go_over_to_another_one() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(2).core_servers(["default", "branch"])).unwrap();
    let live = open(config(&sandbox));
    replace_extensions(&sandbox, &live, "default", &[(1, "4224", "7"), (2, "4225", "8")]);
    replace_extensions(&sandbox, &live, "branch", &[(3, "6000", "7")]);
    let handle = live.extension("4224", None).unwrap();
    let of_default = live.extension("4224", Some("default")).unwrap();
    assert_eq!((handle.resolve().unwrap().as_u128(), of_default.resolve().unwrap().as_u128()), (1, 1));
    replace_extensions(&sandbox, &live, "default", &[(1, "4230", "7"), (2, "4225", "8")]);
    assert_eq!(of_default.resolve().unwrap().as_u128(), 1, "renamed");
    replace_extensions(&sandbox, &live, "default", &[(2, "4225", "8")]);
    assert_eq!(handle.get().unwrap_err().code(), Code::NotFound);
    assert_eq!(of_default.get().unwrap_err().code(), Code::NotFound);
}

/// Core servers and extensions whose names nearly agree, or whose paths would without an encoding.
const NEARLY: [(&str, &str); 13] = [
    ("a", "0100"),
    ("a", "100"),
    ("a", "A1"),
    ("a", "a1"),
    ("a", "\u{e9}"),
    ("a", "e\u{301}"),
    ("a", "b/c"),
    ("a", "b%2Fc"),
    ("a", "b%252Fc"),
    ("a/b", "c"),
    ("A/b", "c"),
    ("a%2Fb", "c"),
    ("a", "b/extensions/getByName/c"),
];

/// What each way to a name leads to: the display name of what it finds, or why it finds nothing.
fn found(live: &Live, server: &str, name: &str) -> [Result<String, Code>; 5] {
    let snapshot = live.snapshot();
    let shown = |found: isymphony::Result<Resource<'_>>| {
        let shown = |found| Extension::try_from(found).unwrap().display_name().unwrap().to_owned();
        found.map(shown).map_err(|error| error.code())
    };
    let path = Path::core_server(server).sub("extensions").unwrap().item(name).unwrap();
    let sent = path.to_string();
    assert_eq!((sent.matches('/').count(), sent.parse::<Path>().unwrap()), (5, path.clone()), "{sent}");
    let by_number = live.extension(name, Some(server)).unwrap();
    let by_path = live.handle(&sent).unwrap();
    [
        shown(snapshot.core_server(server).and_then(|server| server.extensions().by_name(name))),
        shown(snapshot.resolve_path(&path).and_then(|target| target.one())),
        shown(snapshot.resolve(&sent).and_then(|target| target.one())),
        shown(by_number.find_in(&snapshot)),
        shown(by_path.find_in(&snapshot)),
    ]
}

#[test]
fn names_that_nearly_agree_are_told_apart() {
    let config_of_sandbox = SandboxConfig::new().users(1).queues(0).core_servers(["a", "a/b", "A/b", "a%2Fb"]);
    let sandbox = Sandbox::start(config_of_sandbox).unwrap();
    let of = |server: &str| sandbox.core_server(server).unwrap();
    let shown = |(server, name): (&str, &str)| format!("{name} of {server}");
    for (server, name) in NEARLY {
        of(server).add_extension(name, &shown((server, name)), Some("4224")).unwrap();
    }
    let live = open(config(&sandbox));
    for (at, (server, name)) in NEARLY.into_iter().enumerate() {
        assert!(found(&live, server, name).iter().all(|found| *found == Ok(shown((server, name)))), "{server} {name}");
        let handle = live.extension(name, Some(server)).unwrap();
        assert_eq!(handle.set_dnd(true).unwrap().outcome(), Outcome::Accepted);
        let is_on = NEARLY.map(|(server, name)| of(server).dnd(name).unwrap());
        assert_eq!(is_on.map(usize::from).iter().sum::<usize>(), at + 1, "{server} {name}: no other one");
        assert!(is_on[at]);
        let on_the_server = live.handle(&handle.path()).unwrap().resolve().unwrap();
        assert_eq!(on_the_server, of(server).extension_id(name).unwrap());
    }
    // Each that is gone leads to none of the others.
    for (at, (server, name)) in NEARLY.into_iter().enumerate() {
        of(server).remove_extension(name).unwrap();
        until_live("gone", &live, || found(&live, server, name).iter().all(|found| *found == Err(Code::NotFound)));
        for (server, name) in NEARLY.into_iter().skip(at + 1) {
            assert!(found(&live, server, name).iter().all(|found| *found == Ok(shown((server, name)))));
        }
    }
}

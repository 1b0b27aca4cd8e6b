use std::sync::Arc;

use super::*;
use crate::catalog::{KindSet, Shape};
use crate::clock::Moment;
use crate::snapshot::collection::Collection;
use crate::snapshot::draft::Draft;
use crate::snapshot::{Limits, Source, Table};

const CORE: u128 = 1;
const OTHER_CORE: u128 = 2;
const USER: u128 = 10;
const LOGIN: u128 = 11;
const STATUS: u128 = 12;
const EXTENSION: u128 = 20;
const SEGMENT: u128 = 30;
const QUEUE: u128 = 40;
const AGENT: u128 = 41;
const ROOM: u128 = 50;
const UNKNOWN: u128 = 99;

fn text(id: u128) -> String {
    Uuid::from_u128(id).to_string()
}

/// The address of `segment` below an instance.
fn at(parent: Kind, id: u128, segment: &str) -> Address {
    Address::below(Uuid::from_u128(CORE), Uuid::from_u128(id), SubId::find(parent, segment).unwrap())
}

fn collection(address: Address, ids: &[u128]) -> Arc<Collection> {
    let shape = address.sub.map_or(Shape::List, |sub| sub.row().shape);
    let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{}","slug":"s{id}"}}"#, text(*id))).collect();
    let body = if shape == Shape::List { format!("[{}]", items.join(",")) } else { items.concat() };
    let table = Table::from_json(address.kind(), shape, body.as_bytes(), &Limits::default()).unwrap();
    Arc::new(Collection::new(address, table, 0, Moment(1)))
}

fn snapshot() -> Snapshot {
    let mut draft = Draft::new(collection(Address::ROOT, &[CORE, OTHER_CORE]), |slug| slug == "s1");
    let server = draft.server_mut(Uuid::from_u128(CORE)).unwrap();
    for (address, ids) in [
        (at(Kind::CoreServer, CORE, "users"), &[USER][..]),
        (at(Kind::CoreServer, CORE, "extensions"), &[EXTENSION]),
        (at(Kind::CoreServer, CORE, "callSegments"), &[SEGMENT]),
        (at(Kind::CoreServer, CORE, "queues"), &[QUEUE]),
        (at(Kind::CoreServer, CORE, "conferences"), &[ROOM]),
        (at(Kind::User, USER, "logins"), &[LOGIN]),
        (at(Kind::User, USER, "status"), &[STATUS]),
        (at(Kind::User, USER, "extensions"), &[EXTENSION]),
        (at(Kind::Extension, EXTENSION, "callSegments"), &[SEGMENT]),
        (at(Kind::Extension, EXTENSION, "agents"), &[AGENT]),
        (at(Kind::Queue, QUEUE, "agents"), &[AGENT]),
        (at(Kind::Agent, AGENT, "extension"), &[EXTENSION]),
    ] {
        server.put(collection(address, ids));
    }
    draft.finish(1, 1, Source::Live, KindSet::ALL)
}

fn due_after(json: &str) -> Vec<Address> {
    let mut out = Vec::new();
    due(&snapshot(), &Reading::of(json).unwrap(), &mut out);
    out
}

/// An event on the core server, with ids under the names of properties.
fn event(event_type: &str, ids: &[(&str, u128)]) -> String {
    let ids: String = ids.iter().map(|(name, id)| format!(r#","{name}":"{}""#, text(*id))).collect();
    format!(r#"{{"type":"{event_type}","time":5,"coreServerId":"{}"{ids}}}"#, text(CORE))
}

#[track_caller]
fn check(json: &str, expected: &[Address]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable_by_key(|address| (rank(address.kind()), *address));
    assert_eq!(due_after(json), expected, "{json}");
}

#[test]
fn a_login_makes_the_users_logins_and_status_due() {
    let expected = [at(Kind::User, USER, "logins"), at(Kind::User, USER, "status")];
    check(&event("userLogin", &[("userId", USER), ("userLoginId", UNKNOWN)]), &expected);
    check(&event("userLogout", &[("userId", USER), ("userLoginId", LOGIN)]), &expected);
}

#[test]
fn an_agents_login_makes_the_queues_and_the_extensions_agents_due() {
    let ids = [("queueId", QUEUE), ("extensionId", EXTENSION), ("userId", USER)];
    let lists = [at(Kind::Queue, QUEUE, "agents"), at(Kind::Extension, EXTENSION, "agents")];
    check(&event("agentLogin", &[&[("agentId", UNKNOWN)], &ids[..]].concat()), &lists);
    let known = [&lists[..], &[at(Kind::Agent, AGENT, "statistics")]].concat();
    check(&event("agentLogout", &[&[("agentId", AGENT)], &ids[..]].concat()), &known);
}

#[test]
fn a_call_makes_calls_and_agents_due_and_no_list_of_what_is_configured() {
    let expected = [
        at(Kind::CoreServer, CORE, "callSegments"),
        at(Kind::Extension, EXTENSION, "callSegments"),
        at(Kind::Extension, EXTENSION, "agents"),
        at(Kind::Queue, QUEUE, "agents"),
    ];
    let ids = [("callSegmentId", SEGMENT), ("extensionId", EXTENSION), ("userId", USER)];
    check(&event("hangup", &ids), &expected);
    let ids =
        [("callSegmentId1", UNKNOWN), ("extensionId1", EXTENSION), ("callSegmentId2", SEGMENT), ("userId2", USER)];
    check(&event("linkEnd", &ids), &expected);
    check(&event("somethingNew", &ids), &expected);
}

#[test]
fn a_conference_makes_its_calls_due() {
    let expected = [at(Kind::CoreServer, CORE, "callSegments"), at(Kind::ConferenceRoom, ROOM, "callSegments")];
    let ids = [("conferenceRoomId", ROOM), ("callSegmentId", UNKNOWN)];
    check(&event("confRoomCallLeave", &ids), &expected);
}

#[test]
fn an_unknown_instance_makes_the_list_due_it_should_be_in() {
    let expected = [at(Kind::CoreServer, CORE, "callSegments"), at(Kind::CoreServer, CORE, "extensions")];
    check(&event("hangup", &[("callSegmentId", UNKNOWN), ("extensionId", UNKNOWN + 1)]), &expected);
}

#[test]
fn an_event_about_what_is_configured_makes_it_due_with_all_below() {
    let expected = [
        at(Kind::CoreServer, CORE, "users"),
        at(Kind::User, USER, "logins"),
        at(Kind::User, USER, "status"),
        at(Kind::User, USER, "extensions"),
    ];
    check(&event("renamed", &[("whoever", USER)]), &expected);
}

#[test]
fn of_a_long_list_only_the_instance_is_due() {
    let others = 1_000..1_000 + LONG as u128;
    let mut draft = Draft::from_snapshot(&snapshot());
    let server = draft.server_mut(Uuid::from_u128(CORE)).unwrap();
    for (segment, id) in [("users", USER), ("callSegments", SEGMENT)] {
        let ids: Vec<u128> = others.clone().chain([id]).collect();
        server.put(collection(at(Kind::CoreServer, CORE, segment), &ids));
    }
    let snapshot = draft.finish(2, 1, Source::Live, KindSet::ALL);
    let due_after = |ids: &[(&str, u128)]| {
        let mut out = Vec::new();
        due(&snapshot, &Reading::of(&event("x", ids)).unwrap(), &mut out);
        out.retain(|address| address.is_list_of_core_server());
        out
    };
    let [users, calls] = ["users", "callSegments"].map(|list| at(Kind::CoreServer, CORE, list));
    assert_eq!(due_after(&[("userId", USER)]), [users.item(Uuid::from_u128(USER))]);
    assert_eq!(due_after(&[("userId", UNKNOWN)]), [users.item(Uuid::from_u128(UNKNOWN))]);
    let segments = [SEGMENT, UNKNOWN].map(|id| calls.item(Uuid::from_u128(id)));
    assert_eq!(due_after(&[("callSegmentId1", SEGMENT), ("callSegmentId2", UNKNOWN), ("userId", USER)]), segments);
    assert_eq!(due_after(&[("queueId", QUEUE)]), [at(Kind::CoreServer, CORE, "queues")]);
    assert_eq!(due_after(&[]).len(), 5);
}

#[test]
fn ids_are_found_in_nested_objects_and_lists() {
    let expected = [
        at(Kind::CoreServer, CORE, "callSegments"),
        at(Kind::Extension, EXTENSION, "callSegments"),
        at(Kind::Extension, EXTENSION, "agents"),
        at(Kind::Queue, QUEUE, "agents"),
    ];
    let [core, segment, extension] = [CORE, UNKNOWN, EXTENSION].map(text);
    let json = format!(
        r#"{{"coreServerId":"{core}","callSegment":{{"id":"{segment}","type":"x"}},"parts":[{{"extension":["{extension}"]}}]}}"#
    );
    check(&json, &expected);
}

#[test]
fn an_event_that_says_nothing_more_makes_the_core_servers_lists_due() {
    let lists = ["users", "extensions", "callSegments", "queues", "conferences"];
    let expected = lists.map(|list| at(Kind::CoreServer, CORE, list));
    check(&event("reload", &[]), &expected);
    check(&event("reload", &[("somethingId", UNKNOWN)]), &expected);
    check("{}", &expected);
}

#[test]
fn another_core_server_is_looked_for_or_ignored() {
    let ids = |core: u128| format!(r#"{{"coreServerId":"{}","callSegmentId":"{}"}}"#, text(core), text(UNKNOWN));
    check(&ids(UNKNOWN), &[Address::ROOT]);
    check(&ids(OTHER_CORE), &[]);
    let mut out = Vec::new();
    let nothing = Draft::nothing(KindSet::ALL);
    due(&nothing, &Reading::of(&ids(CORE)).unwrap(), &mut out);
    assert_eq!(out, [Address::ROOT]);
}

#[test]
fn names_of_properties_speak_of_kinds() {
    for (name, kind) in [
        ("callSegmentId", Some(Kind::CallSegment)),
        ("callSegmentId2", Some(Kind::CallSegment)),
        ("dialedCallSegmentIds", Some(Kind::CallSegment)),
        ("userLoginId", Some(Kind::Login)),
        ("userId", Some(Kind::User)),
        ("agentId", Some(Kind::Agent)),
        ("conferenceRoomId", Some(Kind::ConferenceRoom)),
        ("conferenceId", Some(Kind::ConferenceRoom)),
        ("coreServerId", Some(Kind::CoreServer)),
        ("extension", Some(Kind::Extension)),
        ("callerId", None),
        ("permissionId", None),
        ("id", None),
        ("", None),
    ] {
        assert_eq!(kind_of(name), kind, "{name}");
    }
}

#[test]
fn odd_values_are_passed_over_and_garbage_is_no_event() {
    let core = text(CORE);
    let odd = format!(
        r#"{{"type":7,"time":"now","coreServerId":"{core}","a":null,"b":1.5,"c":18446744073709551615,"d":-1,"e":true,"f":[],
        "userId":"not an id","extensionId":{{"x":"\u0000"}}}}"#
    );
    let reading = Reading::of(&odd).unwrap();
    assert_eq!((reading.event_type, reading.time, reading.core_server), (None, None, Some(Uuid::from_u128(CORE))));
    assert!(reading.ids.is_empty());
    let time = Reading::of(r#"{"t\u0079pe":"a\nb","time":1436889915953}"#).unwrap();
    assert_eq!((time.event_type.as_deref(), time.time), (Some("a\nb"), Some(1_436_889_915_953)));
    for garbage in
        ["", "[]", "7", "\"x\"", "{", "{} {}", "{\"a\":}", "null", &"[".repeat(10_000), &"{\"a\":".repeat(10_000)]
    {
        assert!(Reading::of(garbage).is_none(), "{garbage:.20}");
    }
    let many: String = (0..10_000).map(|n| format!(r#","x{n}Id":"{}""#, text(n))).collect();
    assert_eq!(Reading::of(&format!(r#"{{"a":1{many}}}"#)).unwrap().ids.len(), MOST_IDS);
}

#[test]
fn what_cannot_be_read_in_an_event_spoils_nothing_else_in_it() {
    let [core, user] = [CORE, USER].map(text);
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for odd in ["1e400", "-1e400", r#""\ud800""#, r#"{"x":"\udfff"}"#, r#"["\ud800",1e999]"#, &deep] {
        let json = format!(
            r#"{{"type":"odd","x":{odd},"\ud800":{odd},"coreServerId":"{core}","user":{{"x":{odd},"id":"{user}"}},"time":5}}"#
        );
        let reading = Reading::of(&json).expect(odd);
        assert_eq!(reading.event_type.as_deref(), Some("odd"), "{odd}");
        assert_eq!((reading.core_server, reading.time), (Some(Uuid::from_u128(CORE)), Some(5)), "{odd}");
        assert_eq!(reading.ids, [(Some(Kind::User), Uuid::from_u128(USER))], "{odd}");
    }
    let reading = Reading::of(r#"{"type":"\ud800","time":1e400,"coreServerId":7}"#).unwrap();
    assert_eq!((reading.event_type, reading.time, reading.core_server), (None, None, None));
}

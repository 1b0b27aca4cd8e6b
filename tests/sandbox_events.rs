//! The sandbox's Event API as a client sees it: over real sockets.
#![cfg(feature = "sandbox")]

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use isymphony::sandbox::{Caller, Sandbox, SandboxConfig};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

/// What the vendor prints of a `userLogin`.
const VENDORS_LOGIN: &str = r#"{"type": "userLogin", "time": 1436889915953,
    "coreServerId": "e5c01703-3c6d-429a-8712-66c826064e65", "username": "mike",
    "userId": "e7577c7b-5d58-46a5-a834-386f52401c19", "userLoginId": "0c51236d-5f93-4379-8997-8a840a511497",
    "port": 57042, "ip": "127.0.0.1"}"#;
const CALL: [&str; 8] =
    ["callSegmentId", "callerIdName", "callerIdNumber", "did", "extensionId", "extensionNumber", "userId", "username"];

struct Client(WebSocket<TcpStream>);

impl Client {
    fn connect(sandbox: &Sandbox) -> Client {
        Client::try_connect(sandbox, None).unwrap()
    }

    /// The socket, or the status of the refusal.
    fn try_connect(sandbox: &Sandbox, authorization: Option<&str>) -> Result<Client, u16> {
        let stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let url = format!("ws://127.0.0.1:{}/communication_manager/ws/event", sandbox.port());
        let mut request = url.into_client_request().unwrap();
        if let Some(authorization) = authorization {
            request.headers_mut().insert("Authorization", authorization.parse().unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Client(socket)),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    fn next(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The events up to one of this type.
    fn until(&mut self, last: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Value| event["type"] != last) {
            events.push(self.next());
        }
        events
    }

    fn filter(&mut self, filters: Value) -> Value {
        self.0.send(Message::text(json!({"type": "filter", "filters": filters}).to_string())).unwrap();
        self.next()
    }

    fn ends(mut self) -> bool {
        self.0.read().is_err()
    }
}

fn sandbox() -> Sandbox {
    Sandbox::start(SandboxConfig::new()).unwrap()
}

fn keys(event: &Value) -> BTreeSet<&str> {
    event.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn assert_keys(event: &Value, event_type: &str, further: &[&str]) {
    let expected: BTreeSet<_> = ["type", "time", "coreServerId"].iter().chain(further).copied().collect();
    assert_eq!((event["type"].as_str(), keys(event)), (Some(event_type), expected));
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_login_has_the_properties_that_the_vendor_prints() {
    let sandbox = sandbox();
    let mut client = Client::connect(&sandbox);
    let login = sandbox.log_in_user("mike", "127.0.0.1", 57042).unwrap();
    let event = client.next();
    let vendors: Value = serde_json::from_str(VENDORS_LOGIN).unwrap();
    assert_eq!(keys(&event), keys(&vendors));
    for name in ["type", "username", "port", "ip"] {
        assert_eq!(event[name], vendors[name]);
    }
    assert_eq!(event["userLoginId"], login.to_string());
    assert_eq!(event["coreServerId"], sandbox.core_server_id().to_string());
    assert!(event["time"].as_i64().unwrap() > 1_700_000_000_000);
    sandbox.log_out_user("mike").unwrap();
    // Mike was logged in once before.
    let events = [client.next(), client.next()];
    assert!(events.iter().all(|event| event["type"] == "userLogout" && keys(event) == keys(&vendors)), "{events:?}");
}

#[test]
fn an_agent_logs_in_and_out() {
    let sandbox = sandbox();
    let mut client = Client::connect(&sandbox);
    let extension = sandbox.extension_numbers().remove(9);
    let agent = sandbox.log_in_agent("5001", &extension).unwrap();
    sandbox.log_out_agent("5001", &extension).unwrap();
    for event_type in ["agentLogin", "agentLogout"] {
        let event = client.next();
        let further =
            ["agentId", "agent", "state", "queueId", "queue", "extensionId", "extensionNumber", "userId", "username"];
        assert_keys(&event, event_type, &further);
        assert_eq!(event["agentId"], agent.to_string());
        assert_eq!(event["queueId"], sandbox.queue_id("5001").unwrap().to_string());
        assert_eq!(
            (event["extensionNumber"].as_str(), event["state"].as_str()),
            (Some(&*extension), Some("NOT_INUSE"))
        );
    }
}

#[test]
fn a_call_is_dialled_linked_and_ended() {
    let sandbox = sandbox();
    let mut client = Client::connect(&sandbox);
    let numbers = sandbox.extension_numbers();
    let (caller, called) = sandbox.add_internal_call(&numbers[1], &numbers[2]).unwrap();
    sandbox.answer(called).unwrap();
    sandbox.hang_up(caller).unwrap();
    let events = [client.next(), client.next(), client.next(), client.next(), client.next()];
    assert_eq!(types(&events), ["dial", "linkStart", "linkEnd", "hangup", "hangup"]);
    let pairs: Vec<String> = CALL.iter().flat_map(|name| [format!("{name}1"), format!("{name}2")]).collect();
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    for event in &events[..3] {
        assert_keys(event, event["type"].as_str().unwrap(), &pairs);
        assert_eq!(
            (&event["callSegmentId1"], &event["callSegmentId2"]),
            (&json!(caller.to_string()), &json!(called.to_string()))
        );
    }
    for (event, segment) in events[3..].iter().zip([caller, called]) {
        assert_keys(event, "hangup", &CALL);
        assert_eq!(event["callSegmentId"], segment.to_string());
        assert!(event["userId"].is_string() && event["did"].is_null());
    }
}

#[test]
fn a_call_from_outside_joins_a_conference_and_leaves_it() {
    let sandbox = sandbox();
    let mut client = Client::connect(&sandbox);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234").did("800")).unwrap();
    sandbox.answer(call).unwrap();
    sandbox.join_conference(call, "8001").unwrap();
    sandbox.hang_up(call).unwrap();
    let events = client.until("hangup");
    assert_eq!(types(&events), ["dial", "linkStart", "confRoomCallJoin", "confRoomCallLeave", "hangup"]);
    for event in &events {
        assert_eq!((&event["callerIdNumber"], &event["did"]), (&json!("5551234"), &json!("800")));
    }
    let further = [&CALL[..], &["conferenceRoomId", "conferenceRoomName"]].concat();
    assert_keys(&events[3], "confRoomCallLeave", &further);
    assert_eq!(events[3]["conferenceRoomId"], sandbox.conference_id("8001").unwrap().to_string());
}

#[test]
fn actions_and_the_clock_are_told_of_too() {
    let sandbox = Sandbox::start(
        SandboxConfig::new().ring_time(Duration::from_millis(5)).call_duration(Duration::from_millis(20)),
    )
    .unwrap();
    let mut client = Client::connect(&sandbox);
    let numbers = sandbox.extension_numbers();
    sandbox.originate(&numbers[1], &numbers[2]).unwrap();
    let events = client.until("hangup");
    assert_eq!(types(&events), ["dial", "dial", "linkStart", "linkEnd", "hangup"]);
}

#[test]
fn a_filter_selects() {
    let sandbox = sandbox();
    let mut client = Client::connect(&sandbox);
    let mut other = Client::connect(&sandbox);
    let refused = client.filter(json!(7));
    assert_eq!(refused["success"], false, "{refused}");
    let filters = json!([
        {"property": "type", "value": "userLogin"}, {"property": "type", "value": "hangup"},
        {"property": "username", "value": "mike"}]);
    assert_eq!(client.filter(filters)["success"], true);
    sandbox.log_in_user("4224", "10.0.0.1", 1).unwrap();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234")).unwrap();
    sandbox.hang_up(call).unwrap();
    sandbox.log_in_user("mike", "10.0.0.1", 2).unwrap();
    let event = client.next();
    assert_eq!((&event["type"], &event["port"]), (&json!("userLogin"), &json!(2)));
    assert_eq!(
        types(&[other.next(), other.next(), other.next(), other.next()]),
        ["userLogin", "dial", "hangup", "userLogin"]
    );
    sandbox.send_event(r#"{"type":"hangup","username":"mike","raw":true}"#);
    assert_eq!(client.next()["raw"], true);
    assert_eq!(client.filter(json!([]))["success"], true);
    sandbox.send_event("{}");
    assert_eq!(client.next(), json!({}));
}

#[test]
fn the_door_is_the_same_as_for_requests() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("manager", "secret")).unwrap();
    let right = Some("Basic bWFuYWdlcjpzZWNyZXQ=");
    let status = |authorization| Client::try_connect(&sandbox, authorization).err();
    assert_eq!((status(None), status(Some("Basic bm86bm8=")), status(right)), (Some(401), Some(401), None));
    sandbox.set_denied(true);
    assert_eq!(status(right), Some(403));
    sandbox.set_denied(false);
    sandbox.set_demand_tls(true);
    assert_eq!(status(right), Some(302));
    sandbox.set_demand_tls(false);
    sandbox.set_events_enabled(false);
    assert_eq!(status(right), Some(404));
    sandbox.set_events_enabled(true);
    assert_eq!(status(right), None);
    assert_eq!(sandbox.request_count(), 0);
}

#[test]
fn sockets_are_counted_and_cut() {
    let sandbox = sandbox();
    let gone = |what: &str| {
        let deadline = Instant::now() + Duration::from_secs(5);
        while sandbox.event_socket_count() > 0 || sandbox.connections() > 0 {
            assert!(Instant::now() < deadline, "{what}: {} {}", sandbox.event_socket_count(), sandbox.connections());
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    let clients = [Client::connect(&sandbox), Client::connect(&sandbox)];
    assert_eq!(sandbox.event_socket_count(), 2);
    sandbox.drop_event_sockets();
    assert_eq!(sandbox.event_socket_count(), 0);
    assert!(clients.into_iter().all(Client::ends));
    gone("dropped");
    drop(Client::connect(&sandbox));
    gone("left");
    let client = Client::connect(&sandbox);
    sandbox.set_events_enabled(false);
    assert!(client.ends());
    sandbox.set_events_enabled(true);
    let client = Client::connect(&sandbox);
    sandbox.restart();
    assert!(client.ends());
    let client = Client::connect(&sandbox);
    let start = Instant::now();
    sandbox.close();
    assert!(start.elapsed() < Duration::from_millis(500) && client.ends());
    gone("closed");
}

#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    let sandbox = sandbox();
    let sleeper = Client::connect(&sandbox);
    let (start, address) = (Instant::now(), "x".repeat(10_000));
    while sandbox.event_socket_count() > 0 {
        sandbox.log_in_user("mike", &address, 1).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    drop(sleeper);
    // One who reads late gets everything that a script sends, up to a limit of patience.
    let reader = Client::connect(&sandbox);
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let mut reader = reader;
        (0..3).map(|_| reader.next()["padding"].as_str().unwrap().len()).collect::<Vec<_>>()
    });
    let padding = "y".repeat(6 << 20);
    (0..3).for_each(|_| sandbox.send_event(&json!({"padding": padding}).to_string()));
    assert_eq!(late.join().unwrap(), [padding.len(); 3]);
}

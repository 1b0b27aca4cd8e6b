//! The sandbox's Event API, frame by frame.
#![cfg(feature = "sandbox")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use isymphony::sandbox::{Caller, Fault, Sandbox, SandboxConfig, Times};
use serde_json::Value;

const UPGRADE: &str = "GET /communication_manager/ws/event HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

struct Events(TcpStream);

impl Events {
    fn connect(sandbox: &Sandbox) -> (Events, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(UPGRADE.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap() == 0 {
                break;
            }
            head.push(byte[0]);
        }
        (Events(stream), String::from_utf8(head).unwrap())
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut length = usize::from(head[1]);
        if length == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).unwrap();
            length = usize::from(u16::from_be_bytes(long));
        }
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).unwrap();
        (head[0], payload)
    }

    fn event(&mut self) -> Value {
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 0x81);
        serde_json::from_slice(&payload).unwrap()
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8, 1, 2, 3, 4];
        frame.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&frame).unwrap();
    }
}

#[test]
fn what_moves_is_told() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let mike = sandbox.extension_numbers()[1].clone();
    let (mut events, head) = Events::connect(&sandbox);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));

    let login = sandbox.log_in_user("mike", "10.0.0.1", 5000).unwrap();
    let event = events.event();
    let vendor = include_str!("contract/vendor/event-userLogin.json");
    let vendor: Value = serde_json::from_str(vendor).unwrap();
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&event), keys(&vendor));
    assert_eq!((&event["type"], &event["userId"]), (&vendor["type"], &vendor["userId"]));
    assert_eq!(event["userLoginId"], login.to_string());
    assert_eq!(event["coreServerId"], sandbox.core_server_id().to_string());

    let (caller, called) = sandbox.add_internal_call("4224", &mike).unwrap();
    sandbox.answer(called).unwrap();
    sandbox.hang_up(caller).unwrap();
    let types: Vec<Value> = (0..5).map(|_| events.event()).collect();
    let names: Vec<_> = types.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["dial", "linkStart", "linkEnd", "hangup", "hangup"]);
    assert_eq!(types[0]["callSegmentId1"], caller.to_string());
    assert_eq!((&types[0]["extensionNumber2"], &types[0]["username2"]), (&mike.clone().into(), &"mike".into()));
    assert_eq!((&types[3]["callSegmentId"], &types[3]["did"]), (&caller.to_string().into(), &Value::Null));

    let call = sandbox.add_call("4224", &Caller::new("Ada", "1").did("s")).unwrap();
    sandbox.join_conference(call, "8001").unwrap();
    sandbox.hang_up(call).unwrap();
    let agent = sandbox.log_in_agent("5003", "4224").unwrap();
    let more: Vec<Value> = (0..5).map(|_| events.event()).collect();
    let names: Vec<_> = more.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["dial", "confRoomCallJoin", "hangup", "confRoomCallLeave", "agentLogin"]);
    assert_eq!((&more[3]["conferenceRoomName"], &more[3]["did"]), (&"Room 1".into(), &"s".into()));
    assert_eq!((&more[4]["agentId"], &more[4]["extensionNumber"]), (&agent.to_string().into(), &"4224".into()));
    assert_eq!(sandbox.events().len(), 11);

    sandbox.send_event("not JSON");
    assert_eq!(events.frame(), (0x81, b"not JSON".to_vec()));
    sandbox.send_event_bytes(&[0x89, 0]);
    assert_eq!(events.frame(), (0x89, Vec::new()));
    events.send(9, b"hello");
    assert_eq!(events.frame(), (0x8a, b"hello".to_vec()));
    events.send(1, br#"{"type":"filter","filters":[{"property":"type","value":"hangup"}]}"#);
    events.send(9, b"");
    assert_eq!(events.frame().0, 0x8a);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "1")).unwrap();
    sandbox.hang_up(call).unwrap();
    assert_eq!(events.event()["type"], "hangup");
    events.send(8, &[3, 232]);
    assert_eq!(events.frame(), (0x88, vec![3, 232]));
    assert_eq!(events.0.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_event_api_is_guarded_cut_and_faulty_like_the_rest() {
    let sandbox = Sandbox::start(SandboxConfig::new().credentials("a", "b")).unwrap();
    assert!(Events::connect(&sandbox).1.starts_with("HTTP/1.1 401 "));
    sandbox.set_credentials(None).unwrap();
    sandbox.fault(Fault::status(404), "*ws/event", Times::Count(1));
    assert!(Events::connect(&sandbox).1.starts_with("HTTP/1.1 404 "));
    let (mut events, _) = Events::connect(&sandbox);
    sandbox.restart();
    assert_eq!(events.0.read(&mut [0]).unwrap(), 0);
    let (_unread, _) = Events::connect(&sandbox);
    for _ in 0..2_000 {
        sandbox.send_event(&"x".repeat(10_000));
    }
    let started = Instant::now();
    sandbox.close();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    while sandbox.connections() > 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "{} threads hang", sandbox.connections());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn documented_events_have_the_documented_properties() {
    let sandbox = Sandbox::start(SandboxConfig::new()).unwrap();
    let mike = sandbox.extension_numbers()[1].clone();
    sandbox.log_in_user("mike", "10.0.0.1", 5000).unwrap();
    sandbox.log_out_user("mike").unwrap();
    let (caller, called) = sandbox.add_internal_call("4224", &mike).unwrap();
    sandbox.answer(called).unwrap();
    sandbox.hang_up(caller).unwrap();
    let call = sandbox.add_call("4224", &Caller::new("Ada", "1")).unwrap();
    sandbox.join_conference(call, "8001").unwrap();
    sandbox.hang_up(call).unwrap();
    sandbox.log_in_agent("5003", &mike).unwrap();
    sandbox.log_out_agent("5003", &mike).unwrap();
    let events: Vec<Value> = sandbox.events().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let call = "callSegmentId callerIdName callerIdNumber did extensionId extensionNumber userId username";
    let twice = call.split(' ').flat_map(|name| [format!("{name}1"), format!("{name}2")]);
    let twice = twice.collect::<Vec<_>>().join(" ");
    let agent = "agentId agent state queueId queue extensionId extensionNumber userId username";
    for (event_type, properties) in [
        ("userLogin", "userId username userLoginId ip port"),
        ("userLogout", "userId username userLoginId ip port"),
        ("agentLogin", agent),
        ("agentLogout", agent),
        ("linkEnd", &twice),
        ("hangup", call),
        ("confRoomCallLeave", &format!("conferenceRoomId conferenceRoomName {call}")),
    ] {
        let mut expected: Vec<&str> = properties.split(' ').chain(["type", "time", "coreServerId"]).collect();
        expected.sort_unstable();
        let found: Vec<_> = events.iter().filter(|event| event["type"] == event_type).collect();
        assert!(!found.is_empty(), "{event_type}");
        for event in found {
            let mut keys: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, expected, "{event_type}");
        }
    }
}

//! What a sandbox does when something is to go wrong, byte by byte.
#![cfg(feature = "sandbox")]

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use isymphony::Code;
use isymphony::sandbox::{Caller, ChunkError, Fault, Sandbox, SandboxConfig, StallAt, Times, WrongLength};
use serde_json::Value;
use uuid::Uuid;

const D: &str = "coreServers/getByName/default";

fn start() -> Sandbox {
    Sandbox::start(SandboxConfig::new()).unwrap()
}

fn connect(sandbox: &Sandbox) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn send(stream: &mut TcpStream, method: &str, path: &str) {
    let head = format!("{method} /communication_manager/rest/live/{path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
}

/// All that comes until the connection ends, or until nothing came for a while; and how it ended.
fn drain(stream: &mut TcpStream, patience: Duration) -> (Vec<u8>, io::Result<()>) {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut all = Vec::new();
    let mut part = [0; 65536];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return (all, Ok(())),
            Ok(n) => all.extend_from_slice(&part[..n]),
            Err(error) => return (all, Err(error)),
        }
    }
}

fn ask(sandbox: &Sandbox, path: &str) -> (String, io::Result<()>) {
    let mut stream = connect(sandbox);
    let head = format!("GET /communication_manager/rest/live/{path} HTTP/1.1\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let (bytes, end) = drain(&mut stream, Duration::from_secs(1));
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

/// Head and body of a whole answer on a connection of its own.
fn answer(sandbox: &Sandbox, path: &str) -> (String, String) {
    let (text, _) = ask(sandbox, path);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    (head.to_owned(), body.to_owned())
}

fn one(sandbox: &Sandbox, fault: Fault) {
    sandbox.clear_faults();
    sandbox.fault(fault, "*", Times::Count(1));
}

fn timed_out(end: &io::Result<()>) -> bool {
    matches!(end, Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn faults_strike_where_and_as_often_as_they_should() {
    let sandbox = start();
    sandbox.fault_from_str("status=503; retry_after=7; on=*/users; times=2").unwrap();
    sandbox.fault_from_str("status=500; method=POST; on=*; for=1m").unwrap();
    for expected in ["503", "503", "200"] {
        let (head, _) = answer(&sandbox, &format!("{D}/users"));
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{head}");
        assert_eq!(head.contains("Retry-After: 7\r\n"), expected == "503");
    }
    assert!(answer(&sandbox, &format!("{D}/queues")).0.starts_with("HTTP/1.1 200 "));
    let mut stream = connect(&sandbox);
    send(&mut stream, "POST", &format!("{D}/extensions/getByName/4224/enableDnd"));
    assert!(drain(&mut stream, Duration::from_millis(200)).0.starts_with(b"HTTP/1.1 500 "));
    assert!(!sandbox.dnd("4224").unwrap(), "a status stands in place of the server");
    sandbox.clear_faults();
    sandbox.fault(Fault::Cut(0), "POST *", Times::For(Duration::from_secs(60)));
    let mut stream = connect(&sandbox);
    send(&mut stream, "POST", &format!("{D}/extensions/getByName/4224/enableDnd"));
    assert!(drain(&mut stream, Duration::from_millis(200)).0.is_empty());
    assert!(sandbox.dnd("4224").unwrap(), "what damages the answer lets the action happen");
    assert_eq!(sandbox.requests().last().unwrap().status, 0);
    assert_eq!(sandbox.fault_from_str("boom").unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn an_answer_is_cut_at_every_byte() {
    let sandbox = start();
    let whole = ask(&sandbox, &format!("{D}/queues")).0.replace("Connection: close\r\n", "");
    for at in 0..=whole.len() {
        for fault in [Fault::Cut(at), Fault::Reset(at)] {
            let reset = matches!(fault, Fault::Reset(_));
            one(&sandbox, fault);
            let mut stream = connect(&sandbox);
            send(&mut stream, "GET", &format!("{D}/queues"));
            let (bytes, end) = drain(&mut stream, Duration::from_secs(5));
            assert_eq!(bytes, &whole.as_bytes()[..at]);
            assert_eq!(end.as_ref().is_err_and(|e| e.kind() == ErrorKind::ConnectionReset), reset, "{at}: {end:?}");
        }
    }
}

#[test]
fn stalls_last_until_somebody_gives_up() {
    let sandbox = start();
    for (at, whole_head) in [(StallAt::BeforeHead, false), (StallAt::WithinHead, false), (StallAt::WithinBody, true)] {
        one(&sandbox, Fault::Stall(at));
        let (text, end) = ask(&sandbox, &format!("{D}/queues"));
        assert!(timed_out(&end), "{end:?}");
        assert_eq!(text.is_empty(), at == StallAt::BeforeHead);
        assert_eq!(text.contains("\r\n\r\n"), whole_head);
    }
    // The clients are gone, so the threads end.
    let end = Instant::now() + Duration::from_secs(5);
    while sandbox.connections() > 0 {
        assert!(Instant::now() < end, "{} connections", sandbox.connections());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn delays_and_drips_take_their_time() {
    let sandbox = start();
    one(&sandbox, Fault::Delay(Duration::from_millis(150)));
    let started = Instant::now();
    assert!(answer(&sandbox, "coreServers").0.starts_with("HTTP/1.1 200"));
    assert!(started.elapsed() >= Duration::from_millis(150));
    let length = ask(&sandbox, "coreServers").0.len() - "Connection: close\r\n".len();
    one(&sandbox, Fault::Drip(1000));
    let mut stream = connect(&sandbox);
    let started = Instant::now();
    send(&mut stream, "GET", "coreServers");
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(length as u64 / 2), "{:?}", started.elapsed());
}

#[test]
fn lengths_and_chunks_lie() {
    let sandbox = start();
    let (head, body) = answer(&sandbox, &format!("{D}/queues"));
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    for (how, expected) in [
        (WrongLength::Longer, format!("Content-Length: {}", body.len() + 10)),
        (WrongLength::Shorter, format!("Content-Length: {}", body.len() / 2)),
        (WrongLength::Negative, "Content-Length: -1".to_owned()),
        (WrongLength::Twice, format!("Content-Length: {}\r\nContent-Length: {}", body.len(), body.len() + 1)),
    ] {
        one(&sandbox, Fault::Length(how));
        let (head, got) = answer(&sandbox, &format!("{D}/queues"));
        assert!(head.ends_with(&expected), "{head}");
        assert_eq!(got, body);
    }
    for (how, expected) in [
        (ChunkError::BadSize, format!("not a number\r\n{body}\r\n")),
        (ChunkError::HugeSize, format!("fffffffffffffffff\r\n{body}\r\n")),
        (ChunkError::Cut, format!("{:x}\r\n{}", body.len(), &body[..body.len() / 2])),
        (ChunkError::NoEnd, format!("{:x}\r\n{body}\r\n", body.len())),
    ] {
        one(&sandbox, Fault::Chunks(how));
        let (head, got) = answer(&sandbox, &format!("{D}/queues"));
        assert!(head.ends_with("Transfer-Encoding: chunked"), "{head}");
        assert_eq!(got, expected);
    }
}

#[test]
fn bodies_are_replaced_and_blown_up() {
    let sandbox = start();
    one(&sandbox, Fault::Html);
    assert!(answer(&sandbox, "coreServers").1.starts_with("<!DOCTYPE html>"));
    one(&sandbox, Fault::Body(b"null".to_vec()));
    assert_eq!(answer(&sandbox, "coreServers").1, "null");
    one(&sandbox, Fault::Nested(70_000));
    assert_eq!(answer(&sandbox, "coreServers").1, format!("{}{}", "[".repeat(70_000), "]".repeat(70_000)));
    one(&sandbox, Fault::Oversized(3_000_001));
    assert_eq!(answer(&sandbox, "coreServers").1.len(), 3_000_001);
    one(&sandbox, Fault::Headers(1000));
    assert_eq!(answer(&sandbox, "coreServers").0.matches("X-Further-").count(), 1000);
    one(&sandbox, Fault::HeaderBytes(65_536));
    let (head, _) = answer(&sandbox, "coreServers");
    assert!(head.lines().any(|line| line.len() + 2 == 65_536));
    one(&sandbox, Fault::Redirect { status: 307, to: "http://elsewhere/".to_owned() });
    assert!(answer(&sandbox, "coreServers").0.contains("Location: http://elsewhere/\r\n"));
    one(&sandbox, Fault::Garbage(500));
    let mut stream = connect(&sandbox);
    send(&mut stream, "GET", "coreServers");
    let (bytes, end) = drain(&mut stream, Duration::from_secs(5));
    assert!(bytes.len() == 500 && !bytes.starts_with(b"HTTP") && end.is_ok());
    one(&sandbox, Fault::Drop);
    assert_eq!(ask(&sandbox, "coreServers").0, "");
}

/// What the answers to a GET say that are true, and that are damaged by this fault.
fn true_and_untrue(sandbox: &Sandbox, fault: &Fault, path: &str) -> (Value, Value) {
    let say = || serde_json::from_str(&answer(sandbox, path).1).unwrap();
    let truth = say();
    one(sandbox, fault.clone());
    let untrue = say();
    one(sandbox, fault.clone());
    assert_eq!(untrue, say(), "the same answer is damaged in the same way");
    assert_eq!(truth, say(), "the next answer is true again");
    (truth, untrue)
}

fn items(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    items(list).iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn values_are_of_wrong_types() {
    let sandbox = start();
    sandbox.add_call("4224", &Caller::new("Ada", "1")).unwrap();
    let user = format!("{D}/users/getByName/4224");
    let mut seen = HashSet::new();
    let kind = |value: &Value| std::mem::discriminant(value);
    for list in ["coreServers", &format!("{D}/extensions"), &format!("{D}/users"), &format!("{D}/callSegments")] {
        let (truth, untrue) = true_and_untrue(&sandbox, &Fault::WrongTypes, list);
        assert_eq!(ids(&truth), ids(&untrue));
        for (truth, untrue) in items(&truth).iter().zip(items(&untrue)) {
            let (truth, untrue) = (truth.as_object().unwrap(), untrue.as_object().unwrap());
            assert!(truth.keys().eq(untrue.keys()), "{untrue:?}");
            for (name, value) in truth.iter().filter(|(name, _)| *name != "id") {
                let other = &untrue[name];
                let is_wrong_within = other["name"].is_string() != value["name"].is_string();
                assert!(kind(value) != kind(other) || is_wrong_within, "{name}: {other}");
                seen.insert((kind(value), kind(other)));
            }
        }
    }
    let of_text = seen.iter().filter(|(was, _)| *was == kind(&Value::String(String::new()))).count();
    assert_eq!(of_text, 5, "a text becomes whatever else there is: {seen:?}");
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::WrongTypes, &format!("{user}/status"));
    assert!(truth["returnTime"].is_number() && !untrue["returnTime"].is_number() && truth["id"] == untrue["id"]);
    // What is no JSON object says nothing wrong.
    sandbox.fault(Fault::WrongTypes, "*", Times::Forever);
    assert!(answer(&sandbox, &format!("{D}/users/getByName/nobody")).0.starts_with("HTTP/1.1 404 "));
    let mut stream = connect(&sandbox);
    send(&mut stream, "POST", &format!("{D}/extensions/getByName/4224/enableDnd"));
    assert!(drain(&mut stream, Duration::from_millis(200)).0.starts_with(b"HTTP/1.1 204 "));
    assert!(sandbox.dnd("4224").unwrap(), "the action happens");
}

#[test]
fn ids_come_twice() {
    let sandbox = start();
    for (list, above) in [("extensions", sandbox.core_server_id()), ("users", sandbox.core_server_id())] {
        let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DuplicateIds, &format!("{D}/{list}"));
        let (first, rest) = items(&untrue).split_at(items(&truth).len());
        let (again, [taken]) = rest.split_at(first.len()) else { panic!("{rest:?}") };
        assert_eq!(first, items(&truth));
        for (first, again) in first.iter().zip(again) {
            assert_eq!(first["id"], again["id"]);
            assert_ne!(first["permissionId"], again["permissionId"]);
        }
        assert_eq!(taken["id"], above.to_string());
    }
    let user = format!("{D}/users/getByName/4224");
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DuplicateIds, &format!("{user}/status"));
    assert_eq!(untrue["id"], sandbox.user_id("4224").unwrap().to_string());
    assert_eq!((&truth["name"], &truth["type"]), (&untrue["name"], &untrue["type"]));
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DuplicateIds, "coreServers");
    assert_eq!((items(&truth).len(), items(&untrue).len()), (1, 2), "nothing is above");
}

#[test]
fn parents_dangle() {
    let sandbox = start();
    let (all, _) = true_and_untrue(&sandbox, &Fault::DanglingParents, &format!("{D}/extensions"));
    let known = ids(&all);
    for list in ["users", "extensions", "queues/getByName/5001/agents"] {
        let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DanglingParents, &format!("{D}/{list}"));
        assert_eq!(ids(&truth), ids(&untrue));
        for (truth, untrue) in items(&truth).iter().zip(items(&untrue)) {
            assert_eq!(truth["configurationId"], untrue["configurationId"]);
            assert!(truth["permissionId"].is_null() || truth["permissionId"] != untrue["permissionId"]);
            for name in ["coreServerId", "userId", "extensionId", "queueId"] {
                let id = untrue[name].as_str().unwrap();
                assert!(Uuid::try_parse(id).is_ok() && !known.contains(&id) && truth[name].is_null());
            }
        }
    }
    let of_user = format!("{D}/users/getByName/4224/extensions");
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DanglingParents, &of_user);
    let (last, first) = (*ids(&untrue).last().unwrap(), ids(&untrue).len() - 1);
    assert_eq!(ids(&truth), ids(&untrue)[..first]);
    assert!(!known.contains(&last));
    let calls = format!("{D}/extensions/getByName/4224/callSegments");
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DanglingParents, &calls);
    assert_eq!((ids(&truth).len(), ids(&untrue).len()), (0, 1));
    let agents: Value =
        serde_json::from_str(&answer(&sandbox, &format!("{D}/queues/getByName/5001/agents")).1).unwrap();
    let agent = format!("{D}/queues/getByName/5001/agents/{}/extension", ids(&agents)[0]);
    let (truth, untrue) = true_and_untrue(&sandbox, &Fault::DanglingParents, &agent);
    assert!(known.contains(&truth["id"].as_str().unwrap()) && !known.contains(&untrue["id"].as_str().unwrap()));
}

#[test]
fn a_gzip_bomb_unpacks_to_what_it_says() {
    let sandbox = start();
    one(&sandbox, Fault::GzipBomb(3_000_000));
    let mut stream = connect(&sandbox);
    send(&mut stream, "GET", "coreServers");
    let (bytes, end) = drain(&mut stream, Duration::from_secs(20));
    assert!(end.is_ok() && bytes.len() < 60_000, "{} {end:?}", bytes.len());
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    assert!(String::from_utf8_lossy(&bytes[..head]).contains("Content-Encoding: gzip"));
    assert_eq!(bytes[head + 4..head + 7], [0x1f, 0x8b, 8]);
    // The last four bytes of gzip are the unpacked length.
    assert_eq!(bytes[bytes.len() - 4..], 3_000_000u32.to_le_bytes());
}

#[test]
fn a_restart_changes_every_id_and_cuts_every_connection() {
    let sandbox = start();
    let names = ["4224", "mike"];
    let before: Vec<_> = names.iter().map(|name| sandbox.user_id(name).unwrap()).collect();
    let configuration = |body: &str| {
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        value["configurationId"].as_str().unwrap().to_owned()
    };
    let path = format!("{D}/extensions/getByName/4224");
    let kept = configuration(&answer(&sandbox, &path).1);
    let call = sandbox.add_call("4224", &Caller::new("Ada", "1")).unwrap();
    let mut idle = connect(&sandbox);
    send(&mut idle, "GET", "coreServers");
    assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
    let old = sandbox.core_server_id();

    sandbox.restart();
    assert!(drain(&mut idle, Duration::from_secs(5)).0.is_empty());
    assert_ne!(sandbox.core_server_id(), old);
    assert_eq!(sandbox.incarnation(), 2);
    for (name, id) in names.iter().zip(before) {
        assert_ne!(sandbox.user_id(name).unwrap(), id);
        assert!(answer(&sandbox, &format!("{D}/users/{id}")).0.starts_with("HTTP/1.1 404"));
    }
    assert_eq!(configuration(&answer(&sandbox, &path).1), kept);
    assert_eq!(sandbox.call_segment_count(), 0);
    assert_eq!(sandbox.hang_up(call).unwrap_err().code(), Code::NotFound);
    assert_eq!(answer(&sandbox, &format!("{D}/users/getByName/mike/logins")).1, "[]");
    let agents = answer(&sandbox, &format!("{D}/queues/getByName/5001/agents")).1;
    assert_eq!(agents.matches("\"dynamic\":false").count(), 3);
    assert!(!agents.contains("\"dynamic\":true"));

    // The same seed restarts into the same ids.
    let other = start();
    other.restart();
    assert_eq!(other.core_server_id(), sandbox.core_server_id());
    assert_eq!(other.extension_id("4224").unwrap(), sandbox.extension_id("4224").unwrap());
}

#[test]
fn a_restart_comes_at_a_given_request() {
    let sandbox = start();
    let old = sandbox.core_server_id();
    sandbox.restart_at_request(3);
    let mut stream = connect(&sandbox);
    for expected in ["200", "200", "404", "404"] {
        send(&mut stream, "GET", &format!("coreServers/{old}"));
        let mut part = [0; 4096];
        let n = stream.read(&mut part).unwrap();
        let text = String::from_utf8_lossy(&part[..n]);
        assert!(text.starts_with(&format!("HTTP/1.1 {expected} ")), "{text}");
    }
    assert_eq!(sandbox.incarnation(), 2);
}

#[test]
fn a_server_goes_down_and_comes_up_on_the_same_port() {
    let sandbox = start();
    let mut idle = connect(&sandbox);
    for _ in 0..20 {
        sandbox.stop_listening();
        let refused = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        sandbox.start_listening().unwrap();
        assert!(answer(&sandbox, "coreServers").0.starts_with("HTTP/1.1 200"));
    }
    assert!(drain(&mut idle, Duration::from_secs(1)).1.is_ok());
    sandbox.start_listening().unwrap();
    sandbox.close();
    assert_eq!(sandbox.start_listening().unwrap_err().code(), Code::Closed);
}

#[test]
fn closing_takes_no_time_whatever_hangs() {
    // A machine that is busy with something else may stop us for a while, but not each time.
    let times: Vec<_> = (0..3).map(|_| close_while_all_hang()).collect();
    assert!(times.iter().any(|took| *took < Duration::from_millis(100)), "{times:?}");
}

fn close_while_all_hang() -> Duration {
    let sandbox = start();
    sandbox.fault(Fault::Stall(StallAt::WithinBody), "*/queues", Times::Forever);
    sandbox.fault(Fault::Delay(Duration::from_secs(3600)), "*/users", Times::Forever);
    sandbox.fault(Fault::Drip(1), "*/extensions", Times::Forever);
    sandbox.fault(Fault::Oversized(1 << 40), "*/conferences", Times::Forever);
    let mut streams = Vec::new();
    for path in ["queues", "users", "extensions", "conferences", "callSegments"] {
        let mut stream = connect(&sandbox);
        send(&mut stream, "GET", &format!("{D}/{path}"));
        streams.push(stream);
    }
    let end = Instant::now() + Duration::from_secs(5);
    while sandbox.request_count() < 5 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((sandbox.request_count(), sandbox.connections()), (5, 5));
    let started = Instant::now();
    sandbox.close();
    let took = started.elapsed();
    let end = Instant::now() + Duration::from_secs(5);
    while sandbox.connections() > 0 {
        assert!(Instant::now() < end, "{} threads hang", sandbox.connections());
        std::thread::sleep(Duration::from_millis(1));
    }
    sandbox.close();
    took
}

#[test]
fn connections_are_bounded() {
    let sandbox = Sandbox::start(SandboxConfig::new().max_connections(3)).unwrap();
    let mut open: Vec<_> = (0..3).map(|_| connect(&sandbox)).collect();
    for stream in &mut open {
        send(stream, "GET", "coreServers");
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
    }
    let (head, _) = answer(&sandbox, "coreServers");
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("Connection: close"), "{head}");
    drop(open);
    let end = Instant::now() + Duration::from_secs(5);
    while sandbox.connections() > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(answer(&sandbox, "coreServers").0.starts_with("HTTP/1.1 200"));
}

#[test]
fn what_is_not_http_is_refused() {
    let sandbox = start();
    let tell = |bytes: &[u8]| {
        let mut stream = connect(&sandbox);
        stream.write_all(bytes).unwrap();
        String::from_utf8_lossy(&drain(&mut stream, Duration::from_millis(300)).0).into_owned()
    };
    assert!(tell(b"\x16\x03\x01\x02\x00\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(tell(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(tell(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n").starts_with("HTTP/1.1 413 "));
    let many = "A: b\r\n".repeat(100);
    assert!(tell(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).starts_with("HTTP/1.1 431 "));
    assert!(tell(b"GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 404 "));
    let path = format!("/communication_manager/rest/live/{D}/users/getByName/4224/status/set");
    let chunked = format!("POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunks = "10\r\n{\"type\":\"away\", \r\na\r\n\"name\":\"\"}\r\n0\r\n\r\n";
    assert!(tell(format!("{chunked}{chunks}").as_bytes()).contains("the property name must be a text"));
    assert!(tell(format!("{chunked}zz\r\n").as_bytes()).starts_with("HTTP/1.1 400 "));
    // Two requests at once get two answers.
    let twice = "GET /communication_manager/rest/live/coreServers HTTP/1.1\r\n\r\n".repeat(2);
    assert_eq!(tell(twice.as_bytes()).matches("HTTP/1.1 200 OK").count(), 2);
}

#[test]
fn a_large_world_is_served_fast() {
    let sandbox = Sandbox::start(SandboxConfig::new().users(20_000).extra_extensions(10_000)).unwrap();
    let mut stream = connect(&sandbox);
    let mut part = [0; 4096];
    let number = sandbox.extension_numbers()[19_999].clone();
    let started = Instant::now();
    for _ in 0..200 {
        send(&mut stream, "GET", &format!("{D}/extensions/getByName/{number}"));
        assert!(stream.read(&mut part).unwrap() > 200);
    }
    let one = started.elapsed() / 200;
    assert!(one < Duration::from_millis(5), "{one:?} for an instance among 30000");
    // The list is written once; the second time it is only sent.
    let list = |stream: &mut TcpStream| {
        let mut part = [0; 4096];
        send(stream, "GET", &format!("{D}/extensions"));
        let n = stream.read(&mut part).unwrap();
        let text = String::from_utf8_lossy(&part[..n]).into_owned();
        let head = text.find("\r\n\r\n").unwrap() + 4;
        let length: usize =
            text.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        let mut rest = vec![0; head + length - n];
        stream.read_exact(&mut rest).unwrap();
        length
    };
    let length = list(&mut stream);
    assert!(length > 30_000 * 200, "{length}");
    let started = Instant::now();
    assert_eq!(list(&mut stream), length);
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}

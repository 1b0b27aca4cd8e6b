use super::*;
use crate::transport::{PostError, Sent};

fn failed(error: PostError, sent: Sent, code: Code) {
    assert_eq!((error.sent, error.error.code()), (sent, code), "{}", error.error);
    assert_clean(&error.error);
}

#[test]
fn what_is_sent() {
    let server = Server::new(|_, _| send("HTTP/1.1 204 No Content\r\n\r\n"));
    let transport = server.transport();
    let answer = transport.post("a/originate", Some(r#"{"destination":"1"}"#), None).unwrap();
    assert!(answer.accepted() && answer.status == 204 && answer.text.is_empty());
    transport.post("a/enableDnd", None, None).unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /communication_manager/rest/live/a/originate HTTP/1.1\r\n"));
    assert!(requests[0].ends_with("\r\n\r\n{\"destination\":\"1\"}"));
    for request in &requests {
        assert!(request.contains(&format!("Authorization: Basic {ENCODED}\r\n")));
        assert!(request.to_ascii_lowercase().contains("content-type: application/json\r\n"));
    }
    assert!(requests[1].to_ascii_lowercase().contains("content-length: 0\r\n"), "{}", requests[1]);
    assert_eq!(server.connections(), 2, "every action has a connection of its own");
}

#[test]
fn every_status_is_an_answer() {
    for code in [200, 302, 401, 403, 404, 405, 412, 429, 500, 503] {
        let server = Server::new(move |_, _| status(code, "because"));
        let transport = server.transport();
        let answer = transport.post("x", Some("{}"), None).unwrap();
        assert_eq!((answer.status, answer.text.as_str(), answer.accepted()), (code, "because", code == 200));
        let error = transport.refusal("POST", "x", &answer);
        assert_clean(&error);
        assert_eq!((error.http_status(), error.server_message()), (Some(code), Some("because")));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_status_is_an_answer_even_where_its_text_is_cut() {
    let server =
        Server::new(|_, _| vec![Step::Send(b"HTTP/1.1 412 X\r\nContent-Length: 99\r\n\r\nhalf".to_vec()), Step::Close]);
    let answer = server.transport().post("x", None, None).unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (412, "half"));
}

#[test]
fn nothing_was_sent() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let transport = |url: &str| Transport::new(&Config::new(url).unwrap()).unwrap();
    let refused = transport(&format!("http://manager:{PASSWORD}@{address}"));
    failed(refused.post("x", None, None).unwrap_err(), Sent::No, Code::ConnectionFailed);
    let unknown = transport(&format!("http://manager:{PASSWORD}@nowhere.invalid"));
    failed(unknown.post("x", None, None).unwrap_err(), Sent::No, Code::ConnectionFailed);
    // A handshake that fails: what answers there speaks no TLS.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let mut config = Config::new(&format!("https://manager:{PASSWORD}@{address}")).unwrap();
    config.verify(false);
    let tls = Transport::new(&config).unwrap();
    failed(tls.post("x", None, None).unwrap_err(), Sent::No, Code::ConnectionFailed);
    failed(tls.post("a b", None, None).unwrap_err(), Sent::No, Code::InvalidPath);
    // No time at all.
    let server = Server::new(|_, _| ok(""));
    let late = server.transport().post("x", None, Some(Duration::ZERO)).unwrap_err();
    failed(late, Sent::No, Code::ConnectionFailed);
    assert!(server.requests().is_empty());
}

#[test]
fn it_may_have_been_carried_out() {
    let cuts = ["", "H", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 204 No Content\r\nX: y\r\n"];
    for cut in cuts {
        let server = Server::new(move |_, _| vec![Step::Send(cut.as_bytes().to_vec()), Step::Close]);
        let error = server.transport().post("x", Some("{}"), None).unwrap_err();
        assert!(error.error.message().contains("not known") && !error.error.retryable());
        failed(error, Sent::Maybe, Code::OutcomeUnknown);
        assert_eq!(server.requests().len(), 1, "never sent again");
    }
    let server = Server::new(|_, _| send("nonsense\r\n\r\n"));
    failed(server.transport().post("x", None, None).unwrap_err(), Sent::Maybe, Code::OutcomeUnknown);
}

#[test]
fn the_server_closes_at_once() {
    // Accepted and closed without a look: whether the bytes were read is the server's secret.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let transport = Transport::new(&Config::new(&format!("http://{address}")).unwrap()).unwrap();
    for _ in 0..20 {
        failed(transport.post("x", Some("{}"), None).unwrap_err(), Sent::Maybe, Code::OutcomeUnknown);
    }
}

#[test]
fn an_action_has_a_time_limit_of_its_own() {
    let server = Server::new(|_, _| vec![Step::Sleep(5000)]);
    let transport = server.transport();
    let start = Instant::now();
    let error = transport.post("x", None, Some(Duration::from_millis(200))).unwrap_err();
    assert!((200..2000).contains(&millis(start)), "{} ms", millis(start));
    assert!(error.error.message().contains("200ms"), "{}", error.error);
    failed(error, Sent::Maybe, Code::OutcomeUnknown);
    // It may also be longer than the limit for reading.
    let server = Server::new(|_, _| {
        let mut steps = vec![Step::Sleep(400)];
        steps.extend(status(204, ""));
        steps
    });
    let mut config = server.config();
    config.first_byte_timeout(Duration::from_millis(100)).unwrap();
    config.request_timeout(Duration::from_millis(100)).unwrap();
    Transport::new(&config).unwrap().post("x", None, Some(Duration::from_secs(5))).unwrap();
}

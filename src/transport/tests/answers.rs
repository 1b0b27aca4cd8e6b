use super::*;

fn error_of(reply: Vec<Step>) -> Error {
    let server = Server::new(move |_, _| reply.clone());
    let error = get(&server.transport(), "coreServers").unwrap_err();
    assert_eq!(server.requests().len(), 1, "an answer is never asked for twice");
    error
}

#[test]
fn statuses_become_codes() {
    for (code, expected, retryable, says) in [
        (204, Code::BadAnswer, true, "no sense"),
        (206, Code::BadAnswer, true, "no sense"),
        (400, Code::BadAnswer, true, "no sense"),
        (401, Code::Auth, false, "user `manager`"),
        (403, Code::Forbidden, false, "white list"),
        (404, Code::NotFound, false, "GET coreServers"),
        (405, Code::Unsupported, false, "does not support GET"),
        (412, Code::Rejected, false, "invalid"),
        (429, Code::ServerError, true, "too often"),
        (500, Code::ServerError, true, "failed"),
        (503, Code::ServerError, true, "failed"),
    ] {
        let body = if code == 204 { "" } else { "the reason" };
        let error = error_of(status(code, body));
        assert_eq!((error.code(), error.http_status(), error.retryable()), (expected, Some(code), retryable), "{code}");
        assert!(error.message().contains(says), "{error}");
        assert_eq!(error.server_message(), (code != 204).then_some("the reason"));
    }
    let forbidden = error_of(status(403, ""));
    assert!(forbidden.message().contains("access control list") && forbidden.message().contains("credentials"));
}

#[test]
fn without_credentials_401_says_so() {
    let server = Server::new(|_, _| status(401, ""));
    let transport = Transport::new(&Config::new(&format!("http://{}", server.address)).unwrap()).unwrap();
    assert!(get(&transport, "x").unwrap_err().message().contains("none are set"));
}

#[test]
fn redirects_are_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let server = Server::new(move |_, request| {
            let host = request.split("host: ").nth(1).or(request.split("Host: ").nth(1)).unwrap();
            let host = host.split(':').next().unwrap();
            send(format!(
                "HTTP/1.1 {code} X\r\nLocation: https://u:p@{host}:55050/x?token=1\r\nContent-Length: 0\r\n\r\n"
            ))
        });
        let error = get(&server.transport(), "x").unwrap_err();
        assert_eq!((error.code(), error.retryable()), (Code::ConnectionFailed, false));
        assert!(error.message().contains("sends us to https://127.0.0.1:55050: it demands TLS"), "{error}");
        assert!(!error.message().contains("token") && !error.message().contains("u:p"));
        assert_eq!(server.requests().len(), 1);
    }
    let elsewhere = Server::new(|_, _| ok("[]"));
    let target = elsewhere.address;
    let error = error_of(send(format!("HTTP/1.1 302 X\r\nLocation: http://{target}/x\r\nContent-Length: 0\r\n\r\n")));
    assert!(error.message().contains("redirects are not followed"), "{error}");
    assert!(elsewhere.requests().is_empty());
    assert!(error_of(send("HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n")).message().contains("does not name"));
}

#[test]
fn the_wait_the_server_asks_for_is_kept() {
    let error = error_of(send("HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = error_of(send("HTTP/1.1 429 X\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(300)));
    assert_eq!(error_of(status(503, "")).retry_after(), None);
}

#[test]
fn the_text_of_an_error_is_bounded() {
    let error = error_of(status(500, &"x\u{1b}\n".repeat(1 << 20)));
    assert!(error.server_message().unwrap().len() <= 2048);
    assert!(!error.to_string().contains('\u{1b}'));
    // A connection whose answer was read to its end is used again.
    let server = Server::new(|_, _| status(404, "no such thing"));
    let transport = server.transport();
    for _ in 0..3 {
        assert_eq!(code(get(&transport, "x")), Code::NotFound);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_answer_cut_at_any_byte_is_refused() {
    let body = r#"[{"id":"1"}]"#;
    let with_length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n7\r\n{}\r\n0\r\n\r\n",
        &body[..5],
        &body[5..]
    );
    for whole in [with_length, chunked] {
        let cut = whole.clone();
        let server = Server::new(move |number, _| vec![Step::Send(cut.as_bytes()[..number].to_vec()), Step::Close]);
        let transport = server.transport();
        for at in 0..=whole.len() {
            match get(&transport, "x") {
                Ok(got) => {
                    assert_eq!(got, body, "cut at {at}");
                    // Of a chunked body only the blank line after the last chunk may be missing.
                    assert!(at == whole.len() || whole[at..].trim().is_empty(), "cut at {at}");
                }
                Err(error) => assert!(
                    at < whole.len() && matches!(error.code(), Code::ConnectionFailed | Code::BadAnswer),
                    "cut at {at}: {error}"
                ),
            }
        }
        assert_eq!(server.requests().len(), whole.len() + 1);
    }
}

#[test]
fn nonsense_is_refused() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]xx0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n[]",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/9.1 200 OK\r\n\r\n",
        "200 OK\r\n\r\n",
        "\x15\x03\x01\x00\x02\x02\x46 not HTTP at all\r\n\r\n",
    ] {
        let error = error_of(vec![Step::Send(reply.as_bytes().to_vec()), Step::Close]);
        assert_eq!(error.code(), Code::BadAnswer, "{reply:?}: {error}");
    }
}

#[test]
fn what_follows_an_answer_is_not_taken_for_the_next_one() {
    let server = Server::new(|number, _| match number {
        0 => send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        _ => ok("[1]"),
    });
    let transport = server.transport();
    assert_eq!(get(&transport, "x").unwrap(), "[]");
    assert_eq!(get(&transport, "x").unwrap(), "[1]");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let server = Server::new(|_, _| vec![Step::Send(b"HTTP/1.1 200 OK\r\n\r\n[1]".to_vec()), Step::Close]);
    assert_eq!(get(&server.transport(), "x").unwrap(), "[1]");
}

#[test]
fn probes_answer_with_any_status() {
    let server = Server::new(|_, request| match request.starts_with("OPTIONS") {
        true => send("HTTP/1.1 200 OK\r\nAllow: POST, OPTIONS\r\nContent-Length: 0\r\n\r\n"),
        false => status(405, "no"),
    });
    let transport = server.transport();
    let options = transport.probe("OPTIONS", "x/originate").unwrap();
    assert_eq!((options.status, options.allow.as_deref()), (200, Some("POST, OPTIONS")));
    let get = transport.probe("GET", "x/originate").unwrap();
    assert_eq!((get.status, get.text.as_str(), get.accepted()), (405, "no", false));
    assert_eq!(transport.probe("POST", "x").unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(server.requests().len(), 2);
}

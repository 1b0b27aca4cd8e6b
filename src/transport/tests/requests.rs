use super::*;
use crate::config::Secret;

#[test]
fn what_is_sent() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    assert_eq!(get(&transport, "coreServers/getByName/a%20b").unwrap(), "[]");
    let request = &server.requests()[0];
    let mut lines = request.lines();
    assert_eq!(lines.next().unwrap(), "GET /communication_manager/rest/live/coreServers/getByName/a%20b HTTP/1.1");
    let lower = request.to_ascii_lowercase();
    for header in [
        format!("host: {}", server.address),
        "accept: application/json".to_owned(),
        "accept-encoding: identity".to_owned(),
        concat!("user-agent: isymphony/", env!("CARGO_PKG_VERSION")).to_owned(),
    ] {
        assert_eq!(lower.lines().filter(|line| *line == header).count(), 1, "{header} in {request}");
    }
    assert_eq!(request.matches(&format!("Authorization: Basic {ENCODED}\r\n")).count(), 1);
}

#[test]
fn connections_are_kept_and_every_request_is_authorized() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    for _ in 0..20 {
        get(&transport, "coreServers").unwrap();
    }
    assert_eq!(server.connections(), 1);
    assert!(server.requests().iter().all(|request| request.contains(ENCODED)));
}

#[test]
fn parallel_requests_keep_as_many_connections_as_set() {
    let server = Server::new(|_, _| {
        let mut steps = vec![Step::Sleep(20)];
        steps.extend(ok("[]"));
        steps
    });
    let transport = server.transport();
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| get(&transport, "coreServers").unwrap());
            }
        });
    }
    assert_eq!(server.connections(), 4);
}

#[test]
fn credentials_can_be_replaced_and_taken_away() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    get(&transport, "x").unwrap();
    transport.set_credentials(Some(("other".to_owned(), Secret::from("word"))));
    get(&transport, "x").unwrap();
    transport.set_credentials(None);
    get(&transport, "x").unwrap();
    let requests = server.requests();
    assert!(requests[1].contains("Authorization: Basic b3RoZXI6d29yZA==\r\n") && !requests[1].contains(ENCODED));
    assert!(!requests[2].contains("Authorization"));
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_kept_connection_that_the_server_closes_as_it_is_used_is_tried_again() {
    // The second request finds a connection that looks alive and is closed without an answer.
    let server = Server::new(|number, _| if number == 1 { vec![Step::Close] } else { ok("[]") });
    let transport = server.transport();
    get(&transport, "x").unwrap();
    get(&transport, "x").unwrap();
    assert_eq!(server.requests().len(), 3);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_new_connection_that_fails_is_not_tried_again() {
    let server = Server::new(|_, _| vec![Step::Close]);
    assert_eq!(code(get(&server.transport(), "x")), Code::ConnectionFailed);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_kept_connection_that_breaks_in_the_answer_is_not_tried_again() {
    let server = Server::new(|number, _| match number {
        1 => vec![Step::Send(b"HTTP/1.1 200".to_vec()), Step::Close],
        _ => ok("[]"),
    });
    let transport = server.transport();
    get(&transport, "x").unwrap();
    assert_eq!(code(get(&transport, "x")), Code::ConnectionFailed);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn connections_closed_while_idle_are_found_out() {
    let server = Server::new(|_, _| {
        let mut steps = ok("[]");
        steps.push(Step::Close);
        steps
    });
    let transport = server.transport();
    for _ in 0..5 {
        get(&transport, "x").unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn nobody_there() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = Config::new(&format!("http://manager:{PASSWORD}@{address}")).unwrap();
    let error = get(&Transport::new(&config).unwrap(), "x").unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed);
    assert!(error.retryable() && error.message().contains("refused"), "{error}");
}

#[test]
fn a_name_that_does_not_exist() {
    let config = Config::new("http://nowhere.invalid").unwrap();
    let error = get(&Transport::new(&config).unwrap(), "x").unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed);
    assert!(error.message().contains("nowhere.invalid could not be resolved"), "{error}");
}

#[test]
fn a_path_that_could_mean_something_else_is_refused() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    for path in ["/x", "../x", "a/./b", "a/..", "a?b", "a#b", "a b", "a\r\nX: y", "ä", "a\\b", &"x".repeat(20_000)] {
        assert_eq!(code(get(&transport, path)), Code::InvalidPath, "{path:?}");
        assert_eq!(transport.post(path, None, None).unwrap_err().error.code(), Code::InvalidPath);
    }
    get(&transport, "a/%2E%2E/b%2F").unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_proxy_gets_its_own_credentials_and_not_ours() {
    // The proxy answers CONNECT, and then the tunnelled request, as the server would.
    let server = Server::new(|_, request| match request.starts_with("CONNECT") {
        true => send("HTTP/1.1 200 Connected\r\n\r\n"),
        false => ok("[]"),
    });
    let mut config = Config::new(&format!("http://manager:{PASSWORD}@pbx.invalid")).unwrap();
    config.proxy(Some(&format!("http://carl:{}@{}", "s3cret", server.address))).unwrap();
    let transport = Transport::new(&config).unwrap();
    assert_eq!(get(&transport, "x").unwrap(), "[]");
    let requests = server.requests();
    assert!(requests[0].starts_with("CONNECT pbx.invalid:58080 "), "{}", requests[0]);
    assert!(requests[0].contains("Proxy-Authorization: Basic Y2FybDpzM2NyZXQ=") && !requests[0].contains(ENCODED));
    assert!(requests[1].contains(ENCODED) && !requests[1].contains("Proxy-Authorization"));

    let refusing = Server::new(|_, _| status(407, ""));
    config.proxy(Some(&format!("http://carl:s3cret@{}", refusing.address))).unwrap();
    let transport = Transport::new(&config).unwrap();
    let error = get(&transport, "x").unwrap_err();
    assert_eq!(error.code(), Code::ConnectionFailed);
    assert!(error.message().contains("407") && !error.message().contains("s3cret"), "{error}");
    let failed = transport.post("x", None, None).unwrap_err();
    assert_eq!(failed.sent, crate::transport::Sent::No, "only CONNECT has left");
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "transport::tests::requests::what_is_sent"]);
    for name in ["ALL_PROXY", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY"] {
        child.env(name, format!("http://{dead}"));
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn nothing_secret_reaches_the_log() {
    use std::sync::OnceLock;
    static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
    struct Keep;
    impl log::Log for Keep {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            LINES.get_or_init(Mutex::default).lock().unwrap().push(record.args().to_string());
        }
        fn flush(&self) {}
    }
    if log::set_logger(&Keep).is_err() {
        return;
    }
    log::set_max_level(log::LevelFilter::Trace);
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    get(&transport, "log-marker").unwrap();
    transport.post("log-marker", Some("{}"), None).unwrap();
    log::set_max_level(log::LevelFilter::Off);
    let lines = LINES.get().unwrap().lock().unwrap().join("");
    // The trace log writes bytes in rows, with blanks between; so look at the letters alone.
    let letters: String = lines.chars().filter(char::is_ascii_alphanumeric).collect();
    assert!(lines.contains("log-marker"));
    assert!(!letters.contains("Basic") && !letters.contains(ENCODED) && !letters.contains(PASSWORD));
    let hex: String = ENCODED.bytes().take(4).map(|b| format!("{b:02x}")).collect();
    assert!(!letters.to_ascii_lowercase().contains(&hex));
}

use super::*;
use crate::transport::Sent;

/// Runs a request that hangs, closes, and says how long the request took to end.
fn close_during<T: Send + 'static>(
    server: &Server,
    request: impl FnOnce(&Transport) -> T + Send + 'static,
) -> (T, u128, Arc<Transport>) {
    let transport = Arc::new(server.transport());
    let running = {
        let transport = transport.clone();
        std::thread::spawn(move || request(&transport))
    };
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(30));
    let start = Instant::now();
    transport.close();
    let result = running.join().unwrap();
    (result, millis(start), transport)
}

#[test]
fn a_request_in_flight_ends_at_once() {
    for stall in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[",
        "HTTP/1.1 200 OK\r\n\r\n[]",
    ] {
        let server = Server::new(move |_, _| vec![Step::Send(stall.as_bytes().to_vec()), Step::Sleep(5000)]);
        let (result, took, transport) = close_during(&server, |transport| code(get(transport, "x")));
        assert_eq!(result, Code::Closed, "{stall:?}");
        assert!(took < 100, "{took} ms");
        assert_eq!(code(get(&transport, "x")), Code::Closed);
        assert_eq!(transport.probe("GET", "x").unwrap_err().code(), Code::Closed);
        let after = transport.post("x", None, None).unwrap_err();
        assert_eq!((after.sent, after.error.code()), (Sent::No, Code::Closed));
        assert_eq!(server.requests().len(), 1);
        transport.close();
    }
}

#[test]
fn an_action_in_flight_has_an_unknown_outcome() {
    let server = Server::new(|_, _| vec![Step::Sleep(5000)]);
    let (result, took, _) = close_during(&server, |transport| transport.post("x", Some("{}"), None));
    let error = result.unwrap_err();
    assert_eq!((error.sent, error.error.code()), (Sent::Maybe, Code::OutcomeUnknown));
    assert!(error.error.message().contains("closed"), "{}", error.error);
    assert!(took < 100, "{took} ms");
}

#[test]
fn kept_connections_are_closed() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    get(&transport, "x").unwrap();
    assert_eq!(server.open.load(Ordering::SeqCst), 1);
    transport.close();
    let until = Instant::now() + Duration::from_secs(5);
    while server.open.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < until, "the server never sees the end");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(code(get(&transport, "x")), Code::Closed);
}

#[test]
fn closing_from_many_threads_during_many_requests() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    match get(&transport, "x") {
                        Ok(body) => assert_eq!(body, "[]"),
                        Err(error) => break assert_eq!(error.code(), Code::Closed, "{error}"),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(50));
        for _ in 0..2 {
            scope.spawn(|| transport.close());
        }
    });
    assert_eq!(format!("{transport:?}"), format!("Transport {{ origin: http://{}, .. }}", server.address));
}

#[test]
fn requests_to_an_address_look_nothing_up() {
    let server = Server::new(|_, _| ok("[]"));
    let transport = server.transport();
    for _ in 0..3 {
        get(&transport, "x").unwrap();
        transport.post("x", None, None).unwrap();
    }
    assert!(transport.names.is_empty(), "no name was looked up, so no thread was started");
}

#[test]
fn a_forked_child_leaves_the_connections_of_its_parent_alone() {
    let server = Server::new(|_, _| ok("[]"));
    let mut transport = server.transport();
    get(&transport, "x").unwrap();
    transport.process = 0;
    assert_eq!(code(get(&transport, "x")), Code::Closed);
    transport.close();
    transport.process = std::process::id();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!((server.open.load(Ordering::SeqCst), server.requests().len()), (1, 1));
}

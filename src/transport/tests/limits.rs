use super::*;
use std::net::Ipv4Addr;

fn short(server: &Server) -> Config {
    let mut config = server.config();
    config.first_byte_timeout(Duration::from_millis(200)).unwrap();
    config.silence_timeout(Duration::from_millis(800)).unwrap();
    config.request_timeout(Duration::from_millis(1000)).unwrap();
    config
}

fn timed_out(steps: Vec<Step>, says: &str, least: u128, most: u128) {
    let server = Server::new(move |_, _| steps.clone());
    let transport = Transport::new(&short(&server)).unwrap();
    let start = Instant::now();
    let error = get(&transport, "x").unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::TimedOut, true), "{error}");
    assert!(error.message().contains(says), "{error}");
    assert!((least..most).contains(&millis(start)), "{} ms: {error}", millis(start));
    assert_eq!(server.requests().len(), 1, "a timeout is not tried again");
}

fn drip(start: &str, each: &str) -> Vec<Step> {
    let mut steps = send(start);
    for _ in 0..100 {
        steps.push(Step::Sleep(50));
        steps.extend(send(each));
    }
    steps
}

#[test]
fn an_answer_that_does_not_begin() {
    timed_out(vec![Step::Sleep(5000)], "did not begin", 200, 2000);
}

#[test]
fn a_head_that_comes_byte_by_byte() {
    timed_out(drip("HTTP/1.1 200 OK\r\nX-Slow: ", "x"), "did not begin", 200, 2000);
}

#[test]
fn a_body_that_stops() {
    timed_out(
        vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[".to_vec()), Step::Sleep(5000)],
        "fell silent",
        800,
        2000,
    );
}

#[test]
fn a_body_that_comes_byte_by_byte() {
    timed_out(drip("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "x"), "in all", 980, 3000);
    timed_out(drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), "in all", 980, 3000);
}

#[test]
fn the_wait_for_the_beginning_may_be_longer_than_the_silence() {
    let server = Server::new(|_, _| {
        let mut steps = vec![Step::Sleep(900)];
        steps.extend(ok("[]"));
        steps
    });
    let mut config = short(&server);
    config.first_byte_timeout(Duration::from_secs(5)).unwrap();
    get(&Transport::new(&config).unwrap(), "x").unwrap();
}

#[test]
fn a_server_that_takes_no_connection() {
    // The queue of this listener is full, so that the next connection hangs as it would at a silent address.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _queued: Vec<_> = (0..4).map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(50))).collect();
    let mut config = Config::new(&format!("http://{address}")).unwrap();
    config.connect_timeout(Duration::from_millis(200)).unwrap();
    let transport = Arc::new(Transport::new(&config).unwrap());
    let start = Instant::now();
    let error = get(&transport, "x").unwrap_err();
    assert!((200..2000).contains(&millis(start)));
    assert_eq!((error.code(), error.retryable()), (Code::ConnectionFailed, true));
    assert!(error.message().contains("within 200ms"), "{error}");
    let failed = transport.post("x", None, None).unwrap_err();
    assert_eq!((failed.sent, failed.error.code()), (crate::transport::Sent::No, Code::ConnectionFailed));

    config.connect_timeout(Duration::from_secs(20)).unwrap();
    let transport = Arc::new(Transport::new(&config).unwrap());
    let waiting = {
        let transport = transport.clone();
        std::thread::spawn(move || code(get(&transport, "x")))
    };
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    transport.close();
    assert_eq!(waiting.join().unwrap(), Code::Closed);
    assert!(millis(start) < 1_000, "{} ms", millis(start));
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let server = Server::new(|_, _| send("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"));
    let mut config = server.config();
    config.body_limit(1000).unwrap();
    let start = Instant::now();
    let error = get(&Transport::new(&config).unwrap(), "x").unwrap_err();
    assert_eq!(error.code(), Code::BadAnswer);
    assert!(error.message().contains("body_limit") && millis(start) < 1000, "{error}");
}

#[test]
fn the_limit_holds_for_every_form_of_body() {
    let body = "x".repeat(1000);
    let more = "x".repeat(1001);
    let forms: [fn(&str) -> String; 3] = [
        |body| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        |body| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        |body| format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
    ];
    for form in forms {
        let (fits, too_long) = (form(&body), form(&more));
        let server = Server::new(move |number, _| {
            vec![Step::Send(if number == 0 { &fits } else { &too_long }.as_bytes().to_vec()), Step::Close]
        });
        let mut config = server.config();
        config.body_limit(1000).unwrap();
        let transport = Transport::new(&config).unwrap();
        assert_eq!(get(&transport, "x").unwrap(), body);
        assert_eq!(code(get(&transport, "x")), Code::BadAnswer);
    }
}

#[test]
fn a_compressed_body_is_understood_and_its_expansion_bounded() {
    let pack = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let mut reply =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len())
                .into_bytes();
        reply.extend(packed);
        reply
    };
    let (small, bomb) = (pack(b"[1]"), pack(&vec![b' '; 64 << 20]));
    assert!(bomb.len() < 100 << 10);
    let mut broken = small.clone();
    let last = broken.len() - 6;
    broken[last] ^= 1;
    let server = Server::new(move |number, _| send([&small, &bomb, &broken][number]));
    let mut config = server.config();
    config.body_limit(1 << 20).unwrap();
    let transport = Transport::new(&config).unwrap();
    let mut body = Vec::new();
    transport.get("x", &mut body).unwrap();
    assert_eq!(body, b"[1]");
    assert_eq!(transport.get("x", &mut body).unwrap_err().code(), Code::BadAnswer);
    assert!(body.is_empty() && body.capacity() <= 4 << 20, "{}", body.capacity());
    assert_eq!(transport.get("x", &mut body).unwrap_err().code(), Code::BadAnswer);
    assert!(body.is_empty());
}

#[test]
fn the_length_that_a_server_announces_reserves_nothing() {
    let server = Server::new(|_, _| {
        vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n[".to_vec()), Step::Close]
    });
    let mut body = Vec::new();
    server.transport().get("x", &mut body).unwrap_err();
    assert!(body.capacity() < 128 << 10, "{}", body.capacity());
}

#[test]
fn a_head_is_bounded() {
    let long_line = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\n[]", "x".repeat(70 << 10));
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(4 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 2\r\n\r\n[]", "A: b\r\n".repeat(100_000));
    let fits = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\n[]", "x".repeat(60 << 10));
    for (reply, fine) in [(long_line, false), (endless, false), (many, false), (fits, true)] {
        let server = Server::new(move |_, _| vec![Step::Send(reply.as_bytes().to_vec()), Step::Close]);
        match get(&server.transport(), "x") {
            Ok(body) => assert!(fine && body == "[]"),
            Err(error) => assert!(!fine && error.code() == Code::BadAnswer, "{error}"),
        }
    }
}

#[test]
fn a_big_body_arrives_whole() {
    let body: String = (0..400_000).map(|n| format!("{n},")).collect();
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = Server::new(move |_, _| send(&reply));
    assert!(get(&server.transport(), "x").unwrap() == body);
}

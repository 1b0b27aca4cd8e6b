use super::*;
use crate::clock::Moment;
use crate::transport::events::Received;
use tungstenite::handshake::derive_accept_key;

const EVENT: &str = r#"{"type":"hangup"}"#;

/// The answer to an upgrade, with an event right behind it.
fn upgraded(request: &str) -> Vec<Step> {
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching\r\nupgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let frame = [&[0x81, EVENT.len() as u8], EVENT.as_bytes()].concat();
    vec![Step::Send([head.as_bytes(), &frame].concat()), Step::Sleep(3_000)]
}

fn first(transport: &Transport) -> Result<String, Error> {
    let mut socket = transport.open_events().inspect_err(assert_clean)?;
    match socket.receive(Moment::now() + Duration::from_secs(2)).inspect_err(assert_clean)? {
        Received::Text(text) => Ok(text.to_string()),
        _ => panic!("no event"),
    }
}

/// A proxy that connects to wherever it is told, and what it was told.
fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heads) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let log = heads.clone();
    std::thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let Some(head) = read_request(&mut near) else { continue };
            let to = head.split(' ').nth(1).unwrap().to_owned();
            log.lock().unwrap().push(head);
            let far = TcpStream::connect(to).unwrap();
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    (address, heads)
}

#[test]
fn the_socket_is_opened_with_our_credentials_and_nothing_behind_the_answer_is_lost() {
    let server = Server::new(|_, request| upgraded(request));
    assert_eq!(first(&server.transport()).unwrap(), EVENT);
    let request = &server.requests()[0];
    assert!(request.starts_with("GET /communication_manager/ws/event HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
    assert!(request.contains(&format!("\r\nAuthorization: Basic {ENCODED}\r\n")), "{request}");
}

#[test]
fn it_goes_through_tls_and_a_proxy() {
    let (ca, pair) = tls::signed(&["localhost", "127.0.0.1"]);
    let accepting = tls::accepting(&pair);
    let server = Server::wrapped(|_, request| upgraded(request), move |tcp| tls::handshake(accepting.clone(), tcp));
    let url = format!("https://manager:{PASSWORD}@127.0.0.1:{}", server.address.port());
    let mut config = Config::new(&url).unwrap();
    config.ca_file(tls::file(&ca.cert));
    assert_eq!(first(&Transport::new(&config).unwrap()).unwrap(), EVENT);
    let (address, heads) = proxy();
    config.proxy(Some(&format!("http://joe:{PASSWORD}@{address}"))).unwrap();
    assert_eq!(first(&Transport::new(&config).unwrap()).unwrap(), EVENT);
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address)), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic ") && !head.contains(ENCODED), "{head}");
    assert_eq!(server.requests().len(), 2);
    let (other_ca, _) = tls::signed(&["localhost"]);
    config.ca_file(tls::file(&other_ca.cert));
    let error = first(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(error.message().contains("TLS") && !error.retryable(), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let refusing = Server::new(|_, _| status(407, ""));
    let server = Server::new(|_, request| upgraded(request));
    let mut config = server.config();
    config.proxy(Some(&format!("http://{}", refusing.address))).unwrap();
    let error = first(&Transport::new(&config).unwrap()).unwrap_err();
    assert!(error.message().contains("the proxy") && error.message().contains("407"), "{error}");
    assert!(server.requests().is_empty() && !refusing.requests()[0].contains("Authorization"));
}

#[test]
fn what_is_no_upgrade_is_what_its_status_means() {
    for (code, expected) in [
        (200, Code::BadAnswer),
        (302, Code::ConnectionFailed),
        (401, Code::Auth),
        (403, Code::Forbidden),
        (404, Code::NotFound),
        (503, Code::ServerError),
    ] {
        let server = Server::new(move |_, _| status(code, "the reason"));
        let error = first(&server.transport()).unwrap_err();
        assert_eq!((error.code(), error.http_status()), (expected, Some(code)));
        assert!(error.to_string().contains("the reason"), "{error}");
    }
    let switching = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (head, says) in [
        ("HTTP/1.1 101 X\r\n".to_owned(), "protocol"),
        (format!("{switching}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "wrong key"),
    ] {
        let server = Server::new(move |_, _| send(format!("{head}\r\n")));
        let error = first(&server.transport()).unwrap_err();
        assert!(error.code() == Code::BadAnswer && error.message().contains(says), "{error}");
    }
}

#[test]
fn the_head_of_the_answer_is_bounded() {
    let endless = Server::new(|_, _| send(format!("HTTP/1.1 101 X\r\nA: {}", "x".repeat(1 << 20))));
    assert_eq!(first(&endless.transport()).unwrap_err().code(), Code::BadAnswer);
    let slow = Server::new(|_, _| {
        let byte = || [Step::Send(b"x".to_vec()), Step::Sleep(30)];
        send("HTTP/1.1 101 X\r\nA: ").into_iter().chain((0..100).flat_map(|_| byte())).collect()
    });
    let mut config = slow.config();
    config.first_byte_timeout(Duration::from_millis(200)).unwrap();
    let start = Instant::now();
    assert_eq!(first(&Transport::new(&config).unwrap()).unwrap_err().code(), Code::TimedOut);
    assert!((200..1_000).contains(&millis(start)));
    let silent = Server::new(|_, _| vec![Step::Sleep(3_000)]);
    config = silent.config();
    config.first_byte_timeout(Duration::from_millis(200)).unwrap();
    let start = Instant::now();
    assert_eq!(first(&Transport::new(&config).unwrap()).unwrap_err().code(), Code::TimedOut);
    assert!((200..1_000).contains(&millis(start)));
}

#[test]
fn closing_ends_the_wait_for_an_event_and_for_the_answer() {
    for script in [|_: usize, request: &str| upgraded(request), |_: usize, _: &str| vec![Step::Sleep(5_000)]] {
        let server = Server::new(script);
        let transport = Arc::new(server.transport());
        let waiting = {
            let transport = transport.clone();
            std::thread::spawn(move || {
                let mut socket = transport.open_events()?;
                loop {
                    socket.receive(Moment::now() + Duration::from_secs(5))?;
                }
            })
        };
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        transport.close();
        let result: Result<(), Error> = waiting.join().unwrap();
        assert!(result.is_err() && millis(start) < 1_000);
        assert_eq!(transport.open_events().err().unwrap().code(), Code::Closed);
    }
}

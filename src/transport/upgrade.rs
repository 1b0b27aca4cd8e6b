//! The heads that turn a connection into a WebSocket: CONNECT to a proxy, and the upgrade itself.
//!
//! They are written and read here, so that the credentials reach no log and the answer's head is bounded in size and time.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use ureq::Timeout;
use ureq::http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::events::{Deadline, Line, Stream, timely};
use super::fault::Fault;
use super::{Answer, Transport};
use crate::clock::Moment;
use crate::config::ProxyServer;
use crate::error::{Code, Error, Result};
use crate::path::EVENTS;

/// How long the words that explain a refusal may take, and how many of them are read.
const WORDS: (Duration, usize) = (Duration::from_millis(200), 4 << 10);
const MOST_HEADERS: usize = 128;

/// The head of an answer, and what came behind it.
struct Head {
    status: u16,
    headers: HeaderMap,
    tail: Vec<u8>,
}

/// Asks for the upgrade. Gives the stream back with what has come after the answer's head.
pub(super) fn upgrade(transport: &Transport, mut stream: Stream, deadline: &Deadline) -> Result<(Stream, Vec<u8>)> {
    let line = &transport.events;
    deadline.set(Moment::now() + line.first_byte);
    let key = generate_key();
    let host = format!("{}:{}", line.origin.host_in_url(), line.origin.port);
    let version = env!("CARGO_PKG_VERSION");
    let login = transport.auth.login();
    let request = Zeroizing::new(format!(
        "GET /{EVENTS} HTTP/1.1\r\nHost: {host}\r\n{}Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: isymphony/{version}\r\n\r\n",
        login.as_ref().map_or("", |login| login.line()),
    ));
    let explain = |error| transport.about.explain(timely(error, Timeout::RecvResponse));
    send(&mut stream, request.as_bytes()).map_err(explain)?;
    let head = read_head(&mut stream, line.head_limit).map_err(explain)?;
    if head.status != 101 {
        let words = read_words(&mut stream, deadline, &head);
        let answer = Answer::of(head.status, &head.headers, &words);
        return Err(transport.refusal("GET", EVENTS, &answer));
    }
    let says = |name: &str, value: &str| {
        let values = head.headers.get_all(name).iter().filter_map(|text| text.to_str().ok());
        values.flat_map(|text| text.split(',')).any(|text| text.trim().eq_ignore_ascii_case(value))
    };
    let accept = head.headers.get("sec-websocket-accept").map(HeaderValue::as_bytes);
    let wrong = if !says("upgrade", "websocket") || !says("connection", "upgrade") {
        Some("does not name the protocol")
    } else if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        Some("holds the wrong key")
    } else if head.headers.contains_key("sec-websocket-extensions") {
        Some("demands an extension that was not offered")
    } else {
        None
    };
    match wrong {
        None => Ok((stream, head.tail)),
        Some(why) => {
            let message = format!("{} upgrades {EVENTS} in a way that {why}", line.origin);
            Err(Error::new(Code::BadAnswer, message))
        }
    }
}

/// Has a proxy connect us to the server.
pub(super) fn tunnel(stream: &mut Stream, proxy: &ProxyServer, line: &Line) -> Result<(), ureq::Error> {
    let host = format!("{}:{}", line.origin.host_in_url(), line.origin.port);
    let login = proxy.credentials.as_ref().map_or_else(Zeroizing::default, |(user, password)| {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", encoded.as_str()))
    });
    let request = Zeroizing::new(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", login.as_str()));
    send(stream, request.as_bytes())?;
    let head = read_head(stream, line.head_limit)?;
    if !(200..300).contains(&head.status) {
        return Err(ureq::Error::ConnectProxyFailed(format!("it answers with status {}", head.status)));
    }
    // A server speaks only when it is spoken to, with TLS and with HTTP.
    if head.tail.is_empty() { Ok(()) } else { Err(Fault::Broken("the proxy sent what nobody asked for".into()).into()) }
}

fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), ureq::Error> {
    Ok(stream.write_all(bytes).and_then(|()| stream.flush())?)
}

/// Reads until the head is whole.
fn read_head(stream: &mut Stream, limit: usize) -> Result<Head, ureq::Error> {
    let broken = |why: String| ureq::Error::from(Fault::Broken(why));
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part) {
            Ok(0) => return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into()),
            Ok(amount) => bytes.extend_from_slice(&part[..amount]),
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => {
                let mut map = HeaderMap::new();
                for header in parsed.headers.iter() {
                    let name = HeaderName::from_bytes(header.name.as_bytes());
                    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value)) {
                        map.append(name, value);
                    }
                }
                let status = parsed.code.unwrap_or_default();
                return Ok(Head { status, headers: map, tail: bytes.split_off(length) });
            }
            Ok(httparse::Status::Partial) if bytes.len() <= limit => {}
            Ok(httparse::Status::Partial) => return Err(ureq::Error::LargeResponseHeader(bytes.len(), limit)),
            Err(e) => return Err(broken(format!("the answer is not valid HTTP: {e}"))),
        }
    }
}

/// What a refusal says of itself, as far as it comes soon.
fn read_words(stream: &mut Stream, deadline: &Deadline, head: &Head) -> Vec<u8> {
    let (time, most) = WORDS;
    let length = head.headers.get("content-length").and_then(|text| text.to_str().ok()?.parse().ok());
    let wanted = length.unwrap_or(most).min(most);
    deadline.set(Moment::now() + time);
    let mut words = head.tail.clone();
    while words.len() < wanted {
        let mut part = [0; 1024];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(amount) => words.extend_from_slice(&part[..amount]),
        }
    }
    words.truncate(most);
    words
}

//! The Event API: a WebSocket (RFC 6455) that tells events, one JSON object a text frame.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Map, Value};

use super::http::{Answer, Reader, Request, base64};
use super::server::{Shared, lock};
use super::world::events::Event;

/// The path of the Event API on a server.
pub(crate) const PATH: &str = crate::path::EVENTS;

/// A client's frame may have this many bytes.
const FRAME_LIMIT: u64 = 1024 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Who listens to events, by the numbers of their connections.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    numbers: Mutex<BTreeSet<u64>>,
    disabled: AtomicBool,
}

impl Listeners {
    pub(crate) fn count(&self) -> usize {
        lock(&self.numbers).len()
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.disabled.load(Ordering::Acquire)
    }

    pub(crate) fn set_enabled(&self, on: bool) {
        self.disabled.store(!on, Ordering::Release);
    }

    /// Nobody listens any more: the connections that are to be cut.
    pub(crate) fn take(&self) -> BTreeSet<u64> {
        std::mem::take(&mut lock(&self.numbers))
    }
}

/// The answer to a request to become a WebSocket.
pub(crate) fn accept(request: &Request) -> Answer {
    let Some(key) = &request.websocket_key else {
        return Answer::text(400, "the Event API speaks WebSocket; the request asks for no upgrade");
    };
    let digest = sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    Answer::empty(101)
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade")
        .with("Sec-WebSocket-Accept", base64(&digest))
}

/// Tells events until either side ends the connection.
pub(crate) fn serve(
    shared: &Shared,
    number: u64,
    answer: &Answer,
    stream: &mut TcpStream,
    reader: &mut Reader,
) -> io::Result<()> {
    lock(&shared.listeners.numbers).insert(number);
    let served = serve_listener(shared, answer, stream, reader);
    lock(&shared.listeners.numbers).remove(&number);
    served
}

fn serve_listener(shared: &Shared, answer: &Answer, stream: &mut TcpStream, reader: &mut Reader) -> io::Result<()> {
    // From here on, so that nothing is missed once the client knows it is connected.
    let from = shared.with_world(|world| world.events.next());
    answer.write(stream, false, false)?;
    let (going, filters) = (AtomicBool::new(true), Mutex::new(Filters::default()));
    let out = Mutex::new(stream.try_clone()?);
    thread::scope(|scope| {
        let teller = thread::Builder::new()
            .name("isymphony-sandbox-events".to_owned())
            .spawn_scoped(scope, || tell(shared, &out, &filters, &going, from));
        if teller.is_ok() {
            listen(stream, reader, &out, &filters);
        }
        going.store(false, Ordering::Release);
        let _ = stream.shutdown(Shutdown::Both);
        shared.wake_event_threads();
        let _ = teller.map(thread::ScopedJoinHandle::join);
    });
    Ok(())
}

/// Sends events as they come.
fn tell(shared: &Shared, out: &Mutex<TcpStream>, filters: &Mutex<Filters>, going: &AtomicBool, mut from: u64) {
    loop {
        let (next, events) = shared.wait_events(from, going);
        from = next;
        if events.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        for event in &events {
            match &**event {
                Event::Bytes(raw) => bytes.extend_from_slice(raw),
                Event::Text(text) if lock(filters).let_through(text) => frame(TEXT, text.as_bytes(), &mut bytes),
                Event::Text(_) => {}
            }
        }
        if lock(out).write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Reads what the client sends, until it ends or breaks the rules.
fn listen(stream: &mut TcpStream, reader: &mut Reader, out: &Mutex<TcpStream>, filters: &Mutex<Filters>) {
    loop {
        let Some((opcode, payload)) = read_frame(stream, reader) else { return };
        let mut bytes = Vec::new();
        match opcode {
            TEXT => {
                if let Some(new) = Filters::parse(&payload) {
                    *lock(filters) = new;
                }
            }
            PING => frame(PONG, &payload, &mut bytes),
            CLOSE => frame(CLOSE, &payload, &mut bytes),
            _ => {}
        }
        if lock(out).write_all(&bytes).is_err() || opcode == CLOSE {
            return;
        }
    }
}

/// One frame of the client; `None` when it is gone, or when the frame is not masked or too large.
fn read_frame(stream: &mut TcpStream, reader: &mut Reader) -> Option<(u8, Vec<u8>)> {
    loop {
        match parse_frame(&reader.buffer) {
            Ok(Some((length, opcode, payload))) => {
                reader.buffer.drain(..length);
                return Some((opcode, payload));
            }
            Ok(None) => reader.more(stream).then_some(())?,
            Err(()) => return None,
        }
    }
}

/// The first frame in a buffer: its whole length, its opcode, its payload.
fn parse_frame(buffer: &[u8]) -> Result<Option<(usize, u8, Vec<u8>)>, ()> {
    let [first, second, rest @ ..] = buffer else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(());
    }
    let (length, rest) = match (second & 0x7f, rest) {
        (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest),
        (126 | 127, _) => return Ok(None),
        (length, rest) => (u64::from(length), rest),
    };
    if length > FRAME_LIMIT {
        return Err(());
    }
    let length = length as usize;
    let Some((mask, payload)) = rest.split_at_checked(4).filter(|(_, payload)| payload.len() >= length) else {
        return Ok(None);
    };
    let clear = payload[..length].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Ok(Some((buffer.len() - payload.len() + length, first & 0x0f, clear)))
}

/// Writes a frame, whole and not masked, as a server does.
fn frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// What a client wants to hear: any of the values of a property, and that for each property named.
#[derive(Debug, Default)]
struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// From `{"type":"filter","filters":[{"property":"type","value":"hangup"}]}`; replaces earlier ones.
    fn parse(message: &[u8]) -> Option<Filters> {
        let message: Value = serde_json::from_slice(message).ok()?;
        if message["type"] != "filter" {
            return None;
        }
        let mut filters: Vec<(String, Vec<String>)> = Vec::new();
        for filter in message["filters"].as_array()? {
            let (property, value) = (filter["property"].as_str()?, plain(&filter["value"]));
            match filters.iter_mut().find(|(name, _)| name == property) {
                Some((_, values)) => values.push(value),
                None => filters.push((property.to_owned(), vec![value])),
            }
        }
        Some(Filters(filters))
    }

    /// What a script made up and is not a JSON object passes.
    fn let_through(&self, event: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(event) = serde_json::from_str::<Map<String, Value>>(event) else { return true };
        self.0.iter().all(|(property, values)| {
            event.get(property).is_some_and(|value| values.iter().any(|v| v == "*" || *v == plain(value)))
        })
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// SHA-1, which the WebSocket handshake demands; it protects nothing here.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks_exact(64) {
        let mut w = [0u32; 80];
        for (i, word) in block.chunks_exact(4).enumerate() {
            w[i] = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in w.iter().enumerate() {
            let (f, k) = match i {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (to, from) in digest.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&from.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_are_sha1() {
        assert_eq!(hex(&sha1(b"")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(&sha1(long)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hex(&sha1(&[b'a'; 64])), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
        let mut request = Request::default();
        request.websocket_key = Some("dGhlIHNhbXBsZSBub25jZQ==".to_owned());
        assert_eq!(accept(&request).headers[2].1, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_are_read_in_any_pieces() {
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0xff];
        for end in 0..11 {
            assert_eq!(parse_frame(&masked[..end]), Ok(None));
        }
        assert_eq!(parse_frame(&masked), Ok(Some((11, TEXT, b"Hello".to_vec()))));
        assert_eq!(parse_frame(&[0x81, 0x05]), Err(()));
        assert_eq!(parse_frame(&[0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]), Err(()));
    }

    #[test]
    fn filters_select_in() {
        let filters = |text: &str| Filters::parse(text.as_bytes());
        let both = filters(
            r#"{"type":"filter","filters":[{"property":"type","value":"hangup"},{"property":"type","value":"dial"},
               {"property":"username","value":"*"}]}"#,
        );
        let both = both.unwrap();
        assert!(both.let_through(r#"{"type":"dial","username":"mike"}"#));
        assert!(!both.let_through(r#"{"type":"dial"}"#));
        assert!(!both.let_through(r#"{"type":"linkEnd","username":"mike"}"#));
        assert!(Filters::default().let_through("{}"));
        assert!(filters("[]").is_none() && filters(r#"{"type":"filter"}"#).is_none());
    }
}

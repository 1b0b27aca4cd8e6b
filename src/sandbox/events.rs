//! The Event API: a WebSocket on the same port, behind the same door.
//!
//! A socket has two threads: this connection's own reads what the client sends, a second one writes the events.

mod filter;
mod hub;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use self::filter::Filter;
pub(crate) use self::hub::Hub;
use self::hub::Outbox;
use super::http::{Answer, Request};
use super::server::{STACK, Shared, lock};
use crate::path::EVENTS;

/// A client that sends more than this at once is cut off.
const LONGEST_MESSAGE: usize = 1 << 20;

/// Whether a request is for the socket of the events.
pub(crate) fn is_meant(request: &Request) -> bool {
    let path = request.target.split(['?', '#']).next().unwrap_or_default();
    path.strip_prefix('/') == Some(EVENTS)
}

/// Answers a request for the socket of the events. `None` where there will be none; the connection may go on.
pub(crate) fn open(shared: &Shared, number: u64, request: &Request, stream: &mut TcpStream) -> Option<Socket> {
    let answer = answer(shared, request);
    let fault = lock(&shared.faults).next_on_events();
    if let Some(fault) = fault {
        let answer = fault.replacement().unwrap_or(answer);
        let _ = super::damage::write(shared, number, &fault, &answer, request, stream);
        // Whatever it was, there is no socket: the client must not go on as if there were.
        let _ = stream.shutdown(Shutdown::Both);
        return None;
    }
    if answer.status != 101 {
        if answer.write(stream, false, request.close).is_err() || request.close {
            let _ = stream.shutdown(Shutdown::Both);
        }
        return None;
    }
    // First it is on the list, then the client learns of it: no event is lost in between.
    let outbox = shared.events.add(number, stream)?;
    let socket = Socket { hub: Arc::clone(&shared.events), outbox, number };
    let greeted = answer.write(stream, false, false).is_ok() && !shared.stopped.load(Ordering::Acquire);
    greeted.then_some(socket)
}

fn answer(shared: &Shared, request: &Request) -> Answer {
    if let Some(refusal) = lock(&shared.gate).refuse(request) {
        return refusal;
    }
    if !shared.events.is_enabled() {
        return Answer::text(404, "this server has no events");
    }
    match &request.websocket {
        Some(key) if request.method == "GET" => Answer::empty(101)
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes())),
        _ => Answer::text(400, "this is a WebSocket, and the request does not ask for one"),
    }
}

/// An open socket of the events. Dropping it takes it off the list.
pub(crate) struct Socket {
    hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    number: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.hub.remove(self.number);
        self.outbox.end();
    }
}

impl Socket {
    /// Serves the client until either side ends it. `early` is what the client sent behind its request.
    pub(crate) fn serve(self, stream: TcpStream, early: Vec<u8>) {
        let turn = Arc::new(Mutex::new(()));
        let (Ok(writing), Ok(ending)) = (stream.try_clone(), stream.try_clone()) else { return };
        let mut writing = InTurn { stream: writing, turn: Arc::clone(&turn) };
        let outbox = Arc::clone(&self.outbox);
        let write = move || {
            while let Some(frames) = outbox.take() {
                if writing.write_all(&frames).is_err() {
                    break;
                }
            }
            outbox.end();
        };
        let name = format!("isymphony-sandbox-events-{}", self.number);
        let Ok(writer) = thread::Builder::new().name(name).stack_size(STACK).spawn(write) else { return };
        let settings = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let stream = InTurn { stream, turn };
        let mut socket = WebSocket::from_partially_read(stream, early, Role::Server, Some(settings));
        while let Ok(message) = socket.read() {
            let Message::Text(text) = message else { continue };
            // How a real server answers is not known.
            let reply = match Filter::parse(&text) {
                Ok(filter) => {
                    self.outbox.set_filter(filter);
                    r#"{"type":"filterResult","success":true}"#.to_owned()
                }
                Err(why) => serde_json::json!({"type": "filterResult", "success": false, "reason": why}).to_string(),
            };
            if socket.send(Message::text(reply)).is_err() {
                break;
            }
        }
        let _ = ending.shutdown(Shutdown::Both);
        drop(self);
        let _ = writer.join();
    }
}

/// A connection that two threads write to: what one of them writes at once stays together.
struct InTurn {
    stream: TcpStream,
    turn: Arc<Mutex<()>>,
}

impl Read for InTurn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for InTurn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _turn = lock(&self.turn);
        self.stream.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

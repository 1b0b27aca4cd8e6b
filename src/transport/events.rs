//! The WebSocket of the Event API: connected by our own TCP, TLS, proxy and credentials, so that all limits, and
//! closing, hold for it as for any request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustls::StreamOwned;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error as WsError, Message, Utf8Bytes, WebSocket};
use ureq::Timeout;

use super::fault::{Fault, clean, closed};
use super::{Transport, socket, tls, upgrade};
use crate::clock::Moment;
use crate::config::{Config, Origin, ProxyServer};
use crate::error::{Code, Error, Result};

/// A message may be this long; a longer one ends the socket.
pub(crate) const LONGEST_MESSAGE: usize = 1 << 20;
/// What is read from the socket at once.
const READ: usize = 16 << 10;
/// What waits to be sent: only answers to pings. Whoever does not take them gets no more of them.
const WAITING: usize = 16 << 10;
/// How long a write may take that nothing depends on.
const WRITE: Duration = Duration::from_millis(200);

/// How to get at the Event API, and the connection that is open.
pub(super) struct Line {
    pub(super) origin: Origin,
    pub(super) proxy: Option<ProxyServer>,
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) head_limit: usize,
    /// The connection that is open or being opened, for closing it from outside.
    open: Mutex<Weak<TcpStream>>,
}

impl Line {
    pub(super) fn new(config: &Config) -> Line {
        Line {
            origin: config.server().clone(),
            proxy: config.proxy_server().cloned(),
            connect: config.get_connect_timeout(),
            first_byte: config.get_first_byte_timeout(),
            head_limit: config.get_header_limit(),
            open: Mutex::default(),
        }
    }

    /// Ends the connection that is open, whatever is waited for on it.
    pub(super) fn shut_down(&self) {
        if let Some(stream) = self.open.lock().unwrap_or_else(PoisonError::into_inner).upgrade() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection, perhaps inside TLS, perhaps through a proxy.
pub(super) trait Duplex: Read + Write + Send {}

impl<T: Read + Write + Send> Duplex for T {}

pub(super) type Stream = Box<dyn Duplex>;

/// The moment until which a connection may wait; shared by all layers.
#[derive(Clone, Default)]
pub(super) struct Deadline(Arc<Until>);

#[derive(Default)]
struct Until {
    moment: AtomicU64,
    /// After it, nothing is taken any more, not even what is there.
    hard: AtomicBool,
}

impl Deadline {
    /// What takes longer has failed, also where it comes bit by bit.
    pub(super) fn set(&self, until: Moment) {
        self.0.moment.store(until.0, Ordering::Relaxed);
        self.0.hard.store(true, Ordering::Relaxed);
    }

    /// Only the wait ends then.
    fn wait(&self, until: Moment) {
        self.0.moment.store(until.0, Ordering::Relaxed);
        self.0.hard.store(false, Ordering::Relaxed);
    }

    fn left(&self) -> Duration {
        Moment(self.0.moment.load(Ordering::Relaxed)).since(Moment::now())
    }

    fn check(&self) -> io::Result<()> {
        let over = self.0.hard.load(Ordering::Relaxed) && self.left().is_zero();
        if over { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

/// A TCP connection that waits until the deadline and then says so by [`ErrorKind::WouldBlock`]; it may be used on.
struct Tcp {
    stream: Arc<TcpStream>,
    deadline: Deadline,
}

impl Read for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.deadline.check()?;
        loop {
            // With no time left, what is there is still taken: the shortest wait that can be set.
            let left = self.deadline.left();
            self.stream.set_read_timeout(Some(left.max(Duration::from_micros(1))))?;
            match (&*self.stream).read(buffer) {
                Err(e) if is_pause(&e) && !self.deadline.left().is_zero() => {}
                Err(e) if is_pause(&e) => return Err(ErrorKind::WouldBlock.into()),
                other => return other,
            }
        }
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.deadline.check()?;
        self.stream.set_write_timeout(Some(self.deadline.left().clamp(Duration::from_millis(1), WRITE)))?;
        match (&*self.stream).write(bytes) {
            Err(e) if e.kind() == ErrorKind::TimedOut => Err(ErrorKind::WouldBlock.into()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A read or write that ended by its limit or by a signal, and may go on.
fn is_pause(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// What came over the socket.
pub(crate) enum Received {
    /// A text: an event, by all that is known.
    Text(Utf8Bytes),
    /// A ping or a pong.
    Sign,
    /// A message that cannot be an event: binary, or a text that is not UTF-8.
    Useless,
    /// Nothing, until the time was over.
    Nothing,
}

/// The open socket. Dropping it ends the connection.
pub(crate) struct EventSocket {
    socket: WebSocket<Stream>,
    deadline: Deadline,
    origin: Origin,
}

impl EventSocket {
    /// Waits for the next message. Pings are answered on the way.
    ///
    /// # Errors
    /// [`Code::ConnectionFailed`] or [`Code::BadAnswer`]: the socket is over.
    pub(crate) fn receive(&mut self, until: Moment) -> Result<Received> {
        self.deadline.wait(until);
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(Received::Text(text)),
            Ok(Message::Ping(_) | Message::Pong(_)) => Ok(Received::Sign),
            Ok(Message::Close(_)) => Err(self.over("the server closed it")),
            Ok(Message::Binary(_) | Message::Frame(_)) | Err(WsError::Utf8(_)) => Ok(Received::Useless),
            Err(WsError::Io(e)) if is_pause(&e) => Ok(Received::Nothing),
            Err(WsError::WriteBufferFull(_)) => Ok(Received::Nothing),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Asks the server for a sign of life.
    pub(crate) fn ping(&mut self) -> Result<()> {
        self.deadline.wait(Moment::now() + WRITE);
        match self.socket.send(Message::Ping(Default::default())) {
            // It is sent by and by; if not, no answer comes either.
            Err(WsError::Io(e)) if is_pause(&e) => Ok(()),
            Err(WsError::WriteBufferFull(_)) => Ok(()),
            Err(error) => Err(self.explain(error)),
            Ok(()) => Ok(()),
        }
    }

    fn explain(&self, error: WsError) -> Error {
        match error {
            WsError::Capacity(_) => Error::new(
                Code::BadAnswer,
                format!("a message on the event socket of {} is longer than {LONGEST_MESSAGE} bytes", self.origin),
            ),
            WsError::ConnectionClosed | WsError::AlreadyClosed => self.over("the server closed it"),
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => self.over("the connection was cut"),
            WsError::Io(e) => self.over(&clean(&e.to_string())),
            WsError::Protocol(e) => {
                let message =
                    format!("the event socket of {} breaks the protocol: {}", self.origin, clean(&e.to_string()));
                Error::new(Code::BadAnswer, message).with_retryable(true)
            }
            other => self.over(&clean(&other.to_string())),
        }
    }

    /// The error for a server that gives no sign of life.
    pub(crate) fn silent(&self, silence: Duration) -> Error {
        self.over(&format!("the server has been silent for {silence:?} and does not answer a ping"))
    }

    fn over(&self, why: &str) -> Error {
        Error::new(Code::ConnectionFailed, format!("the event socket of {} ended: {why}", self.origin))
    }
}

impl Transport {
    /// Opens the socket of the Event API. Takes at most the connect timeout and the first-byte timeout; closing the client
    /// ends it at once.
    ///
    /// # Errors
    /// As for a request; an answer other than an upgrade is what its status means.
    pub(crate) fn open_events(&self) -> Result<EventSocket> {
        self.check_open()?;
        let deadline = Deadline::default();
        let opened = self
            .dial_events(&deadline)
            .map_err(|error| self.about.explain(timely(error, Timeout::Connect)))
            .and_then(|stream| upgrade::upgrade(self, stream, &deadline));
        if self.is_closed() {
            return Err(closed());
        }
        let (stream, tail) = opened?;
        let settings = WebSocketConfig::default()
            .read_buffer_size(READ)
            .write_buffer_size(0)
            .max_write_buffer_size(WAITING)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let socket = WebSocket::from_partially_read(stream, tail, Role::Client, Some(settings));
        Ok(EventSocket { socket, deadline, origin: self.events.origin.clone() })
    }

    fn dial_events(&self, deadline: &Deadline) -> Result<Stream, ureq::Error> {
        let line = &self.events;
        let until = Moment::now() + line.connect;
        deadline.set(until);
        let next = line.proxy.as_ref().map_or(&line.origin, |proxy| &proxy.origin);
        let tcp = self.dial_tcp(next, until)?;
        let mut stream: Stream = Box::new(Tcp { stream: tcp, deadline: deadline.clone() });
        if let Some(proxy) = &line.proxy {
            if proxy.origin.tls {
                stream = self.wrap(stream, &proxy.origin)?;
            }
            upgrade::tunnel(&mut stream, proxy, line)?;
        }
        if line.origin.tls {
            stream = self.wrap(stream, &line.origin)?;
        }
        Ok(stream)
    }

    fn dial_tcp(&self, to: &Origin, until: Moment) -> Result<Arc<TcpStream>, ureq::Error> {
        let left = || until.since(Moment::now());
        let addresses = self.names.resolve(&to.host, left())?;
        let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, to.port)).collect();
        let stream = socket::connect(&addresses, left(), &self.closed).map_err(|e| {
            self.names.distrust(&to.host);
            match e.kind() {
                _ if self.is_closed() => Fault::Closed.into(),
                ErrorKind::TimedOut => ureq::Error::Timeout(Timeout::Connect),
                _ => Fault::Dial(e.to_string()).into(),
            }
        })?;
        let stream = Arc::new(stream);
        *self.events.open.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&stream);
        // Whoever closes looks for the connection after it has said so: one of the two sees the other.
        if self.is_closed() { Err(Fault::Closed.into()) } else { Ok(stream) }
    }

    fn wrap(&self, mut stream: Stream, to: &Origin) -> Result<Stream, ureq::Error> {
        let Some(config) = &self.tls else { return Err(ureq::Error::TlsRequired) };
        let conn = tls::handshake(config, &to.host, &mut stream)?;
        Ok(Box::new(StreamOwned::new(conn, stream)))
    }
}

/// The end of the time is told as a pause by the layers below.
pub(super) fn timely(error: ureq::Error, stage: Timeout) -> ureq::Error {
    match error {
        ureq::Error::Io(e) if is_pause(&e) => ureq::Error::Timeout(stage),
        other => other,
    }
}

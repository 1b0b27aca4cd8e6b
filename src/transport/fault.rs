//! From what goes wrong below HTTP, and in ureq, to an error that says what to do.

use std::fmt;
use std::time::Duration;

use ureq::Timeout;

use crate::config::{Config, Origin};
use crate::error::{Code, Error};

/// What our own layers below HTTP report through ureq.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The client was closed.
    Closed,
    /// A name could not be resolved.
    Name(String),
    /// No TCP connection could be made.
    Dial(String),
    /// TLS: the reason, and what to do.
    Tls(String),
    /// The connection ended in the handshake of TLS: the server may be just starting.
    Cut,
    /// The connection broke.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Closed => f.write_str("the client was closed"),
            Fault::Name(why) => write!(f, "the name could not be resolved: {why}"),
            Fault::Dial(why) => write!(f, "no connection: {why}"),
            Fault::Tls(why) => write!(f, "TLS: {why}"),
            Fault::Cut => f.write_str("the connection ended in the handshake of TLS"),
            Fault::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for ureq::Error {
    fn from(fault: Fault) -> Self {
        ureq::Error::Other(Box::new(fault))
    }
}

/// What messages speak about.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) origin: Origin,
    proxy: Option<String>,
    connect: Duration,
    first_byte: Duration,
    silence: Duration,
    pub(super) total: Duration,
}

impl About {
    pub(super) fn new(config: &Config) -> About {
        About {
            origin: config.server().clone(),
            proxy: config.get_proxy(),
            connect: config.get_connect_timeout(),
            first_byte: config.get_first_byte_timeout(),
            silence: config.get_silence_timeout(),
            total: config.get_request_timeout(),
        }
    }

    /// For a request with another total limit.
    pub(super) fn within(&self, total: Duration) -> About {
        About { total, first_byte: total, ..self.clone() }
    }

    /// Turns ureq's error into ours. It holds no credentials: ureq never sees any but the proxy's, which it does not
    /// print.
    pub(super) fn explain(&self, error: ureq::Error) -> Error {
        use Code::{BadAnswer, ConnectionFailed};
        let origin = &self.origin;
        let other_scheme =
            if origin.tls { "http:// (port 58080 by default)" } else { "https:// (port 55050 by default)" };
        match error {
            ureq::Error::Timeout(stage) => self.timed_out(stage),
            ureq::Error::Other(other) => match other.downcast::<Fault>() {
                Ok(fault) => self.fault(*fault),
                Err(other) => Error::new(ConnectionFailed, format!("{origin}: {other}")),
            },
            ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                Error::new(ConnectionFailed, format!("{origin} closed the connection before its answer was complete"))
            }
            ureq::Error::Io(e) => Error::new(ConnectionFailed, format!("the connection to {origin} broke: {e}")),
            ureq::Error::HostNotFound => {
                Error::new(ConnectionFailed, format!("the name {} could not be resolved", origin.host))
            }
            ureq::Error::ConnectProxyFailed(why) => Error::new(
                ConnectionFailed,
                format!("the proxy {} does not let us through to {origin}: {}", self.proxy(), clean(&why)),
            ),
            ureq::Error::LargeResponseHeader(_, limit) => Error::new(
                BadAnswer,
                format!("the head of the answer of {origin} is longer than the limit of {limit} bytes (header_limit)"),
            ),
            ureq::Error::Protocol(e) => Error::new(
                BadAnswer,
                format!(
                    "the answer of {origin} is not valid HTTP: {}; if this is a port for TLS or not for it, try \
                     {other_scheme}",
                    clean(&e.to_string())
                ),
            ),
            ureq::Error::Decompress(what, e) => {
                Error::new(BadAnswer, format!("the answer of {origin} does not decompress as {what}: {e}"))
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Error::new(Code::InvalidPath, "the path cannot be put into a URL; percent-encode it")
            }
            other => Error::new(ConnectionFailed, format!("{origin}: {}", clean(&other.to_string()))),
        }
    }

    fn fault(&self, fault: Fault) -> Error {
        let origin = &self.origin;
        let by = self.proxy.as_ref().map_or(String::new(), |proxy| format!(" through the proxy {proxy}"));
        match fault {
            Fault::Closed => closed(),
            Fault::Name(why) => {
                let host = self.proxy.as_deref().unwrap_or(&origin.host);
                Error::new(Code::ConnectionFailed, format!("the name {host} could not be resolved: {why}"))
            }
            Fault::Dial(why) => Error::new(
                Code::ConnectionFailed,
                format!("cannot connect to {origin}{by}: {why}; is the server up, and is the port right?"),
            ),
            Fault::Tls(why) => Error::new(Code::ConnectionFailed, format!("no TLS connection to {origin}{by}: {why}"))
                .with_retryable(false),
            Fault::Cut => Error::new(
                Code::ConnectionFailed,
                format!(
                    "no TLS connection to {origin}{by}: the server closed the connection in the handshake; perhaps \
                     this is not a port for TLS (55050 by default)"
                ),
            ),
            Fault::Broken(why) => {
                Error::new(Code::ConnectionFailed, format!("the connection to {origin} broke: {why}"))
            }
        }
    }

    fn timed_out(&self, stage: Timeout) -> Error {
        let origin = &self.origin;
        let (code, message) = match stage {
            Timeout::Resolve => (
                Code::ConnectionFailed,
                format!("the name {} was not resolved within {:?} (connect_timeout)", origin.host, self.connect),
            ),
            Timeout::Connect => (
                Code::ConnectionFailed,
                format!("no connection to {origin} within {:?} (connect_timeout)", self.connect),
            ),
            Timeout::RecvResponse => (
                Code::TimedOut,
                format!("{origin} did not begin its answer within {:?} (first_byte_timeout)", self.first_byte),
            ),
            Timeout::PerRead => (
                Code::TimedOut,
                format!("{origin} fell silent for {:?} in the middle of its answer (silence_timeout)", self.silence),
            ),
            Timeout::PerWrite | Timeout::SendRequest | Timeout::SendBody => (
                Code::TimedOut,
                format!("{origin} did not take the request within {:?} (silence_timeout)", self.silence),
            ),
            _ => (Code::TimedOut, format!("the request to {origin} took longer than {:?} in all", self.total)),
        };
        Error::new(code, message)
    }

    fn proxy(&self) -> &str {
        self.proxy.as_deref().unwrap_or("?")
    }
}

/// On which stage a request failed that got no answer: `name`, `connection`, `tls`, or `answer`. It knows the words of
/// the messages above.
pub(crate) fn stage(error: &Error) -> &'static str {
    let message = error.message();
    match error.code() {
        Code::ConnectionFailed if message.starts_with("the name ") => "name",
        Code::ConnectionFailed if message.starts_with("no TLS connection ") => "tls",
        Code::ConnectionFailed
            if ["cannot connect ", "no connection to ", "the proxy "]
                .iter()
                .any(|start| message.starts_with(start)) =>
        {
            "connection"
        }
        _ => "answer",
    }
}

/// The error of everything after the client was closed.
pub(super) fn closed() -> Error {
    Error::new(Code::Closed, "the client is closed")
}

/// A text of the other side, short enough and without control characters.
pub(super) fn clean(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

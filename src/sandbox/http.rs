//! HTTP/1.1 on one connection: requests are read with httparse, answers are written in one go.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;
/// Answers up to this size leave in one write.
const ONE_WRITE: usize = 64 * 1024;

/// An answer before it goes on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Arc<Vec<u8>>,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Arc::default() }
    }

    pub(crate) fn json(body: Arc<Vec<u8>>) -> Answer {
        Answer { body, ..Answer::empty(200) }.with("Content-Type", "application/json")
    }

    /// An answer with a plain-text reason.
    pub(crate) fn text(status: u16, reason: impl Into<String>) -> Answer {
        let body = Arc::new(reason.into().into_bytes());
        Answer { body, ..Answer::empty(status) }.with("Content-Type", "text/plain; charset=utf-8")
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The status line and the headers, without the empty line that ends them; `framing` says how long the body is.
    pub(crate) fn head(&self, framing: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status)).into_bytes();
        for (name, value) in &self.headers {
            // What a script gives must not break out of its line.
            let clean = |text: &str| text.replace(['\r', '\n'], " ");
            head.extend_from_slice(format!("{}: {}\r\n", clean(name), clean(value)).as_bytes());
        }
        head.extend_from_slice(framing.as_bytes());
        head
    }

    /// The header that says how long the body is; a 204 has none.
    pub(crate) fn content_length(&self) -> String {
        match self.status {
            101 | 204 | 304 => String::new(),
            _ => format!("Content-Length: {}\r\n", self.body.len()),
        }
    }

    /// Writes the answer; `head_only` for HEAD.
    pub(crate) fn write(&self, stream: &mut TcpStream, head_only: bool, close: bool) -> io::Result<()> {
        let mut out = self.head(&self.content_length());
        if close {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if head_only || self.status == 204 {
            return stream.write_all(&out);
        }
        if out.len() + self.body.len() <= ONE_WRITE {
            out.extend_from_slice(&self.body);
            return stream.write_all(&out);
        }
        stream.write_all(&out)?;
        stream.write_all(&self.body)
    }

    /// The whole answer as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.head(&self.content_length());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// A request as it came.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The key of a request to become a WebSocket.
    pub(crate) websocket_key: Option<String>,
    /// The client wants the connection to end with the answer.
    pub(crate) close: bool,
    content_length: usize,
    chunked: bool,
    expects_continue: bool,
}

/// What reading a request came to.
pub(crate) enum Incoming {
    Request(Request),
    /// Not a request that can be answered as one: the answer, then the end of the connection.
    Bad(Answer),
    /// The client is gone.
    End,
}

/// A connection's reading side.
pub(crate) struct Reader {
    pub(crate) buffer: Vec<u8>,
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader { buffer: Vec::new() }
    }

    /// Waits for the next request.
    pub(crate) fn read(&mut self, stream: &mut TcpStream) -> Incoming {
        let bad = |status, text: &str| Incoming::Bad(Answer::text(status, text));
        let mut request = loop {
            match parse_head(&self.buffer) {
                Ok(Some((length, request))) => {
                    self.buffer.drain(..length);
                    break request;
                }
                Ok(None) if self.buffer.len() > HEAD_LIMIT => return bad(431, "the headers are too large"),
                Ok(None) => {}
                Err(httparse::Error::TooManyHeaders) => return bad(431, "there are too many headers"),
                Err(error) => return bad(400, &format!("this is not HTTP/1.1: {error}")),
            }
            if !self.more(stream) {
                return Incoming::End;
            }
        };
        if request.content_length > BODY_LIMIT {
            return bad(413, "the body is too large");
        }
        if request.expects_continue && stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err() {
            return Incoming::End;
        }
        if request.chunked {
            return match self.read_chunks(stream, &mut request.body) {
                Some(true) => Incoming::Request(request),
                Some(false) => bad(400, "the chunks of the body are malformed or too large"),
                None => Incoming::End,
            };
        }
        while self.buffer.len() < request.content_length {
            if !self.more(stream) {
                return Incoming::End;
            }
        }
        request.body = self.buffer.drain(..request.content_length).collect();
        Incoming::Request(request)
    }

    /// `None` when the client is gone, false when the chunks are not well formed.
    fn read_chunks(&mut self, stream: &mut TcpStream, body: &mut Vec<u8>) -> Option<bool> {
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((start, size))) => {
                    let Some(end) = usize::try_from(size).ok().and_then(|size| start.checked_add(size)) else {
                        return Some(false);
                    };
                    if size as usize + body.len() > BODY_LIMIT {
                        return Some(false);
                    }
                    while self.buffer.len() < end + 2 {
                        self.more(stream).then_some(())?;
                    }
                    body.extend_from_slice(&self.buffer[start..end]);
                    self.buffer.drain(..end + 2);
                    if size == 0 {
                        return Some(true);
                    }
                }
                Ok(httparse::Status::Partial) if self.buffer.len() < HEAD_LIMIT => self.more(stream).then_some(())?,
                _ => return Some(false),
            }
        }
    }

    pub(crate) fn more(&mut self, stream: &mut TcpStream) -> bool {
        let mut part = [0; 8192];
        match stream.read(&mut part) {
            Ok(0) | Err(_) => false,
            Ok(n) => {
                self.buffer.extend_from_slice(&part[..n]);
                true
            }
        }
    }
}

fn parse_head(buffer: &[u8]) -> Result<Option<(usize, Request)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buffer)? else { return Ok(None) };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        close: parsed.version == Some(0),
        ..Request::default()
    };
    for header in parsed.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value).map(str::trim) else { continue };
        if header.name.eq_ignore_ascii_case("content-length") {
            request.content_length = value.parse().map_err(|_| httparse::Error::HeaderValue)?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            request.chunked = value.eq_ignore_ascii_case("chunked");
        } else if header.name.eq_ignore_ascii_case("connection") {
            request.close |= value.eq_ignore_ascii_case("close");
        } else if header.name.eq_ignore_ascii_case("authorization") {
            request.authorization = Some(value.to_owned());
        } else if header.name.eq_ignore_ascii_case("sec-websocket-key") {
            request.websocket_key = Some(value.to_owned());
        } else if header.name.eq_ignore_ascii_case("expect") {
            request.expects_continue = value.eq_ignore_ascii_case("100-continue");
        }
    }
    Ok(Some((length, request)))
}

/// The value of an `Authorization` header for HTTP Basic authentication.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{username}:{password}").as_bytes()))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for i in 0..4 {
            match i <= group.len() {
                true => out.push(DIGITS[(bits >> (18 - 6 * i) & 63) as usize].into()),
                false => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_base64() {
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("a", ""), "Basic YTo=");
        assert_eq!(basic("ab", "ü"), "Basic YWI6w7w=");
    }

    #[test]
    fn heads_are_parsed_or_refused() {
        assert!(parse_head(b"GET / HTTP/1.1\r\nHost: a").unwrap().is_none());
        let (length, request) =
            parse_head(b"POST /x HTTP/1.0\r\nContent-Length: 3\r\nauthorization: Basic x\r\n\r\nabc").unwrap().unwrap();
        assert_eq!((length, request.content_length, request.close), (63, 3, true));
        assert_eq!(request.authorization.as_deref(), Some("Basic x"));
        assert!(parse_head(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").is_err());
        assert!(parse_head(b"\0\0\0\0\r\n\r\n").is_err());
    }
}

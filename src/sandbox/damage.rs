//! Answers with a fault, on the wire.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::faults::{ChunkError, Fault, StallAt, WrongLength};
use super::http::{Answer, Request};
use super::server::{Shared, reset_on_close};

/// How often a hanging answer looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(10);

/// Writes an answer with a fault. Whether the connection goes on.
pub(crate) fn write(
    shared: &Shared,
    number: u64,
    fault: &Fault,
    answer: &Answer,
    request: &Request,
    stream: &mut TcpStream,
) -> io::Result<bool> {
    let whole = || answer.bytes();
    let head_only = request.method == "HEAD";
    match fault {
        Fault::Delay(time) => {
            if !wait(shared, stream, *time) {
                return Ok(false);
            }
            answer.write(stream, head_only, request.close)?;
            return Ok(true);
        }
        Fault::Status { .. }
        | Fault::Redirect { .. }
        | Fault::Body(_)
        | Fault::Html
        | Fault::WrongTypes
        | Fault::DuplicateIds
        | Fault::DanglingParents => {
            answer.write(stream, head_only, request.close)?;
            return Ok(true);
        }
        Fault::Stall(at) => {
            let bytes = whole();
            let body = bytes.len() - answer.body.len();
            let sent = match at {
                StallAt::BeforeHead => 0,
                StallAt::WithinHead => body / 2,
                StallAt::WithinBody => body + answer.body.len() / 2,
            };
            stream.write_all(&bytes[..sent])?;
            wait(shared, stream, Duration::MAX);
        }
        Fault::Cut(at) => {
            let bytes = whole();
            stream.write_all(&bytes[..bytes.len().min(*at)])?;
            stream.shutdown(Shutdown::Both)?;
        }
        Fault::Reset(at) => {
            let bytes = whole();
            stream.write_all(&bytes[..bytes.len().min(*at)])?;
            reset_on_close(stream);
            shared.connections.release(number);
        }
        Fault::Drop => {}
        Fault::Length(how) => {
            let length = answer.body.len();
            let framing = match how {
                WrongLength::Longer => format!("Content-Length: {}\r\n\r\n", length + 10),
                WrongLength::Shorter => format!("Content-Length: {}\r\n\r\n", length / 2),
                WrongLength::Negative => "Content-Length: -1\r\n\r\n".to_owned(),
                WrongLength::Twice => format!("Content-Length: {length}\r\nContent-Length: {}\r\n\r\n", length + 1),
            };
            send(stream, answer.head(&framing), &answer.body)?;
        }
        Fault::Chunks(how) => {
            let length = answer.body.len();
            let (size, sent) = match how {
                ChunkError::BadSize => ("not a number".to_owned(), length),
                ChunkError::HugeSize => ("fffffffffffffffff".to_owned(), length),
                ChunkError::Cut => (format!("{length:x}"), length / 2),
                ChunkError::NoEnd => (format!("{length:x}"), length),
            };
            let head = answer.head(&format!("Transfer-Encoding: chunked\r\n\r\n{size}\r\n"));
            send(stream, head, &answer.body[..sent])?;
            if sent == length {
                stream.write_all(b"\r\n")?;
            }
        }
        Fault::Garbage(length) => {
            let mut rng = super::rng::Rng::new(*length as u64, number);
            let garbage: Vec<u8> = (0..*length).map(|_| rng.next() as u8 | 0x80).collect();
            stream.write_all(&garbage)?;
        }
        Fault::Drip(rate) => {
            let bytes = whole();
            let started = Instant::now();
            let mut sent = 0;
            while sent < bytes.len() {
                let due = (started.elapsed().as_secs_f64() * f64::from((*rate).max(1))) as usize + 1;
                if due > sent {
                    let end = due.min(bytes.len());
                    stream.write_all(&bytes[sent..end])?;
                    sent = end;
                } else if !wait(shared, stream, LOOK) {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        Fault::Oversized(length) => {
            stream.write_all(&json_head(answer).head(&format!("Content-Length: {length}\r\n\r\n")))?;
            oversized(*length, stream)?;
            return Ok(true);
        }
        Fault::Nested(depth) => {
            let length = depth.saturating_mul(2);
            stream.write_all(&json_head(answer).head(&format!("Content-Length: {length}\r\n\r\n")))?;
            repeat(b'[', *depth, stream)?;
            repeat(b']', *depth, stream)?;
            return Ok(true);
        }
        Fault::GzipBomb(length) => {
            let framing = "Content-Encoding: gzip\r\nConnection: close\r\n\r\n";
            stream.write_all(&json_head(answer).head(framing))?;
            let mut gzip = GzEncoder::new(io::BufWriter::with_capacity(16 * 1024, stream), Compression::new(1));
            oversized(*length, &mut gzip)?;
            gzip.finish()?.flush()?;
        }
        Fault::Headers(count) => {
            let mut head = answer.head(&answer.content_length());
            for n in 0..*count {
                head.extend_from_slice(format!("X-Further-{n}: {n}\r\n").as_bytes());
            }
            head.extend_from_slice(b"\r\n");
            send(stream, head, &answer.body)?;
            return Ok(true);
        }
        Fault::HeaderBytes(length) => {
            let mut head = answer.head(&answer.content_length());
            head.extend_from_slice(b"X-Long: ");
            head.resize(head.len() + length.saturating_sub(10), b'x');
            head.extend_from_slice(b"\r\n\r\n");
            send(stream, head, &answer.body)?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn json_head(answer: &Answer) -> Answer {
    answer.clone().with("Content-Type", "application/json")
}

fn send(stream: &mut TcpStream, mut head: Vec<u8>, body: &[u8]) -> io::Result<()> {
    head.extend_from_slice(body);
    stream.write_all(&head)
}

/// A JSON array of exactly this many bytes; from 2 bytes on it is well formed.
fn oversized(length: u64, out: &mut impl Write) -> io::Result<()> {
    if length < 2 {
        return repeat(b'[', length, out);
    }
    let inner = length - 2;
    out.write_all(b"[")?;
    let block = b"1,".repeat(32 * 1024);
    // An odd number of bytes is `1,1,1`; an even one has a space in front.
    if inner > 0 && inner.is_multiple_of(2) {
        out.write_all(b" ")?;
    }
    let mut left = if inner.is_multiple_of(2) { inner.saturating_sub(1) } else { inner };
    while left > 0 {
        let part = left.min(block.len() as u64);
        out.write_all(&block[..part as usize])?;
        left -= part;
    }
    out.write_all(b"]")
}

fn repeat(byte: u8, times: u64, out: &mut impl Write) -> io::Result<()> {
    let block = vec![byte; 64 * 1024];
    let mut left = times;
    while left > 0 {
        let part = left.min(block.len() as u64);
        out.write_all(&block[..part as usize])?;
        left -= part;
    }
    Ok(())
}

/// Waits; false as soon as the sandbox closes or the client is gone.
fn wait(shared: &Shared, stream: &TcpStream, time: Duration) -> bool {
    let end = Instant::now().checked_add(time);
    loop {
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(LOOK));
        if shared.stopped.load(Ordering::Acquire) || gone(stream) {
            return false;
        }
    }
}

fn gone(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let looked = stream.peek(&mut [0]);
    let back = stream.set_nonblocking(false);
    match looked {
        Ok(n) => n == 0 || back.is_err(),
        Err(error) => error.kind() != io::ErrorKind::WouldBlock || back.is_err(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oversized_bodies_are_json_of_just_that_size() {
        for length in [2, 3, 4, 5, 6, 7, 65_536, 65_537, 200_001] {
            let mut out = Vec::new();
            oversized(length, &mut out).unwrap();
            assert_eq!(out.len() as u64, length);
            assert!(serde_json::from_slice::<Vec<u8>>(&out).is_ok(), "{length}");
        }
    }
}

//! TCP: connecting in a way that can be given up, and sending and receiving within time limits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, ShutdownHandle, Transport, time,
};

use super::fault::Fault;
use super::trace;

/// How soon a connect in progress sees that the client was closed.
#[cfg(unix)]
const SLICE: Duration = Duration::from_millis(10);

/// Makes TCP connections, where nothing before it in the chain has made one.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) closed: Arc<AtomicBool>,
}

impl<In: Transport> Connector<In> for Dial {
    type Out = Either<In, Socket>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(transport) = chained {
            return Ok(Some(Either::A(transport)));
        }
        let limit = (*remaining(details).after).min(Duration::from_secs(86_400));
        let stream = match connect(&details.addrs, limit, &self.closed) {
            Ok(stream) => Arc::new(stream),
            Err(e) if e.kind() == ErrorKind::TimedOut => return Err(Error::Timeout(details.timeout.reason)),
            Err(_) if self.closed.load(Ordering::Acquire) => return Err(Fault::Closed.into()),
            Err(e) => return Err(Fault::Dial(e.to_string()).into()),
        };
        let handle: Arc<dyn ShutdownHandle> = stream.clone();
        (details.register_shutdown)(Arc::downgrade(&handle))?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Socket { stream, buffers, read_limit: None, write_limit: None })))
    }
}

/// What is left of the time for connecting: one budget for the proxy's name, TCP, the proxy and TLS together.
pub(super) fn remaining(details: &ConnectionDetails) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (time::Duration::Exact(limit), time::Instant::Exact(start)) = (timeout.after, details.now) {
        timeout.after = limit.saturating_sub(start.elapsed()).into();
    }
    timeout
}

/// Connects to the first address that answers. An address gets half of the time that is left, the last one all of it.
pub(crate) fn connect(addresses: &[SocketAddr], limit: Duration, closed: &AtomicBool) -> io::Result<TcpStream> {
    let until = Instant::now() + limit;
    let mut failure = io::Error::new(ErrorKind::AddrNotAvailable, "there is no address to connect to");
    for (at, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let share = if at + 1 < addresses.len() { left / 2 } else { left };
        match connect_one(*address, share, closed) {
            Ok(stream) => {
                // Without it a request in two writes waits for the other side's delayed acknowledgement.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) if closed.load(Ordering::Acquire) => return Err(e),
            // A refusal tells more than a timeout of another address.
            Err(e) if e.kind() == ErrorKind::TimedOut && at > 0 => {}
            Err(e) if e.kind() == ErrorKind::TimedOut => failure = e,
            Err(e) => failure = io::Error::new(e.kind(), format!("{address}: {e}")),
        }
    }
    Err(failure)
}

/// Waits in slices, so that closing the client ends it.
#[cfg(unix)]
fn connect_one(address: SocketAddr, limit: Duration, closed: &AtomicBool) -> io::Result<TcpStream> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use socket2::{Domain, Protocol, Socket, Type};

    let until = Instant::now() + limit;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        // An interrupted connect goes on in the background, like one in progress.
        Err(e) if matches!(Errno::from_io_error(&e), Some(Errno::INPROGRESS | Errno::INTR)) => loop {
            if closed.load(Ordering::Acquire) {
                return Err(io::Error::new(ErrorKind::NotConnected, "closed"));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let slice = left.min(SLICE);
            let timeout = Timespec { tv_sec: 0, tv_nsec: slice.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&socket, PollFlags::OUT)], Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => match socket.take_error()? {
                    // A kernel that gave up on its own reports the same as our own limit.
                    Some(e) if e.kind() == ErrorKind::TimedOut => return Err(ErrorKind::TimedOut.into()),
                    Some(e) => return Err(e),
                    None => break,
                },
                Err(e) => return Err(e.into()),
            }
        },
        Err(e) => return Err(e),
    }
    socket.set_nonblocking(false)?;
    Ok(socket.into())
}

/// Closing the client is seen only when this one is over.
#[cfg(not(unix))]
fn connect_one(address: SocketAddr, limit: Duration, _: &AtomicBool) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, limit)
}

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket {
    /// Shared with the agent that may shut it down.
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
    /// The limits that the socket has now.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

/// Sets a socket's limit, but only where it is not near enough to the one it has: that saves a system call a read, and
/// whoever waits looks at the clock anyway.
fn limit(
    now: &mut Option<Duration>,
    wanted: Duration,
    set: impl FnOnce(Option<Duration>) -> io::Result<()>,
) -> io::Result<()> {
    if now.is_none_or(|now| now < wanted / 2 || now > wanted + wanted / 8) {
        set(Some(wanted))?;
        *now = Some(wanted);
    }
    Ok(())
}

/// A read or write that ended by its limit or by a signal, and may go on.
fn is_pause(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The point in time at which `timeout` ends.
fn deadline(timeout: &NextTimeout) -> Instant {
    Instant::now() + (*timeout.after).min(Duration::from_secs(86_400))
}

/// What is left of a time limit, or the error that it is over.
fn left(until: Instant, timeout: &NextTimeout) -> Result<Duration, Error> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::Timeout(timeout.reason)) } else { Ok(left) }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let until = deadline(&timeout);
        let mut sent = 0;
        while sent < amount {
            limit(&mut self.write_limit, left(until, &timeout)?, |t| self.stream.set_write_timeout(t))?;
            match (&*self.stream).write(&self.buffers.output()[sent..amount]) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => sent += written,
                Err(e) if is_pause(&e) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        // Silence counts in the middle of an answer; the wait for its beginning has a limit of its own.
        let timeout = if trace::stage().received { timeout.for_read() } else { timeout };
        let until = deadline(&timeout);
        loop {
            limit(&mut self.read_limit, left(until, &timeout)?, |t| self.stream.set_read_timeout(t))?;
            match (&*self.stream).read(self.buffers.input_append_buf()) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(e) if is_pause(&e) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// A connection that waits in the pool has nothing to say: a byte or an end makes it useless.
    #[cfg(unix)]
    fn is_open(&mut self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let mut byte = [0u8];
        let peeked = recv(&*self.stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        matches!(peeked, Err(rustix::io::Errno::AGAIN))
    }

    /// A connection that waits in the pool has nothing to say: a byte or an end makes it useless.
    #[cfg(not(unix))]
    fn is_open(&mut self) -> bool {
        let peeked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let silent = matches!(&peeked, Err(e) if e.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && silent
    }
}

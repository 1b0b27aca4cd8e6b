//! The threads of a sandbox: one that accepts, one a connection, one for what happens by itself.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::connections::Connections;
use super::faults::Faults;
use super::http::{Answer, Incoming, Reader, Request, basic};
use super::overrides::Overrides;
use super::requests::{Log, RequestRecord};
use super::rest;
use super::untruths::Asked;
use super::websocket::{self, Listeners};
use super::world::World;
use super::world::events::Event;
use crate::threads;

/// Enough for a gzip compressor in a debug build; of a stack, only what is used takes memory.
const STACK: usize = 1024 * 1024;

/// What all threads of a sandbox share.
pub(crate) struct Shared {
    pub(crate) started: Instant,
    world: Mutex<World>,
    /// Tells the clock's thread that something is due earlier than it knows.
    earlier: Condvar,
    /// Tells the threads that send events that there is one.
    happened: Condvar,
    pub(crate) gate: Mutex<Gate>,
    pub(crate) log: Mutex<Log>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) overrides: Mutex<Overrides>,
    pub(crate) connections: Connections,
    pub(crate) listeners: Listeners,
    pub(crate) stopped: AtomicBool,
    requests_kept: usize,
    max_connections: usize,
}

/// Who is let in.
pub(crate) struct Gate {
    /// The expected `Authorization` header.
    authorization: Option<String>,
    pub(crate) deny: bool,
    pub(crate) demand_tls: bool,
}

impl Gate {
    pub(crate) fn new(credentials: Option<&(String, String)>) -> Gate {
        let authorization = credentials.map(|(username, password)| basic(username, password));
        Gate { authorization, deny: false, demand_tls: false }
    }

    pub(crate) fn set_credentials(&mut self, credentials: Option<(&str, &str)>) {
        self.authorization = credentials.map(|(username, password)| basic(username, password));
    }

    fn authorizes(&self, request: &Request) -> bool {
        self.authorization.is_none() || self.authorization == request.authorization
    }

    /// The answer for somebody who is not let in.
    fn refuse(&self, request: &Request) -> Option<Answer> {
        if self.demand_tls {
            let location = format!("https://127.0.0.1:55050{}", request.target);
            return Some(Answer::text(302, "use TLS").with("Location", location));
        }
        if self.deny {
            return Some(Answer::text(403, "this address is not in the access control list"));
        }
        if !self.authorizes(request) {
            let answer = Answer::text(401, "wrong user name or password");
            return Some(answer.with("WWW-Authenticate", "Basic realm=\"iSymphony\""));
        }
        None
    }
}

/// A lock that a panic elsewhere does not close for ever.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(world: World, gate: Gate, requests_kept: usize, max_connections: usize) -> Shared {
        Shared {
            started: Instant::now(),
            world: Mutex::new(world),
            earlier: Condvar::new(),
            happened: Condvar::new(),
            gate: Mutex::new(gate),
            log: Mutex::default(),
            faults: Mutex::default(),
            overrides: Mutex::default(),
            connections: Connections::default(),
            listeners: Listeners::default(),
            stopped: AtomicBool::new(false),
            requests_kept,
            max_connections,
        }
    }

    /// Works on the model, once all that is due has been done.
    pub(crate) fn with_world<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        let mut world = lock(&self.world);
        let events = world.events.next();
        world.advance();
        let before = world.clock.next_at();
        let result = work(&mut world);
        let after = world.clock.next_at();
        if world.events.next() != events {
            self.happened.notify_all();
        }
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.earlier.notify_one();
        }
        result
    }

    /// The clock's thread: does what is due when it is due.
    pub(crate) fn run_clock(&self) {
        let mut world = lock(&self.world);
        while !self.stopped.load(Ordering::Acquire) {
            let events = world.events.next();
            world.advance();
            if world.events.next() != events {
                self.happened.notify_all();
            }
            let wait = world.clock.next_in().unwrap_or(Duration::from_secs(3600));
            let (guard, _) = self.earlier.wait_timeout(world, wait).unwrap_or_else(PoisonError::into_inner);
            world = guard;
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // With the lock held, so that the clock's thread cannot miss it between its look and its wait.
        let _world = lock(&self.world);
        self.earlier.notify_all();
        self.happened.notify_all();
    }

    /// Waits for events from number `from` on, as long as `going`; none once that ends or the sandbox closes. With the
    /// number to go on from.
    pub(crate) fn wait_events(&self, from: u64, going: &AtomicBool) -> (u64, Vec<Arc<Event>>) {
        let mut world = lock(&self.world);
        while world.events.next() <= from && going.load(Ordering::Acquire) && !self.stopped.load(Ordering::Acquire) {
            world = self.happened.wait(world).unwrap_or_else(PoisonError::into_inner);
        }
        (world.events.next(), world.events.since(from))
    }

    /// Wakes who waits for events, to look whether he still should.
    pub(crate) fn wake_event_threads(&self) {
        let _world = lock(&self.world);
        self.happened.notify_all();
    }

    /// One connection, until either side ends it.
    fn serve(&self, number: u64, mut stream: TcpStream) {
        let mut reader = Reader::new();
        while !self.stopped.load(Ordering::Acquire) {
            let request = match reader.read(&mut stream) {
                Incoming::Request(request) => request,
                Incoming::Bad(answer) => {
                    let _ = answer.write(&mut stream, false, true);
                    return;
                }
                Incoming::End => return,
            };
            let served = catch_unwind(AssertUnwindSafe(|| self.serve_one(number, &request, &mut stream, &mut reader)));
            match served {
                Ok(Ok(true)) if !request.close => {}
                Ok(_) => return,
                Err(_) => {
                    let _ = Answer::text(500, "the sandbox failed").write(&mut stream, false, true);
                    return;
                }
            }
        }
    }

    /// Answers one request. Whether the connection goes on.
    fn serve_one(
        &self,
        number: u64,
        request: &Request,
        stream: &mut TcpStream,
        reader: &mut Reader,
    ) -> io::Result<bool> {
        let at = self.started.elapsed();
        let path = rest::live_path(&request.target).unwrap_or(request.target.trim_start_matches('/'));
        let (restart, fault) = lock(&self.faults).next(&request.method, path);
        if restart {
            self.with_world(World::restart);
            self.connections.cut_all(Some(number));
        }
        let replaced = fault.as_ref().and_then(|fault| fault.replacement());
        let mut answer = replaced.unwrap_or_else(|| self.answer(request, path));
        if let (Some(fault), Ok(path)) = (fault.as_ref().filter(|fault| fault.is_untrue()), path.parse()) {
            let above = self.with_world(|world| rest::above(world, &path));
            answer = fault.falsify(answer, &Asked { path, above });
        }
        let status = if fault.as_ref().is_some_and(|fault| fault.is_silent()) { 0 } else { answer.status };
        let record = RequestRecord {
            method: request.method.clone(),
            path: path.to_owned(),
            status,
            at,
            authorized: lock(&self.gate).authorizes(request),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        lock(&self.log).add(record, self.requests_kept);
        match fault {
            None if answer.status == 101 => websocket::serve(self, number, &answer, stream, reader).map(|()| false),
            Some(fault) => super::damage::write(self, number, &fault, &answer, request, stream),
            None => answer.write(stream, request.method == "HEAD", request.close).map(|()| true),
        }
    }

    fn answer(&self, request: &Request, path: &str) -> Answer {
        if let Some(refusal) = lock(&self.gate).refuse(request) {
            return refusal;
        }
        if let Some(answer) = lock(&self.overrides).find(&request.method, path) {
            return answer;
        }
        if path == websocket::PATH && request.method == "GET" {
            return match self.listeners.is_enabled() {
                true => websocket::accept(request),
                false => Answer::text(404, "this server has no events"),
            };
        }
        self.with_world(|world| rest::answer(world, &request.method, &request.target, &request.body))
    }
}

/// The listening side: a port that stays taken while nobody listens on it.
pub(crate) struct Listening {
    pub(crate) port: u16,
    acceptor: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    reserved: Option<Socket>,
}

impl Listening {
    /// Takes the port; 0 for any.
    pub(crate) fn take(port: u16) -> io::Result<Listening> {
        let socket = bind(port)?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Listening { port: address.port(), acceptor: None, reserved: Some(socket) })
    }

    pub(crate) fn start(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        if self.acceptor.is_some() {
            return Ok(());
        }
        let socket = match self.reserved.take() {
            Some(socket) => socket,
            None => bind(self.port)?,
        };
        socket.listen(1024)?;
        let listener = TcpListener::from(socket);
        let going = Arc::new(AtomicBool::new(true));
        let (on, shared) = (Arc::clone(&going), Arc::clone(shared));
        let life = move || accept(&listener, &on, &shared);
        self.acceptor = Some((going, threads::start("isymphony-sandbox-accept", Some(STACK), life)?));
        Ok(())
    }

    /// Is not there any more, and nor is its thread, without a word to it.
    pub(crate) fn forget(&mut self) {
        std::mem::forget(self.acceptor.take());
    }

    /// Listens no longer, and keeps the port where `keep` says so.
    pub(crate) fn stop(&mut self, keep: bool) {
        let Some((going, thread)) = self.acceptor.take() else { return };
        going.store(false, Ordering::Release);
        // Wakes the acceptor; should this fail, others who are waiting to be accepted wake it.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(50));
        let _ = thread.join();
        if keep {
            // Somebody else may snatch the port in between; then starting again says so.
            self.reserved = bind(self.port).ok();
        }
    }
}

fn bind(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

fn accept(listener: &TcpListener, going: &AtomicBool, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if !going.load(Ordering::Acquire) {
            return;
        }
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: they come back.
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let _ = stream.set_nodelay(true);
        let Some(number) = shared.connections.add(&stream, shared.max_connections) else {
            turn_away(stream);
            continue;
        };
        let entry = shared.connections.entry(number);
        let shared = Arc::clone(shared);
        let work = move || {
            let _entry = entry;
            shared.serve(number, stream);
        };
        // Where no thread can be had, dropping the closure closes the connection.
        let _ = threads::alone(&format!("isymphony-sandbox-{number}"), Some(STACK), work);
    }
}

/// Too many connections: says so, as well as the client lets us.
fn turn_away(mut stream: TcpStream) {
    let short = Some(Duration::from_millis(20));
    if stream.set_read_timeout(short).is_ok() && stream.set_write_timeout(short).is_ok() {
        let _ = io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = Answer::text(503, "too many connections").with("Retry-After", "1").write(&mut stream, false, true);
        let _ = stream.flush();
        let _ = stream.shutdown(Shutdown::Write);
    }
}

/// Makes the end of a connection a reset (RST) once its last handle is dropped.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

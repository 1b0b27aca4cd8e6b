//! An embedded server of the Live API, to try this library on and to test programs with.
//!
//! A [`Sandbox`] listens on a port of the loopback interface and speaks real HTTP/1.1. Behind it is a model of a
//! telephony server: users, extensions, queues with agents, conference rooms, and calls that ring, are linked and end.
//! All actions take effect. Routes and properties follow from the [catalogue](crate::catalog), names and ids from a
//! seed, so that the same program meets the same server on every machine.
//!
//! ```
//! use isymphony::sandbox::{Caller, Fault, Sandbox, SandboxConfig, Times};
//!
//! # fn main() -> isymphony::Result<()> {
//! let sandbox = Sandbox::start(SandboxConfig::new().users(50))?;
//! let call = sandbox.add_call("4224", &Caller::new("Ada", "5551234"))?;   // 4224 rings
//! sandbox.answer(call)?;
//! sandbox.fault(Fault::status(503), "*/users", Times::Count(3));          // and now for trouble
//! println!("ask {} what it knows", sandbox.url());
//! sandbox.restart();                                                      // every id is new, the call is gone
//! # Ok(())
//! # }
//! ```
//!
//! It serves the Event API too, a WebSocket at `ws://127.0.0.1:PORT/communication_manager/ws/event`. Of the types of
//! events the vendor does not name, it sends `dial`, `linkStart` and `confRoomCallJoin`.
//!
//! What moves by itself: calls that an action or the background ([`SandboxConfig::calls_per_second`]) made ring for
//! [`SandboxConfig::ring_time`], are answered, and end after [`SandboxConfig::call_duration`]. Calls that a script makes
//! ([`Pbx::add_call`], [`Pbx::queue_call`], ...) stand still until a script or an action moves them.
//!
//! The files: `world` is the model, `rest` and `actions` the Live API on it, `http`, `websocket`, `server` and `connections`
//! the wire, `faults`, `fault_text`, `damage` and `untruths` the trouble, `pbx` what scripts may do.

mod actions;
mod config;
mod connections;
mod damage;
mod fault_text;
mod faults;
mod http;
mod json;
mod overrides;
mod pattern;
mod pbx;
mod requests;
mod rest;
mod rng;
mod server;
mod untruths;
mod websocket;
mod world;

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use config::SandboxConfig;
pub use fault_text::FaultRule;
pub use faults::{ChunkError, Fault, StallAt, Times, WrongLength};
pub use overrides::RawResponse;
pub use pbx::{Caller, Pbx};
pub use requests::RequestRecord;

use crate::error::{Code, Error, Result};
use crate::threads;
use server::{Gate, Listening, Shared, lock};
use world::World;
use world::events::Event;

/// An embedded server of the Live API on a loopback port.
///
/// All methods take `&self` and may be called on any thread. Those that move the first core server are on [`Pbx`], which
/// this dereferences to; [`Sandbox::core_server`] gives another one's. Dropping a sandbox closes it, and then takes the
/// time of freeing its world: 0.3 s with 100 000 users. It is the process's that started it: closed or dropped in a forked
/// child it goes on.
pub struct Sandbox {
    /// The process that started it.
    process: u32,
    shared: Arc<Shared>,
    /// The first core server.
    pbx: Pbx,
    listening: Mutex<Listening>,
    clock: Mutex<Option<JoinHandle<()>>>,
    username: Mutex<Option<String>>,
    port: u16,
}

impl Sandbox {
    /// Builds the world and listens.
    ///
    /// # Errors
    /// [`Code::Config`] for settings that contradict each other, or a port that is taken; [`Code::Internal`] where the
    /// system gives no thread.
    pub fn start(config: SandboxConfig) -> Result<Sandbox> {
        config.check()?;
        let gate = Gate::new(config.credentials.as_ref());
        let mut listening = Listening::take(config.port).map_err(|e| {
            Error::new(Code::Config, format!("the sandbox cannot have port {} of 127.0.0.1: {e}", config.port))
        })?;
        let world = World::new(&config);
        let shared = Arc::new(Shared::new(world, gate, config.max_requests_kept, config.max_connections));
        let no_thread = |e| Error::new(Code::Internal, format!("the sandbox cannot start a thread: {e}"));
        listening.start(&shared).map_err(no_thread)?;
        let sandbox = Sandbox {
            process: std::process::id(),
            pbx: Pbx::new(Arc::clone(&shared), 0),
            port: listening.port,
            listening: Mutex::new(listening),
            clock: Mutex::new(None),
            username: Mutex::new(config.credentials.map(|(username, _)| username)),
            shared,
        };
        let shared = Arc::clone(&sandbox.shared);
        let clock = threads::start("isymphony-sandbox-clock", None, move || shared.run_clock());
        *lock(&sandbox.clock) = Some(clock.map_err(no_thread)?);
        Ok(sandbox)
    }

    /// Where it listens, as in `http://127.0.0.1:40123`. Stays the same for the life of the sandbox.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user name that is demanded; `None` without authentication.
    pub fn username(&self) -> Option<String> {
        lock(&self.username).clone()
    }

    /// The script side of another core server, by its slug.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub fn core_server(&self, slug: &str) -> Result<Pbx> {
        let place = self.shared.with_world(|world| world.core(&slug.into()));
        let place = place.ok_or_else(|| Error::new(Code::NotFound, format!("no core server has the slug {slug:?}")))?;
        Ok(Pbx::new(Arc::clone(&self.shared), place))
    }

    /// Ends it: nobody is listened to, all connections are cut, all threads end, whatever hangs. Takes well under
    /// 100 ms. A second call does nothing.
    pub fn close(&self) {
        if self.is_foreign() {
            return; // The connections are the parent's, too, and a lock may be held by a thread that does not exist here.
        }
        self.shared.stop();
        lock(&self.listening).stop(false);
        self.shared.connections.cut_all(None);
        if let Some(clock) = lock(&self.clock).take() {
            let _ = clock.join();
        }
        self.shared.connections.wait_empty(Duration::from_millis(80));
    }

    fn is_foreign(&self) -> bool {
        self.process != std::process::id()
    }

    /// Restarts the server: every id is new, all connections are cut.
    ///
    /// Configuration ids, names, statuses, do-not-disturb and static agents with their statistics stay; calls, logins
    /// and dynamic agents are gone. Faults, overrides and the log of requests stay.
    pub fn restart(&self) {
        self.shared.with_world(World::restart);
        self.shared.connections.cut_all(None);
    }

    /// Restarts the server just before the answer to the n-th request from now; 1 is the next one. That request is
    /// answered by the restarted server; all other connections are cut. [`Sandbox::clear_faults`] takes it back.
    pub fn restart_at_request(&self, n: u64) {
        lock(&self.shared.faults).restart_in(n);
    }

    /// How often the server was started: 1, and one more after each restart.
    pub fn incarnation(&self) -> u64 {
        self.shared.with_world(|world| world.incarnation)
    }

    /// The server is down: connections are cut, and new ones are refused. The model moves on.
    pub fn stop_listening(&self) {
        lock(&self.listening).stop(true);
        self.shared.connections.cut_all(None);
    }

    /// The server is up again, on the same port.
    ///
    /// # Errors
    /// [`Code::Config`] where another program took the port meanwhile; [`Code::Closed`] after [`Sandbox::close`].
    pub fn start_listening(&self) -> Result<()> {
        let mut listening = lock(&self.listening);
        if self.shared.stopped.load(std::sync::atomic::Ordering::Acquire) {
            return Err(Error::new(Code::Closed, "the sandbox is closed"));
        }
        listening
            .start(&self.shared)
            .map_err(|e| Error::new(Code::Config, format!("port {} of 127.0.0.1 is gone: {e}", self.port)))
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.connections.count()
    }

    /// Demands other credentials from the next request on; `None` demands none.
    ///
    /// # Errors
    /// [`Code::Config`] where the user name holds a colon.
    pub fn set_credentials(&self, credentials: Option<(&str, &str)>) -> Result<()> {
        let username = credentials.map(|(username, _)| username);
        config::check_credentials(username)?;
        lock(&self.shared.gate).set_credentials(credentials);
        *lock(&self.username) = username.map(str::to_owned);
        Ok(())
    }

    /// Whether this machine is missing in the server's access control list: every request gets a 403. At first it is
    /// not.
    pub fn set_denied(&self, denied: bool) {
        lock(&self.shared.gate).deny = denied;
    }

    /// Whether the server demands TLS: every request gets a 302 to port 55050. At first it does not.
    pub fn set_demand_tls(&self, demanded: bool) {
        lock(&self.shared.gate).demand_tls = demanded;
    }

    /// Whether the licensing rules hold; see [`SandboxConfig::licensing`].
    pub fn set_licensing(&self, on: bool) {
        self.shared.with_world(|world| {
            world.licensing = on;
            world.touch();
        });
    }

    /// Whether conference rooms are enabled; see [`SandboxConfig::conferences_enabled`].
    pub fn set_conferences_enabled(&self, on: bool) {
        self.shared.with_world(|world| {
            world.conferences_enabled = on;
            world.touch();
        });
    }

    /// The requests it got, oldest first, as many as [`SandboxConfig::max_requests_kept`] says.
    ///
    /// A request is in it before its answer is sent.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.shared.log).all()
    }

    /// How many requests it got since the start or the last [`Sandbox::clear_requests`], forgotten ones too.
    pub fn request_count(&self) -> u64 {
        lock(&self.shared.log).count
    }

    /// Forgets the requests and sets their count to 0.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).clear();
    }

    /// Answers literally on the requests that fit `on`, in place of the model. Actions there have no effect.
    ///
    /// `on` is a path below `communication_manager/rest/live/` as it is sent, in which `*` is any text, slashes too; a
    /// method may stand before it: `"*/users"`, `"POST */originate"`. The newest rule that fits wins; the same `on`
    /// replaces. Credentials are still demanded.
    pub fn respond_with(&self, on: &str, response: RawResponse) {
        lock(&self.shared.overrides).add(on, response);
    }

    /// Answers a 200 with this text as JSON on the requests that fit `on`; see [`Sandbox::respond_with`].
    pub fn override_body(&self, on: &str, json: &str) {
        self.respond_with(on, RawResponse::json(json));
    }

    /// Takes back all of [`Sandbox::respond_with`] and [`Sandbox::override_body`].
    pub fn clear_overrides(&self) {
        lock(&self.shared.overrides).clear();
    }

    /// Sends this text as an event to all who listen, whatever it is: unknown types, what is not JSON.
    pub fn send_event(&self, text: &str) {
        self.shared.with_world(|world| world.events.add(Event::Text(text.to_owned())));
    }

    /// Sends these bytes to all who listen to events, as they are: half frames, pings, frames that are too large.
    pub fn send_event_bytes(&self, bytes: &[u8]) {
        self.shared.with_world(|world| world.events.add(Event::Bytes(bytes.to_vec())));
    }

    /// How many listen to events.
    pub fn event_socket_count(&self) -> usize {
        self.shared.listeners.count()
    }

    /// Cuts the connections of all who listen to events, without a word, as a network does. They may come back at once.
    pub fn drop_event_sockets(&self) {
        self.shared.listeners.take().into_iter().for_each(|number| self.shared.connections.cut(number));
    }

    /// Whether there is an Event API: where not, it answers 404, and who listens is cut off. At first there is.
    pub fn set_events_enabled(&self, on: bool) {
        self.shared.listeners.set_enabled(on);
        if !on {
            self.drop_event_sockets();
        }
    }

    /// The last 10 000 events as JSON, oldest first, whether anybody listened or not.
    pub fn events(&self) -> Vec<String> {
        let events = self.shared.with_world(|world| world.events.since(0));
        events.iter().filter_map(|event| event.text()).map(str::to_owned).collect()
    }

    /// Lets something go wrong with the requests that fit `on`, which is as in [`Sandbox::respond_with`].
    ///
    /// A request meets one fault at most: the oldest that fits and is not used up. A fault of
    /// the Event API is one that names it: `*ws/event`.
    pub fn fault(&self, fault: Fault, on: &str, times: Times) {
        lock(&self.shared.faults).add(fault, on, times);
    }

    /// Sets a fault that is written as text; see [`FaultRule`].
    ///
    /// # Errors
    /// [`Code::InvalidArgument`]; the message says which part is wrong.
    pub fn fault_from_str(&self, text: &str) -> Result<()> {
        let rule: FaultRule = text.parse()?;
        self.fault(rule.fault, &rule.on, rule.times);
        Ok(())
    }

    /// Takes back all faults, and a restart that is still to come. Answers that hang already go on hanging.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }
}

impl Deref for Sandbox {
    type Target = Pbx;

    fn deref(&self) -> &Pbx {
        &self.pbx
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close();
        if self.is_foreign() {
            // To drop the handles would detach threads that are not there.
            self.listening.get_mut().unwrap_or_else(PoisonError::into_inner).forget();
            std::mem::forget(self.clock.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

impl fmt::Debug for Sandbox {
    /// Never shows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url()).field("username", &self.username()).finish_non_exhaustive()
    }
}

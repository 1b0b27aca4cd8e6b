//! HTTP to one server: blocking, bounded in time and memory, and soon over once it is closed.
//!
//! | file | what it does |
//! | --- | --- |
//! | `mod` | [`Transport`]: GET, POST, questions about the server, closing |
//! | `answer` | what a status means; reading a body whole or not at all |
//! | `fault` | what went wrong, in words |
//! | `trace` | how far a request has come |
//! | `chain` | the outermost layer of a connection: notes the trace, puts the credentials in |
//! | `tls`, `verify` | TLS: whom to trust, who we are |
//! | `socket` | TCP: connect, send, receive, within limits |
//! | `resolver` | names to addresses |
//! | `auth` | the credentials |
//! | `events`, `upgrade` | the WebSocket of the Event API, over the same TCP, TLS and credentials |

mod answer;
mod auth;
mod chain;
pub(crate) mod events;
mod fault;
mod resolver;
mod socket;
mod tls;
mod trace;
mod upgrade;
mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::http::{Method, Request, Response};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector};
use ureq::{Agent, AsSendBody, Body};

use self::auth::Auth;
use self::chain::Chain;
use self::fault::{About, closed};
use self::resolver::Names;
use crate::config::{Config, ProxyServer, Secret};
use crate::error::{Code, Error, Result};

pub(crate) use self::answer::Answer;
pub(crate) use self::fault::stage;

/// How long a connection may wait for its next request. Servers of the kind in question close theirs after 20 to 60
/// seconds, and a connection that they closed is found out before it is used.
const IDLE: Duration = Duration::from_secs(50);
/// No path of the Live API comes near this length.
const LONGEST_PATH: usize = 16 << 10;

/// HTTP to one server. Share it in an `Arc`; every call may run on any thread, at the same time as others.
pub(crate) struct Transport {
    /// What stands before every path.
    base: String,
    /// With kept-alive connections: for GET.
    pooled: Agent,
    /// Without: for POST, so that a connection the server closed meanwhile cannot make an outcome unknown.
    single: Agent,
    auth: Arc<Auth>,
    names: Names,
    /// Where TLS is spoken to the server or the proxy.
    tls: Option<Arc<rustls::ClientConfig>>,
    about: About,
    /// How to connect to the Event API.
    events: events::Line,
    closed: Arc<AtomicBool>,
    body_limit: u64,
    action_timeout: Duration,
    /// The process that made the connections; a forked child must not use them.
    process: u32,
}

/// Whether a POST that failed may have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Surely not: it may be sent again.
    No,
    /// Perhaps: it must not be sent again.
    Maybe,
}

/// A POST without an answer.
#[derive(Debug)]
pub(crate) struct PostError {
    /// Whether it may have reached the server.
    pub(crate) sent: Sent,
    /// What went wrong.
    pub(crate) error: Error,
}

/// A failed try, and whether another one on a new connection makes sense.
struct Failed {
    error: Error,
    stale: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error, stale: false }
    }
}

impl Transport {
    /// Reads the files that the settings name; connects to nothing yet.
    ///
    /// # Errors
    /// [`Code::Config`] where settings contradict each other, or a file cannot be used.
    pub(crate) fn new(config: &Config) -> Result<Transport> {
        config.validate()?;
        let proxy_tls = config.proxy_server().is_some_and(|proxy| proxy.origin.tls);
        let tls = match config.server().tls || proxy_tls {
            true => Some(tls::client_config(config)?),
            false => None,
        };
        let closed = Arc::new(AtomicBool::new(false));
        let auth = Arc::new(Auth::default());
        auth.set(config.get_credentials());
        let names = Names::new(closed.clone());
        let proxy = config.proxy_server().map(proxy).transpose()?;
        let agent = |idle: usize| {
            // As large as a head may be, and never smaller than what makes a big body fast.
            let buffer = config.get_header_limit().max(64 << 10) * 2;
            let settings = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(proxy.clone())
                .user_agent(concat!("isymphony/", env!("CARGO_PKG_VERSION")))
                .accept("application/json")
                .accept_encoding("identity")
                .max_response_header_size(config.get_header_limit())
                .input_buffer_size(buffer)
                .output_buffer_size(32 << 10)
                .max_idle_connections(idle)
                .max_idle_connections_per_host(idle)
                .max_idle_age(IDLE)
                .timeout_global(Some(config.get_request_timeout()))
                .timeout_resolve(Some(config.get_connect_timeout()))
                .timeout_connect(Some(config.get_connect_timeout()))
                .timeout_recv_response(Some(config.get_first_byte_timeout()))
                .timeout_per_read(Some(config.get_silence_timeout()))
                .timeout_per_write(Some(config.get_silence_timeout()))
                .build();
            let inner =
                ().chain(ConnectProxyConnector::default())
                    .chain(socket::Dial { closed: closed.clone() })
                    .chain(tls::Wrap(tls.clone()));
            let chain = Chain { inner, names: names.clone(), auth: auth.clone(), proxied: proxy.is_some() };
            Agent::with_parts(settings, chain, names.clone())
        };
        Ok(Transport {
            base: config.get_base_url(),
            pooled: agent(config.get_connections() + 1),
            single: agent(0),
            auth,
            names,
            tls,
            about: About::new(config),
            events: events::Line::new(config),
            closed,
            body_limit: config.get_body_limit(),
            action_timeout: config.get_action_timeout(),
            process: std::process::id(),
        })
    }

    /// GETs a path relative to `communication_manager/rest/live/`, percent-encoded. `body` is cleared, and filled with
    /// the whole body of a 200; after an error it is empty.
    pub(crate) fn get(&self, path: &str, body: &mut Vec<u8>) -> Result<()> {
        let mut result = self.try_get(&self.pooled, path, body);
        if let Err(Failed { stale: true, .. }) = result {
            result = self.try_get(&self.single, path, body);
        }
        // A body without a length ends where the connection does, so closing can look like success.
        if self.is_closed() {
            result = Err(closed().into());
        }
        result.map_err(|failed| {
            body.clear();
            failed.error
        })
    }

    /// As [`Transport::get`], in at most `limit` altogether.
    pub(crate) fn get_within(&self, path: &str, body: &mut Vec<u8>, limit: Duration) -> Result<()> {
        let request = self.request(Method::GET, path, ())?;
        let request = self.single.configure_request(request).timeout_global(Some(limit)).build();
        let response = self.run(&self.single, request).map_err(|error| self.about.within(limit).explain(error))?;
        if response.status().as_u16() != 200 {
            return Err(self.refusal("GET", path, &Answer::read(response)));
        }
        answer::read_body(response, self.body_limit, &self.about, body)
    }

    fn try_get(&self, agent: &Agent, path: &str, body: &mut Vec<u8>) -> Result<(), Failed> {
        body.clear();
        let request = self.request(Method::GET, path, ())?;
        let response = match self.run(agent, request) {
            Ok(response) => response,
            Err(error) => {
                let stage = trace::stage();
                // The server closed a kept-alive connection just as it was used. A timeout is not that.
                let stale = !stage.dialled && !stage.received && !matches!(error, ureq::Error::Timeout(_));
                return Err(Failed { error: self.about.explain(error), stale: stale && !self.is_closed() });
            }
        };
        if response.status().as_u16() != 200 {
            let answer = Answer::read(response);
            return Err(self.refusal("GET", path, &answer).into());
        }
        Ok(answer::read_body(response, self.body_limit, &self.about, body)?)
    }

    /// POSTs to a path, once: it is never sent again. Without `timeout`, `action_timeout` holds.
    ///
    /// Every answer of the server is an [`Answer`], whatever its status; [`Transport::refusal`] says what a status
    /// other than success means.
    pub(crate) fn post(&self, path: &str, body: Option<&str>, timeout: Option<Duration>) -> Result<Answer, PostError> {
        let limit = timeout.unwrap_or(self.action_timeout).min(Duration::from_secs(86_400));
        let request = self
            .request(Method::POST, path, body.unwrap_or_default())
            .map_err(|error| PostError { sent: Sent::No, error })?;
        let request = self
            .single
            .configure_request(request)
            .timeout_global(Some(limit))
            .timeout_recv_response(Some(limit))
            .build();
        let error = match self.run(&self.single, request) {
            Ok(response) => return Ok(Answer::read(response)),
            Err(error) => self.about.within(limit).explain(error),
        };
        if trace::stage().sent {
            let why = if self.is_closed() { "the client was closed".to_owned() } else { error.message().to_owned() };
            let message = format!("the action was sent, and whether it was carried out is not known: {why}");
            return Err(PostError { sent: Sent::Maybe, error: Error::new(Code::OutcomeUnknown, message) });
        }
        let error = match error.code() {
            _ if self.is_closed() => closed(),
            Code::ConnectionFailed => error,
            // Nothing was sent, so the server's silence cannot be the reason.
            Code::TimedOut => Error::new(Code::ConnectionFailed, error.message().to_owned()),
            _ => error,
        };
        Err(PostError { sent: Sent::No, error })
    }

    /// Asks about the server itself: GET or OPTIONS, with whatever status as the answer.
    pub(crate) fn probe(&self, method: &str, path: &str) -> Result<Answer> {
        let method = match method {
            "GET" => Method::GET,
            "OPTIONS" => Method::OPTIONS,
            other => {
                let message = format!("a probe is GET or OPTIONS, which change nothing, and not {other:?}");
                return Err(Error::new(Code::InvalidArgument, message));
            }
        };
        let request = self.request(method, path, ())?;
        self.run_probe(request)
    }

    /// Asks for something outside of the Live API, relative to the server's root: GET, with whatever status as the answer.
    pub(crate) fn probe_at_root(&self, path: &str) -> Result<Answer> {
        let request = self.request_at(&format!("{}/", self.about.origin), Method::GET, path, ())?;
        self.run_probe(request)
    }

    fn run_probe(&self, request: Request<()>) -> Result<Answer> {
        let answer = self.run(&self.single, request).map(Answer::read);
        if self.is_closed() {
            return Err(closed());
        }
        answer.map_err(|error| self.about.explain(error))
    }

    /// What an answer other than success means, and what to do.
    pub(crate) fn refusal(&self, method: &str, path: &str, answer: &Answer) -> Error {
        let what = format!("{method} {}", fault::clean(path));
        answer.refusal(&self.about, self.auth.user().as_deref(), &what)
    }

    /// Replaces the credentials; the next request uses them.
    pub(crate) fn set_credentials(&self, credentials: Option<(String, Secret)>) {
        self.auth.set(credentials.as_ref().map(|(user, password)| (user.as_str(), password)));
    }

    /// Ends the requests in flight; every later one fails with [`Code::Closed`].
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // In a forked child these are the parent's connections, and shutting one down would end it there too; and a
        // lock may be held by a thread that does not exist here.
        if self.is_foreign() {
            return;
        }
        self.names.wake();
        self.pooled.clone().shutdown();
        self.single.clone().shutdown();
        self.events.shut_down();
    }

    /// Whether [`Transport::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether this was made by another process, before a fork: then it can only be replaced by a new one.
    pub(crate) fn is_foreign(&self) -> bool {
        self.process != std::process::id()
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            return Err(closed());
        }
        if self.is_foreign() {
            return Err(Error::new(Code::Closed, "the client was opened by another process, before a fork"));
        }
        Ok(())
    }

    fn request<B>(&self, method: Method, path: &str, body: B) -> Result<Request<B>> {
        self.request_at(&self.base, method, path, body)
    }

    fn request_at<B>(&self, base: &str, method: Method, path: &str, body: B) -> Result<Request<B>> {
        self.check_open()?;
        check_path(path)?;
        let request = Request::builder().method(&method).uri(format!("{base}{path}"));
        let request = match method {
            Method::POST => request.header("Content-Type", "application/json"),
            _ => request,
        };
        request.body(body).map_err(|e| Error::new(Code::InvalidPath, format!("{path:?} cannot be put into a URL: {e}")))
    }

    fn run(&self, agent: &Agent, request: Request<impl AsSendBody>) -> Result<Response<Body>, ureq::Error> {
        trace::begin();
        agent.run(request)
    }
}

/// Refuses what could make a path ask for something else than it says.
fn check_path(path: &str) -> Result<()> {
    let invalid = |why: &str| {
        let message = format!("the path {:?} {why}", fault::clean(path));
        Err(Error::new(Code::InvalidPath, message))
    };
    if path.len() > LONGEST_PATH {
        return invalid("is too long");
    }
    if path.starts_with('/') {
        return invalid("begins with '/'; it is relative to communication_manager/rest/live/");
    }
    if !path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'\\' | b'"' | b'<' | b'>')) {
        return invalid("holds a character that must be percent-encoded");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return invalid("steps up or nowhere; write %2E for a dot that is a name");
    }
    Ok(())
}

fn proxy(server: &ProxyServer) -> Result<ureq::Proxy> {
    let protocol = if server.origin.tls { ureq::ProxyProtocol::Https } else { ureq::ProxyProtocol::Http };
    let mut builder = ureq::Proxy::builder(protocol).host(&server.origin.host_in_url()).port(server.origin.port);
    if let Some((user, password)) = &server.credentials {
        builder = builder.username(user).password(password.expose());
    }
    builder.build().map_err(|_| Error::new(Code::Config, "the proxy's URL cannot be used"))
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("origin", &self.about.origin).finish_non_exhaustive()
    }
}

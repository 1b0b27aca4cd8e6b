//! How a client is configured: one [`Config`], checked as it is built.

mod get;
mod secret;
mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::{Action, Kind, SubId};
use crate::error::{Code, Error, Result};
use crate::overlay::Rows;
use crate::path::encode_name;

pub use secret::Secret;
pub(crate) use url::Origin;

/// No time limit may be longer: arithmetic with points in time stays far from overflowing.
const LONGEST: Duration = Duration::from_secs(86_400);

/// How often a kind of resource is asked for: never more often than every `min`, never less often than every `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// The shortest time between two requests for the same collection.
    pub min: Duration,
    /// The longest time between two requests for the same collection.
    pub max: Duration,
}

impl Cadence {
    const fn seconds(min: u64, max: u64) -> Cadence {
        Cadence { min: Duration::from_secs(min), max: Duration::from_secs(max) }
    }

    /// The cadence of a kind where nothing is set: calls fast, users slow.
    pub fn default_of(kind: Kind) -> Cadence {
        match kind {
            Kind::CallSegment | Kind::Agent => Cadence::seconds(1, 5),
            Kind::Status => Cadence::seconds(2, 15),
            Kind::Login | Kind::Statistics => Cadence::seconds(5, 60),
            Kind::CoreServer | Kind::User | Kind::Extension | Kind::Queue | Kind::ConferenceRoom => {
                Cadence::seconds(5, 30)
            }
        }
    }
}

/// The settings of a client.
///
/// A setter that is given something impossible answers with [`Code::Config`] at once and changes nothing;
/// [`Config::validate`] finds settings that contradict each other, and is called when the client is opened. Files are
/// read only then.
///
/// ```
/// # fn main() -> isymphony::Result<()> {
/// let mut config = isymphony::Config::new("http://pbx:58080")?;
/// config.credentials("manager", "secret")?.events(false);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Config {
    origin: Origin,
    credentials: Option<(String, Secret)>,
    core_servers: Option<Vec<String>>,
    kinds: Option<Vec<Kind>>,
    events: bool,
    event_silence: (Duration, Duration),
    max_requests_per_second: Option<f64>,
    ca_file: Option<PathBuf>,
    client_cert: Option<(PathBuf, PathBuf)>,
    verify: bool,
    proxy: Option<ProxyServer>,
    connections: usize,
    body_limit: u64,
    header_limit: usize,
    text_limit: usize,
    depth_limit: usize,
    object_limit: usize,
    connect_timeout: Duration,
    first_byte_timeout: Duration,
    silence_timeout: Duration,
    request_timeout: Duration,
    action_timeout: Duration,
    backoff: (Duration, Duration),
    cadences: BTreeMap<Kind, Cadence>,
    action_paths: BTreeMap<(Kind, &'static str), String>,
    action_keys: BTreeMap<(Kind, &'static str, &'static str), String>,
    pub(crate) rows: Rows,
}

/// An HTTP proxy.
#[derive(Debug, Clone)]
pub(crate) struct ProxyServer {
    pub(crate) origin: Origin,
    pub(crate) credentials: Option<(String, Secret)>,
}

impl Config {
    /// The default settings for the server at `url`: `http` or `https`, a host, a port (default 58080 for `http`,
    /// 55050 for `https`), and a user name and a password, percent-encoded. It may end in `/communication_manager`.
    ///
    /// # Errors
    /// [`Code::Config`] where the URL is anything else. The message never repeats a part of the URL.
    pub fn new(url: &str) -> Result<Config> {
        let parts = url::server(url)?;
        Ok(Config {
            origin: parts.origin,
            credentials: parts.credentials,
            core_servers: None,
            kinds: None,
            events: true,
            event_silence: (Duration::from_secs(30), Duration::from_secs(10)),
            max_requests_per_second: None,
            ca_file: None,
            client_cert: None,
            verify: true,
            proxy: None,
            connections: 4,
            body_limit: 256 << 20,
            header_limit: 64 << 10,
            text_limit: 64 << 10,
            depth_limit: 64,
            object_limit: 4_000_000,
            connect_timeout: Duration::from_secs(3),
            first_byte_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(120),
            action_timeout: Duration::from_secs(10),
            backoff: (Duration::from_millis(500), Duration::from_secs(60)),
            cadences: BTreeMap::new(),
            action_paths: BTreeMap::new(),
            action_keys: BTreeMap::new(),
            rows: Rows::default(),
        })
    }

    /// The user name and the password. Default: those of the URL, or none.
    ///
    /// # Errors
    /// [`Code::Config`] where the user name is empty or holds a `:` or a control character.
    pub fn credentials(&mut self, user: impl Into<String>, password: impl Into<Secret>) -> Result<&mut Self> {
        let user = user.into();
        url::check_user(&user)?;
        self.credentials = Some((user, password.into()));
        Ok(self)
    }

    /// Mirrors only the core servers with these slugs. Default: all of them, which an empty list also means.
    ///
    /// # Errors
    /// [`Code::Config`] where a slug is empty.
    pub fn core_servers(&mut self, slugs: impl IntoIterator<Item = impl Into<String>>) -> Result<&mut Self> {
        let slugs: Vec<String> = slugs.into_iter().map(Into::into).collect();
        if slugs.iter().any(String::is_empty) {
            return Err(config("core_servers: a slug is empty"));
        }
        self.core_servers = (!slugs.is_empty()).then_some(slugs);
        Ok(self)
    }

    /// Mirrors only these kinds of resources, and core servers. Default: all of them, which an empty list also means.
    pub fn kinds(&mut self, kinds: impl IntoIterator<Item = Kind>) -> &mut Self {
        let mut kinds: Vec<Kind> = kinds.into_iter().collect();
        kinds.sort_unstable();
        kinds.dedup();
        self.kinds = (!kinds.is_empty()).then_some(kinds);
        self
    }

    /// Whether to listen to the server's events as hints, so that changes show sooner. Default: `true`.
    pub fn events(&mut self, on: bool) -> &mut Self {
        self.events = on;
        self
    }

    /// How long the socket of the events may be silent before the server is asked for a sign of life, and how long it may
    /// take to give one before the socket is opened anew. Default: 30 s and 10 s.
    ///
    /// # Errors
    /// [`Code::Config`] where one of them is zero or longer than a day.
    pub fn event_silence(&mut self, silence: Duration, answer: Duration) -> Result<&mut Self> {
        self.event_silence = (time("event_silence: silence", silence)?, time("event_silence: answer", answer)?);
        Ok(self)
    }

    /// How many requests a second the server is asked at most. Default: 50 while polling, and the first whole snapshot
    /// (also of a new incarnation) as fast as the server answers over the connections; a limit that is set holds for both.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not a number from 0.001 to 1 000 000.
    pub fn max_requests_per_second(&mut self, rate: f64) -> Result<&mut Self> {
        if !(0.001..=1e6).contains(&rate) {
            return Err(config(format!("max_requests_per_second is {rate:?}; it must be from 0.001 to 1000000")));
        }
        self.max_requests_per_second = Some(rate);
        Ok(self)
    }

    /// A PEM file with the certificates to trust **instead of** the system's. Default: none, the system's are trusted.
    ///
    /// It holds a private CA's certificate or, for a self-signed one, the server's own. Where it holds the server's
    /// own, that exact certificate is trusted as long as it is valid and names the host, or names no host at all.
    pub fn ca_file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.ca_file = Some(path.into());
        self
    }

    /// The certificate chain and the private key, two PEM files, with which the client shows who it is. Default: none.
    pub fn client_cert(&mut self, cert_pem: impl Into<PathBuf>, key_pem: impl Into<PathBuf>) -> &mut Self {
        self.client_cert = Some((cert_pem.into(), key_pem.into()));
        self
    }

    /// Whether the server must prove who it is. Default: `true`.
    ///
    /// With `false`, whoever sits on the way can read the password; a warning is logged when the client is opened.
    /// Prefer [`ca_file`](Config::ca_file).
    pub fn verify(&mut self, on: bool) -> &mut Self {
        self.verify = on;
        self
    }

    /// The HTTP proxy to go through (`http://user:password@host:port`), by `CONNECT`. Default: none; proxies that the
    /// environment names are ignored.
    ///
    /// # Errors
    /// [`Code::Config`] where the URL is not that of an `http` or `https` proxy.
    pub fn proxy(&mut self, url: Option<&str>) -> Result<&mut Self> {
        let parts = url.map(url::proxy).transpose()?;
        self.proxy = parts.map(|parts| ProxyServer { origin: parts.origin, credentials: parts.credentials });
        Ok(self)
    }

    /// How many requests are in flight at once, each on a connection that is kept alive; and how many actions, each on one
    /// of its own. Default: 4.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 1 to 64.
    pub fn connections(&mut self, count: usize) -> Result<&mut Self> {
        self.connections = within("connections", count, 1, 64)?;
        Ok(self)
    }

    /// How many bytes the body of an answer may have, after decompression. Default: 256 MiB.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 1 to 1 << 40.
    pub fn body_limit(&mut self, bytes: u64) -> Result<&mut Self> {
        self.body_limit = within("body_limit", bytes, 1, 1 << 40)?;
        Ok(self)
    }

    /// How many bytes the head of an answer may have. Default: 64 KiB.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 1024 to 1 << 20.
    pub fn header_limit(&mut self, bytes: usize) -> Result<&mut Self> {
        self.header_limit = within("header_limit", bytes, 1024, 1 << 20)?;
        Ok(self)
    }

    /// How many bytes a text in an answer may have; an item with a longer one is refused. Default: 64 KiB.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 256 to 1 << 30.
    pub fn text_limit(&mut self, bytes: usize) -> Result<&mut Self> {
        self.text_limit = within("text_limit", bytes, 256, 1 << 30)?;
        Ok(self)
    }

    /// How deep the JSON of an answer may be nested. Default: 64.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 4 to 120.
    pub fn depth_limit(&mut self, levels: usize) -> Result<&mut Self> {
        self.depth_limit = within("depth_limit", levels, 4, 120)?;
        Ok(self)
    }

    /// How many objects the mirror may hold. Default: 4 000 000.
    ///
    /// # Errors
    /// [`Code::Config`] where it is not from 1 to 1 << 30.
    pub fn object_limit(&mut self, count: usize) -> Result<&mut Self> {
        self.object_limit = within("object_limit", count, 1, 1 << 30)?;
        Ok(self)
    }

    /// How long connecting may take: name resolution, then TCP, proxy and TLS together. Default: 3 s.
    ///
    /// # Errors
    /// [`Code::Config`] where it is zero or longer than a day.
    pub fn connect_timeout(&mut self, limit: Duration) -> Result<&mut Self> {
        self.connect_timeout = time("connect_timeout", limit)?;
        Ok(self)
    }

    /// How long the server may take until the head of its answer is in. Default: 10 s.
    ///
    /// # Errors
    /// [`Code::Config`] where it is zero or longer than a day.
    pub fn first_byte_timeout(&mut self, limit: Duration) -> Result<&mut Self> {
        self.first_byte_timeout = time("first_byte_timeout", limit)?;
        Ok(self)
    }

    /// How long the server may be silent in the middle of an answer. Default: 10 s.
    ///
    /// # Errors
    /// [`Code::Config`] where it is zero or longer than a day.
    pub fn silence_timeout(&mut self, limit: Duration) -> Result<&mut Self> {
        self.silence_timeout = time("silence_timeout", limit)?;
        Ok(self)
    }

    /// How long a request may take in all. Default: 120 s.
    ///
    /// # Errors
    /// [`Code::Config`] where it is zero or longer than a day.
    pub fn request_timeout(&mut self, limit: Duration) -> Result<&mut Self> {
        self.request_timeout = time("request_timeout", limit)?;
        Ok(self)
    }

    /// How long an action may take in all, where the call does not say. Default: 10 s.
    ///
    /// # Errors
    /// [`Code::Config`] where it is zero or longer than a day.
    pub fn action_timeout(&mut self, limit: Duration) -> Result<&mut Self> {
        self.action_timeout = time("action_timeout", limit)?;
        Ok(self)
    }

    /// How long to wait after a failure: from `min`, doubling, up to `max`, with full jitter. Default: 0.5 s to 60 s.
    ///
    /// # Errors
    /// [`Code::Config`] where `min` is zero or longer than `max`, or `max` is longer than a day.
    pub fn backoff(&mut self, min: Duration, max: Duration) -> Result<&mut Self> {
        self.backoff = ordered("backoff", min, max)?;
        Ok(self)
    }

    /// How often a kind is asked for. Defaults: call segments and agents 1 to 5 s; status 2 to 15 s; logins and
    /// statistics 5 to 60 s; users, extensions, queues, conference rooms and core servers 5 to 30 s.
    ///
    /// # Errors
    /// [`Code::Config`] where `min` is zero or longer than `max`, or `max` is longer than a day.
    pub fn cadence(&mut self, kind: Kind, min: Duration, max: Duration) -> Result<&mut Self> {
        let (min, max) = ordered("cadence", min, max)?;
        self.cadences.insert(kind, Cadence { min, max });
        Ok(self)
    }

    /// Posts an action to another path than the catalogue's: `segment` stands behind the instance's path. It is plain
    /// text, percent-encoded when sent; a `/` in it makes two segments.
    ///
    /// # Errors
    /// [`Code::Config`] where the kind has no such action, or a segment is empty, `.`, `..`, or holds control
    /// characters.
    pub fn action_path(&mut self, kind: Kind, action: &str, segment: &str) -> Result<&mut Self> {
        let name = find_action(kind, action)?.name;
        let bad = |part: &str| matches!(part, "" | "." | "..") || part.contains(|c: char| c.is_control() || c == '\\');
        if segment.split('/').any(bad) {
            return Err(config(format!(
                "the path {segment:?} of the action {action} is not a plain path: no segment may be empty, '.' or '..'"
            )));
        }
        let encoded: Vec<String> = segment.split('/').map(encode_name).collect();
        self.action_paths.insert((kind, name), encoded.join("/"));
        Ok(self)
    }

    /// Sends an argument of an action under another key of the JSON body than the catalogue's.
    ///
    /// # Errors
    /// [`Code::Config`] where the kind has no such action, the action has no such argument, or the key is empty.
    pub fn action_body_key(&mut self, kind: Kind, action: &str, arg: &str, key: &str) -> Result<&mut Self> {
        let row = find_action(kind, action)?;
        let Some(found) = row.args.iter().find(|row| row.name == arg) else {
            let known: Vec<_> = row.args.iter().map(|row| row.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(config(format!("the action {action} has no argument {arg:?}; its arguments are: {known}")));
        };
        if key.is_empty() {
            return Err(config(format!("the key of the argument {arg} of the action {action} is empty")));
        }
        self.action_keys.insert((kind, row.name, found.name), key.to_owned());
        Ok(self)
    }

    /// Finds settings that contradict each other. Called when a client is opened.
    ///
    /// # Errors
    /// [`Code::Config`] that names the settings and says what to do.
    pub fn validate(&self) -> Result<()> {
        if !self.origin.tls {
            let tls_only = [
                ("ca_file", self.ca_file.is_some()),
                ("client_cert", self.client_cert.is_some()),
                ("verify(false)", !self.verify),
            ];
            let proxy_tls = self.proxy.as_ref().is_some_and(|proxy| proxy.origin.tls);
            if let Some((name, _)) = tls_only.iter().find(|(_, set)| *set && !proxy_tls) {
                return Err(config(format!(
                    "{name} is set, but the URL says http, where there is no TLS; use https and the TLS port (55050 \
                     by default), or leave {name} out"
                )));
            }
        }
        self.validate_rate()?;
        self.validate_actions()?;
        if self.ca_file.is_some() && !self.verify {
            return Err(config("ca_file says whom to trust and verify(false) trusts everyone; leave one of them out"));
        }
        Ok(())
    }
}

impl Config {
    /// The core servers' lists can be asked for as often as their cadences promise: half of the rate is surely theirs.
    fn validate_rate(&self) -> Result<()> {
        let Some(rate) = self.max_requests_per_second else { return Ok(()) };
        let kinds = self.kind_set();
        let lists = SubId::of(Kind::CoreServer).filter(|sub| kinds.has(*sub)).map(|sub| sub.row().kind);
        let servers = self.core_servers.as_ref().map_or(1, Vec::len).max(1) as f64;
        let a_second = |kind| 1.0 / self.get_cadence(kind).max.as_secs_f64();
        let needed = a_second(Kind::CoreServer) + servers * lists.map(a_second).sum::<f64>();
        if rate < 2.0 * needed {
            return Err(config(format!(
                "max_requests_per_second is {rate}, but the longest intervals of the cadences promise {needed:.3} requests \
                 a second for the core servers' lists, which have half of it; raise it to {:.3}, or the cadences' max, or \
                 sync fewer kinds",
                2.0 * needed
            )));
        }
        Ok(())
    }
}

fn config(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Config, message)
}

fn within<T: PartialOrd + fmt::Display>(name: &str, value: T, min: T, max: T) -> Result<T> {
    if value < min || value > max {
        return Err(config(format!("{name} is {value}; it must be from {min} to {max}")));
    }
    Ok(value)
}

fn time(name: &str, value: Duration) -> Result<Duration> {
    if value.is_zero() || value > LONGEST {
        return Err(config(format!("{name} is {value:?}; it must be more than zero and at most a day")));
    }
    Ok(value)
}

fn ordered(name: &str, min: Duration, max: Duration) -> Result<(Duration, Duration)> {
    time(&format!("{name}: min"), min)?;
    time(&format!("{name}: max"), max)?;
    if min > max {
        return Err(config(format!("{name}: min is {min:?}, which is longer than max, {max:?}")));
    }
    Ok((min, max))
}

fn find_action(kind: Kind, action: &str) -> Result<&'static Action> {
    kind.row().action(action).ok_or_else(|| {
        let known: Vec<_> = kind.row().actions.iter().map(|row| row.name).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        config(format!("{kind} has no action {action:?}; its actions are: {known}"))
    })
}

#[cfg(test)]
mod tests;

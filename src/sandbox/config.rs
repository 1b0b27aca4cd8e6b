//! What a sandbox is started with.

use std::fmt;
use std::time::Duration;

use crate::error::{Code, Error, Result};

/// The settings of a [`Sandbox`](super::Sandbox). Each setter says its default; all counts are per core server.
///
/// ```
/// use isymphony::sandbox::SandboxConfig;
/// let config = SandboxConfig::new().users(200).credentials("manager", "secret");
/// ```
#[derive(Clone)]
pub struct SandboxConfig {
    pub(crate) users: u32,
    pub(crate) lite_users: u32,
    pub(crate) extra_extensions: u32,
    pub(crate) queues: u32,
    pub(crate) agents_per_queue: u32,
    pub(crate) conferences: u32,
    pub(crate) core_servers: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) calls_at_start: u32,
    pub(crate) calls_per_second: f64,
    pub(crate) ring_time: Duration,
    pub(crate) call_duration: Duration,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) licensing: bool,
    pub(crate) conferences_enabled: bool,
    pub(crate) port: u16,
    pub(crate) max_connections: usize,
    pub(crate) max_requests_kept: usize,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        SandboxConfig {
            users: 20,
            lite_users: 0,
            extra_extensions: 0,
            queues: 3,
            agents_per_queue: 4,
            conferences: 2,
            core_servers: vec!["default".to_owned()],
            seed: 0,
            calls_at_start: 0,
            calls_per_second: 0.0,
            ring_time: Duration::from_millis(200),
            call_duration: Duration::from_secs(30),
            credentials: None,
            licensing: true,
            conferences_enabled: true,
            port: 0,
            max_connections: 256,
            max_requests_kept: 100_000,
        }
    }
}

impl SandboxConfig {
    /// The defaults: 20 users, 3 queues, 2 conference rooms, the core server `default`, no calls, no authentication.
    pub fn new() -> SandboxConfig {
        SandboxConfig::default()
    }

    /// How many users there are, each with one extension. Default 20, at most 1 000 000.
    ///
    /// The first is the vendor's user `4224` with extension 4224, the second is `mike`.
    pub fn users(mut self, users: u32) -> Self {
        self.users = users;
        self
    }

    /// How many of the users, counted from the last, have a lite licence. Default 0.
    ///
    /// A lite user has no status, and lists leave out the extensions that only lite users have.
    pub fn lite_users(mut self, lite_users: u32) -> Self {
        self.lite_users = lite_users;
        self
    }

    /// How many further extensions there are, shared out among the users in turn. Default 0.
    pub fn extra_extensions(mut self, extra_extensions: u32) -> Self {
        self.extra_extensions = extra_extensions;
        self
    }

    /// How many queues there are, numbered from 5001. Default 3, at most 2 999.
    pub fn queues(mut self, queues: u32) -> Self {
        self.queues = queues;
        self
    }

    /// How many agents each queue starts with. Default 4.
    ///
    /// The last one of a queue is dynamic (it logged in), the others are static (they are configured).
    pub fn agents_per_queue(mut self, agents: u32) -> Self {
        self.agents_per_queue = agents;
        self
    }

    /// How many conference rooms there are, numbered from 8001. Default 2, at most 1 999.
    pub fn conferences(mut self, conferences: u32) -> Self {
        self.conferences = conferences;
        self
    }

    /// The slugs of the core servers. Default one, `default`. The first one is what every call of the sandbox means
    /// that names none.
    pub fn core_servers<S: Into<String>>(mut self, slugs: impl IntoIterator<Item = S>) -> Self {
        self.core_servers = slugs.into_iter().map(Into::into).collect();
        self
    }

    /// What names, ids and the background's calls follow from. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many linked calls there are at the start; they last until somebody hangs up. Default 0, at most
    /// 1 000 000.
    pub fn calls_at_start(mut self, calls: u32) -> Self {
        self.calls_at_start = calls;
        self
    }

    /// How many calls a second the background makes; they ring, are answered and end. Default 0, at most 10 000.
    ///
    /// Which calls it makes follows from the seed and the order of operations.
    pub fn calls_per_second(mut self, calls: f64) -> Self {
        self.calls_per_second = calls;
        self
    }

    /// How long a phone rings before it is answered. Default 200 ms.
    pub fn ring_time(mut self, time: Duration) -> Self {
        self.ring_time = time;
        self
    }

    /// How long a call lasts that an action or the background made. Default 30 s.
    pub fn call_duration(mut self, duration: Duration) -> Self {
        self.call_duration = duration;
        self
    }

    /// Demands HTTP Basic authentication. Default: none is demanded. The user name must not hold a colon.
    pub fn credentials(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((username.into(), password.into()));
        self
    }

    /// Whether the licensing rules hide what they hide on a real server. Default `true`.
    pub fn licensing(mut self, on: bool) -> Self {
        self.licensing = on;
        self
    }

    /// Whether conference rooms are enabled; where not, their list is empty and each answers 404. Default `true`.
    pub fn conferences_enabled(mut self, on: bool) -> Self {
        self.conferences_enabled = on;
        self
    }

    /// The loopback port to listen on; 0 picks a free one. Default 0.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How many connections are served at the same time; further ones get a 503 and are closed. Default 256.
    ///
    /// Each takes one thread, and one to the Event API takes two, so this bounds the threads too.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many requests [`Sandbox::requests`](super::Sandbox::requests) remembers; older ones are forgotten.
    /// Default 100 000.
    pub fn max_requests_kept(mut self, requests: usize) -> Self {
        self.max_requests_kept = requests;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let bad = |text: String| Err(Error::new(Code::Config, text));
        if self.users > 1_000_000 || self.extra_extensions > 1_000_000 {
            return bad("a sandbox holds at most 1000000 users and as many extra extensions".to_owned());
        }
        if self.lite_users > self.users {
            return bad(format!("{} lite users are more than the {} users", self.lite_users, self.users));
        }
        if self.users == 0 && self.extra_extensions > 0 {
            return bad("extra extensions are shared out among the users, and there are no users".to_owned());
        }
        if self.calls_at_start > 1_000_000 {
            return bad(format!("calls_at_start is {}; it must be at most 1000000", self.calls_at_start));
        }
        if self.queues > 2_999 || self.conferences > 1_999 {
            return bad("a sandbox numbers at most 2999 queues and 1999 conference rooms".to_owned());
        }
        if !(0.0..=10_000.0).contains(&self.calls_per_second) {
            return bad(format!("calls_per_second is {:?}; it must lie between 0 and 10000", self.calls_per_second));
        }
        if self.core_servers.is_empty() || self.core_servers.iter().any(String::is_empty) {
            return bad("a sandbox needs at least one core server, and each needs a slug".to_owned());
        }
        for (i, slug) in self.core_servers.iter().enumerate() {
            if self.core_servers[..i].contains(slug) {
                return bad(format!("two core servers have the slug {slug:?}"));
            }
        }
        if self.max_connections == 0 {
            return bad("max_connections is 0, so nobody could connect".to_owned());
        }
        check_credentials(self.credentials.as_ref().map(|(username, _)| username.as_str()))
    }
}

pub(crate) fn check_credentials(username: Option<&str>) -> Result<()> {
    match username {
        Some(name) if name.contains(':') => {
            Err(Error::new(Code::Config, "a user name for HTTP Basic authentication must not hold a colon"))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for SandboxConfig {
    /// Never shows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("users", &self.users)
            .field("queues", &self.queues)
            .field("conferences", &self.conferences)
            .field("core_servers", &self.core_servers)
            .field("seed", &self.seed)
            .field("username", &self.credentials.as_ref().map(|(username, _)| username))
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

//! The settings, read back.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::{Cadence, Config, Origin, ProxyServer, Secret};
use crate::catalog::Kind;
use crate::path::PREFIX;

/// The settings, as they are now.
impl Config {
    /// The server's origin, as in `http://pbx:58080`: no credentials, no path.
    pub fn get_origin(&self) -> String {
        self.origin.to_string()
    }

    /// What stands before every path of the Live API: the origin and `/communication_manager/rest/live/`.
    pub fn get_base_url(&self) -> String {
        format!("{}/{PREFIX}", self.origin)
    }

    /// The server's scheme, host and port.
    pub(crate) fn server(&self) -> &Origin {
        &self.origin
    }

    /// The user name and the password.
    pub fn get_credentials(&self) -> Option<(&str, &Secret)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    /// The slugs of the core servers to mirror; `None`: all.
    pub fn get_core_servers(&self) -> Option<&[String]> {
        self.core_servers.as_deref()
    }

    /// The kinds to mirror; `None`: all.
    pub fn get_kinds(&self) -> Option<&[Kind]> {
        self.kinds.as_deref()
    }

    /// Whether a kind is to be mirrored. Core servers always are.
    pub fn wants(&self, kind: Kind) -> bool {
        kind == Kind::CoreServer || self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// The file with the certificates to trust.
    pub fn get_ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The files with the client's certificate and key.
    pub fn get_client_cert(&self) -> Option<(&Path, &Path)> {
        self.client_cert.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()))
    }

    /// The proxy.
    pub(crate) fn proxy_server(&self) -> Option<&ProxyServer> {
        self.proxy.as_ref()
    }

    /// The proxy's origin, without its credentials.
    pub fn get_proxy(&self) -> Option<String> {
        self.proxy.as_ref().map(|proxy| proxy.origin.to_string())
    }

    /// The bounds of the wait after a failure.
    pub fn get_backoff(&self) -> (Duration, Duration) {
        self.backoff
    }

    /// How often a kind is asked for.
    pub fn get_cadence(&self, kind: Kind) -> Cadence {
        self.cadences.get(&kind).copied().unwrap_or_else(|| Cadence::default_of(kind))
    }

    /// The path of an action behind its instance, percent-encoded: the one set, or the catalogue's. `None`: the kind
    /// has no such action.
    pub fn get_action_path(&self, kind: Kind, action: &str) -> Option<&str> {
        let row = kind.row().action(action)?;
        Some(self.action_paths.get(&(kind, row.name)).map_or(row.segment, String::as_str))
    }

    /// The key of an action's argument: the one set, or the catalogue's. `None`: there is no such argument.
    pub fn get_action_body_key(&self, kind: Kind, action: &str, arg: &str) -> Option<&str> {
        let row = kind.row().action(action)?;
        let arg = row.args.iter().find(|row| row.name == arg)?;
        Some(self.action_keys.get(&(kind, row.name, arg.name)).map_or(arg.key, String::as_str))
    }

    /// Whether events are listened to.
    pub fn get_events(&self) -> bool {
        self.events
    }

    /// The limits set by [`event_silence`](Config::event_silence).
    pub fn get_event_silence(&self) -> (Duration, Duration) {
        self.event_silence
    }

    /// How many requests a second at most; `None`: the default.
    pub fn get_max_requests_per_second(&self) -> Option<f64> {
        self.max_requests_per_second
    }

    /// Whether the server must prove who it is.
    pub fn get_verify(&self) -> bool {
        self.verify
    }

    /// How many requests are in flight at once.
    pub fn get_connections(&self) -> usize {
        self.connections
    }

    /// The limit set by [`body_limit`](Config::body_limit).
    pub fn get_body_limit(&self) -> u64 {
        self.body_limit
    }

    /// The limit set by [`header_limit`](Config::header_limit).
    pub fn get_header_limit(&self) -> usize {
        self.header_limit
    }

    /// The limit set by [`text_limit`](Config::text_limit).
    pub fn get_text_limit(&self) -> usize {
        self.text_limit
    }

    /// The limit set by [`depth_limit`](Config::depth_limit).
    pub fn get_depth_limit(&self) -> usize {
        self.depth_limit
    }

    /// The limit set by [`object_limit`](Config::object_limit).
    pub fn get_object_limit(&self) -> usize {
        self.object_limit
    }

    /// The limit set by [`connect_timeout`](Config::connect_timeout).
    pub fn get_connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The limit set by [`first_byte_timeout`](Config::first_byte_timeout).
    pub fn get_first_byte_timeout(&self) -> Duration {
        self.first_byte_timeout
    }

    /// The limit set by [`silence_timeout`](Config::silence_timeout).
    pub fn get_silence_timeout(&self) -> Duration {
        self.silence_timeout
    }

    /// The limit set by [`request_timeout`](Config::request_timeout).
    pub fn get_request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// The limit set by [`action_timeout`](Config::action_timeout).
    pub fn get_action_timeout(&self) -> Duration {
        self.action_timeout
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.origin)
            .field("credentials", &self.credentials)
            .field("core_servers", &self.core_servers)
            .field("kinds", &self.kinds)
            .field("events", &self.events)
            .field("max_requests_per_second", &self.max_requests_per_second)
            .field("ca_file", &self.ca_file)
            .field("client_cert", &self.client_cert)
            .field("verify", &self.verify)
            .field("proxy", &self.proxy)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

//! The URL of a server or a proxy, taken apart. No error here repeats a piece of the URL: it may hold a password.

use std::fmt;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use super::Secret;
use crate::error::{Code, Error, Result};
use crate::path::PREFIX;

/// Where a server listens: scheme, host and port.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `https` rather than `http`.
    pub(crate) tls: bool,
    /// A name in lower case, an IPv4 address, or an IPv6 address without brackets.
    pub(crate) host: String,
    /// Always present, also where it is the default.
    pub(crate) port: u16,
}

impl Origin {
    /// The host as it stands in a URL: an IPv6 address in brackets.
    pub(crate) fn host_in_url(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host_in_url(), self.port)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A URL taken apart.
pub(super) struct Parts {
    pub(super) origin: Origin,
    pub(super) credentials: Option<(String, Secret)>,
}

/// Takes the URL of an iSymphony server apart.
pub(super) fn server(url: &str) -> Result<Parts> {
    let (parts, path) = parse(url, "the server's URL", 58080, 55050)?;
    let path = path.trim_start_matches('/').trim_end_matches('/');
    // Each of `communication_manager`, `communication_manager/rest` and `communication_manager/rest/live` will do.
    let prefix = PREFIX.trim_end_matches('/');
    let known = path.is_empty()
        || prefix == path
        || prefix.strip_prefix(path).is_some_and(|rest| rest.starts_with('/') && !path.contains("//"));
    if !known {
        return Err(config(
            "the server's URL has a path that is not known; leave it out, or let it be /communication_manager. \
             If the password holds a '/', write %2F",
        ));
    }
    Ok(parts)
}

/// Takes the URL of a proxy apart.
pub(super) fn proxy(url: &str) -> Result<Parts> {
    let (parts, path) = parse(url, "the proxy's URL", 80, 443)?;
    if !matches!(path, "" | "/") {
        return Err(config("the proxy's URL has a path; it is scheme://user:password@host:port and nothing more"));
    }
    Ok(parts)
}

fn parse<'a>(url: &'a str, what: &str, http: u16, https: u16) -> Result<(Parts, &'a str)> {
    if url.is_empty() {
        return Err(config(format!("{what} is empty; write it as in http://pbx:58080")));
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(config(format!("{what} holds a blank or a control character; percent-encode it, or take it out")));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(config(format!("{what} has no scheme; write http:// or https:// in front")));
    };
    let tls = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => false,
        _ if scheme.eq_ignore_ascii_case("https") => true,
        _ => return Err(config(format!("{what} has a scheme that is not supported; it must be http or https"))),
    };
    if rest.contains(['?', '#']) {
        return Err(config(format!(
            "{what} has a query or a fragment; take it out. In a password write %3F for '?' and %23 for '#'"
        )));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (userinfo, host_port) = match authority.rsplit_once('@') {
        Some((userinfo, host_port)) => (Some(userinfo), host_port),
        None => (None, authority),
    };
    let (host, port) = match host_port.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((host, "")) if is_v6(host) => (host, None),
            Some((host, port)) if is_v6(host) && port.starts_with(':') => (host, Some(&port[1..])),
            _ => return Err(config(format!("{what} has brackets without an IPv6 address in them"))),
        },
        None => match host_port.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(config(format!("{what}: an IPv6 address stands in brackets, as in http://[::1]:58080")));
            }
            Some((host, port)) => (host, Some(port)),
            None => (host_port, None),
        },
    };
    if host.is_empty() {
        return Err(config(format!("{what} has no host")));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if !is_v6(host) && !host.bytes().all(allowed) {
        return Err(config(format!(
            "{what} has a host with characters that a host name cannot hold; write an international name in its \
             ASCII form (xn--…), and percent-encode '/' and '@' in a password"
        )));
    }
    let port = match port {
        None if tls => https,
        None => http,
        Some(digits) => {
            let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten();
            number.filter(|&port| port != 0).ok_or_else(|| {
                config(format!(
                    "{what} has a port that is not a number from 1 to 65535; percent-encode '/' and '@' in a password"
                ))
            })?
        }
    };
    let credentials = userinfo.map(|text| userinfo_parts(what, text)).transpose()?;
    Ok((Parts { origin: Origin { tls, host: host.to_ascii_lowercase(), port }, credentials }, path))
}

fn is_v6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}

fn userinfo_parts(what: &str, userinfo: &str) -> Result<(String, Secret)> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text: &str, part: &str| {
        let bytes = text.as_bytes();
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if (0..bytes.len()).any(|at| bytes[at] == b'%' && !(hex(at + 1) && hex(at + 2))) {
            return Err(config(format!(
                "{what}: the {part} holds a '%' without two hexadecimal digits behind it; write %25 for '%'"
            )));
        }
        match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(config(format!("{what}: the {part} is not UTF-8 once percent-decoded"))),
        }
    };
    let user = decode(user, "user name")?;
    let password = Secret::from(decode(password, "password")?);
    check_user(&user)?;
    Ok((user, password))
}

/// Refuses what HTTP Basic cannot carry.
pub(super) fn check_user(user: &str) -> Result<()> {
    if user.is_empty() {
        return Err(config("the user name is empty"));
    }
    if user.contains(|c: char| c == ':' || c.is_control()) {
        return Err(config("the user name holds ':' or a control character, which HTTP Basic cannot carry"));
    }
    Ok(())
}

fn config(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::Config, message)
}

//! One error type for the whole library: a stable code, a message that says what to do, and what the server said.

use std::borrow::Cow;
use std::fmt;

/// The result of a fallible call of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a number that never changes its meaning.
///
/// The same numbers are the `isym_status` of the C interface and the `code` of the Python exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[non_exhaustive]
pub enum Code {
    /// A setting is invalid or contradicts another one. Raised when a configuration is built, never later.
    Config = 1,
    /// The server could not be reached: name resolution, connect, TLS, or the connection broke.
    ConnectionFailed = 2,
    /// A call took longer than its time limit.
    TimedOut = 3,
    /// The first whole snapshot did not come within the time the caller wanted to wait.
    SyncTimeout = 4,
    /// HTTP 401: the user name or the password is wrong.
    Auth = 5,
    /// HTTP 403: the address of this machine is not in the server's white list, or the credentials may not do this.
    Forbidden = 6,
    /// Nothing has that name, id or path.
    NotFound = 7,
    /// More than one object has that name; the message lists them.
    Ambiguous = 8,
    /// What is known is older than the caller allows.
    Stale = 9,
    /// The server refused an action; its words are in `server_message`.
    Rejected = 10,
    /// An action was sent, and whether it was carried out is not known. It is never sent again by itself.
    OutcomeUnknown = 11,
    /// The server, the catalogue or this build does not have what was asked for.
    Unsupported = 12,
    /// The client is closed.
    Closed = 13,
    /// A path is malformed; the message says where and why.
    InvalidPath = 14,
    /// An argument is malformed or out of its range; the message names it.
    InvalidArgument = 15,
    /// The server's answer is not what the Live API promises: not JSON, cut short, too large, too deeply nested.
    BadAnswer = 16,
    /// The server answered with an error that may pass by itself (5xx, 429).
    ServerError = 17,
    /// A defect in this library; please report it. Reads of the last snapshot go on.
    Internal = 18,
}

impl Code {
    /// Every code, in the order of the numbers.
    pub const ALL: [Code; 18] = [
        Code::Config,
        Code::ConnectionFailed,
        Code::TimedOut,
        Code::SyncTimeout,
        Code::Auth,
        Code::Forbidden,
        Code::NotFound,
        Code::Ambiguous,
        Code::Stale,
        Code::Rejected,
        Code::OutcomeUnknown,
        Code::Unsupported,
        Code::Closed,
        Code::InvalidPath,
        Code::InvalidArgument,
        Code::BadAnswer,
        Code::ServerError,
        Code::Internal,
    ];

    /// The name of the code in `snake_case`, as the Python exceptions and the contract cases use it.
    pub fn name(self) -> &'static str {
        match self {
            Code::Config => "config",
            Code::ConnectionFailed => "connection_failed",
            Code::TimedOut => "timed_out",
            Code::SyncTimeout => "sync_timeout",
            Code::Auth => "auth",
            Code::Forbidden => "forbidden",
            Code::NotFound => "not_found",
            Code::Ambiguous => "ambiguous",
            Code::Stale => "stale",
            Code::Rejected => "rejected",
            Code::OutcomeUnknown => "outcome_unknown",
            Code::Unsupported => "unsupported",
            Code::Closed => "closed",
            Code::InvalidPath => "invalid_path",
            Code::InvalidArgument => "invalid_argument",
            Code::BadAnswer => "bad_answer",
            Code::ServerError => "server_error",
            Code::Internal => "internal",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error: a [`Code`], a message for a person, and what is known of the server's answer.
///
/// No error text ever holds a password.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    http_status: Option<u16>,
    server_message: Option<String>,
    retryable: Option<bool>,
    retry_after: Option<std::time::Duration>,
}

/// The server's own words are kept up to this many bytes.
const SERVER_MESSAGE_LIMIT: usize = 2048;

impl Error {
    /// An error with a message.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            http_status: None,
            server_message: None,
            retryable: None,
            retry_after: None,
        }))
    }

    /// Adds the HTTP status the server answered with.
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Adds the server's own words, cut to 2 048 bytes; control characters become spaces.
    pub fn with_server_message(mut self, text: &str) -> Self {
        let mut words = String::with_capacity(text.len().min(SERVER_MESSAGE_LIMIT));
        for c in text.trim().chars() {
            if words.len() + c.len_utf8() > SERVER_MESSAGE_LIMIT {
                break;
            }
            words.push(if c.is_control() { ' ' } else { c });
        }
        self.0.server_message = (!words.is_empty()).then_some(words);
        self
    }

    /// Says whether the same call may work later, where the code alone does not tell.
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// Adds how long the server asked to wait before the next try.
    pub fn with_retry_after(mut self, wait: std::time::Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same error under another code.
    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// The same error with `context: ` in front of its message.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message).into();
        self
    }

    /// What went wrong, as a stable number.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What went wrong, for a person, without the server's words.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status the server answered with, if it answered.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The plain text the server gave as its reason, if it gave one.
    pub fn server_message(&self) -> Option<&str> {
        self.0.server_message.as_deref()
    }

    /// How long the server asked to wait (`Retry-After`), if it did.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.0.retry_after
    }

    /// Whether the same call may work later without a change of settings.
    pub fn retryable(&self) -> bool {
        self.0.retryable.unwrap_or(matches!(
            self.0.code,
            Code::ConnectionFailed
                | Code::TimedOut
                | Code::SyncTimeout
                | Code::Stale
                | Code::ServerError
                | Code::BadAnswer
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match (self.0.http_status, &self.0.server_message) {
            (Some(status), Some(words)) => write!(f, " (HTTP {status}; the server says: {words})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(words)) => write!(f, " (the server says: {words})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {self})", self.0.code)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gaps_and_never_renumbered() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, i + 1);
        }
        assert_eq!(Code::NotFound as u32, 7);
        assert_eq!(Code::Internal as u32, 18);
    }

    #[test]
    fn the_servers_words_are_bounded_and_free_of_control_characters() {
        let error = Error::new(Code::Rejected, "refused")
            .with_http_status(412)
            .with_server_message(&format!("bad\u{1b}[31m\r\n{}", "ü".repeat(5000)));
        let words = error.server_message().unwrap();
        assert!(words.len() <= SERVER_MESSAGE_LIMIT && words.starts_with("bad [31m"));
        assert!(error.to_string().starts_with("refused (HTTP 412; the server says: bad "));
    }
}

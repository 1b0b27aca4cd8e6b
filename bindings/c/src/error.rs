//! What a call answers: `isym_status`, and `isym_error` with the words. The one way from the core's errors to both.

use isymphony_core::{Code, Error};

use crate::guard;
use crate::str::{Text, isym_str};

/// What became of a call. The numbers never change their meaning; later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_status {
    /// The call did what it was asked for.
    ISYM_OK = 0,
    /// A setting is invalid or contradicts another one.
    ISYM_CONFIG = 1,
    /// The server could not be reached: name resolution, connect, TLS, or the connection broke.
    ISYM_CONNECTION_FAILED = 2,
    /// A call took longer than its time limit.
    ISYM_TIMED_OUT = 3,
    /// The first whole snapshot did not come within the time the caller wanted to wait.
    ISYM_SYNC_TIMEOUT = 4,
    /// HTTP 401: the user name or the password is wrong.
    ISYM_AUTH = 5,
    /// HTTP 403: this machine is not in the server's white list, or the credentials may not do this.
    ISYM_FORBIDDEN = 6,
    /// Nothing has that name, id or path; or a position is beyond the end.
    ISYM_NOT_FOUND = 7,
    /// More than one object has that name.
    ISYM_AMBIGUOUS = 8,
    /// What is known is older than the caller allows.
    ISYM_STALE = 9,
    /// The server refused an action; its words are in isym_error_server_message.
    ISYM_REJECTED = 10,
    /// An action was sent, and whether it was carried out is not known. It is never sent again by itself.
    ISYM_OUTCOME_UNKNOWN = 11,
    /// The server, the catalogue or this build does not have what was asked for.
    ISYM_UNSUPPORTED = 12,
    /// The client is closed.
    ISYM_CLOSED = 13,
    /// A path is malformed; the message says where and why.
    ISYM_INVALID_PATH = 14,
    /// An argument is NULL, malformed or out of its range; the message names it.
    ISYM_INVALID_ARGUMENT = 15,
    /// The server's answer is not what the Live API promises.
    ISYM_BAD_ANSWER = 16,
    /// The server answered with an error that may pass by itself (5xx, 429).
    ISYM_SERVER_ERROR = 17,
    /// A defect in this library, please report it. Reads of the last snapshot go on.
    #[default]
    ISYM_INTERNAL = 18,
}

impl From<Code> for isym_status {
    fn from(code: Code) -> isym_status {
        match code {
            Code::Config => isym_status::ISYM_CONFIG,
            Code::ConnectionFailed => isym_status::ISYM_CONNECTION_FAILED,
            Code::TimedOut => isym_status::ISYM_TIMED_OUT,
            Code::SyncTimeout => isym_status::ISYM_SYNC_TIMEOUT,
            Code::Auth => isym_status::ISYM_AUTH,
            Code::Forbidden => isym_status::ISYM_FORBIDDEN,
            Code::NotFound => isym_status::ISYM_NOT_FOUND,
            Code::Ambiguous => isym_status::ISYM_AMBIGUOUS,
            Code::Stale => isym_status::ISYM_STALE,
            Code::Rejected => isym_status::ISYM_REJECTED,
            Code::OutcomeUnknown => isym_status::ISYM_OUTCOME_UNKNOWN,
            Code::Unsupported => isym_status::ISYM_UNSUPPORTED,
            Code::Closed => isym_status::ISYM_CLOSED,
            Code::InvalidPath => isym_status::ISYM_INVALID_PATH,
            Code::InvalidArgument => isym_status::ISYM_INVALID_ARGUMENT,
            Code::BadAnswer => isym_status::ISYM_BAD_ANSWER,
            Code::ServerError => isym_status::ISYM_SERVER_ERROR,
            _ => isym_status::ISYM_INTERNAL,
        }
    }
}

/// What went wrong: a status, the words, and what is known of the server's answer. Immutable.
///
/// Made by a call that failed, and only if its last argument was not NULL. The caller frees it with isym_error_free. No
/// error text ever holds a password. May be used on any number of threads at once.
#[derive(Clone)]
pub struct isym_error {
    error: Error,
    message: Text,
    server_message: Option<Text>,
}

impl isym_error {
    pub(crate) fn new(error: Error) -> isym_error {
        let message = Text::new(error.to_string());
        let server_message = error.server_message().map(Text::from);
        isym_error { error, message, server_message }
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        self.message.as_str()
    }
}

/// The name of a status in snake case, as in "not_found"; "ok" for ISYM_OK. Empty for a number that is no status.
///
/// The text lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn isym_status_name(status: u32) -> isym_str {
    guard::plain(|| match status {
        0 => isym_str::from_static(c"ok"),
        _ => NAMES.get(status as usize - 1).copied().map(isym_str::from_static).unwrap_or_default(),
    })
}

/// The names of the codes, in the order of the numbers.
const NAMES: [&std::ffi::CStr; 18] = [
    c"config",
    c"connection_failed",
    c"timed_out",
    c"sync_timeout",
    c"auth",
    c"forbidden",
    c"not_found",
    c"ambiguous",
    c"stale",
    c"rejected",
    c"outcome_unknown",
    c"unsupported",
    c"closed",
    c"invalid_path",
    c"invalid_argument",
    c"bad_answer",
    c"server_error",
    c"internal",
];

/// The status of an error; ISYM_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_code(error: Option<&isym_error>) -> isym_status {
    guard::quiet(|| error.map_or(isym_status::ISYM_OK, |error| error.error.code().into()))
}

/// What went wrong, for a person: names the thing, says what to do, and quotes the server. Empty for NULL.
///
/// Borrowed from the error.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_message(error: Option<&isym_error>) -> isym_str {
    guard::plain(|| error.map(|error| error.message.borrow()).unwrap_or_default())
}

/// The HTTP status the server answered with; 0 where it did not answer, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_http_status(error: Option<&isym_error>) -> u16 {
    guard::plain(|| error.and_then(|error| error.error.http_status()).unwrap_or_default())
}

/// The plain text the server gave as its reason, at most 2048 bytes, without control characters; empty where it gave
/// none, and for NULL.
///
/// Borrowed from the error.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_server_message(error: Option<&isym_error>) -> isym_str {
    guard::plain(|| error.and_then(|error| error.server_message.as_ref()).map(Text::borrow).unwrap_or_default())
}

/// Whether the same call may work later without a change of settings. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_retryable(error: Option<&isym_error>) -> bool {
    guard::plain(|| error.is_some_and(|error| error.error.retryable()))
}

/// Frees an error. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_error_free(error: Option<Box<isym_error>>) {
    guard::plain(|| drop(error));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_and_names_are_those_of_the_core() {
        for code in Code::ALL {
            assert_eq!(isym_status::from(code) as u32, code as u32);
            assert_eq!(format!("{:?}", isym_status::from(code)), format!("ISYM_{}", code.name().to_uppercase()));
            assert_eq!(NAMES[code as usize - 1].to_str(), Ok(code.name()));
        }
        assert_eq!(NAMES.len(), Code::ALL.len());
    }
}

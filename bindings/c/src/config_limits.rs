//! The limits of a client: how often, how long, how much.

use std::mem::MaybeUninit;

use crate::config::isym_config;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::kind::checked;
use crate::time;

/// How many requests a second the server is asked at most. Default: 50 while polling, and the first whole snapshot as
/// fast as the server answers; a limit that is set holds for both.
///
/// Errors: ISYM_CONFIG where it is not a number from 0.001 to 1 000 000.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_max_requests_per_second(
    config: Option<&mut isym_config>,
    rate: f64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.max_requests_per_second(rate)?;
        Ok(())
    })
}

/// How many requests are in flight at once, each on a connection that is kept alive. Default: 4.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 64.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_connections(
    config: Option<&mut isym_config>,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.connections(count)?;
        Ok(())
    })
}

/// How many bytes the body of an answer may have, after decompression. Default: 256 MiB.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 2^40.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_body_limit(
    config: Option<&mut isym_config>,
    bytes: u64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.body_limit(bytes)?;
        Ok(())
    })
}

/// How many bytes the head of an answer may have. Default: 64 KiB.
///
/// Errors: ISYM_CONFIG where it is not from 1024 to 2^20.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_header_limit(
    config: Option<&mut isym_config>,
    bytes: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.header_limit(bytes)?;
        Ok(())
    })
}

/// How many bytes a text in an answer may have; an item with a longer one is refused. Default: 64 KiB.
///
/// Errors: ISYM_CONFIG where it is not from 256 to 2^30.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_text_limit(
    config: Option<&mut isym_config>,
    bytes: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.text_limit(bytes)?;
        Ok(())
    })
}

/// How deep the JSON of an answer may be nested. Default: 64.
///
/// Errors: ISYM_CONFIG where it is not from 4 to 120.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_depth_limit(
    config: Option<&mut isym_config>,
    levels: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.depth_limit(levels)?;
        Ok(())
    })
}

/// How many objects the mirror may hold. Default: 4 000 000.
///
/// Errors: ISYM_CONFIG where it is not from 1 to 2^30.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_object_limit(
    config: Option<&mut isym_config>,
    count: usize,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.object_limit(count)?;
        Ok(())
    })
}

/// How long connecting may take, in milliseconds: name resolution, then TCP, proxy and TLS together. Default: 3 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_connect_timeout(
    config: Option<&mut isym_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.connect_timeout(time::setting(ms, "ms")?)?;
        Ok(())
    })
}

/// How long the server may take until the head of its answer is in, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_first_byte_timeout(
    config: Option<&mut isym_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.first_byte_timeout(time::setting(ms, "ms")?)?;
        Ok(())
    })
}

/// How long the server may be silent in the middle of an answer, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_silence_timeout(
    config: Option<&mut isym_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.silence_timeout(time::setting(ms, "ms")?)?;
        Ok(())
    })
}

/// How long a request may take in all, in milliseconds. Default: 120 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_request_timeout(
    config: Option<&mut isym_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.request_timeout(time::setting(ms, "ms")?)?;
        Ok(())
    })
}

/// How long an action may take in all where the call does not say, in milliseconds. Default: 10 s.
///
/// Errors: ISYM_CONFIG where it is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_action_timeout(
    config: Option<&mut isym_config>,
    ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.action_timeout(time::setting(ms, "ms")?)?;
        Ok(())
    })
}

/// How long to wait after a failure, in milliseconds: from `min_ms`, doubling, up to `max_ms`, with full jitter.
/// Default: 0.5 s to 60 s.
///
/// Errors: ISYM_CONFIG where `min_ms` is zero or longer than `max_ms`, or `max_ms` is longer than a day, or
/// ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_backoff(
    config: Option<&mut isym_config>,
    min_ms: i64,
    max_ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.backoff(time::setting(min_ms, "min_ms")?, time::setting(max_ms, "max_ms")?)?;
        Ok(())
    })
}

/// How often a kind (isym_kind) is asked for: never more often than every `min_ms`, never less often than every
/// `max_ms`. Defaults: call segments and agents 1 to 5 s; status 2 to 15 s; logins and statistics 5 to 60 s; all
/// others 5 to 30 s.
///
/// Errors: ISYM_CONFIG where `min_ms` is zero or longer than `max_ms`, or `max_ms` is longer than a day, or
/// ISYM_INVALID_ARGUMENT where a time is negative or `kind` is no kind.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_cadence(
    config: Option<&mut isym_config>,
    kind: u32,
    min_ms: i64,
    max_ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        need(config, "config")?.edit()?.cadence(
            checked(kind, "kind")?,
            time::setting(min_ms, "min_ms")?,
            time::setting(max_ms, "max_ms")?,
        )?;
        Ok(())
    })
}

/// How long the socket of the events may be silent before the server is asked for a sign of life, and how long it may take
/// to give one before the socket is opened anew, in milliseconds. Default: 30 s and 10 s.
///
/// Errors: ISYM_CONFIG where one of them is zero or longer than a day, or ISYM_INVALID_ARGUMENT where a time is negative.
#[unsafe(no_mangle)]
pub extern "C" fn isym_config_set_event_silence(
    config: Option<&mut isym_config>,
    silence_ms: i64,
    answer_ms: i64,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (silence, answer) = (time::setting(silence_ms, "silence_ms")?, time::setting(answer_ms, "answer_ms")?);
        need(config, "config")?.edit()?.event_silence(silence, answer)?;
        Ok(())
    })
}

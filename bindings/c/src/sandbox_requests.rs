//! What a sandbox was asked.

use std::mem::MaybeUninit;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::sandbox::isym_sandbox;
use crate::str::{Text, isym_str};
use crate::time;

/// The requests a sandbox had got at one moment, oldest first. Immutable; the caller frees it with isym_requests_free.
/// May be used on any number of threads at once.
pub struct isym_requests(Vec<Record>);

struct Record {
    method: Text,
    path: Text,
    body: Text,
    status: u16,
    at_ms: i64,
    authorized: bool,
}

/// One request: a value, borrowed from the isym_requests that gave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_request {
    /// The method, as in "GET".
    pub method: isym_str,
    /// The path as it was sent, percent-encoded, without `/communication_manager/rest/live/` if it began with that.
    pub path: isym_str,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: isym_str,
    /// When the request came, in milliseconds since the sandbox started.
    pub at_ms: i64,
    /// The HTTP status of the answer; 0 where a fault left the request without one.
    pub status: u16,
    /// Whether its credentials were right, or none were demanded.
    pub authorized: bool,
}

/// The requests a sandbox got, as many as its settings say. A request is in it before its answer is sent. NULL for NULL.
///
/// Made for the caller, who frees it with isym_requests_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_requests(sandbox: Option<&isym_sandbox>) -> Option<Box<isym_requests>> {
    guard::plain(|| {
        let records = sandbox?.sandbox.requests().into_iter().map(|record| Record {
            method: Text::new(record.method),
            path: Text::new(record.path),
            body: Text::new(record.body),
            status: record.status,
            at_ms: time::age(record.at),
            authorized: record.authorized,
        });
        Some(Box::new(isym_requests(records.collect())))
    })
}

/// How many requests a sandbox got since the start or the last isym_sandbox_clear_requests, forgotten ones too.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_request_count(sandbox: Option<&isym_sandbox>) -> u64 {
    guard::plain(|| sandbox.map_or(0, |sandbox| sandbox.sandbox.request_count()))
}

/// Forgets the requests and sets their count to 0.
#[unsafe(no_mangle)]
pub extern "C" fn isym_sandbox_clear_requests(sandbox: Option<&isym_sandbox>) {
    guard::plain(|| {
        if let Some(sandbox) = sandbox {
            sandbox.sandbox.clear_requests();
        }
    });
}

/// The number of requests.
#[unsafe(no_mangle)]
pub extern "C" fn isym_requests_count(requests: Option<&isym_requests>) -> usize {
    guard::plain(|| requests.map_or(0, |requests| requests.0.len()))
}

/// The request at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `requests`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_requests_at(
    requests: Option<&isym_requests>,
    position: usize,
    request: Option<&mut MaybeUninit<isym_request>>,
) -> isym_status {
    guard::quiet(|| {
        let record = requests.and_then(|requests| requests.0.get(position));
        let view = record.map(|record| isym_request {
            method: record.method.borrow(),
            path: record.path.borrow(),
            body: record.body.borrow(),
            at_ms: record.at_ms,
            status: record.status,
            authorized: record.authorized,
        });
        found(view, request)
    })
}

/// Frees requests. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_requests_free(requests: Option<Box<isym_requests>>) {
    guard::plain(|| drop(requests));
}

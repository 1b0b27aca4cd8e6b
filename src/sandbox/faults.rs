//! Faults: what goes wrong, on which requests, how often.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::http::Answer;
use super::pattern::Pattern;
use crate::path::EVENTS;

/// Where an answer stalls. A stall lasts until either side ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StallAt {
    /// Before the first byte.
    BeforeHead,
    /// After half of the status line and the headers.
    WithinHead,
    /// After half of the body.
    WithinBody,
}

/// How a `Content-Length` lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongLength {
    /// 10 more than the body has; then the connection ends.
    Longer,
    /// Half of what the body has; all of the body follows.
    Shorter,
    /// `-1`.
    Negative,
    /// Two headers that differ.
    Twice,
}

/// How a chunked body is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// A size that is no number.
    BadSize,
    /// A size beyond 64 bits.
    HugeSize,
    /// The connection ends within a chunk.
    Cut,
    /// The connection ends without the last chunk.
    NoEnd,
}

/// What goes wrong with a request.
///
/// The faults that damage an answer on its way (`Delay`, `Stall`, `Cut`, `Reset`, `Length`, `Chunks`, `Drip`,
/// `Garbage`, `Headers`, `HeaderBytes`), or what it says (`WrongTypes`, `DuplicateIds`, `DanglingParents`), let the
/// request take effect first: an action is carried out. All others stand in place of the server: nothing is carried out,
/// and no credentials are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer comes this much later.
    Delay(Duration),
    /// The answer stops in the middle.
    Stall(StallAt),
    /// The connection ends after this many bytes of the answer, counted from the status line.
    Cut(usize),
    /// As [`Fault::Cut`], with a reset (RST) of the connection.
    Reset(usize),
    /// The connection ends with no answer, and the request has no effect.
    Drop,
    /// The `Content-Length` is wrong.
    Length(WrongLength),
    /// The body is chunked, wrongly.
    Chunks(ChunkError),
    /// This many bytes that are not HTTP come in place of the answer; then the connection ends.
    Garbage(usize),
    /// A 200 with this body as `application/json`.
    Body(Vec<u8>),
    /// A 200 with a page of HTML.
    Html,
    /// This status with a plain-text reason.
    Status {
        /// The HTTP status.
        status: u16,
        /// Seconds for a `Retry-After` header.
        retry_after: Option<u64>,
    },
    /// A redirect.
    Redirect {
        /// The HTTP status, 302 or 307 for instance.
        status: u16,
        /// The `Location`.
        to: String,
    },
    /// The answer comes at this many bytes a second, at least 1.
    Drip(u32),
    /// A 200 whose body has this many bytes: one JSON array of numbers, never held in memory whole.
    Oversized(u64),
    /// A 200 whose body is this many `[`, then as many `]`.
    Nested(u64),
    /// A 200 with `Content-Encoding: gzip` whose body unpacks to this many bytes.
    GzipBomb(u64),
    /// The answer with this many further headers.
    Headers(u32),
    /// The answer with one header line of this many bytes.
    HeaderBytes(usize),
    /// The true answer, in which every value but the ids is of another JSON type: a number for a text, an object for a
    /// number, a list for an object, `null`.
    WrongTypes,
    /// The true answer, in which each object of a list comes once more with other values, and one has the id of the object
    /// that the list is below. A single object has the id of the object that it is below.
    DuplicateIds,
    /// The true answer, in which all objects name a permission, a core server, a user, an extension and a queue that do
    /// not exist; and an extension or a call of something is one that the core server does not list.
    DanglingParents,
}

impl Fault {
    /// A status without `Retry-After`.
    pub fn status(status: u16) -> Fault {
        Fault::Status { status, retry_after: None }
    }

    /// The answer that stands in place of the server's.
    pub(crate) fn replacement(&self) -> Option<Answer> {
        Some(match self {
            Fault::Body(body) => Answer::json(Arc::new(body.clone())),
            Fault::Html => {
                let page = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Error</h1></body></html>";
                Answer { body: Arc::new(page.into()), ..Answer::empty(200) }.with("Content-Type", "text/html")
            }
            Fault::Status { status, retry_after } => {
                let answer = Answer::text(*status, super::http::reason(*status));
                match retry_after {
                    Some(seconds) => answer.with("Retry-After", seconds.to_string()),
                    None => answer,
                }
            }
            Fault::Redirect { status, to } => Answer::empty(*status).with("Location", to.as_str()),
            Fault::Drop | Fault::Oversized(_) | Fault::Nested(_) | Fault::GzipBomb(_) => Answer::empty(200),
            _ => return None,
        })
    }

    /// Leaves the request without any answer.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Fault::Drop | Fault::Cut(0) | Fault::Reset(0) | Fault::Garbage(_))
            || matches!(self, Fault::Stall(StallAt::BeforeHead))
    }
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// On this many requests.
    Count(u64),
    /// For this long, from when it was set.
    For(Duration),
    /// Until [`Sandbox::clear_faults`](super::Sandbox::clear_faults).
    Forever,
}

/// The faults that are set. Each request meets the first one that fits.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: VecDeque<Rule>,
    /// How many further requests until a restart.
    restart_in: Option<u64>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    on: Pattern,
    left: u64,
    until: Option<Instant>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, on: &str, times: Times) {
        let (left, until) = match times {
            Times::Count(count) => (count, None),
            // A time too far away to be reckoned is never.
            Times::For(time) => (u64::MAX, Instant::now().checked_add(time)),
            Times::Forever => (u64::MAX, None),
        };
        self.rules.push_back(Rule { fault, on: Pattern::new(on), left, until });
    }

    pub(crate) fn restart_in(&mut self, requests: u64) {
        self.restart_in = Some(requests.max(1));
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.restart_in = None;
    }

    /// Whether the server restarts before the next request is answered, and what goes wrong with it.
    pub(crate) fn next(&mut self, method: &str, path: &str) -> (bool, Option<Fault>) {
        let restart = self.restart_in.is_some_and(|n| n <= 1);
        self.restart_in = self.restart_in.and_then(|n| n.checked_sub(1)).filter(|n| *n > 0);
        if self.rules.is_empty() {
            return (restart, None);
        }
        let now = Instant::now();
        self.rules.retain(|rule| rule.left > 0 && rule.until.is_none_or(|until| now < until));
        // A rule for all requests counts those of the Live API alone, whether somebody listens to events or not.
        let is_meant = |on: &Pattern| path != EVENTS || on.names("ws/event");
        let rule = self.rules.iter_mut().find(|rule| is_meant(&rule.on) && rule.on.matches(method, path));
        let Some(rule) = rule else {
            return (restart, None);
        };
        rule.left = if rule.left == u64::MAX { u64::MAX } else { rule.left - 1 };
        (restart, Some(rule.fault.clone()))
    }
}

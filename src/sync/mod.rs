//! The sync: one writer that keeps the snapshot true, and a few fetchers that ask the server for it.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `shared` | what the client's handles and the threads share |
//! | `writer` | the one thread that decides and publishes |
//! | `answers`, `trouble` | what it does with an answer, and with a failure |
//! | `alone` | instances of long lists that are asked for alone |
//! | `gather` | the gathering of a whole incarnation |
//! | `placing` | on which extension a call segment is |
//! | `plan` | which collection is asked for when |
//! | `fetch` | the threads that ask |
//! | `backoff` | how long to wait after a failure |
//! | `events` | the thread that listens to the server's events |
//! | `hints`, `collector` | which collections an event makes due, and how many events become few messages |

mod alone;
mod answers;
mod backoff;
mod bucket;
mod collector;
mod events;
mod fetch;
mod gather;
mod hints;
mod placing;
mod plan;
mod shared;
mod trouble;
mod writer;

use std::any::Any;

use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::snapshot::collection::Address;
use fetch::Fetched;

pub(crate) use shared::{Shared, closed};

/// What the writer is told.
pub(crate) enum Message {
    /// A fetcher has an answer.
    Fetched(Fetched),
    /// These collections may have changed: an action was carried out, or somebody waits for them.
    Urgent(Vec<Address>),
    /// Somebody wants all core servers' lists to be asked for now.
    Refresh,
    /// Events tell that these collections have changed.
    Hints(Vec<Address>),
    /// Events may have been missed: the socket was opened just now, or there were too many of them.
    EventsMissed,
    /// The settings changed in a way that makes a new try worth while now.
    Retry,
    /// The client closes.
    Close,
}

/// What a wait waits for.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    /// These collections,
    pub(crate) addresses: Vec<Address>,
    /// confirmed by a request that was sent after this.
    pub(crate) since: Moment,
}

/// The error for a panic on a thread of ours.
fn defect(what: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(Code::Internal, format!("{what}, please report it: {}", text.unwrap_or_default()))
}

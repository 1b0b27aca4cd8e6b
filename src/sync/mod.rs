//! The sync: one writer that keeps the snapshot true, and a few fetchers that ask the server for it.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `shared` | what the client's handles and the threads share |
//! | `writer` | the one thread that decides and publishes |
//! | `answers`, `trouble` | what it does with an answer, and with a failure |
//! | `gather` | the gathering of a whole incarnation |
//! | `placing` | on which extension a call segment is |
//! | `plan` | which collection is asked for when |
//! | `fetch` | the threads that ask |
//! | `backoff` | how long to wait after a failure |

mod answers;
mod backoff;
mod fetch;
mod gather;
mod placing;
mod plan;
mod shared;
mod trouble;
mod writer;

use crate::clock::Moment;
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

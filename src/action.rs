//! Actions: a POST on an instance, at most once, with one of three outcomes.
//!
//! **Before anything is sent** the target is looked up in the snapshot, and an action on what is gone is refused, unless it
//! is [forced](Options::force). Arguments are checked as far as the documentation goes.
//!
//! **At most once**: a POST is sent on a new connection, and never again once it may have reached the server. Only when the
//! server says that the target's id is unknown (404: surely not carried out), and the target's name has another id by now,
//! is the action sent to that one. An answer counts as success with a status from 200 to 299, or those an
//! [overlay](crate::overlay) lists; but a page of HTML is no answer of the API, so its outcome is unknown.
//!
//! **Time**: the time limit of a call holds for all of it. At most [`connections`](crate::Config::connections) actions of a
//! client are in flight; others wait for their turn, first come, first served. One whose time is over while it waits is
//! surely not sent, and the error ([`Code::TimedOut`]) says so.
//!
//! # The audit line
//! Every call writes exactly one line to the log, target `isymphony::action`; as information when it was accepted, else as a
//! warning. It is made of `key=value`, separated by blanks, in this order; a text stands in quotes and is escaped as in a Rust
//! literal (`\"`, `\n`, `\u{1b}`), so a name can neither end the line nor forge a key.
//!
//! | key | what it says |
//! | --- | --- |
//! | `action` | `"Extension.originate"`; for a raw POST `"post"` |
//! | `target` | the path of the target by names; `""` where it was not found |
//! | `id` | the id of the target, or `-` |
//! | `path` | the path that was posted to; `""` where nothing was sent |
//! | `args` | what is not private: destination, extension, penalty and the status's type, never its name or note |
//! | `sent` | `yes`; `no` where surely nothing was sent; `maybe` |
//! | `tries` | how many POSTs: 0, 1, or 2 after a 404 |
//! | `http` | the status of the answer, or `-` |
//! | `outcome` | `accepted`, `refused` (surely not carried out) or `unknown` |
//! | `ms` | how long it took |
//! | `code`, `error` | why, where it was not accepted: an error's code and message, without the server's words |
//!
//! | file | what lives there |
//! | --- | --- |
//! | `action` | what callers see: arguments, options, tickets |
//! | `send` | looking up, sending, judging the answer |
//! | `args` | from checked arguments to the JSON body |
//! | `gate` | the bound on actions in flight |
//! | `audit` | the log line |

mod args;
mod audit;
mod gate;
mod send;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::catalog::Kind;
use crate::clock::{Limit, Moment};
use crate::error::{Code, Error, Result};
use crate::handle::Handle;
use crate::live::Live;
use crate::snapshot::collection::{Address, Collection};
use crate::snapshot::{List, Resource, ResourceOwned, Snapshot};
use crate::sync::{Awaited, Message};

pub use args::status_like;
pub(crate) use gate::Gate;
pub(crate) use send::{Call, plain_path, post_raw};

/// The value of an action's argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A text. A destination or an extension may also be the path of a resource, `coreServers/...`.
    Text(String),
    /// A whole number; times are Unix milliseconds, `-1` for none.
    Int(i64),
    /// An id. As a destination, that of an extension, a queue or a conference room.
    Id(Uuid),
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Text(text.to_owned())
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Arg::Text(text.clone())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Arg::Int(number)
    }
}

impl From<Uuid> for Arg {
    fn from(id: Uuid) -> Self {
        Arg::Id(id)
    }
}

impl From<Resource<'_>> for Arg {
    /// The resource's id.
    fn from(resource: Resource<'_>) -> Self {
        Arg::Id(resource.id())
    }
}

impl From<&Handle> for Arg {
    /// The id of what the handle finds now, or its path.
    fn from(handle: &Handle) -> Self {
        handle.resolve().map_or_else(|_| Arg::Text(handle.path()), Arg::Id)
    }
}

/// How an action is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long it may take in all, waiting for its turn included. Default: `None`, the action timeout of the settings.
    pub timeout: Option<Duration>,
    /// Whether it is sent although the snapshot says that the target is gone. Default: `false`.
    pub force: bool,
}

impl Options {
    /// How long it may take in all.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sends it although the snapshot says that the target is gone.
    pub fn force(mut self, on: bool) -> Self {
        self.force = on;
        self
    }
}

impl From<Option<Duration>> for Options {
    fn from(timeout: Option<Duration>) -> Self {
        Options { timeout, force: false }
    }
}

/// What became of an action that was not refused. The numbers are stable: they cross the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The server said that it carried it out.
    Accepted = 1,
    /// It was sent, and what the server made of it is not known: the answer was lost, or was an error of the server. It is
    /// never sent again by itself.
    Unknown = 2,
}

impl Outcome {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Unknown => "unknown",
        }
    }
}

/// An action that was sent: its outcome, and what to wait for to see its effect.
pub struct Ticket {
    live: Live,
    outcome: Outcome,
    error: Option<Error>,
    path: String,
    /// What it may have changed; `None` where that is not known.
    touched: Option<Vec<Address>>,
    /// When the answer was there.
    since: Moment,
    calls: Option<Calls>,
}

/// Where the calls that an action started appear.
struct Calls {
    /// The call segments of the action's target.
    address: Address,
    /// The lists of call segments that the snapshot had before: the target's and its core server's.
    before: Vec<Arc<Collection>>,
}

/// Between two looks for a call, at first and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));

impl Ticket {
    /// What became of it. A refusal is an error and gives no ticket.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why the outcome is unknown: [`Code::OutcomeUnknown`].
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The path that was sent, by ids, below `communication_manager/rest/live/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Waits for a snapshot in which everything the action may have touched was read after it was carried out. Where that is
    /// not known (a raw POST, a forced action on what is not there), the list of core servers and their own lists were.
    /// `None` waits as long as it takes.
    ///
    /// # Errors
    /// [`Code::TimedOut`], [`Code::Closed`]; [`Code::Internal`] when a defect ended the sync.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Snapshot> {
        let (shared, limit, since) = (self.live.shared()?, Limit::new(timeout), self.since);
        match self.touched.clone() {
            Some(addresses) => shared.wait_for(&Awaited { addresses, since }, limit),
            None => shared.wait_for_lists(since, limit),
        }
    }

    /// The call segments that appeared for an originate: those on the extension that the snapshot did not have before. Waits for the
    /// first of them, at most `timeout` (`None`: as long as it takes); they may be gone again a moment later. The server does
    /// not say who started a call: one that began at the same moment on the same extension, or just before
    /// and was not known yet, is among them.
    ///
    /// # Errors
    /// [`Code::TimedOut`] where none appeared; [`Code::NotFound`] where the extension is gone, or the server restarted
    /// meanwhile; [`Code::Unsupported`] where the action starts no calls, or call segments are not synced; otherwise as
    /// [`Ticket::wait`].
    pub fn call_segments(&self, timeout: Option<Duration>) -> Result<Vec<ResourceOwned>> {
        let shared = self.live.shared()?;
        let Some(calls) = &self.calls else {
            return Err(Error::new(
                Code::Unsupported,
                format!("{} starts no call whose segments are known", self.path),
            ));
        };
        if calls.address.sub.is_some_and(|sub| !shared.kinds.has(sub)) {
            return Err(Error::new(Code::Unsupported, "call segments are not among what this client syncs"));
        }
        let (limit, mut pause) = (Limit::new(timeout), LOOKS.0);
        let mut awaited = Awaited { addresses: vec![calls.address], since: self.since };
        loop {
            let snapshot =
                shared.wait_for(&awaited, limit).map_err(|error| error.context("no call segment appeared"))?;
            if !snapshot.has_parent(&calls.address) {
                let message = format!("what {} was sent to is gone, and its calls with it", self.path);
                return Err(Error::new(Code::NotFound, message));
            }
            let found = calls.new_in(&snapshot);
            if !found.is_empty() {
                return Ok(found);
            }
            std::thread::sleep(limit.left().map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(LOOKS.1);
            awaited.since = Moment::now();
            shared.tell(Message::Urgent(awaited.addresses.clone()));
        }
    }
}

impl Calls {
    fn new_in(&self, snapshot: &Snapshot) -> Vec<ResourceOwned> {
        let Some(list) = snapshot.collection(&self.address) else { return Vec::new() };
        let list = List::of_collection(snapshot, list);
        let is_new = |id: Uuid| self.before.iter().all(|calls| !calls.has_id(&id));
        list.iter().filter(|call| is_new(call.id())).map(|call| call.to_owned()).collect()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} {})", self.path, self.outcome.name())
    }
}

/// Writes the audit line of a call that is refused before there is an action to carry out, since its target or what its
/// arguments follow from is not found; and gives its error.
pub fn refused(kind: Kind, action: &str, args: &[(&str, Arg)], error: Error) -> Error {
    let mut line = audit::Line::new(format!("{}.{action}", kind.name()));
    if let Some(row) = kind.row().action(action) {
        line.args(row, args);
    }
    let error = error.context("not sent");
    line.finish(&Err(error.clone()));
    error
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::InvalidArgument, message)
}

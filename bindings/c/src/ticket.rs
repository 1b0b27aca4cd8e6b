//! An action that was sent.

use std::mem::MaybeUninit;

use isymphony_core::Result;
use isymphony_core::action::{Outcome, Ticket};
use isymphony_core::snapshot::{Change, ChangeKind};

use crate::changes::isym_changes;
use crate::error::{isym_error, isym_status};
use crate::guard::{self, need};
use crate::snapshot::isym_snapshot;
use crate::str::{Text, isym_str};
use crate::time::limit;

/// An action that was sent: its outcome, and what to wait for to see its effect. Immutable; the caller frees it with
/// isym_ticket_free. It may be used on any number of threads at once, also after the client was freed.
pub struct isym_ticket {
    ticket: Ticket,
    error: Option<isym_error>,
    path: Text,
}

impl isym_ticket {
    /// Gives the caller the ticket of an action, if he wants it.
    pub(crate) fn give(ticket: Result<Ticket>, out: Option<&mut MaybeUninit<Box<isym_ticket>>>) -> Result<()> {
        let ticket = ticket?;
        if let Some(out) = out {
            let error = ticket.error().cloned().map(isym_error::new);
            let path = Text::from(ticket.path());
            out.write(Box::new(isym_ticket { ticket, error, path }));
        }
        Ok(())
    }
}

/// What became of an action that was not refused. The numbers never change their meaning.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_outcome {
    /// No outcome: the answer for NULL.
    #[default]
    ISYM_OUTCOME_NONE = 0,
    /// The server said that it carried it out.
    ISYM_OUTCOME_ACCEPTED = 1,
    /// It was sent, and what the server made of it is not known: the answer was lost, or was an error of the server. It
    /// is never sent again by itself. isym_ticket_error says why.
    ISYM_OUTCOME_UNCERTAIN = 2,
}

/// What became of an action. (A refusal is an error of the call that acts, and gives no ticket.)
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_outcome(ticket: Option<&isym_ticket>) -> isym_outcome {
    guard::plain(|| match ticket.map(|ticket| ticket.ticket.outcome()) {
        None => isym_outcome::ISYM_OUTCOME_NONE,
        Some(Outcome::Accepted) => isym_outcome::ISYM_OUTCOME_ACCEPTED,
        Some(Outcome::Unknown) => isym_outcome::ISYM_OUTCOME_UNCERTAIN,
    })
}

/// Why the outcome is not known; NULL where it is.
///
/// Borrowed from the ticket, not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_error(ticket: Option<&isym_ticket>) -> Option<&isym_error> {
    guard::plain(|| ticket.and_then(|ticket| ticket.error.as_ref()))
}

/// The path that was sent, by ids, below `communication_manager/rest/live/`; empty for NULL.
///
/// Borrowed from the ticket.
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_path(ticket: Option<&isym_ticket>) -> isym_str {
    guard::plain(|| ticket.map(|ticket| ticket.path.borrow()).unwrap_or_default())
}

/// Waits for a snapshot in which everything the action may have touched was read after it was carried out, at most
/// `timeout_ms`; negative (ISYM_FOREVER): as long as it takes.
///
/// `snapshot` may be NULL; else it is the caller's, who frees it with isym_snapshot_free.
///
/// Errors: ISYM_TIMED_OUT, ISYM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_wait(
    ticket: Option<&isym_ticket>,
    timeout_ms: i64,
    snapshot: Option<&mut MaybeUninit<Box<isym_snapshot>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let newer = need(ticket, "ticket")?.ticket.wait(limit(timeout_ms))?;
        if let Some(out) = snapshot {
            out.write(Box::new(isym_snapshot(newer)));
        }
        Ok(())
    })
}

/// Waits for the call segments that appeared for an originate, at most `timeout_ms`; negative (ISYM_FOREVER): as long as it
/// takes. They are those on the extension that the snapshot did not have before; a call that began at the same moment on the
/// same extension, or just before and was not known yet, is among them.
///
/// `segments` is the caller's, who frees it with isym_changes_free: each call segment is the `resource` of one change, of the
/// kind ISYM_CHANGE_ADDED, and stays valid until then. There is at least one.
///
/// Errors: ISYM_TIMED_OUT where none appeared, ISYM_NOT_FOUND where the extension is gone or the server restarted meanwhile,
/// ISYM_UNSUPPORTED where the action starts no calls or call segments are not synced, ISYM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_call_segments(
    ticket: Option<&isym_ticket>,
    timeout_ms: i64,
    segments: Option<&mut MaybeUninit<Box<isym_changes>>>,
    error: Option<&mut MaybeUninit<Box<isym_error>>>,
) -> isym_status {
    guard::status(error, || {
        let (ticket, out) = (need(ticket, "ticket")?, need(segments, "segments")?);
        let found = ticket.ticket.call_segments(limit(timeout_ms))?;
        let added = |segment| Change { kind: ChangeKind::Added, old: None, new: Some(segment), event: None };
        out.write(Box::new(isym_changes(found.into_iter().map(added).collect())));
        Ok(())
    })
}

/// Frees a ticket. The action is not concerned. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_ticket_free(ticket: Option<Box<isym_ticket>>) {
    guard::plain(|| drop(ticket));
}

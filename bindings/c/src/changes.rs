//! What changed between two snapshots.

use std::mem::MaybeUninit;

use isymphony_core::snapshot::{Change, ChangeKind, ResourceOwned};

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::resource::isym_resource;
use crate::str::isym_str;

/// What changed between two snapshots. Immutable. Holds its own pins of both, so all that it gives stays valid until it
/// is freed, whatever becomes of the snapshots. The caller frees it with isym_changes_free. May be used on any number
/// of threads at once.
pub struct isym_changes(pub(crate) Vec<Change>);

/// The kind of a change. The numbers never change their meaning; later versions may add further ones.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_change_kind {
    /// No change: what an empty change has.
    #[default]
    ISYM_CHANGE_NONE = 0,
    /// The resource is new.
    ISYM_CHANGE_ADDED = 1,
    /// A property of the resource changed, or it moved: a call segment that is on another extension now.
    ISYM_CHANGE_CHANGED = 2,
    /// The resource is gone.
    ISYM_CHANGE_REMOVED = 3,
    /// The core server restarted: all ids are new. There are no single changes for what is below it.
    ISYM_CHANGE_EPOCH_CHANGED = 4,
    /// The server sent an event. Only a watch tells of events.
    ISYM_CHANGE_EVENT = 5,
}

/// One change: a value to be copied at will, borrowed from the isym_changes or the isym_watch that gave it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_change {
    /// What happened.
    pub kind: isym_change_kind,
    /// The resource as it is now, or as it was last; empty only for an event.
    pub resource: isym_resource,
    /// The resource before; empty when it was added.
    pub before: isym_resource,
    /// The resource after; empty when it was removed.
    pub after: isym_resource,
    /// The type of the event, as in `hangup`; empty unless it is one.
    pub event_type: isym_str,
    /// The event as it came: the text of a JSON object; empty unless it is one.
    pub event: isym_str,
}

impl From<&Change> for isym_change {
    fn from(change: &Change) -> isym_change {
        let view = |resource: &Option<ResourceOwned>| resource.as_ref().map(|r| r.get().into()).unwrap_or_default();
        isym_change {
            kind: match change.kind {
                ChangeKind::Added => isym_change_kind::ISYM_CHANGE_ADDED,
                ChangeKind::Changed => isym_change_kind::ISYM_CHANGE_CHANGED,
                ChangeKind::Removed => isym_change_kind::ISYM_CHANGE_REMOVED,
                ChangeKind::EpochChanged => isym_change_kind::ISYM_CHANGE_EPOCH_CHANGED,
                ChangeKind::Event => isym_change_kind::ISYM_CHANGE_EVENT,
            },
            resource: change.resource().map(isym_resource::from).unwrap_or_default(),
            before: view(&change.old),
            after: view(&change.new),
            ..isym_change::default()
        }
    }
}

/// The number of changes.
#[unsafe(no_mangle)]
pub extern "C" fn isym_changes_count(changes: Option<&isym_changes>) -> usize {
    guard::plain(|| changes.map_or(0, |changes| changes.0.len()))
}

/// The change at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `changes`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_changes_at(
    changes: Option<&isym_changes>,
    position: usize,
    change: Option<&mut MaybeUninit<isym_change>>,
) -> isym_status {
    guard::quiet(|| found(changes.and_then(|changes| changes.0.get(position)).map(isym_change::from), change))
}

/// Frees changes, and their pins of the snapshots. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_changes_free(changes: Option<Box<isym_changes>>) {
    guard::plain(|| drop(changes));
}

//! Where the current snapshot is: one writer replaces it, any number of readers pin it, without a lock.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{Inner, Snapshot};

/// The cell. arc-swap is used here and nowhere else for snapshots.
pub(crate) struct Cell {
    current: ArcSwap<Inner>,
    /// Snapshots that were replaced and that a reader may still hold: kept until the writer is the last owner, so that
    /// a reader never pays for freeing one. Only the writer locks it.
    retired: Mutex<Vec<Arc<Inner>>>,
}

impl Cell {
    pub(crate) fn new(snapshot: Snapshot) -> Cell {
        Cell { current: ArcSwap::new(snapshot.0), retired: Mutex::default() }
    }

    /// A pin of the current snapshot.
    #[inline]
    pub(crate) fn pin(&self) -> Snapshot {
        Snapshot(self.current.load_full())
    }

    /// Replaces the current snapshot.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        let old = self.current.swap(snapshot.0);
        self.retired().push(old);
        self.sweep();
    }

    /// Frees what no reader holds any more. Says how many are still held.
    pub(crate) fn sweep(&self) -> usize {
        let mut retired = self.retired();
        // What only this list owns can gain no new owner: readers clone from the current one or from their own pin.
        retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        retired.len()
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Inner>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

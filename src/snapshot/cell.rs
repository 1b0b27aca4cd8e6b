//! Where the current snapshot is: one writer replaces it, any number of readers pin it, without a lock.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Inner, Snapshot};

/// The cell. arc-swap is used here and nowhere else for snapshots.
pub(crate) struct Cell(ArcSwap<Inner>);

impl Cell {
    pub(crate) fn new(snapshot: Snapshot) -> Cell {
        Cell(ArcSwap::new(snapshot.0))
    }

    /// A pin of the current snapshot.
    #[inline]
    pub(crate) fn pin(&self) -> Snapshot {
        Snapshot(self.0.load_full())
    }

    /// Replaces the current snapshot. Only the writer calls this.
    pub(crate) fn publish(&self, snapshot: Snapshot, retired: &mut Retired) {
        retired.0.push(self.0.swap(snapshot.0));
        retired.sweep();
    }
}

/// Snapshots that were replaced and that a reader may still hold. The writer keeps them until it is their last owner, so
/// that a reader never pays for freeing one.
#[derive(Default)]
pub(crate) struct Retired(Vec<Arc<Inner>>);

impl Retired {
    /// Frees what no reader holds any more. Says how many are still held.
    pub(crate) fn sweep(&mut self) -> usize {
        // What only this list owns can gain no new owner: readers clone from the current one or from their own pin.
        self.0.retain(|snapshot| Arc::strong_count(snapshot) > 1);
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::KindSet;
    use crate::snapshot::draft::Draft;

    /// Several cells under load never give another cell's value: arc-swap before 1.9.5 did.
    #[test]
    fn cells_never_give_each_others_values() {
        const CELLS: u64 = 4;
        let at = |generation, epoch| {
            let draft = Draft::from_snapshot(&Draft::nothing(KindSet::ALL));
            draft.finish(generation, epoch, crate::snapshot::Source::Live, KindSet::ALL)
        };
        let cells: Vec<Cell> = (0..CELLS).map(|cell| Cell::new(at(0, cell))).collect();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        for (expected, cell) in (0..CELLS).zip(&cells) {
                            let (a, b) = (cell.pin(), cell.pin());
                            assert_eq!((a.epoch(), b.epoch()), (expected, expected));
                            assert!(a.generation() <= b.generation());
                        }
                    }
                });
            }
            let mut retired = Retired::default();
            for generation in 1..20_000 {
                for (epoch, cell) in (0..CELLS).zip(&cells) {
                    cell.publish(at(generation, epoch), &mut retired);
                }
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}

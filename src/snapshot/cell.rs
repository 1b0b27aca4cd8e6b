//! Where the current snapshot is: one writer replaces it, any number of readers pin it, without a lock.

use std::cell::Cell as Own;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use arc_swap::ArcSwap;

use super::{Inner, Snapshot};

/// One of several owners of the same content, with a count of pins on a cache line of its own: threads that pin at the same time
/// would wait for each other's caches if all counted on one.
#[repr(align(64))]
pub(crate) struct Share(Arc<Inner>);

impl Deref for Share {
    type Target = Inner;

    #[inline]
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Snapshot {
    pub(super) fn new(inner: Inner) -> Snapshot {
        Snapshot(Arc::new(Share(Arc::new(inner))))
    }
}

/// So many threads pin without getting in each other's way.
const SHARES: usize = 8;

/// A snapshot that is published.
struct Published([Arc<Share>; SHARES]);

impl Published {
    fn new(snapshot: Snapshot) -> Arc<Published> {
        let share = |_| Arc::new(Share(snapshot.0.0.clone()));
        Arc::new(Published(std::array::from_fn(share)))
    }

    /// Whether no reader holds it, nor is about to.
    fn is_unused(self: &Arc<Published>) -> bool {
        let nobody_is_about_to = Arc::strong_count(self) == 1;
        fence(Ordering::Acquire); // Who was about to has counted before.
        nobody_is_about_to && self.0.iter().all(|share| Arc::strong_count(share) == 1)
    }
}

/// On which share this thread counts.
#[inline]
fn own_share() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: Own<usize> = const { Own::new(usize::MAX) });
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(THREADS.fetch_add(1, Ordering::Relaxed) % SHARES);
        }
        own.get()
    })
}

/// The cell. arc-swap is used here and nowhere else for snapshots.
pub(crate) struct Cell(ArcSwap<Published>);

impl Cell {
    pub(crate) fn new(snapshot: Snapshot) -> Cell {
        Cell(ArcSwap::new(Published::new(snapshot)))
    }

    /// A pin of the current snapshot.
    #[inline]
    pub(crate) fn pin(&self) -> Snapshot {
        Snapshot(self.0.load().0[own_share()].clone())
    }

    /// Replaces the current snapshot. Only the writer calls this.
    pub(crate) fn publish(&self, snapshot: Snapshot, retired: &mut Retired) {
        retired.0.push(self.0.swap(Published::new(snapshot)));
        retired.sweep();
    }
}

/// Snapshots that were replaced and that a reader may still hold. The writer keeps them until it is their last owner, so
/// that a reader never pays for freeing one.
#[derive(Default)]
pub(crate) struct Retired(Vec<Arc<Published>>);

impl Retired {
    /// Frees what no reader holds any more. Says how many are still held.
    pub(crate) fn sweep(&mut self) -> usize {
        // What only this list owns can gain no new owner: readers clone from the current one or from their own pin.
        self.0.retain(|snapshot| !snapshot.is_unused());
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

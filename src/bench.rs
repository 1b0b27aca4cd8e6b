//! What the benches reach of the inside: the cell that readers pin from, published into without a sync.

use std::sync::Arc;

use crate::Snapshot;
use crate::catalog::KindSet;
use crate::snapshot::cell::{Cell, Retired};
use crate::snapshot::draft::Draft;

/// Publishes as the sync does, and frees what no reader holds any more.
pub struct Publisher {
    cell: Arc<Cell>,
    retired: Retired,
    generation: u64,
}

/// Pins what was published last, as a client does.
#[derive(Clone)]
pub struct Reader(Arc<Cell>);

impl Publisher {
    /// With something to read.
    pub fn new(first: Snapshot) -> Publisher {
        Publisher { cell: Arc::new(Cell::new(first)), retired: Retired::default(), generation: 1 }
    }

    /// A reader of what is published.
    pub fn reader(&self) -> Reader {
        Reader(self.cell.clone())
    }

    /// Publishes a new snapshot, of the parts that this one is made of.
    pub fn publish(&mut self, parts: &Snapshot) {
        self.generation += 1;
        let next = Draft::from_snapshot(parts).finish(self.generation, 1, parts.source(), KindSet::ALL);
        self.cell.publish(next, &mut self.retired);
    }
}

impl Reader {
    /// A pin of the current snapshot.
    #[inline]
    pub fn pin(&self) -> Snapshot {
        self.0.pin()
    }
}

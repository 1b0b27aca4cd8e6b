//! What a client counted.

use std::mem::MaybeUninit;

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::live::isym_live;
use crate::str::{Text, isym_str};

/// What a client counted since it was opened, at one moment. Immutable; the caller frees it with isym_metrics_free. May
/// be used on any number of threads at once.
pub struct isym_metrics(Vec<(Text, u64)>);

/// One number: a value, borrowed from the isym_metrics that gave it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct isym_metric {
    /// Its name in snake case, as in "requests".
    pub name: isym_str,
    /// The number.
    pub value: u64,
}

/// What a client counted since it was opened. NULL for NULL.
///
/// Made for the caller, who frees it with isym_metrics_free.
#[unsafe(no_mangle)]
pub extern "C" fn isym_live_metrics(live: Option<&isym_live>) -> Option<Box<isym_metrics>> {
    guard::plain(|| {
        let metrics = live?.0.metrics().into_iter().map(|(name, value)| (Text::from(name), value));
        Some(Box::new(isym_metrics(metrics.collect())))
    })
}

/// How many numbers there are.
#[unsafe(no_mangle)]
pub extern "C" fn isym_metrics_count(metrics: Option<&isym_metrics>) -> usize {
    guard::plain(|| metrics.map_or(0, |metrics| metrics.0.len()))
}

/// The number at a position, counted from 0.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from `metrics`.
#[unsafe(no_mangle)]
pub extern "C" fn isym_metrics_at(
    metrics: Option<&isym_metrics>,
    position: usize,
    metric: Option<&mut MaybeUninit<isym_metric>>,
) -> isym_status {
    guard::quiet(|| {
        let entry = metrics.and_then(|metrics| metrics.0.get(position));
        found(entry.map(|(name, value)| isym_metric { name: name.borrow(), value: *value }), metric)
    })
}

/// Frees metrics. NULL is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_metrics_free(metrics: Option<Box<isym_metrics>>) {
    guard::plain(|| drop(metrics));
}

//! How long to wait after a failure: exponential, with full jitter and a cap.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::error::Error;

/// The first wait is spread over this many times the shortest one, so that many clients that lost the same server do not
/// come back together.
const SPREAD: u32 = 20;

/// A wait after the `failures`-th failure in a row (from 1) to reach the server: `min`, and at random up to twenty times `min`
/// more, doubled with each failure; at most `max`.
pub(crate) fn wait((min, max): (Duration, Duration), failures: u32) -> Duration {
    jitter(min, min.saturating_mul(SPREAD), max, failures)
}

/// The same for one collection while the server can be reached: `min`, and up to `min` more, doubled with each failure.
pub(crate) fn short_wait((min, max): (Duration, Duration), failures: u32) -> Duration {
    jitter(min, min, max, failures)
}

fn jitter(min: Duration, first: Duration, max: Duration, failures: u32) -> Duration {
    let window = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(max.saturating_sub(min));
    min + window.mul_f64(random())
}

/// A wait that is at least what the server asks for, and `more`, which is random: it asks many for the same at once.
pub(crate) fn asked_for(error: &Error, wait: Duration, more: Duration) -> Duration {
    error.retry_after().map_or(wait, |asked| wait.max(asked + more))
}

/// A random number from 0 to below 1.
pub(crate) fn random() -> f64 {
    let bits = std::hash::RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

    #[test]
    fn waits_stay_within_their_bounds_and_the_first_is_spread_over_ten_seconds() {
        for failures in [1, 2, 5, 20, u32::MAX] {
            let waits: Vec<_> = (0..500).map(|_| wait(BOUNDS, failures)).collect();
            assert!(waits.iter().all(|w| *w >= BOUNDS.0 && *w <= BOUNDS.1));
            let spread = *waits.iter().max().unwrap() - *waits.iter().min().unwrap();
            assert!(spread > Duration::from_secs(9), "{failures}: {spread:?}");
        }
    }
}

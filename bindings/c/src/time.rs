//! Times across the boundary: whole milliseconds in 64 bits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use isymphony_core::Result;

use crate::guard::invalid;

/// As a maximal age: an answer of any age will do.
pub const ISYM_ANY_AGE: i64 = -1;

/// As a time limit: wait as long as it takes.
pub const ISYM_FOREVER: i64 = -1;

/// As a time limit of an action: the action timeout of the settings.
pub const ISYM_DEFAULT_TIMEOUT: i64 = -1;

/// A time limit or an age; negative: none.
pub(crate) fn limit(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// A duration of the settings.
pub(crate) fn setting(ms: i64, name: &'static str) -> Result<Duration> {
    limit(ms).ok_or_else(|| invalid(format!("{name} is {ms}; it must not be negative")))
}

/// An age; the longest of all for "never".
pub(crate) fn age(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}

/// Wall time as Unix milliseconds.
pub(crate) fn wall(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => age(since),
        Err(before) => -age(before.duration()),
    }
}

//! The library's one clock: nanoseconds of a monotonic clock. And the limits of what waits.
//!
//! A moment fits an atomic, so that a confirmation moves forward without a lock. Wall times are derived for display only.

use std::fmt;
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The time since the machine started, also while it was suspended: after a suspension everything is as old as it is.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// The time since the process first asked.
#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    static ORIGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    ORIGIN.get_or_init(std::time::Instant::now).elapsed()
}

/// A moment of the monotonic clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn now() -> Moment {
        // The first moment is 1 s, so that 0 can stand for "never".
        Moment(u64::try_from((uptime() + Duration::from_secs(1)).as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long ago this was; zero for a moment in the future.
    pub(crate) fn age(self) -> Duration {
        Moment::now().since(self)
    }

    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The wall time of this moment, for display: it follows the wall clock as it is set now.
    pub(crate) fn wall(self) -> SystemTime {
        SystemTime::now().checked_sub(self.age()).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, wait: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// How long something may take in all, from when this was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    time: Option<Duration>,
    until: Option<Instant>,
}

impl Limit {
    /// `None`, and a time beyond what the clock can tell: as long as it takes.
    pub(crate) fn new(time: Option<Duration>) -> Limit {
        Limit { time, until: time.and_then(|time| Instant::now().checked_add(time)) }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// How much is left of the time; `None`: there is no limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits for a notification; `None`: the time is over.
    pub(crate) fn wait<'g, T>(&self, news: &Condvar, guard: MutexGuard<'g, T>) -> Option<MutexGuard<'g, T>> {
        Some(match self.until {
            None => news.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
                news.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        })
    }
}

impl fmt::Display for Limit {
    /// The time that was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.time.unwrap_or_default(), f)
    }
}

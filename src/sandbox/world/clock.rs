//! What happens by itself: tasks in the order of their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::World;
use super::table::Key;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// A call segment goes on: its phone is answered, or its time is up.
    Segment { core: usize, segment: Key },
    /// The callers of a queue look for agents again.
    Queue { core: usize, queue: Key },
    /// The background makes a call.
    Background,
}

/// The time since the start, and what is to be done when. Tasks of the same time keep the order they were made in.
pub(crate) struct Clock {
    start: Instant,
    tasks: BinaryHeap<Reverse<(Duration, u64, Task)>>,
    made: u64,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { start: Instant::now(), tasks: BinaryHeap::new(), made: 0 }
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Plans a task, and returns its number.
    pub(crate) fn after(&mut self, delay: Duration, task: Task) -> u64 {
        self.at(self.now().saturating_add(delay), task)
    }

    pub(crate) fn at(&mut self, time: Duration, task: Task) -> u64 {
        self.made += 1;
        self.tasks.push(Reverse((time, self.made, task)));
        self.made
    }

    pub(crate) fn cancel_all(&mut self) {
        self.tasks.clear();
    }

    /// When the next task is due.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        self.tasks.peek().map(|Reverse((time, _, _))| *time)
    }

    /// How long until the next task; `None` when there is none.
    pub(crate) fn next_in(&self) -> Option<Duration> {
        self.tasks.peek().map(|Reverse((time, _, _))| time.saturating_sub(self.now()))
    }

    fn pop_due(&mut self) -> Option<(Duration, u64, Task)> {
        let Reverse((time, _, _)) = self.tasks.peek()?;
        if *time > self.now() {
            return None;
        }
        self.tasks.pop().map(|Reverse(task)| task)
    }
}

/// Unix time in milliseconds.
pub(crate) fn unix_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

impl World {
    /// Does what is due.
    pub(crate) fn advance(&mut self) {
        // A bound, so that a background that cannot keep up holds nobody up.
        for _ in 0..10_000 {
            let Some((time, number, task)) = self.clock.pop_due() else { return };
            match task {
                Task::Segment { core, segment } => self.segment_due(core, segment, number),
                Task::Queue { core, queue } => self.distribute(core, queue),
                Task::Background => {
                    self.background_call();
                    if self.calls_per_second > 0.0 {
                        let pause = Duration::from_secs_f64(1.0 / self.calls_per_second);
                        // Not from now: what was late is made up for, up to a second.
                        let next = (time + pause).max(self.clock.now().saturating_sub(Duration::from_secs(1)));
                        self.clock.at(next, Task::Background);
                    }
                }
            }
        }
    }

    pub(crate) fn start_background(&mut self) {
        if self.calls_per_second > 0.0 {
            let pause = Duration::from_secs_f64(1.0 / self.calls_per_second);
            self.clock.after(pause, Task::Background);
        }
    }
}

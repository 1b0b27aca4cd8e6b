//! The writer in trouble: what a failure means, and how long to wait.

use std::time::{Duration, SystemTime};

use super::backoff;
use super::writer::Writer;
use crate::clock::Moment;
use crate::error::{Code, Error};
use crate::health::Problem;
use crate::snapshot::collection::Address;

/// 401 and 403 are retried this slowly: they change when somebody changes something.
const REFUSED_WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));
/// After this many failures in a row, more than there are connections, the list of core servers tells whether it is the
/// server that is broken.
const MANY_FAILURES: u32 = 5;

/// The server cannot be reached or refuses us: nothing is asked for until then, and then only one thing.
pub(super) struct Pause {
    since: Moment,
    pub(super) until: Moment,
    failures: u32,
    pub(super) probing: bool,
}

impl Writer {
    /// The server answered: whatever was wrong with it is over.
    pub(super) fn answered(&mut self, address: Address, asked: Moment, now: Moment) {
        self.failures_in_a_row = 0;
        if self.pause.as_ref().is_some_and(|pause| asked >= pause.since) {
            self.pause = None;
            self.plan.everything_is_due(now);
            self.shared.change(|status| status.down = None);
        }
        self.shared.change(|status| status.forget(&address));
    }

    pub(super) fn failed(&mut self, address: Address, path: String, error: Error, is_current: bool, now: Moment) {
        self.failures_in_a_row += 1;
        let many = self.shared.config.get_connections() as u32 + MANY_FAILURES;
        let is_root = address == Address::ROOT;
        let lost = error.code() == Code::ConnectionFailed && error.http_status().is_none();
        let refused = is_refusal(&error);
        // One kind may be broken or forbidden everywhere; what the list of core servers says holds for the server.
        let unreachable = match is_root {
            true => lost || refused || self.failures_in_a_row >= many || self.pause.is_some(),
            false => lost && address.item.is_none() && !self.is_broken_kind(&address),
        };
        if !is_root && !unreachable && self.failures_in_a_row == many {
            self.look(now);
        }
        let problem = Problem { error, at: SystemTime::now(), about: path };
        if unreachable {
            self.pause_after(&problem, refused, now);
        }
        let is_gone = self.gather.is_none() && self.is_gone(&address);
        self.shared.change(|status| {
            status.last_error = Some(problem.clone());
            // An instance that fails alone comes with its list.
            if !unreachable && is_current && !is_gone && address.item.is_none() {
                status.failing.insert(address, problem.clone());
            }
        });
        if !is_current {
            return;
        }
        if is_gone {
            return self.forget(&address);
        }
        if address.item.is_some() {
            self.plan.remove(&address);
            let refused = problem.error.code() == Code::BadAnswer;
            return self.did_not_come(address, refused, now);
        }
        if let Some(gather) = &mut self.gather {
            let bounds = self.shared.config.get_backoff();
            // After a pause there is nothing more to wait for.
            let wait = |failures| match unreachable {
                true => Duration::ZERO,
                false if is_root => pause_length(bounds, &problem.error, failures, false),
                false => short_wait(bounds, &problem.error, failures),
            };
            let asked_for = problem.error.retry_after().unwrap_or_default();
            if !gather.failed(address, now, asked_for, wait) {
                let known = self.draft.get(&address).cloned();
                let what = if known.is_some() { "as it was before" } else { "without it" };
                log::warn!("{}: published {what}: {}", problem.about, problem.error);
                gather.go_without(address, known, self.shared.kinds);
                self.shared.change(|status| _ = status.failing.insert(address, problem));
            }
            for other in gather.hopeless(&address) {
                let known = self.draft.get(&other).cloned();
                gather.go_without(other, known, self.shared.kinds);
            }
            return;
        }
        if refused && !unreachable && self.plan.failures(&address) == 0 {
            self.look(now);
        }
        self.try_again(&address, &problem.error, now);
    }

    /// Plans for a collection that failed.
    pub(super) fn try_again(&mut self, address: &Address, error: &Error, now: Moment) {
        let bounds = self.shared.config.get_backoff();
        let wait = |failures| match is_refusal(error) {
            true => pause_length(bounds, error, failures, true),
            false => short_wait(bounds, error, failures),
        };
        self.plan.failed(address, now, error.retry_after().unwrap_or_default(), wait);
    }

    /// Whether what fails is of a kind that fails everywhere, while all else is answered.
    fn is_broken_kind(&self, address: &Address) -> bool {
        match &self.gather {
            Some(gather) => gather.gave_up(address),
            None => self.plan.is_broken_kind(address),
        }
    }

    /// Asks for the list of core servers before anything else.
    fn look(&mut self, now: Moment) {
        match &mut self.gather {
            Some(gather) => gather.look(now),
            None => self.plan.await_now(&Address::ROOT, now),
        }
    }

    pub(super) fn pause_after(&mut self, problem: &Problem, refused: bool, now: Moment) {
        let failures = match &self.pause {
            // Several requests that were in flight failed together: that is one failure.
            Some(pause) if !pause.probing => pause.failures,
            Some(pause) => pause.failures + 1,
            None => 1,
        };
        let wait = pause_length(self.shared.config.get_backoff(), &problem.error, failures, refused);
        if self.pause.is_none() {
            log::warn!("{}: {}", problem.about, problem.error);
        }
        self.pause = Some(Pause { since: now, until: now + wait, failures, probing: false });
        // Both at once: nobody sees that the server is down, and not yet why.
        self.shared.change(|status| {
            status.down = Some(problem.clone());
            status.last_error = Some(problem.clone());
        });
    }
}

/// What passes only when somebody changes something.
fn is_refusal(error: &Error) -> bool {
    matches!(error.code(), Code::Auth | Code::Forbidden)
        || (error.code() == Code::ConnectionFailed && !error.retryable())
}

/// How long a collection waits after its `failures`-th failure in a row, while the server can be reached.
fn short_wait(bounds: (Duration, Duration), error: &Error, failures: u32) -> Duration {
    backoff::asked_for(error, backoff::short_wait(bounds, failures), backoff::short_wait(bounds, 1))
}

/// How long nothing is asked for after the `failures`-th failure in a row to reach the server.
fn pause_length(bounds: (Duration, Duration), error: &Error, failures: u32, refused: bool) -> Duration {
    let mut wait = backoff::wait(bounds, failures);
    if refused {
        let slow = REFUSED_WAIT.0 + (REFUSED_WAIT.1 - REFUSED_WAIT.0).mul_f64(backoff::random());
        wait = wait.max(slow).min(bounds.1);
    }
    backoff::asked_for(error, wait, backoff::wait(bounds, 1))
}

//! The cap of the requests a second, and how it is shared.

use std::time::Duration;

use crate::clock::Moment;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// What somebody waits for, or is known to have changed.
    Urgent,
    /// What only confirms what is known. There is always some of it.
    Rest,
}

/// A token bucket with two pools: what is urgent has one half of the rate and most of a burst, the rest the other half. What a pool
/// that is full would get, goes to the other: a half that is not used is not lost.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    urgent: Pool,
    rest: Pool,
    filled: Moment,
}

#[derive(Debug)]
struct Pool {
    tokens: f64,
    size: f64,
}

impl Pool {
    fn full(size: f64) -> Pool {
        Pool { tokens: size, size }
    }

    /// Adds tokens, and gives those that there is no room for.
    fn add(&mut self, tokens: f64) -> f64 {
        let sum = self.tokens + tokens;
        self.tokens = sum.min(self.size);
        sum - self.tokens
    }

    fn take(&mut self) -> bool {
        let is_there = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(is_there));
        is_there
    }
}

impl Bucket {
    /// A burst is a fifth of a second, and at least a request of each pool.
    pub(super) fn new(rate: f64, now: Moment) -> Bucket {
        let burst = (rate / 5.0).max(2.0);
        let rest = (burst / 5.0).max(1.0);
        Bucket { rate, urgent: Pool::full(burst - rest), rest: Pool::full(rest), filled: now }
    }

    /// The time between two requests that leaves half of the rate to others.
    pub(super) fn gap(&self) -> Duration {
        Duration::from_secs_f64(2.0 / self.rate)
    }

    /// Takes a token; or says when there will be one.
    pub(super) fn take(&mut self, share: Share, now: Moment) -> Result<(), Moment> {
        self.fill(now);
        let (own, other) = match share {
            Share::Urgent => (&mut self.urgent, &self.rest),
            Share::Rest => (&mut self.rest, &self.urgent),
        };
        if own.take() {
            return Ok(());
        }
        let is_other_full = other.tokens >= other.size;
        let rate = if is_other_full { self.rate } else { self.rate / 2.0 };
        Err(now + Duration::from_secs_f64((1.0 - own.tokens) / rate))
    }

    /// Takes a token of either half; or says when there will be one.
    pub(super) fn take_any(&mut self, now: Moment) -> Result<(), Moment> {
        let urgent = self.take(Share::Urgent, now);
        urgent.or_else(|sooner| self.take(Share::Rest, now).map_err(|later| sooner.min(later)))
    }

    fn fill(&mut self, now: Moment) {
        let half = now.since(self.filled).as_secs_f64() * self.rate / 2.0;
        self.filled = now;
        let over = self.urgent.add(half);
        let over = self.rest.add(half + over);
        self.urgent.add(over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment(1_000_000_000);
    const NANO: Duration = Duration::from_nanos(1);

    /// What passed within ten seconds: how much of the rest, which takes whatever it gets; how much of what is urgent, which comes
    /// `a_second`; and the longest that one of these waited.
    fn passed(rate: f64, a_second: f64) -> (usize, usize, Duration) {
        let mut bucket = Bucket::new(rate, START);
        let (mut now, mut rest, mut urgent, mut longest) = (START, 0, 0, Duration::ZERO);
        while now < START + Duration::from_secs(10) {
            let came = START + Duration::from_secs_f64(f64::from(urgent + 1) / a_second);
            let mut wake = came;
            if came <= now {
                match bucket.take(Share::Urgent, now) {
                    Ok(()) => {
                        urgent += 1;
                        longest = longest.max(now.since(came));
                        continue;
                    }
                    Err(next) => wake = next,
                }
            }
            match bucket.take(Share::Rest, now) {
                Ok(()) => rest += 1,
                Err(next) => now = next.min(wake).max(now) + NANO,
            }
        }
        (rest, urgent as usize, longest)
    }

    #[test]
    fn the_rest_has_the_whole_rate_where_nothing_is_urgent() {
        for rate in [0.5, 1.0, 7.0, 10.0, 50.0, 400.0] {
            let (rest, urgent, _) = passed(rate, 1e-9);
            let most = 10.0 * rate + (rate / 5.0).max(2.0);
            assert_eq!(urgent, 0);
            assert!((10.0 * rate - 1.0..=most).contains(&(rest as f64)), "{rate}: {rest}");
        }
    }

    #[test]
    fn what_is_urgent_does_not_wait_up_to_half_of_the_rate() {
        let (rest, urgent, longest) = passed(50.0, 20.0);
        assert!((199..=200).contains(&urgent), "{urgent}");
        assert!((299..=311).contains(&rest), "{rest}");
        assert!(longest < Duration::from_millis(1), "{longest:?}");
    }

    #[test]
    fn a_flood_has_half_of_the_rate_and_a_burst() {
        let (rest, urgent, _) = passed(50.0, 1_000.0);
        assert!((249..=252).contains(&rest), "{rest}");
        assert!((257..=259).contains(&urgent), "{urgent}");
    }

    #[test]
    fn a_burst_passes_at_once_while_the_rest_takes_all_it_gets() {
        let mut bucket = Bucket::new(50.0, START);
        while bucket.take(Share::Rest, START).is_ok() {}
        let burst = |bucket: &mut Bucket, now| (0..100).take_while(|_| bucket.take(Share::Urgent, now).is_ok()).count();
        assert_eq!(burst(&mut bucket, START), 8);
        let mut now = START;
        while now < START + Duration::from_secs(1) {
            if let Err(next) = bucket.take(Share::Rest, now) {
                now = next;
            }
        }
        assert_eq!(burst(&mut bucket, now), 8);
    }

    #[test]
    fn any_request_has_both_pools() {
        let mut bucket = Bucket::new(50.0, START);
        assert_eq!((0..100).take_while(|_| bucket.take_any(START).is_ok()).count(), 10);
        let next = bucket.take_any(START).unwrap_err();
        assert_eq!(next.since(START), Duration::from_millis(40));
        assert!(bucket.take_any(next + NANO).is_ok());
    }
}

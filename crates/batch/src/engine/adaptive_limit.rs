//! How many tasks of a model at once, and how fast to create them: additive increase,
//! multiplicative decrease. Pure state; moments are those of the monotonic clock. What all runners
//! share is in the journal.

use std::time::Duration;

use ark_video::transport::Backoff;

/// What is left of a limit after a refusal for too much (the factor of AWS's clients).
const DECREASE: f64 = 0.7;
/// Refusals closer together than this were on their way together and count as one.
const SAME_REFUSAL: Duration = Duration::from_secs(1);
/// How long the rate takes to come back.
const RECOVERY: Duration = Duration::from_secs(60);
/// Longer is no `Retry-After` believed; the client's own limits hold creates back for exactly as
/// long.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);

/// Creates in a row that may be too late to be sent.
const MOST_LATE: u32 = 100;

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// Tasks at once.
    AtOnce,
    /// Creates a minute.
    PerMinute,
}

impl Exceeded {
    /// By the service's code; what is not known to be a rate is taken for a number of tasks.
    pub(crate) fn of(code: &str) -> Self {
        let rates = ["Rpm", "Tpm", "Ipm", "RateLimit", "RequestBurst", "RequestsTooFast"];
        if rates.iter().any(|rate| code.contains(rate)) { Self::PerMinute } else { Self::AtOnce }
    }
}

/// The pace of one model.
#[derive(Debug, Clone)]
pub(crate) struct AdaptiveLimit {
    most: f64,
    ceiling: f64,
    per_second: f64,
    /// 1 is the rate that was set.
    rate: f64,
    refused_at: Option<Duration>,
    strikes: u32,
    not_before: Duration,
    /// Since when no create has got through, although some were tried.
    stuck_since: Option<Duration>,
    /// Creates in a row that were too late to be sent.
    late: u32,
}

impl AdaptiveLimit {
    pub(crate) fn new(most: u32, per_minute: f64) -> Self {
        let most = f64::from(most.max(1));
        Self {
            most,
            ceiling: most,
            per_second: per_minute / 60.0,
            rate: 1.0,
            refused_at: None,
            strikes: 0,
            not_before: Duration::ZERO,
            stuck_since: None,
            late: 0,
        }
    }

    /// Tasks that may run at once now.
    pub(crate) fn ceiling(&self) -> u32 {
        // From 1 to a u32, so nothing is lost.
        self.ceiling as u32
    }

    /// Creates a second now.
    pub(crate) fn per_second(&self, now: Duration) -> f64 {
        let since = self.refused_at.map_or(RECOVERY, |at| now.saturating_sub(at));
        let back = (since.as_secs_f64() / RECOVERY.as_secs_f64()).min(1.0);
        self.per_second * (self.rate + (1.0 - self.rate) * back)
    }

    /// When the next create may go.
    pub(crate) fn not_before(&self) -> Duration {
        self.not_before
    }

    /// A create was refused because of the limit. `jitter` is a random number from 0 to 1.
    pub(crate) fn refused(
        &mut self,
        now: Duration,
        what: Exceeded,
        retry_after: Option<Duration>,
        jitter: f64,
    ) {
        let again = self.refused_at.is_some_and(|at| now.saturating_sub(at) < SAME_REFUSAL);
        if !again {
            match what {
                Exceeded::AtOnce => self.ceiling = (self.ceiling * DECREASE).max(1.0),
                Exceeded::PerMinute => {
                    self.rate = (self.per_second(now) / self.per_second.max(f64::MIN_POSITIVE)) * DECREASE;
                }
            }
            self.strikes = self.strikes.saturating_add(1);
            self.refused_at = Some(now);
        }
        let pause = match retry_after {
            Some(after) => after.min(RETRY_AFTER_CAP),
            None => Backoff::default().pause(self.strikes, jitter),
        };
        self.not_before = self.not_before.max(now.saturating_add(pause));
    }

    /// A create was accepted.
    pub(crate) fn accepted(&mut self) {
        (self.strikes, self.stuck_since, self.late) = (0, None, 0);
    }

    /// A create did not get through and may be sent again. For how long none has.
    pub(crate) fn stuck(&mut self, now: Duration) -> Duration {
        now.saturating_sub(*self.stuck_since.get_or_insert(now))
    }

    /// A create was too late to be sent. Whether it is one of so many in a row that the clock or
    /// the disk cannot be relied on.
    pub(crate) fn too_late(&mut self) -> bool {
        self.late = self.late.saturating_add(1);
        self.late >= MOST_LATE
    }

    /// A task has ended.
    pub(crate) fn completed(&mut self) {
        self.ceiling = (self.ceiling + 1.0).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn too_many_at_once_lowers_the_ceiling_and_each_end_raises_it_by_one() {
        let mut limit = AdaptiveLimit::new(10, 600.0);
        limit.refused(SECOND, Exceeded::AtOnce, None, 1.0);
        assert_eq!(limit.ceiling(), 7);
        limit.refused(SECOND + SECOND / 2, Exceeded::AtOnce, None, 1.0);
        assert_eq!(limit.ceiling(), 7, "it was on its way already");
        for expected in [8, 9, 10, 10] {
            limit.completed();
            assert_eq!(limit.ceiling(), expected);
        }
        for step in 1..100 {
            limit.refused(SECOND * 10 * step, Exceeded::AtOnce, None, 0.5);
        }
        assert_eq!(limit.ceiling(), 1, "never to a standstill");
    }

    #[test]
    fn too_fast_lowers_the_rate_which_comes_back_within_a_minute() {
        let mut limit = AdaptiveLimit::new(10, 600.0);
        limit.refused(SECOND, Exceeded::PerMinute, None, 0.0);
        assert_eq!(limit.ceiling(), 10);
        assert!((limit.per_second(SECOND) - 7.0).abs() < 1e-9);
        assert!((limit.per_second(SECOND * 31) - 8.5).abs() < 1e-9);
        assert!((limit.per_second(SECOND * 61) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn retry_after_is_obeyed_to_120_seconds_and_otherwise_pauses_grow() {
        for (after, expected) in [(7, 7.0), (120, 120.0), (121, 120.0)] {
            let mut limit = AdaptiveLimit::new(10, 600.0);
            limit.refused(Duration::ZERO, Exceeded::PerMinute, Some(SECOND * after), 1.0);
            assert_eq!(limit.not_before().as_secs_f64(), expected, "{after}");
        }
        let mut limit = AdaptiveLimit::new(10, 600.0);
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            limit.refused(now, Exceeded::AtOnce, None, 1.0);
            pauses.push((limit.not_before() - now).as_secs());
            now = limit.not_before();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 20, 20]);
        limit.accepted();
        limit.refused(now, Exceeded::AtOnce, None, 1.0);
        assert_eq!((limit.not_before() - now).as_secs(), 1);
    }

    #[test]
    fn how_long_no_create_got_through_is_counted_from_the_first_that_did_not() {
        let mut limit = AdaptiveLimit::new(10, 600.0);
        assert_eq!([5, 6, 65].map(|now| limit.stuck(SECOND * now).as_secs()), [0, 1, 60]);
        limit.accepted();
        assert_eq!(limit.stuck(SECOND * 70), Duration::ZERO);
    }

    #[test]
    fn late_creates_are_counted_from_the_last_one_that_got_through() {
        let mut limit = AdaptiveLimit::new(10, 600.0);
        assert!((1..MOST_LATE).all(|_| !limit.too_late()) && limit.too_late());
        limit.accepted();
        assert!(!limit.too_late());
    }

    #[test]
    fn codes_tell_rates_from_numbers() {
        for code in ["ModelAccountRpmRateLimitExceeded", "RateLimitExceeded.X", "RequestBurstTooFast"] {
            assert_eq!(Exceeded::of(code), Exceeded::PerMinute, "{code}");
        }
        for code in ["QuotaExceeded", "InflightBatchsizeExceeded", "ServerOverloaded", ""] {
            assert_eq!(Exceeded::of(code), Exceeded::AtOnce, "{code}");
        }
    }
}

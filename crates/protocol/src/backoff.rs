//! The one exponential backoff: a limit that doubles with each failure, and a random part of it.
//! Pure: the random number is an argument.

use std::time::Duration;

/// Longest wait that a server's `Retry-After` can impose on a request.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);

/// Pauses between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Backoff {
    /// Longest pause after the first failure; doubles with each.
    pub first: Duration,
    /// Longest pause of all.
    pub longest: Duration,
}

impl Backoff {
    /// The least part of a limit that is waited, so that no attempt follows at once.
    const LEAST: f64 = 0.25;

    /// Pauses from `first` doubling to `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// The pause after so many failures in a row (from 1): anything from a quarter of the limit to
    /// all of it, so that many clients do not come back in step. `jitter` is a random number from 0
    /// to 1.
    #[must_use]
    pub fn pause(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let limit = doubled.min(self.longest);
        let jitter = if jitter.is_nan() { 1.0 } else { jitter.clamp(Self::LEAST, 1.0) };
        Duration::try_from_secs_f64(limit.as_secs_f64() * jitter).unwrap_or(limit)
    }
}

impl Default for Backoff {
    /// From 1 s to 20 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_the_longest_and_are_never_shorter_than_a_quarter() {
        let backoff = Backoff::default();
        let at = |failures, jitter| backoff.pause(failures, jitter).as_millis();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, u32::MAX].map(|n| at(n, 1.0)),
            [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]
        );
        assert_eq!(
            [0.0, 0.1, 0.25, 0.5, 1.0, 7.0, -1.0].map(|jitter| at(3, jitter)),
            [1_000, 1_000, 1_000, 2_000, 4_000, 4_000, 1_000]
        );
        assert_eq!((at(3, f64::NAN), at(0, 1.0)), (4_000, 1_000));
        let endless = Backoff::new(Duration::MAX, Duration::MAX);
        assert!(endless.pause(9, 0.5) <= Duration::MAX);
    }
}

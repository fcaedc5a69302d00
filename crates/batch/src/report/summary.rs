//! How far a batch is: counts, durations of finished tasks, and when it may be done. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use ark_video::transport::{UnixMillis, unix_millis};
use serde::Serialize;

use crate::{Job, State};

/// Durations that are kept: the newest predict the rest of the night best.
const KEPT: usize = 512;

/// How long tasks took, from their creation to their end.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    newest: std::collections::VecDeque<Duration>,
}

impl Durations {
    /// Takes a job that has ended at the service. Others, and those without times, are passed over.
    pub fn add(&mut self, job: &Job) {
        let ended = job.task.as_ref().and_then(|task| task.get("updated_at")?.as_i64());
        let done = matches!(job.state, State::Finished | State::Downloaded | State::Settled);
        if let (true, Some(created), Some(ended)) = (done, job.created_at, ended) {
            self.took(created, unix_millis(ended));
        }
    }

    fn took(&mut self, from: UnixMillis, to: UnixMillis) {
        let Ok(millis) = u64::try_from(to.saturating_sub(from)) else { return };
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(Duration::from_millis(millis));
    }

    /// The duration that this share of the tasks stayed within; 0.5 is the median.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted: Vec<_> = self.newest.iter().copied().collect();
        sorted.sort_unstable();
        let at = (share.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(at).copied()
    }

    /// How long the rest takes if tasks go on taking what they took: by the median, and by what
    /// nine of ten stayed within.
    #[must_use]
    pub fn left(&self, open: u64, at_once: u64) -> Option<Eta> {
        let rounds = u32::try_from(open.div_ceil(at_once.max(1))).unwrap_or(u32::MAX);
        let (p50, p90) = (self.quantile(0.5)?, self.quantile(0.9)?);
        Some(Eta { p50: p50.saturating_mul(rounds), p90: p90.saturating_mul(rounds) })
    }
}

/// When the rest may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Eta {
    /// If the rest takes what half of the tasks took.
    pub p50: Duration,
    /// If the rest takes what nine of ten stayed within.
    pub p90: Duration,
}

/// Jobs that a runner still has to do something for.
#[must_use]
pub fn open_jobs(counts: &BTreeMap<State, u64>) -> u64 {
    counts.iter().filter(|(state, _)| state.is_open()).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_told_from_what_was_seen() {
        let mut seen = Durations::default();
        assert_eq!(seen.left(10, 5), None, "nothing was seen yet");
        for seconds in 1..=11 {
            seen.took(0, seconds * 1000);
        }
        seen.took(5, 0);
        assert_eq!(seen.quantile(0.5), Some(Duration::from_secs(6)));
        let eta = seen.left(21, 10).unwrap();
        assert_eq!((eta.p50, eta.p90), (Duration::from_secs(18), Duration::from_secs(30)));
        assert_eq!(seen.left(0, 10).unwrap().p50, Duration::ZERO);
    }

    #[test]
    fn old_durations_make_room() {
        let mut seen = Durations::default();
        for _ in 0..KEPT {
            seen.took(0, 1000);
        }
        for _ in 0..KEPT {
            seen.took(0, 9000);
        }
        assert_eq!(seen.quantile(0.0), Some(Duration::from_secs(9)));
    }
}

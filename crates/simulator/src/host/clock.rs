//! The clock of the service: real time at a chosen speed, or a clock that is moved by calls only.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ark_video_protocol::UnixMillis;
use tokio::sync::watch;

/// Runs forward only, whatever happens to the clock of the machine.
#[derive(Debug)]
pub(crate) struct Clock {
    began: UnixMillis,
    since: Instant,
    /// Seconds of the service in a second; 0 for a clock that stands still by itself.
    speed: f64,
    /// Milliseconds by which calls have moved it; sleepers wait for a change.
    moved: watch::Sender<i64>,
}

impl Clock {
    /// Starts at `began`, or at the time of day.
    pub(crate) fn start(speed: f64, began: Option<UnixMillis>) -> Self {
        let began = began.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(0))
        });
        let speed = if speed.is_finite() && speed >= 0.0 { speed } else { 1.0 };
        Self { began, since: Instant::now(), speed, moved: watch::Sender::new(0) }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        // A float counts milliseconds exactly for 285,000 years, and `as` stops at the end of the
        // range.
        let passed = (self.since.elapsed().as_secs_f64() * 1000.0 * self.speed) as i64;
        self.began.saturating_add(passed).saturating_add(*self.moved.borrow())
    }

    /// Moves it forward.
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        self.moved.send_modify(|moved| *moved = moved.saturating_add(by));
    }

    /// Returns when the clock reaches `at`, by itself or by a call.
    #[cfg(feature = "transport")]
    pub(crate) async fn reach(&self, at: UnixMillis) {
        let mut moved = self.moved.subscribe();
        loop {
            match self.until(at) {
                Some(Duration::ZERO) => return,
                Some(left) => drop(tokio::time::timeout(left, moved.changed()).await),
                // The sender is ours, so this is no error.
                None => drop(moved.changed().await),
            }
        }
    }

    /// Time since the start.
    #[cfg(feature = "transport")]
    pub(crate) fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now().abs_diff(self.began))
    }

    /// Real time until the clock reaches `at` by itself; `None` if it never does.
    pub(crate) fn until(&self, at: UnixMillis) -> Option<Duration> {
        if self.speed <= 0.0 {
            return (at <= self.now()).then_some(Duration::ZERO);
        }
        let millis = at.saturating_sub(self.now()).max(0) as f64 / self.speed;
        // At most a day: the caller checks again then.
        Some(Duration::from_secs_f64((millis / 1000.0).min(86_400.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_without_speed_moves_by_hand_only() {
        let clock = Clock::start(0.0, Some(1000));
        assert_eq!((clock.now(), clock.until(1001), clock.until(1000)), (1000, None, Some(Duration::ZERO)));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(clock.now(), 3_601_000);
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now() > 3_601_000, "it stops at its end and does not wrap");
    }

    #[test]
    fn a_fast_clock_needs_less_time() {
        let clock = Clock::start(60.0, None);
        let wait = clock.until(clock.now() + 60_000).unwrap();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(500), "{wait:?}");
        assert!(Clock::start(f64::NAN, None).until(i64::MAX).is_some());
    }
}

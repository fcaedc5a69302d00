//! The moment that the service is told: the time of day at the start, and from there on real time at a chosen speed.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ark_video_protocol::UnixMillis;

/// Runs forward only, whatever happens to the clock of the machine.
#[derive(Debug)]
pub(crate) struct Clock {
    began: UnixMillis,
    since: Instant,
    speed: f64,
}

impl Clock {
    pub(crate) fn start(speed: f64) -> Self {
        let began = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(0));
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { began, since: Instant::now(), speed }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        // A float counts milliseconds exactly for 285,000 years, and `as` stops at the end of the range.
        self.began.saturating_add((self.since.elapsed().as_secs_f64() * 1000.0 * self.speed) as i64)
    }
}

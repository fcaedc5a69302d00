//! The guard against frozen runners: what was written down too long ago is not sent any more. Pure;
//! both clocks are passed in, because the wall clock may jump and the monotonic one stands still
//! while a machine sleeps.

use std::time::Duration;

use ark_video::transport::{Clock, UnixMillis};

/// A time by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockReading {
    pub(crate) wall: UnixMillis,
    pub(crate) monotonic: Duration,
}

impl ClockReading {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }
}

/// Whether what began to be written down at `started` may still be sent at `now`.
///
/// Measured from before the commit: a process that is frozen inside of it must not believe that it
/// has just happened.
pub(crate) fn may_send(started: ClockReading, now: ClockReading, most: Duration) -> bool {
    let wall = now.wall.saturating_sub(started.wall);
    let most_millis = i64::try_from(most.as_millis()).unwrap_or(i64::MAX);
    // A clock that was set back says nothing about how long it has been.
    (0..=most_millis).contains(&wall) && now.monotonic.saturating_sub(started.monotonic) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(wall: i64, monotonic: u64) -> bool {
        let started = ClockReading { wall: 1_000_000, monotonic: Duration::from_secs(5) };
        let now = ClockReading {
            wall: started.wall + wall,
            monotonic: started.monotonic + Duration::from_millis(monotonic),
        };
        may_send(started, now, Duration::from_secs(1))
    }

    #[test]
    fn either_clock_alone_holds_a_send_back() {
        assert!(may(0, 0) && may(1000, 1000));
        assert!(!may(1001, 0), "suspended: the monotonic clock stood still");
        assert!(!may(0, 1001), "the wall clock was set back meanwhile");
        assert!(!may(-1, 0), "a wall clock that runs backwards proves nothing");
        assert!(!may(86_400_000, 10), "a clock that jumps by a day");
    }
}

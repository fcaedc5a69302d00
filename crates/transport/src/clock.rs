//! Time and chance behind two small traits, so that a test can move the clock instead of sleeping.
#![expect(clippy::disallowed_methods, reason = "the one source of chance")]

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ark_video_protocol::UnixMillis;

use crate::BoxFuture;

/// Reads the time and sleeps.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day, in milliseconds since 1970; it may jump.
    fn now(&self) -> UnixMillis;

    /// Monotonic time since a fixed start. For measuring waits.
    fn monotonic(&self) -> Duration;

    /// Returns after `pause`.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()>;
}

/// Gives random bytes. Nothing secret is made of them: they spread waits and name calls.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A random number from 0 (included) to 1 (excluded).
#[must_use]
pub fn jitter(random: &dyn Random) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// The machine's clock; sleeping needs a running tokio runtime with its timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// The machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// A fast generator, seeded per thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        fastrand::fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn dice_never_reach_one() {
        assert_eq!(jitter(&Fixed(0)), 0.0);
        assert!((0.999..1.0).contains(&jitter(&Fixed(255))));
    }

    #[test]
    fn two_fillings_differ() {
        let (mut one, mut two) = ([0; 20], [0; 20]);
        SystemRandom.fill(&mut one);
        SystemRandom.fill(&mut two);
        assert_ne!(one, two);
    }

    #[test]
    fn the_system_clock_stands_after_2026_and_moves_forward() {
        let clock = SystemClock::new();
        assert!(clock.now() > 1_767_225_600_000);
        let before = clock.monotonic();
        assert!(clock.monotonic() >= before);
    }
}

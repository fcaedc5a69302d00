//! One fast clock for several processes: the machine's, from an agreed time on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ark_video::transport::{BoxFuture, Clock, UnixMillis};
use serde::{Deserialize, Serialize};

/// How much faster than real time passes.
pub(crate) const SPEED: f64 = 20.0;

/// So much time in the fast clock for so much real time.
pub(crate) fn fast(real: Duration) -> Duration {
    real.mul_f64(SPEED)
}

/// When every env begins: 2026-11-22T02:15:30Z.
const BEGIN: UnixMillis = 1_795_313_730_000;

/// What all agree on: the machine's time from which on everything goes faster, and how often time
/// has leapt since.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Agreed {
    real: UnixMillis,
    leapt: UnixMillis,
}

impl Agreed {
    pub(crate) fn now() -> Self {
        Self { real: real(), leapt: 0 }
    }

    /// So much time has passed at once, for all clocks that are made from now on.
    #[allow(dead_code, reason = "not every binary with this helper does it")]
    pub(crate) fn leap(&mut self, by: Duration) {
        self.leapt += i64::try_from(by.as_millis()).unwrap();
    }

    pub(crate) fn clock(self) -> FastClock {
        let ahead = Duration::from_millis(u64::try_from(real() - self.real).unwrap());
        FastClock { began: BEGIN + self.leapt, ahead, start: Instant::now() }
    }
}

fn real() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct FastClock {
    began: UnixMillis,
    /// How long after the agreed time this process first read its clock.
    ahead: Duration,
    start: Instant,
}

impl Clock for FastClock {
    fn now(&self) -> UnixMillis {
        self.began + i64::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        fast(self.ahead + self.start.elapsed())
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause.div_f64(SPEED)))
    }
}

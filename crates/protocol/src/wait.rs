//! When to look at a task again, and when to stop. A state machine that is told the time and rolls no dice.
//!
//! Times are measured from the start of the wait, on a clock that only moves forward. Stopping never touches the task:
//! it goes on running, and is billed, whoever looks.

use std::time::Duration;

use ark_video_model::{ErrorClass, TaskStatus};

use crate::{ApiError, SendError, SendErrorKind, UnixMillis};

/// Longest wait that a server's `Retry-After` can impose on a look.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);

/// How patiently to wait. The defaults suit a task of minutes on any model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// Give up waiting after this long; one last look is taken at that moment. Default 2 hours.
    pub timeout: Duration,
    /// When to look first. Default 3 s: wrong input often fails within seconds, nothing succeeds sooner.
    pub first_look: Duration,
    /// Pause after the first look. Default 3 s.
    pub interval: Duration,
    /// Each pause is this many times the one before. Default 1.5.
    pub growth: f64,
    /// Longest pause between two looks that worked. Default 15 s (official samples ask every 10 s).
    pub longest_interval: Duration,
    /// Part of a pause that varies at random, so that many waits do not ask in step. Default 0.2 (± 20 %).
    pub jitter: f64,
    /// Failed looks in a row before giving up. Default 20, which is about a quarter of an hour without a network.
    pub max_failures: u32,
    /// Longest pause after failed looks. Default 60 s.
    pub longest_failure_interval: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2 * 60 * 60),
            first_look: Duration::from_secs(3),
            interval: Duration::from_secs(3),
            growth: 1.5,
            longest_interval: Duration::from_secs(15),
            jitter: 0.2,
            max_failures: 20,
            longest_failure_interval: Duration::from_secs(60),
        }
    }
}

impl WaitOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when to give up waiting.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looks at this fixed pace, the first look included.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        (self.first_look, self.interval, self.longest_interval) = (pause, pause, pause);
        self
    }

    /// Sets when to look first.
    #[must_use]
    pub fn first_look(mut self, after: Duration) -> Self {
        self.first_look = after;
        self
    }

    /// Sets how many looks in a row may fail.
    #[must_use]
    pub fn max_failures(mut self, failures: u32) -> Self {
        self.max_failures = failures;
        self
    }
}

/// What a look brought.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Look<'a> {
    /// The task's state.
    Status(&'a TaskStatus),
    /// Nothing: the task could not be asked for. That says nothing about the task.
    Failed(LookFailure),
}

/// Why a look brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookFailure {
    /// Another look may work, at the earliest after `wait`.
    Transient {
        /// What the service asked for.
        wait: Option<Duration>,
    },
    /// Every further look would bring the same: wrong key, no permission, no such task, wrong address.
    Final,
}

impl LookFailure {
    /// Judges an answer that was not a task; `now` is needed for a `Retry-After` that is a date.
    #[must_use]
    pub fn of_answer(error: &ApiError, now: UnixMillis) -> Self {
        let lasting = match error.status {
            408 | 425 | 429 => error.class() == ErrorClass::Account,
            300..=499 => true,
            _ => false,
        };
        if lasting {
            return Self::Final;
        }
        Self::Transient { wait: error.retry_after.map(|after| after.wait(now).min(RETRY_AFTER_CAP)) }
    }

    /// Judges a failure to send.
    #[must_use]
    pub fn of_send(error: &SendError) -> Self {
        match error.kind {
            SendErrorKind::Invalid | SendErrorKind::Redirected => Self::Final,
            _ => Self::Transient { wait: None },
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Look at this time.
    LookAt {
        /// When, from the start of the wait.
        at: Duration,
        /// Whether this is the look at the deadline, after which the wait ends either way.
        last: bool,
    },
    /// The task is in a terminal state.
    Finished,
    /// Stop waiting. The task is untouched.
    Stop(StopReason),
}

/// Why a wait ended before its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The time is up and the task has not finished.
    TimedOut,
    /// So many looks in a row failed.
    TooManyFailures(u32),
    /// The service refuses to tell, and asking again would not help.
    Refused,
}

/// One wait for one task.
#[derive(Debug, Clone)]
pub struct WaitPlan {
    options: WaitOptions,
    interval: Duration,
    failures: u32,
    last_look_taken: bool,
}

impl WaitPlan {
    /// A wait that starts now.
    #[must_use]
    pub fn new(options: WaitOptions) -> Self {
        Self { interval: options.interval, options, failures: 0, last_look_taken: false }
    }

    /// The first look; `dice` is a random number from 0 to 1.
    pub fn start(&mut self, dice: f64) -> Step {
        let pause = self.vary(self.options.first_look, dice);
        self.look_after(Duration::ZERO, pause)
    }

    /// Takes in what a look brought, which ended at `now`; `dice` is a random number from 0 to 1.
    pub fn observe(&mut self, now: Duration, look: &Look<'_>, dice: f64) -> Step {
        let pause = match look {
            Look::Status(status) if status.is_terminal() => return Step::Finished,
            Look::Status(_) => {
                self.failures = 0;
                let pause = self.vary(self.interval, dice);
                self.interval = times(self.interval, self.options.growth).min(self.options.longest_interval);
                pause
            }
            Look::Failed(LookFailure::Final) => return Step::Stop(StopReason::Refused),
            Look::Failed(LookFailure::Transient { wait }) => {
                self.failures += 1;
                if self.failures >= self.options.max_failures {
                    return Step::Stop(StopReason::TooManyFailures(self.failures));
                }
                let doubled = times(self.options.interval, 2_f64.powi(self.failures.min(30) as i32 - 1));
                let pause = self.vary(doubled.min(self.options.longest_failure_interval), dice);
                pause.max(wait.unwrap_or_default())
            }
        };
        if self.last_look_taken {
            return Step::Stop(StopReason::TimedOut);
        }
        self.look_after(now, pause)
    }

    /// Failed looks in a row so far.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn look_after(&mut self, now: Duration, pause: Duration) -> Step {
        let deadline = self.options.timeout;
        let at = now.saturating_add(pause);
        if at < deadline {
            return Step::LookAt { at, last: false };
        }
        self.last_look_taken = true;
        Step::LookAt { at: deadline.max(now), last: true }
    }

    fn vary(&self, pause: Duration, dice: f64) -> Duration {
        let share = self.options.jitter.clamp(0.0, 1.0);
        times(pause, 1.0 - share + 2.0 * share * dice.clamp(0.0, 1.0))
    }
}

/// `duration * factor` that neither panics nor overflows: what makes no sense counts as "for ever".
fn times(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;

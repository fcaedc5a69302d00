//! Poll interval and timeout of a wait: when to poll a task, and when to stop. A state machine:
//! time and jitter are arguments.
//!
//! Times are measured from the start of the wait, on a clock that only moves forward. Stopping
//! never touches the task: it continues, and is billed if it succeeds.

use std::time::Duration;

use ark_video_model::TaskStatus;

pub use crate::backoff::RETRY_AFTER_CAP;
use crate::{Backoff, Class, Failure, UnixMillis, classify};

/// How long "no such task" is not believed of a task that is known to exist: a new one may not be
/// readable everywhere yet.
pub const NOT_FOUND_GRACE: Duration = Duration::from_secs(60);
/// How long a refused key or account is retried while a task that may be billed is waited for.
pub const ACCOUNT_GRACE: Duration = Duration::from_secs(120);
/// "No such task" must be said twice, so far apart, of a task that was never seen.
pub(crate) const NOT_FOUND_TWICE: Duration = Duration::from_secs(5);
/// Other refusals in a row before they are taken for final: gateways have transient errors.
pub(crate) const REFUSALS: u32 = 3;
/// Longest pause while a refusal is not believed.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// Timeout and poll intervals of a wait. The defaults suit a task of minutes on any model.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct WaitOptions {
    /// Timeout; there is a last poll at that time. Default 2 hours.
    pub timeout: Duration,
    /// Delay before the first poll. Default 3 s: wrong input often fails within seconds, nothing
    /// succeeds sooner.
    pub initial_delay: Duration,
    /// Interval after the first poll. Default 3 s.
    pub interval: Duration,
    /// Growth factor of the interval. Default 1.5.
    pub growth: f64,
    /// Longest interval between successful polls. Default 15 s (official samples poll every 10 s).
    pub longest_interval: Duration,
    /// Random share of an interval, so that many waits do not poll in step. Default 0.2 (± 20 %).
    pub jitter: f64,
    /// Failed polls in a row before giving up. Default 28, about a quarter of an hour without a
    /// network. Refusals have their own bounds, below.
    pub max_failures: u32,
    /// Longest interval after failed polls. Default 60 s.
    pub longest_failure_interval: Duration,
    /// Whether the task is known to exist, because this program created it. Default no.
    pub is_known: bool,
    /// How long a 404 is not believed of a task that is known to exist, or was seen in this wait.
    /// Default 60 s. Of any other it must come twice, 5 s apart.
    pub not_found_grace: Duration,
    /// How long a refused key or account is retried. Default 2 minutes.
    pub account_grace: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2 * 60 * 60),
            initial_delay: Duration::from_secs(3),
            interval: Duration::from_secs(3),
            growth: 1.5,
            longest_interval: Duration::from_secs(15),
            jitter: 0.2,
            max_failures: 28,
            longest_failure_interval: Duration::from_secs(60),
            is_known: false,
            not_found_grace: NOT_FOUND_GRACE,
            account_grace: ACCOUNT_GRACE,
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

    /// Sets a fixed poll interval, also for the initial delay.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        (self.initial_delay, self.interval, self.longest_interval) = (pause, pause, pause);
        self
    }

    /// Sets the delay before the first poll.
    #[must_use]
    pub fn initial_delay(mut self, after: Duration) -> Self {
        self.initial_delay = after;
        self
    }

    /// Sets how many polls in a row may fail.
    #[must_use]
    pub fn max_failures(mut self, failures: u32) -> Self {
        self.max_failures = failures;
        self
    }

    /// Says that the task is known to exist.
    #[must_use]
    pub fn known(mut self, known: bool) -> Self {
        self.is_known = known;
        self
    }
}

/// The result of a poll.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PollResult<'a> {
    /// The task's state.
    Status(&'a TaskStatus),
    /// Nothing: the task could not be asked for. That says nothing about the task.
    Failed(PollFailure),
}

/// Why a poll failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct PollFailure {
    /// Whether another poll may succeed.
    pub class: Class,
    /// Whether the answer was that there is no such task.
    pub not_found: bool,
    /// What the service asked for.
    pub wait: Option<Duration>,
}

impl PollFailure {
    /// Judges a failure; `now` is needed for a `Retry-After` that is a date.
    #[must_use]
    pub fn of(failure: &Failure<'_>, now: UnixMillis) -> Self {
        let class = classify(failure);
        Self { class, not_found: failure.is_not_found(), wait: failure.retry_after(now) }
    }

    /// A request that cannot be made at all.
    #[must_use]
    pub fn impossible() -> Self {
        Self { class: Class::Permanent, not_found: false, wait: None }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Poll at this time.
    PollAt {
        /// When, from the start of the wait.
        at: Duration,
        /// Whether this is the poll at the deadline, after which the wait ends in any case.
        last: bool,
    },
    /// The task is in a terminal state.
    Finished,
    /// Stop waiting. The task is untouched.
    Stop(StopReason),
}

/// Why a wait ended before its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The time is up and the task has not finished.
    TimedOut,
    /// This many polls in a row failed.
    TooManyFailures(u32),
    /// The service rejects the poll, and a retry would not help.
    Refused,
}

/// One wait for one task.
#[derive(Debug, Clone)]
pub struct WaitPlan {
    options: WaitOptions,
    interval: Duration,
    failures: u32,
    refusals: u32,
    /// Since when polls have been rejected.
    refused_since: Option<Duration>,
    last_poll_done: bool,
}

impl WaitPlan {
    /// A wait that starts now.
    #[must_use]
    pub fn new(options: WaitOptions) -> Self {
        let interval = options.interval;
        Self { interval, options, failures: 0, refusals: 0, refused_since: None, last_poll_done: false }
    }

    /// The first poll; `jitter` is a random number from 0 to 1.
    pub fn start(&mut self, jitter: f64) -> Step {
        let pause = self.vary(self.options.initial_delay, jitter);
        self.look_after(Duration::ZERO, pause)
    }

    /// Records the result of a poll that ended at `now`; `jitter` is a random number from 0 to 1.
    pub fn observe(&mut self, now: Duration, result: &PollResult<'_>, jitter: f64) -> Step {
        let pause = match result {
            PollResult::Status(status) if status.is_terminal() => return Step::Finished,
            PollResult::Status(_) => {
                (self.failures, self.refusals, self.refused_since) = (0, 0, None);
                self.options.is_known = true;
                let pause = self.vary(self.interval, jitter);
                self.interval = times(self.interval, self.options.growth).min(self.options.longest_interval);
                pause
            }
            PollResult::Failed(failure) => {
                self.failures += 1;
                match self.after_failure(now, *failure, jitter) {
                    _ if self.last_poll_done => return Step::Stop(StopReason::TimedOut),
                    Ok(pause) => pause.max(failure.wait.unwrap_or_default()),
                    Err(reason) => return Step::Stop(reason),
                }
            }
        };
        if self.last_poll_done {
            return Step::Stop(StopReason::TimedOut);
        }
        self.look_after(now, pause)
    }

    /// The interval before the next poll, or why there is none.
    fn after_failure(
        &mut self,
        now: Duration,
        failure: PollFailure,
        jitter: f64,
    ) -> Result<Duration, StopReason> {
        let grace = match failure.class {
            Class::Account => self.options.account_grace,
            Class::Permanent if failure.not_found && self.options.is_known => self.options.not_found_grace,
            Class::Permanent if failure.not_found => NOT_FOUND_TWICE,
            Class::Permanent => {
                self.refusals += 1;
                if self.refusals >= REFUSALS {
                    return Err(StopReason::Refused);
                }
                return Ok(Backoff::new(self.options.interval, REFUSED_PAUSE).pause(self.refusals, jitter));
            }
            _ if self.failures >= self.options.max_failures => {
                return Err(StopReason::TooManyFailures(self.failures));
            }
            _ => {
                let longest = self.options.longest_failure_interval;
                return Ok(Backoff::new(self.options.interval, longest).pause(self.failures, jitter));
            }
        };
        let since = *self.refused_since.get_or_insert(now);
        let left = grace.saturating_sub(now.saturating_sub(since));
        if left.is_zero() {
            return Err(StopReason::Refused);
        }
        self.refusals += 1;
        Ok(Backoff::new(self.options.interval, REFUSED_PAUSE).pause(self.refusals, jitter).min(left))
    }

    /// Failed polls in a row so far.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn look_after(&mut self, now: Duration, pause: Duration) -> Step {
        let deadline = self.options.timeout;
        let at = now.saturating_add(pause);
        if at < deadline {
            return Step::PollAt { at, last: false };
        }
        self.last_poll_done = true;
        Step::PollAt { at: deadline.max(now), last: true }
    }

    fn vary(&self, pause: Duration, jitter: f64) -> Duration {
        let share = self.options.jitter.clamp(0.0, 1.0);
        times(pause, 1.0 - share + 2.0 * share * jitter.clamp(0.0, 1.0))
    }
}

/// `duration * factor` that neither panics nor overflows: what makes no sense counts as "for ever".
fn times(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;

//! When to look at a task again, and when to stop. A state machine that is told the time and rolls no dice.
//!
//! Times are measured from the start of the wait, on a clock that only moves forward. Stopping never touches the task:
//! it goes on running, and is billed, whoever looks.

use std::time::Duration;

use ark_video_model::TaskStatus;

use crate::{Backoff, Class, Failure, UnixMillis, classify};

/// Longest wait that a server's `Retry-After` can impose on a request.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(120);
/// How long "no such task" is not believed of a task that is known to exist: a new one may not be readable everywhere yet.
pub const NOT_FOUND_GRACE: Duration = Duration::from_secs(60);
/// How long a refused key or account is retried while a task that may be billed is waited for.
pub const ACCOUNT_GRACE: Duration = Duration::from_secs(120);
/// "No such task" must be said twice, so far apart, of a task that nobody has seen.
pub(crate) const NOT_FOUND_TWICE: Duration = Duration::from_secs(5);
/// Other refusals in a row before they are taken for final: gateways have bad moments.
pub(crate) const REFUSALS: u32 = 3;
/// Longest pause while a refusal is not believed.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// How patiently to wait. The defaults suit a task of minutes on any model.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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
    /// Failed looks in a row before giving up. Default 28, which is about a quarter of an hour without a network.
    /// Refusals have their own bounds, below.
    pub max_failures: u32,
    /// Longest pause after failed looks. Default 60 s.
    pub longest_failure_interval: Duration,
    /// Whether the task is known to exist, because this program created it. Default no.
    pub is_known: bool,
    /// How long a 404 is not believed of a task that is known to exist, or was seen in this wait. Default 60 s. Of any
    /// other it must come twice, 5 s apart.
    pub not_found_grace: Duration,
    /// How long a refused key or account is retried. Default 2 minutes.
    pub account_grace: Duration,
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

    /// Says that the task is known to exist.
    #[must_use]
    pub fn known(mut self, known: bool) -> Self {
        self.is_known = known;
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
    Failed(PollFailure),
}

/// Why a look brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct PollFailure {
    /// Whether another look may work.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
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
    refusals: u32,
    /// Since when looks have been refused.
    refused_since: Option<Duration>,
    last_look_taken: bool,
}

impl WaitPlan {
    /// A wait that starts now.
    #[must_use]
    pub fn new(options: WaitOptions) -> Self {
        let interval = options.interval;
        Self { interval, options, failures: 0, refusals: 0, refused_since: None, last_look_taken: false }
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
                (self.failures, self.refusals, self.refused_since) = (0, 0, None);
                self.options.is_known = true;
                let pause = self.vary(self.interval, dice);
                self.interval = times(self.interval, self.options.growth).min(self.options.longest_interval);
                pause
            }
            Look::Failed(failure) => {
                self.failures += 1;
                match self.after_failure(now, *failure, dice) {
                    _ if self.last_look_taken => return Step::Stop(StopReason::TimedOut),
                    Ok(pause) => pause.max(failure.wait.unwrap_or_default()),
                    Err(reason) => return Step::Stop(reason),
                }
            }
        };
        if self.last_look_taken {
            return Step::Stop(StopReason::TimedOut);
        }
        self.look_after(now, pause)
    }

    /// The pause before the next look, or why there is none.
    fn after_failure(
        &mut self,
        now: Duration,
        failure: PollFailure,
        dice: f64,
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
                return Ok(Backoff::new(self.options.interval, REFUSED_PAUSE).pause(self.refusals, dice));
            }
            _ if self.failures >= self.options.max_failures => {
                return Err(StopReason::TooManyFailures(self.failures));
            }
            _ => {
                let longest = self.options.longest_failure_interval;
                return Ok(Backoff::new(self.options.interval, longest).pause(self.failures, dice));
            }
        };
        let since = *self.refused_since.get_or_insert(now);
        let left = grace.saturating_sub(now.saturating_sub(since));
        if left.is_zero() {
            return Err(StopReason::Refused);
        }
        self.refusals += 1;
        Ok(Backoff::new(self.options.interval, REFUSED_PAUSE).pause(self.refusals, dice).min(left))
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
mod tests;

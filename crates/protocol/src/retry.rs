//! Whether to send again, and when. Pure: time, dice and the budget are arguments.
//!
//! | call | sent again after | never after |
//! |---|---|---|
//! | create | *not sent*; refused because of too many requests | anything else: a second create may be a second bill |
//! | get, list, models | any failure that may pass | a refusal that stays (key, account, no such task, wrong address) |
//! | delete of a queued task | *not sent*; refused because of too many requests | anything else, above all 409 |
//! | delete of a finished task | any failure that may pass | 409 and other refusals |
//!
//! No header makes a create go out again: a service's `x-should-retry` is not read, a redirect is not followed.

use std::{fmt, time::Duration};

use ark_video_model::ErrorClass;

use crate::{
    ApiError, SendError, UnixMillis,
    outcome::{CreateOutcome, Refusal},
    wait::{LookFailure, RETRY_AFTER_CAP},
};

/// How often and how long to try. The defaults suit a call that somebody waits for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// Sends in all that may fail before giving up; refusals for too many requests do not count. Default 5.
    pub attempts: u32,
    /// Sends that may be refused for too many requests. That is pacing, not failure: unlimited by default, so that
    /// only `elapsed` ends it.
    pub throttled_attempts: u32,
    /// No send starts later than this after the first. Default 5 minutes.
    pub elapsed: Duration,
    /// Longest pause after the first failure; doubles with each. Default 1 s.
    pub first_pause: Duration,
    /// Longest pause. Default 20 s.
    pub longest_pause: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts: 5,
            throttled_attempts: u32::MAX,
            elapsed: Duration::from_secs(5 * 60),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(20),
        }
    }
}

impl RetryOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends once, whatever happens.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 1, throttled_attempts: 1, ..Self::default() }
    }

    /// Sets how many sends may fail.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how many sends may be refused for too many requests.
    #[must_use]
    pub fn throttled_attempts(mut self, attempts: u32) -> Self {
        self.throttled_attempts = attempts;
        self
    }

    /// Sets how long after the first send another may start.
    #[must_use]
    pub fn elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self
    }

    /// The pause before the send that follows `failures` failed ones: full jitter, so anything from nothing to a limit
    /// that doubles. `dice` is a random number from 0 to 1.
    #[must_use]
    pub fn pause(&self, failures: u32, dice: f64) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let limit = doubled.min(self.longest_pause);
        let dice = if dice.is_nan() { 1.0 } else { dice.clamp(0.0, 1.0) };
        Duration::try_from_secs_f64(limit.as_secs_f64() * dice).unwrap_or(limit)
    }
}

/// When a failure came in, and the dice that are rolled for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Since the first send began, on a clock that only moves forward.
    pub elapsed: Duration,
    /// Wall clock, for a `Retry-After` that is a date.
    pub now: UnixMillis,
    /// A random number from 0 to 1.
    pub dice: f64,
}

/// What to do after a send that did not bring what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryStep {
    /// Send the same request again after this pause.
    After(Duration),
    /// Do not send again.
    GiveUp(GiveUp),
}

/// Why a request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUp {
    /// There is nothing to repeat: it worked, or it worked but the answer cannot be read.
    Done,
    /// The request may have had its effect. A create is reconciled instead, a delete looked after.
    Unsafe,
    /// The same request would be refused again.
    Refused,
    /// Key, balance, quota or permission: no other request of this account will fare better. Stop the whole run.
    Account,
    /// So many sends failed.
    Attempts(u32),
    /// The next send would start later than allowed.
    Elapsed,
    /// Too many sends of this client were repeats lately.
    Budget,
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("it is done"),
            Self::Unsafe => f.write_str("it may have had its effect already"),
            Self::Refused => f.write_str("the same request would be refused again"),
            Self::Account => {
                f.write_str("nothing of this account will pass before key, balance or permission is mended")
            }
            Self::Attempts(1) => f.write_str("it failed, and was to be sent only once"),
            Self::Attempts(sends) => write!(f, "it failed {sends} times"),
            Self::Elapsed => f.write_str("the time for repeating is up"),
            Self::Budget => f.write_str("too many requests of this client had to be repeated lately"),
        }
    }
}

/// A read or a delete that did not work.
#[derive(Debug, Clone, Copy)]
pub enum Failure<'a> {
    /// The service, or something in between, answered no.
    Answer(&'a ApiError),
    /// No complete answer came.
    Send(&'a SendError),
}

/// What a delete was meant for. The service has one verb for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Cancel a queued task. By the time of a repeat the task may have run, and the same request would delete a paid
    /// result: look again before each repeat.
    Queued,
    /// Delete the record of a finished task.
    Finished,
}

/// Repeats that one client may make: they spend, successes refill, so that a sick service is not flooded.
///
/// Shared by all calls of a client. Refusals for too many requests cost nothing: they are paced by
/// [`crate::limit`] and by `Retry-After`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    tokens: u32,
    capacity: u32,
}

impl RetryBudget {
    /// Tokens of a full budget.
    pub const TOKENS: u32 = 500;
    /// Tokens that one repeat costs.
    pub const COST: u32 = 5;

    /// A full budget of this many tokens.
    #[must_use]
    pub fn new(tokens: u32) -> Self {
        Self { tokens, capacity: tokens }
    }

    /// Tokens left.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// A call ended well: its last repeat's tokens come back, or one token if it needed none.
    pub fn succeeded(&mut self, repeats: u32) {
        let back = if repeats == 0 { 1 } else { Self::COST };
        self.tokens = self.tokens.saturating_add(back).min(self.capacity);
    }

    fn spend(&mut self) -> bool {
        let left = self.tokens.checked_sub(Self::COST);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(Self::TOKENS)
    }
}

/// The sends of one call.
#[derive(Debug, Clone)]
pub struct Retries {
    options: RetryOptions,
    failed: u32,
    throttled: u32,
    repeats: u32,
}

impl Retries {
    /// A call that has not been sent yet.
    #[must_use]
    pub fn new(options: RetryOptions) -> Self {
        Self { options, failed: 0, throttled: 0, repeats: 0 }
    }

    /// How often the call was sent again so far; for [`RetryBudget::succeeded`] and for messages.
    #[must_use]
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Decides about a create. Sends again only what was not sent, and what was refused because of too many requests.
    pub fn after_create(
        &mut self,
        outcome: &CreateOutcome,
        moment: Moment,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        match outcome {
            CreateOutcome::NotSent(error) => match LookFailure::of_send(error) {
                LookFailure::Final => RetryStep::GiveUp(GiveUp::Refused),
                LookFailure::Transient { .. } => self.failed(None, moment, budget),
            },
            CreateOutcome::Refused { class: Refusal::Throttled, error } => self.throttled(error, moment),
            CreateOutcome::Refused { class: Refusal::Account, .. } => RetryStep::GiveUp(GiveUp::Account),
            CreateOutcome::Refused { .. } => RetryStep::GiveUp(GiveUp::Refused),
            CreateOutcome::Accepted(_) | CreateOutcome::AcceptedWithoutId(_) => {
                RetryStep::GiveUp(GiveUp::Done)
            }
            CreateOutcome::Unknown(_) => RetryStep::GiveUp(GiveUp::Unsafe),
        }
    }

    /// Decides about a get, a list or a model list.
    pub fn after_read(
        &mut self,
        failure: Failure<'_>,
        moment: Moment,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let judged = match failure {
            Failure::Answer(error) if is_throttling(error) => return self.throttled(error, moment),
            Failure::Answer(error) => LookFailure::of_answer(error, moment.now),
            Failure::Send(error) => LookFailure::of_send(error),
        };
        match (judged, failure) {
            (LookFailure::Transient { wait }, _) => self.failed(wait, moment, budget),
            (LookFailure::Final, Failure::Answer(error)) if error.class() == ErrorClass::Account => {
                RetryStep::GiveUp(GiveUp::Account)
            }
            (LookFailure::Final, _) => RetryStep::GiveUp(GiveUp::Refused),
        }
    }

    /// Decides about a delete. A 409 (the task is running) is an answer, not a failure.
    pub fn after_delete(
        &mut self,
        deletion: Deletion,
        failure: Failure<'_>,
        moment: Moment,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let unsafe_to_repeat = deletion == Deletion::Queued
            && match failure {
                Failure::Answer(error) => {
                    !(is_throttling(error) && error.is_from_vendor()) && may_pass(error)
                }
                Failure::Send(error) => !error.is_not_sent(),
            };
        if unsafe_to_repeat {
            return RetryStep::GiveUp(GiveUp::Unsafe);
        }
        self.after_read(failure, moment, budget)
    }

    fn throttled(&mut self, error: &ApiError, moment: Moment) -> RetryStep {
        self.throttled = self.throttled.saturating_add(1);
        if self.throttled >= self.options.throttled_attempts {
            return RetryStep::GiveUp(GiveUp::Attempts(self.throttled));
        }
        let asked = error.retry_after.map(|after| after.wait(moment.now));
        self.pause(self.throttled, asked, moment)
    }

    fn failed(&mut self, asked: Option<Duration>, moment: Moment, budget: &mut RetryBudget) -> RetryStep {
        self.failed = self.failed.saturating_add(1);
        if self.failed >= self.options.attempts {
            return RetryStep::GiveUp(GiveUp::Attempts(self.failed));
        }
        match self.pause(self.failed, asked, moment) {
            RetryStep::After(_) if !budget.spend() => RetryStep::GiveUp(GiveUp::Budget),
            step => step,
        }
    }

    fn pause(&mut self, failures: u32, asked: Option<Duration>, moment: Moment) -> RetryStep {
        let asked = asked.unwrap_or_default().min(RETRY_AFTER_CAP);
        let pause = self.options.pause(failures, moment.dice).max(asked);
        if moment.elapsed.saturating_add(pause) > self.options.elapsed {
            return RetryStep::GiveUp(GiveUp::Elapsed);
        }
        self.repeats = self.repeats.saturating_add(1);
        RetryStep::After(pause)
    }
}

/// Whether the service may have carried the request out, or may yet answer otherwise.
fn may_pass(error: &ApiError) -> bool {
    matches!(LookFailure::of_answer(error, 0), LookFailure::Transient { .. })
}

/// A 429 that means "slower", not "no quota".
pub(crate) fn is_throttling(error: &ApiError) -> bool {
    error.class() == ErrorClass::Throttled && matches!(error.status, 400 | 429)
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;

//! When to send again, and how often. Pure: time, jitter and the budget are arguments.
//!
//! What may be sent again at all is [`crate::classify`]'s to say. Every class that may is bounded
//! by attempts, by time and by the budget of the client. No header makes a create go out again: a
//! service's `x-should-retry` is not read, a redirect is not followed.

use std::{fmt, time::Duration};

use crate::{
    Backoff, Cause, Class, Endpoint, Failure, RetryAfter, UnixMillis,
    backoff::RETRY_AFTER_CAP,
    classify,
    outcome::{CreateOutcome, Refusal},
};

/// How often and how long to retry. The defaults suit an interactive call.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RetryOptions {
    /// Sends in all that may fail before giving up; refusals for too many requests do not count.
    /// Default 5.
    pub attempts: u32,
    /// Sends that may be refused for too many requests. Default 50: pacing is no failure, so that
    /// `elapsed` ends it first.
    pub throttled_attempts: u32,
    /// No send starts later than this after the first. Default 5 minutes.
    pub elapsed: Duration,
    /// Pauses after failures. Default from 1 s to 20 s.
    pub backoff: Backoff,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts: 5,
            throttled_attempts: 50,
            elapsed: Duration::from_secs(5 * 60),
            backoff: Backoff::default(),
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
}

/// When a failure came in, and the random number for it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RetryContext {
    /// Since the first send began, on a clock that only moves forward.
    pub elapsed: Duration,
    /// Wall clock, for a `Retry-After` that is a date.
    pub now: UnixMillis,
    /// A random number from 0 to 1.
    pub jitter: f64,
}

impl RetryContext {
    /// A failure that came in so long after the first send, at `now`; `jitter` is a random number
    /// from 0 to 1.
    #[must_use]
    pub const fn new(elapsed: Duration, now: UnixMillis, jitter: f64) -> Self {
        Self { elapsed, now, jitter }
    }
}

/// What to do after a send that did not bring what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryStep {
    /// Send the same request again after this pause.
    After(Duration),
    /// Do not send again.
    GiveUp(GiveUp),
}

/// Why a request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum GiveUp {
    /// There is nothing to repeat: it worked, or it worked but the answer cannot be read.
    Done,
    /// The request may have had its effect. A create is reconciled instead, a delete looked after.
    Unsafe,
    /// The same request would be refused again.
    Refused,
    /// Key, balance, quota or permission: no other request of this account will fare better. Stop
    /// the whole run.
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
                f.write_str("nothing of this account will pass before key, balance or permission is fixed")
            }
            Self::Attempts(1) => f.write_str("it failed, and retries are off"),
            Self::Attempts(sends) => write!(f, "it failed {sends} times"),
            Self::Elapsed => f.write_str("retry deadline exceeded"),
            Self::Budget => f.write_str("retry budget exhausted"),
        }
    }
}

/// What a delete was meant for. The service has one verb for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deletion {
    /// Cancel a queued task. By the time of a repeat the task may have run, and the same request
    /// would delete a paid result: get the task before each retry.
    Queued,
    /// Delete the record of a finished task.
    Finished,
}

/// Repeats that one client may make: they spend, successes refill, so that a sick service is not
/// flooded.
///
/// Shared by all calls of a client. A repeat after a refusal for too many requests costs little: it
/// is paced by [`crate::limit`] and by `Retry-After` as well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RetryBudget {
    tokens: u32,
    capacity: u32,
}

impl RetryBudget {
    /// Tokens of a full budget.
    pub const TOKENS: u32 = 500;
    /// Tokens that one repeat costs.
    pub const COST: u32 = 5;
    /// Tokens that one repeat costs after a refusal for too many requests.
    pub const THROTTLED_COST: u32 = 1;

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

    fn spend(&mut self, cost: u32) -> bool {
        let left = self.tokens.checked_sub(cost);
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

    /// Decides about a create. Sends again only what was not sent, and what was refused in a way
    /// that may pass.
    pub fn after_create(
        &mut self,
        outcome: &CreateOutcome,
        context: RetryContext,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let (class, after) = match outcome {
            CreateOutcome::NotSent(error) if error.needs_setup() => (Class::Permanent, None),
            CreateOutcome::NotSent(error) => (classify(&Failure::send(Endpoint::Create, error)), None),
            CreateOutcome::Refused { class: Refusal::Throttled, error } => {
                (Class::Throttled, error.retry_after)
            }
            CreateOutcome::Refused { class: Refusal::Transient, error } => {
                (Class::Transient, error.retry_after)
            }
            CreateOutcome::Refused { class: Refusal::Account, .. } => (Class::Account, None),
            CreateOutcome::Refused { .. } => (Class::Permanent, None),
            CreateOutcome::Accepted(_) | CreateOutcome::AcceptedWithoutId(_) => {
                return RetryStep::GiveUp(GiveUp::Done);
            }
            CreateOutcome::Unknown(_) => (Class::MaybeDone, None),
        };
        self.after(class, after, context, budget)
    }

    /// Decides about a get, a list or a model list.
    pub fn after_read(
        &mut self,
        failure: Failure<'_>,
        context: RetryContext,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let class = match failure.cause {
            Cause::Send(error) if error.needs_setup() => Class::Permanent,
            _ => classify(&failure),
        };
        self.after(class, after_of(failure), context, budget)
    }

    /// Decides about a delete. A 409 (the task is running) is an answer, not a failure.
    pub fn after_delete(
        &mut self,
        deletion: Deletion,
        failure: Failure<'_>,
        context: RetryContext,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let class = match classify(&failure) {
            Class::MaybeDone if deletion == Deletion::Finished => Class::Transient,
            class => class,
        };
        self.after(class, after_of(failure), context, budget)
    }

    fn after(
        &mut self,
        class: Class,
        after: Option<RetryAfter>,
        context: RetryContext,
        budget: &mut RetryBudget,
    ) -> RetryStep {
        let (count, most, cost) = match class {
            Class::Throttled => {
                (&mut self.throttled, self.options.throttled_attempts, RetryBudget::THROTTLED_COST)
            }
            Class::NotSent | Class::Transient => (&mut self.failed, self.options.attempts, RetryBudget::COST),
            Class::MaybeDone => return RetryStep::GiveUp(GiveUp::Unsafe),
            Class::Account => return RetryStep::GiveUp(GiveUp::Account),
            Class::Permanent => return RetryStep::GiveUp(GiveUp::Refused),
        };
        *count = count.saturating_add(1);
        let count = *count;
        if count >= most {
            return RetryStep::GiveUp(GiveUp::Attempts(count));
        }
        let requested = after.map_or(Duration::ZERO, |after| after.wait(context.now).min(RETRY_AFTER_CAP));
        let pause = self.options.backoff.pause(count, context.jitter).max(requested);
        if context.elapsed.saturating_add(pause) > self.options.elapsed {
            return RetryStep::GiveUp(GiveUp::Elapsed);
        }
        if !budget.spend(cost) {
            return RetryStep::GiveUp(GiveUp::Budget);
        }
        self.repeats = self.repeats.saturating_add(1);
        RetryStep::After(pause)
    }
}

fn after_of(failure: Failure<'_>) -> Option<RetryAfter> {
    failure.api_error()?.retry_after
}

#[cfg(test)]
mod tests;

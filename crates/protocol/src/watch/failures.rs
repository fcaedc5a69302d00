//! Requests that brought nothing. None of them says anything about a task.

use std::{sync::Arc, time::Duration};

use ark_video_model::error_code::ErrorClass;

use super::{
    intervals::{Ms, SECOND, backoff, ms},
    machine::lists::Question,
    machine::{InFlight, Watch},
    tasks::{Key, NEVER},
    types::{CouldNotPoll, Ticket, WatchEvent},
};
use crate::{
    Cause, Class, Failure, UnixMillis, classify,
    limit::{RateLimitKey, RateLimiter},
    wait::{ACCOUNT_GRACE, NOT_FOUND_GRACE, NOT_FOUND_TWICE, REFUSALS},
};

/// How long a task that was refused is left alone, so that others are asked in between.
const REFUSED_PAUSE: Ms = 5 * SECOND;
/// Longest pause while a refusal of the account is not believed.
const LONGEST_REFUSED: Ms = 15 * SECOND;
/// Failed waves in a row after which everything pauses.
const WAVES: u32 = 3;

impl Watch {
    /// Hands in that a request brought no answer, or a refusal. `wall` is needed for a
    /// `Retry-After` that is a date, `jitter` is a random number from 0 to 1.
    pub fn failed(
        &mut self,
        now: Duration,
        ticket: Ticket,
        failure: Failure<'_>,
        wall: UnixMillis,
        jitter: f64,
        limits: &mut RateLimiter,
    ) {
        let time = ms(now);
        let Some(flight) = self.flights.remove(&ticket) else { return };
        let class = classify(&failure);
        let throttled = failure.is_too_many_requests();
        let requested = failure.retry_after(wall);
        self.last_failure_text = match failure.cause {
            Cause::Answer(error) => error.to_string().into(),
            Cause::Send(error) => error.to_string().into(),
        };
        let key =
            if matches!(flight.what, InFlight::Get { .. }) { RateLimitKey::Get } else { RateLimitKey::List };
        if throttled {
            limits.throttled(&key, now, requested);
        } else if failure.api_error().is_some() {
            limits.answered(&key, now);
        }
        let unknown_task = failure.is_not_found()
            && failure
                .api_error()
                .is_some_and(|error| error.is_from_vendor() && error.class() == ErrorClass::NotFound);
        let status = failure.api_error().map_or(0, |error| error.status);
        let requested = requested.map_or(0, ms);
        match flight.what {
            InFlight::Get { key, last_poll, .. } => {
                let key = self.landed(key);
                if unknown_task {
                    self.on_success();
                    if let Some(key) = key {
                        self.missed(key, last_poll, time);
                    }
                    return;
                }
                if class == Class::Account {
                    return self.refused(flight.sent, key, time, jitter);
                }
                self.on_failure(flight.sent, time, throttled, jitter);
                if throttled {
                    if let Some(key) = key {
                        self.throttled(key, last_poll);
                    }
                } else if let Some(key) = key {
                    let count = u32::from(self.tasks.get(key).map_or(0, |entry| entry.failures));
                    if class == Class::Permanent && count + 1 >= REFUSALS {
                        self.give_up(key, CouldNotPoll::Refused);
                    } else {
                        self.poll_failed(key, time, last_poll, requested.max(backoff(count + 1, jitter)));
                    }
                }
            }
            InFlight::List(question) => {
                self.lists.under_way = false;
                let wait = requested.max(backoff(self.lists.failures() + 1, jitter));
                if class == Class::Account && status == 401 {
                    self.refused(flight.sent, None, time, jitter);
                    self.lists.failed(time + wait);
                } else if matches!(class, Class::Account | Class::Permanent) {
                    let too_many_ids =
                        matches!(question, Question::Ids { .. }) && matches!(status, 400 | 413 | 414 | 431);
                    self.lists.refused(time, too_many_ids);
                } else {
                    self.on_failure(flight.sent, time, throttled, jitter);
                    self.lists.failed(time + wait);
                }
            }
        }
    }

    /// The service answered: it is there, and it knows us.
    pub(super) fn on_success(&mut self) {
        self.waves = 0;
        self.refusals = 0;
        self.last_refused = None;
        self.silence = None;
        self.paused_until = 0;
    }

    /// Counts failures that were not on their way together, and pauses everything after some in a
    /// row.
    fn on_failure(&mut self, sent: Ms, now: Ms, throttled: bool, jitter: f64) {
        self.silence = Some((self.silence.map_or(sent, |(since, _)| since), now));
        if throttled || (self.waves > 0 && sent < self.last_failure) {
            return;
        }
        self.last_failure = now;
        self.waves += 1;
        if self.waves >= WAVES {
            self.paused_until = now + backoff(self.waves - WAVES + 1, jitter);
            if self.waves == WAVES || self.waves.is_power_of_two() {
                self.report_trouble(self.waves);
            }
        }
    }

    /// A throttled poll proves nothing: it is retried, but not forever after the deadline.
    fn throttled(&mut self, key: Key, last_poll: bool) {
        let Some(entry) = self.tasks.get_mut(key) else { return };
        if last_poll {
            entry.failures = entry.failures.saturating_add(1);
            if u32::from(entry.failures) >= REFUSALS {
                return self.give_up(key, CouldNotPoll::LastPoll);
            }
        }
        self.call(key, false);
    }

    fn report_trouble(&mut self, failures: u32) {
        let detail = Arc::clone(&self.last_failure_text);
        self.events.push_back(WatchEvent::Warning { failures, detail });
    }

    /// A poll failed transiently.
    pub(super) fn poll_failed(&mut self, key: Key, now: Ms, last_poll: bool, wait: Ms) {
        if last_poll {
            return self.give_up(key, CouldNotPoll::LastPoll);
        }
        let Some(entry) = self.tasks.get_mut(key) else { return };
        entry.failures = entry.failures.saturating_add(1);
        if entry.flags.last_poll {
            return self.call(key, false);
        }
        self.tasks.set_due(key, now + wait);
    }

    /// The account was refused: for one task, or for a list. Only when that happens to several in a
    /// row is it the account.
    fn refused(&mut self, sent: Ms, key: Option<Key>, now: Ms, jitter: f64) {
        let same = key.is_some() && key == self.last_refused && self.tasks.len() > 1;
        if !same && (self.refusals == 0 || sent >= self.last_failure) {
            if self.refusals == 0 {
                self.refused_since = now;
            }
            self.refusals += 1;
            self.last_failure = now;
            self.last_refused = key;
        }
        let longest = ms(ACCOUNT_GRACE);
        if self.refusals >= REFUSALS && now.saturating_sub(self.refused_since) >= longest {
            return self.give_up_all(CouldNotPoll::Account);
        }
        if !same && self.refusals == REFUSALS {
            self.report_trouble(self.refusals);
        }
        self.paused_until = now + backoff(self.refusals, jitter).min(LONGEST_REFUSED);
        let Some(key) = key else { return };
        let Some(entry) = self.tasks.get_mut(key) else { return };
        if entry.flags.last_poll {
            return self.give_up(key, CouldNotPoll::LastPoll);
        }
        entry.failures = entry.failures.saturating_add(1);
        if entry.refused_since == NEVER {
            entry.refused_since = now;
        }
        if now.saturating_sub(entry.refused_since) >= longest {
            self.give_up(key, CouldNotPoll::Refused);
        } else {
            self.tasks.set_due(key, now + REFUSED_PAUSE);
        }
    }

    /// The service says that there is no such task.
    fn missed(&mut self, key: Key, last_poll: bool, now: Ms) {
        let Some(entry) = self.tasks.get_mut(key) else { return };
        if entry.refused_since == NEVER {
            entry.refused_since = now;
        }
        // A task that was seen or just created exists: its record may not be readable everywhere
        // yet.
        let apart = if entry.status.is_some() { NOT_FOUND_GRACE } else { NOT_FOUND_TWICE };
        let known_until = entry.added.saturating_add(SECOND * Ms::from(entry.known_for));
        let certain_at = entry.refused_since.saturating_add(ms(apart)).max(known_until);
        if now >= certain_at || (last_poll && now >= known_until) {
            if let Some(entry) = self.tasks.remove(key) {
                self.remember(Arc::clone(&entry.id), now);
                self.has_moved(now);
                self.events.push_back(WatchEvent::Gone { id: entry.id });
            }
            return;
        }
        if last_poll {
            return self.give_up(key, CouldNotPoll::LastPoll);
        }
        let again = (now + ms(NOT_FOUND_TWICE)).min(certain_at);
        (entry.seen, entry.not_before) = (now, again);
        self.tasks.set_due(key, again);
    }

    /// Gives up when nothing at all was answered for too long: from the first failure to the last,
    /// so that a machine that was asleep tries again first.
    pub(super) fn end_silence(&mut self) {
        let longest = ms(self.options.max_silence);
        if self.silence.is_some_and(|(since, last)| last.saturating_sub(since) >= longest) {
            self.give_up_all(CouldNotPoll::Silence);
            self.on_success();
        }
    }

    fn give_up_all(&mut self, why: CouldNotPoll) {
        for key in self.tasks.keys() {
            self.give_up(key, why);
        }
    }
}

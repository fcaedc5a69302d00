//! How fast to ask, as plain state: one limiter per endpoint, for creates one per model. Where the
//! rate is one by the second, no second holds more than it, whenever the service counts.
//!
//! The vendor's figures are defaults, not truth: they change with balance and contract, and
//! resellers have others. So a limiter slows down when the service says "too many" and comes back
//! within a minute.
//!
//! Times are measured from any fixed start, the same for all calls, on a monotonic clock.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use ark_video_model::Resolution;

use crate::backoff::RETRY_AFTER_CAP;

/// What is left of the rate after a refusal for too many requests.
const DECREASE: f64 = 0.7;
/// How long the rate takes to come back after the last refusal.
const RECOVERY: Duration = Duration::from_secs(60);
/// Refusals closer together than this are one: they were on their way together.
const SAME_REFUSAL: Duration = Duration::from_secs(1);
/// The rate never falls below this part of the one set.
const FLOOR: f64 = 0.05;
/// Parts of a permit that rounding may cost.
const ROUNDING: f64 = 1e-6;
const SECOND: Duration = Duration::from_secs(1);
/// A request without an answer is taken to have been counted after this long.
const UNANSWERED: Duration = Duration::from_secs(1);
/// When to ask again while only answers can free a place.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Rates per account. The defaults are those of a company account (models page and tutorial,
/// 2026-10).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RateLimits {
    /// Creates per minute and model; versions of a model share it. Default 600; personal accounts
    /// have 180.
    pub create_per_minute: f64,
    /// Creates per minute at 4k. Default 15.
    pub create_4k_per_minute: f64,
    /// Creates per minute of single models, by name without its date; stronger than the two above.
    pub create_per_minute_of: BTreeMap<String, f64>,
    /// Gets per second. Default 20.
    pub get_per_second: f64,
    /// Lists per second. Default 1.
    pub list_per_second: f64,
    /// Deletes per second. Default 20.
    pub delete_per_second: f64,
    /// Model lists per second; not documented. Default 1.
    pub models_per_second: f64,
    /// Part of each rate that is left unused, so that uneven delays on the way do not become
    /// refusals. Default 0.03.
    pub headroom: f64,
    /// How many creates may go out at once: those of so much time, at least one. Default 0.8 s. Of
    /// the rates by the second, as many may as there are in a second.
    pub burst: Duration,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            create_per_minute: 600.0,
            create_4k_per_minute: 15.0,
            create_per_minute_of: BTreeMap::from([("doubao-seedance-1-0-lite".to_owned(), 300.0)]),
            get_per_second: 20.0,
            list_per_second: 1.0,
            delete_per_second: 20.0,
            models_per_second: 1.0,
            headroom: 0.03,
            burst: Duration::from_millis(800),
        }
    }
}

impl RateLimits {
    /// The rates of a company account.
    #[must_use]
    pub fn company() -> Self {
        Self::default()
    }

    /// The rates of a personal account: 180 creates a minute.
    #[must_use]
    pub fn personal() -> Self {
        Self { create_per_minute: 180.0, create_per_minute_of: BTreeMap::new(), ..Self::default() }
    }

    /// No limit at all, for a service of one's own.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            create_per_minute: f64::INFINITY,
            create_4k_per_minute: f64::INFINITY,
            create_per_minute_of: BTreeMap::new(),
            get_per_second: f64::INFINITY,
            list_per_second: f64::INFINITY,
            delete_per_second: f64::INFINITY,
            models_per_second: f64::INFINITY,
            ..Self::default()
        }
    }

    /// Sets the creates per minute of each model that has no figure of its own.
    #[must_use]
    pub fn create_per_minute(mut self, creates: f64) -> Self {
        self.create_per_minute = creates;
        self
    }

    /// Sets the gets per second.
    #[must_use]
    pub fn get_per_second(mut self, gets: f64) -> Self {
        self.get_per_second = gets;
        self
    }

    /// Sets the lists per second.
    #[must_use]
    pub fn list_per_second(mut self, lists: f64) -> Self {
        self.list_per_second = lists;
        self
    }

    fn per_second(&self, key: &RateLimitKey) -> f64 {
        match key {
            RateLimitKey::Create { model, four_k } => {
                let shared = if *four_k { self.create_4k_per_minute } else { self.create_per_minute };
                self.create_per_minute_of.get(model).filter(|_| !four_k).unwrap_or(&shared) / 60.0
            }
            RateLimitKey::Get => self.get_per_second,
            RateLimitKey::List => self.list_per_second,
            RateLimitKey::Delete => self.delete_per_second,
            RateLimitKey::Models => self.models_per_second,
        }
    }
}

/// What shares one rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RateLimitKey {
    /// Creates of one model.
    Create {
        /// The model without its date, or an endpoint id.
        model: String,
        /// Whether at 4k, which has a rate of its own.
        four_k: bool,
    },
    /// Gets.
    Get,
    /// Lists.
    List,
    /// Deletes.
    Delete,
    /// Model lists.
    Models,
}

impl RateLimitKey {
    /// The key of a create.
    #[must_use]
    pub fn create(model: &str, resolution: Option<&Resolution>) -> Self {
        let undated = model
            .rsplit_once('-')
            .filter(|(_, date)| date.len() == 6 && date.bytes().all(|digit| digit.is_ascii_digit()))
            .map_or(model, |(name, _)| name);
        Self::Create { model: undated.to_owned(), four_k: resolution == Some(&Resolution::R4k) }
    }
}

/// Whether a request may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permit {
    /// Yes; it counts as sent.
    Ready,
    /// Not before this time. No slot was taken: try again then.
    At(Duration),
}

/// The limiters of one account. Everything that uses the account's key should share one.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    settings: RateLimits,
    users: u32,
    limiters: BTreeMap<RateLimitKey, KeyLimiter>,
}

impl RateLimiter {
    /// Limiters that have been idle so far.
    #[must_use]
    pub fn new(settings: RateLimits) -> Self {
        Self { settings, users: 1, limiters: BTreeMap::new() }
    }

    /// Keeps to one part of each rate, because so many limiters of other processes serve the same
    /// account, this one included.
    pub fn share(&mut self, users: u32) {
        self.users = users.max(1);
        for (key, limiter) in &mut self.limiters {
            let KeyLimiter { set, places, hold, .. } = KeyLimiter::new(key, &self.settings, self.users);
            (limiter.set, limiter.places, limiter.hold) = (set, places, hold);
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &RateLimits {
        &self.settings
    }

    /// Takes a permit, or says when one may be free.
    pub fn acquire(&mut self, key: &RateLimitKey, now: Duration) -> Permit {
        self.with(key, |limiter| limiter.take(now, 0))
    }

    /// Takes a permit that is hardly missed: only while `keep` more could follow at once.
    pub fn acquire_spare(&mut self, key: &RateLimitKey, now: Duration, keep: usize) -> Permit {
        self.with(key, |limiter| limiter.take(now, keep))
    }

    /// An answer came. The service may have counted the request only now, however early it was
    /// sent.
    pub fn answered(&mut self, key: &RateLimitKey, now: Duration) {
        self.with(key, |limiter| limiter.answered(now));
    }

    /// The service throttled a request: the key slows down, and pauses for the requested time (at
    /// most 120 s).
    pub fn throttled(&mut self, key: &RateLimitKey, now: Duration, retry_after: Option<Duration>) {
        self.with(key, |limiter| limiter.throttled(now, retry_after));
    }

    fn with<T>(&mut self, key: &RateLimitKey, act: impl FnOnce(&mut KeyLimiter) -> T) -> T {
        let Self { settings, users, limiters } = self;
        // The key is copied once, not for each request.
        if let Some(limiter) = limiters.get_mut(key) {
            return act(limiter);
        }
        act(limiters.entry(key.clone()).or_insert_with(|| KeyLimiter::new(key, settings, *users)))
    }
}

/// So many places, each taken by one request and free again after a while; the while grows when the
/// service refuses.
///
/// A token bucket would be smaller, and too slow: a list shows up to 20 ends at once, and a bucket
/// that keeps to 20 gets in every second has three in store
/// (docs/decisions/0013-one-rate-limiter.md).
#[derive(Debug, Clone, PartialEq)]
struct KeyLimiter {
    /// Requests per second when nothing is wrong.
    set: f64,
    places: usize,
    /// How long a request takes its place when nothing is wrong.
    hold: Duration,
    /// For rates by the second: a place is free again so long after the answer, not after the
    /// sending. The service counts a request somewhere between the two.
    from_answer: bool,
    /// When those were sent that have no answer yet, oldest first.
    unanswered: VecDeque<Duration>,
    /// When the other places are free again, earliest first.
    free_at: VecDeque<Duration>,
    /// Nothing goes out before.
    stopped_until: Duration,
    /// When the rate was last cut, and to which part of it.
    cut: Option<(Duration, f64)>,
}

impl KeyLimiter {
    fn new(key: &RateLimitKey, settings: &RateLimits, users: u32) -> Self {
        let from_answer = !matches!(key, RateLimitKey::Create { .. });
        let set = settings.per_second(key) / f64::from(users) * (1.0 - settings.headroom);
        let set = set.max(1e-6);
        let span = if from_answer { SECOND } else { settings.burst };
        // An infinite rate has no places; it is never asked for one.
        let places = ((set * span.as_secs_f64() + ROUNDING) as usize).max(1);
        let even = Duration::try_from_secs_f64(places as f64 / set).unwrap_or(Duration::MAX);
        Self {
            set,
            places,
            hold: if from_answer { even.max(SECOND) } else { even },
            from_answer,
            unanswered: VecDeque::new(),
            free_at: VecDeque::new(),
            stopped_until: Duration::ZERO,
            cut: None,
        }
    }

    /// The current share of the rate after throttling.
    fn part(&self, now: Duration) -> f64 {
        let Some((at, part)) = self.cut else { return 1.0 };
        let recovered = now.saturating_sub(at).as_secs_f64() / RECOVERY.as_secs_f64();
        part + (1.0 - part) * recovered.min(1.0)
    }

    fn answered(&mut self, now: Duration) {
        if self.unanswered.pop_front().is_some() {
            self.hold_from(now);
        }
    }

    fn hold_from(&mut self, counted: Duration) {
        let hold = Duration::try_from_secs_f64(self.hold.as_secs_f64() / self.part(counted));
        let free = counted.saturating_add(hold.unwrap_or(Duration::MAX));
        let place = self.free_at.partition_point(|at| *at <= free);
        self.free_at.insert(place, free);
    }

    fn throttled(&mut self, now: Duration, retry_after: Option<Duration>) {
        self.answered(now);
        if self.cut.is_none_or(|(at, _)| now.saturating_sub(at) >= SAME_REFUSAL) {
            self.cut = Some((now, (self.part(now) * DECREASE).max(FLOOR)));
        }
        let step = Duration::try_from_secs_f64(1.0 / (self.set * self.part(now))).unwrap_or(Duration::MAX);
        let wait = retry_after.map_or(step, |wait| wait.min(RETRY_AFTER_CAP));
        let next = now.saturating_add(wait);
        if next < self.stopped_until {
            return;
        }
        self.stopped_until = next;
        if self.set.is_finite() {
            // The service has just said that there is nothing to spare: one by one from then on.
            let free = (0..self.places).map(|place| {
                next.saturating_add(step.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)))
            });
            let held = std::mem::replace(&mut self.free_at, free.collect());
            for (at, held) in self.free_at.iter_mut().rev().zip(held.into_iter().rev()) {
                *at = held.max(*at);
            }
        }
    }

    /// Takes a place while more than `keep` are free, or says when that may be. Of all of them, one
    /// can always be had.
    fn take(&mut self, now: Duration, keep: usize) -> Permit {
        let stopped = (now < self.stopped_until).then_some(Permit::At(self.stopped_until));
        if self.set.is_infinite() {
            return stopped.unwrap_or(Permit::Ready);
        }
        while self.unanswered.front().is_some_and(|sent| *sent + UNANSWERED <= now) {
            let sent = self.unanswered.pop_front().unwrap_or_default();
            self.hold_from(sent + UNANSWERED);
        }
        while self.free_at.front().is_some_and(|at| *at <= now) {
            self.free_at.pop_front();
        }
        let most = self.places.saturating_sub(keep).max(1);
        let taken = self.unanswered.len() + self.free_at.len();
        if taken >= most {
            // Beyond the slots that are free by then it depends on responses.
            let free = self.free_at.get(taken - most).map_or(now + LOOK_AGAIN, |at| *at);
            return Permit::At(free.max(self.stopped_until));
        }
        if let Some(stopped) = stopped {
            return stopped;
        }
        match self.from_answer {
            true => self.unanswered.push_back(now),
            false => self.hold_from(now),
        }
        Permit::Ready
    }
}

#[cfg(test)]
mod tests;

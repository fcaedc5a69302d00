//! How fast to ask. Token buckets as plain state: one per endpoint, for creates one per model; where the rate is one by the
//! second, no second holds more than it, whenever the service counts.
//!
//! The vendor's figures are defaults, not truth: they change with balance and contract, and resellers have others. So a
//! limiter slows down when the service says "too many" and comes back within a minute.
//!
//! Times are measured from any fixed moment, the same for all calls, on a clock that only moves forward.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use ark_video_model::Resolution;

use crate::wait::RETRY_AFTER_CAP;

/// What is left of the rate after a refusal for too many requests.
const DECREASE: f64 = 0.7;
/// How long the rate takes to come back after the last refusal.
const RECOVERY: Duration = Duration::from_secs(60);
/// Refusals closer together than this are one: they were on their way together.
const SAME_REFUSAL: Duration = Duration::from_secs(1);
/// The rate never falls below this part of the one set.
const FLOOR: f64 = 0.05;
/// The part of what can be saved up that spare permits leave.
const RESERVE: f64 = 0.8;
/// Parts of a permit that rounding may cost.
const ROUNDING: f64 = 1e-6;

/// Rates per account. The defaults are those of a company account (models page and tutorial, 2026-10).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LimitSettings {
    /// Creates per minute and model; versions of a model share it. Default 600; personal accounts have 180.
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
    /// Part of each rate that is left unused, so that uneven delays on the way do not become refusals. Default 0.03.
    pub headroom: f64,
    /// How much unused time can be saved up: 0.8 s. At least one request can always be saved up. Rates by the second are
    /// kept in every second all the same, however it is counted.
    pub burst: Duration,
}

impl Default for LimitSettings {
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

impl LimitSettings {
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

    fn per_second(&self, lane: &Lane) -> f64 {
        match lane {
            Lane::Create { model, four_k } => {
                let shared = if *four_k { self.create_4k_per_minute } else { self.create_per_minute };
                self.create_per_minute_of.get(model).filter(|_| !four_k).unwrap_or(&shared) / 60.0
            }
            Lane::Get => self.get_per_second,
            Lane::List => self.list_per_second,
            Lane::Delete => self.delete_per_second,
            Lane::Models => self.models_per_second,
        }
    }
}

/// What shares one rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lane {
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

impl Lane {
    /// The lane of a create.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Yes; it counts as sent.
    Ready,
    /// Not before this moment. Nothing was taken: ask again then.
    At(Duration),
}

/// The limiters of one account. Everything that uses the account's key should share one.
#[derive(Debug, Clone)]
pub struct Limits {
    settings: LimitSettings,
    users: u32,
    lanes: BTreeMap<Lane, Limiter>,
}

impl Limits {
    /// Limiters that have been idle so far.
    #[must_use]
    pub fn new(settings: LimitSettings) -> Self {
        Self { settings, users: 1, lanes: BTreeMap::new() }
    }

    /// Keeps to one part of each rate, because so many limiters of other processes serve the same account, this one included.
    pub fn share(&mut self, users: u32, now: Duration) {
        let users = users.max(1);
        if users == self.users {
            return;
        }
        self.users = users;
        for (lane, limiter) in &mut self.lanes {
            let per_second = self.settings.per_second(lane) / f64::from(users);
            limiter.set_to(per_second, self.settings.headroom, self.settings.burst, now);
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &LimitSettings {
        &self.settings
    }

    /// Takes a permit, or says when one may be free.
    pub fn acquire(&mut self, lane: &Lane, now: Duration) -> Permit {
        self.lane(lane).acquire(now)
    }

    /// Takes a permit that is hardly missed: only while four fifths of what can be saved up are there, and `keep` more
    /// could follow at once.
    pub fn acquire_spare(&mut self, lane: &Lane, now: Duration, keep: usize) -> Permit {
        self.lane(lane).acquire_spare(now, keep)
    }

    /// An answer came. The service may have counted the request only now, however early it was sent, so what has been
    /// saved up since is not relied on.
    pub fn answered(&mut self, lane: &Lane, now: Duration) {
        self.lane(lane).answered(now);
    }

    /// The service refused because of too many requests: the lane slows down, and stops for as long as it was told
    /// (at most 120 s).
    pub fn throttled(&mut self, lane: &Lane, now: Duration, retry_after: Option<Duration>) {
        self.lane(lane).throttled(now, retry_after);
    }

    fn lane(&mut self, lane: &Lane) -> &mut Limiter {
        if !self.lanes.contains_key(lane) {
            let per_second = self.settings.per_second(lane) / f64::from(self.users);
            let mut limiter = Limiter::new(per_second, self.settings.headroom, self.settings.burst);
            if !matches!(lane, Lane::Create { .. }) {
                limiter.window = Window::of(limiter.set);
            }
            self.lanes.insert(lane.clone(), limiter);
        }
        self.lanes.entry(lane.clone()).or_insert_with(|| Limiter::new(f64::INFINITY, 0.0, Duration::ZERO))
    }
}

/// One token bucket whose rate gives way to refusals.
#[derive(Debug, Clone, PartialEq)]
pub struct Limiter {
    /// Permits per second when nothing is wrong.
    set: f64,
    /// Permits that can be saved up.
    capacity: f64,
    tokens: f64,
    /// When `tokens` was right. In the future while stopped.
    at: Duration,
    /// When the rate was last cut, and to what.
    cut: Option<(Duration, f64)>,
    /// For rates that are documented by the second.
    window: Option<Window>,
}

impl Limiter {
    /// A full bucket of `per_second`, less the `headroom` (a part, 0 to 1).
    #[must_use]
    pub fn new(per_second: f64, headroom: f64, burst: Duration) -> Self {
        let set = (per_second * (1.0 - headroom)).max(1e-6);
        let capacity = (set * burst.as_secs_f64()).max(1.0);
        Self { set, capacity, tokens: capacity, at: Duration::ZERO, cut: None, window: None }
    }

    /// Takes another rate from now on; what is saved up, and what was asked in the last second, stays.
    fn set_to(&mut self, per_second: f64, headroom: f64, burst: Duration, now: Duration) {
        self.refill(now);
        let Self { set, capacity, .. } = Self::new(per_second, headroom, burst);
        if let (Some((_, rate)), true) = (&mut self.cut, self.set.is_finite() && set.is_finite()) {
            *rate *= set / self.set;
        }
        (self.set, self.capacity, self.tokens) = (set, capacity, self.tokens.min(capacity));
        if let (Some(window), Some(new)) = (&mut self.window, Window::of(set)) {
            window.most = new.most;
        }
    }

    /// Permits per second at this moment.
    #[must_use]
    pub fn rate(&self, now: Duration) -> f64 {
        let Some((at, rate)) = self.cut else { return self.set };
        let recovered = now.saturating_sub(at).as_secs_f64() / RECOVERY.as_secs_f64();
        rate + (self.set - rate) * recovered.min(1.0)
    }

    /// Most permits that can be taken at once.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    /// Whether as much is saved up as can be.
    pub(crate) fn is_full(&mut self, now: Duration) -> bool {
        self.refill(now);
        self.tokens + ROUNDING >= self.capacity
    }

    /// As [`Limits::acquire`].
    pub fn acquire(&mut self, now: Duration) -> Permit {
        self.take(now, 1.0, 0)
    }

    /// As [`Limits::acquire_spare`].
    pub fn acquire_spare(&mut self, now: Duration, keep: usize) -> Permit {
        self.take(now, (self.capacity * RESERVE).max(1.0), keep)
    }

    /// As [`Limits::answered`].
    pub fn answered(&mut self, now: Duration) {
        if let Some(window) = &mut self.window {
            window.answered(now);
        }
        if self.set.is_finite() && now >= self.at {
            self.refill(now);
            self.tokens = self.tokens.min(self.capacity - 1.0);
        }
    }

    /// As [`Limits::throttled`].
    pub fn throttled(&mut self, now: Duration, retry_after: Option<Duration>) {
        if self.set.is_infinite() {
            return self.stop(now, retry_after.unwrap_or_default());
        }
        if let Some(window) = &mut self.window {
            window.answered(now);
        }
        self.refill(now);
        if self.cut.is_none_or(|(at, _)| now.saturating_sub(at) >= SAME_REFUSAL) {
            self.cut = Some((now, (self.rate(now) * DECREASE).max(self.set * FLOOR)));
        }
        if now >= self.at {
            self.tokens = self.tokens.min(0.0);
        }
        if let Some(wait) = retry_after {
            self.stop(now, wait);
        }
    }

    fn stop(&mut self, now: Duration, wait: Duration) {
        let until = now.saturating_add(wait.min(RETRY_AFTER_CAP));
        if until > self.at {
            // What is saved up by then is one permit at most: the service has just said that there is none to spare.
            let gained = self.rate(self.at) * (until - self.at).as_secs_f64();
            self.tokens = (self.tokens.max(0.0) + gained).min(1.0);
            self.at = until;
        }
    }

    fn take(&mut self, now: Duration, wanted: f64, keep: usize) -> Permit {
        let stopped = now < self.at;
        if self.set.is_infinite() {
            return if stopped { Permit::At(self.at) } else { Permit::Ready };
        }
        self.refill(now);
        if !stopped && self.tokens + ROUNDING >= wanted {
            if let Some(window) = &mut self.window
                && let Some(at) = window.take(now, keep)
            {
                return Permit::At(at);
            }
            self.tokens -= 1.0;
            return Permit::Ready;
        }
        // The rate only rises meanwhile, so this is late rather than early.
        let wait = (wanted - self.tokens).max(0.0) / self.rate(self.at);
        Permit::At(self.at.saturating_add(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX)))
    }

    fn refill(&mut self, now: Duration) {
        if now > self.at {
            let gained = self.rate(self.at) * (now - self.at).as_secs_f64();
            self.tokens = (self.tokens + gained).min(self.capacity);
            self.at = now;
        }
    }
}

/// The requests of the last second, however the service counts a second: by a sliding window, by the clock's, or by a bucket
/// of a second's worth.
///
/// The service counts a request somewhere between its sending and its answer, so the second of each begins with its answer.
#[derive(Debug, Clone, PartialEq)]
struct Window {
    most: usize,
    /// When those were sent that have no answer yet, oldest first.
    unanswered: VecDeque<Duration>,
    /// When the others were counted at the latest, oldest first.
    counted: VecDeque<Duration>,
}

const SECOND: Duration = Duration::from_secs(1);
/// A request without an answer is taken to have been counted after this long.
const UNANSWERED: Duration = Duration::from_secs(1);
/// When to look again while only answers can free a place.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Window {
    fn of(per_second: f64) -> Option<Self> {
        // A rate below one a second is the bucket's alone.
        let most = per_second.is_finite().then_some(per_second.max(1.0) as usize)?;
        Some(Self { most, unanswered: VecDeque::new(), counted: VecDeque::new() })
    }

    /// Takes a place, or says when one may be free. At least one can always be had.
    fn take(&mut self, now: Duration, keep: usize) -> Option<Duration> {
        while self.unanswered.front().is_some_and(|sent| *sent + UNANSWERED <= now) {
            let sent = self.unanswered.pop_front().unwrap_or_default();
            self.count(sent + UNANSWERED);
        }
        while self.counted.front().is_some_and(|counted| *counted + SECOND <= now) {
            self.counted.pop_front();
        }
        let most = self.most.saturating_sub(keep).max(1);
        let taken = self.unanswered.len() + self.counted.len();
        if taken < most {
            self.unanswered.push_back(now);
            return None;
        }
        let free = self.counted.get(taken - most).map(|counted| *counted + SECOND);
        Some(free.unwrap_or(now + LOOK_AGAIN))
    }

    /// Whose answer it is makes no difference to how many there are.
    fn answered(&mut self, now: Duration) {
        if self.unanswered.pop_front().is_some() {
            self.count(now);
        }
    }

    fn count(&mut self, at: Duration) {
        let place = self.counted.partition_point(|counted| *counted <= at);
        self.counted.insert(place, at);
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;

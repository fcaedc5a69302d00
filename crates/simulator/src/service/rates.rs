//! How often may be asked, and how many tasks run at a time: rates over a sliding window, and slots
//! with a queue.
//!
//! Counts only. Rejections are in `mod.rs`; the start of a task is in `store.rs`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use crate::catalog::Model;

/// What shares a limit: the versions of one model; its 4k has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RateLimitKey {
    /// Name of the model without its date.
    pub(crate) name: &'static str,
    pub(crate) four_k: bool,
}

impl RateLimitKey {
    pub(crate) fn of(model: Model, resolution: &str) -> Self {
        Self { name: &model.entry.name, four_k: resolution == "4k" }
    }
}

/// The moments of the last calls, at most as many as are allowed.
#[derive(Debug, Default)]
struct SlidingWindow(VecDeque<i64>);

impl SlidingWindow {
    /// How long to wait until one more fits, in milliseconds; `None` when it fits now.
    fn wait(&mut self, now: i64, span: i64, most: u32) -> Option<i64> {
        while self.0.front().is_some_and(|first| first.saturating_add(span) <= now) {
            self.0.pop_front();
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if self.0.len() < most {
            return None;
        }
        // The one whose end makes room. With a limit of nothing there is none, and a whole span is
        // as good as any answer.
        let first = self.0.get(self.0.len() - most).copied().unwrap_or(now);
        Some((first + span - now).clamp(1, span))
    }
}

/// The calls of the account.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    by_operation: BTreeMap<&'static str, SlidingWindow>,
    creates: BTreeMap<RateLimitKey, SlidingWindow>,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60_000;

impl Calls {
    /// Takes a call of an operation in, or says how many milliseconds too early it is.
    pub(crate) fn take(&mut self, operation: &'static str, now: i64, per_second: u32) -> Result<(), i64> {
        let window = self.by_operation.entry(operation).or_default();
        match window.wait(now, SECOND, per_second) {
            Some(wait) => Err(wait),
            None => {
                window.0.push_back(now);
                Ok(())
            }
        }
    }

    /// How many milliseconds too early a create is.
    pub(crate) fn create_wait(&mut self, key: RateLimitKey, now: i64, per_minute: u32) -> Option<i64> {
        self.creates.entry(key).or_default().wait(now, MINUTE, per_minute)
    }

    /// Counts a task that was created.
    pub(crate) fn created(&mut self, key: RateLimitKey, now: i64) {
        self.creates.entry(key).or_default().0.push_back(now);
    }
}

/// The waiting and running tasks of one key.
#[derive(Debug, Default)]
struct Queue {
    running: u32,
    queued: u32,
    /// Those that are due to start and found no slot: larger priority first, then the older.
    waiting: BTreeSet<(Reverse<i64>, u32)>,
}

/// All queues. A task is in here only while rates are on.
#[derive(Debug, Default)]
pub(crate) struct Slots(BTreeMap<RateLimitKey, Queue>);

impl Slots {
    /// How many tasks of a key have not started.
    pub(crate) fn queued(&self, key: RateLimitKey) -> u32 {
        self.0.get(&key).map_or(0, |queue| queue.queued)
    }

    /// A task has been created.
    pub(crate) fn enter(&mut self, key: RateLimitKey) {
        self.0.entry(key).or_default().queued += 1;
    }

    /// A task is due to start: whether there is a slot. If not, it waits, and [`free`](Self::free)
    /// gives it out.
    pub(crate) fn start(&mut self, key: RateLimitKey, most: u32, priority: i64, place: u32) -> bool {
        let queue = self.0.entry(key).or_default();
        if queue.running >= most.max(1) {
            queue.waiting.insert((Reverse(priority), place));
            return false;
        }
        queue.running += 1;
        queue.queued = queue.queued.saturating_sub(1);
        true
    }

    /// Puts a task back among those that found no slot.
    pub(crate) fn wait(&mut self, key: RateLimitKey, priority: i64, place: u32) {
        self.0.entry(key).or_default().waiting.insert((Reverse(priority), place));
    }

    /// A task leaves without having run.
    pub(crate) fn leave(&mut self, key: RateLimitKey, priority: i64, place: u32) {
        let queue = self.0.entry(key).or_default();
        queue.waiting.remove(&(Reverse(priority), place));
        queue.queued = queue.queued.saturating_sub(1);
    }

    /// A task has stopped running: who is next. The next one counts as running from now on.
    pub(crate) fn free(&mut self, key: RateLimitKey) -> Option<u32> {
        let queue = self.0.entry(key).or_default();
        let next = queue.waiting.pop_first();
        match next {
            Some(_) => queue.queued = queue.queued.saturating_sub(1),
            None => queue.running = queue.running.saturating_sub(1),
        }
        next.map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: RateLimitKey = RateLimitKey { name: "m", four_k: false };

    #[test]
    fn a_window_slides() {
        let mut calls = Calls::default();
        assert_eq!(calls.take("get", 0, 2), Ok(()));
        assert_eq!(calls.take("get", 400, 2), Ok(()));
        assert_eq!(calls.take("get", 500, 2), Err(500), "until the first is a second old");
        assert_eq!(calls.take("get", 999, 2), Err(1));
        assert_eq!(calls.take("get", 1000, 2), Ok(()));
        assert_eq!(calls.take("get", 1000, 2), Err(400), "what was refused does not count");
        assert_eq!(calls.take("list", 1000, 1), Ok(()), "each operation has its own");
        assert_eq!(calls.take("list", 900, 1), Err(1000), "a clock that goes back gives nothing away");
    }

    #[test]
    fn a_slot_goes_to_the_larger_priority_and_then_to_the_older() {
        let mut slots = Slots::default();
        (0..5).for_each(|_| slots.enter(LANE));
        assert!(slots.start(LANE, 1, 0, 1));
        for (priority, number) in [(0, 2), (5, 3), (5, 4), (9, 5)] {
            assert!(!slots.start(LANE, 1, priority, number));
        }
        assert_eq!(slots.queued(LANE), 4);
        assert_eq!(slots.free(LANE), Some(5));
        slots.leave(LANE, 5, 3);
        assert_eq!((slots.free(LANE), slots.free(LANE), slots.free(LANE)), (Some(4), Some(2), None));
        assert_eq!(slots.queued(LANE), 0);
        assert!(slots.start(LANE, 1, 0, 6));
    }
}

//! Callbacks: which are to be sent when, and what their outcome leads to. Sending is the host's
//! business.
//!
//! As documented (create page, 2026-10): the task as a get shows it, at each change of state but to
//! `cancelled`; for succeeded and failed up to three more tries. What counts as received and how
//! long lies between the tries are switches.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::options::Switches;

/// Tries for a callback of a task that has succeeded or failed.
const TRIES: u32 = 4;

/// A callback to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// Identifies the callback when its outcome is reported.
    pub number: u64,
    /// The task that it is about.
    pub task_id: String,
    /// Where to POST.
    pub url: String,
    /// The task, as JSON.
    pub body: Bytes,
    /// 1 for the first try.
    pub attempt: u32,
}

/// Counts of callbacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallbackCounts {
    /// Changes of state that were called back for.
    pub planned: u64,
    /// Tries that were made.
    pub tries: u64,
    /// Callbacks that were received.
    pub received: u64,
    /// Callbacks that were given up.
    pub lost: u64,
}

#[derive(Debug)]
struct Pending {
    task_id: Box<str>,
    url: Box<str>,
    body: Bytes,
    attempt: u32,
    retried: bool,
}

/// All callbacks that are not done.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    due: BTreeMap<(i64, u64), Pending>,
    under_way: BTreeMap<u64, Pending>,
    made: u64,
    /// Whether any task ever asked to be called back.
    pub(crate) wanted: bool,
    pub(crate) counts: CallbackCounts,
}

impl Callbacks {
    /// Plans a callback. `retried`: whether it is tried again when it is not received.
    pub(crate) fn plan(&mut self, at: i64, task_id: &str, url: &str, body: Bytes, retried: bool) {
        self.counts.planned += 1;
        let pending = Pending { task_id: task_id.into(), url: url.into(), body, attempt: 1, retried };
        self.push(at, pending);
    }

    fn push(&mut self, at: i64, pending: Pending) {
        self.due.insert((at, self.made), pending);
        self.made += 1;
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<i64> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Takes the due callbacks, oldest first. The caller reports the outcome of each.
    pub(crate) fn take(&mut self, now: i64) -> Vec<Callback> {
        let mut taken = Vec::new();
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, number), pending) = entry.remove_entry();
            self.counts.tries += 1;
            taken.push(Callback {
                number,
                task_id: pending.task_id.to_string(),
                url: pending.url.to_string(),
                body: pending.body.clone(),
                attempt: pending.attempt,
            });
            self.under_way.insert(number, pending);
        }
        taken
    }

    /// Reports the outcome of an attempt: the response's status, or `None` if none came within five
    /// seconds. Returns the task whose end the client has acknowledged.
    pub(crate) fn done(
        &mut self,
        now: i64,
        number: u64,
        status: Option<u16>,
        switches: &Switches,
    ) -> Option<Box<str>> {
        let mut pending = self.under_way.remove(&number)?;
        let received = match status {
            Some(200) => true,
            Some(201..=299) => switches.is("callback-acknowledgement", "any_2xx"),
            _ => false,
        };
        if received {
            self.counts.received += 1;
            return pending.retried.then_some(pending.task_id);
        }
        if pending.retried && pending.attempt < TRIES {
            pending.attempt += 1;
            let pause = switches
                .get("callback-retry-spacing")
                .and_then(|seconds| seconds.parse::<i64>().ok())
                .unwrap_or(5);
            self.push(now + pause * 1000, pending);
        } else {
            self.counts.lost += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(callbacks: &Callbacks) -> (u64, u64, u64) {
        (callbacks.counts.tries, callbacks.counts.received, callbacks.counts.lost)
    }

    #[test]
    fn an_end_that_is_not_received_is_told_four_times_five_seconds_apart() {
        let (mut callbacks, switches) = (Callbacks::default(), Switches::default());
        callbacks.plan(1000, "cgt-1", "http://127.0.0.1/", Bytes::new(), true);
        let mut seen = Vec::new();
        for second in 0..60 {
            for callback in callbacks.take(second * 1000) {
                seen.push((second, callback.attempt));
                callbacks.done(second * 1000, callback.number, Some(500), &switches);
            }
        }
        assert_eq!(seen, [(1, 1), (6, 2), (11, 3), (16, 4)]);
        assert_eq!(counts(&callbacks), (4, 0, 1));
    }

    #[test]
    fn other_states_are_told_once_and_what_is_received_is_done() {
        let (mut callbacks, mut switches) = (Callbacks::default(), Switches::default());
        let mut once = |status, retried, switches: &Switches| {
            callbacks.plan(0, "cgt-1", "http://127.0.0.1/", Bytes::new(), retried);
            let number = callbacks.take(0)[0].number;
            callbacks.done(0, number, status, switches);
            callbacks.next()
        };
        assert_eq!(once(None, false, &switches), None);
        assert_eq!(once(Some(204), true, &switches), None);
        switches.set("callback-acknowledgement", "only_200").unwrap();
        switches.set("callback-retry-spacing", "30").unwrap();
        assert_eq!(once(Some(204), true, &switches), Some(30_000));
        assert_eq!(counts(&callbacks), (3, 1, 1));
    }
}

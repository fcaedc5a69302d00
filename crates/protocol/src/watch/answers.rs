//! What a response proves, and what it only hints at.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ark_video_model::{Task, TaskList, TaskStatus};

use super::{
    intervals::{Ms, SECOND, ms},
    machine::lists::{PAGES, Question},
    machine::{InFlight, Watch},
    tasks::{Key, NEVER},
    types::{Ticket, WatchEvent},
};
use crate::{
    ApiError, Endpoint, Failure,
    callback::rank,
    limit::{RateLimitKey, RateLimiter},
};

/// A LIST sent so long after a task's own answer should know it.
const FRESH: Ms = 2 * SECOND;

impl Watch {
    /// Hands in the answer to a [`super::PollRequest::Get`].
    pub fn got(&mut self, now: Duration, ticket: Ticket, task: Task, limits: &mut RateLimiter) {
        let time = ms(now);
        let requested = self.flights.get(&ticket).and_then(|flight| match flight.what {
            InFlight::Get { key, .. } => Some(self.tasks.get(key)?.id.clone()),
            InFlight::List(_) => None,
        });
        if let Some(other) = requested.and_then(|id| ApiError::of_other(&id, &task.id)) {
            let failure = Failure::answer(Endpoint::Get, &other);
            return self.failed(now, ticket, failure, 0, 1.0, limits);
        }
        limits.answered(&RateLimitKey::Get, now);
        let Some(flight) = self.flights.remove(&ticket) else { return };
        self.on_success();
        let InFlight::Get { key, suspected, last_poll } = flight.what else { return };
        let Some(key) = self.landed(key) else { return };
        if task.status.is_terminal() {
            return self.finish(key, task, time);
        }
        let old = self.set_state(key, &task.status, flight.sent, time);
        let stuck_after = ms(self.options.stuck_after);
        let Some(entry) = self.tasks.get_mut(key) else { return };
        entry.seen = time;
        entry.failures = 0;
        entry.refused_since = NEVER;
        let unfounded = suspected && old.as_ref() == Some(&task.status);
        if unfounded {
            entry.doubts = entry.doubts.saturating_add(1);
            entry.not_before = time + (SECOND << entry.doubts.min(4)).min(15 * SECOND);
        } else {
            entry.doubts = 0;
        }
        let running_for = time.saturating_sub(entry.since);
        let running = task.status == TaskStatus::Running;
        if running && running_for > stuck_after && !entry.flags.stuck_told && !entry.flags.flex {
            entry.flags.stuck_told = true;
            let running_for = Duration::from_millis(running_for);
            self.events.push_back(WatchEvent::Stuck { id: Arc::clone(&entry.id), running_for });
        }
        if last_poll {
            if let Some(entry) = self.tasks.remove(key) {
                self.events.push_back(WatchEvent::TimedOut { id: entry.id, status: task.status });
            }
            return;
        }
        if unfounded {
            self.distrust(time);
        }
        self.poll_again(key, time);
    }

    /// Hands in the answer to a [`super::PollRequest::List`].
    pub fn listed(&mut self, now: Duration, ticket: Ticket, list: &TaskList, limits: &mut RateLimiter) {
        limits.answered(&RateLimitKey::List, now);
        let time = ms(now);
        let Some(flight) = self.flights.remove(&ticket) else { return };
        self.on_success();
        self.lists.under_way = false;
        self.lists.worked();
        let InFlight::List(question) = flight.what else { return };
        let round = match &question {
            Question::Running { .. } => self.lists.round,
            Question::Ids { .. } => 0,
        };
        for task in &list.items {
            match self.tasks.find(&task.id) {
                Some(key) => self.hint_of_list(key, task, round, flight.sent, time),
                // Others' tasks, and ours that have ended: a list that still shows those under way
                // lags.
                None if !task.status.is_terminal() => {
                    let ended = self.ended.iter().rfind(|(id, _)| **id == *task.id);
                    if ended.is_some_and(|(_, at)| flight.sent > at + FRESH) {
                        self.distrust(time);
                    }
                }
                None => {}
            }
        }
        match question {
            Question::Running { flex, page } => {
                // A full page has another behind it. More than a round reads is more than LIST can
                // be relied on for.
                let full = list.items.len() >= self.options.page_size as usize;
                match (full, page < PAGES) {
                    (true, true) => self.lists.next_page = Some((flex, page + 1)),
                    (true, false) => self.distrust(time),
                    (false, _) => self.call_departed(flex, time),
                }
            }
            Question::Ids { keys } => self.call_missing(&keys, list, flight.sent, time),
        }
        self.set_next_round(flight.sent, time);
    }

    /// Reports that a request was cancelled before it could fail: it is sent again.
    pub fn lost(&mut self, now: Duration, ticket: Ticket) {
        let Some(flight) = self.flights.remove(&ticket) else { return };
        match flight.what {
            InFlight::Get { key, .. } => {
                if let Some(key) = self.landed(key) {
                    self.call(key, false);
                }
            }
            InFlight::List(_) => {
                self.lists.under_way = false;
                self.lists.next_page = None;
                self.lists.hurry(ms(now));
            }
        }
    }

    /// Frees a GET's slot. The key of its task, if that is still watched.
    pub(super) fn landed(&mut self, key: Key) -> Option<Key> {
        self.gets_under_way = self.gets_under_way.saturating_sub(1);
        self.tasks.get_mut(key)?.flags.in_flight = false;
        Some(key)
    }

    /// After a poll that did not end the watch: when to poll next.
    pub(super) fn poll_again(&mut self, key: Key, now: Ms) {
        if self.tasks.get(key).is_some_and(|entry| entry.flags.last_poll) {
            return self.call(key, false);
        }
        let due = self.next_due(key, now).max(now + 1);
        self.tasks.set_due(key, due);
    }

    fn finish(&mut self, key: Key, task: Task, now: Ms) {
        let Some(entry) = self.tasks.remove(key) else { return };
        let differences = entry.requested.map(|requested| requested.differences(&task)).unwrap_or_default();
        self.remember(entry.id, now);
        self.has_moved(now);
        self.events.push_back(WatchEvent::Finished { task: Box::new(task), differences });
    }

    /// Records a status as of `sent`, and reports whether it is new. Returns the previous one.
    fn set_state(&mut self, key: Key, status: &TaskStatus, sent: Ms, now: Ms) -> Option<TaskStatus> {
        let entry = self.tasks.get_mut(key)?;
        if *status == TaskStatus::Running {
            entry.known_at = entry.known_at.max(sent);
        }
        if entry.status.as_ref() == Some(status) {
            return entry.status.clone();
        }
        let id = Arc::clone(&entry.id);
        // For a task that was never seen before, the start of its status is unknown.
        if entry.status.is_some() {
            entry.since = now;
        }
        let from = self.tasks.set_status(key, status.clone());
        if from.is_some() {
            self.has_moved(now);
        }
        self.events.push_back(WatchEvent::Changed { id, from: from.clone(), to: status.clone() });
        from
    }

    /// LIST is believed when it shows a task further on than known, and never about an end.
    fn hint_of_list(&mut self, key: Key, task: &Task, round: u32, sent: Ms, now: Ms) {
        let Some(entry) = self.tasks.get_mut(key) else { return };
        let is_running = task.status == TaskStatus::Running;
        if round > 0 && is_running {
            entry.round = round;
        }
        let own = entry.seen;
        let suspicious = now >= entry.not_before;
        let known = entry.status.as_ref().map(rank);
        if task.status.is_terminal() {
            if suspicious {
                self.call(key, true);
            }
            return;
        }
        let listed = rank(&task.status);
        if known.is_none_or(|known| listed > known) {
            self.set_state(key, &task.status, sent, now);
        } else if known == Some(listed) && is_running {
            entry.known_at = entry.known_at.max(sent);
        } else if known.is_some_and(|known| listed < known) && own != NEVER && sent > own + FRESH {
            self.distrust(now);
        }
    }

    /// Polls at once the tasks that ran before this round and are not in it.
    fn call_departed(&mut self, flex: bool, now: Ms) {
        let (round, sent) = (self.lists.round, self.lists.round_sent);
        let departed = |key: &Key| {
            self.tasks
                .get(*key)
                .is_some_and(|entry| entry.round != round && entry.known_at < sent && now >= entry.not_before)
        };
        let departed: Vec<Key> = self.tasks.running(flex).iter().copied().filter(departed).collect();
        self.lists.departed(departed.len());
        for key in departed {
            self.call(key, true);
        }
    }

    /// Polls at once the tasks that were requested by id and are not in the list: deleted, or not
    /// listed yet.
    fn call_missing(&mut self, keys: &[Key], list: &TaskList, sent: Ms, now: Ms) {
        let shown: BTreeSet<&str> = list.items.iter().map(|task| task.id.as_str()).collect();
        for key in keys {
            let missing = self.tasks.get(*key).is_some_and(|entry| {
                !shown.contains(&*entry.id)
                    && now >= entry.not_before
                    && (entry.seen == NEVER || entry.seen < sent)
            });
            if missing {
                self.call(*key, true);
            }
        }
    }
}

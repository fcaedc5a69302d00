//! The watched tasks, ordered by id, next poll, deadline, and running. Knows no requests and no
//! clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use ark_video_model::TaskStatus;

use super::intervals::Ms;
use crate::RequestedSettings;

/// Never looked at.
pub(super) const NEVER: Ms = Ms::MAX;

/// The number of a task in the order of adding. No two tasks of a watch share one.
pub(super) type Key = u32;

/// What is known of one task. Ten thousand of these are watched at once, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: Arc<str>,
    /// The state last believed.
    pub(super) status: Option<TaskStatus>,
    pub(super) requested: Option<Box<RequestedSettings>>,
    pub(super) added: Ms,
    pub(super) deadline: Ms,
    /// When to GET it, unless something requires it earlier. `NEVER` while a request is in flight
    /// or queued.
    due: Ms,
    /// When it last answered for itself; `NEVER` if it did not.
    pub(super) seen: Ms,
    /// Since when it has been in this state, as far as known.
    pub(super) since: Ms,
    /// When the request was sent that last showed it running.
    pub(super) known_at: Ms,
    /// No poll on suspicion before this.
    pub(super) not_before: Ms,
    /// The round of running lists that last showed it.
    pub(super) round: u32,
    /// Failed polls in a row.
    pub(super) failures: u8,
    /// Since when polls find no such task, or are rejected for the account; `NEVER` if they are
    /// not.
    pub(super) refused_since: Ms,
    /// For how many seconds since it was added "no such task" is not believed.
    pub(super) known_for: u16,
    /// Suspicions in a row that proved unfounded.
    pub(super) doubts: u8,
    pub(super) flags: Flags,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) flex: bool,
    /// It was created when it was added.
    pub(super) fresh: bool,
    pub(super) in_flight: bool,
    /// In the queue of urgent polls, on suspicion or for a better reason.
    pub(super) urgent: bool,
    pub(super) suspected: bool,
    pub(super) last_poll: bool,
    pub(super) stuck_told: bool,
}

impl Entry {
    pub(super) fn new(id: &str, flags: Flags, now: Ms, deadline: Ms) -> Self {
        Self {
            id: id.into(),
            status: None,
            requested: None,
            added: now,
            deadline,
            due: NEVER,
            seen: NEVER,
            since: now,
            known_at: 0,
            not_before: 0,
            round: 0,
            failures: 0,
            refused_since: NEVER,
            known_for: 0,
            doubts: 0,
            flags,
        }
    }

    fn order(&self) -> usize {
        usize::from(self.status == Some(TaskStatus::Running))
    }
}

/// All tasks of a watch.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskTable {
    entries: BTreeMap<Key, Entry>,
    by_id: BTreeMap<Arc<str>, Key>,
    /// When to poll, separately for queued and running tasks.
    by_due: [BTreeSet<(Ms, Key)>; 2],
    /// Whose turn it is when both are due.
    running_next: bool,
    by_deadline: BTreeSet<(Ms, Key)>,
    /// Tasks believed to run, by tier (flex second).
    running: [BTreeSet<Key>; 2],
    flex: usize,
    last: Key,
    /// The last task of the last chunk.
    cursor: Key,
}

impl TaskTable {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn count(&self, flex: bool) -> usize {
        if flex { self.flex } else { self.len() - self.flex }
    }

    pub(super) fn running(&self, flex: bool) -> &BTreeSet<Key> {
        &self.running[usize::from(flex)]
    }

    pub(super) fn add(&mut self, entry: Entry) -> Key {
        self.last += 1;
        self.flex += usize::from(entry.flags.flex);
        self.by_id.insert(Arc::clone(&entry.id), self.last);
        self.by_deadline.insert((entry.deadline, self.last));
        self.entries.insert(self.last, entry);
        self.last
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.by_id.remove(&entry.id);
        self.by_due[entry.order()].remove(&(entry.due, key));
        self.by_deadline.remove(&(entry.deadline, key));
        self.running[usize::from(entry.flags.flex)].remove(&key);
        self.flex -= usize::from(entry.flags.flex);
        Some(entry)
    }

    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        self.entries.get_mut(&key)
    }

    /// All tasks, the oldest first.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.entries.keys().copied().collect()
    }

    pub(super) fn set_due(&mut self, key: Key, due: Ms) {
        if let Some(entry) = self.entries.get_mut(&key) {
            let order = &mut self.by_due[entry.order()];
            order.remove(&(entry.due, key));
            entry.due = due;
            if due != NEVER {
                order.insert((due, key));
            }
        }
    }

    pub(super) fn due(&self, key: Key) -> Ms {
        self.get(key).map_or(NEVER, |entry| entry.due)
    }

    /// The next poll. When tasks that run and tasks that wait are both due they take turns: the
    /// first are likelier to have ended, the second would otherwise never be looked at.
    pub(super) fn first_due(&self, now: Ms) -> Option<(Ms, Key)> {
        let [waiting, running] = [0, 1].map(|order| self.by_due[order].first().copied());
        match (waiting, running) {
            (Some(waiting), Some(running)) if waiting.0 <= now && running.0 <= now => {
                Some(if self.running_next { running } else { waiting })
            }
            (Some(waiting), Some(running)) => Some(waiting.min(running)),
            (one, other) => one.or(other),
        }
    }

    /// Gives the turn to the other order.
    pub(super) fn take_turns(&mut self) {
        self.running_next = !self.running_next;
    }

    pub(super) fn first_deadline(&self) -> Option<Ms> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out the first deadline that has come.
    pub(super) fn pop_deadline(&mut self, now: Ms) -> Option<Key> {
        let first = *self.by_deadline.first()?;
        (first.0 <= now && self.by_deadline.remove(&first)).then_some(first.1)
    }

    pub(super) fn set_status(&mut self, key: Key, status: TaskStatus) -> Option<TaskStatus> {
        let entry = self.entries.get_mut(&key)?;
        let running = &mut self.running[usize::from(entry.flags.flex)];
        if status == TaskStatus::Running {
            running.insert(key);
        } else {
            running.remove(&key);
        }
        let before = entry.order();
        let old = entry.status.replace(status);
        if self.by_due[before].remove(&(entry.due, key)) {
            self.by_due[entry.order()].insert((entry.due, key));
        }
        old
    }

    /// The next `count` tasks of a tier, in turn.
    pub(super) fn chunk(&mut self, flex: bool, count: usize) -> Vec<Key> {
        let behind = self.entries.range((Excluded(self.cursor), Unbounded));
        let before = self.entries.range(..=self.cursor);
        let of_tier = behind.chain(before).filter(|(_, entry)| entry.flags.flex == flex);
        let chunk: Vec<Key> = of_tier.map(|(key, _)| *key).take(count).collect();
        self.cursor = chunk.last().copied().unwrap_or(self.cursor);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(tasks: &[(&str, bool)]) -> TaskTable {
        let mut table = TaskTable::default();
        for (id, flex) in tasks {
            table.add(Entry::new(id, Flags { flex: *flex, ..Flags::default() }, 0, 10));
        }
        table
    }

    #[test]
    fn ten_thousand_tasks_take_two_and_a_half_megabytes() {
        let id = "cgt-20261122101530-abcde".len() + 2 * size_of::<usize>();
        let index = size_of::<(Arc<str>, Key)>() + 1;
        let orders = 2 * size_of::<(Ms, Key)>();
        let each = size_of::<(Key, Entry)>() + id + index + orders;
        println!(
            "watch: {} bytes for what is known of a task, {each} with its id and orders",
            size_of::<Entry>()
        );
        assert!(size_of::<(Key, Entry)>() <= 136 && each <= 240, "{} {each}", size_of::<Entry>());
    }

    #[test]
    fn a_task_that_is_added_again_is_another() {
        let mut table = table(&[("a", false)]);
        table.set_due(1, 5);
        table.set_status(1, TaskStatus::Running);
        assert_eq!((table.first_due(0), table.running(false).len()), (Some((5, 1)), 1));
        table.remove(1);
        let second = table.add(Entry::new("a", Flags { flex: true, ..Flags::default() }, 0, 20));
        assert_eq!((second, table.get(1).is_some(), table.find("a")), (2, false, Some(2)));
        assert_eq!(
            (table.first_due(0), table.first_deadline(), table.running(false).len()),
            (None, Some(20), 0)
        );
        assert_eq!((table.count(true), table.count(false)), (1, 0));
    }

    #[test]
    fn tasks_that_run_and_tasks_that_wait_take_turns_when_both_are_due() {
        let mut table = table(&[("waits", false), ("runs", false)]);
        table.set_due(1, 5);
        table.set_due(2, 6);
        table.set_status(2, TaskStatus::Running);
        assert_eq!([0, 5, 6].map(|now| table.first_due(now)), [Some((5, 1)); 3]);
        table.take_turns();
        assert_eq!([0, 5, 6].map(|now| table.first_due(now)), [Some((5, 1)), Some((5, 1)), Some((6, 2))]);
    }

    #[test]
    fn chunks_take_turns_within_a_tier() {
        let mut abcde = table(&[("a", false), ("b", false), ("c", true), ("d", false), ("e", false)]);
        let ids = |table: &mut TaskTable, flex, count| -> String {
            table.chunk(flex, count).iter().map(|key| &*table.get(*key).unwrap().id).collect()
        };
        assert_eq!(ids(&mut abcde, false, 3), "abd");
        assert_eq!(ids(&mut abcde, false, 3), "eab");
        assert_eq!(ids(&mut abcde, true, 3), "c");
        assert_eq!(ids(&mut TaskTable::default(), true, 3), "");
    }
}

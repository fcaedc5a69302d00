//! The tasks that are watched, with the orders in which they are needed: by id, by when to look, by deadline, running.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ark_video_model::TaskStatus;

use super::pace::Ms;
use crate::Asked;

/// Never looked at.
pub(super) const NEVER: Ms = Ms::MAX;

/// A task's place and the serial number that tells it from an earlier tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) place: u32,
    pub(super) serial: u32,
}

/// What is known of one task. Ten thousand of these are watched at once, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: Arc<str>,
    /// The state last believed.
    pub(super) status: Option<TaskStatus>,
    pub(super) asked: Option<Box<Asked>>,
    pub(super) added: Ms,
    deadline: Ms,
    /// When to look by GET, unless something calls earlier. `NEVER` while it is asked or called.
    due: Ms,
    /// When it last answered for itself; `NEVER` if it did not.
    pub(super) seen: Ms,
    /// Since when it has been in this state, as far as known.
    pub(super) since: Ms,
    /// When the request was sent that last showed it running.
    pub(super) known_at: Ms,
    /// No look on mere suspicion before this.
    pub(super) not_before: Ms,
    serial: u32,
    /// The round of running lists that last showed it.
    pub(super) round: u32,
    /// Failed looks in a row.
    pub(super) failures: u8,
    /// Since when looks find no such task, or are refused for the account; `NEVER` if they are not.
    pub(super) refused_since: Ms,
    /// For how many seconds since it was added "no such task" is not believed.
    pub(super) known_for: u16,
    /// Suspicions in a row that proved unfounded.
    pub(super) doubts: u8,
    pub(super) flags: Flags,
}

impl Entry {
    fn order(&self) -> usize {
        usize::from(self.status == Some(TaskStatus::Running))
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) flex: bool,
    /// It was created when it was added.
    pub(super) fresh: bool,
    pub(super) in_flight: bool,
    /// Waits in the queue of urgent looks, because of a suspicion or for a better reason.
    pub(super) urgent: bool,
    pub(super) suspected: bool,
    pub(super) last_look: bool,
    pub(super) stuck_told: bool,
}

/// All tasks of a watch.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_id: BTreeMap<Arc<str>, u32>,
    /// When to look, apart for tasks that wait and tasks that run.
    by_due: [BTreeSet<(Ms, u32)>; 2],
    /// Whose turn it is when both are due.
    running_next: bool,
    by_deadline: BTreeSet<(Ms, u32)>,
    /// Places of tasks believed to run, by tier (flex second).
    running: [BTreeSet<u32>; 2],
    flex: usize,
    serial: u32,
    cursor: usize,
}

impl Book {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn count(&self, flex: bool) -> usize {
        if flex { self.flex } else { self.len() - self.flex }
    }

    pub(super) fn running(&self, flex: bool) -> &BTreeSet<u32> {
        &self.running[usize::from(flex)]
    }

    pub(super) fn add(
        &mut self,
        id: &str,
        flex: bool,
        asked: Option<Box<Asked>>,
        now: Ms,
        deadline: Ms,
    ) -> Key {
        let id: Arc<str> = id.into();
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        self.serial = self.serial.wrapping_add(1);
        let entry = Entry {
            id: Arc::clone(&id),
            status: None,
            asked,
            added: now,
            deadline,
            due: NEVER,
            seen: NEVER,
            since: now,
            known_at: 0,
            not_before: 0,
            serial: self.serial,
            round: 0,
            failures: 0,
            refused_since: NEVER,
            known_for: 0,
            doubts: 0,
            flags: Flags { flex, ..Flags::default() },
        };
        self.flex += usize::from(flex);
        self.by_id.insert(id, place);
        self.by_deadline.insert((deadline, place));
        self.entries[place as usize] = Some(entry);
        Key { place, serial: self.serial }
    }

    pub(super) fn remove(&mut self, place: u32) -> Option<Entry> {
        let entry = self.entries.get_mut(place as usize)?.take()?;
        self.by_id.remove(&entry.id);
        self.by_due[entry.order()].remove(&(entry.due, place));
        self.by_deadline.remove(&(entry.deadline, place));
        self.running[usize::from(entry.flags.flex)].remove(&place);
        self.flex -= usize::from(entry.flags.flex);
        self.free.push(place);
        Some(entry)
    }

    pub(super) fn place(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// The place, if the same task still has it.
    pub(super) fn valid(&self, key: Key) -> Option<u32> {
        self.get(key.place).filter(|entry| entry.serial == key.serial).map(|_| key.place)
    }

    pub(super) fn key(&self, place: u32) -> Option<Key> {
        self.get(place).map(|entry| Key { place, serial: entry.serial })
    }

    pub(super) fn get(&self, place: u32) -> Option<&Entry> {
        self.entries.get(place as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Entry> {
        self.entries.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = u32> + use<> {
        self.by_id.values().copied().collect::<Vec<_>>().into_iter()
    }

    pub(super) fn set_due(&mut self, place: u32, due: Ms) {
        if let Some(entry) = self.entries.get_mut(place as usize).and_then(Option::as_mut) {
            let order = &mut self.by_due[entry.order()];
            order.remove(&(entry.due, place));
            entry.due = due;
            if due != NEVER {
                order.insert((due, place));
            }
        }
    }

    pub(super) fn due(&self, place: u32) -> Ms {
        self.get(place).map_or(NEVER, |entry| entry.due)
    }

    /// The next look. When tasks that run and tasks that wait are both due they take turns: the first are likelier to
    /// have ended, the second would otherwise never be looked at.
    pub(super) fn first_due(&self, now: Ms) -> Option<(Ms, u32)> {
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
    pub(super) fn pop_deadline(&mut self, now: Ms) -> Option<u32> {
        let first = *self.by_deadline.first()?;
        (first.0 <= now && self.by_deadline.remove(&first)).then_some(first.1)
    }

    pub(super) fn set_status(&mut self, place: u32, status: TaskStatus) -> Option<TaskStatus> {
        let entry = self.entries.get_mut(place as usize).and_then(Option::as_mut)?;
        let running = &mut self.running[usize::from(entry.flags.flex)];
        if status == TaskStatus::Running {
            running.insert(place);
        } else {
            running.remove(&place);
        }
        let before = entry.order();
        let old = entry.status.replace(status);
        if self.by_due[before].remove(&(entry.due, place)) {
            self.by_due[entry.order()].insert((entry.due, place));
        }
        old
    }

    /// The next `count` tasks of a tier, in turn.
    pub(super) fn chunk(&mut self, flex: bool, count: usize) -> Vec<Key> {
        let mut chunk = Vec::with_capacity(count.min(self.count(flex)));
        for _ in 0..self.entries.len() {
            if chunk.len() >= count {
                break;
            }
            let place = self.cursor % self.entries.len();
            self.cursor = place + 1;
            match &self.entries[place] {
                Some(entry) if entry.flags.flex == flex => {
                    chunk.push(Key { place: place as u32, serial: entry.serial });
                }
                _ => {}
            }
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_tasks_take_two_megabytes() {
        let id = "cgt-20261122101530-abcde".len() + 2 * size_of::<usize>();
        let index = size_of::<(Arc<str>, u32)>() + 1;
        let orders = 2 * size_of::<(Ms, u32)>();
        let each = size_of::<Option<Entry>>() + id + index + orders;
        println!(
            "watch: {} bytes for what is known of a task, {each} with its id and orders",
            size_of::<Entry>()
        );
        assert!(size_of::<Option<Entry>>() <= 136 && each <= 240, "{} {each}", size_of::<Entry>());
    }

    #[test]
    fn a_place_that_is_let_again_is_not_mistaken_for_its_last_tenant() {
        let mut book = Book::default();
        let first = book.add("a", false, None, 0, 10);
        book.set_due(first.place, 5);
        book.set_status(first.place, TaskStatus::Running);
        assert_eq!((book.first_due(0), book.running(false).len()), (Some((5, 0)), 1));
        book.remove(first.place);
        let second = book.add("b", true, None, 0, 20);
        assert_eq!((second.place, book.valid(first), book.valid(second)), (0, None, Some(0)));
        assert_eq!(
            (book.first_due(0), book.first_deadline(), book.running(false).len()),
            (None, Some(20), 0)
        );
        assert_eq!((book.count(true), book.count(false), book.place("a")), (1, 0, None));
    }

    #[test]
    fn tasks_that_run_and_tasks_that_wait_take_turns_when_both_are_due() {
        let mut book = Book::default();
        for id in ["waits", "runs"] {
            let key = book.add(id, false, None, 0, 10);
            book.set_due(key.place, 5 + u64::from(key.place));
        }
        book.set_status(1, TaskStatus::Running);
        assert_eq!([0, 5, 6].map(|now| book.first_due(now)), [Some((5, 0)); 3]);
        book.take_turns();
        assert_eq!([0, 5, 6].map(|now| book.first_due(now)), [Some((5, 0)), Some((5, 0)), Some((6, 1))]);
    }

    #[test]
    fn chunks_take_turns_within_a_tier() {
        let mut book = Book::default();
        for id in ["a", "b", "c", "d", "e"] {
            book.add(id, id == "c", None, 0, 10);
        }
        let ids = |book: &mut Book, flex, count| -> String {
            let chunk = book.chunk(flex, count);
            chunk.iter().map(|key| &*book.get(key.place).unwrap().id).collect()
        };
        assert_eq!(ids(&mut book, false, 3), "abd");
        assert_eq!(ids(&mut book, false, 3), "eab");
        assert_eq!(ids(&mut book, true, 3), "c");
        assert_eq!(ids(&mut Book::default(), true, 3), "");
    }
}

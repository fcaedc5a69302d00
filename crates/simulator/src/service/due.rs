//! What happens to the tasks, and when: events come out by time, those of one time in the order in
//! which they were planned.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use serde::{Deserialize, Serialize};

/// What happens to a task, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Start(u32),
    Finish(u32),
    Expire(u32),
    Forget(u32),
}

/// The time, a sequence number, and the event.
pub(crate) type Planned = (i64, u64, Event);

/// All events that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// One for each kind of event.
    lines: [Line; 4],
    planned: u64,
}

impl Due {
    /// Goes on with what another one had planned, so many events in all.
    pub(crate) fn restore(planned: u64, events: Vec<Planned>) -> Self {
        let mut due = Self { planned, ..Self::default() };
        events.into_iter().for_each(|event| due.add(event));
        due
    }

    pub(crate) fn plan(&mut self, at: i64, event: Event) {
        self.add((at, self.planned, event));
        self.planned += 1;
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<i64> {
        self.lines.iter().filter_map(Line::first).min().map(|(at, ..)| *at)
    }

    /// Takes the next event if it is due.
    pub(crate) fn take(&mut self, now: i64) -> Option<(i64, Event)> {
        let first = |line: &Line| line.first().filter(|(at, ..)| *at <= now).copied();
        let (line, _) = self
            .lines
            .iter_mut()
            .filter_map(|line| first(line).map(|planned| (line, planned)))
            .min_by_key(|(_, planned)| *planned)?;
        line.take().map(|(at, _, event)| (at, event))
    }

    /// How many events were ever planned.
    pub(crate) fn planned(&self) -> u64 {
        self.planned
    }

    /// All events in their order.
    pub(crate) fn events(&self) -> Vec<Planned> {
        let mut events: Vec<Planned> = self.lines.iter().flat_map(Line::all).copied().collect();
        events.sort_unstable();
        events
    }

    fn add(&mut self, planned: Planned) {
        let [start, finish, expire, forget] = &mut self.lines;
        match planned.2 {
            Event::Start(_) => start,
            Event::Finish(_) => finish,
            Event::Expire(_) => expire,
            Event::Forget(_) => forget,
        }
        .add(planned);
    }
}

/// Events of one kind. Nearly all come a set time after a create, so that each belongs behind the
/// one before: they stand in a row, where a heap of a hundred thousand tasks would access scattered
/// memory for each.
#[derive(Debug, Default)]
struct Line {
    row: VecDeque<Planned>,
    /// Those that belong before the end of the row.
    others: BinaryHeap<Reverse<Planned>>,
}

impl Line {
    fn add(&mut self, planned: Planned) {
        match self.row.back() {
            Some(last) if *last > planned => self.others.push(Reverse(planned)),
            _ => self.row.push_back(planned),
        }
    }

    fn first(&self) -> Option<&Planned> {
        let other = self.others.peek().map(|Reverse(planned)| planned);
        self.row.front().into_iter().chain(other).min()
    }

    fn take(&mut self) -> Option<Planned> {
        if self.first() == self.row.front() {
            return self.row.pop_front();
        }
        self.others.pop().map(|Reverse(planned)| planned)
    }

    fn all(&self) -> impl Iterator<Item = &Planned> {
        self.row.iter().chain(self.others.iter().map(|Reverse(planned)| planned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(kind: u8, place: u32) -> Event {
        [Event::Start, Event::Finish, Event::Expire, Event::Forget][usize::from(kind) % 4](place)
    }

    proptest! {
        /// As a sorted list would give them out, whatever is planned and taken in between.
        #[test]
        fn events_come_in_the_order_of_their_times(
            steps in prop::collection::vec((any::<bool>(), 0..50_i64, 0..4_u8), 0..300)
        ) {
            let (mut due, mut sorted, mut number) = (Due::default(), Vec::<Planned>::new(), 0_u32);
            for (take, at, kind) in steps {
                if take {
                    let expected = sorted.first().filter(|(due, ..)| *due <= at).copied();
                    if expected.is_some() {
                        sorted.remove(0);
                    }
                    prop_assert_eq!(due.take(at), expected.map(|(at, _, event)| (at, event)));
                } else {
                    let event = event(kind, number);
                    sorted.push((at, u64::from(number), event));
                    sorted.sort_unstable();
                    due.plan(at, event);
                    number += 1;
                }
                prop_assert_eq!(due.next(), sorted.first().map(|(at, ..)| *at));
                prop_assert_eq!(due.events(), sorted.clone());
                let again = Due::restore(due.planned(), due.events());
                prop_assert_eq!((again.planned(), again.events()), (due.planned(), sorted.clone()));
            }
        }
    }
}

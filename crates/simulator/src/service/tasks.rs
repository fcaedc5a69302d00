//! The tasks that are remembered, by their places in the ledger, which rise in the order of
//! creation.

use std::collections::VecDeque;

/// Tasks that stand in memory together: one allocation for many, given back when the last of them
/// is forgotten.
const TOGETHER: u32 = 64;

/// A row with gaps. Tasks are forgotten nearly in the order they came in, so most of it is taken,
/// and its beginning moves on.
#[derive(Debug)]
pub(crate) struct Tasks<T> {
    /// The place of the first of the row: a multiple of [`TOGETHER`].
    first: u32,
    row: VecDeque<Vec<Option<T>>>,
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self { first: 0, row: VecDeque::new() }
    }
}

impl<T> Tasks<T> {
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        let (part, at) = self.find(place)?;
        self.row.get(part)?.get(at)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        let (part, at) = self.find(place)?;
        self.row.get_mut(part)?.get_mut(at)?.as_mut()
    }

    /// Keeps a task at a place behind all others.
    pub(crate) fn push(&mut self, place: u32, task: T) {
        if self.row.is_empty() {
            self.first = place - place % TOGETHER;
        }
        let Some((part, at)) = self.find(place) else { return };
        if part >= self.row.len() {
            self.row.resize_with(part, Vec::new);
            self.row.push_back(Vec::with_capacity(TOGETHER as usize));
        }
        if let Some(part) = self.row.get_mut(part) {
            part.resize_with(at, || None);
            part.push(Some(task));
        }
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<T> {
        let (part, at) = self.find(place)?;
        let last = part + 1 == self.row.len();
        let part = self.row.get_mut(part)?;
        let task = part.get_mut(at)?.take();
        // More may come into the last part.
        if !last && part.iter().all(Option::is_none) {
            *part = Vec::new();
        }
        while self.row.len() > 1 && self.row.front().is_some_and(Vec::is_empty) {
            self.row.pop_front();
            self.first += TOGETHER;
        }
        task
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.row.iter().flatten().flatten()
    }

    /// Which part of the row a place is in, and where in it.
    fn find(&self, place: u32) -> Option<(usize, usize)> {
        let from_first = place.checked_sub(self.first)?;
        Some(((from_first / TOGETHER) as usize, (from_first % TOGETHER) as usize))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As an ordered map would, whatever comes and goes, and with gaps from the start.
        #[test]
        fn tasks_are_found_at_their_places(
            steps in prop::collection::vec(prop_oneof![
                3 => (0..3_u32).prop_map(Ok),
                1 => (60..200_u32).prop_map(Ok),
                3 => any::<prop::sample::Index>().prop_map(Err),
            ], 0..400)
        ) {
            let (mut tasks, mut map, mut next) = (Tasks::default(), BTreeMap::new(), 0);
            for step in steps {
                match step {
                    Ok(gap) => {
                        next += gap;
                        tasks.push(next, next);
                        map.insert(next, next);
                        next += 1;
                    }
                    Err(index) => {
                        let place = index.index(next as usize + 1) as u32;
                        prop_assert_eq!(tasks.remove(place), map.remove(&place));
                        prop_assert!(tasks.get(place).is_none() && tasks.get_mut(place).is_none());
                    }
                }
                prop_assert!(tasks.iter().eq(map.values()) && tasks.iter().rev().eq(map.values().rev()));
                prop_assert!(map.keys().all(|place| tasks.get(*place) == Some(place)));
            }
        }
    }

    #[test]
    fn what_is_forgotten_takes_no_room() {
        let mut tasks = Tasks::default();
        for place in 0..100 * TOGETHER {
            tasks.push(place, place);
            if place >= TOGETHER {
                assert_eq!(tasks.remove(place - TOGETHER), Some(place - TOGETHER));
            }
        }
        assert!(tasks.row.len() <= 3, "{}", tasks.row.len());
        assert_eq!(tasks.iter().count(), TOGETHER as usize);
    }
}

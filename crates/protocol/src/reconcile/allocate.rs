//! Marks that no other create of the model has: allocated among those in use, not drawn. Pure;
//! where the marks in use are kept, and that two processes do not take the same one at once, is the
//! caller's part.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ark_video_model::CreateTaskRequest;

use super::{
    CORRELATION_RANDOM, Correlation, CorrelationOptions,
    correlation::{EXPIRIES, FIRST_EXPIRY, stamp_with},
};
use crate::UnixMillis;

/// How long a mark stays in use: as long as LIST shows its task (7 days; list page, 2026-10).
pub const CORRELATIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Use {
    at: UnixMillis,
    is_resolved: bool,
}

/// The marks of the creates of one model in the last 7 days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorrelationsInUse {
    now: UnixMillis,
    expiries: BTreeMap<i64, Use>,
    seeds: BTreeSet<i64>,
}

impl CorrelationsInUse {
    /// None, as seen at `now` by the clock that later moments are of.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        Self { now, ..Self::default() }
    }

    /// Takes in the marks of a create that was sent at `sent`; older ones than 7 days are in
    /// nobody's way.
    ///
    /// `is_resolved`: its task is known, or it is proven that it made none: then it is not searched
    /// for any more, and its mark may be used again if no other is left.
    pub fn add(&mut self, marks: &Correlation, sent: UnixMillis, is_resolved: bool) {
        let kept = UnixMillis::try_from(CORRELATIONS_KEPT.as_millis()).unwrap_or(UnixMillis::MAX);
        if sent < self.now.saturating_sub(kept) && is_resolved {
            return;
        }
        if let Some(expiry) = marks.expiry {
            let used = self.expiries.entry(expiry).or_insert(Use { at: sent, is_resolved });
            *used = Use { at: used.at.max(sent), is_resolved: used.is_resolved && is_resolved };
        }
        self.seeds.extend(marks.seed);
    }

    /// Gives marks back: nothing was sent with them.
    pub fn remove(&mut self, marks: &Correlation) {
        if let Some(expiry) = marks.expiry {
            self.expiries.remove(&expiry);
        }
        if let Some(seed) = marks.seed {
            self.seeds.remove(&seed);
        }
    }

    /// When the create was sent that has this `execution_expires_after`.
    #[must_use]
    pub fn used_at(&self, expiry: i64) -> Option<UnixMillis> {
        self.expiries.get(&expiry).map(|used| used.at)
    }

    /// How many values of `execution_expires_after` are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expiries.is_empty()
    }

    /// A free value; else the one that was used longest ago by a create whose task is known. `None`
    /// if each of the 3,599 belongs to a create that is still looked for.
    fn expiry(&self, start: u32) -> Option<i64> {
        let values = (0..EXPIRIES).map(|step| FIRST_EXPIRY + (i64::from(start) + step) % EXPIRIES);
        let free = values.clone().find(|value| !self.expiries.contains_key(value));
        let oldest = || {
            let resolved = values.filter_map(|value| {
                self.expiries.get(&value).filter(|used| used.is_resolved).map(|used| (used.at, value))
            });
            resolved.min().map(|(_, value)| value)
        };
        free.or_else(oldest)
    }

    fn seed(&self, drawn: i64) -> i64 {
        let mut seed = drawn;
        while self.seeds.contains(&seed) {
            seed = if seed >= i64::from(i32::MAX) { 1 } else { seed + 1 };
        }
        seed
    }
}

/// Puts marks into a request that no other create of its model has: as [`super::stamp`], with an
/// `execution_expires_after` and a seed that are not in use.
///
/// `execution_expires_after` has 3,599 values. When all are in use, the one is taken again that was
/// used longest ago by a create whose task is known: that task is excluded from every search, so
/// the mark still identifies one task. When every one of the 3,599 creates is still looked for, the
/// request gets no such mark ([`Correlation::expiry`] is `None`): search for those first.
#[must_use]
pub fn allocate(
    request: &mut CreateTaskRequest,
    options: &CorrelationOptions,
    in_use: &CorrelationsInUse,
    random: [u8; CORRELATION_RANDOM],
) -> Correlation {
    stamp_with(request, options, random, |drawn| in_use.expiry(drawn), |drawn| in_use.seed(drawn))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = 1_795_342_528_000;
    const DAY: i64 = 86_400_000;

    fn take(in_use: &CorrelationsInUse, model: &str, draw: u32) -> (CreateTaskRequest, Correlation) {
        let mut request = serde_json::from_value(json!({"model": model, "content": []})).unwrap();
        let mut random = [0; CORRELATION_RANDOM];
        random[28..32].copy_from_slice(&draw.to_be_bytes());
        random[32..36].copy_from_slice(&(draw << 1).to_be_bytes());
        let marks = allocate(&mut request, &CorrelationOptions::new(), in_use, random);
        (request, marks)
    }

    fn expiry(in_use: &CorrelationsInUse, draw: u32) -> Option<i64> {
        take(in_use, "doubao-seedance-2-0-260128", draw).1.expiry
    }

    fn mark(expiry: i64) -> Correlation {
        Correlation { expiry: Some(expiry), ..Correlation::default() }
    }

    #[test]
    fn each_of_the_values_is_given_once_whatever_is_drawn() {
        for draws in [[0_u32, 0], [3598, 1], [u32::MAX, u32::MAX]] {
            let mut in_use = CorrelationsInUse::at(NOW);
            let mut given = BTreeSet::new();
            for count in 0..3599 {
                let value = expiry(&in_use, draws[count % 2]).unwrap();
                assert!((172_801..=176_399).contains(&value), "{value}");
                assert!(given.insert(value), "{value} was given twice, after {count}");
                in_use.add(&mark(value), NOW, false);
            }
            assert_eq!((given.len(), in_use.len()), (3599, 3599));
            assert_eq!(expiry(&in_use, draws[0]), None, "each is still looked for");
        }
    }

    #[test]
    fn when_all_are_in_use_the_oldest_whose_task_is_known_is_used_again() {
        let mut in_use = CorrelationsInUse::at(NOW);
        for place in 0..3599 {
            // Every tenth is known; of these, the later ones are the older ones.
            in_use.add(&mark(172_801 + place), NOW - place * 1000, place % 10 == 0);
        }
        assert_eq!(expiry(&in_use, 7), Some(172_801 + 3590));
        in_use.add(&mark(172_801 + 3590), NOW, true);
        assert_eq!(expiry(&in_use, 7), Some(172_801 + 3580));
        in_use.remove(&mark(172_900));
        assert_eq!(expiry(&in_use, 7), Some(172_900), "a free one first");
    }

    #[test]
    fn what_counts_as_in_use() {
        for (sent, is_resolved, counts) in [
            (NOW, true, true),
            (NOW, false, true),
            (NOW - 7 * DAY, true, true),
            (NOW - 7 * DAY - 1, true, false),
            // Still looked for, however long ago it was sent, also by a clock that was wrong.
            (NOW - 30 * DAY, false, true),
            (NOW + DAY, false, true),
        ] {
            let mut in_use = CorrelationsInUse::at(NOW);
            in_use.add(&mark(172_801), sent, is_resolved);
            assert_eq!(in_use.used_at(172_801).is_some(), counts, "{sent} {is_resolved}");
            assert_eq!(expiry(&in_use, 0), Some(if counts { 172_802 } else { 172_801 }));
        }
        // Of two creates with one mark, the unresolved one counts, whichever is added first.
        for first in [true, false] {
            let mut in_use = CorrelationsInUse::at(NOW);
            in_use.add(&mark(172_801), NOW, first);
            in_use.add(&mark(172_801), NOW - DAY, !first);
            for place in 1..3599 {
                in_use.add(&mark(172_801 + place), NOW, false);
            }
            assert_eq!(expiry(&in_use, 0), None);
            assert_eq!(in_use.used_at(172_801), Some(NOW));
        }
    }

    #[test]
    fn a_seed_is_not_given_twice_and_what_the_caller_set_is_kept() {
        let model = "doubao-seedance-1-5-pro-251215";
        let mut in_use = CorrelationsInUse::at(NOW);
        for (draw, expected) in
            [(7, 7), (7, 8), (8, 9), (i32::MAX as u32, i64::from(i32::MAX)), (i32::MAX as u32, 1)]
        {
            let (request, marks) = take(&in_use, model, draw);
            assert_eq!((marks.seed, request.seed), (Some(expected), Some(expected)));
            in_use.add(&marks, NOW, false);
        }
        let mut set = serde_json::from_value(
            json!({"model": model, "content": [], "seed": 7, "execution_expires_after": 9000}),
        )
        .unwrap();
        assert_eq!(allocate(&mut set, &CorrelationOptions::new(), &in_use, [0; 40]), Correlation::default());
        assert_eq!((set.seed, set.execution_expires_after), (Some(7), Some(9000)));
    }
}

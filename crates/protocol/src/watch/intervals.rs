//! Poll intervals of a watch, for one task and for all. Milliseconds throughout.

use std::time::Duration;

use crate::Backoff;

/// Moments and spans inside a watch, in milliseconds.
pub(super) type Ms = u64;

pub(super) const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;
/// Longest pause while nothing moves, and where it begins to grow further.
const LONGEST: Ms = 15 * SECOND;
const OLD: Ms = 30 * MINUTE;
const LONGEST_OLD: Ms = MINUTE;

pub(super) fn ms(time: Duration) -> Ms {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The pause that suits a silence of `quiet`: an eighth of it, at least `least`, at most 15 s;
/// after half an hour up to 60 s. What only waits in the queue is requested half as often.
pub(super) fn pause(quiet: Ms, least: Ms, only_queued: bool) -> Ms {
    let slow = if only_queued { 2 } else { 1 };
    let longest = (quiet / 120).clamp(LONGEST, LONGEST_OLD);
    let longest = if quiet < OLD { LONGEST } else { longest };
    (quiet / 8).max(least).saturating_mul(slow).min(longest)
}

/// How often a task is looked at by GET although every round of lists by ids shows it: in case all
/// of LIST stands still.
pub(super) fn guard_listed(age: Ms) -> Ms {
    age.clamp(2 * MINUTE, 10 * MINUTE)
}

/// How often a task is looked at by GET although the lists of what is running would show it
/// running.
pub(super) fn guard(age: Ms) -> Ms {
    (age / 4).clamp(30 * SECOND, 5 * MINUTE)
}

/// The pause after so many failures in a row: from 1 s to 60 s.
pub(super) fn backoff(failures: u32, jitter: f64) -> Ms {
    ms(Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).pause(failures, jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_the_silence() {
        let pauses =
            [0, 10, 40, 120, 1_700, 1_800, 3_600, 99_999].map(|quiet| pause(quiet * SECOND, 2_000, false));
        assert_eq!(pauses, [2_000, 2_000, 5_000, 15_000, 15_000, 15_000, 30_000, 60_000]);
        assert_eq!(pause(40 * SECOND, 2_000, true), 10_000);
        assert_eq!(pause(u64::MAX, 0, true), 60_000);
    }

    #[test]
    fn guards_and_backoffs_are_bounded() {
        assert_eq!([0, 200, 9_999].map(|age| guard(age * SECOND)), [30_000, 50_000, 300_000]);
        assert_eq!(
            [1, 2, 4, 7, 99].map(|failures| backoff(failures, 1.0)),
            [1_000, 2_000, 8_000, 60_000, 60_000]
        );
        assert_eq!(backoff(3, 0.0), 1_000);
        assert_eq!(backoff(3, f64::NAN), 4_000);
    }
}

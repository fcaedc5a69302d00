//! How far our clock is from the service's, from the `Date` headers of many answers, so that one
//! wrong header decides nothing. Pure: reads no clock.

use std::collections::VecDeque;

use http::{HeaderMap, header};

use super::TimeWindow;
use super::unresolved::SLACK;
use crate::UnixMillis;

/// Responses that count; older ones may be from before the clock was set.
const KEPT: usize = 9;
/// Fewer answers than this can all come from one wrong clock.
const ENOUGH: usize = 3;

/// What to add to our clock to get the service's, in milliseconds, from the `Date` of an answer
/// that came at `now`.
#[must_use]
pub fn clock_skew(headers: &HeaderMap, now: UnixMillis) -> Option<i64> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    // A date is truncated to seconds, so on average half a second older than the time it was
    // written.
    Some(date.as_millisecond().saturating_add(500).saturating_sub(now))
}

/// The offsets that the last answers showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockOffsets(VecDeque<i64>);

impl ClockOffsets {
    /// Takes in an answer that came at `now`; one without a readable `Date` says nothing.
    pub fn learn(&mut self, headers: &HeaderMap, now: UnixMillis) {
        if let Some(offset) = clock_skew(headers, now) {
            if self.0.len() == KEPT {
                self.0.pop_front();
            }
            self.0.push_back(offset);
        }
    }

    /// What to add to our clock to get the service's: the median. `None` if no answer has said it.
    #[must_use]
    pub fn estimate(&self) -> Option<i64> {
        let mut sorted: Vec<_> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// Whether enough answers agree, the last one among them.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        let (Some(middle), Some(last)) = (self.estimate(), self.0.back()) else { return false };
        let agrees = |offset: &i64| offset.abs_diff(middle) <= SLACK.as_millis() as u64;
        let agreeing = self.0.iter().filter(|offset| agrees(offset)).count();
        agrees(last) && agreeing >= ENOUGH && agreeing * 3 >= self.0.len() * 2
    }

    /// When the task of a send can have been created that began at `started` and was given up at
    /// `ended`, both by our clock: the likeliest window, and those that are as well possible while
    /// the answers do not agree.
    #[must_use]
    pub fn windows(&self, started: UnixMillis, ended: UnixMillis) -> (TimeWindow, Vec<TimeWindow>) {
        let window = TimeWindow::of_send(started, ended, self.estimate());
        let mut others: Vec<TimeWindow> = Vec::new();
        if !self.is_agreed() {
            let all = std::iter::once(None).chain(self.0.iter().copied().map(Some));
            for other in all.map(|offset| TimeWindow::of_send(started, ended, offset)) {
                if !std::iter::once(&window).chain(&others).any(|known| known.covers(&other)) {
                    others.push(other);
                }
            }
        }
        (window, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = 1_795_342_528_000;
    const HOUR: i64 = 3_600_000;

    fn learned(offsets: &[i64]) -> ClockOffsets {
        let mut learned = ClockOffsets::default();
        for offset in offsets {
            let at = jiff::Timestamp::from_millisecond(NOW + offset).unwrap();
            let mut headers = HeaderMap::new();
            let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.insert(header::DATE, date.parse().unwrap());
            learned.learn(&headers, NOW);
        }
        learned
    }

    #[test]
    fn the_services_clock_is_read_from_its_answers() {
        let mut headers = HeaderMap::new();
        assert_eq!(clock_skew(&headers, 0), None);
        headers.insert("date", "Sun, 22 Nov 2026 10:15:30 GMT".parse().unwrap());
        assert_eq!(clock_skew(&headers, NOW), Some(2_500));
        let mut learned = ClockOffsets::default();
        for wrong in ["", "yesterday", "2026-11-22T10:15:30Z"] {
            headers.insert("date", wrong.parse().unwrap());
            learned.learn(&headers, NOW);
        }
        assert_eq!((learned.estimate(), learned.is_agreed()), (None, false));
    }

    #[test]
    fn many_answers_decide_and_a_wrong_one_does_not() {
        for (offsets, estimate, agreed) in [
            (&[][..], None, false),
            (&[0], Some(500), false),
            (&[0, 0], Some(500), false),
            (&[0, 0, 0], Some(500), true),
            (&[2 * HOUR; 3], Some(2 * HOUR + 500), true),
            // One wrong answer among others, wherever it stands.
            (&[0, -2 * HOUR], Some(500), false),
            (&[0, 0, 0, 2 * HOUR], Some(500), false),
            (&[2 * HOUR, 0, 0, 0], Some(500), true),
            (&[0, 0, -9 * HOUR, 0, 0], Some(500), true),
            // Two clocks behind one name.
            (&[0, HOUR, 0, HOUR, 0, HOUR], Some(HOUR + 500), false),
            // A clock that was set is followed after some responses.
            (&[0, 0, 0, 0, 0, 0, 0, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR, HOUR], Some(HOUR + 500), true),
        ] {
            let learned = learned(offsets);
            assert_eq!((learned.estimate(), learned.is_agreed()), (estimate, agreed), "{offsets:?}");
        }
    }

    #[test]
    fn while_answers_disagree_every_clock_is_believed() {
        // Where the service's clock really is: always in one of the windows.
        for (offsets, truth) in [
            (&[][..], 0),
            (&[2 * HOUR], 0),
            (&[2 * HOUR], 2 * HOUR),
            (&[0, -2 * HOUR], 0),
            (&[0, 0, 0, 2 * HOUR], 0),
            (&[0, 0, 0, 2 * HOUR], 2 * HOUR),
            (&[2 * HOUR, 2 * HOUR, 2 * HOUR, 0], 2 * HOUR),
            (&[HOUR, -HOUR, 3 * HOUR], 0),
        ] {
            let (window, others) = learned(offsets).windows(NOW, NOW + 10_000);
            let held = std::iter::once(&window).chain(&others).any(|window| window.holds(NOW + truth));
            assert!(held, "{offsets:?} {truth}: {window:?} {others:?}");
        }
        let (window, others) = learned(&[2 * HOUR; 3]).windows(NOW, NOW);
        assert!(window.holds(NOW + 2 * HOUR) && !window.holds(NOW) && others.is_empty());
        // A single answer that agrees with our clock adds nothing to what our clock allows for.
        assert_eq!(learned(&[0]).windows(NOW, NOW).1.len(), 1);
    }
}

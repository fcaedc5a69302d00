//! Days in the journal's words. Pure.

use ark_video::UnixMillis;
use jiff::Timestamp;

/// A day in UTC, `2026-11-23`.
pub(crate) fn day(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        const DAY: i64 = 86_400_000;
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_780, "2026-11-23"),
            (20_819, "2027-01-01"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(day(days * DAY), expected);
            assert_eq!(day(days * DAY + DAY - 1), expected);
        }
    }
}

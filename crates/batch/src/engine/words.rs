//! Days and amounts in the journal's words. Pure.

use ark_video::UnixMillis;

use crate::Amount;

/// A day in UTC, `2026-11-23`.
pub(crate) fn day(at: UnixMillis) -> String {
    // Days since 0000-03-01, in the calendar's cycles of 400 years, so that the leap day comes last.
    let days = at.div_euclid(86_400_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// So much in a purse's unit.
pub(crate) fn amount(unit: &str, number: u64) -> String {
    let amount = match unit {
        "tokens" => Amount::Tokens(number),
        currency => Amount::Money { micros: number, currency: currency.to_owned() },
    };
    amount.to_string()
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

    #[test]
    fn amounts_are_in_their_unit() {
        assert_eq!(amount("tokens", 5), "5 tokens");
        assert_eq!(amount("CNY", 1_500_000), "1.50 CNY");
    }
}

//! What jobs cost and what they may cost: amounts, caps and what a cap applies to. Pure; exact, in
//! whole tokens and millionths of a currency's unit.

use std::fmt;

use ark_video::transport::UnixMillis;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a job costs, or is estimated to cost at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Cost {
    /// Tokens.
    pub tokens: u64,
    /// Millionths of the currency's unit; 0 where the catalog knows no price.
    pub micros: u64,
    /// `CNY`, `USD`; empty where the catalog knows no price.
    pub currency: String,
}

/// An amount that a cap names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// So many tokens.
    Tokens(u64),
    /// So much money.
    Money {
        /// Millionths of the currency's unit.
        micros: u64,
        /// `CNY`, `USD`.
        currency: String,
    },
}

/// The unit of a budget that counts tokens; every other is a currency.
pub const TOKENS: &str = "tokens";

impl Amount {
    /// So much in a budget's unit: [`TOKENS`], or millionths of a currency's.
    #[must_use]
    pub fn in_unit(unit: &str, number: u64) -> Self {
        match unit {
            TOKENS => Self::Tokens(number),
            currency => Self::Money { micros: number, currency: currency.to_owned() },
        }
    }
}

/// A number with a comma between groups of three digits: `1,633,500`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a cap applies to. Each scope has a budget of its own in the journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// One batch of the journal, all of its runs together.
    Batch(String),
    /// What is sent on one day, `2026-11-23`, in UTC, by all batches of the journal.
    Day(String),
    /// Shots with this tag, in all batches of the journal.
    Tag(String),
}

/// The most that may be spent in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// On what. A day's cap holds for each day.
    pub scope: Scope,
    /// How much.
    pub amount: Amount,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(tokens) => write!(f, "{} tokens", grouped(*tokens)),
            Self::Money { micros, currency } => {
                let part = format!("{:06}", micros % 1_000_000);
                let part = part.trim_end_matches('0');
                write!(f, "{}.{part:0<2} {currency}", grouped(micros / 1_000_000))
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(name) => write!(f, "batch {name}"),
            Self::Day(day) => write!(f, "day {day}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
        }
    }
}

/// A day in UTC, `2026-11-23`.
pub(crate) fn utc_day(at: UnixMillis) -> String {
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
            assert_eq!(utc_day(days * DAY), expected);
            assert_eq!(utc_day(days * DAY + DAY - 1), expected);
        }
    }

    #[test]
    fn amounts_read_like_money() {
        let money = |micros| Amount::Money { micros, currency: "CNY".to_owned() }.to_string();
        assert_eq!(money(0), "0.00 CNY");
        assert_eq!(money(3_500_000), "3.50 CNY");
        assert_eq!(money(1_234_567), "1.234567 CNY");
        assert_eq!(money(1_234_567_500_000), "1,234,567.50 CNY");
        assert_eq!(Amount::Tokens(500).to_string(), "500 tokens");
        assert_eq!(Amount::Tokens(1_633_500).to_string(), "1,633,500 tokens");
        assert_eq!(Amount::in_unit(TOKENS, 5).to_string(), "5 tokens");
        assert_eq!(Amount::in_unit("CNY", 1_500_000).to_string(), "1.50 CNY");
    }
}

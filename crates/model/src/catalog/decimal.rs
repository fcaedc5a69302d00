//! Decimal numbers without rounding: prices and factors, counted in millionths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal number with at most six digits after the point, exact; on the wire a text (`"10.70"`).
///
/// ```
/// use ark_video_model::catalog::Decimal;
///
/// let price: Decimal = "10.70".parse()?;
/// assert_eq!(price.millionths(), 10_700_000);
/// assert_eq!(price.to_string(), "10.70");
/// # Ok::<(), ark_video_model::catalog::NotDecimal>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(with = "String"))]
pub struct Decimal(u64);

/// A text that is no decimal number with at most six digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotDecimal;

impl fmt::Display for NotDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a decimal number: digits, and at most six of them after a point")
    }
}

impl std::error::Error for NotDecimal {}

impl NotDecimal {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        "Write the number with a point, such as 10.70."
    }
}

impl Decimal {
    /// From a number of millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// The number in millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// Rounded half up to so many digits after the point.
    pub fn round(self, digits: u32) -> Self {
        let unit = 10_u64.pow(6 - digits.min(6));
        Self((self.0 + unit / 2) / unit * unit)
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 6 || text.ends_with('.') || !digits(whole) || !digits(part) {
            return Err(NotDecimal);
        }
        let whole: u64 = whole.parse().map_err(|_| NotDecimal)?;
        let part: u64 = format!("{part:0<6}").parse().map_err(|_| NotDecimal)?;
        whole.checked_mul(1_000_000).and_then(|whole| whole.checked_add(part)).map(Self).ok_or(NotDecimal)
    }
}

/// At least two digits after the point, as money is written; more where there are more.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.0 % 1_000_000);
        let shown = part.trim_end_matches('0').len().max(2);
        f.pad(&format!("{}.{}", self.0 / 1_000_000, &part[..shown]))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for (text, millionths, shown) in [
            ("70.00", 70_000_000, "70.00"),
            ("0.6", 600_000, "0.60"),
            ("1", 1_000_000, "1.00"),
            ("0.354466", 354_466, "0.354466"),
        ] {
            let read: Decimal = text.parse().expect(text);
            assert_eq!((read.millionths(), read.to_string().as_str()), (millionths, shown));
        }
        for wrong in ["", ".", "1.", ".5", "-1", "1e3", "0.1234567", "99999999999999999999", "1,5", "１"] {
            assert_eq!(wrong.parse::<Decimal>(), Err(NotDecimal), "{wrong}");
        }
    }

    #[test]
    fn halves_round_up() {
        let round = |text: &str, digits| text.parse::<Decimal>().map(|read| read.round(digits).to_string());
        assert_eq!(round("0.354466", 2).as_deref(), Ok("0.35"));
        assert_eq!(round("0.355", 2).as_deref(), Ok("0.36"));
        assert_eq!(round("0.5144", 3).as_deref(), Ok("0.514"));
    }
}

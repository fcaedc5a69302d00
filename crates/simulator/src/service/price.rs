//! Money, in whole units of a hundred-millionth, so that sums are exact.

use std::fmt;

use ark_video_model::catalog::Catalog;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeStruct};

use crate::catalog::{Facts, Lookups};

/// Digits after the decimal point that are counted: those of a price per million tokens, and six
/// more.
const DIGITS: usize = 8;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    currency: &'static str,
    pub(super) units: i64,
}

impl Price {
    /// `CNY` or `USD`.
    #[must_use]
    pub fn currency(self) -> &'static str {
        self.currency
    }

    /// The amount as decimal text without needless zeros, such as `7.623`.
    #[must_use]
    pub fn amount(self) -> String {
        let scale = 10_i64.pow(DIGITS as u32);
        let (whole, part) = (self.units / scale, self.units % scale);
        let text = format!("{whole}.{part:0width$}", width = DIGITS);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// What a task's tokens cost; `None` where the price is not public.
    pub(crate) fn of(catalog: &'static Catalog, task: &Facts<'_>, tokens: i64) -> Option<Self> {
        let (currency, per_million) = catalog.price(task)?;
        // Prices have two digits after the point: millionths of a million tokens are then whole
        // units.
        let hundredths = i64::try_from(per_million.millionths() / 10_000).ok()?;
        Some(Self { currency, units: tokens.checked_mul(hundredths)? })
    }

    /// The sums, one for each currency, in their order of name.
    pub(crate) fn sums(all: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for price in all {
            match sums.iter_mut().find(|sum| sum.currency == price.currency) {
                Some(sum) => sum.units = sum.units.saturating_add(price.units),
                None => sums.push(price),
            }
        }
        sums.sort_unstable_by_key(|sum| sum.currency);
        sums
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

/// `{"currency": "CNY", "amount": "7.623"}`.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut price = serializer.serialize_struct("Price", 2)?;
        price.serialize_field("currency", self.currency)?;
        price.serialize_field("amount", &self.amount())?;
        price.end()
    }
}

/// Reads what [`Serialize`] wrote: a currency that no price list has, and what is no amount, are
/// errors.
impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            currency: String,
            amount: String,
        }
        let Written { currency, amount } = Written::deserialize(deserializer)?;
        let (whole, part) = amount.split_once('.').unwrap_or((&amount, ""));
        let currency = ["CNY", "USD"].into_iter().find(|known| *known == currency);
        let units = format!("{whole}{part:0<DIGITS$}").parse().ok().filter(|_| part.len() <= DIGITS);
        match (currency, units) {
            (Some(currency), Some(units)) => Ok(Self { currency, units }),
            _ => Err(D::Error::custom(format!("{amount} {currency:?} is not a price"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use ark_video_model::catalog::Site;

    use super::*;

    #[test]
    fn tokens_become_the_documents_prices() {
        let price = |family, site, resolution, tokens| {
            let task = Facts { family, site, resolution, flex: false, input_video: false, audio: true };
            Price::of(Catalog::builtin(), &task, tokens).map(|price| price.to_string())
        };
        // 5 s at 16:9; the price page rounds to two digits and leaves one frame out.
        assert_eq!(price("2.5", Site::Volcengine, "720p", 108_900).as_deref(), Some("7.623 CNY"));
        assert_eq!(price("2.0", Site::Byteplus, "720p", 108_900).as_deref(), Some("0.7623 USD"));
        assert_eq!(price("2.0", Site::Byteplus, "4k", 980_100).as_deref(), Some("3.9204 USD"));
        assert_eq!(price("1.0-pro-fast", Site::Volcengine, "720p", 1_000_000).as_deref(), Some("4.2 CNY"));
        assert_eq!(price("2.5-premium", Site::Byteplus, "4k", 1), None);
    }

    #[test]
    fn amounts_add_up_by_currency() {
        let price = |currency, units| Price { currency, units };
        let sums =
            Price::sums([price("USD", 150_000_000), price("CNY", 1), price("USD", 50_000_000)].into_iter());
        assert_eq!(sums.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.00000001 CNY", "2 USD"]);
        let written = serde_json::to_string(&sums).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Price>>(&written).unwrap(), sums);
        for wrong in [r#"{"currency":"EUR","amount":"1"}"#, r#"{"currency":"USD","amount":"0.123456789"}"#] {
            assert!(serde_json::from_str::<Price>(wrong).is_err(), "{wrong}");
        }
    }
}

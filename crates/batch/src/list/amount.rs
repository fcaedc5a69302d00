//! Amounts and caps as people write them: `3.50CNY`, `2USD`, `500000tokens`; in a list, under
//! `caps`.

use std::collections::BTreeMap;
use std::str::FromStr;

use ark_video::model::catalog::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::finding::{At, Findings};
use crate::{Amount, Cap, Scope};

/// Every way to write a unit, and what it is.
const CURRENCIES: [(&str, &str); 6] =
    [("cny", "CNY"), ("rmb", "CNY"), ("¥", "CNY"), ("元", "CNY"), ("usd", "USD"), ("$", "USD")];

/// Text that names no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write an amount with its unit: 3.50CNY, 2USD or 500000tokens")]
pub struct NotAnAmount;

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let text = text.trim().to_lowercase();
        let number = |text: &str| -> Option<String> {
            let digits: String = text.trim().chars().filter(|c| !matches!(c, '_' | '\'')).collect();
            (!digits.is_empty()).then_some(digits)
        };
        if let Some(amount) = text.strip_suffix("tokens").or_else(|| text.strip_suffix("token")) {
            let digits = number(amount).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
            return digits.and_then(|digits| digits.parse().ok()).map(Self::Tokens).ok_or(NotAnAmount);
        }
        let bare = |unit: &str| text.strip_suffix(unit).or_else(|| text.strip_prefix(unit));
        let (amount, currency) =
            CURRENCIES.iter().find_map(|(unit, name)| Some((bare(unit)?, *name))).ok_or(NotAnAmount)?;
        let amount: Decimal = number(amount).and_then(|digits| digits.parse().ok()).ok_or(NotAnAmount)?;
        Ok(Self::Money { micros: amount.millionths(), currency: currency.to_owned() })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Caps {
    batch: Option<String>,
    day: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// The caps of a list. A day's cap has an empty day: it holds for each.
pub(super) fn caps(value: &Value, batch: &str, findings: &mut Findings<'_>) -> Vec<Cap> {
    let Ok(caps) = Caps::deserialize(value) else {
        findings
            .say(
                "caps",
                At::List("/caps"),
                "`caps` may hold `batch`, `day` and `tags`, each an amount as a text.",
            )
            .advice(
                "Write caps = { batch = \"50CNY\", day = \"20CNY\", tags = { hero = \"500000tokens\" } }.",
            );
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut add = |scope: Scope, pointer: &str, text: &str| match text.parse() {
        Ok(amount) => all.push(Cap { scope, amount }),
        Err(error) => {
            findings
                .say("caps", At::List(pointer), "This is not a valid amount.")
                .advice(format!("{error}."));
        }
    };
    if let Some(text) = &caps.batch {
        add(Scope::Batch(batch.to_owned()), "/caps/batch", text);
    }
    if let Some(text) = &caps.day {
        add(Scope::Day(String::new()), "/caps/day", text);
    }
    for (tag, text) in &caps.tags {
        let pointer = format!("/caps/tags/{}", tag.replace('~', "~0").replace('/', "~1"));
        add(Scope::Tag(tag.clone()), &pointer, text);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_people_write_them() {
        let money = |micros, currency: &str| Ok(Amount::Money { micros, currency: currency.to_owned() });
        for text in ["3.50CNY", "3.5 cny", "¥3.50", "3.5rmb", "3.5元"] {
            assert_eq!(text.parse(), money(3_500_000, "CNY"), "{text}");
        }
        assert_eq!("$2".parse(), money(2_000_000, "USD"));
        assert_eq!("2USD".parse(), money(2_000_000, "USD"));
        for text in ["500000tokens", "500_000 tokens", "500'000 Token"] {
            assert_eq!(text.parse(), Ok(Amount::Tokens(500_000)), "{text}");
        }
        for text in ["", "3.50", "CNY", "tokens", "-1CNY", "+1tokens", "1.5tokens", "3EUR", "0.0000001USD"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}

//! A limit on what a request may cost, as people write it: `3.50CNY`, `2USD`, `500000tokens`.

use std::fmt;
use std::str::FromStr;

use ark_video::model::{Decimal, Estimate};

use crate::exit::Exit;
use crate::failure::Failure;

/// The most that a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaxCost {
    Tokens(u64),
    Money(Decimal, &'static str),
}

/// Every way to write a unit, and what it is.
const CURRENCIES: [(&str, &str); 6] =
    [("cny", "CNY"), ("rmb", "CNY"), ("¥", "CNY"), ("元", "CNY"), ("usd", "USD"), ("$", "USD")];

impl FromStr for MaxCost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write an amount with its unit: 3.50CNY, 2USD or 500000tokens".to_owned();
        let text = text.trim().to_lowercase();
        let number = |text: &str| -> Option<String> {
            let digits: String = text.trim().chars().filter(|c| !matches!(c, '_' | '\'')).collect();
            (!digits.is_empty()).then_some(digits)
        };
        if let Some(amount) = text.strip_suffix("tokens").or_else(|| text.strip_suffix("token")) {
            return number(amount).and_then(|digits| digits.parse().ok()).map(Self::Tokens).ok_or_else(wrong);
        }
        let bare = |unit: &str| text.strip_suffix(unit).or_else(|| text.strip_prefix(unit));
        let (amount, currency) =
            CURRENCIES.iter().find_map(|(unit, name)| Some((bare(unit)?, *name))).ok_or_else(wrong)?;
        let amount = number(amount).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        Ok(Self::Money(amount, currency))
    }
}

impl fmt::Display for MaxCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(tokens) => write!(f, "{tokens} tokens"),
            Self::Money(amount, currency) => write!(f, "{amount} {currency}"),
        }
    }
}

impl MaxCost {
    /// Whether the estimate stays within it, whatever of its range comes true. What cannot be told does not.
    pub(crate) fn allows(self, estimate: &Estimate) -> Result<(), Failure> {
        let refuse = |why: String| {
            Failure::new(
                Exit::Request,
                format!("--max-cost {self}: {why}; nothing was sent, nothing is billed"),
            )
        };
        let unknown = |what: &str| {
            let why =
                estimate.assumptions.first().map(|why| why.trim_end_matches('.')).unwrap_or("not public");
            refuse(format!("{what} of this request is not known ({why})"))
        };
        match self {
            Self::Tokens(most) => match estimate.tokens {
                None => Err(unknown("the number of tokens")
                    .hint("leave out --max-cost, or name the model by its own id")),
                Some(tokens) if tokens.max > most => {
                    Err(refuse(format!("this may cost up to {} tokens", tokens.max)).hint(why(estimate)))
                }
                Some(_) => Ok(()),
            },
            Self::Money(most, currency) => match &estimate.price {
                None => Err(unknown("the price")
                    .hint("give the limit in tokens, or lay your prices over ours with --catalog")),
                Some(price) if price.currency != currency => Err(refuse(format!(
                    "this model is billed in {}, and nothing is converted here",
                    price.currency
                ))
                .hint(format!("give the limit in {}", price.currency))),
                Some(price) if price.max > most => {
                    let max = rounded_up(price.max);
                    Err(refuse(format!("this may cost up to {max} {currency}")).hint(why(estimate)))
                }
                Some(_) => Ok(()),
            },
        }
    }
}

/// Up to the next hundredth: a limit must not look kept when it is not.
pub(crate) fn rounded_up(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths().div_ceil(10_000).saturating_mul(10_000))
}

/// Down to the hundredth below.
pub(crate) fn rounded_down(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths() / 10_000 * 10_000)
}

fn why(estimate: &Estimate) -> String {
    estimate.assumptions.first().map(|first| format!("it leans on this: {first}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ark_video::model::{Catalog, Facts, TextToVideo, estimate};

    use super::*;

    #[test]
    fn amounts_as_people_write_them() {
        let money = |millionths, currency| Ok(MaxCost::Money(Decimal::from_millionths(millionths), currency));
        for text in ["3.50CNY", "3.5 cny", "¥3.50", "3.5rmb", "3.5元"] {
            assert_eq!(text.parse(), money(3_500_000, "CNY"), "{text}");
        }
        assert_eq!("$2".parse(), money(2_000_000, "USD"));
        assert_eq!("2USD".parse(), money(2_000_000, "USD"));
        for text in ["500000tokens", "500_000 tokens", "500'000 Token"] {
            assert_eq!(text.parse(), Ok(MaxCost::Tokens(500_000)), "{text}");
        }
        for text in ["", "3.50", "CNY", "tokens", "-1CNY", "1.5tokens", "3EUR", "0.0000001USD"] {
            assert!(text.parse::<MaxCost>().is_err(), "{text}");
        }
    }

    /// 108,900 tokens, 5.0094 CNY.
    fn five_seconds() -> Estimate {
        let request = TextToVideo::new("doubao-seedance-2-0-260128", "A boat.")
            .resolution("720p")
            .ratio("16:9")
            .duration(5);
        estimate(&request.build(), Catalog::builtin(), &Facts::new(), None)
    }

    #[test]
    fn a_limit_holds_to_the_last_token_and_cent() {
        let within = |limit: &str| limit.parse::<MaxCost>().unwrap().allows(&five_seconds());
        for limit in ["108900tokens", "5.0094CNY", "6CNY"] {
            assert!(within(limit).is_ok(), "{limit}");
        }
        let said = |limit: &str| within(limit).unwrap_err().message;
        insta::assert_snapshot!(said("108899tokens"), @"--max-cost 108899 tokens: this may cost up to 108900 tokens; nothing was sent, nothing is billed");
        insta::assert_snapshot!(said("5.009399CNY"), @"--max-cost 5.009399 CNY: this may cost up to 5.01 CNY; nothing was sent, nothing is billed");
        insta::assert_snapshot!(said("9USD"), @"--max-cost 9.00 USD: this model is billed in CNY, and nothing is converted here; nothing was sent, nothing is billed");
    }

    #[test]
    fn what_is_not_known_is_not_within_a_limit() {
        let unknown =
            estimate(&TextToVideo::new("ep-1", "A boat.").build(), Catalog::builtin(), &Facts::new(), None);
        for limit in ["1CNY", "1tokens"] {
            let failure = limit.parse::<MaxCost>().unwrap().allows(&unknown).unwrap_err();
            assert!(failure.message.contains("not known") && !failure.hints.is_empty(), "{failure:?}");
        }
    }

    #[test]
    fn money_is_rounded_away_from_the_other_end() {
        let amount: Decimal = "5.0094".parse().unwrap();
        assert_eq!(
            (rounded_down(amount).to_string(), rounded_up(amount).to_string()),
            ("5.00".into(), "5.01".into())
        );
        let whole: Decimal = "5.00".parse().unwrap();
        assert_eq!((rounded_down(whole), rounded_up(whole)), (whole, whole));
    }
}

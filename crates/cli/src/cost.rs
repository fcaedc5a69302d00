//! The cost limit of a request, and amounts as text.

use ark_video::model::{catalog::Decimal, estimate::Estimate};
use ark_video_batch::Amount;

use crate::exit::Exit;
use crate::failure::Failure;

/// Whether the upper end of the estimate is within a limit. An unknown estimate is not.
pub(crate) fn allows(limit: &Amount, estimate: &Estimate) -> Result<(), Failure> {
    let refuse = |why: String| {
        Failure::new(Exit::Request, format!("--max-cost {limit}: {why}; nothing was sent, nothing is billed"))
    };
    let unknown = |what: &str| {
        let why = estimate.assumptions.first().map(|why| why.trim_end_matches('.')).unwrap_or("not public");
        refuse(format!("{what} of this request is unknown ({why})"))
    };
    match limit {
        Amount::Tokens(most) => match estimate.tokens {
            None => Err(unknown("the number of tokens").hint("omit --max-cost, or use the model id")),
            Some(tokens) if tokens.max > *most => {
                Err(refuse(format!("this may cost up to {} tokens", tokens.max)).hint(why(estimate)))
            }
            Some(_) => Ok(()),
        },
        Amount::Money { micros, currency } => match &estimate.price {
            None => Err(unknown("the price").hint("give the limit in tokens, or add prices with --catalog")),
            Some(price) if price.currency != *currency => Err(refuse(format!(
                "this model is billed in {}; currencies are not converted",
                price.currency
            ))
            .hint(format!("give the limit in {}", price.currency))),
            Some(price) if price.max.millionths() > *micros => {
                let max = rounded_up(price.max);
                Err(refuse(format!("this may cost up to {max} {currency}")).hint(why(estimate)))
            }
            Some(_) => Ok(()),
        },
    }
}

/// A range of money; a single value is rounded to the nearest hundredth.
pub(crate) fn range(min: Decimal, max: Decimal) -> String {
    if min == max {
        min.round(2).to_string()
    } else {
        format!("{} to {}", rounded_down(min), rounded_up(max))
    }
}

/// Rounds up to the next hundredth, so that a limit never seems kept when it is not.
fn rounded_up(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths().div_ceil(10_000).saturating_mul(10_000))
}

/// Rounds down to a hundredth.
fn rounded_down(amount: Decimal) -> Decimal {
    Decimal::from_millionths(amount.millionths() / 10_000 * 10_000)
}

fn why(estimate: &Estimate) -> String {
    estimate.assumptions.first().map(|first| format!("assumption: {first}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ark_video::model::{TextToVideo, catalog::Catalog, check::Facts, estimate::estimate};

    use super::*;

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
        let within = |limit: &str| allows(&limit.parse().unwrap(), &five_seconds());
        for limit in ["108900tokens", "5.0094CNY", "6CNY"] {
            assert!(within(limit).is_ok(), "{limit}");
        }
        let said = |limit: &str| within(limit).unwrap_err().message;
        insta::assert_snapshot!(said("108899tokens"), @"--max-cost 108899 tokens: this may cost up to 108900 tokens; nothing was sent, nothing is billed");
        insta::assert_snapshot!(said("5.009399CNY"), @"--max-cost 5.009399 CNY: this may cost up to 5.01 CNY; nothing was sent, nothing is billed");
        insta::assert_snapshot!(said("9USD"), @"--max-cost 9.00 USD: this model is billed in CNY; currencies are not converted; nothing was sent, nothing is billed");
    }

    #[test]
    fn what_is_not_known_is_not_within_a_limit() {
        let unknown =
            estimate(&TextToVideo::new("ep-1", "A boat.").build(), Catalog::builtin(), &Facts::new(), None);
        for limit in ["1CNY", "1tokens"] {
            let failure = allows(&limit.parse().unwrap(), &unknown).unwrap_err();
            assert!(failure.message.contains("is unknown") && !failure.hints.is_empty(), "{failure:?}");
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

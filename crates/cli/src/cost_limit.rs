//! Limits and confirmations of a request's cost. Sends nothing.

use ark_video::model::{
    catalog::{Decimal, Span},
    estimate::Estimate,
};
use ark_video_batch::{Amount, grouped};

use crate::cost::{rounded_up, text};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Setting;

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
                Err(refuse(format!("this may cost up to {} tokens", grouped(tokens.max))).hint(why(estimate)))
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
                let max = text(rounded_up(price.max));
                Err(refuse(format!("this may cost up to {max} {currency}")).hint(why(estimate)))
            }
            Some(_) => Ok(()),
        },
    }
}

/// The most that something may cost; `None` where a part of it is unknown.
pub(crate) struct Most {
    pub(crate) tokens: Option<u64>,
    /// One amount for each currency.
    pub(crate) money: Option<Vec<(Decimal, String)>>,
}

impl From<&Estimate> for Most {
    fn from(estimate: &Estimate) -> Self {
        let price = estimate.price.as_ref();
        Self {
            tokens: estimate.tokens.map(|tokens| tokens.max),
            money: price.map(|price| vec![(price.max, price.currency.to_string())]),
        }
    }
}

/// Why the user has to confirm a cost, as a part of a question: it is above the threshold, or
/// unknown.
pub(crate) fn above(threshold: &Setting<Amount>, most: &Most) -> Result<Option<String>, Failure> {
    let shown = &threshold.value;
    let unknown = || Ok(Some(format!("an unknown amount, and confirm_above is {shown}")));
    match shown {
        Amount::Tokens(limit) => match most.tokens {
            None => unknown(),
            Some(tokens) if tokens > *limit => {
                Ok(Some(format!("up to {} tokens, more than {shown}", grouped(tokens))))
            }
            Some(_) => Ok(None),
        },
        Amount::Money { micros, currency } => {
            let Some(money) = &most.money else { return unknown() };
            if let Some((_, other)) = money.iter().find(|(_, billed_in)| billed_in != currency) {
                let message = format!(
                    "confirm_above is {shown}, but this is billed in {other}, and currencies are not converted; nothing was sent"
                );
                let hint =
                    format!("give it in {other} (it comes from: {}), or confirm with --yes", threshold.by);
                return Err(Failure::new(Exit::Configuration, message).hint(hint));
            }
            let over = money.iter().find(|(amount, _)| amount.millionths() > *micros);
            Ok(over.map(|(amount, _)| {
                format!("up to {} {currency}, more than {shown}", text(rounded_up(*amount)))
            }))
        }
    }
}

/// An estimate for so many videos of the same request.
pub(crate) fn times(estimate: &Estimate, count: u64) -> Estimate {
    let mut total = estimate.clone();
    if let Some(tokens) = &mut total.tokens {
        *tokens = Span::new(tokens.min.saturating_mul(count), tokens.max.saturating_mul(count));
    }
    if let Some(price) = &mut total.price {
        let times = |amount: Decimal| Decimal::from_millionths(amount.millionths().saturating_mul(count));
        (price.min, price.max) = (times(price.min), times(price.max));
    }
    total
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
        insta::assert_snapshot!(said("108899tokens"), @"--max-cost 108,899 tokens: this may cost up to 108,900 tokens; nothing was sent, nothing is billed");
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
}

//! What a list will cost: the estimates of its jobs, added up in all and by model. Whole numbers
//! only.

use std::collections::BTreeMap;

use ark_video::model::{
    catalog::{Decimal, Span},
    estimate::Estimate,
};
use serde::Serialize;

use crate::{Amount, Cost, grouped};

/// A sum of estimates.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Sum {
    /// Jobs in it.
    pub jobs: u64,
    /// Tokens of the jobs of which something is known.
    pub tokens: Option<Span<u64>>,
    /// Money by currency, of the jobs whose price is known.
    pub price: BTreeMap<String, Span<Decimal>>,
    /// Jobs of which no tokens are known.
    pub unknown_tokens: u64,
    /// Jobs of which no price is known.
    pub unknown_price: u64,
}

/// What a list will cost if everything in it succeeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// In all.
    #[serde(flatten)]
    pub all: Sum,
    /// By model.
    pub models: BTreeMap<String, Sum>,
    /// By tag; a job with two tags is in both.
    pub tags: BTreeMap<String, Sum>,
}

impl Sum {
    fn add(&mut self, estimate: &Estimate, jobs: u64) {
        self.jobs += jobs;
        match estimate.tokens {
            Some(tokens) => {
                let sum = self.tokens.get_or_insert(Span::new(0, 0));
                sum.min = sum.min.saturating_add(tokens.min.saturating_mul(jobs));
                sum.max = sum.max.saturating_add(tokens.max.saturating_mul(jobs));
            }
            None => self.unknown_tokens += jobs,
        }
        match &estimate.price {
            Some(price) => {
                let zero = Decimal::from_millionths(0);
                let sum = self.price.entry(price.currency.to_string()).or_insert(Span::new(zero, zero));
                let add = |sum: Decimal, one: Decimal| {
                    Decimal::from_millionths(
                        sum.millionths().saturating_add(one.millionths().saturating_mul(jobs)),
                    )
                };
                (sum.min, sum.max) = (add(sum.min, price.min), add(sum.max, price.max));
            }
            None => self.unknown_price += jobs,
        }
    }

    /// Whether it stays within an amount, whatever of its ranges comes true. What is unknown does
    /// not.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn within(&self, most: &Amount) -> Result<(), String> {
        let jobs = |count: u64| format!("{count} {}", if count == 1 { "job" } else { "jobs" });
        match most {
            Amount::Tokens(_) if self.unknown_tokens > 0 => {
                Err(format!("the tokens of {} are not known", jobs(self.unknown_tokens)))
            }
            Amount::Tokens(most) => match self.tokens {
                Some(tokens) if tokens.max > *most => {
                    Err(format!("it may cost up to {} tokens", grouped(tokens.max)))
                }
                _ => Ok(()),
            },
            Amount::Money { .. } if self.unknown_price > 0 => {
                Err(format!("the price of {} is not known", jobs(self.unknown_price)))
            }
            Amount::Money { micros, currency } => {
                if let Some(other) = self.price.keys().find(|known| *known != currency) {
                    return Err(format!("some of it is billed in {other}, and nothing is converted here"));
                }
                match self.price.get(currency) {
                    Some(price) if price.max.millionths() > *micros => {
                        let up = price.max.millionths().div_ceil(10_000).saturating_mul(10_000);
                        let up = Amount::Money { micros: up, currency: currency.clone() };
                        Err(format!("it may cost up to {up}"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Totals {
    /// Adds the jobs of a shot.
    pub(super) fn add(&mut self, model: &str, tags: &[String], estimate: &Estimate, jobs: u64) {
        self.all.add(estimate, jobs);
        self.models.entry(model.to_owned()).or_default().add(estimate, jobs);
        let mut tags: Vec<&String> = tags.iter().collect();
        tags.sort();
        tags.dedup();
        for tag in tags {
            self.tags.entry(tag.clone()).or_default().add(estimate, jobs);
        }
    }
}

/// The most that a job may cost, as its reservation needs it.
pub(super) fn most(estimate: &Estimate) -> Option<Cost> {
    let tokens = estimate.tokens?.max;
    let (micros, currency) = match &estimate.price {
        Some(price) => (price.max.millionths(), price.currency.to_string()),
        None => (0, String::new()),
    };
    Some(Cost { tokens, micros, currency })
}

#[cfg(test)]
mod tests {
    use ark_video::model::{TextToVideo, catalog::Catalog, check::Facts, estimate::estimate};

    use super::*;

    #[test]
    fn a_sum_holds_to_the_last_token_and_cent() {
        let request =
            TextToVideo::new("doubao-seedance-2-0-260128", "A boat.").resolution("720p").ratio("16:9");
        let one = estimate(&request.duration(5).build(), Catalog::builtin(), &Facts::new(), None);
        let mut totals = Totals::default();
        totals.add("m", &["a".into(), "a".into()], &one, 2);
        assert_eq!(totals.tags["a"], totals.models["m"]);
        let within = |text: &str| totals.all.within(&text.parse().unwrap());
        assert_eq!((within("217800tokens"), within("10.0188CNY")), (Ok(()), Ok(())));
        assert_eq!(within("217799tokens"), Err("it may cost up to 217,800 tokens".to_owned()));
        assert_eq!(within("10.018799CNY"), Err("it may cost up to 10.02 CNY".to_owned()));
        assert_eq!(
            within("9USD"),
            Err("some of it is billed in CNY, and nothing is converted here".to_owned())
        );
        let unknown =
            estimate(&TextToVideo::new("ep-1", "A.").build(), Catalog::builtin(), &Facts::new(), None);
        totals.add("ep-1", &[], &unknown, 1);
        for limit in ["1000CNY", "1000000tokens"] {
            let said = totals.all.within(&limit.parse().unwrap()).unwrap_err();
            assert!(
                said.ends_with("of 1 job is not known") || said.ends_with("of 1 job are not known"),
                "{said}"
            );
        }
    }
}

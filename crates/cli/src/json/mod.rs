//! The JSON that commands print: plain data, one form for each thing. Builds nothing and prints
//! nothing. The schemas in `schema/cli/` are generated from these types.

mod batch;
mod models;
mod requests;
#[cfg(feature = "schemars")]
mod schemas;
mod setup;
mod simulate;
mod tasks;

use std::path::Path;

use ark_video::model::{
    catalog::{Decimal, Span},
    estimate::Estimate,
};
use ark_video_batch::{Amount, Cost};
use serde::Serialize;

use crate::cost;
pub(crate) use batch::*;
pub(crate) use models::*;
pub(crate) use requests::*;
#[cfg(feature = "schemars")]
pub use schemas::{JsonOutput, json_outputs};
pub(crate) use setup::*;
pub(crate) use simulate::*;
pub(crate) use tasks::*;

/// Money, in every output: `{"amount":"12.50","currency":"CNY"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Money {
    /// A decimal number as a string, exact, with at least two decimals.
    pub(crate) amount: Decimal,
    /// `CNY` or `USD`.
    pub(crate) currency: String,
}

impl Money {
    pub(crate) fn new(amount: Decimal, currency: &str) -> Self {
        Self { amount, currency: currency.to_owned() }
    }

    /// The money of a cost, if its price is known.
    pub(crate) fn of(cost: &Cost) -> Option<Self> {
        let known = !cost.currency.is_empty();
        known.then(|| Self::new(Decimal::from_millionths(cost.micros), &cost.currency))
    }
}

/// The least and the most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct MoneyRange {
    min: Money,
    max: Money,
}

impl MoneyRange {
    pub(crate) fn new(range: Span<Decimal>, currency: &str) -> Self {
        Self { min: Money::new(range.min, currency), max: Money::new(range.max, currency) }
    }

    pub(crate) fn most(&self) -> Decimal {
        self.max.amount
    }

    pub(crate) fn text(&self) -> String {
        format!("{} {}", cost::range(self.min.amount, self.max.amount), self.max.currency)
    }
}

/// An estimate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct EstimateJson<'a> {
    #[serde(flatten)]
    estimate: &'a Estimate,
    /// `null`: the price is unknown.
    cost: Option<MoneyRange>,
    /// The price of a million tokens that the cost is based on.
    per_million_tokens: Option<MoneyRange>,
}

impl<'a> From<&'a Estimate> for EstimateJson<'a> {
    fn from(estimate: &'a Estimate) -> Self {
        let price = estimate.price.as_ref();
        Self {
            estimate,
            cost: price.map(|price| MoneyRange::new(Span::new(price.min, price.max), &price.currency)),
            per_million_tokens: price.map(|price| MoneyRange::new(price.per_million_tokens, &price.currency)),
        }
    }
}

/// A file that was written: `batch init`, `batch report --html`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Written<'a> {
    pub(crate) path: &'a Path,
}

/// Money, or a number of tokens.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Amounts {
    Money(Money),
    Tokens { tokens: u64 },
}

impl From<Amount> for Amounts {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Tokens(tokens) => Self::Tokens { tokens },
            Amount::Money { micros, currency } => {
                Self::Money(Money::new(Decimal::from_millionths(micros), &currency))
            }
        }
    }
}

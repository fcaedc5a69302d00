//! What a journal's jobs were estimated to cost and what they did cost, by model, day or tag. Pure:
//! it is fed jobs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Cost, Job};

/// What to add up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupBy {
    /// The model.
    Model,
    /// The day on which it was sent, in UTC.
    Day,
    /// The tag; a job with two tags counts under both, one without under `-`.
    Tag,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct CostLine {
    /// The model, day or tag.
    pub group: String,
    /// `CNY`, `USD`; empty where the catalog knows no price.
    pub currency: String,
    /// Jobs that were sent.
    pub sent: u64,
    /// Jobs whose cost is settled.
    pub settled: u64,
    /// Of those, jobs whose usage was missing, zero or unreadable: what was reserved counts as
    /// billed.
    pub unmetered: u64,
    /// Tokens estimated at most, for all that were sent.
    pub tokens_estimated: u64,
    /// Tokens billed, for those that are settled.
    pub tokens_billed: u64,
    /// Millionths of the currency estimated at most, for all that were sent.
    pub estimated: u64,
    /// Millionths of the currency billed by the catalog's prices, for those that are settled.
    pub billed: u64,
    /// `billed` times the user's own factor.
    pub billed_corrected: u64,
    /// Billed tokens over the estimate of the same jobs, where the service's usage has them: what
    /// to expect of an estimate.
    pub ratio: Option<f64>,
}

/// Adds up jobs.
#[derive(Debug)]
pub struct CostReport {
    by: GroupBy,
    factor: f64,
    sums: BTreeMap<(String, String), Sum>,
}

#[derive(Debug, Default)]
struct Sum {
    sent: u64,
    settled: u64,
    unmetered: u64,
    estimated: Cost,
    estimated_of_metered: u64,
    metered: u64,
    billed: Cost,
}

impl CostReport {
    /// `factor` is the user's own correction, 1 for none: a discount, a reseller's margin.
    #[must_use]
    pub fn new(by: GroupBy, factor: f64) -> Self {
        Self { by, factor, sums: BTreeMap::new() }
    }

    /// Adds a job. One that was never sent costs nothing and is left out.
    pub fn add(&mut self, job: &Job) {
        let Some(attempt) = job.attempt.as_ref().filter(|_| job.task_id.is_some() || job.settled.is_some())
        else {
            return;
        };
        let groups = match self.by {
            GroupBy::Model => vec![job.model().to_owned()],
            GroupBy::Day => vec![attempt.day.clone()],
            GroupBy::Tag if job.planned.tags.is_empty() => vec!["-".to_owned()],
            GroupBy::Tag => job.planned.tags.clone(),
        };
        let estimate = job.planned.estimate.clone().unwrap_or_default();
        let billed = job.settled.clone().unwrap_or_default();
        let currency =
            [&billed.currency, &estimate.currency].into_iter().find(|currency| !currency.is_empty());
        for group in groups {
            let sum = self.sums.entry((group, currency.cloned().unwrap_or_default())).or_default();
            sum.sent += 1;
            sum.estimated.tokens += estimate.tokens;
            sum.estimated.micros += estimate.micros;
            if job.settled.is_some() {
                sum.settled += 1;
                sum.unmetered += u64::from(job.unmetered);
                sum.billed.tokens += billed.tokens;
                sum.billed.micros += billed.micros;
            }
            if billed.tokens > 0 && !job.unmetered {
                sum.metered += billed.tokens;
                sum.estimated_of_metered += estimate.tokens;
            }
        }
    }

    /// The lines, by group and currency.
    #[must_use]
    pub fn lines(&self) -> Vec<CostLine> {
        let line = |((group, currency), sum): (&(String, String), &Sum)| CostLine {
            group: group.clone(),
            currency: currency.clone(),
            sent: sum.sent,
            settled: sum.settled,
            unmetered: sum.unmetered,
            tokens_estimated: sum.estimated.tokens,
            tokens_billed: sum.billed.tokens,
            estimated: sum.estimated.micros,
            billed: sum.billed.micros,
            billed_corrected: scaled(sum.billed.micros, self.factor),
            ratio: (sum.estimated_of_metered > 0)
                .then(|| sum.metered as f64 / sum.estimated_of_metered as f64),
        };
        self.sums.iter().map(line).collect()
    }
}

/// Rounded to whole millionths; a factor that is no number leaves the amount as it is.
fn scaled(micros: u64, factor: f64) -> u64 {
    let scaled = (micros as f64 * factor).round();
    if scaled.is_finite() && scaled >= 0.0 { scaled as u64 } else { micros }
}

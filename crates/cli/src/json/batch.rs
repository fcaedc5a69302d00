//! JSON of the commands for batches.

use std::collections::BTreeMap;
use std::path::Path;

use ark_video::model::catalog::Decimal;
use ark_video_batch::{
    Budget, Cost, CostLine, Event, ForecastStep, ListFinding, ListFormat, ListReport, Scope, ShotReport,
    State, Stopped, Sum, Unfinished,
};
use serde::{Serialize, Serializer};

use super::{Amounts, EstimateJson, Money, MoneyRange};

/// `batch plan`: what a run would do.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct PlanDocument<'a> {
    pub(crate) batch: &'a str,
    /// Jobs for which a task is created.
    pub(crate) create: u64,
    /// Jobs for which another task is created.
    pub(crate) retry: u64,
    /// Jobs whose tasks are awaited and fetched.
    pub(crate) r#continue: u64,
    /// Jobs whose videos are saved.
    pub(crate) reuse: u64,
    /// Jobs that need a decision.
    pub(crate) blocked: u64,
    /// What `create` and `retry` may cost.
    pub(crate) from_here: PlanSum,
    /// The budgets with a cap.
    pub(crate) budgets: Vec<BudgetJson>,
    pub(crate) shots: Vec<PlanShot<'a>>,
}

/// The most that jobs may cost together.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct PlanSum {
    pub(crate) jobs: u64,
    /// Of the jobs whose tokens are known.
    pub(crate) max_tokens: u64,
    /// One amount for each currency, of the jobs whose price is known.
    pub(crate) max_cost: Vec<Money>,
    /// Jobs whose tokens or price are unknown.
    pub(crate) unknown_cost: u64,
}

/// What a run would do with a shot.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct PlanShot<'a> {
    pub(crate) name: &'a str,
    pub(crate) step: ForecastStep,
    pub(crate) reason: Option<&'a str>,
    /// The most that it may cost; `null` where nothing is created, or it is unknown.
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_cost: Option<Money>,
}

/// What is reserved and billed in a scope.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct BudgetJson {
    pub(crate) scope: Scope,
    /// `tokens`, or a currency.
    pub(crate) unit: String,
    pub(crate) reserved: Amounts,
    pub(crate) billed: Amounts,
    pub(crate) cap: Option<Amounts>,
}

impl From<&Budget> for BudgetJson {
    fn from(budget: &Budget) -> Self {
        let amount = |number| budget.amount(number).into();
        Self {
            scope: budget.scope.clone(),
            unit: budget.unit.clone(),
            reserved: amount(budget.reserved),
            billed: amount(budget.settled),
            cap: budget.cap.map(amount),
        }
    }
}

/// `batch status` and `batch report`: a batch, for programs. A batch may have a hundred thousand
/// jobs.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct BatchStatus<'a> {
    pub(crate) batch: &'a str,
    pub(crate) counts: BTreeMap<State, u64>,
    /// Tasks that exist beside those of the jobs: billed too if they succeed.
    pub(crate) extra_tasks: Vec<String>,
    pub(crate) jobs: Vec<BatchJob>,
    pub(crate) paused: bool,
    /// Deprecated: `budgets`, with money in millionths.
    #[serde(rename = "purses")]
    pub(crate) old_budgets: Vec<OldBudgetJson>,
    pub(crate) budgets: Vec<BudgetJson>,
    /// Jobs whose reserved estimate counts as billed.
    pub(crate) unmetered: u64,
}

/// A budget in the earlier form.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct OldBudgetJson {
    pub(crate) scope: Scope,
    pub(crate) unit: String,
    pub(crate) reserved: u64,
    pub(crate) settled: u64,
    pub(crate) cap: Option<u64>,
}

impl From<&Budget> for OldBudgetJson {
    fn from(budget: &Budget) -> Self {
        Self {
            scope: budget.scope.clone(),
            unit: budget.unit.clone(),
            reserved: budget.reserved,
            settled: budget.settled,
            cap: budget.cap,
        }
    }
}

/// A job of a batch.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct BatchJob {
    /// Tasks that may be its own.
    pub(crate) candidates: Vec<String>,
    pub(crate) key: String,
    pub(crate) name: String,
    /// Why it has no video.
    pub(crate) reason: Option<String>,
    /// Deprecated: `cost`, with money in millionths.
    pub(crate) settled: Option<Cost>,
    /// What its task cost, at list prices; `null`: not settled, or the price is unknown.
    pub(crate) cost: Option<Money>,
    pub(crate) state: State,
    pub(crate) task_id: Option<String>,
    pub(crate) unmetered: bool,
}

/// `cost report`: a model, a day or a tag.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct CostRow<'a> {
    /// `estimated`, `billed` and `billed_corrected` are deprecated: money in millionths.
    #[serde(flatten)]
    pub(crate) line: &'a CostLine,
    /// Estimated at most, for all that were sent; `null`: the price is unknown.
    pub(crate) estimated_cost: Option<Money>,
    /// Billed at list prices.
    pub(crate) billed_cost: Option<Money>,
    /// `billed_cost` times `--factor`.
    pub(crate) corrected_cost: Option<Money>,
}

impl<'a> From<&'a CostLine> for CostRow<'a> {
    fn from(line: &'a CostLine) -> Self {
        let money = |micros| {
            let known = !line.currency.is_empty();
            known.then(|| Money::new(Decimal::from_millionths(micros), &line.currency))
        };
        let (estimated_cost, billed_cost) = (money(line.estimated), money(line.billed));
        Self { estimated_cost, billed_cost, corrected_cost: money(line.billed_corrected), line }
    }
}

/// `batch pause` and `batch resume`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Paused<'a> {
    pub(crate) batch: &'a str,
    pub(crate) paused: bool,
}

/// `batch cancel`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Cancelled<'a> {
    pub(crate) batch: &'a str,
    /// Shots that were not sent.
    pub(crate) dropped: &'a [String],
    /// Shots whose tasks were cancelled in the service's queue.
    pub(crate) cancelled: &'a [String],
    /// Jobs that were already sent.
    pub(crate) left: u64,
}

/// `batch retry`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Retried<'a> {
    pub(crate) batch: &'a str,
    pub(crate) retried: &'a [String],
}

/// `batch approve`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Approved<'a> {
    pub(crate) batch: &'a str,
    pub(crate) approved: &'a [String],
    /// Keys of the jobs that can go on.
    pub(crate) reopened: &'a [String],
}

/// `batch assign` and `batch resolve`.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Decided<'a> {
    pub(crate) batch: &'a str,
    pub(crate) shot: &'a str,
    pub(crate) state: State,
    /// `batch assign`: the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_id: Option<&'a str>,
    /// `batch assign`: the video, where it is saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'a Path>,
}

/// `batch run`: something happened.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct EventLine<'a> {
    #[serde(flatten)]
    pub(crate) event: &'a Event,
    /// Of `settled`: what the job cost. `cost.micros` is deprecated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billed: Option<Money>,
}

/// `batch run`: the last line. A hundred thousand jobs may be unfinished.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct RunSummaryLine<'a> {
    pub(crate) batch: &'a str,
    pub(crate) counts: &'a BTreeMap<State, u64>,
    /// `summary`.
    pub(crate) event: &'a str,
    /// Jobs that a runner still has to do something for.
    pub(crate) left: u64,
    /// Jobs that need a decision.
    pub(crate) parked: u64,
    pub(crate) stopped: Option<&'a Stopped>,
    pub(crate) unfinished: &'a [Unfinished],
}

/// `batch check`: the report of a list.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ListDocument<'a> {
    pub(crate) file: &'a str,
    pub(crate) format: Option<ListFormat>,
    pub(crate) batch: &'a str,
    /// Whether no part of it would be sent.
    pub(crate) refused: bool,
    #[serde(serialize_with = "each_shot")]
    #[cfg_attr(feature = "schemars", schemars(with = "Vec<ListShot<'a>>"))]
    pub(crate) shots: &'a [ShotReport],
    pub(crate) totals: ListTotals<'a>,
    pub(crate) findings: &'a [ListFinding],
}

/// A shot of a list.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ListShot<'a> {
    name: &'a str,
    /// From 1.
    line: Option<usize>,
    /// The names of its jobs: its own, or one for each variant.
    jobs: &'a [String],
    model: &'a str,
    /// The job that it follows.
    after: Option<&'a str>,
    tags: &'a [String],
    /// Of one of its jobs.
    estimate: Option<EstimateJson<'a>>,
    refused: bool,
}

/// A list may have a hundred thousand shots: each is written without a copy.
fn each_shot<S: Serializer>(shots: &&[ShotReport], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(shots.iter().map(|shot| ListShot {
        name: &shot.name,
        line: shot.line,
        jobs: &shot.jobs,
        model: &shot.model,
        after: shot.after.as_deref(),
        tags: &shot.tags,
        estimate: shot.estimate.as_deref().map(Into::into),
        refused: shot.refused,
    }))
}

/// What a list costs.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ListTotals<'a> {
    #[serde(flatten)]
    all: ListSum<'a>,
    models: BTreeMap<&'a str, ListSum<'a>>,
    /// A job with two tags is in both.
    tags: BTreeMap<&'a str, ListSum<'a>>,
}

/// A sum of estimates.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ListSum<'a> {
    /// `price` is deprecated.
    #[serde(flatten)]
    sum: &'a Sum,
    /// One range for each currency, of the jobs whose price is known.
    cost: Vec<MoneyRange>,
}

impl<'a> From<&'a Sum> for ListSum<'a> {
    fn from(sum: &'a Sum) -> Self {
        let cost = sum.price.iter().map(|(currency, price)| MoneyRange::new(*price, currency)).collect();
        Self { sum, cost }
    }
}

impl<'a> From<&'a ListReport> for ListDocument<'a> {
    fn from(report: &'a ListReport) -> Self {
        let each = |sums: &'a BTreeMap<String, Sum>| {
            sums.iter().map(|(name, sum)| (name.as_str(), sum.into())).collect()
        };
        let totals = &report.totals;
        Self {
            file: &report.file,
            format: report.format,
            batch: &report.batch,
            refused: report.refused,
            shots: &report.shots,
            totals: ListTotals {
                all: (&totals.all).into(),
                models: each(&totals.models),
                tags: each(&totals.tags),
            },
            findings: &report.findings,
        }
    }
}

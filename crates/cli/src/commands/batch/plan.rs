//! `batch plan`: what `batch run` would do with a list, and what it costs from here. Writes and
//! sends nothing.

use std::collections::BTreeMap;

use ark_video::model::catalog::Decimal;
use ark_video_batch::{
    Amount, Budget, Cap, Forecast, ForecastJob, ForecastStep, Journal, JournalAt, JournalErrorKind,
    OpenOptions, Scope, ShotList, TOKENS, grouped,
};

use super::check;
use super::journal::{self, of_journal};
use crate::args::{BatchPlanArgs, MoneyArgs};
use crate::cost;
use crate::cost_limit::Most;
use crate::escape::one_line;
use crate::failure::Failure;
use crate::json::{Money, PlanDocument, PlanShot, PlanSum};
use crate::output::Form;
use crate::session::Session;
use crate::summary;

/// Every step, in the order in which they are shown.
const STEPS: [(ForecastStep, &str); 5] = [
    (ForecastStep::Create, "to create"),
    (ForecastStep::Retry, "to retry"),
    (ForecastStep::Continue, "to continue"),
    (ForecastStep::Reuse, "reused"),
    (ForecastStep::Blocked, "blocked"),
];

pub(super) async fn run(session: &mut Session, args: &BatchPlanArgs) -> Result<(), Failure> {
    let catalog = session.catalog()?;
    let settings = session.settings(&[])?;
    let report = check::read(session, &args.of, &settings, &catalog).await?;
    report.warnings().for_each(|finding| session.output.warn(one_line(&finding.to_string())));
    let list = check::planned(session, report)?;
    let batch = args.journal.batch.clone().unwrap_or_else(|| list.batch.clone());
    // A list from standard input has no journal beside it.
    let existing = match args.of.list == "-" && args.journal.journal.is_none() {
        true => None,
        false => existing(&journal::place(session, &args.journal, Some(&args.of.list))?).await?,
    };
    let plan = Plan::of(existing.as_ref(), &batch, &list, &caps(&batch, &list, &args.money)).await?;
    if let Some(journal) = existing {
        journal.close().await;
    }
    match session.output.form {
        Form::Json => session.output.json(&plan.document(&batch)),
        Form::Quiet => {
            let created = |step| matches!(step, ForecastStep::Create | ForecastStep::Retry);
            let jobs = plan.forecast.jobs.iter().filter(|job| created(job.step));
            jobs.for_each(|job| session.output.id(&job.name));
        }
        Form::Text => {
            session.output.line(plan.table(session.output.columns));
            session.output.line(plan.text(&batch));
        }
    }
    Ok(())
}

/// The journal, if there is one.
pub(super) async fn existing(at: &JournalAt) -> Result<Option<Journal>, Failure> {
    if matches!(at, JournalAt::File(path) if !path.exists()) {
        return Ok(None);
    }
    match Journal::open(at, OpenOptions { create: false, ..OpenOptions::default() }).await {
        Ok(journal) => Ok(Some(journal)),
        Err(error) if error.kind() == JournalErrorKind::Missing => Ok(None),
        Err(error) => Err(of_journal(error)),
    }
}

/// What a run would do, and the budgets that it would meet.
pub(super) struct Plan {
    forecast: Forecast,
    sums: BTreeMap<ForecastStep, Sum>,
    budgets: Vec<Budget>,
}

/// The jobs of a step, and the most that they may cost from here.
#[derive(Default)]
struct Sum {
    jobs: u64,
    tokens: u64,
    money: BTreeMap<String, u64>,
    unknown: u64,
}

impl Plan {
    pub(super) async fn of(
        journal: Option<&Journal>,
        batch: &str,
        list: &ShotList,
        caps: &[Cap],
    ) -> Result<Self, Failure> {
        let forecast = match journal {
            Some(journal) => journal.forecast(batch, list).await.map_err(of_journal)?,
            None => Forecast::of_new(list),
        };
        let known = match journal {
            Some(journal) => journal.budgets().await.map_err(of_journal)?,
            None => Vec::new(),
        };
        let mut sums: BTreeMap<ForecastStep, Sum> = BTreeMap::new();
        for job in &forecast.jobs {
            let sum = sums.entry(job.step).or_default();
            sum.jobs += 1;
            match &job.estimate {
                Some(estimate) => {
                    sum.tokens = sum.tokens.saturating_add(estimate.tokens);
                    if estimate.currency.is_empty() {
                        sum.unknown += 1;
                    } else {
                        let total = sum.money.entry(estimate.currency.clone()).or_default();
                        *total = total.saturating_add(estimate.micros);
                    }
                }
                None => sum.unknown += 1,
            }
        }
        Ok(Self { forecast, sums, budgets: budgets(known, batch, caps) })
    }

    /// The sum of what would be created, again or for the first time.
    fn created(&self) -> Sum {
        let mut all = Sum::default();
        for step in [ForecastStep::Create, ForecastStep::Retry] {
            let Some(sum) = self.sums.get(&step) else { continue };
            all.jobs += sum.jobs;
            all.tokens = all.tokens.saturating_add(sum.tokens);
            all.unknown += sum.unknown;
            for (currency, micros) in &sum.money {
                let total = all.money.entry(currency.clone()).or_default();
                *total = total.saturating_add(*micros);
            }
        }
        all
    }

    /// The most that a run may cost, `None` if it creates nothing.
    pub(super) fn most(&self) -> Option<Most> {
        let sum = self.created();
        let money = sum.money.iter().map(|(currency, micros)| (decimal(*micros), currency.clone())).collect();
        (sum.jobs > 0).then(|| Most {
            tokens: (sum.unknown == 0).then_some(sum.tokens),
            money: (sum.unknown == 0).then_some(money),
        })
    }

    /// The counts of each step, the cost from here, and the budgets.
    pub(super) fn text(&self, batch: &str) -> String {
        let count = |step| self.sums.get(&step).map_or(0, |sum| sum.jobs);
        let counts = STEPS.iter().filter(|(step, _)| count(*step) > 0);
        let counts: Vec<String> =
            counts.map(|(step, what)| format!("{} {what}", grouped(count(*step)))).collect();
        let counts = if counts.is_empty() { "no jobs".to_owned() } else { counts.join(", ") };
        let mut lines = vec![one_line(&format!("plan of {batch}: {counts}"))];
        let created = self.created();
        lines.push(format!("cost from here: {}", money(&created)));
        lines.extend(self.budgets.iter().map(|budget| one_line(&self.budget(budget, batch, &created))));
        lines.join("\n")
    }

    fn budget(&self, budget: &Budget, batch: &str, created: &Sum) -> String {
        let cap = budget.cap.unwrap_or_default();
        let spent = budget.settled.saturating_add(budget.reserved);
        let room = cap.saturating_sub(spent);
        let shown = |number| cost::amount(&budget.amount(number));
        let scope = match &budget.scope {
            Scope::Day(day) if day.is_empty() => "each day".to_owned(),
            scope => scope.to_string(),
        };
        let needed = match budget.unit.as_str() {
            TOKENS => created.tokens,
            unit => created.money.get(unit).copied().unwrap_or_default(),
        };
        let short = budget.scope == Scope::Batch(batch.to_owned()) && needed > room;
        let short = if short { "; what does not fit is left unsent" } else { "" };
        format!(
            "cap on {scope}: {}, {} billed or reserved, {} left{short}",
            shown(cap),
            shown(spent),
            shown(room)
        )
    }

    fn table(&self, columns: Option<u16>) -> String {
        let mut rows = vec![["SHOT", "STEP", "AT MOST", "WHY"].map(str::to_owned)];
        rows.extend(self.forecast.jobs.iter().map(|job| {
            let creates = matches!(job.step, ForecastStep::Create | ForecastStep::Retry);
            let most = match &job.estimate {
                Some(most) if !most.currency.is_empty() => {
                    cost::amount(&Amount::in_unit(&most.currency, most.micros))
                }
                _ if creates => "?".to_owned(),
                _ => String::new(),
            };
            let step = STEPS.iter().find(|(step, _)| *step == job.step).map_or("", |(_, what)| what);
            [job.name.clone(), step.to_owned(), most, job.reason.clone().unwrap_or_default()]
        }));
        summary::table(&rows, columns)
    }

    fn document<'a>(&'a self, batch: &'a str) -> PlanDocument<'a> {
        let sum = |sum: &Sum| PlanSum {
            jobs: sum.jobs,
            max_tokens: sum.tokens,
            max_cost: sum.money.iter().map(|(unit, micros)| Money::new(decimal(*micros), unit)).collect(),
            unknown_cost: sum.unknown,
        };
        let shot = |job: &'a ForecastJob| PlanShot {
            name: &job.name,
            step: job.step,
            reason: job.reason.as_deref(),
            max_tokens: job.estimate.as_ref().map(|cost| cost.tokens),
            max_cost: job.estimate.as_ref().and_then(Money::of),
        };
        let jobs = |step: ForecastStep| self.sums.get(&step).map_or(0, |sum| sum.jobs);
        PlanDocument {
            batch,
            create: jobs(ForecastStep::Create),
            retry: jobs(ForecastStep::Retry),
            r#continue: jobs(ForecastStep::Continue),
            reuse: jobs(ForecastStep::Reuse),
            blocked: jobs(ForecastStep::Blocked),
            from_here: sum(&self.created()),
            budgets: self.budgets.iter().map(Into::into).collect(),
            shots: self.forecast.jobs.iter().map(shot).collect(),
        }
    }
}

/// The budgets with a cap, as a run would set them.
fn budgets(known: Vec<Budget>, batch: &str, caps: &[Cap]) -> Vec<Budget> {
    let of_batch = |budget: &Budget| match &budget.scope {
        Scope::Batch(name) => name == batch,
        _ => true,
    };
    let mut budgets: Vec<Budget> = known.into_iter().filter(of_batch).collect();
    for cap in caps {
        let (unit, number) = match &cap.amount {
            Amount::Tokens(tokens) => (TOKENS, *tokens),
            Amount::Money { micros, currency } => (currency.as_str(), *micros),
        };
        match budgets.iter_mut().find(|budget| budget.scope == cap.scope && budget.unit == unit) {
            Some(budget) => budget.cap = Some(number),
            None => budgets.push(Budget {
                scope: cap.scope.clone(),
                unit: unit.to_owned(),
                reserved: 0,
                settled: 0,
                cap: Some(number),
            }),
        }
    }
    budgets.retain(|budget| budget.cap.is_some());
    budgets
}

fn decimal(micros: u64) -> Decimal {
    Decimal::from_millionths(micros)
}

/// `at most 60.12 CNY (1,633,500 tokens)`
fn money(sum: &Sum) -> String {
    if sum.jobs == 0 {
        return "nothing".to_owned();
    }
    let amounts = sum.money.iter().map(|(unit, micros)| cost::amount(&Amount::in_unit(unit, *micros)));
    let amounts: Vec<String> = amounts.collect();
    let unknown = match sum.unknown {
        0 => String::new(),
        count => format!("; unknown for {} of {} jobs", grouped(count), grouped(sum.jobs)),
    };
    match amounts.is_empty() {
        true => format!("unknown ({} tokens{unknown})", grouped(sum.tokens)),
        false => format!("at most {} ({} tokens{unknown})", amounts.join(" and "), grouped(sum.tokens)),
    }
}

/// The list's caps, overridden by the flags.
pub(super) fn caps(batch: &str, list: &ShotList, money: &MoneyArgs) -> Vec<Cap> {
    let mut caps = list.caps.clone();
    let day = Scope::Day(String::new());
    let flags = [(Scope::Batch(batch.to_owned()), &money.cap), (day, &money.cap_day)];
    caps.extend(flags.into_iter().filter_map(|(scope, amount)| Some(Cap { scope, amount: amount.clone()? })));
    caps.extend(
        money
            .cap_tag
            .iter()
            .map(|(tag, amount)| Cap { scope: Scope::Tag(tag.clone()), amount: amount.clone() }),
    );
    caps
}

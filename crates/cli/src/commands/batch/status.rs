//! `batch status`: counts, cost, and why each unfinished shot is unfinished.

use ark_video_batch::{BillKind, Budget, Job, Reasons, State};

use super::journal::{self, Opened, each, of_journal};
use crate::args::BatchStatusArgs;
use crate::cost;
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{BatchJob, BatchStatus, Money};
use crate::output::Form;
use crate::session::Session;
use crate::summary;

pub(super) async fn run(session: &Session, args: &BatchStatusArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    match session.output.form {
        Form::Json => session.output.json(&document(&opened, args.all).await?),
        Form::Quiet => {
            each(&opened, &[], &[], async |job| {
                job.task_id.iter().for_each(|id| session.output.id(id));
                Ok::<_, Failure>(())
            })
            .await?;
        }
        Form::Text => session.output.line(text(&opened, args.all, session.output.columns).await?),
    }
    if !args.audit {
        return Ok(());
    }
    let findings = opened.journal.audit().await.map_err(of_journal)?;
    findings.iter().for_each(|finding| session.output.warn(one_line(&finding.to_string())));
    if findings.is_empty() {
        session.output.note("the journal is consistent: all rows, sums and slots");
        return Ok(());
    }
    Err(Failure::new(Exit::Journal, format!("the journal is inconsistent: {} findings", findings.len())))
}

/// Whether a job is shown without `--all`: it has no video.
fn is_shown(state: State) -> bool {
    !matches!(state, State::Settled | State::Dropped)
}

fn shown(all: bool) -> Vec<State> {
    State::ALL.into_iter().filter(|state| all || is_shown(*state)).collect()
}

/// The state of a batch as text.
pub(super) async fn text(opened: &Opened, all: bool, columns: Option<u16>) -> Result<String, Failure> {
    let counts = opened.journal.counts(Some(&opened.batch)).await.map_err(of_journal)?;
    let counted: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {}", state.as_str().replace('_', " ")))
        .collect();
    let row = opened.journal.batch(&opened.batch).await.map_err(of_journal)?;
    let paused = row.is_some_and(|row| row.paused);
    let mut lines = vec![format!(
        "{}: {}{}",
        opened.batch,
        if counted.is_empty() { "no jobs".to_owned() } else { counted.join(", ") },
        if paused { " (paused)" } else { "" }
    )];
    for budget in opened.journal.budgets().await.map_err(of_journal)? {
        if budget.reserved > 0 || budget.settled > 0 || budget.cap.is_some() {
            lines.push(money(&budget));
        }
    }
    let unmetered = opened.journal.unmetered(&opened.batch).await.map_err(of_journal)?;
    if unmetered > 0 {
        lines.push(unmetered_line(unmetered));
    }
    for bill in opened.journal.bills().await.map_err(of_journal)? {
        if bill.kind == BillKind::Extra {
            let task = format!("additional bill: task {} of {}", bill.task_id, bill.key);
            lines.push(one_line(&task));
        }
    }
    let reasons = Reasons::read(&opened.journal, &opened.batch).await.map_err(of_journal)?;
    let mut rows = vec![["SHOT", "STATE", "TASK", "WHY"].map(str::to_owned)];
    each(opened, &shown(all), &[], async |job| {
        rows.push(cells(&job, &reasons));
        Ok::<_, Failure>(())
    })
    .await?;
    if rows.len() > 1 {
        lines.push(String::new());
        lines.push(summary::table(&rows, columns));
    }
    Ok(lines.join("\n"))
}

fn unmetered_line(count: u64) -> String {
    let jobs =
        if count == 1 { "1 job is unmetered".to_owned() } else { format!("{count} jobs are unmetered") };
    format!("{jobs}: the service gave no usable usage, so the reserved estimate counts as billed")
}

fn money(budget: &Budget) -> String {
    let shown = |number| cost::amount(&budget.amount(number));
    let mut text = format!("{}: {} billed", budget.scope, shown(budget.settled));
    if budget.reserved > 0 {
        text.push_str(&format!(", {} reserved", shown(budget.reserved)));
    }
    if let Some(cap) = budget.cap {
        text.push_str(&format!(", cap {}", shown(cap)));
    }
    text
}

fn cells(job: &Job, reasons: &Reasons) -> [String; 4] {
    let mut why = reasons.of(job).or_else(|| job.reason.clone()).unwrap_or_default();
    if job.unmetered && job.state == State::Settled {
        why.push_str("unmetered: the reserved estimate counts as billed");
    }
    if !job.candidates.is_empty() {
        why.push_str(&format!(" (candidates: {})", job.candidates.join(", ")));
    }
    [
        job.key.split_once('/').map_or(job.key.as_str(), |(_, name)| name).to_owned(),
        job.state.as_str().replace('_', " "),
        job.task_id.clone().unwrap_or_default(),
        why,
    ]
}

/// The state of a batch as JSON.
pub(super) async fn document(opened: &Opened, all: bool) -> Result<BatchStatus<'_>, Failure> {
    let row = opened.journal.batch(&opened.batch).await.map_err(of_journal)?;
    let budgets = opened.journal.budgets().await.map_err(of_journal)?;
    let bills = opened.journal.bills().await.map_err(of_journal)?;
    let extra = bills.into_iter().filter(|bill| bill.kind == BillKind::Extra);
    let reasons = Reasons::read(&opened.journal, &opened.batch).await.map_err(of_journal)?;
    let mut jobs = Vec::new();
    each(opened, &shown(all), &[], async |job| {
        jobs.push(BatchJob {
            reason: reasons.of(&job).or(job.reason),
            candidates: job.candidates,
            key: job.key,
            name: job.planned.name,
            cost: job.settled.as_ref().and_then(Money::of),
            settled: job.settled,
            state: job.state,
            task_id: job.task_id,
            unmetered: job.unmetered,
        });
        Ok::<_, Failure>(())
    })
    .await?;
    Ok(BatchStatus {
        batch: &opened.batch,
        counts: opened.journal.counts(Some(&opened.batch)).await.map_err(of_journal)?,
        extra_tasks: extra.map(|bill| bill.task_id).collect(),
        jobs,
        paused: row.is_some_and(|row| row.paused),
        old_budgets: budgets.iter().map(Into::into).collect(),
        budgets: budgets.iter().map(Into::into).collect(),
        unmetered: opened.journal.unmetered(&opened.batch).await.map_err(of_journal)?,
    })
}

//! One transition of a row: lock it, compare, change it, and with it the budgets and the running
//! counts, in one transaction. Which transition is allowed is decided by [`State::may_become`],
//! what it costs by `budgets`.

use std::collections::BTreeMap;

use ark_video::transport::UnixMillis;

use crate::{Job, State};

use super::db::{Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::JOB;
use super::{
    CasOutcome, Journal, JournalError, SlotRequest, Submitting, bills, budgets, claims, rows, shared_limits,
};

pub(super) const UNSENT: ErrorContext =
    ErrorContext { what: "Moving a job", so: "Its row is as it was, and nothing was sent." };
pub(super) const SENT: ErrorContext = ErrorContext {
    what: "Writing down what became of a job",
    so: "Its row is as it was; the task at the service is untouched, and the next run goes on from the row.",
};

/// How a transition ended.
pub(super) enum Transition {
    Done(Job),
    Conflict(Option<Job>),
    Not(Submitting),
}

impl Journal {
    /// The row, locked until the transaction ends.
    pub(super) async fn locked(&self, tx: &mut Tx, key: &str) -> Result<Option<Job>, StoreError> {
        let rows = tx.all_locked(JOB.select("WHERE key = $1"), vec![key.into()]).await?;
        rows.first().map(rows::job).transpose()
    }

    /// Writes `next` over `before`, with the budgets and the running counts; `request` makes caps
    /// and slots count.
    pub(super) async fn put(
        &self,
        tx: &mut Tx,
        before: &Job,
        mut next: Job,
        request: Option<&SlotRequest>,
    ) -> Result<Transition, StoreError> {
        if before.state != next.state && !before.state.may_become(next.state) {
            return Err(StoreError::refused(format!(
                "{} is {} and cannot become {}",
                before.key, before.state, next.state
            )));
        }
        next.seq = before.seq + 1;
        next.changed_at = self.now();
        let mut changes = BTreeMap::new();
        budgets::differ(&mut changes, Some(before), &next)?;
        if let Some(refused) = budgets::change(tx, &changes, request.map(|_| &next)).await? {
            return Ok(Transition::Not(refused));
        }
        if !shared_limits::change(tx, Some(before), &next, request).await? {
            return Ok(Transition::Not(Submitting::NoSlot));
        }
        self.write_row(tx, before, &next).await?;
        Ok(Transition::Done(next))
    }

    /// The compare-and-set itself: exactly one row, or nothing.
    pub(super) async fn write_row(&self, tx: &mut Tx, before: &Job, next: &Job) -> Result<(), StoreError> {
        let sql = JOB.update(|width| {
            format!(
                "key = ${} AND state = ${} AND seq = ${} AND token = ${}",
                width + 1,
                width + 2,
                width + 3,
                width + 4
            )
        });
        let mut values = rows::values(next)?;
        values.extend::<[Value; 4]>([
            before.key.as_str().into(),
            before.state.as_str().into(),
            before.seq.into(),
            rows::token(before).into(),
        ]);
        match tx.execute(sql, values).await? {
            1 => Ok(()),
            rows => {
                Err(StoreError::damaged(format!("a change of {} would have changed {rows} rows", before.key)))
            }
        }
    }

    pub(super) async fn step(
        &self,
        job: &Job,
        from: &[State],
        request: Option<&SlotRequest>,
        edit: impl AsyncFnOnce(&mut Tx, &mut Job) -> Result<(), StoreError>,
    ) -> Result<Transition, StoreError> {
        let mut tx = self.inner.db.write().await?;
        let Some(before) = self.locked(&mut tx, &job.key).await? else {
            return Ok(Transition::Conflict(None));
        };
        if before.state != job.state || before.seq != job.seq || rows::token(&before) != rows::token(job) {
            return Ok(Transition::Conflict(Some(before)));
        }
        if !from.contains(&before.state) {
            return Err(StoreError::refused(format!(
                "{} is {}, where this step is not taken",
                job.key, job.state
            )));
        }
        let mut next = before.clone();
        edit(&mut tx, &mut next).await?;
        if next == before {
            return Ok(Transition::Done(before));
        }
        let mut step = self.put(&mut tx, &before, next, request).await?;
        if let Transition::Done(back) = &step {
            // A newer revision stands for the list: this one is not sent once more.
            if back.superseded && back.state == State::Intent {
                let mut gone = back.clone();
                gone.state = State::Dropped;
                gone.reason = Some("a newer revision has taken its place".to_owned());
                step = self.put(&mut tx, back, gone, None).await?;
            }
            tx.commit().await?;
        }
        Ok(step)
    }

    pub(super) async fn moved(
        &self,
        context: ErrorContext,
        job: &Job,
        from: &[State],
        edit: impl AsyncFnOnce(&mut Tx, &mut Job) -> Result<(), StoreError> + Clone,
    ) -> Result<CasOutcome, JournalError> {
        self.with_retry(context, || async {
            match self.step(job, from, None, edit.clone()).await? {
                Transition::Done(job) => Ok(CasOutcome::Done(job)),
                Transition::Conflict(found) => Ok(CasOutcome::Conflict(found)),
                Transition::Not(_) => Err(StoreError::refused("no room was requested")),
            }
        })
        .await
    }
}

/// Which job has this task.
pub(super) async fn owner(tx: &mut Tx, task_id: &str) -> Result<Option<String>, StoreError> {
    let row = tx.one(JOB.select("WHERE task_id = $1"), vec![task_id.into()]).await?;
    Ok(row.as_ref().map(rows::job).transpose()?.map(|job| job.key))
}

pub(super) async fn adopt_task(
    tx: &mut Tx,
    next: &mut Job,
    task_id: &str,
    created_at: Option<UnixMillis>,
) -> Result<(), StoreError> {
    if task_id.is_empty() {
        return Err(StoreError::refused("the task has no id"));
    }
    if let Some(key) = owner(tx, task_id).await? {
        return Err(StoreError::refused(format!("the task {task_id} is the one of {key}")));
    }
    bills::forget(tx, task_id).await?;
    if next.state == State::Held {
        // No runner goes on with a held job, also if one has its claim.
        claims::free(tx, &next.key).await?;
    }
    next.state = State::Submitted;
    next.task_id = Some(task_id.to_owned());
    next.created_at = created_at;
    next.reason = None;
    next.candidates.clear();
    Ok(())
}

//! Steps without the service: park, reopen, drop, and what a person decides.

use std::collections::BTreeSet;

use ark_video::transport::UnixMillis;
use serde_json::json;

use crate::{Cost, Job, Spent, State};

use super::db::Tx;
use super::error::StoreError;
use super::schema::JOB;
use super::transition::{SENT, Transition, UNSENT, adopt_task};
use super::{Approved, Bill, BillKind, CasOutcome, Journal, JournalError, Resolve, bills, claims, rows};

impl Journal {
    /// Parks an intent: for a person's approval, for want of budget, or because it can no longer be
    /// sent as planned.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or a job is not parked in that state.
    pub(crate) async fn park(
        &self,
        job: &Job,
        state: State,
        reason: &str,
    ) -> Result<CasOutcome, JournalError> {
        if !matches!(state, State::NeedsApproval | State::OverBudget | State::Rejected) {
            let what = format!("{} cannot be parked as {state}", job.key);
            return Err(self.to_error(UNSENT, StoreError::refused(what)));
        }
        self.moved(UNSENT, job, &[State::Intent], async |_, next| {
            next.state = state;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// Makes it an intent again, free for any runner. Of a job that had been sent, it begins a new
    /// attempt, and a new bill if that succeeds; the earlier one's cost and task are kept.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn reopen(&self, job: &Job, why: &str) -> Result<CasOutcome, JournalError> {
        let from = [
            State::NeedsApproval,
            State::OverBudget,
            State::Rejected,
            State::Failed,
            State::Gone,
            State::Dropped,
        ];
        self.moved(UNSENT, job, &from, async |tx, next| {
            let now = self.now();
            begin_again(tx, next, why, now).await
        })
        .await
    }

    /// Takes it out: by a person.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or it has been sent.
    pub async fn drop_job(&self, job: &Job, reason: &str) -> Result<CasOutcome, JournalError> {
        self.moved(UNSENT, job, &State::ALL, async |_, next| {
            next.state = State::Dropped;
            next.given_up = true;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// Does what a person decided about a job that is held.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the task to adopt is another job's.
    pub async fn resolve(&self, job: &Job, resolve: &Resolve) -> Result<CasOutcome, JournalError> {
        self.moved(UNSENT, job, &[State::Held, State::Unknown], async |tx, next| {
            claims::free(tx, &next.key).await?;
            let reason = match resolve {
                Resolve::Adopt(task_id) => return adopt_task(tx, next, task_id, None).await,
                Resolve::NotCreated => "a person said that no task had been created",
                Resolve::Resend => "a person asked to send it again, whatever may have been created",
            };
            next.state = State::Intent;
            next.reason = Some(reason.to_owned());
            next.candidates.clear();
            Ok(())
        })
        .await
    }

    /// Approves the video of a job, by its name in the batch: what waited for that is an intent
    /// again.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the batch has no such job.
    pub async fn approve(&self, batch: &str, name: &str) -> Result<Approved, JournalError> {
        self.with_retry(UNSENT, || self.approved(batch, name)).await
    }

    async fn approved(&self, batch: &str, name: &str) -> Result<Approved, StoreError> {
        let mut tx = self.inner.db.write().await?;
        // Found first and locked then, in one go and in the order in which everybody locks.
        let sql = "SELECT key FROM ark_job WHERE batch = $1 AND (name = $2 OR state = $3)";
        let state = State::NeedsApproval.as_str();
        let mut values = Vec::new();
        let mut keys = BTreeSet::new();
        for row in tx.all(sql, vec![batch.into(), name.into(), state.into()]).await? {
            keys.insert(row.text("key")?);
        }
        let condition = rows::one_of("key", keys.iter().map(String::as_str), &mut values);
        let mut found = Vec::new();
        if !keys.is_empty() {
            let sql = JOB.select(&format!("WHERE {condition} ORDER BY key"));
            for row in tx.all_locked(sql, values).await? {
                found.push(rows::job(&row)?);
            }
        }
        let Some(before) = found.iter().find(|job| job.planned.name == name && !job.superseded) else {
            return Err(StoreError::refused(format!("the batch {batch} has no job {name}")));
        };
        let mut next = before.clone();
        next.approved = true;
        let Transition::Done(job) = self.put(&mut tx, before, next, None).await? else {
            return Err(StoreError::refused("no room was asked for"));
        };
        let mut reopened = Vec::new();
        for before in &found {
            let follows = before.planned.after.as_ref().is_some_and(|after| after.job == name);
            if !follows || before.state != State::NeedsApproval {
                continue;
            }
            let mut next = before.clone();
            begin_again(&mut tx, &mut next, &format!("{name} was approved"), self.now()).await?;
            self.put(&mut tx, before, next, None).await?;
            reopened.push(before.key.clone());
        }
        tx.commit().await?;
        Ok(Approved { job, reopened })
    }

    /// Replaces the request by its model once it is no longer needed: the prompt and the inputs are
    /// no longer in the row.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the request is still needed.
    pub(crate) async fn forget_request(&self, job: &Job) -> Result<CasOutcome, JournalError> {
        let from = [
            State::Submitted,
            State::Finished,
            State::Downloaded,
            State::Settled,
            State::Failed,
            State::Gone,
        ];
        self.moved(SENT, job, &from, async |_, next| {
            next.planned.request = json!({ "model": next.model() });
            next.planned.inputs.clear();
            Ok(())
        })
        .await
    }
}

/// An intent again; what an earlier attempt made and cost is kept beside it.
pub(super) async fn begin_again(
    tx: &mut Tx,
    next: &mut Job,
    why: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let number = next.attempt.as_ref().map_or(0, |last| last.number);
    if let Some(task_id) = next.task_id.take() {
        let (kind, reason) = (BillKind::Earlier, why.to_owned());
        let key = next.key.clone();
        bills::keep(tx, &Bill { task_id, key, attempt: number, kind, found_at: now, reason }).await?;
    }
    if let (Some(cost), Some(last)) = (next.settled.take(), &next.attempt)
        && cost != Cost::default()
    {
        let unmetered = next.unmetered;
        next.earlier.push(Spent { attempt: number, day: last.day.clone(), cost, unmetered });
    }
    next.unmetered = false;
    next.state = State::Intent;
    next.created_at = None;
    next.task = None;
    next.files.clear();
    next.candidates.clear();
    next.approved = false;
    next.given_up = false;
    next.reason = Some(why.to_owned());
    claims::free(tx, &next.key).await
}

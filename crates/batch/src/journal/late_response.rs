//! Answers that come after their row has moved on. None is lost: the row takes the task, or it is
//! kept among the bills.

use crate::{Job, State};

use super::error::{ErrorContext, StoreError};
use super::transition::{Transition, adopt_task, owner};
use super::{Bill, BillKind, Journal, JournalError, LateResponse, bills};

impl Journal {
    /// An answer with an id that came after the row had moved on: the row takes the task if it has
    /// no other and nothing else is on its way; otherwise the task is kept among the bills.
    /// `attempt` and `token` are those of the create that was answered.
    ///
    /// # Errors
    ///
    /// When it cannot be written: try again, the id is worth money.
    pub(crate) async fn late_response(
        &self,
        key: &str,
        attempt: u32,
        token: &str,
        task_id: &str,
    ) -> Result<LateResponse, JournalError> {
        let context = ErrorContext {
            what: "Writing down a late answer",
            so: "The task exists and is billed; keep its id, or let a reconcile find it.",
        };
        self.with_retry(context, || self.late(key, attempt, token, task_id)).await
    }

    async fn late(
        &self,
        key: &str,
        attempt: u32,
        token: &str,
        task_id: &str,
    ) -> Result<LateResponse, StoreError> {
        let mut tx = self.inner.db.write().await?;
        let before = self.locked(&mut tx, key).await?;
        if owner(&mut tx, task_id).await?.is_some() || bills::knows(&mut tx, task_id).await? {
            return Ok(LateResponse::Already);
        }
        let is_its = |job: &Job| {
            job.task_id.is_none()
                && job.attempt.as_ref().is_some_and(|last| last.number == attempt && last.token == token)
        };
        // Where nothing is on its way, taking the task saves the bill of a second one, if it is for
        // the same request still.
        let way = |job: &Job| match job.state {
            State::Submitting | State::Unknown | State::Held => Some(&[State::Submitted][..]),
            _ if job.attempt.as_ref().map(|last| &last.request_hash) != Some(&job.planned.request_hash) => {
                None
            }
            State::Intent => Some(&[State::Submitting, State::Submitted][..]),
            State::NeedsApproval | State::OverBudget | State::Rejected | State::Dropped => {
                Some(&[State::Intent, State::Submitting, State::Submitted][..])
            }
            _ => None,
        };
        let late = match before.filter(|job| is_its(job)).and_then(|job| way(&job).map(|way| (job, way))) {
            Some((mut job, way)) => {
                for state in way {
                    let mut next = job.clone();
                    next.state = *state;
                    if *state == State::Submitted {
                        adopt_task(&mut tx, &mut next, task_id, None).await?;
                    }
                    let Transition::Done(done) = self.put(&mut tx, &job, next, None).await? else {
                        return Err(StoreError::refused("no room was asked for"));
                    };
                    job = done;
                }
                LateResponse::Adopted(job)
            }
            None => {
                let reason = "the answer came after the job had moved on".to_owned();
                bills::keep(
                    &mut tx,
                    &Bill {
                        task_id: task_id.to_owned(),
                        key: key.to_owned(),
                        attempt,
                        kind: BillKind::Extra,
                        found_at: self.now(),
                        reason,
                    },
                )
                .await?;
                LateResponse::Extra
            }
        };
        tx.commit().await?;
        Ok(late)
    }
}

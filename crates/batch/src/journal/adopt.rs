//! Takes what a record beside an output says into a row that knows nothing of it: the journal was
//! lost or rolled back, and the task is paid for. Moves the row along the steps of a job's life, in
//! one transaction; sends nothing.

use ark_video::transport::UnixMillis;
use serde_json::Value as Json;

use crate::{Attempt, Job, State};

use super::transition::{Transition, UNSENT, adopt_task};
use super::{CasOutcome, Journal, JournalError};

/// What a record says of a job.
#[derive(Debug, Clone)]
pub(crate) struct Adopted {
    /// Where its video is, or was to be.
    pub(crate) output: std::path::PathBuf,
    /// The create that it was written for.
    pub(crate) attempt: Attempt,
    /// The task; `None` where its end is unknown.
    pub(crate) task_id: Option<String>,
    /// When the task was created.
    pub(crate) created_at: Option<UnixMillis>,
    /// The task, if it succeeded.
    pub(crate) task: Option<Json>,
}

impl Journal {
    /// Takes a record into a row that was not sent. What was spent counts against the caps, and is
    /// refused by none.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the task is another job's.
    pub(crate) async fn adopt(&self, job: &Job, found: &Adopted) -> Result<CasOutcome, JournalError> {
        self.with_retry(UNSENT, || async {
            let mut tx = self.inner.db.write().await?;
            let Some(mut row) = self.locked(&mut tx, &job.key).await? else {
                return Ok(CasOutcome::Conflict(None));
            };
            if row.state != job.state || row.seq != job.seq {
                return Ok(CasOutcome::Conflict(Some(row)));
            }
            let mut way = match row.state {
                State::NeedsApproval | State::OverBudget => vec![State::Intent, State::Submitting],
                _ => vec![State::Submitting],
            };
            way.push(if found.task_id.is_some() { State::Submitted } else { State::Unknown });
            way.extend((found.task_id.is_some() && found.task.is_some()).then_some(State::Finished));
            for state in way {
                let mut next = row.clone();
                next.state = state;
                next.reason = None;
                match (state, &found.task_id) {
                    (State::Submitting, _) => {
                        next.planned.output.clone_from(&found.output);
                        next.attempt = Some(found.attempt.clone());
                    }
                    (State::Submitted, Some(id)) => {
                        adopt_task(&mut tx, &mut next, id, found.created_at).await?
                    }
                    (State::Finished, _) => next.task.clone_from(&found.task),
                    (State::Unknown, _) => {
                        next.reason =
                            Some("a record beside its output says that it may have been sent".to_owned());
                    }
                    _ => {}
                }
                match self.put(&mut tx, &row, next, None).await? {
                    Transition::Done(done) => row = done,
                    Transition::Conflict(found) => return Ok(CasOutcome::Conflict(found)),
                    Transition::Not(_) => return Ok(CasOutcome::Conflict(Some(row))),
                }
            }
            // Its marks are in use, also if another runner gave them.
            self.take_mark(&mut tx, row.model(), &found.attempt).await?;
            tx.commit().await?;
            Ok(CasOutcome::Done(row))
        })
        .await
    }
}

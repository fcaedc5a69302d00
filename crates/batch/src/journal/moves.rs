//! The steps of a job's life, from the attempt that is about to be sent to the accounted cost. Each
//! is one `transition`.

use ark_video::transport::UnixMillis;
use serde_json::Value as Json;

use crate::{Attempt, Cost, FileAt, Job, State};

use super::error::{ErrorContext, StoreError};
use super::transition::{SENT, Transition, UNSENT, adopt_task};
use super::{CasOutcome, Journal, JournalError, SlotRequest, Submitting, claims, shared_limits};

impl Journal {
    /// The step before the network: reserves `attempt.reserved` in the budgets of the batch, of the
    /// day and of each tag, takes a slot, and writes down that the job is about to be sent, in one
    /// transaction. The journal gives the attempt its number.
    ///
    /// # Errors
    ///
    /// When it cannot be written: nothing may be sent then. If the commit was heard although its
    /// answer was not (a server that died), the row says `submitting` with this token: read it
    /// again and take it back with [`Self::not_sent`].
    #[doc(hidden)]
    pub async fn submitting(
        &self,
        job: &Job,
        attempt: Attempt,
        slot: &SlotRequest,
    ) -> Result<Submitting, JournalError> {
        let context = ErrorContext {
            what: "Writing down that a job is about to be sent",
            so: "Nothing was sent: a job goes out only after this is on the disk.",
        };
        let submit = async {
            if !shared_limits::may_have_room(&self.inner.db, slot).await? {
                return Ok(Transition::Not(Submitting::NoSlot));
            }
            let mut refused = None;
            let step = self
                .step(job, &[State::Intent], Some(slot), async |tx, next| {
                    if super::batches::is_paused(tx, &next.batch).await? {
                        refused = Some(Submitting::Paused);
                        return Err(StoreError::refused("the batch is paused"));
                    }
                    if !self.take_mark(tx, next.model(), &attempt).await? {
                        refused = Some(Submitting::MarkTaken);
                        return Err(StoreError::refused("another create has its mark"));
                    }
                    let number = next.attempt.as_ref().map_or(0, |last| last.number) + 1;
                    let request_hash = next.planned.request_hash.clone();
                    next.attempt =
                        Some(Attempt { number, request_hash, slot: slot.model.clone(), ..attempt });
                    next.state = State::Submitting;
                    next.reason = None;
                    Ok(())
                })
                .await;
            refused.map_or(step, |refused| Ok(Transition::Not(refused)))
        };
        match submit.await {
            Ok(Transition::Done(job)) => Ok(Submitting::Done(job)),
            Ok(Transition::Conflict(found)) => Ok(Submitting::Conflict(found)),
            Ok(Transition::Not(refused)) => Ok(refused),
            Err(error) => Err(self.to_error(context, error)),
        }
    }

    /// It was proven that nothing was sent, or the pace refused it: an intent again, with nothing
    /// reserved.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn not_sent(&self, job: &Job, reason: &str) -> Result<CasOutcome, JournalError> {
        self.moved(UNSENT, job, &[State::Submitting], async |tx, next| {
            self.return_mark(tx, next.model(), next.attempt.as_ref()).await?;
            next.state = State::Intent;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// The service refused the request; nothing was billed.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn refused(&self, job: &Job, reason: &str) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Submitting], async |tx, next| {
            self.return_mark(tx, next.model(), next.attempt.as_ref()).await?;
            next.state = State::Rejected;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// It is unknown whether a task was created. Reservation and slot stay. `search` is what
    /// reconciling needs, if it is better than what the attempt has.
    ///
    /// # Errors
    ///
    /// When it cannot be written: the row still says that it is being submitted, which leads to the
    /// same.
    pub(crate) async fn unknown(
        &self,
        job: &Job,
        search: Option<Json>,
        reason: &str,
    ) -> Result<CasOutcome, JournalError> {
        let context = ErrorContext {
            what: "Writing down that the end of a create is unknown",
            so: "The row still says that it is being submitted: it is not sent again, and the next run searches for the task.",
        };
        self.moved(context, job, &[State::Submitting], async |_, next| {
            next.state = State::Unknown;
            next.reason = Some(reason.to_owned());
            if let (Some(search), Some(attempt)) = (search, &mut next.attempt) {
                attempt.search = Some(search);
            }
            Ok(())
        })
        .await
    }

    /// The task is known: from the answer to the create, from reconciling, or from a person.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or the task is another job's.
    #[doc(hidden)]
    pub async fn submitted(
        &self,
        job: &Job,
        task_id: &str,
        created_at: Option<UnixMillis>,
    ) -> Result<CasOutcome, JournalError> {
        let context = ErrorContext {
            what: "Writing down the id of a created task",
            so: "The task may exist and be billed; the row still holds what is needed to find it, and it is not sent again.",
        };
        let from = [State::Submitting, State::Unknown, State::Held];
        self.moved(context, job, &from, async |tx, next| adopt_task(tx, next, task_id, created_at).await)
            .await
    }

    /// Reconciling has no single answer: a person decides. `candidates` are the tasks that may be
    /// its own.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn held(
        &self,
        job: &Job,
        reason: &str,
        candidates: &[String],
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Unknown], async |_, next| {
            next.state = State::Held;
            next.reason = Some(reason.to_owned());
            next.candidates = candidates.to_vec();
            Ok(())
        })
        .await
    }

    /// More tasks may be a held job's own than was known.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn more_candidates(
        &self,
        job: &Job,
        candidates: &[String],
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Held], async |tx, next| {
            claims::free(tx, &next.key).await?;
            let new: Vec<_> =
                candidates.iter().filter(|candidate| !next.candidates.contains(candidate)).cloned().collect();
            next.candidates.extend(new);
            Ok(())
        })
        .await
    }

    /// A task that might have been a held job's own is another one's.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn without_candidate(
        &self,
        job: &Job,
        task_id: &str,
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Held], async |_, next| {
            next.candidates.retain(|candidate| candidate != task_id);
            Ok(())
        })
        .await
    }

    /// After a search that found nothing, and only where the user allowed it: an intent again.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn send_again(&self, job: &Job, reason: &str) -> Result<CasOutcome, JournalError> {
        self.moved(UNSENT, job, &[State::Unknown], async |_, next| {
            next.state = State::Intent;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// Keeps why a job does not get on where it stands, for people. Writes only if it says
    /// something new.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn note(&self, job: &Job, reason: &str) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Submitted, State::Finished], async |_, next| {
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// The task succeeded. Its slot is free; what is reserved stays until the cost is settled.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    #[doc(hidden)]
    pub async fn finished(&self, job: &Job, task: &Json) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Submitted], async |_, next| {
            next.state = State::Finished;
            next.task = Some(task.clone());
            next.reason = None;
            Ok(())
        })
        .await
    }

    /// The task failed, expired or was cancelled: it costs nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn failed(
        &self,
        job: &Job,
        task: &Json,
        reason: &str,
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Submitted], async |_, next| {
            next.state = State::Failed;
            next.task = Some(task.clone());
            next.reason = Some(reason.to_owned());
            next.settled = Some(Cost::default());
            Ok(())
        })
        .await
    }

    /// No video can be had. `cost` is what its usage says; without it, what was reserved counts as
    /// spent, since it may have been billed, and the row says that it is
    /// [`unmetered`](Job::unmetered).
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn gone(
        &self,
        job: &Job,
        cost: Option<Cost>,
        reason: &str,
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Submitted, State::Finished], async |_, next| {
            next.state = State::Gone;
            next.reason = Some(reason.to_owned());
            settle(next, cost);
            Ok(())
        })
        .await
    }

    /// The video is in its place.
    ///
    /// # Errors
    ///
    /// When it cannot be written: the file stays, and the next run finds it.
    #[doc(hidden)]
    pub async fn downloaded(&self, job: &Job, files: Vec<FileAt>) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Finished], async |_, next| {
            next.state = State::Downloaded;
            next.files = files;
            next.reason = None;
            Ok(())
        })
        .await
    }

    /// The video is in its place and accounted for: [`Self::downloaded`] and [`Self::settled`] in
    /// one transaction.
    ///
    /// # Errors
    ///
    /// When it cannot be written: the file stays, and the next run finds it.
    pub(crate) async fn completed(
        &self,
        job: &Job,
        files: Vec<FileAt>,
        cost: Option<Cost>,
    ) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Finished], async |tx, next| {
            next.state = State::Settled;
            next.files = files;
            next.reason = None;
            settle(next, cost);
            claims::free_followers(tx, next).await
        })
        .await
    }

    /// Its cost takes the place of its reservation. Where its usage says nothing there is no cost:
    /// then what was reserved counts as spent, and the row says that it is
    /// [`unmetered`](Job::unmetered). The end.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    #[doc(hidden)]
    pub async fn settled(&self, job: &Job, cost: Option<Cost>) -> Result<CasOutcome, JournalError> {
        self.moved(SENT, job, &[State::Downloaded], async |tx, next| {
            next.state = State::Settled;
            settle(next, cost);
            claims::free_followers(tx, next).await
        })
        .await
    }
}

fn settle(next: &mut Job, cost: Option<Cost>) {
    next.unmetered = cost.is_none();
    next.settled = cost.or_else(|| Some(next.attempt.as_ref()?.reserved.clone()));
}

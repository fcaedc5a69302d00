//! The steps of a job's life. Each is one transaction: lock the row, compare, change, and with it the purses and the running
//! counts. Which step is allowed is [`State::may_become`]'s word, what it costs is `purses`'s.

use std::collections::BTreeMap;

use ark_video::UnixMillis;
use serde_json::Value as Json;

use crate::{Attempt, Cost, FileAt, Job, State};

use super::db::{Tx, Value};
use super::error::{Doing, Trouble};
use super::schema::JOB;
use super::{Journal, JournalError, Moved, SlotWish, Submitting, bills, claims, pace, purses, rows};

pub(super) const UNSENT: Doing =
    Doing { what: "Moving a job", so: "Its row is as it was, and nothing was sent." };
pub(super) const SENT: Doing = Doing {
    what: "Writing down what became of a job",
    so: "Its row is as it was; the task at the service is untouched, and the next run goes on from the row.",
};

/// How a step ends before it changes anything.
pub(super) enum Step {
    Done(Job),
    Stale(Option<Job>),
    Not(Submitting),
}

impl Journal {
    /// The row, which nobody else changes before the transaction ends.
    pub(super) async fn locked(&self, tx: &mut Tx, key: &str) -> Result<Option<Job>, Trouble> {
        let rows = tx.all_locked(JOB.select("WHERE key = $1"), vec![key.into()]).await?;
        rows.first().map(rows::job).transpose()
    }

    /// Writes `next` over `before`, with the purses and the running counts; `wish` makes caps and slots count.
    pub(super) async fn put(
        &self,
        tx: &mut Tx,
        before: &Job,
        mut next: Job,
        wish: Option<&SlotWish>,
    ) -> Result<Step, Trouble> {
        if before.state != next.state && !before.state.may_become(next.state) {
            return Err(Trouble::refused(format!(
                "{} is {} and cannot become {}",
                before.key, before.state, next.state
            )));
        }
        next.seq = before.seq + 1;
        next.changed_at = self.now();
        let mut changes = BTreeMap::new();
        purses::differ(&mut changes, Some(before), &next)?;
        if let Some(refused) = purses::change(tx, &changes, wish.map(|_| &next)).await? {
            return Ok(Step::Not(refused));
        }
        if !pace::change(tx, Some(before), &next, wish).await? {
            return Ok(Step::Not(Submitting::NoSlot));
        }
        self.write_row(tx, before, &next).await?;
        Ok(Step::Done(next))
    }

    /// The compare-and-set itself: exactly one row, or nothing.
    pub(super) async fn write_row(&self, tx: &mut Tx, before: &Job, next: &Job) -> Result<(), Trouble> {
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
                Err(Trouble::damaged(format!("a change of {} would have changed {rows} rows", before.key)))
            }
        }
    }

    async fn step(
        &self,
        job: &Job,
        from: &[State],
        wish: Option<&SlotWish>,
        edit: impl AsyncFnOnce(&mut Tx, &mut Job) -> Result<(), Trouble>,
    ) -> Result<Step, Trouble> {
        let mut tx = self.inner.db.write().await?;
        let Some(before) = self.locked(&mut tx, &job.key).await? else { return Ok(Step::Stale(None)) };
        if before.state != job.state || before.seq != job.seq || rows::token(&before) != rows::token(job) {
            return Ok(Step::Stale(Some(before)));
        }
        if !from.contains(&before.state) {
            return Err(Trouble::refused(format!(
                "{} is {}, where this step is not taken",
                job.key, job.state
            )));
        }
        let mut next = before.clone();
        edit(&mut tx, &mut next).await?;
        if next == before {
            return Ok(Step::Done(before));
        }
        let mut step = self.put(&mut tx, &before, next, wish).await?;
        if let Step::Done(back) = &step {
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
        doing: Doing,
        job: &Job,
        from: &[State],
        edit: impl AsyncFnOnce(&mut Tx, &mut Job) -> Result<(), Trouble>,
    ) -> Result<Moved, JournalError> {
        match self.step(job, from, None, edit).await {
            Ok(Step::Done(job)) => Ok(Moved::Done(job)),
            Ok(Step::Stale(found)) => Ok(Moved::Stale(found)),
            Ok(Step::Not(_)) => Err(self.told(doing, Trouble::refused("no room was asked for"))),
            Err(trouble) => Err(self.told(doing, trouble)),
        }
    }

    /// The step before the network: reserves `attempt.reserved` in the purses of the batch, of the day and of each tag, takes a
    /// slot, and writes down that the job is about to be sent, in one transaction. The journal gives the attempt its number.
    ///
    /// # Errors
    ///
    /// When it cannot be written: nothing may be sent then. If the commit was heard although its answer was not (a server that
    /// died), the row says `submitting` with this token: read it again and take it back with [`Self::not_sent`].
    pub async fn submitting(
        &self,
        job: &Job,
        attempt: Attempt,
        slot: &SlotWish,
    ) -> Result<Submitting, JournalError> {
        let doing = Doing {
            what: "Writing down that a job is about to be sent",
            so: "Nothing was sent: a job goes out only after this is on the disk.",
        };
        let submit = async {
            if !pace::may_have_room(&self.inner.db, slot).await? {
                return Ok(Step::Not(Submitting::NoSlot));
            }
            let mut refused = None;
            let step = self
                .step(job, &[State::Intent], Some(slot), async |tx, next| {
                    if super::batches::is_paused(tx, &next.batch).await? {
                        refused = Some(Submitting::Paused);
                        return Err(Trouble::refused("the batch is paused"));
                    }
                    if !self.take_mark(tx, next.model(), &attempt).await? {
                        refused = Some(Submitting::MarkTaken);
                        return Err(Trouble::refused("another create has its mark"));
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
            refused.map_or(step, |refused| Ok(Step::Not(refused)))
        };
        match submit.await {
            Ok(Step::Done(job)) => Ok(Submitting::Done(job)),
            Ok(Step::Stale(found)) => Ok(Submitting::Stale(found)),
            Ok(Step::Not(refused)) => Ok(refused),
            Err(trouble) => Err(self.told(doing, trouble)),
        }
    }

    /// It was proven that nothing was sent, or the pace refused it: an intent again, with nothing reserved.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn not_sent(&self, job: &Job, reason: &str) -> Result<Moved, JournalError> {
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
    pub async fn refused(&self, job: &Job, reason: &str) -> Result<Moved, JournalError> {
        self.moved(SENT, job, &[State::Submitting], async |tx, next| {
            self.return_mark(tx, next.model(), next.attempt.as_ref()).await?;
            next.state = State::Rejected;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// Nobody knows whether a task was made. Reservation and slot stay. `search` is what reconciling needs, if it is better
    /// than what the attempt has.
    ///
    /// # Errors
    ///
    /// When it cannot be written: the row still says that it is being submitted, which leads to the same.
    pub async fn unknown(
        &self,
        job: &Job,
        search: Option<Json>,
        reason: &str,
    ) -> Result<Moved, JournalError> {
        let doing = Doing {
            what: "Writing down that the end of a create is unknown",
            so: "The row still says that it is being submitted: it is not sent again, and the next run looks for the task.",
        };
        self.moved(doing, job, &[State::Submitting], async |_, next| {
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
    pub async fn submitted(
        &self,
        job: &Job,
        task_id: &str,
        created_at: Option<UnixMillis>,
    ) -> Result<Moved, JournalError> {
        let doing = Doing {
            what: "Writing down the id of a created task",
            so: "The task may exist and be billed; the row still holds what is needed to find it, and it is not sent again.",
        };
        let from = [State::Submitting, State::Unknown, State::Held];
        self.moved(doing, job, &from, async |tx, next| own(tx, next, task_id, created_at).await).await
    }

    /// Reconciling has no single answer: a person decides. `candidates` are the tasks that may be its own.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn held(&self, job: &Job, reason: &str, candidates: &[String]) -> Result<Moved, JournalError> {
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
    pub async fn more_candidates(&self, job: &Job, candidates: &[String]) -> Result<Moved, JournalError> {
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
    pub async fn without_candidate(&self, job: &Job, task_id: &str) -> Result<Moved, JournalError> {
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
    pub async fn send_again(&self, job: &Job, reason: &str) -> Result<Moved, JournalError> {
        self.moved(UNSENT, job, &[State::Unknown], async |_, next| {
            next.state = State::Intent;
            next.reason = Some(reason.to_owned());
            Ok(())
        })
        .await
    }

    /// Keeps the service's last answer about a task that has not ended. Writes only if it says something new.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn task_seen(&self, job: &Job, task: &Json) -> Result<Moved, JournalError> {
        if job.task.as_ref() == Some(task) {
            return Ok(Moved::Done(job.clone()));
        }
        self.moved(SENT, job, &[State::Submitted], async |_, next| {
            next.task = Some(task.clone());
            Ok(())
        })
        .await
    }

    /// Keeps why a job does not get on where it stands, for people. Writes only if it says something new.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn note(&self, job: &Job, reason: &str) -> Result<Moved, JournalError> {
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
    pub async fn finished(&self, job: &Job, task: &Json) -> Result<Moved, JournalError> {
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
    pub async fn failed(&self, job: &Job, task: &Json, reason: &str) -> Result<Moved, JournalError> {
        self.moved(SENT, job, &[State::Submitted], async |_, next| {
            next.state = State::Failed;
            next.task = Some(task.clone());
            next.reason = Some(reason.to_owned());
            next.settled = Some(Cost::default());
            Ok(())
        })
        .await
    }

    /// No video can be had. `cost` is what its usage says; without it, what was reserved counts as spent, since it may have been
    /// billed, and the row says that it is [`unmetered`](Job::unmetered).
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn gone(&self, job: &Job, cost: Option<Cost>, reason: &str) -> Result<Moved, JournalError> {
        self.moved(SENT, job, &[State::Submitted, State::Finished], async |_, next| {
            next.state = State::Gone;
            next.reason = Some(reason.to_owned());
            settle(next, cost);
            Ok(())
        })
        .await
    }

    /// The film is in its place.
    ///
    /// # Errors
    ///
    /// When it cannot be written: the file stays, and the next run finds it.
    pub async fn downloaded(&self, job: &Job, files: Vec<FileAt>) -> Result<Moved, JournalError> {
        self.moved(SENT, job, &[State::Finished], async |_, next| {
            next.state = State::Downloaded;
            next.files = files;
            next.reason = None;
            Ok(())
        })
        .await
    }

    /// Its cost takes the place of its reservation. Where its usage says nothing there is no cost: then what was reserved counts
    /// as spent, and the row says that it is [`unmetered`](Job::unmetered). The end.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn settled(&self, job: &Job, cost: Option<Cost>) -> Result<Moved, JournalError> {
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

/// Which job has this task.
pub(super) async fn owner(tx: &mut Tx, task_id: &str) -> Result<Option<String>, Trouble> {
    let row = tx.one(JOB.select("WHERE task_id = $1"), vec![task_id.into()]).await?;
    Ok(row.as_ref().map(rows::job).transpose()?.map(|job| job.key))
}

pub(super) async fn own(
    tx: &mut Tx,
    next: &mut Job,
    task_id: &str,
    created_at: Option<UnixMillis>,
) -> Result<(), Trouble> {
    if task_id.is_empty() {
        return Err(Trouble::refused("the task has no id"));
    }
    if let Some(key) = owner(tx, task_id).await? {
        return Err(Trouble::refused(format!("the task {task_id} is the one of {key}")));
    }
    bills::forget(tx, task_id).await?;
    if next.state == State::Held {
        // Nobody goes on with a held job, whoever has its claim.
        claims::free(tx, &next.key).await?;
    }
    next.state = State::Submitted;
    next.task_id = Some(task_id.to_owned());
    next.created_at = created_at;
    next.reason = None;
    next.candidates.clear();
    Ok(())
}

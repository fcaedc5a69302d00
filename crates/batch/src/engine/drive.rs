//! One job, from where its row stands to its end: reads the row, asks `next_action` what to do,
//! does it, and reads again.

use ark_video::model::Task;

use super::download::download;
use super::next_action::{Before, NextAction, StepOutcome, decide};
use super::reconcile::{held, orphaned, reconcile};
use super::settle::settle;
use super::shared::Shared;
use super::submit::submit;
use super::watch::watch;
use crate::{Job, JournalError, State};

/// Takes a job that this runner has claimed as far as it goes. Nothing else in this process works
/// on it meanwhile.
///
/// What is left in the middle stays claimed: this run does nothing more for it, and the next one
/// goes on when this one's lease is over.
pub(crate) async fn drive(shared: &Shared, job: Job) {
    let key = job.key.clone();
    if let Err(error) = steps(shared, job).await {
        shared.journal_failed(&key, &error);
    }
}

async fn steps(shared: &Shared, job: Job) -> Result<(), JournalError> {
    let (key, runner, journal) = (job.key.clone(), &shared.runner, &shared.journal);
    let mut outcome = StepOutcome::from(job);
    let mut task: Option<Task> = None;
    let mut refusals = 0;
    loop {
        let job = match outcome {
            StepOutcome::Row(job) => *job,
            // It changed: it may be another runner's by now.
            StepOutcome::Reread => match journal.claimed(runner, &key).await? {
                Some(job) => job,
                None => return Ok(()),
            },
            StepOutcome::Leave => return Ok(()),
        };
        let (action, before) = next_action(shared, &job).await?;
        outcome = match action {
            NextAction::Rest => {
                shared.ended(&job);
                StepOutcome::Leave
            }
            NextAction::Later => {
                journal.release(runner, &key).await?;
                StepOutcome::Leave
            }
            NextAction::Follow => match &job.planned.after {
                Some(after) if !journal.wait_for(runner, &job, &after.job).await? => StepOutcome::Reread,
                _ => StepOutcome::Leave,
            },
            NextAction::ParkForApproval => {
                let reason = "a person has to approve the video of the job that it follows";
                journal.park(&job, State::NeedsApproval, reason).await?.into()
            }
            NextAction::Submit => submit(shared, job, before.as_ref(), &mut refusals).await?,
            NextAction::Orphaned => orphaned(shared, &job).await?,
            NextAction::Reconcile => reconcile(shared, &job).await?,
            NextAction::Collect => held(shared, &job).await,
            NextAction::Watch => watch(shared, &job, &mut task).await?,
            NextAction::Download => download(shared, &job, task.take()).await?,
            NextAction::Settle => settle(shared, &job, None).await?,
        };
    }
}

/// What to do with a job, and the job that it follows.
async fn next_action(shared: &Shared, job: &Job) -> Result<(NextAction, Option<Job>), JournalError> {
    let (before, followed) = match &job.planned.after {
        Some(after) if job.state == State::Intent => {
            let followed = shared.job_named(&job.batch, &after.job).await?;
            (standing(followed.as_ref(), after.approve), followed)
        }
        _ => (Before::Ready, None),
    };
    Ok((decide(job, before, shared.stop.sends()), followed))
}

fn standing(followed: Option<&Job>, approve: bool) -> Before {
    let Some(job) = followed else { return Before::Broken };
    match job.state {
        State::Settled | State::Downloaded if approve && !job.approved => Before::NeedsApproval,
        State::Settled | State::Downloaded => Before::Ready,
        state if state.is_open() || state.is_parked() => Before::Waiting,
        _ => Before::Broken,
    }
}

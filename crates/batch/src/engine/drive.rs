//! One job, from where its row stands to its end: reads the row, asks `step` what to do, does it, and reads again.

use ark_video::model::Task;

use super::download::bring;
use super::lost::{Held, held, orphaned, reconcile};
use super::settle::settle;
use super::shared::{Shared, moved};
use super::step::{Before, Step, decide};
use super::submit::submit;
use super::watch::wait;
use crate::{Job, JournalError, State};

/// Takes a job that this runner has claimed as far as it goes. Nobody else in this process works on it meanwhile.
///
/// What is left in the middle stays claimed: this run does not take it up again, and the next one does when this one's lease
/// is over.
pub(crate) async fn drive(shared: &Shared, job: Job) {
    let key = job.key.clone();
    if let Err(error) = driven(shared, job).await {
        shared.journal_failed(&key, &error);
    }
}

async fn driven(shared: &Shared, job: Job) -> Result<(), JournalError> {
    let (key, runner) = (job.key.clone(), &shared.runner);
    let mut known = Some(job);
    let mut task: Option<Task> = None;
    let mut refusals = 0;
    loop {
        let job = match known.take() {
            Some(job) => job,
            // It changed: it may be another runner's by now.
            None => match shared.patiently(|| shared.journal.claimed(runner, &key)).await? {
                Some(job) => job,
                None => return Ok(()),
            },
        };
        let (step, before) = next_step(shared, &job).await?;
        known = match step {
            Step::Rest => {
                shared.ended(&job);
                return Ok(());
            }
            Step::Later => return shared.patiently(|| shared.journal.release(runner, &key)).await,
            Step::Follow => {
                let Some(after) = &job.planned.after else { return Ok(()) };
                if shared.patiently(|| shared.journal.wait_for(runner, &job, &after.job)).await? {
                    return Ok(());
                }
                None
            }
            Step::AskForApproval => {
                let reason = "a person has to approve the film of the job that it follows";
                moved(shared.patiently(|| shared.journal.park(&job, State::NeedsApproval, reason)).await?)
            }
            Step::Submit => submit(shared, job, before.as_ref(), &mut refusals).await?,
            Step::Orphaned => orphaned(shared, &job).await?,
            Step::Reconcile => match reconcile(shared, &job).await? {
                Some(job) => job,
                None => return Ok(()),
            },
            Step::Collect => match held(shared, &job).await? {
                Held::Moved => None,
                Held::Over => return Ok(()),
            },
            Step::Wait => match wait(shared, &job, &mut task).await? {
                Some(job) => job,
                None => return Ok(()),
            },
            Step::Fetch => match bring(shared, &job, task.take()).await? {
                Some(job) => job,
                None => return Ok(()),
            },
            Step::Settle => settle(shared, &job).await?,
        };
    }
}

/// What to do with a job, and the job that it follows.
async fn next_step(shared: &Shared, job: &Job) -> Result<(Step, Option<Job>), JournalError> {
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

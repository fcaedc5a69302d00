//! One job, from where its row stands to its end: reads the row, asks `step` what to do, does it, and reads again.

use std::time::Duration;

use ark_video::model::{Task, TaskStatus};
use ark_video::{CouldNotAsk, NOT_FOUND_GRACE, Watched, is_usable_id, shown_id};
use serde_json::Value;

use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::fetching::{Fetched, fetch};
use super::options::OnUnknown;
use super::reconciling::{Found, named};
use super::records;
use super::request::{is_flex, search_of};
use super::settling::cost;
use super::shared::{Shared, locked};
use super::step::{Before, Step, decide};
use super::submit::{forget, submit};
use super::unmatched::{collect, folder, is_worth_fetching};
use super::waiting::{LEFT_ALONE, Waited};
use crate::{Job, JournalError, Moved, State};

/// How long [`ark_video::Client::record`] allows a create to take and its task to show itself, in milliseconds.
const RECORDED: i64 = 16 * 60 * 1000;

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

/// The job as it is now; `None` where others moved it, so that it has to be read again.
pub(crate) fn moved(moved: Moved) -> Option<Job> {
    match moved {
        Moved::Done(job) => Some(job),
        Moved::Stale(_) => None,
    }
}

/// A runner wrote down that it would send it, and is gone.
async fn orphaned(shared: &Shared, job: &Job) -> Result<Option<Job>, JournalError> {
    let attempt = job.attempt.clone().unwrap_or_default();
    let reason =
        "the run that was sending it ended in the middle, so it is unknown whether a task was created";
    let mut search = search_of(job);
    if let Some(search) = &mut search {
        // The record was made before the send, for the longest time that it could take and a minute; clocks keep their part.
        let quiet = i64::try_from(shared.options.quiet.as_millis()).unwrap_or(i64::MAX);
        let shorter = RECORDED.saturating_sub(quiet).max(0);
        search.shorten(Duration::from_millis(shorter.unsigned_abs()));
    }
    let search = search.and_then(|search| serde_json::to_value(search).ok()).or(attempt.search);
    let now = moved(shared.patiently(|| shared.journal.unknown(job, search.clone(), reason)).await?);
    shared.tell(Some(&job.key), EventKind::Unknown { reason: reason.to_owned() });
    Ok(now)
}

/// Looks for a lost task. The outer `None`: the run ends.
async fn reconcile(shared: &Shared, job: &Job) -> Result<Option<Option<Job>>, JournalError> {
    let hold = |reason: String, ids: Vec<String>| async move {
        let now = moved(shared.patiently(|| shared.journal.held(job, &reason, &ids)).await?);
        Ok::<_, JournalError>(Some(now))
    };
    let Some(search) = search_of(job) else {
        return hold("what to search for is not known".to_owned(), Vec::new()).await;
    };
    locked(&shared.looked_again).insert(job.key.clone());
    let accepted = search.accepted;
    let intent = job.attempt.as_ref().map(|attempt| attempt.request_hash.clone()).unwrap_or_default();
    let found = tokio::select! {
        found = shared.reconciling.find(&job.key, search, &intent) => found,
        () = shared.stop.draining() => return Ok(None),
    };
    match found {
        // It could be asked for by no address: only a person can fetch it, in the console.
        Found::Task { id, .. } if !is_usable_id(&id) => {
            let reason = format!(
                "its task was found under the id {}, which no address can hold; it is billed if it succeeds: fetch it in the console",
                shown_id(&id)
            );
            hold(reason, Vec::new()).await
        }
        Found::Task { id, created_at } => {
            let now = moved(shared.patiently(|| shared.journal.submitted(job, &id, created_at)).await?);
            if now.as_ref().is_some_and(|job| job.task_id.as_deref() == Some(&*id)) {
                shared.tell(Some(&job.key), EventKind::Submitted { task_id: id, found: true });
            }
            Ok(Some(now))
        }
        Found::Several { candidates, creates } => {
            let (ids, all) = named(candidates, creates);
            let reason = ambiguous(job, all, creates);
            hold(reason, if is_worth_fetching(all, creates) { ids } else { Vec::new() }).await
        }
        Found::Nothing { reason, sure: true }
            if shared.options.on_unknown == OnUnknown::Resend && !accepted =>
        {
            let now = moved(shared.patiently(|| shared.journal.send_again(job, &reason)).await?);
            shared.tell(Some(&job.key), EventKind::NotSent { reason });
            Ok(Some(now))
        }
        Found::Nothing { reason, .. } => hold(reason, Vec::new()).await,
    }
}

/// Why a job is held that one of these tasks may belong to.
fn ambiguous(job: &Job, candidates: usize, creates: usize) -> String {
    let tasks = if candidates == 1 { "1 task".to_owned() } else { format!("{candidates} tasks") };
    let others = match creates {
        0 | 1 => String::new(),
        2 => " or another shot's".to_owned(),
        _ => format!(" or those of {} other shots", creates - 1),
    };
    let next = if is_worth_fetching(candidates, creates) {
        format!("the videos are fetched into {}, to be assigned", folder(&job.planned).display())
    } else {
        "too many to fetch; compare the times in the task list, and adopt the right one".to_owned()
    };
    format!("{tasks} may be its own{others}, and nothing says which: {next}")
}

/// How it goes on with a held job.
enum Held {
    /// It is no longer as it was.
    Moved,
    /// A person has to move it on, or the run ends.
    Over,
}

/// Searches once more for the task of a job that an earlier run held, and fetches what may be its own.
async fn held(shared: &Shared, job: &Job) -> Result<Held, JournalError> {
    if locked(&shared.looked_again).insert(job.key.clone()) {
        tokio::select! {
            () = shared.reconciling.glance() => {}
            () = shared.stop.draining() => return Ok(Held::Over),
        }
        return Ok(Held::Moved);
    }
    shared.ended(job);
    collect(shared, job).await;
    Ok(Held::Over)
}

/// Waits for a task. The outer `None`: the run ends.
async fn wait(
    shared: &Shared,
    job: &Job,
    seen: &mut Option<Task>,
) -> Result<Option<Option<Job>>, JournalError> {
    let Some(id) = job.task_id.clone() else { return Ok(None) };
    shared.options.crash.reached(CrashPoint::WhileWaiting);
    let (submitted, journal) = (job.clone(), shared.journal.clone());
    let simulated = shared.options.simulated;
    let _ = tokio::task::spawn_blocking(move || records::submitted(&submitted, &journal, simulated)).await;
    let age = shared.options.clock.now().saturating_sub(job.changed_at);
    let watched = if age < 1000 { Watched::created(&*id) } else { Watched::new(&*id) };
    // "No such task" is not believed of one that was created a moment ago, whoever asks for it.
    let known_for = NOT_FOUND_GRACE.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or(0)));
    let watched = watched.known_for(known_for).flex(is_flex(&job.planned));
    let waited = tokio::select! {
        waited = shared.waiting.wait(&job.key, watched) => waited,
        () = shared.stop.draining() => return Ok(None),
    };
    let now = match waited {
        Waited::Ended(task) => {
            let told = without_queries(&task);
            let now = if task.status == TaskStatus::Succeeded {
                let now = moved(shared.patiently(|| shared.journal.finished(job, &told)).await?);
                *seen = Some(*task);
                shared.tell(Some(&job.key), EventKind::Finished);
                shared.options.crash.reached(CrashPoint::AfterFinished);
                now
            } else {
                let reason = why(&task);
                let now = moved(shared.patiently(|| shared.journal.failed(job, &told, &reason)).await?);
                // It is not billed: sending it again is no second bill, with or without this journal.
                forget(job).await;
                now
            };
            freed(shared, job);
            now
        }
        Waited::Gone => {
            let reason = "the service no longer knows its task; whether it was billed, and its film, can only be seen in the console";
            let now = moved(shared.patiently(|| shared.journal.gone(job, None, reason)).await?);
            freed(shared, job);
            now
        }
        Waited::Refused { why, reason } => {
            if why == CouldNotAsk::Account {
                shared.close(StopCause::Account, &reason);
            }
            let reason = format!(
                "{reason}. The task is billed if it succeeds: run again before its result expires, 24 hours after its end."
            );
            let _ = shared.patiently(|| shared.journal.note(job, &reason)).await?;
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
            return Ok(None);
        }
        Waited::NotTold(reason) => {
            let _ = shared.patiently(|| shared.journal.note(job, &reason)).await?;
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
            tokio::select! {
                () = shared.options.clock.sleep(LEFT_ALONE) => None,
                () = shared.stop.draining() => return Ok(None),
            }
        }
    };
    Ok(Some(now))
}

/// A task has ended, so that another one may run.
fn freed(shared: &Shared, job: &Job) {
    let slot = job.attempt.as_ref().map_or(job.model(), |attempt| attempt.slot.as_str());
    let model = shared.model(slot);
    locked(&model.pace).completed();
    model.freed.notify_one();
}

/// Why a task has no film, in the service's words. Only tasks that succeed are billed.
fn why(task: &Task) -> String {
    match task.failure() {
        Some(failure) => {
            format!("task {} has {}: {}: {}", task.id, task.status, failure.code, failure.message.trim())
        }
        None => match task.failure_text() {
            Some(text) => format!("task {} has {}: {text}", task.id, task.status),
            None => format!("task {} has {}; the service gives no reason", task.id, task.status),
        },
    }
}

/// A task as the journal keeps it.
fn without_queries(task: &Task) -> Value {
    let mut told = serde_json::to_value(task).unwrap_or_default();
    if let Some(content) = told.get_mut("content").and_then(Value::as_object_mut) {
        for link in content.values_mut() {
            if let Some(bare) =
                link.as_str().and_then(|link| link.split(['?', '#']).next()).map(str::to_owned)
            {
                *link = Value::from(bare);
            }
        }
    }
    told
}

/// Fetches a film. The outer `None`: it is left for a later run.
async fn bring(shared: &Shared, job: &Job, task: Option<Task>) -> Result<Option<Option<Job>>, JournalError> {
    match fetch(shared, job, task).await {
        Fetched::Done(files) => {
            let now = moved(shared.patiently(|| shared.journal.downloaded(job, files.clone())).await?);
            if let Some(film) = files.first() {
                let (path, bytes) = (film.path.clone(), film.bytes);
                shared.tell(Some(&job.key), EventKind::Downloaded { path, bytes });
            }
            shared.options.crash.reached(CrashPoint::AfterDownloaded);
            Ok(Some(now))
        }
        Fetched::Gone(reason) => {
            let spent = job.task.as_ref().and_then(|task| cost(&job.planned, task, shared.client.catalog()));
            Ok(Some(moved(shared.patiently(|| shared.journal.gone(job, spent.clone(), &reason)).await?)))
        }
        Fetched::Blocked(reason) => {
            let _ = shared.patiently(|| shared.journal.note(job, &reason)).await?;
            let reason =
                format!("{reason}. The video stays at the service for a day: make room and run again.");
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
            Ok(None)
        }
        Fetched::DiskFull(reason) => {
            shared.close(StopCause::DiskFull, &reason);
            Ok(None)
        }
        Fetched::Left => Ok(None),
    }
}

async fn settle(shared: &Shared, job: &Job) -> Result<Option<Job>, JournalError> {
    let task = job.task.clone().unwrap_or_default();
    let cost = cost(&job.planned, &task, shared.client.catalog());
    let now = moved(shared.patiently(|| shared.journal.settled(job, cost.clone())).await?);
    let settled = now.as_ref().and_then(|job| job.settled.clone());
    shared.tell(
        Some(&job.key),
        EventKind::Settled { unmetered: cost.is_none(), cost: cost.or(settled).unwrap_or_default() },
    );
    shared.options.crash.reached(CrashPoint::AfterSettled);
    if let (true, Some(job)) = (shared.options.forget_prompts, &now) {
        // A trouble here is no reason to stop: the film is there and accounted for.
        let _ = shared.journal.forget_request(job).await;
    }
    Ok(now)
}

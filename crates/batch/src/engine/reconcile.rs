//! A job whose create has an unknown end: it is searched for, and what cannot be decided is held
//! for a person. Sends nothing.

use std::time::Duration;

use ark_video::task_id::{is_usable_id, shown_id};

use super::events::EventKind;
use super::locked;
use super::next_action::StepOutcome;
use super::options::OnUnknown;
use super::reconciler::{Found, named};
use super::request::search_of;
use super::shared::Shared;
use super::unmatched::{collect, folder, is_worth_fetching};
use crate::{Job, JournalError};

/// How long [`ark_video::Client::record`] allows a create to take and its task to show itself, in
/// milliseconds.
const RECORDED: i64 = 16 * 60 * 1000;

/// A runner wrote down that it would send it, and is gone.
pub(crate) async fn orphaned(shared: &Shared, job: &Job) -> Result<StepOutcome, JournalError> {
    let attempt = job.attempt.clone().unwrap_or_default();
    let reason =
        "the run that was sending it ended in the middle, so it is unknown whether a task was created";
    let mut search = search_of(job);
    if let Some(search) = &mut search {
        // The record was made before the send, for the longest time that it could take and a
        // minute; clocks keep their part.
        let quiet = i64::try_from(shared.options.quiet.as_millis()).unwrap_or(i64::MAX);
        let shorter = RECORDED.saturating_sub(quiet).max(0);
        search.shorten(Duration::from_millis(shorter.unsigned_abs()));
    }
    let search = search.and_then(|search| serde_json::to_value(search).ok()).or(attempt.search);
    let outcome = shared.journal.unknown(job, search, reason).await?.into();
    shared.emit(Some(&job.key), EventKind::Unknown { reason: reason.to_owned() });
    Ok(outcome)
}

/// Searches for a lost task.
pub(crate) async fn reconcile(shared: &Shared, job: &Job) -> Result<StepOutcome, JournalError> {
    let hold = |reason: String, ids: Vec<String>| async move {
        Ok::<_, JournalError>(shared.journal.held(job, &reason, &ids).await?.into())
    };
    let Some(search) = search_of(job) else {
        return hold("what to search for is not known".to_owned(), Vec::new()).await;
    };
    locked(&shared.searched_again).insert(job.key.clone());
    let accepted = search.accepted;
    let intent = job.attempt.as_ref().map(|attempt| attempt.request_hash.clone()).unwrap_or_default();
    let found = tokio::select! {
        found = shared.reconciler.find(&job.key, search, &intent) => found,
        () = shared.stop.draining() => return Ok(StepOutcome::Leave),
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
            let outcome: StepOutcome = shared.journal.submitted(job, &id, created_at).await?.into();
            if outcome.row().is_some_and(|job| job.task_id.as_deref() == Some(&*id)) {
                shared.emit(Some(&job.key), EventKind::Submitted { task_id: id, found: true });
            }
            Ok(outcome)
        }
        Found::Several { candidates, creates } => {
            let (ids, all) = named(candidates, creates);
            let reason = ambiguous(job, all, creates);
            hold(reason, if is_worth_fetching(all, creates) { ids } else { Vec::new() }).await
        }
        Found::Nothing { reason, sure: true }
            if shared.options.on_unknown == OnUnknown::Resend && !accepted =>
        {
            let outcome = shared.journal.send_again(job, &reason).await?.into();
            shared.emit(Some(&job.key), EventKind::NotSent { reason });
            Ok(outcome)
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

/// Searches once more for the task of a job that an earlier run held, and fetches what may be its
/// own.
pub(crate) async fn held(shared: &Shared, job: &Job) -> StepOutcome {
    if locked(&shared.searched_again).insert(job.key.clone()) {
        return tokio::select! {
            () = shared.reconciler.recheck() => StepOutcome::Reread,
            () = shared.stop.draining() => StepOutcome::Leave,
        };
    }
    shared.ended(job);
    collect(shared, job).await;
    StepOutcome::Leave
}

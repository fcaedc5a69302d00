//! A job's task, from its id to its end: watched, and what it came to is written down.

use std::time::Duration;

use ark_video::model::{Task, TaskStatus};
use ark_video::{Watched, wait::NOT_FOUND_GRACE, watch::CouldNotPoll};
use serde_json::Value;

use super::answer::forget;
use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::locked;
use super::next_action::StepOutcome;
use super::records;
use super::shared::Shared;
use super::task_watch::{LEFT_ALONE, WaitOutcome};
use crate::{Job, JournalError};

/// Waits for the end of a task.
pub(crate) async fn watch(
    shared: &Shared,
    job: &Job,
    seen: &mut Option<Task>,
) -> Result<StepOutcome, JournalError> {
    let Some(id) = job.task_id.clone() else { return Ok(StepOutcome::Leave) };
    shared.options.crash.reached(CrashPoint::WhileWaiting);
    let (submitted, journal) = (job.clone(), shared.journal.clone());
    let simulated = shared.options.simulated;
    let _ = tokio::task::spawn_blocking(move || records::submitted(&submitted, &journal, simulated)).await;
    let age = shared.options.clock.now().saturating_sub(job.changed_at);
    let watched = if age < 1000 { Watched::created(&*id) } else { Watched::new(&*id) };
    // "No such task" is not believed of one that was created just now.
    let known_for = NOT_FOUND_GRACE.saturating_sub(Duration::from_millis(u64::try_from(age).unwrap_or(0)));
    let watched = watched.known_for(known_for).flex(job.planned.is_flex());
    let waited = tokio::select! {
        waited = shared.task_watch.wait(&job.key, watched) => waited,
        () = shared.stop.draining() => return Ok(StepOutcome::Leave),
    };
    let outcome = match waited {
        WaitOutcome::Ended(task) => {
            let kept = without_queries(&task);
            let outcome: StepOutcome = if task.status == TaskStatus::Succeeded {
                let finished = shared.journal.finished(job, &kept).await?;
                *seen = Some(*task);
                shared.emit(Some(&job.key), EventKind::Finished);
                shared.options.crash.reached(CrashPoint::AfterFinished);
                finished.into()
            } else {
                let reason = why(&task);
                let failed = shared.journal.failed(job, &kept, &reason).await?;
                // It is not billed: sending it again is no second bill, with or without this
                // journal.
                forget(job).await;
                failed.into()
            };
            freed(shared, job);
            outcome
        }
        WaitOutcome::Gone => {
            let reason = "the service no longer knows its task; whether it was billed, and its video, can only be seen in the console";
            let gone = shared.journal.gone(job, None, reason).await?;
            freed(shared, job);
            gone.into()
        }
        WaitOutcome::Refused { why, reason } => {
            if why == CouldNotPoll::Account {
                shared.close(StopCause::Account, &reason);
            }
            let reason = format!(
                "{reason}. The task is billed if it succeeds: run again before its result expires, 24 hours after its end."
            );
            let _ = shared.journal.note(job, &reason).await?;
            shared.emit(Some(&job.key), EventKind::Warning { reason });
            StepOutcome::Leave
        }
        WaitOutcome::NotPolled(reason) => {
            let _ = shared.journal.note(job, &reason).await?;
            shared.emit(Some(&job.key), EventKind::Warning { reason });
            tokio::select! {
                () = shared.options.clock.sleep(LEFT_ALONE) => StepOutcome::Reread,
                () = shared.stop.draining() => return Ok(StepOutcome::Leave),
            }
        }
    };
    Ok(outcome)
}

/// A task has ended, so that another one may run.
fn freed(shared: &Shared, job: &Job) {
    let slot = job.attempt.as_ref().map_or(job.model(), |attempt| attempt.slot.as_str());
    let model = shared.model(slot);
    locked(&model.adaptive).completed();
    model.freed.notify_one();
}

/// Why a task has no video, as the service says. Only tasks that succeed are billed.
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
    let mut kept = serde_json::to_value(task).unwrap_or_default();
    if let Some(content) = kept.get_mut("content").and_then(Value::as_object_mut) {
        for link in content.values_mut() {
            if let Some(bare) =
                link.as_str().and_then(|link| link.split(['?', '#']).next()).map(str::to_owned)
            {
                *link = Value::from(bare);
            }
        }
    }
    kept
}

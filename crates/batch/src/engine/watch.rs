//! A job's task, from its id to its end: watched, and what it came to is written down.

use std::time::Duration;

use ark_video::model::{Task, TaskStatus};
use ark_video::{CouldNotAsk, NOT_FOUND_GRACE, Watched};
use serde_json::Value;

use super::answer::forget;
use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::records;
use super::request::is_flex;
use super::shared::{Shared, locked, moved};
use super::waiting::{LEFT_ALONE, Waited};
use crate::{Job, JournalError};

/// Waits for a task. The outer `None`: the run ends.
pub(crate) async fn wait(
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

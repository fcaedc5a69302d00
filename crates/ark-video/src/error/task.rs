//! What the errors about a task carry whose id is known: not allowed in its state, ended, still running, not saved.

use std::{fmt, time::Duration};

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::utc;
use ark_video_transport::SaveError;

use super::chain;
use crate::Output;

/// What somebody wanted of a task that its state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Take it out of the queue.
    Cancel,
    /// Delete its record.
    Forget,
    /// Fetch its result.
    Download,
}

/// The task's state does not allow it. Nothing was changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NotPossible {
    /// What was wanted.
    pub action: Action,
    /// The task as it is.
    pub task: Box<Task>,
}

impl fmt::Display for NotPossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TaskStatus::{Cancelled, Queued, Running};
        let (id, status) = (&self.task.id, &self.task.status);
        match (self.action, status) {
            (Action::Cancel, Running) => {
                write!(f, "Task {id} is running and cannot be cancelled; it will finish and be billed.")
            }
            (Action::Cancel, status) if status.is_terminal() => {
                write!(
                    f,
                    "Task {id} has {status} already: there is nothing to cancel, and its record was left alone."
                )
            }
            (Action::Forget, Cancelled) => {
                write!(
                    f,
                    "Task {id} is cancelled: such records cannot be deleted, they vanish within 24 hours."
                )
            }
            (Action::Forget, Queued) => {
                write!(f, "Task {id} is queued: deleting it now would cancel it. Cancel it if that is meant.")
            }
            (Action::Forget, status) => {
                write!(f, "Task {id} is {status}: only the record of a finished task can be deleted.")
            }
            (Action::Download, status) => {
                write!(f, "Task {id} is {status}: there is no result to fetch yet. Wait for it first.")
            }
            (Action::Cancel, status) => write!(
                f,
                "Task {id} is in the state {status:?}, which this version does not know; only a queued task can be cancelled, so it was left alone."
            ),
        }
    }
}

/// The task is over without a result: failed, expired or cancelled.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskEnded {
    /// The task as it is.
    pub task: Box<Task>,
}

impl fmt::Display for TaskEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = &self.task;
        let failure = task.failure();
        match (&task.status, failure) {
            (TaskStatus::Expired, None) if task.failure_text().is_none() => {
                write!(f, "Task {} expired: it did not finish within its time limit.", task.id)?;
            }
            (TaskStatus::Cancelled, None) if task.failure_text().is_none() => {
                write!(f, "Task {} was cancelled.", task.id)?
            }
            (status, None) => match task.failure_text() {
                Some(text) => {
                    let end = if text.ends_with('.') { "" } else { "." };
                    write!(f, "Task {} has {status}: {text}{end}", task.id)?;
                }
                None => write!(f, "Task {} has {status}; the service gives no reason.", task.id)?,
            },
            (status, Some(failure)) => {
                let end = if failure.message.trim_end().ends_with('.') { "" } else { "." };
                write!(
                    f,
                    "Task {} has {status}: {}: {}{end}",
                    task.id,
                    failure.code,
                    failure.message.trim_end()
                )?;
            }
        }
        f.write_str(" Only tasks that succeed are billed.")?;
        let code = failure.map(|failure| ark_video_model::ErrorCode::from(failure.code.as_str()));
        match code.and_then(|code| code.info()) {
            Some(info) => {
                write!(f, " {}", info.advice_of(failure.map_or("", |failure| &failure.message)))
            }
            None => Ok(()),
        }
    }
}

/// Waiting ended before the task did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StillRunning {
    /// The task's id.
    pub task_id: String,
    /// The task as it was last seen, if it ever was.
    pub task: Option<Box<Task>>,
    /// How long was waited.
    pub elapsed: Duration,
    /// Why the last look brought nothing, if it did not.
    pub trouble: Option<String>,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = match (&self.task, &self.trouble) {
            (Some(task), None) => format!("it is {}", task.status),
            (Some(task), Some(why)) => {
                format!("it was {}, then it could not be looked at ({why})", task.status)
            }
            (None, Some(why)) => format!("it could not be looked at ({why})"),
            (None, None) => "it could not be looked at".to_owned(),
        };
        write!(
            f,
            "Stopped waiting for task {} after {} s: {seen}. It goes on all the same and is billed when it succeeds; wait again by its id.",
            self.task_id,
            self.elapsed.as_secs()
        )
    }
}

/// The task succeeded, and its result is not on disk.
#[derive(Debug)]
#[non_exhaustive]
pub struct DownloadError {
    /// The task's id.
    pub task_id: String,
    /// Until when the link works, in seconds since 1970, if it says so.
    pub link_expires_at: Option<i64>,
    /// What happened.
    pub cause: DownloadCause,
}

/// Why a result is not on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadCause {
    /// The task gives no link to such a result.
    #[error("the task has no {}", output.name())]
    NoLink {
        /// Which result.
        output: Output,
        /// The service's id of the last request for the task, for its support.
        request_id: Option<String>,
    },
    /// The task that was handed over is another one; its id, escaped.
    #[error("it is to be saved from task {0}, which is another task")]
    OtherTask(String),
    /// It could not be fetched or written.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let DownloadCause::NoLink { output: output @ (Output::Video | Output::File), request_id } =
            &self.cause
        {
            let (id, what) = (&self.task_id, output.name());
            write!(
                f,
                "The task {id} has succeeded and is billed, but the service gives no link to its {what}. "
            )?;
            write!(f, "Ask the service's support for it: task {id}")?;
            return match request_id {
                Some(request_id) => write!(f, ", request {request_id}."),
                None => f.write_str("."),
            };
        }
        write!(f, "The result of task {} is not saved: {}.", self.task_id, chain(&self.cause))?;
        if matches!(self.cause, DownloadCause::NoLink { .. } | DownloadCause::OtherTask(_)) {
            return Ok(());
        }
        match self.link_expires_at {
            Some(at) => {
                write!(f, " It can be fetched again until {}, at no cost.", utc(at.saturating_mul(1000)))
            }
            None => f.write_str(" It can be fetched again at no cost, for 24 hours after the task's end."),
        }
    }
}

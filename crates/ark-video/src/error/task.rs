//! What the errors about a task carry whose id is known: not allowed in its state, ended, still
//! running, not saved.

use std::time::Duration;

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::{UnixMillis, utc};
use ark_video_transport::SaveError;

use crate::Output;

/// What was wanted of a task that its state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Take it out of the queue.
    Cancel,
    /// Delete its record.
    Forget,
    /// Download its result.
    Download,
}

/// The task's state does not allow it. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub struct NotPossible {
    /// What was wanted.
    pub action: Action,
    /// The task as it is.
    pub task: Box<Task>,
}

impl NotPossible {
    fn text(&self) -> String {
        use TaskStatus::{Cancelled, Queued, Running};
        let (id, status) = (&self.task.id, &self.task.status);
        match (self.action, status) {
            (Action::Cancel, Running) => {
                format!("Task {id} is running and cannot be cancelled; it will finish and be billed")
            }
            (Action::Cancel, status) if status.is_terminal() => {
                format!("Task {id} has {status} already, so there is nothing to cancel; its record was kept")
            }
            (Action::Cancel, status) => format!(
                "Task {id} is in the state {status:?}, which this version does not know; only a queued task can be cancelled"
            ),
            (Action::Forget, Cancelled) => format!("Task {id} is cancelled: such records cannot be deleted"),
            (Action::Forget, Queued) => format!("Task {id} is queued: deleting it now would cancel it"),
            (Action::Forget, status) => {
                format!("Task {id} is {status}: only the record of a finished task can be deleted")
            }
            (Action::Download, status) => {
                format!("Task {id} is {status}: there is no result to download yet")
            }
        }
    }

    pub(super) fn advice(&self) -> &'static str {
        match (self.action, &self.task.status) {
            (Action::Forget, TaskStatus::Cancelled) => "It expires within 24 hours.",
            (Action::Forget, TaskStatus::Queued) => "Cancel it if that is meant.",
            (Action::Download, _) => "Wait for it first.",
            _ => "",
        }
    }
}

/// The task is over without a result: failed, expired or cancelled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub struct TaskEnded {
    /// The task as it is.
    pub task: Box<Task>,
}

impl TaskEnded {
    fn text(&self) -> String {
        let (id, status) = (&self.task.id, &self.task.status);
        match (self.task.failure(), self.task.failure_text(), status) {
            (Some(failure), _, _) => {
                format!("Task {id} has {status}: {}: {}", failure.code, failure.message.trim_end())
            }
            (None, Some(text), _) => format!("Task {id} has {status}: {text}"),
            (None, None, TaskStatus::Expired) => {
                format!("Task {id} expired: it did not finish within its time limit")
            }
            (None, None, TaskStatus::Cancelled) => format!("Task {id} was cancelled"),
            (None, None, _) => format!("Task {id} has {status}; the service gives no reason"),
        }
    }

    pub(super) fn advice(&self) -> &'static str {
        let Some(failure) = self.task.failure() else { return "" };
        let code = ark_video_model::ErrorCode::from(failure.code.as_str());
        code.info().map_or("", |info| info.advice_of(&failure.message))
    }
}

/// Waiting ended before the task did.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("Stopped waiting for task {task_id} after {} s: {}", elapsed.as_secs(), self.last_seen())]
#[non_exhaustive]
pub struct StillRunning {
    /// The task's id.
    pub task_id: String,
    /// The task as it was last seen, if it ever was.
    pub task: Option<Box<Task>>,
    /// How long was waited.
    pub elapsed: Duration,
    /// Why the last request for it failed, if it did.
    pub trouble: Option<String>,
}

impl StillRunning {
    fn last_seen(&self) -> String {
        match (&self.task, &self.trouble) {
            (Some(task), None) => format!("it is {}", task.status),
            (Some(task), Some(why)) => {
                format!("it was {}, and the last request for it failed ({why})", task.status)
            }
            (None, Some(why)) => format!("no request for it worked ({why})"),
            (None, None) => "no request for it worked".to_owned(),
        }
    }
}

/// The task succeeded, and its result is not on disk.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub struct DownloadError {
    /// The task's id.
    pub task_id: String,
    /// Until when the link works, if it says so.
    pub link_expires_at: Option<UnixMillis>,
    /// What happened.
    #[source]
    pub cause: DownloadCause,
}

/// Why a result is not on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadCause {
    /// The task gives no link to such a result.
    #[error("the service gives no link to its {}", output.name())]
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

impl DownloadError {
    fn text(&self) -> String {
        match self.cause {
            DownloadCause::NoLink { output: Output::Video | Output::File, .. } => {
                format!("Task {} has succeeded and is billed, but there is nothing to download", self.task_id)
            }
            _ => format!("The result of task {} is not saved", self.task_id),
        }
    }

    pub(super) fn advice(&self) -> String {
        match (&self.cause, self.link_expires_at) {
            (DownloadCause::NoLink { output: Output::Video | Output::File, request_id }, _) => {
                let request = request_id.as_ref().map_or(String::new(), |id| format!(", request {id}"));
                format!("Contact the service's support with: task {}{request}.", self.task_id)
            }
            (DownloadCause::NoLink { .. } | DownloadCause::OtherTask(_), _) => String::new(),
            (DownloadCause::Save(_), Some(at)) => {
                format!("It can be downloaded again until {}, at no cost.", utc(at))
            }
            (DownloadCause::Save(_), None) => {
                "It can be downloaded again at no cost, for 24 hours after the task's end.".to_owned()
            }
        }
    }
}

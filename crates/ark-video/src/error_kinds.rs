//! What each kind of [`crate::Error`] carries, and its sentence: what was tried, what happened, whether money may have
//! been spent, what to do next.

use std::{fmt, time::Duration};

use ark_video_model::{ErrorClass, Task, TaskStatus};
use ark_video_protocol::{
    ApiError, BaseUrlError, Endpoint, UnixMillis,
    outcome::{Refusal, UnknownReason, Unread},
    utc,
};
use ark_video_transport::{SaveError, SendError, SettingError};
use serde::{Deserialize, Serialize};

/// A setting that is missing or cannot be used. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No API key.
    #[error("there is no API key; set {} (or {})", looked_in[0], looked_in[1..].join(", "))]
    NoKey {
        /// Variables that may hold one.
        looked_in: &'static [&'static str],
    },
    /// The API key holds characters that no header can carry.
    #[error(
        "the API key holds spaces, line breaks or other characters that a key cannot have; copy it again"
    )]
    BadKey,
    /// The base URL cannot be used.
    #[error(transparent)]
    BaseUrl(BaseUrlError),
    /// The region has no address that we know.
    #[error(
        "the region {region:?} is not known; set ARK_BASE_URL instead, or use cn-beijing, ap-southeast-1 or eu-west-1"
    )]
    UnknownRegion {
        /// As given.
        region: String,
    },
    /// A network setting cannot be used.
    #[error(transparent)]
    Setting(SettingError),
}

/// One request to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// What was asked.
    pub endpoint: Endpoint,
    /// About which task.
    pub task_id: Option<String>,
    /// Our own id of the request (`X-Client-Request-Id`), which the vendor's support can search for.
    pub client_request_id: String,
}

impl Call {
    pub(crate) fn new(endpoint: Endpoint, task_id: Option<&str>, client_request_id: String) -> Self {
        Self { endpoint, task_id: task_id.map(str::to_owned), client_request_id }
    }
}

/// For sentences: "create the task", "look at task cgt-…".
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task_id.as_deref().unwrap_or("?");
        match self.endpoint {
            Endpoint::Create => f.write_str("create the task"),
            Endpoint::Get => write!(f, "look at task {id}"),
            Endpoint::List => f.write_str("list the tasks"),
            Endpoint::Delete => write!(f, "cancel or delete task {id}"),
            _ => f.write_str("list the models"),
        }
    }
}

/// Nothing left this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotSent {
    /// What was tried.
    pub call: Call,
    /// What happened.
    pub cause: SendError,
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The request to {} was not sent: {}. ", self.call, self.cause)?;
        if self.call.endpoint == Endpoint::Create {
            f.write_str("Nothing was created and nothing is billed. ")?;
        }
        f.write_str("Check the network, the base URL and the proxy; trying again is safe.")
    }
}

/// The service answered no.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// What was tried.
    pub call: Call,
    /// Who has to act.
    pub class: Refusal,
    /// The service's words.
    pub error: ApiError,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if ends_sentence(&self.error) { "" } else { "." };
        if self.call.endpoint == Endpoint::Delete && self.error.class() == ErrorClass::Conflict {
            let id = self.call.task_id.as_deref().unwrap_or("?");
            return write!(
                f,
                "Task {id} is running and cannot be cancelled; it will finish and be billed. The service says {}{end}",
                self.error
            );
        }
        write!(f, "The service refused to {}: {}{end}", self.call, self.error)?;
        if self.call.endpoint == Endpoint::Create {
            f.write_str(" Nothing was created and nothing is billed.")?;
        }
        advise(f, &self.error)
    }
}

fn ends_sentence(error: &ApiError) -> bool {
    error.to_string().ends_with(['.', '!', '?', '。'])
}

fn advise(f: &mut fmt::Formatter<'_>, error: &ApiError) -> fmt::Result {
    match error.advice() {
        "" => Ok(()),
        advice if advice.ends_with('.') => write!(f, " {advice}"),
        advice => write!(f, " {advice}."),
    }
}

/// A create whose end nobody knows. Keep it (it can be serialised): it holds what is needed to search for the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutcomeUnknown {
    /// Model or endpoint id of the request.
    pub model: String,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When we gave up. If a task was created, then between these two moments.
    pub gave_up_at: UnixMillis,
    /// Our own id of the request.
    pub client_request_id: String,
    /// The service's id of the request, if an answer brought one.
    pub request_id: Option<String>,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened, in words.
    pub reason: String,
}

impl OutcomeUnknown {
    pub(crate) fn new(why: &UnknownReason) -> Self {
        let (request_id, status, code, reason) = match why {
            UnknownReason::Answer(error) => {
                let code = Some(error.code.as_str().to_owned()).filter(|code| !code.is_empty());
                (error.request_id.clone(), Some(error.status), code, format!("the service answered {error}"))
            }
            UnknownReason::NoAnswer(error) => {
                (error.request_id.clone(), error.status, None, error.to_string())
            }
            _ => (None, None, None, "no usable answer came".to_owned()),
        };
        Self {
            model: String::new(),
            sent_at: 0,
            gave_up_at: 0,
            client_request_id: String::new(),
            request_id,
            status,
            code,
            reason: reason.trim_end_matches('.').to_owned(),
        }
    }

    pub(crate) fn of(mut self, model: &str, call: Call, sent_at: UnixMillis, gave_up_at: UnixMillis) -> Self {
        self.model = model.to_owned();
        self.client_request_id = call.client_request_id;
        (self.sent_at, self.gave_up_at) = (sent_at, gave_up_at);
        self
    }
}

impl fmt::Display for OutcomeUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Nobody knows whether the task was created: {}. It may exist and may be billed, so do not just send it again. ",
            self.reason
        )?;
        search(f, &self.model, self.sent_at, self.gave_up_at)?;
        ids(f, &self.client_request_id, self.request_id.as_deref())
    }
}

/// A create that the service accepted with an answer that names no task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AcceptedWithoutId {
    /// Model or endpoint id of the request.
    pub model: String,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When the answer came. The task was created between these two moments.
    pub answered_at: UnixMillis,
    /// Our own id of the request.
    pub client_request_id: String,
    /// The service's id of the request, if the answer brought one.
    pub request_id: Option<String>,
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Why there is no id, in words.
    pub reason: String,
}

impl AcceptedWithoutId {
    pub(crate) fn new(
        unread: Unread,
        model: &str,
        call: Call,
        sent_at: UnixMillis,
        answered_at: UnixMillis,
    ) -> Self {
        Self {
            model: model.to_owned(),
            sent_at,
            answered_at,
            client_request_id: call.client_request_id,
            request_id: unread.request_id,
            status: unread.status,
            reason: unread.why,
        }
    }
}

impl fmt::Display for AcceptedWithoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The service accepted the task ({}), but its id could not be read: {}. The task very probably exists and is billed when it succeeds, so do not send it again. ",
            self.status, self.reason
        )?;
        search(f, &self.model, self.sent_at, self.answered_at)?;
        ids(f, &self.client_request_id, self.request_id.as_deref())
    }
}

fn search(f: &mut fmt::Formatter<'_>, model: &str, from: UnixMillis, to: UnixMillis) -> fmt::Result {
    write!(
        f,
        "List the account's tasks and look for one of model {model} created between {} and {} (give or take the difference of the clocks): if it is there, wait for it by its id.",
        utc(from),
        utc(to)
    )
}

fn ids(f: &mut fmt::Formatter<'_>, ours: &str, theirs: Option<&str>) -> fmt::Result {
    match theirs {
        Some(theirs) => write!(f, " (Our request id {ours}, the service's {theirs}.)"),
        None => write!(f, " (Our request id {ours}.)"),
    }
}

/// A question that brought no usable answer. Says nothing about the task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadError {
    /// What was tried.
    pub call: Call,
    /// Tries in a row that failed; 1 outside of a wait.
    pub tries: u32,
    /// What the last try brought.
    pub cause: ReadCause,
}

/// Why a question brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadCause {
    /// No whole answer.
    Send(SendError),
    /// A server's trouble, or an answer that cannot be read.
    Answer(ApiError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Could not {}", self.call)?;
        if self.tries > 1 {
            write!(f, " {} times in a row, the last time", self.tries)?;
        }
        match &self.cause {
            ReadCause::Send(error) => write!(f, ": {error}.")?,
            ReadCause::Answer(error) => {
                write!(f, ": the service answered {error}{}", if ends_sentence(error) { "" } else { "." })?;
            }
        }
        match self.call.endpoint {
            Endpoint::Get => f.write_str(" That says nothing about the task: it goes on, and is billed when it succeeds. Ask again later by its id."),
            Endpoint::Delete => f.write_str(" Whether it took effect is unknown: look at the task before trying again."),
            _ => f.write_str(" Asking again is free."),
        }
    }
}

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
            (TaskStatus::Expired, None) => {
                write!(f, "Task {} expired: it did not finish within its time limit.", task.id)?;
            }
            (TaskStatus::Cancelled, None) => write!(f, "Task {} was cancelled.", task.id)?,
            (status, None) => write!(f, "Task {} has {status}; the service gives no reason.", task.id)?,
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
            Some(info) if !info.advice.is_empty() => write!(f, " {}", info.advice),
            _ => Ok(()),
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
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = match &self.task {
            Some(task) => format!("it is {}", task.status),
            None => "it could not be looked at".to_owned(),
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
    /// The task has no such result.
    #[error("the task has no {0}")]
    NoLink(&'static str),
    /// It could not be fetched or written.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The result of task {} is not saved: {}.", self.task_id, self.cause)?;
        if matches!(self.cause, DownloadCause::NoLink(_)) {
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

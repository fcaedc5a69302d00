//! What the errors of a single request carry: wrong settings, not sent, refused, unreadable. Each has its sentence: what
//! was tried, what happened, whether money may have been spent, what to do next.

use std::fmt;

use ark_video_model::error_code::ErrorClass;
use ark_video_protocol::{ApiError, BaseUrlError, Class, Endpoint, Failure, classify, outcome::Refusal};
use ark_video_transport::{SendError, SendErrorKind, SettingError};

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
        match self.cause.kind {
            SendErrorKind::Invalid => f.write_str("Trying again would not help: mend what it says first."),
            _ => f.write_str("Check the network, the base URL and the proxy; trying again is safe."),
        }
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
        let refusal = match &self.cause {
            ReadCause::Answer(error) => matches!(
                classify(&Failure::answer(self.call.endpoint, error)),
                Class::Account | Class::Permanent
            )
            .then_some(error),
            ReadCause::Send(_) => None,
        };
        if let Some(error) = refusal.filter(|error| error.other_id.is_none()) {
            advise(f, error)?;
        }
        match self.call.endpoint {
            Endpoint::Get if refusal.is_some_and(|error| error.other_id.is_some()) => f.write_str(
                " Nothing of the other task is kept under this one's name. The task itself goes on, and is billed if it succeeds.",
            ),
            Endpoint::Get if refusal.is_some_and(|error| error.status == 404) => {
                f.write_str(" If it was created, it goes on, and is billed if it succeeds. Ask again later by its id.")
            }
            Endpoint::Get => f.write_str(" That says nothing about the task: it goes on, and is billed if it succeeds. Ask again later by its id."),
            Endpoint::Delete => f.write_str(" Whether it took effect is unknown: look at the task before trying again."),
            _ => f.write_str(" Asking again is free."),
        }
    }
}

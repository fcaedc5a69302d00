//! What the errors of a single request carry: wrong settings, not sent, refused, unreadable. Each
//! has its sentence for what failed; why is its source.

use std::{borrow::Cow, fmt};

use ark_video_model::error_code::ErrorClass;
use ark_video_protocol::{ApiError, BaseUrlError, Class, Endpoint, Failure, classify, outcome::Refusal};
use ark_video_transport::{SendError, SettingError};

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
    /// A header of the user's own cannot be sent.
    #[error("the header {name:?} cannot be used: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A variable that should name a proxy does not. Its value may hold a password.
    #[error(
        "{variable} does not name a proxy, so nothing was sent; use a form such as http://host:3128 or socks5://host:1080, or unset it"
    )]
    ProxyVariable {
        /// Its name.
        variable: &'static str,
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
    /// Our own id of the request (`X-Client-Request-Id`), which the vendor's support can search
    /// for.
    pub client_request_id: String,
}

impl Call {
    pub(crate) fn new(endpoint: Endpoint, task_id: Option<&str>, client_request_id: String) -> Self {
        Self { endpoint, task_id: task_id.map(str::to_owned), client_request_id }
    }
}

/// For sentences: "create the task", "get task cgt-…".
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task_id.as_deref().unwrap_or("?");
        match self.endpoint {
            Endpoint::Create => f.write_str("create the task"),
            Endpoint::Get => write!(f, "get task {id}"),
            Endpoint::List => f.write_str("list the tasks"),
            Endpoint::Delete => write!(f, "cancel or delete task {id}"),
            _ => f.write_str("list the models"),
        }
    }
}

/// Nothing left this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The request to {call} was not sent")]
#[non_exhaustive]
pub struct NotSent {
    /// What was tried.
    pub call: Call,
    /// What happened.
    #[source]
    pub cause: SendError,
}

/// The service refused a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub struct Refused {
    /// What was tried.
    pub call: Call,
    /// Who has to act.
    pub class: Refusal,
    /// The service's answer.
    #[source]
    pub error: ApiError,
}

impl Refused {
    fn text(&self) -> String {
        if self.call.endpoint == Endpoint::Delete && self.error.class() == ErrorClass::Conflict {
            let id = self.call.task_id.as_deref().unwrap_or("?");
            return format!("Task {id} is running and cannot be cancelled; it will finish and be billed");
        }
        format!("The service refused to {}", self.call)
    }
}

/// A get, list or delete that brought no usable answer. Says nothing about the task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Could not {call}{}", times(*tries))]
#[non_exhaustive]
pub struct ReadError {
    /// What was tried.
    pub call: Call,
    /// Tries in a row that failed; 1 outside of a wait.
    pub tries: u32,
    /// What the last try brought.
    #[source]
    pub cause: ReadCause,
}

fn times(tries: u32) -> String {
    if tries > 1 { format!(" {tries} times in a row") } else { String::new() }
}

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadCause {
    /// No complete answer.
    #[error(transparent)]
    Send(SendError),
    /// A server's failure, or an answer that cannot be read.
    #[error("the service answered {0}")]
    Answer(ApiError),
}

impl ReadError {
    /// The answer, if it is a refusal.
    fn refusal(&self) -> Option<&ApiError> {
        match &self.cause {
            ReadCause::Answer(error) => {
                let class = classify(&Failure::answer(self.call.endpoint, error));
                matches!(class, Class::Account | Class::Permanent).then_some(error)
            }
            ReadCause::Send(_) => None,
        }
    }

    pub(super) fn billing(&self) -> &'static str {
        match self.call.endpoint {
            Endpoint::Get if self.refusal().is_some_and(|error| error.status == 404) => {
                "If it was created, it continues, and is billed if it succeeds."
            }
            Endpoint::Get => "That says nothing about the task: it continues, and is billed if it succeeds.",
            _ => "",
        }
    }

    pub(super) fn advice(&self) -> Cow<'static, str> {
        let advice = self.refusal().filter(|error| error.other_id.is_none()).map_or("", ApiError::advice);
        let next = match self.call.endpoint {
            Endpoint::Get if self.refusal().is_some_and(|error| error.other_id.is_some()) => {
                "Nothing of the other task is kept under this one's name."
            }
            Endpoint::Get => "Get it again later by its id.",
            Endpoint::Delete => "Whether it took effect is unknown: get the task before trying again.",
            _ => "Trying again is free.",
        };
        if advice.is_empty() { next.into() } else { format!("{advice} {next}").into() }
    }
}

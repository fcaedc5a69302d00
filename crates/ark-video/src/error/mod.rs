//! The one error of this crate, in the order of how far the request got, and the questions one may
//! ask of it.

mod request;
mod task;
mod unknown_outcome;

use std::borrow::Cow;

use ark_video_model::{check::Report, error_code::ErrorClass};
use ark_video_protocol::{Cause, Class, Endpoint, Failure, classify, reconcile::UnresolvedCreate};
use serde::{Serialize, Serializer};

pub use self::{
    request::{Call, ConfigError, NotSent, ReadCause, ReadError, Refused},
    task::{Action, DownloadCause, DownloadError, NotPossible, StillRunning, TaskEnded},
    unknown_outcome::{AcceptedWithoutId, OutcomeUnknown},
};
pub use crate::target::{TargetError, TargetFault};
pub use ark_video_protocol::{
    ApiError, BaseUrlError, EnvelopeKind, RequestError, RetryAfter, SendError, SendErrorKind, SendStage,
    download::DownloadRefusal, outcome::Refusal,
};
pub use ark_video_transport::{SaveError, SettingError, SourceError};

use crate::checks::Findings;

/// What went wrong. `Display` is what failed, [`std::error::Error::source`] why, [`Error::advice`]
/// what to do next; [`Error::message`] is all of it as text. Serialises as one flat object for an
/// API or a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is missing or wrong; nothing was sent.
    #[error("invalid client configuration")]
    Config(#[from] ConfigError),
    /// The request cannot be encoded; nothing was sent.
    #[error("invalid request")]
    Request(#[from] RequestError),
    /// Our own checks refuse the request; nothing was sent. See [`crate::CheckPolicy`].
    #[error("{}", Findings(.0))]
    InvalidRequest(Box<Report>),
    /// Nothing left this machine. Trying again is safe, also for a create.
    #[error(transparent)]
    NotSent(Box<NotSent>),
    /// The service refused the request; a create made no task.
    #[error(transparent)]
    Api(Box<Refused>),
    /// It is unknown whether a create made a task. Never send it again blindly.
    #[error(transparent)]
    OutcomeUnknown(Box<OutcomeUnknown>),
    /// A create was accepted, and its id is lost. Never send it again.
    #[error(transparent)]
    AcceptedWithoutId(Box<AcceptedWithoutId>),
    /// The store of [`crate::create::Create::keep`] cannot be used. Creates that are recorded in it
    /// may have made tasks.
    #[error("The store of unresolved creates cannot be used")]
    Store(#[source] std::io::Error),
    /// A get, list or delete brought no usable answer. Says nothing about the task.
    #[error(transparent)]
    Read(Box<ReadError>),
    /// The task's state does not allow it; nothing was changed.
    #[error(transparent)]
    NotPossible(NotPossible),
    /// The task is over without a result: failed, expired or cancelled. Not billed.
    #[error(transparent)]
    TaskEnded(TaskEnded),
    /// Waiting ended before the task did.
    #[error(transparent)]
    StillRunning(StillRunning),
    /// The task succeeded, and its result is not on disk.
    #[error(transparent)]
    Download(Box<DownloadError>),
}

/// How far money had got when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// No task was created: nothing was sent, or the service refused the create.
    NotCreated,
    /// A create may have made a task, which is billed if it succeeds.
    Unknown,
    /// It is about a task that was created, and is billed if it succeeds.
    Created,
    /// It is about no task: a list, the models.
    NoTask,
}

impl Error {
    /// All of it as text: what failed and why, what that means for money, what to do next.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = chain(self);
        // A list of findings ends with its last line.
        let mut separator = if message.contains('\n') { "\n" } else { " " };
        for part in [self.billing().into(), self.advice()] {
            if separator == " " && !message.ends_with(['.', '!', '?', '。']) {
                message.push('.');
            }
            if !part.is_empty() && !message.contains(&*part) {
                message.push_str(separator);
                message.push_str(&part);
                separator = " ";
            }
        }
        message
    }

    /// What it means for money, in one sentence; empty where the error is about no task.
    #[must_use]
    pub fn billing(&self) -> &'static str {
        match self {
            Self::Request(_) | Self::InvalidRequest(_) => "Nothing was sent and nothing is billed.",
            Self::NotSent(_) | Self::Api(_) if self.phase() == Phase::NotCreated => {
                "Nothing was created and nothing is billed."
            }
            Self::OutcomeUnknown(_) => "It may exist and may be billed, so do not just send it again.",
            Self::AcceptedWithoutId(_) => {
                "The task very probably exists and is billed when it succeeds, so do not send it again."
            }
            Self::Store(_) => {
                "Creates that are recorded in it may have made tasks, which are billed if they succeed."
            }
            Self::TaskEnded(_) => "Only tasks that succeed are billed.",
            Self::StillRunning(_) => "It continues and is billed when it succeeds.",
            Self::Read(read) => read.billing(),
            _ => "",
        }
    }

    /// What to do next, in one or two sentences; empty where nothing is known to help.
    #[must_use]
    pub fn advice(&self) -> Cow<'static, str> {
        match self {
            Self::Request(_) => "Fix the request.".into(),
            Self::InvalidRequest(_) => "Fix the request. If the rule is outdated, pass a newer catalog or send it with CheckPolicy::WarnOnly.".into(),
            Self::NotSent(error) if error.cause.kind == SendErrorKind::Invalid => {
                "Fix the cause first: sending it again would fail the same way.".into()
            }
            Self::NotSent(error) if error.cause.kind == SendErrorKind::Proxy => {
                "Start the proxy, or fix the setting that names it; trying again is safe.".into()
            }
            Self::NotSent(error) if error.cause.kind == SendErrorKind::Tls => {
                "If a company's own authority issued it, trust that authority's certificate; trying again is safe."
                    .into()
            }
            Self::NotSent(_) => {
                "Check the network, the base URL and the proxy; trying again is safe.".into()
            }
            Self::Api(refused) => refused.error.advice().into(),
            Self::OutcomeUnknown(error) => {
                unknown_outcome::advice(&error.search, error.sent_at, error.gave_up_at).into()
            }
            Self::AcceptedWithoutId(error) => {
                unknown_outcome::advice(&error.search, error.sent_at, error.answered_at).into()
            }
            Self::Read(read) => read.advice(),
            Self::NotPossible(error) => error.advice().into(),
            Self::TaskEnded(ended) => ended.advice().into(),
            Self::StillRunning(_) => "Wait again by its id.".into(),
            Self::Download(error) => error.advice().into(),
            Self::Store(_) => "Give this process access to it, then resolve its records.".into(),
            Self::Config(_) => "".into(),
        }
    }

    /// Whether the same call may be made again, without the risk of a second bill and with some
    /// hope.
    ///
    /// For a create that is: not sent, or refused because of the pace. For a refusal, wait before
    /// trying again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if let Some(failure) = self.failure() {
            return match classify(&failure) {
                Class::NotSent | Class::Throttled | Class::Transient => true,
                // A read, or a delete that gets the task first.
                Class::MaybeDone => failure.endpoint != Endpoint::Create,
                _ => false,
            };
        }
        match self {
            Self::StillRunning(_) => true,
            Self::Download(error) => match &error.cause {
                DownloadCause::Save(SaveError::Send(_)) => true,
                DownloadCause::Save(SaveError::Refused(refusal)) => refusal.is_transient(),
                _ => false,
            },
            _ => false,
        }
    }

    /// How far money had got: whether a task exists. Exit codes and texts follow this, not the
    /// variant.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Config(_) | Self::InvalidRequest(_) => Phase::NotCreated,
            Self::Store(_) => Phase::Unknown,
            Self::Request(_) => Phase::NotCreated,
            Self::OutcomeUnknown(_) => Phase::Unknown,
            Self::AcceptedWithoutId(_)
            | Self::NotPossible(_)
            | Self::TaskEnded(_)
            | Self::StillRunning(_)
            | Self::Download(_) => Phase::Created,
            Self::NotSent(_) | Self::Api(_) | Self::Read(_) => match self.call() {
                Some(call) if call.endpoint == Endpoint::Create => Phase::NotCreated,
                Some(Call { task_id: Some(_), .. }) => Phase::Created,
                _ => Phase::NoTask,
            },
        }
    }

    /// The same error of a request about a task that exists: it could not be asked for, and nothing
    /// else is known.
    pub(crate) fn of_known_task(self) -> Self {
        let (call, cause) = match self {
            Self::NotSent(error) => (error.call, ReadCause::Send(error.cause)),
            Self::Api(error) => (error.call, ReadCause::Answer(error.error)),
            other => return other,
        };
        Self::Read(Box::new(ReadError { call, tries: 1, cause }))
    }

    /// What came in place of an answer, as text.
    pub(crate) fn cause_text(&self) -> Option<String> {
        Some(match self.failure()?.cause {
            Cause::Answer(error) => error.to_string(),
            Cause::Send(error) => error.to_string(),
        })
    }

    /// What came in place of an answer, if this is the error of one request; for [`classify`].
    pub(crate) fn failure(&self) -> Option<Failure<'_>> {
        match self {
            Self::NotSent(error) => Some(Failure::send(error.call.endpoint, &error.cause)),
            Self::Api(error) => Some(Failure::answer(error.call.endpoint, &error.error)),
            Self::Read(error) => Some(match &error.cause {
                ReadCause::Send(cause) => Failure::send(error.call.endpoint, cause),
                ReadCause::Answer(answer) => Failure::answer(error.call.endpoint, answer),
            }),
            _ => None,
        }
    }

    /// Whether a create may have made a task whose id is not known. Sending again could mean a
    /// second bill.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_) | Self::AcceptedWithoutId(_))
    }

    /// What to search for, if a create may have made a task whose id is not known; see
    /// [`crate::Client::reconcile`].
    #[must_use]
    pub fn to_reconcile(&self) -> Option<&UnresolvedCreate> {
        match self {
            Self::OutcomeUnknown(error) => Some(&error.search),
            Self::AcceptedWithoutId(error) => Some(&error.search),
            _ => None,
        }
    }

    /// The service's code, such as `InvalidParameter`; of a failed task, the code of its failure.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let code = match self {
            Self::OutcomeUnknown(error) => error.code.as_deref()?,
            Self::TaskEnded(ended) => {
                let task = &ended.task;
                task.failure()?.code.as_str()
            }
            _ => self.api_error()?.code.as_str(),
        };
        Some(code).filter(|code| !code.is_empty())
    }

    /// HTTP status, if an answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::OutcomeUnknown(error) => error.status,
            Self::AcceptedWithoutId(error) => Some(error.status),
            Self::Read(error) => match &error.cause {
                ReadCause::Send(error) => error.status,
                ReadCause::Answer(error) => Some(error.status),
            },
            _ => self.api_error().map(|error| error.status),
        }
    }

    /// The service's id of the request, for its support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::OutcomeUnknown(error) => error.search.request_id.as_deref(),
            Self::AcceptedWithoutId(error) => error.search.request_id.as_deref(),
            Self::Read(error) => match &error.cause {
                ReadCause::Send(error) => error.request_id.as_deref(),
                ReadCause::Answer(error) => error.request_id.as_deref(),
            },
            Self::Download(error) => match &error.cause {
                DownloadCause::NoLink { request_id, .. } => request_id.as_deref(),
                DownloadCause::Save(_) | DownloadCause::OtherTask(_) => None,
            },
            _ => self.api_error()?.request_id.as_deref(),
        }
    }

    /// Our own id of the request (`X-Client-Request-Id`); none where the trouble is that of several
    /// requests.
    #[must_use]
    pub fn client_request_id(&self) -> Option<&str> {
        match self {
            Self::OutcomeUnknown(error) => error.search.client_request_id.as_deref(),
            Self::AcceptedWithoutId(error) => error.search.client_request_id.as_deref(),
            _ => self.call().map(|call| call.client_request_id.as_str()).filter(|id| !id.is_empty()),
        }
    }

    /// The task it is about. Present in every error after a create that gave an id.
    #[must_use]
    pub fn task_id(&self) -> Option<&str> {
        match self {
            Self::NotPossible(error) => Some(&error.task.id),
            Self::TaskEnded(error) => Some(&error.task.id),
            Self::StillRunning(error) => Some(&error.task_id),
            Self::Download(error) => Some(&error.task_id),
            _ => self.call()?.task_id.as_deref(),
        }
    }

    /// The service's answer, where it is what went wrong.
    #[must_use]
    pub fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(&error.error),
            Self::Read(error) => match &error.cause {
                ReadCause::Answer(error) => Some(error),
                ReadCause::Send(_) => None,
            },
            _ => None,
        }
    }

    /// The kind of error, if the service reported it; of a failed task, the kind of its failure.
    #[must_use]
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::TaskEnded(ended) => {
                let failure = ended.task.failure()?;
                let code = ark_video_model::ErrorCode::from(failure.code.as_str());
                Some(code.info()?.class_of(&failure.message))
            }
            _ => self.api_error().map(ApiError::class),
        }
    }

    /// The name of the variant, for programs: `not_sent`, `outcome_unknown` and so on.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Request(_) => "request",
            Self::InvalidRequest(_) => "invalid_request",
            Self::NotSent(_) => "not_sent",
            Self::Api(_) => "api",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::AcceptedWithoutId(_) => "accepted_without_id",
            Self::Store(_) => "store",
            Self::Read(_) => "read",
            Self::NotPossible(_) => "not_possible",
            Self::TaskEnded(_) => "task_ended",
            Self::StillRunning(_) => "still_running",
            Self::Download(_) => "download",
        }
    }

    fn call(&self) -> Option<&Call> {
        match self {
            Self::NotSent(error) => Some(&error.call),
            Self::Api(error) => Some(&error.call),
            Self::Read(error) => Some(&error.call),
            _ => None,
        }
    }

    /// The error of a question that the service answered with something else.
    pub(crate) fn of_answer(call: Call, error: ApiError) -> Self {
        let class = classify(&Failure::answer(call.endpoint, &error));
        // A success that cannot be read, and a server's trouble, are no refusals; a request for a
        // slower pace is one.
        let trouble = match class {
            Class::Transient | Class::NotSent => error.status != 429,
            Class::MaybeDone => true,
            _ => error.status < 300 && error.code.info().is_none(),
        };
        if trouble {
            return Self::Read(Box::new(ReadError { call, tries: 1, cause: ReadCause::Answer(error) }));
        }
        let class = match class {
            _ if (300..=399).contains(&error.status) => Refusal::Misrouted,
            Class::Throttled | Class::Transient => Refusal::Throttled,
            Class::Account => Refusal::Account,
            _ => Refusal::Caller,
        };
        debug_assert!(call.endpoint != Endpoint::Create);
        Self::Api(Box::new(Refused { call, class, error }))
    }

    /// The error of a question that brought no whole answer.
    pub(crate) fn of_send(call: Call, cause: SendError) -> Self {
        if cause.is_not_sent() {
            return Self::NotSent(Box::new(NotSent { call, cause }));
        }
        Self::Read(Box::new(ReadError { call, tries: 1, cause: ReadCause::Send(cause) }))
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'e> {
            kind: &'static str,
            message: String,
            advice: Cow<'static, str>,
            phase: Phase,
            retryable: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'e str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            status: Option<u16>,
            #[serde(skip_serializing_if = "Option::is_none")]
            task_id: Option<&'e str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'e str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            client_request_id: Option<&'e str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            reconcile: Option<&'e UnresolvedCreate>,
            #[serde(skip_serializing_if = "Option::is_none")]
            report: Option<&'e Report>,
        }
        let fields = Fields {
            kind: self.kind(),
            message: chain(self),
            advice: self.advice(),
            phase: self.phase(),
            retryable: self.is_retryable(),
            code: self.code(),
            status: self.status(),
            task_id: self.task_id(),
            request_id: self.request_id(),
            client_request_id: self.client_request_id(),
            reconcile: self.to_reconcile(),
            report: if let Self::InvalidRequest(report) = self { Some(report) } else { None },
        };
        fields.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;

/// An error with what caused it, one after the other, for the end of a sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

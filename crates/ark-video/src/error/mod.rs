//! The one error of this crate, in the order of how far the request got, and the questions one may ask of it.

mod request;
mod task;
mod unknown_outcome;

use ark_video_model::{check::Report, error_code::ErrorClass};
use ark_video_protocol::{
    ApiError, Cause, Class, Endpoint, Failure, RequestError, classify, outcome::Refusal, reconcile::Unknown,
};
use ark_video_transport::SaveError;

pub use self::{
    request::{Call, ConfigError, NotSent, ReadCause, ReadError, Refused},
    task::{Action, DownloadCause, DownloadError, NotPossible, StillRunning, TaskEnded},
    unknown_outcome::{AcceptedWithoutId, OutcomeUnknown},
};
use crate::checks::Rejection;

/// What went wrong. Its text says what was tried, what happened, whether money may have been spent, and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is missing or wrong; nothing was sent.
    #[error("The client cannot be set up: {0}.")]
    Config(#[from] ConfigError),
    /// The request cannot be written down; nothing was sent.
    #[error("The request cannot be made: {0}. Nothing was sent.")]
    Request(#[from] RequestError),
    /// Our own checks refuse the request; nothing was sent. See [`crate::CheckPolicy`].
    #[error("{}", Rejection(.0))]
    Rejected(Box<Report>),
    /// Nothing left this machine. Trying again is safe, also for a create.
    #[error("{0}")]
    NotSent(Box<NotSent>),
    /// The service answered no; a create made no task.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// Nobody knows whether a create made a task. Never send it again blindly.
    #[error("{0}")]
    OutcomeUnknown(Box<OutcomeUnknown>),
    /// A create was accepted, and its id is lost. Never send it again.
    #[error("{0}")]
    AcceptedWithoutId(Box<AcceptedWithoutId>),
    /// A question (look, list, delete) brought no usable answer. Says nothing about the task.
    #[error("{0}")]
    Read(Box<ReadError>),
    /// The task's state does not allow it; nothing was changed.
    #[error("{0}")]
    NotPossible(NotPossible),
    /// The task is over without a result: failed, expired or cancelled. Not billed.
    #[error("{0}")]
    TaskEnded(TaskEnded),
    /// Waiting ended before the task did.
    #[error("{0}")]
    StillRunning(StillRunning),
    /// The task succeeded, and its result is not on disk.
    #[error("{0}")]
    Download(Box<DownloadError>),
}

/// How far money had got when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// No task was created: nothing was sent, or the service refused the create.
    NotCreated,
    /// A create may have made a task, which is billed if it succeeds.
    Unknown,
    /// It is about a task that was created, and is billed if it succeeds.
    Created,
    /// It is about no task: a list, the models.
    Question,
}

impl Error {
    /// Whether the same call may be made again, without the risk of a second bill and with some hope.
    ///
    /// For a create that is: not sent, or refused because of the pace. For a refusal, wait before trying again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if let Some(failure) = self.failure() {
            return match classify(&failure) {
                Class::NotSent | Class::Throttled | Class::Transient => true,
                // A question, or a delete that looks at the task first.
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

    /// How far money had got: whether a task exists. Exit codes and texts follow this, not the variant.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Config(_) | Self::Rejected(_) => Phase::NotCreated,
            Self::Request(_) => Phase::NotCreated,
            Self::OutcomeUnknown(_) => Phase::Unknown,
            Self::AcceptedWithoutId(_)
            | Self::NotPossible(_)
            | Self::TaskEnded(_)
            | Self::StillRunning(_)
            | Self::Download(_) => Phase::Created,
            Self::NotSent(_) | Self::Refused(_) | Self::Read(_) => match self.call() {
                Some(call) if call.endpoint == Endpoint::Create => Phase::NotCreated,
                Some(Call { task_id: Some(_), .. }) => Phase::Created,
                _ => Phase::Question,
            },
        }
    }

    /// The same error of a request about a task that exists: it could not be asked for, and nothing else is known.
    pub(crate) fn of_known_task(self) -> Self {
        let (call, cause) = match self {
            Self::NotSent(error) => (error.call, ReadCause::Send(error.cause)),
            Self::Refused(error) => (error.call, ReadCause::Answer(error.error)),
            other => return other,
        };
        Self::Read(Box::new(ReadError { call, tries: 1, cause }))
    }

    /// What came in place of an answer, in words.
    pub(crate) fn cause_text(&self) -> Option<String> {
        match self.failure()?.cause {
            Cause::Answer(error) => Some(error.to_string()),
            Cause::Send(error) => Some(error.to_string()),
        }
    }

    /// What came in place of an answer, if this is the error of one request; for [`classify`].
    pub(crate) fn failure(&self) -> Option<Failure<'_>> {
        match self {
            Self::NotSent(error) => Some(Failure::send(error.call.endpoint, &error.cause)),
            Self::Refused(error) => Some(Failure::answer(error.call.endpoint, &error.error)),
            Self::Read(error) => Some(match &error.cause {
                ReadCause::Send(cause) => Failure::send(error.call.endpoint, cause),
                ReadCause::Answer(answer) => Failure::answer(error.call.endpoint, answer),
            }),
            _ => None,
        }
    }

    /// Whether a create may have made a task whose id is not known. Sending again could mean a second bill.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_) | Self::AcceptedWithoutId(_))
    }

    /// What to search for, if a create may have made a task whose id is not known; see [`crate::Client::reconcile`].
    #[must_use]
    pub fn to_reconcile(&self) -> Option<&Unknown> {
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

    /// Our own id of the request (`X-Client-Request-Id`); none where the trouble is that of several requests.
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
            Self::Refused(error) => Some(&error.error),
            Self::Read(error) => match &error.cause {
                ReadCause::Answer(error) => Some(error),
                ReadCause::Send(_) => None,
            },
            _ => None,
        }
    }

    /// What kind of trouble it is, where the service told; of a failed task, the kind of its failure.
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

    fn call(&self) -> Option<&Call> {
        match self {
            Self::NotSent(error) => Some(&error.call),
            Self::Refused(error) => Some(&error.call),
            Self::Read(error) => Some(&error.call),
            _ => None,
        }
    }

    /// The error of a question that the service answered with something else.
    pub(crate) fn of_answer(call: Call, error: ApiError) -> Self {
        let class = classify(&Failure::answer(call.endpoint, &error));
        // A success that cannot be read, and a server's trouble, are no refusals; a request for a slower pace is one.
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
        Self::Refused(Box::new(Refused { call, class, error }))
    }

    /// The error of a question that brought no whole answer.
    pub(crate) fn of_send(call: Call, cause: ark_video_transport::SendError) -> Self {
        if cause.is_not_sent() {
            return Self::NotSent(Box::new(NotSent { call, cause }));
        }
        Self::Read(Box::new(ReadError { call, tries: 1, cause: ReadCause::Send(cause) }))
    }
}

/// An error with what caused it, one after the other, for the end of a sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

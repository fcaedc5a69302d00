//! How a create ended. A wrong word here is a second bill or a lost one, so doubt always means
//! "unknown".
//!
//! | outcome | evidence |
//! |---|---|
//! | not sent | the transport proves that no byte of the body left |
//! | refused | what [`crate::classify`] calls throttled, transient, account or permanent; or a redirect, which no client of ours follows |
//! | accepted | a 2xx with an id that can be used |
//! | accepted without id | a 2xx without one: paid, and to be found by listing |
//! | unknown | everything that [`crate::classify`] calls maybe done |

use ark_video_model::CreateTaskResponse;
use bytes::Bytes;
use http::{Response, header};

use crate::{
    ApiError, Class, Endpoint, EnvelopeKind, Failure, REQUEST_ID, SendError, classify, classify::is_redirect,
    create,
};

/// How a create ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum CreateOutcome {
    /// Nothing left this machine. Sending it again is safe.
    NotSent(SendError),
    /// The service answered no; nothing was created, nothing is billed.
    Refused {
        /// What kind of no, which decides who has to act.
        class: Refusal,
        /// The service's error.
        error: ApiError,
    },
    /// A task exists; it is billed when it succeeds.
    Accepted(CreateTaskResponse),
    /// The service said yes, but its answer names no task. A task very probably exists: find it by
    /// listing, never send again.
    AcceptedWithoutId(Unread),
    /// The request may have arrived. A task may exist.
    Unknown(UnknownReason),
}

impl CreateOutcome {
    /// The created task, or the error that a gateway answers its own caller: see [`ApiError`]'s
    /// `From` implementations. A refusal stays as the service wrote it, also where it is about the
    /// gateway's own account ([`Refusal::Account`]).
    ///
    /// # Errors
    /// Every other outcome. To the caller's client the error means what the outcome means here:
    /// only what was not sent, throttled or transient may be sent again.
    pub fn into_result(self) -> Result<CreateTaskResponse, ApiError> {
        match self {
            Self::Accepted(created) => Ok(created),
            Self::Refused { error, .. } | Self::Unknown(UnknownReason::Answer(error)) => Err(error),
            Self::NotSent(error) | Self::Unknown(UnknownReason::NoAnswer(error)) => Err(error.into()),
            Self::AcceptedWithoutId(unread) => Err(unread.into()),
        }
    }
}

/// Who has to act on a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Too fast or too many at once: the same request may be sent again later.
    Throttled,
    /// A part of the service failed before anything was created: the same request may pass later.
    Transient,
    /// Key, permission, balance, quota or model access: all requests of this account fail until it
    /// is fixed.
    Account,
    /// This request is wrong or not allowed; others may pass.
    Caller,
    /// The base URL leads elsewhere (a redirect).
    Misrouted,
}

/// A success whose answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Unread {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Why there is no id.
    pub why: String,
    /// The service's id of the request, if it came.
    pub request_id: Option<String>,
}

/// Why the outcome of a create is unknown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// No complete answer came.
    NoAnswer(SendError),
    /// An answer came that does not say whether a task was created.
    Answer(ApiError),
}

/// Says how a create ended, from the one answer or failure that the transport reported. Total:
/// every input has a class.
///
/// ```
/// use ark_video_protocol::{SendError, SendErrorKind, outcome::{CreateOutcome, of_create}};
///
/// let accepted = http::Response::new(bytes::Bytes::from(r#"{"id":"cgt-20261130-abcde"}"#));
/// assert!(matches!(of_create(Ok(accepted)), CreateOutcome::Accepted(task) if task.id == "cgt-20261130-abcde"));
///
/// // The connection broke after the body had left: the task may exist, so the request is not sent again.
/// let broken = SendError::maybe_sent(SendErrorKind::Closed, "the connection was reset");
/// assert!(matches!(of_create(Err(broken)), CreateOutcome::Unknown(_)));
/// ```
#[must_use]
pub fn of_create(result: Result<Response<Bytes>, SendError>) -> CreateOutcome {
    match result {
        Ok(answer) => of_answer(&answer),
        Err(failure) => of_failure(failure),
    }
}

fn of_failure(failure: SendError) -> CreateOutcome {
    if failure.is_not_sent() {
        return CreateOutcome::NotSent(failure);
    }
    match failure.status {
        Some(status @ 200..=299) => CreateOutcome::AcceptedWithoutId(Unread {
            status,
            why: failure.message,
            request_id: failure.request_id,
        }),
        Some(status) if is_redirect(status) => {
            let mut error = misrouted(status, None);
            error.request_id = failure.request_id;
            CreateOutcome::Refused { class: Refusal::Misrouted, error }
        }
        _ => CreateOutcome::Unknown(UnknownReason::NoAnswer(failure)),
    }
}

fn of_answer(answer: &Response<Bytes>) -> CreateOutcome {
    let status = answer.status().as_u16();
    if is_redirect(status) {
        let location = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let mut error = misrouted(status, location);
        error.request_id = id_header(answer);
        return CreateOutcome::Refused { class: Refusal::Misrouted, error };
    }
    let error = match create::decode(answer) {
        Ok(created) => return CreateOutcome::Accepted(created),
        Err(error) => error,
    };
    match refusal(&error) {
        Some(class) => CreateOutcome::Refused { class, error },
        None if answer.status().is_success() => CreateOutcome::AcceptedWithoutId(Unread {
            status,
            why: if error.has_code() { error.to_string() } else { error.message },
            request_id: id_header(answer),
        }),
        None => CreateOutcome::Unknown(UnknownReason::Answer(error)),
    }
}

/// Who has to act on a refusal; `None` if it is none, because the service may have acted.
fn refusal(error: &ApiError) -> Option<Refusal> {
    match classify(&Failure::answer(Endpoint::Create, error)) {
        Class::Throttled => Some(Refusal::Throttled),
        Class::Transient => Some(Refusal::Transient),
        Class::Account => Some(Refusal::Account),
        Class::Permanent => Some(Refusal::Caller),
        Class::MaybeDone | Class::NotSent => None,
    }
}

fn misrouted(status: u16, location: Option<&str>) -> ApiError {
    // Scheme and host say enough; a query may hold anything.
    let place = location
        .and_then(|to| to.parse::<http::Uri>().ok())
        .and_then(|to| Some(format!("{}://{}", to.scheme_str()?, to.host()?)))
        .unwrap_or_else(|| "another place".to_owned());
    ApiError::new(
        status,
        "",
        format!("the service answers with a redirect to {place}, which was not followed"),
    )
    .envelope(EnvelopeKind::Other)
}

fn id_header(answer: &Response<Bytes>) -> Option<String> {
    answer.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests;

//! What a failed request means for the question "may the same request be sent again?". The only
//! place that answers it.
//!
//! | class | meaning | create | get, list, models | delete |
//! |---|---|---|---|---|
//! | not sent | provably nothing left this machine | again | again | again |
//! | throttled | rejected by a rate limit, with the vendor's code | retry | retry | retry |
//! | transient | nothing was done, and the same request may pass later | again | again | again |
//! | maybe done | it may have had its effect | never: reconcile | - | after a GET of the task |
//! | account | key, permission, balance or quota | stop | stop | stop |
//! | permanent | the same request would bring the same | stop | stop | stop |
//!
//! "Again" is always bounded, by attempts, time and a budget: see [`crate::retry`]. For a create,
//! doubt is always "maybe done": a 429 counts as throttling only with a code of the error table,
//! under a status of that row, in the nested envelope that the task API itself writes. Everything
//! else that says "slower" (a bare or HTML 429, a gateway's code, a tabled code under another
//! status, an error inside a 200) may come from something that stands between us and a service that
//! has accepted the task. A read loses nothing by being sent again, so there the same answers are
//! transient.

use std::time::Duration;

use ark_video_model::error_code::ErrorClass;

use crate::{
    ApiError, Endpoint, EnvelopeKind, SendError, SendErrorKind, UnixMillis, backoff::RETRY_AFTER_CAP,
};

/// A request that did not bring what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// What was requested: the same answer means less to a question than to a create.
    pub endpoint: Endpoint,
    /// What came instead.
    pub cause: Cause<'a>,
}

/// What came instead of an answer that can be used.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause<'a> {
    /// The service, or something in between, answered something else.
    Answer(&'a ApiError),
    /// No complete answer came.
    Send(&'a SendError),
}

/// Whether the same request may be sent again, and what has to happen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Provably nothing left this machine.
    NotSent,
    /// The service refused it for the pace, and did nothing.
    Throttled,
    /// Nothing was done, or it was a question; the same request may pass later.
    Transient,
    /// It may have had its effect. A create is never retried, a delete only after a GET of the
    /// task.
    MaybeDone,
    /// Key, permission, balance or quota: nothing of this account passes before that is fixed.
    Account,
    /// The same request would bring the same.
    Permanent,
}

impl<'a> Failure<'a> {
    /// An answer that was not the one asked for.
    #[must_use]
    pub fn answer(endpoint: Endpoint, error: &'a ApiError) -> Self {
        Self { endpoint, cause: Cause::Answer(error) }
    }

    /// A request without a complete answer.
    #[must_use]
    pub fn send(endpoint: Endpoint, error: &'a SendError) -> Self {
        Self { endpoint, cause: Cause::Send(error) }
    }

    /// The answer, if one came.
    #[must_use]
    pub fn api_error(&self) -> Option<&'a ApiError> {
        match self.cause {
            Cause::Answer(error) => Some(error),
            Cause::Send(_) => None,
        }
    }

    /// Whether it is throttling by anyone, gateways included: a reason to slow down, not to retry a
    /// create.
    #[must_use]
    pub fn is_too_many_requests(&self) -> bool {
        match classify(self) {
            Class::Throttled => true,
            Class::Account => false,
            _ => self.api_error().is_some_and(|error| error.status == 429),
        }
    }

    /// Whether the answer says that there is no such task.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.api_error().is_some_and(|error| error.status == 404)
    }

    /// How long the service asks to wait, at most [`RETRY_AFTER_CAP`]; `now` is needed where it
    /// names a date.
    #[must_use]
    pub fn retry_after(&self, now: UnixMillis) -> Option<Duration> {
        let after = self.api_error()?.retry_after?;
        Some(after.wait(now).min(RETRY_AFTER_CAP))
    }
}

/// Says what a failure means. Total: every failure has one class.
///
/// ```
/// use ark_video_protocol::{ApiError, Class, Endpoint, Failure, classify};
///
/// let error = ApiError::new(500, "InternalServiceError", "The service failed.");
/// assert_eq!(classify(&Failure::answer(Endpoint::Get, &error)), Class::Transient);
/// assert_eq!(classify(&Failure::answer(Endpoint::Create, &error)), Class::MaybeDone);
/// ```
#[must_use]
pub fn classify(failure: &Failure<'_>) -> Class {
    match (failure.endpoint, failure.cause) {
        (endpoint, Cause::Send(error)) => of_send(endpoint, error),
        (Endpoint::Create, Cause::Answer(error)) => of_create(error),
        (endpoint, Cause::Answer(error)) => of_question(endpoint, error),
    }
}

/// Whether a server with this status may answer otherwise later; for storage, which has no error
/// codes of ours.
pub(crate) fn status_may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 499 | 500..=599)
}

fn of_send(endpoint: Endpoint, error: &SendError) -> Class {
    let final_kind = matches!(error.kind, SendErrorKind::Invalid | SendErrorKind::Redirected);
    match (error.is_not_sent(), final_kind) {
        (true, false) => Class::NotSent,
        (true, true) => Class::Permanent,
        // The head of a redirect is answer enough: it was not followed.
        (false, _) if error.status.is_some_and(is_redirect) => Class::Permanent,
        (false, true) if !acts(endpoint) => Class::Permanent,
        (false, _) => doubt(endpoint),
    }
}

fn of_create(error: &ApiError) -> Class {
    let status = error.status;
    if is_redirect(status) {
        return Class::Permanent;
    }
    // A success without an id, unless the vendor's management API wrote it: that one refuses under
    // 200 as well.
    let refuses = match status {
        200..=299 => error.envelope == EnvelopeKind::Management && error.code.info().is_some(),
        408 | 409 | 425 | 499 => false,
        400..=499 => error.is_from_vendor(),
        _ => false,
    };
    // A rejection that names a task may come from a gateway, after the service accepted the create.
    if !refuses || error.other_id.is_some() {
        return Class::MaybeDone;
    }
    let Some(info) = error.code.info() else {
        return match status {
            // A gateway's throttling does not prove that nothing was created.
            429 => Class::MaybeDone,
            401 | 403 | 404 => Class::Account,
            _ => Class::Permanent,
        };
    };
    let tabled = info.http.contains(&status);
    match info.class_of(&error.message) {
        _ if info.may_have_acted || (status == 429 && !tabled) => Class::MaybeDone,
        ErrorClass::Throttled if !tabled || error.envelope != EnvelopeKind::Nested => Class::MaybeDone,
        ErrorClass::Throttled => slower(status),
        ErrorClass::Server => Class::MaybeDone,
        // There is nothing at this path: no create of this client will find it.
        ErrorClass::Account | ErrorClass::NotFound => Class::Account,
        _ => Class::Permanent,
    }
}

fn of_question(endpoint: Endpoint, error: &ApiError) -> Class {
    let status = error.status;
    if error.other_id.is_some() {
        return Class::Permanent;
    }
    let class = error.class();
    let tabled = error.code.info().is_some_and(|info| info.http.contains(&status));
    match status {
        300..=399 => Class::Permanent,
        // An error inside a success counts as far as the error table knows it.
        200..=299 if !(error.is_from_vendor() && error.code.info().is_some()) => doubt(endpoint),
        200..=299 | 400..=499 => match class {
            ErrorClass::Account => Class::Account,
            ErrorClass::Throttled if tabled && error.is_from_vendor() => slower(status),
            ErrorClass::Throttled | ErrorClass::Server => doubt(endpoint),
            _ if matches!(status, 408 | 425 | 429 | 499) => doubt(endpoint),
            _ => Class::Permanent,
        },
        _ => doubt(endpoint),
    }
}

/// The table's "throttled" is about the pace under 429; under another status a part of the service
/// failed and did nothing.
fn slower(status: u16) -> Class {
    if status == 429 { Class::Throttled } else { Class::Transient }
}

/// What doubt means: a question can be put again, a deed may have been done.
fn doubt(endpoint: Endpoint) -> Class {
    if acts(endpoint) { Class::MaybeDone } else { Class::Transient }
}

fn acts(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Create | Endpoint::Delete)
}

pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 307 | 308)
}

#[cfg(test)]
mod tests;

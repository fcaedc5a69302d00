//! What a gateway answers its own callers: every failure as an [`ApiError`], in the service's
//! envelope.
//!
//! An answer must mean to the caller's client what the failure meant to us ([`crate::classify`]):
//! what was provably not sent may be sent again, and what may have created a task may not.

use ark_video_model::check::Finding;

use crate::{ApiError, RequestError, SendError, SendErrorKind, classify::is_redirect, outcome::Unread};

/// A finding with the code and status that the service would have answered with. The pointer
/// becomes the service's notation: `/content/1/image_url/url` is `content[1].image_url.url`.
impl From<&Finding> for ApiError {
    fn from(finding: &Finding) -> Self {
        // 200: accepted by the service, and failed later. A caller is refused at once.
        let status = finding.http.filter(|status| *status >= 400).unwrap_or(400);
        let code = finding.code.as_deref().unwrap_or("InvalidParameter");
        Self::new(status, code, finding.message.as_str())
            .kind(Self::kind_of(status))
            .param(field_notation(&finding.pointer))
    }
}

/// A request that cannot be written: 400, or 413 for its size. Nothing was sent.
impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let status = if matches!(error, RequestError::TooLarge { .. }) { 413 } else { 400 };
        Self::new(status, "InvalidParameter", error.to_string()).kind(Self::kind_of(status))
    }
}

/// A request without a complete answer. Not sent: 429 `ServerOverloaded`, which may be sent again.
/// Otherwise 504 or 502 `InternalServiceError`, after which it is unknown whether a create left a
/// task.
impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let is_invalid = matches!(error.kind, SendErrorKind::Invalid | SendErrorKind::Redirected);
        let (status, code) = match (error.is_not_sent(), error.status) {
            (true, _) if is_invalid => (400, "InvalidParameter"),
            (true, _) => (429, "ServerOverloaded"),
            (false, Some(status)) if is_redirect(status) => (status, ""),
            (false, _) if error.kind == SendErrorKind::Timeout => (504, "InternalServiceError"),
            (false, _) => (502, "InternalServiceError"),
        };
        let mut answer = Self::new(status, code, error.message).kind(Self::kind_of(status));
        answer.request_id = error.request_id;
        answer
    }
}

/// A create that was accepted without an id: 502 `InternalServiceError`, since a task probably
/// exists.
impl From<Unread> for ApiError {
    fn from(unread: Unread) -> Self {
        let message = format!(
            "The request was accepted, but the answer names no task ({}). A task probably exists and is billed.",
            unread.why
        );
        let mut answer = Self::new(502, "InternalServiceError", message).kind(Self::kind_of(502));
        answer.request_id = unread.request_id;
        answer
    }
}

/// A JSON pointer as the service names a field.
fn field_notation(pointer: &str) -> String {
    let mut path = String::with_capacity(pointer.len());
    for segment in pointer.split('/').skip(1) {
        if !path.is_empty() && !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", segment, "]"]);
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&segment.replace("~1", "/").replace("~0", "~"));
    }
    path
}

#[cfg(test)]
mod tests;

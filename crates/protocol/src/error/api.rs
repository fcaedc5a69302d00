//! An answer that says no, in whatever form it comes: the vendor's three envelopes, a gateway's
//! `detail`, HTML, nothing.
//!
//! [`ApiError::from_answer`] makes one of any answer. Whether the same request may be sent again is
//! decided by [`crate::classify`].

use std::fmt;

use ark_video_model::{ErrorCode, error_code::ErrorClass};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::time::RetryAfter;

/// Header that carries the service's id of a request, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The form in which an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum EnvelopeKind {
    /// `{"error": {"code", "message", "param", "type"}}`: the task API's usual form.
    Nested,
    /// `{"code", "message"}`: the task API's form on some paths, and a habit of gateways.
    Flat,
    /// `{"ResponseMetadata": {"RequestId", "Error": {"Code", "Message"}}}`: the vendor's management
    /// API, also under 200.
    Management,
    /// `{"detail": …}`: a gateway or a web framework in between, never the vendor itself.
    Detail,
    /// JSON in none of these forms.
    Other,
    /// Not JSON: an HTML page, plain text, or nothing at all.
    NotJson,
}

/// An answer that is not the one asked for: a refusal, a server's trouble, or something unreadable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Vendor code such as `InvalidParameter`; the empty string when the answer named none.
    pub code: ErrorCode,
    /// The service's message, or ours if it sent none.
    pub message: String,
    /// The field to blame, for example `content[1].image_url.url`.
    pub param: Option<String>,
    /// The envelope's `type`, for example `BadRequest`.
    pub kind: Option<String>,
    /// The service's id of the request, from the header, the envelope or the end of the message.
    pub request_id: Option<String>,
    /// The form in which the error came.
    pub envelope: EnvelopeKind,
    /// How long the service asks to wait.
    pub retry_after: Option<RetryAfter>,
    /// The id of a task that the answer is about and that was not asked for, as it came.
    pub other_id: Option<String>,
}

impl ApiError {
    /// An error in the nested envelope, to build on with the setters.
    #[must_use]
    pub fn new(status: u16, code: impl Into<ErrorCode>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            param: None,
            kind: None,
            request_id: None,
            envelope: EnvelopeKind::Nested,
            retry_after: None,
            other_id: None,
        }
    }

    /// A request with a parameter that is not valid: 400.
    pub(crate) fn invalid(param: Option<&str>, message: String) -> Self {
        let error = Self::new(400, "InvalidParameter", message).kind("BadRequest");
        if let Some(param) = param { error.param(param) } else { error }
    }

    /// A request for something that is not mounted: 404.
    pub(crate) fn no_such_path(path: &str) -> Self {
        Self::new(404, "ResourceNotFound", format!("There is nothing at {path}.")).kind("NotFound")
    }

    /// Sets the field to blame.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The `type` that the service's envelopes give with a status.
    #[must_use]
    pub fn kind_of(status: u16) -> &'static str {
        match status {
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            429 => "TooManyRequests",
            500.. => "InternalServerError",
            _ => "BadRequest",
        }
    }

    /// Sets the envelope's `type`.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Sets the request id.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Sets the form in which the error is written.
    #[must_use]
    pub fn envelope(mut self, envelope: EnvelopeKind) -> Self {
        self.envelope = envelope;
        self
    }

    /// Sets how long to wait before the next try.
    #[must_use]
    pub fn retry_after(mut self, wait: RetryAfter) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Server half: the error as the vendor would send it.
    #[must_use]
    pub fn encode(&self) -> Response<Bytes> {
        let code = self.code.as_str();
        let mut body = match self.envelope {
            EnvelopeKind::Nested => {
                let mut error = Map::new();
                error.insert("code".into(), code.into());
                error.insert("message".into(), self.message.as_str().into());
                error.insert("param".into(), self.param.as_deref().unwrap_or_default().into());
                if let Some(kind) = &self.kind {
                    error.insert("type".into(), kind.as_str().into());
                }
                json!({ "error": error })
            }
            EnvelopeKind::Flat => json!({ "code": code, "message": self.message }),
            EnvelopeKind::Management => json!({ "ResponseMetadata": {
                "RequestId": self.request_id.as_deref().unwrap_or_default(),
                "Error": { "Code": code, "Message": self.message },
            }}),
            EnvelopeKind::Detail => json!({ "detail": self.message }),
            EnvelopeKind::Other => json!({ "error": self.message }),
            EnvelopeKind::NotJson => Value::Null,
        };
        // A refusal that names a task is not proof that nothing was created; the reader has to see
        // the name too.
        if let (Some(id), Some(fields)) = (&self.other_id, body.as_object_mut()) {
            fields.insert("task_id".into(), id.as_str().into());
        }
        let (kind, body) = match self.envelope {
            EnvelopeKind::NotJson => ("text/plain; charset=utf-8", Bytes::from(self.message.clone())),
            _ => ("application/json", Bytes::from(body.to_string())),
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(id) = self.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        if let Some(wait) = &self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, wait.to_header());
        }
        answer
    }

    /// Whether the answer named a code of its own (a bare number is a gateway's copy of the
    /// status).
    #[must_use]
    pub fn has_code(&self) -> bool {
        self.code.as_str().bytes().any(|byte| !byte.is_ascii_digit())
    }

    /// Whether the service itself said this, in one of its three envelopes and with a code.
    ///
    /// Only then does a refusal prove that nothing was created: a proxy's page may stand in for a
    /// good answer.
    #[must_use]
    pub fn is_from_vendor(&self) -> bool {
        use EnvelopeKind::{Flat, Management, Nested};
        matches!(self.envelope, Nested | Flat | Management) && self.has_code()
    }

    /// What kind of trouble it is.
    ///
    /// By code (and its message, where one code has two meanings) if the error table knows it, else
    /// by status.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        if let Some(info) = self.code.info() {
            return info.class_of(&self.message);
        }
        match self.status {
            401 | 403 => ErrorClass::Account,
            404 => ErrorClass::NotFound,
            409 => ErrorClass::Conflict,
            429 => ErrorClass::Throttled,
            400..=499 if self.status != 408 => ErrorClass::CallerMistake,
            _ => ErrorClass::Server,
        }
    }

    /// What to do next, in one sentence; empty if unknown.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        if let Some(info) = self.code.info() {
            return info.advice_of(&self.message);
        }
        match self.status {
            300..=399 => {
                "Check the base URL: a redirect is never followed, so that the key goes nowhere else."
            }
            401 => "Check the API key; a key works only in the region it was made in.",
            403 => "Check what the key and the account are allowed to do, and whether a bill is overdue.",
            404 => "Check the base URL and the id; task records are kept for 7 days.",
            413 => "Make the request smaller: the limit is 64 MB; give large media by URL.",
            429 => "Ask less often, then again.",
            500..=599 => "Ask again later; if it stays, give the request id to the vendor's support.",
            _ => "",
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.code.as_str().is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end())?;
        }
        match &self.request_id {
            Some(id) if !self.message.contains(id.as_str()) => write!(f, " (request id {id})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}

//! `DELETE /contents/generations/tasks/{id}`: cancels a queued task, deletes the record of a
//! finished one, and refuses a running one with 409.
//!
//! One verb for two intents; which one is meant is for the caller to check first.

use bytes::Bytes;
use http::{Method, Response, request::Parts};
use serde_json::{Map, Value};

use crate::{ApiError, BaseUrl, RequestError, Route, answer, route};

/// Cancels or deletes one task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The task's id, unescaped.
    pub id: String,
}

impl Request {
    /// Cancels or deletes the task with this id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }

    /// Client half. The caller adds the key.
    ///
    /// # Errors
    /// The id is empty, or `.` or `..`.
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        Ok(answer::bare(Method::DELETE, base.join(&route::task_path(&self.id)?, "")?))
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`. A body is ignored:
    /// some clients send `{}`.
    ///
    /// # Errors
    /// Another path.
    pub fn from_http(parts: &Parts, _body: &Bytes, prefix: &str) -> Result<Self, ApiError> {
        match Route::from_parts(parts, prefix)? {
            Route::Delete { id } => Ok(Self { id }),
            _ => Err(ApiError::no_such_path(parts.uri.path())),
        }
    }
}

/// Client half: reads the answer, which holds nothing; an empty body will do.
///
/// # Errors
/// The service refused, or the answer is a page from something else.
pub fn decode(response: &Response<Bytes>) -> Result<(), ApiError> {
    if response.status().is_success() && response.body().iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let members: Map<String, Value> = answer::read(response, answer::MAX_ANSWER, "an object")?;
    answer::refused(response, &members).map_or(Ok(()), Err)
}

/// Server half: writes the answer, `{}`.
#[must_use]
pub fn encode() -> Response<Bytes> {
    answer::ok(&Map::<String, Value>::new())
}

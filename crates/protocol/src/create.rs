//! `POST /contents/generations/tasks`: makes a task, and with it a bill.
//!
//! The service knows no idempotency: two equal POSTs are two tasks. So the answer is not decoded into a plain result
//! here; [`crate::outcome`] says what became of it.

use ark_video_model::{CreateTaskRequest, CreateTaskResponse};
use bytes::Bytes;
use http::{Method, Response, request::Parts};
use serde_json::{Map, Value};

use crate::{
    ApiError, BaseUrl, RequestError, RequestRejected, answer,
    body::{BodyPlan, Source, Token},
    path, route,
};

/// Room for a body without inline media, in bytes: growing towards it costs more than writing it.
const USUAL_BODY: usize = 2 << 10;

/// A create, as both halves see it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The JSON body.
    pub body: CreateTaskRequest,
}

impl Request {
    /// Wraps a request body.
    #[must_use]
    pub fn new(body: CreateTaskRequest) -> Self {
        Self { body }
    }

    /// Client half. The caller adds the key.
    ///
    /// # Errors
    /// The body cannot be written as JSON.
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        to_http(&self.body, base)
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`.
    ///
    /// # Errors
    /// Another path, or a body that is not a create request; JSON errors name line and column.
    pub fn from_http(parts: &Parts, body: &Bytes, prefix: &str) -> Result<Self, RequestRejected> {
        match route::of_parts(parts, prefix)? {
            route::Route::Create => {}
            _ => return Err(RequestRejected::no_such_path(parts.uri.path())),
        }
        serde_json::from_slice(body).map(Self::new).map_err(|error| {
            RequestRejected::invalid(None, format!("The request body is not valid: {error}."))
        })
    }
}

/// As [`Request::to_http`], for a body that stays with its owner.
///
/// # Errors
/// The body cannot be written as JSON.
pub fn to_http(body: &CreateTaskRequest, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
    let mut json = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut json, body).map_err(|error| RequestError::Body(error.to_string()))?;
    Ok(answer::with_json(Method::POST, base.tasks(), json))
}

/// As [`to_http`], for a request in which placeholders stand for files: `find` says which source a token means.
///
/// # Errors
/// The body cannot be written as JSON, is larger than [`crate::body::MAX_BODY`], or holds a placeholder that `find` does
/// not know.
pub fn to_plan(
    body: &CreateTaskRequest,
    base: &BaseUrl,
    find: impl FnMut(&Token) -> Option<Source>,
) -> Result<http::Request<BodyPlan>, RequestError> {
    let (parts, json) = to_http(body, base)?.into_parts();
    Ok(http::Request::from_parts(parts, BodyPlan::new(json, find)?))
}

/// Client half: reads the answer. A success without an id that can be used is an error here, and a paid
/// one:
/// use [`crate::outcome::of_create`] to tell what happened. An id that resellers put elsewhere (`task_id`, `data.id`) is read.
///
/// # Errors
/// The service refused, or the answer cannot be read. A refusal that names a task has it in [`ApiError::other_id`].
pub fn decode(response: &Response<Bytes>) -> Result<CreateTaskResponse, ApiError> {
    let mut created: CreateTaskResponse = answer::read(response, answer::MAX_ANSWER, "a created task")
        .map_err(|error| naming_a_task(error, response))?;
    if created.id.trim().is_empty()
        && let Some(id) = answer::id_elsewhere(&created.extra)
    {
        created.id = id;
        created.extra.remove("id");
    }
    answer::usable(response, &created.id)?;
    Ok(created)
}

/// A refusal whose body names a task: something between the service and us may have refused what the service accepted.
fn naming_a_task(mut error: ApiError, response: &Response<Bytes>) -> ApiError {
    let body = serde_json::from_slice::<Map<String, Value>>(response.body()).unwrap_or_default();
    if let Some(id) = answer::id_elsewhere(&body) {
        error.message = format!("{}; the answer names task {}", error.message, path::shown(&id));
        error.other_id = Some(id);
    }
    error
}

/// Server half: writes the answer.
#[must_use]
pub fn encode(response: &CreateTaskResponse) -> Response<Bytes> {
    answer::ok(response)
}

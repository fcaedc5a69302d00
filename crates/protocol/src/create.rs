//! `POST /contents/generations/tasks`: makes a task, and with it a bill.
//!
//! The service knows no idempotency: two equal POSTs are two tasks. So the answer is not decoded
//! into a plain result here; [`crate::outcome`] says what became of it.

use std::fmt;

use ark_video_model::{
    CreateTaskRequest, CreateTaskResponse,
    catalog::Catalog,
    check::{Facts, check_json},
};
use bytes::Bytes;
use http::{Method, Response, request::Parts};
use serde_json::{Map, Value};

use crate::{
    ApiError, BaseUrl, RequestError, Route, answer,
    body::{BodyPlan, Source, Token},
    changed_body, path,
};

/// Room for a body without inline media, in bytes: growing towards it costs more than writing it.
const USUAL_BODY: usize = 2 << 10;

/// A create, as both halves see it.
///
/// A request that was read keeps the bytes it came as, and sends exactly those on as long as
/// nothing is changed: a gateway does not alter a number, an escape or an unknown field. After a
/// change through [`Request::body_mut`] the changed fields are written again and everything else
/// keeps its text. Of a field that stands twice, the last counts here, and both are sent on.
///
/// ```
/// use ark_video_protocol::{BaseUrl, create};
/// # let base = BaseUrl::parse(BaseUrl::VOLCENGINE)?;
/// # let parts = http::Request::post("/v3/contents/generations/tasks").body(())?.into_parts().0;
/// let received = bytes::Bytes::from(r#"{"model": "m", "content": [], "duration": 5, "strength": 1.10}"#);
/// let mut request = create::Request::from_http(&parts, &received, "/v3")?;
/// assert_eq!(request.to_http(&base)?.body(), &received);
///
/// request.body_mut().duration = Some(8);
/// let sent = request.to_http(&base)?.into_body();
/// assert_eq!(sent, r#"{"content":[],"duration":8,"model":"m","strength":1.10}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Stored as its typed body alone.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Request {
    body: CreateTaskRequest,
    #[serde(skip)]
    received: Option<Bytes>,
    #[serde(skip)]
    is_changed: bool,
}

impl Request {
    /// Wraps a request body.
    #[must_use]
    pub fn new(body: CreateTaskRequest) -> Self {
        Self { body, received: None, is_changed: false }
    }

    /// What is requested.
    #[must_use]
    pub fn body(&self) -> &CreateTaskRequest {
        &self.body
    }

    /// What is requested, to change it. Fields that keep their value keep the text that was
    /// received.
    pub fn body_mut(&mut self) -> &mut CreateTaskRequest {
        self.is_changed = true;
        &mut self.body
    }

    /// What is requested, without the bytes it came as.
    #[must_use]
    pub fn into_body(self) -> CreateTaskRequest {
        self.body
    }

    /// Client half. The caller adds the key.
    ///
    /// # Errors
    /// The body cannot be written as JSON.
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        let json = match &self.received {
            Some(received) if self.is_changed => changed_body::merge(received, &self.body)
                .map_err(|error| RequestError::Body(error.to_string()))?
                .into(),
            Some(received) => received.clone(),
            None => return to_http(&self.body, base),
        };
        Ok(answer::with_json(Method::POST, base.tasks(), json))
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`.
    ///
    /// # Errors
    /// Another path, or a body that is not a create request. The error names the first field that
    /// cannot be read and repeats nothing of the body.
    pub fn from_http(parts: &Parts, body: &Bytes, prefix: &str) -> Result<Self, ApiError> {
        match Route::from_parts(parts, prefix)? {
            Route::Create => {}
            _ => return Err(ApiError::no_such_path(parts.uri.path())),
        }
        match serde_json::from_slice(body) {
            Ok(request) => Ok(Self { received: Some(body.clone()), ..Self::new(request) }),
            Err(error) => Err(unreadable(body, &error)),
        }
    }
}

/// Holds prompts and media: only the typed body is shown, which hides them.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("body", &self.body).finish_non_exhaustive()
    }
}

/// Equal requests ask for the same, whatever the text they came as.
impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

/// Names the field that cannot be read. The parser's own text may quote the prompt, so only its
/// position is used.
fn unreadable(body: &[u8], error: &serde_json::Error) -> ApiError {
    let report = serde_json::from_slice(body)
        .map(|json| check_json(&json, Catalog::builtin(), &Facts::new()).1)
        .unwrap_or_default();
    report.refusals().find(|finding| matches!(&*finding.rule, "required" | "type")).map_or_else(
        || {
            let position = format!("line {} column {}", error.line(), error.column());
            ApiError::invalid(None, format!("The request body is not valid JSON at {position}."))
        },
        ApiError::from,
    )
}

/// As [`Request::to_http`], for a body that stays with its owner.
///
/// # Errors
/// The body cannot be written as JSON.
pub fn to_http(body: &CreateTaskRequest, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
    let mut json = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut json, body).map_err(|error| RequestError::Body(error.to_string()))?;
    Ok(answer::with_json(Method::POST, base.tasks(), json.into()))
}

/// As [`to_http`], for a request in which placeholders stand for files: `find` says which source a
/// token means.
///
/// # Errors
/// The body cannot be written as JSON, is larger than [`crate::body::MAX_BODY`], or holds a
/// placeholder that `find` does not know.
pub fn to_plan(
    body: &CreateTaskRequest,
    base: &BaseUrl,
    find: impl FnMut(&Token) -> Option<Source>,
) -> Result<http::Request<BodyPlan>, RequestError> {
    let (parts, json) = to_http(body, base)?.into_parts();
    Ok(http::Request::from_parts(parts, BodyPlan::new(json, find)?))
}

/// Client half: reads the answer. A success without an id that can be used is an error here, and a
/// paid one: use [`crate::outcome::of_create`] to classify the response. An id that resellers put
/// elsewhere (`task_id`, `data.id`) is read.
///
/// # Errors
/// The service refused, or the answer cannot be read. A refusal that names a task has it in
/// [`ApiError::other_id`].
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

/// A refusal whose body names a task: something between the service and us may have refused what
/// the service accepted.
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

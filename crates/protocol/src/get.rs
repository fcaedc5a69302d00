//! `GET /contents/generations/tasks/{id}`: one task. Readable for 7 days after its creation (get
//! page, 2026-10).

use ark_video_model::Task;
use bytes::Bytes;
use http::{Method, Response, request::Parts};
use serde_json::Value;

use crate::{ApiError, BaseUrl, RequestError, Route, answer, route};

/// Asks for one task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The task's id, unescaped.
    pub id: String,
}

impl Request {
    /// Asks for the task with this id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }

    /// Client half. The caller adds the key.
    ///
    /// # Errors
    /// The id is empty, or `.` or `..`.
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        Ok(answer::bare(Method::GET, base.join(&route::task_path(&self.id)?, "")?))
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`.
    ///
    /// # Errors
    /// Another path.
    pub fn from_http(parts: &Parts, _body: &Bytes, prefix: &str) -> Result<Self, ApiError> {
        match Route::from_parts(parts, prefix)? {
            Route::Get { id } => Ok(Self { id }),
            _ => Err(ApiError::no_such_path(parts.uri.path())),
        }
    }
}

/// Client half: reads the answer to the question for the task with the id `asked`.
///
/// # Errors
/// The service refused, or the answer cannot be read, or is about another task: ids are compared
/// exactly.
pub fn decode(response: &Response<Bytes>, requested: &str) -> Result<Task, ApiError> {
    let mut task: Task = answer::read(response, answer::MAX_ANSWER, "a task")?;
    if let Some(Value::Number(id)) = task.extra.get("id") {
        task.id = id.to_string();
        task.extra.remove("id");
    }
    answer::named(response, &task.id)?;
    ApiError::of_other(requested, &task.id).map_or(Ok(task), Err)
}

/// Server half: writes the answer.
#[must_use]
pub fn encode(task: &Task) -> Response<Bytes> {
    answer::ok(task)
}

//! `GET /models`: the catalogue. Free, so also the cheapest check of a key; a model listed here can
//! still be closed to the account.

use ark_video_model::ModelList;
use bytes::Bytes;
use http::{Method, Response, request::Parts};

use crate::{ApiError, BaseUrl, RequestError, Route, answer, route};

/// Asks for the catalogue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Request;

impl Request {
    /// Asks for the catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Client half. The caller adds the key.
    ///
    /// # Errors
    /// The base URL is too long.
    pub fn to_http(&self, base: &BaseUrl) -> Result<http::Request<Bytes>, RequestError> {
        Ok(answer::bare(Method::GET, base.join(route::MODELS, "")?))
    }

    /// Server half; `prefix` is where the API is mounted, such as `/api/v3`.
    ///
    /// # Errors
    /// Another path.
    pub fn from_http(parts: &Parts, _body: &Bytes, prefix: &str) -> Result<Self, ApiError> {
        match Route::from_parts(parts, prefix)? {
            Route::Models => Ok(Self),
            _ => Err(ApiError::no_such_path(parts.uri.path())),
        }
    }
}

/// Client half: reads the answer.
///
/// # Errors
/// The service refused, or the answer cannot be read.
pub fn decode(response: &Response<Bytes>) -> Result<ModelList, ApiError> {
    let list: ModelList = answer::read(response, answer::MAX_LIST_ANSWER, "a list of models")?;
    answer::refused(response, &list.extra).map_or(Ok(list), Err)
}

/// Server half: writes the answer.
#[must_use]
pub fn encode(list: &ModelList) -> Response<Bytes> {
    answer::ok(list)
}

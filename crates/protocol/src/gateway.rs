//! What a gateway between callers and the service needs beside the endpoints: the key of a request,
//! and the answer passed on. Opens no socket and judges no request.
//!
//! ```
//! use ark_video_protocol::{ApiError, BaseUrl, Route, create, gateway, get};
//! use bytes::Bytes;
//! use http::{Request, request::Parts};
//!
//! /// What to send to the service in place of a caller's request.
//! fn upstream(parts: &Parts, body: &Bytes, base: &BaseUrl) -> Result<Request<Bytes>, ApiError> {
//!     if !gateway::is_authorized(&parts.headers, "key-of-the-caller") {
//!         return Err(ApiError::new(401, "AuthenticationError", "The API key is missing or invalid."));
//!     }
//!     let mut request = match Route::from_parts(parts, "/api/v3")? {
//!         Route::Create => create::Request::from_http(parts, body, "/api/v3")?.to_http(base)?,
//!         Route::Get { id } => get::Request::new(id).to_http(base)?,
//!         _ => return Err(ApiError::new(404, "ResourceNotFound", "This is not offered here.")),
//!     };
//!     gateway::authorize(request.headers_mut(), "key-of-the-gateway")?;
//!     Ok(request)
//! }
//! # let base = BaseUrl::parse(BaseUrl::VOLCENGINE)?;
//! # let get = |key| Request::get("/api/v3/contents/generations/tasks/cgt-1").header("authorization", key).body(());
//! # let parts = get("Bearer key-of-the-caller")?.into_parts().0;
//! let request = upstream(&parts, &Bytes::new(), &base)?;
//! assert_eq!(request.headers()["authorization"], "Bearer key-of-the-gateway");
//! # assert_eq!(upstream(&get("Bearer other")?.into_parts().0, &Bytes::new(), &base).unwrap_err().status, 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};

use crate::{ApiError, REQUEST_ID, RequestError, SendError, callback::same_secret};

/// The key of a request: what follows `Bearer` in its `Authorization` header. `None` if there is
/// none, or an empty one.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(key.trim()).filter(|key| scheme.eq_ignore_ascii_case("bearer") && !key.is_empty())
}

/// Whether a request has this key. The comparison takes the same time wherever the keys differ.
#[must_use]
pub fn is_authorized(headers: &HeaderMap, key: &str) -> bool {
    bearer(headers).is_some_and(|given| same_secret(given, key))
}

/// Puts the key into a request, in place of another. No `Debug` shows it.
///
/// # Errors
/// [`RequestError::Key`]: no header can carry it.
pub fn authorize(headers: &mut HeaderMap, key: &str) -> Result<(), RequestError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| RequestError::Key)?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    Ok(())
}

/// The answer to a gateway's own caller: status, body and `x-request-id` as the service sent them,
/// and of the other headers `content-type` and `retry-after`. A request without a complete answer
/// becomes an error in the service's envelope that means the same: see `ApiError: From<SendError>`.
///
/// Refusals that are about the gateway's own account pass as well; [`crate::outcome::of_create`]
/// finds them.
#[must_use]
pub fn relay(result: Result<Response<Bytes>, SendError>) -> Response<Bytes> {
    let passed = [header::CONTENT_TYPE, header::RETRY_AFTER, REQUEST_ID];
    match result {
        Ok(received) => {
            let (parts, body) = received.into_parts();
            let mut answer = Response::new(body);
            *answer.status_mut() = parts.status;
            for (name, value) in parts.headers.iter().filter(|(name, _)| passed.contains(name)) {
                answer.headers_mut().insert(name, value.clone());
            }
            answer
        }
        Err(error) => ApiError::from(error).encode(),
    }
}

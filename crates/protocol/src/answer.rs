//! What all endpoints share: the head of a request and its id; an answer's bounds, its JSON, and
//! errors that come as a success. Decides nothing.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use serde_json::{Map, Value};

use crate::{ApiError, UnixMillis, path};

/// Largest answer read to a create, get, delete or model list: 1 MiB.
pub const MAX_ANSWER: usize = 1 << 20;
/// Largest answer read to a list of tasks: 64 MiB (a page of 500).
pub const MAX_LIST_ANSWER: usize = 64 << 20;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Header with our own id of a request, so that the vendor's support can find it even when no
/// answer came.
pub const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// Random bytes that one id takes.
pub const REQUEST_ID_RANDOM: usize = 20;

/// Makes an id in the form that official clients use: 14 digits of UTC time and 20 random letters
/// and digits.
#[must_use]
pub fn client_request_id(now: UnixMillis, random: [u8; REQUEST_ID_RANDOM]) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let time = jiff::Timestamp::from_millisecond(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let utc = jiff::tz::Offset::UTC.to_datetime(time);
    let mut id = Vec::with_capacity(14 + REQUEST_ID_RANDOM);
    let year = utc.year().unsigned_abs();
    let rest = [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()];
    let pairs = [year / 100, year % 100].into_iter().chain(rest.map(|part| part.unsigned_abs().into()));
    for pair in pairs {
        id.extend([pair / 10, pair % 10].map(|digit| b'0' + digit as u8));
    }
    id.extend(random.map(|byte| LETTERS[usize::from(byte) % LETTERS.len()]));
    String::from_utf8(id).unwrap_or_default()
}

/// A request without a body.
pub(crate) fn bare(method: Method, uri: Uri) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    // Room for what the client and the HTTP library add.
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, JSON);
    *request.headers_mut() = headers;
    request
}

/// A request with a JSON body.
pub(crate) fn with_json(method: Method, uri: Uri, body: Bytes) -> Request<Bytes> {
    let mut request = bare(method, uri);
    request.headers_mut().insert(header::CONTENT_TYPE, JSON);
    *request.body_mut() = body;
    request
}

/// A 200 with a JSON body. A value that cannot be written (there is none among ours) becomes the
/// vendor's 500.
pub(crate) fn ok<T: serde::Serialize>(value: &T) -> Response<Bytes> {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let mut answer = Response::new(body.into());
            answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
            answer
        }
        Err(error) => ApiError::new(500, "InternalServiceError", error.to_string()).encode(),
    }
}

/// Reads a success of at most `limit` bytes as a `T`; everything else is an error.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    answer: &Response<Bytes>,
    limit: usize,
    what: &str,
) -> Result<T, ApiError> {
    if !answer.status().is_success() {
        return Err(ApiError::from_answer(answer));
    }
    let size = answer.body().len();
    if size > limit {
        let mut error = ApiError::from_answer(&answer.clone().map(|_| Bytes::new()));
        error.message = format!("the answer has {size} bytes, more than the {limit} that are read");
        return Err(error);
    }
    serde_json::from_slice(answer.body())
        .map_err(|error| ApiError::unreadable(answer, format!("the answer is not {what}: {error}")))
}

/// Answers are read leniently, so that any object passes for a task; without an id it is none, but
/// perhaps an error.
pub(crate) fn named(answer: &Response<Bytes>, id: &str) -> Result<(), ApiError> {
    if id.trim().is_empty() {
        return Err(ApiError::unreadable(answer, "the answer holds no task id".to_owned()));
    }
    Ok(())
}

/// The task id of an answer that has none where it belongs: a number for text, or one of the places
/// where resellers put it.
pub(crate) fn id_elsewhere(answer: &Map<String, Value>) -> Option<String> {
    let data = answer.get("data");
    let places = [
        answer.get("id"),
        answer.get("task_id"),
        data.and_then(|data| data.get("id")),
        data.and_then(|data| data.get("task_id")),
    ];
    places.into_iter().flatten().find_map(|id| match id {
        Value::String(id) => Some(id.clone()).filter(|id| path::is_usable(id)),
        Value::Number(id) => Some(id.to_string()).filter(|_| id.is_u64()),
        _ => None,
    })
}

/// An id that nobody could ever ask for is none.
pub(crate) fn usable(answer: &Response<Bytes>, id: &str) -> Result<(), ApiError> {
    named(answer, id)?;
    if path::is_usable(id) {
        return Ok(());
    }
    let why = format!("the answer gives the id {}, which no address can hold", path::shown(id));
    Err(ApiError::unreadable(answer, why))
}

/// Whether the members of a success that no field took are an error envelope.
///
/// Needed where every field is optional, so that `{"error": …}` would read as an empty list.
pub(crate) fn refused(answer: &Response<Bytes>, left_over: &Map<String, Value>) -> Option<ApiError> {
    if left_over.is_empty() {
        return None;
    }
    ApiError::from_json(answer.status().as_u16(), &Value::Object(left_over.clone()))
        .map(|_| ApiError::from_answer(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_fourteen_digits_of_utc_and_twenty_letters_or_digits() {
        let random = std::array::from_fn(|at| at as u8 * 13);
        assert_eq!(client_request_id(1_795_342_530_999, random), "202611221015300DQdq3GTgt6JWjw9MZmz");
    }

    #[test]
    fn a_clock_far_off_still_gives_an_id() {
        for now in [i64::MIN, -1, i64::MAX] {
            assert!(client_request_id(now, [255; REQUEST_ID_RANDOM]).len() >= 34);
        }
    }
}

//! From any answer to an [`ApiError`]. Never fails, and never repeats a body that is not in a known
//! format.

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use serde_json::{Map, Value};

use crate::{ApiError, EnvelopeKind, REQUEST_ID, path::shown, time::RetryAfter};

/// Longest message kept, in bytes; what servers add beyond it is dropped.
const MESSAGE_LIMIT: usize = 8 * 1024;

impl ApiError {
    /// Client half: reads an answer that is not a success, or a success that cannot be read.
    #[must_use]
    pub fn from_answer(answer: &Response<Bytes>) -> Self {
        let status = answer.status().as_u16();
        let mut error = match serde_json::from_slice::<Value>(answer.body()) {
            Ok(json) => Self::from_json(status, &json).unwrap_or_else(|| {
                Self::new(status, "", "the answer is JSON, but not in a known error format")
                    .envelope(EnvelopeKind::Other)
            }),
            Err(_) => Self::new(status, "", describe(answer.headers(), answer.body()))
                .envelope(EnvelopeKind::NotJson),
        };
        error.take_headers(answer.headers());
        error
    }

    /// An answer that succeeded by its status and still is not what was asked for.
    pub(crate) fn unreadable(answer: &Response<Bytes>, why: String) -> Self {
        let mut error = Self::from_answer(answer);
        if !error.has_code() {
            error.message = if error.envelope == EnvelopeKind::NotJson { error.message } else { why };
        }
        error
    }

    /// An answer about another task than the one that was asked for; `None` if it is the one. Ids
    /// are compared exactly.
    pub(crate) fn of_other(requested: &str, came: &str) -> Option<Self> {
        if requested == came {
            return None;
        }
        let message = format!("the answer is about task {}, not about {}", shown(came), shown(requested));
        let mut error = Self::new(200, "", message).envelope(EnvelopeKind::Other);
        error.other_id = Some(clip(came));
        Some(error)
    }

    /// The error envelope in `json`, if there is one.
    pub(crate) fn from_json(status: u16, json: &Value) -> Option<Self> {
        let object = json.as_object()?;
        if let Some(error) = object.get("ResponseMetadata").and_then(|metadata| metadata.get("Error")) {
            let error = error.as_object()?;
            let mut read = Self::read(status, error, ["Code", "Message"], EnvelopeKind::Management);
            read.request_id =
                object.get("ResponseMetadata").and_then(|m| text(m.get("RequestId"))).or(read.request_id);
            return Some(read);
        }
        match object.get("error") {
            Some(Value::Object(error)) => {
                return Some(Self::read(status, error, ["code", "message"], EnvelopeKind::Nested));
            }
            Some(Value::String(message)) => {
                return Some(Self::new(status, "", clip(message)).envelope(EnvelopeKind::Other).tail_id());
            }
            _ => {}
        }
        if object.contains_key("message") && !object.contains_key("id") {
            return Some(Self::read(status, object, ["code", "message"], EnvelopeKind::Flat));
        }
        let detail = match object.get("detail")? {
            Value::String(message) => message.clone(),
            Value::Array(findings) => findings.iter().map(finding).collect::<Vec<_>>().join("; "),
            other => text(Some(other)).or_else(|| text(other.get("message")))?,
        };
        Some(Self::new(status, "", clip(&detail)).envelope(EnvelopeKind::Detail).tail_id())
    }

    fn read(
        status: u16,
        object: &Map<String, Value>,
        [code, message]: [&str; 2],
        envelope: EnvelopeKind,
    ) -> Self {
        let code = text(object.get(code)).unwrap_or_default();
        let message = text(object.get(message)).unwrap_or_default();
        let mut error = Self::new(status, code.as_str(), clip(&message)).envelope(envelope);
        error.param = text(object.get("param"));
        error.kind = text(object.get("type"));
        error.tail_id()
    }

    fn tail_id(mut self) -> Self {
        self.request_id = self.request_id.or_else(|| id_in_message(&self.message));
        self
    }

    fn take_headers(&mut self, headers: &HeaderMap) {
        let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
        if let Some(id) = id {
            self.request_id = Some(clip(id));
        }
        self.retry_after = RetryAfter::from_headers(headers);
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One entry of a `detail` list as web frameworks write it: `{"loc": ["body", "model"], "msg": …}`.
fn finding(entry: &Value) -> String {
    let Some(message) = text(entry.get("msg")) else { return text(Some(entry)).unwrap_or_default() };
    let place: Vec<String> = entry
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|part| text(Some(part)))
        .collect();
    if place.is_empty() { message } else { format!("{}: {message}", place.join(".")) }
}

/// The id at the end of a vendor's message: `… Request id: 0217…`.
fn id_in_message(message: &str) -> Option<String> {
    let mark = "request id:";
    let at = message.to_ascii_lowercase().rfind(mark)?;
    let id = message.get(at + mark.len()..)?.trim().trim_end_matches(['.', ')', '"']);
    let plausible = !id.is_empty()
        && id.len() <= 128
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    plausible.then(|| id.to_owned())
}

/// Cuts to the limit at a character's edge (`str::floor_char_boundary` is newer than the oldest
/// compiler we promise).
fn clip(text: &str) -> String {
    let end = (0..=MESSAGE_LIMIT.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[..end].to_owned()
}

/// Describes a body that is not JSON without repeating it: it may contain anything.
fn describe(headers: &HeaderMap, body: &[u8]) -> String {
    if body.is_empty() {
        return "the answer is empty".to_owned();
    }
    let start = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let lower = start.to_ascii_lowercase();
    if lower.trim_start().starts_with('<') {
        let title = lower.find("<title>").map(|at| at + "<title>".len()).and_then(|from| {
            let len = lower[from..].find("</title>")?;
            Some(start.get(from..from + len)?.split_whitespace().collect::<Vec<_>>().join(" "))
        });
        return match title.filter(|title| !title.is_empty() && title.len() <= 120) {
            Some(title) => {
                format!("the answer is an HTML page titled \"{title}\", not the service's own format")
            }
            None => "the answer is an HTML page, not the service's own format".to_owned(),
        };
    }
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no content type");
    format!("the answer is not whole JSON ({} bytes, {kind})", body.len())
}

#[cfg(test)]
mod tests;

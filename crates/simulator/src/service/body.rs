//! From the bytes of a create to a typed request, with the violations that the service reports.
//!
//! The protocol crate decodes a create as well, but reports `InvalidParameter` for everything; the
//! service distinguishes a missing field from a wrong one and names the path.

use ark_video_model::{ContentItem, CreateTaskRequest};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{
    content::shorten,
    violation::{Checked, Violation},
};
use crate::{catalog::Lookups, options::Options};

/// Refuses a body that is too large, by what was announced or by what came.
pub(crate) fn check_size(headers: &HeaderMap, body: &Bytes, options: &Options) -> Checked<()> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let most = options.catalog.body_bytes();
    if body.len().max(announced.unwrap_or(0)) <= most {
        return Ok(());
    }
    let status = if options.switches.is("oversize-body-status", "413") { 413 } else { 400 };
    let message = format!("The request body is larger than {most} bytes; give large media by URL.");
    Err(Violation::new(status, "InvalidParameter", message))
}

/// Reads a request whose shape has nothing wrong, in one go. `None` is for the steps below, which
/// say what is wrong with the others.
pub(crate) fn whole(body: &Bytes) -> Option<CreateTaskRequest> {
    // UTF-8 is validated once for the whole body: from bytes, serde would check each string.
    let request: CreateTaskRequest = serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
    let known = request.content.iter().all(|item| !matches!(item, ContentItem::Other(_)));
    (known && !request.model.is_empty()).then_some(request)
}

/// Reads the JSON object.
pub(crate) fn object(body: &Bytes) -> Checked<Map<String, Value>> {
    let wrong = |why: String| {
        Violation::new(400, "InvalidParameter", format!("The request body is not valid: {why}."))
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong("it must be a JSON object".to_owned())),
        Err(error) => Err(wrong(format!("it is not JSON: {error}"))),
    }
}

/// The `model`, which is checked first.
pub(crate) fn model(object: &Map<String, Value>) -> Checked<&str> {
    match object.get("model") {
        None | Some(Value::Null) => Err(Violation::missing("model")),
        Some(Value::String(model)) if model.is_empty() => Err(Violation::missing("model")),
        Some(Value::String(model)) => Ok(model),
        Some(_) => Err(Violation::invalid("model", "it must be a text")),
    }
}

/// Reads everything else.
pub(crate) fn request(object: Map<String, Value>) -> Checked<CreateTaskRequest> {
    match object.get("content") {
        None | Some(Value::Null) => return Err(Violation::missing("content")),
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                check_item(at, item)?;
            }
        }
        Some(_) => return Err(Violation::invalid("content", "it must be a list")),
    }
    // The decoder names the path of every wrong field except an integer.
    for name in ["duration", "execution_expires_after", "frames", "priority", "seed"] {
        if object.get(name).is_some_and(|value| !value.is_null() && !is_whole(value)) {
            return Err(Violation::invalid(name, "it must be a whole number"));
        }
    }
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let path = error.path().to_string();
        Violation::invalid(
            if path == "." { String::new() } else { path },
            shorten_reason(&error.into_inner().to_string()),
        )
    })
}

/// What each kind of item must hold: its own field, an object with one text, or the text itself.
fn check_item(at: usize, item: &Value) -> Checked<()> {
    let Some(item) = item.as_object() else {
        return Err(Violation::invalid(format!("content[{at}]"), "it must be an object"));
    };
    let kind = match item.get("type") {
        None | Some(Value::Null) => return Err(Violation::missing(format!("content[{at}].type"))),
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(Violation::invalid(format!("content[{at}].type"), "it must be a text")),
    };
    let inner = match kind {
        "text" => None,
        "image_url" | "video_url" | "audio_url" => Some("url"),
        "draft_task" => Some("id"),
        _ => return Ok(()), // `content.rs` says which kinds there are.
    };
    let path = format!("content[{at}].{kind}");
    let text = |value: Option<&Value>, path: String| match value {
        None | Some(Value::Null) => Err(Violation::missing(path)),
        Some(Value::String(_)) => Ok(()),
        Some(_) => Err(Violation::invalid(path, "it must be a text")),
    };
    match (item.get(kind), inner) {
        (value, None) => text(value, path),
        (None | Some(Value::Null), Some(_)) => Err(Violation::missing(path)),
        (Some(Value::Object(payload)), Some(inner)) => text(payload.get(inner), format!("{path}.{inner}")),
        (Some(_), Some(inner)) => {
            Err(Violation::invalid(path, format!("it must be an object with `{inner}`")))
        }
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.as_f64().is_some_and(|number| !value.is_u64() && number.fract() == 0.0)
}

/// A decoder's reason, with quoted client text shortened.
fn shorten_reason(reason: &str) -> String {
    let short = reason
        .split('`')
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 { shorten(part) } else { part.to_owned() });
    short.collect::<Vec<_>>().join("`").chars().take(300).collect()
}

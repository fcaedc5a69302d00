//! JSON that does not decode: every missing member and every wrong type at once, with its place.
//!
//! Decoding stops at the first mistake and names it in its own words; here the schema's shape is walked instead.

use serde::Deserialize as _;
use serde_json::Value;

use super::place::{Order, escaped};
use super::report::{Report, Sink, quoted};
use super::{Facts, Place};
use crate::CreateTaskRequest;
use crate::catalog::Catalog;
use crate::generated::CREATE_TASK_REQUEST;

/// The members of an object of a request.
pub(crate) struct Shape {
    pub(crate) members: &'static [Member],
}

/// A member of an object.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
}

/// What a member holds.
pub(crate) enum Kind {
    Text,
    Flag,
    Integer,
    #[allow(dead_code, reason = "no request has one today")]
    Any,
    Object(&'static Shape),
    /// Objects told apart by the text of a member.
    Union(&'static str, &'static [(&'static str, &'static Shape)]),
    List(&'static Kind),
}

/// A request as far as it could be read, and everything that can be said of it.
///
/// ```
/// use ark_video_model::{Catalog, Facts, check_json};
///
/// let body = serde_json::json!({ "model": "doubao-seedance-2-0-260128", "duration": "5" });
/// let (request, report) = check_json(&body, Catalog::builtin(), &Facts::new());
/// assert!(request.is_none());
/// let places: Vec<&str> = report.findings.iter().map(|finding| finding.pointer.as_str()).collect();
/// assert_eq!(places, ["/content", "/duration"]);
/// ```
pub fn check_json(body: &Value, catalog: &Catalog, facts: &Facts) -> (Option<CreateTaskRequest>, Report) {
    let mut sink = Sink::default();
    object(body, &CREATE_TASK_REQUEST, String::new(), "", &mut sink);
    if !sink.findings.is_empty() {
        return (None, sink.into_report());
    }
    match CreateTaskRequest::deserialize(body) {
        Ok(request) => {
            let report = request.check_with(catalog, facts);
            (Some(request), report)
        }
        // The walk above finds what decoding finds; should it ever not, the request is not lost in silence.
        Err(_) => {
            sink.say("type", Place::Whole, "This cannot be read as a create request.".into());
            (None, sink.into_report())
        }
    }
}

fn object(value: &Value, shape: &Shape, pointer: String, name: &str, sink: &mut Sink) {
    let Value::Object(members) = value else {
        return wrong(sink, pointer, name, "an object", value);
    };
    for member in shape.members {
        let pointer = format!("{pointer}/{}", member.name);
        match members.get(member.name) {
            None | Some(Value::Null) if member.required => missing(sink, pointer, member.name),
            None | Some(Value::Null) => {}
            Some(value) => kind(value, &member.kind, pointer, member.name, sink),
        }
    }
}

fn kind(value: &Value, kind_: &Kind, pointer: String, name: &str, sink: &mut Sink) {
    match kind_ {
        Kind::Any => {}
        Kind::Text if value.is_string() => {}
        Kind::Text => wrong(sink, pointer, name, "a text", value),
        Kind::Flag if value.is_boolean() => {}
        Kind::Flag => wrong(sink, pointer, name, "true or false", value),
        Kind::Integer if is_whole(value) => {}
        Kind::Integer => wrong(sink, pointer, name, "a whole number", value),
        Kind::Object(shape) => object(value, shape, pointer, name, sink),
        Kind::Union(tag, branches) => {
            let Value::Object(members) = value else { return wrong(sink, pointer, name, "an object", value) };
            match members.get(*tag) {
                Some(Value::String(word)) => {
                    if let Some((_, shape)) = branches.iter().find(|(known, _)| known == word) {
                        object(value, shape, pointer, name, sink);
                    }
                }
                None => missing(sink, format!("{pointer}/{tag}"), tag),
                Some(other) => wrong(sink, format!("{pointer}/{tag}"), tag, "a text", other),
            }
        }
        Kind::List(item) => {
            let Value::Array(items) = value else { return wrong(sink, pointer, name, "a list", value) };
            for (index, value) in items.iter().enumerate() {
                kind(value, item, format!("{pointer}/{index}"), name, sink);
            }
        }
    }
}

/// What decoding takes as a whole number: `5`, and `5.0` as long as it is exact.
fn is_whole(value: &Value) -> bool {
    value.is_i64()
        || value.as_f64().is_some_and(|float| {
            value.is_f64() && float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0
        })
}

fn missing(sink: &mut Sink, pointer: String, name: &str) {
    let finding = sink.say("required", Place::Whole, format!("`{name}` is missing."));
    finding.advice("Add it.").code(format!("MissingParameter.{name}"));
    place(sink, pointer);
}

fn wrong(sink: &mut Sink, pointer: String, name: &str, wanted: &str, found: &Value) {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => quoted(&number.to_string()),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    let what = if name.is_empty() { "A create request".to_owned() } else { format!("`{}`", escaped(name)) };
    let finding = sink.say("type", Place::Whole, format!("{what} is {found}, and must be {wanted}."));
    finding.advice("Change its type.");
    place(sink, pointer);
}

/// The last finding gets its place; the walk makes them in the order of the schema already.
fn place(sink: &mut Sink, pointer: String) {
    let count = sink.findings.len();
    if let Some(finding) = sink.findings.last_mut() {
        finding.pointer = pointer;
        finding.order = Order::nth(count);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(body: &Value) -> Vec<(String, &'static str)> {
        let (request, report) = check_json(body, Catalog::builtin(), &Facts::new());
        assert_eq!(
            request.is_none(),
            report.findings.iter().any(|f| matches!(f.rule, "required" | "type")),
            "{report}"
        );
        report.findings.into_iter().map(|finding| (finding.pointer, finding.rule)).collect()
    }

    #[test]
    fn everything_that_does_not_decode_is_named() {
        let body = json!({ "model": 5, "content": [
            { "type": "text" }, { "text": "x" }, { "type": "image_url", "image_url": "https://a.example.com/b.png" },
            { "type": "audio_url", "audio_url": { "url": null }, "role": 1 }, 7, { "type": 3 }, { "type": "hologram" }
        ], "watermark": "no", "duration": 5.5, "seed": 1e300, "tools": {}, "draft": null });
        assert_eq!(
            findings(&body),
            [
                ("/model", "type"),
                ("/content/0/text", "required"),
                ("/content/1/type", "required"),
                ("/content/2/image_url", "type"),
                ("/content/3/audio_url/url", "required"),
                ("/content/3/role", "type"),
                ("/content/4", "type"),
                ("/content/5/type", "type"),
                ("/duration", "type"),
                ("/watermark", "type"),
                ("/seed", "type"),
                ("/tools", "type"),
            ]
            .map(|(pointer, rule)| (pointer.to_owned(), rule))
        );
    }

    #[test]
    fn what_is_missing_has_the_code_of_the_service() {
        let (_, report) = check_json(&json!({ "model": "m" }), Catalog::builtin(), &Facts::new());
        assert_eq!(report.findings[0].code.as_deref(), Some("MissingParameter.content"));
        assert_eq!(findings(&json!([])), [(String::new(), "type")]);
        assert!(
            findings(
                &json!({ "model": "ep-1", "content": [{ "type": "text", "text": "x" }], "duration": 5.0 })
            )
            .is_empty()
        );
    }
}

//! JSON that does not decode: every missing field and every wrong type at once, with its path, and
//! what can be said of the rest beside it.
//!
//! Decoding stops at the first error with a message of serde; here the schema's shape is walked
//! instead.

use serde::Deserialize as _;
use serde_json::Value;

use super::json_shape::{Kind, Shape};
use super::pointer::{Order, escaped};
use super::repair::{self, Repairs};
use super::report::{Report, Sink, quoted};
use super::{Facts, Pointer};
use crate::CreateTaskRequest;
use crate::catalog::Catalog;
use crate::generated::CREATE_TASK_REQUEST;

/// A request as far as it could be read, and everything that can be said of it.
///
/// ```
/// use ark_video_model::{catalog::Catalog, check::{Facts, check_json}};
///
/// let body = serde_json::json!({ "model": "doubao-seedance-2-0-260128", "duration": "5" });
/// let (request, report) = check_json(&body, Catalog::builtin(), &Facts::new());
/// assert!(request.is_none());
/// let places: Vec<&str> = report.findings.iter().map(|finding| finding.pointer.as_str()).collect();
/// assert_eq!(places, ["/content", "/duration"]);
/// ```
pub fn check_json(body: &Value, catalog: &Catalog, facts: &Facts) -> (Option<CreateTaskRequest>, Report) {
    let mut walk = Walk::default();
    walk.object(body, &CREATE_TASK_REQUEST, String::new(), "");
    let Walk { mut sink, repairs } = walk;
    if !sink.findings.is_empty() {
        if let Some(request) = repairs.readable(body) {
            let rest = request.checked(catalog, facts, !repairs.lost_content());
            sink.findings.extend(rest.findings.into_iter().filter(|finding| repairs.keeps(&finding.pointer)));
            sink.notes.extend(rest.notes);
        }
        return (None, sink.into_report());
    }
    match CreateTaskRequest::deserialize(body) {
        Ok(request) => {
            let report = request.check_with(catalog, facts);
            (Some(request), report)
        }
        // The walk above finds what decoding finds; should it ever not, the request is not lost in
        // silence.
        Err(_) => {
            sink.push("type", Pointer::Whole, "This is not a valid create request.".into());
            (None, sink.into_report())
        }
    }
}

/// The JSON type of a field of a create request: `string`, `integer`, `boolean`, `array` or
/// `object`; `None` for an unknown field.
///
/// ```
/// use ark_video_model::check::field_type;
///
/// assert_eq!((field_type("duration"), field_type("durations")), (Some("integer"), None));
/// ```
#[must_use]
pub fn field_type(name: &str) -> Option<&'static str> {
    let field = CREATE_TASK_REQUEST.members.iter().find(|field| field.name == name)?;
    Some(match field.kind {
        Kind::Text => "string",
        Kind::Flag => "boolean",
        Kind::Integer => "integer",
        Kind::List(_) => "array",
        Kind::Object(_) | Kind::Union(..) | Kind::Any => "object",
    })
}

/// A walk along the schema: what is said, and what is to be done so that the rest can be read.
#[derive(Default)]
struct Walk {
    sink: Sink,
    repairs: Repairs,
}

impl Walk {
    fn object(&mut self, value: &Value, shape: &'static Shape, pointer: String, name: &str) {
        let Value::Object(members) = value else {
            return self.wrong(pointer, name, &Kind::Object(shape), value);
        };
        for member in shape.members {
            let pointer = format!("{pointer}/{}", member.name);
            match members.get(member.name) {
                None | Some(Value::Null) if member.required => self.missing(pointer, member.name, ""),
                None | Some(Value::Null) => {}
                Some(value) => self.kind(value, &member.kind, pointer, member.name),
            }
        }
    }

    fn kind(&mut self, value: &Value, kind: &Kind, pointer: String, name: &str) {
        match kind {
            Kind::Any => {}
            Kind::Text if value.is_string() => {}
            Kind::Flag if value.is_boolean() => {}
            Kind::Integer if is_whole(value) => {}
            Kind::Text | Kind::Flag | Kind::Integer => self.wrong(pointer, name, kind, value),
            Kind::Object(shape) => self.object(value, shape, pointer, name),
            Kind::Union(tag, branches) => {
                let Value::Object(members) = value else { return self.wrong(pointer, name, kind, value) };
                let at = format!("{pointer}/{tag}");
                let word = match members.get(*tag) {
                    Some(Value::String(word)) => word.as_str(),
                    None => match repair::tag_of(members, branches) {
                        None => return self.missing(at, tag, ""),
                        Some(meant) => {
                            self.missing(at.clone(), tag, &format!("Add `\"{tag}\": \"{meant}\"`."));
                            self.repairs.write(at, meant.into());
                            meant
                        }
                    },
                    Some(other) => return self.wrong(at, tag, &Kind::Text, other),
                };
                if let Some((_, shape)) = branches.iter().find(|(known, _)| *known == word) {
                    self.object(value, shape, pointer, name);
                }
            }
            Kind::List(item) => {
                let Value::Array(items) = value else { return self.wrong(pointer, name, kind, value) };
                for (index, value) in items.iter().enumerate() {
                    self.kind(value, item, format!("{pointer}/{index}"), name);
                }
            }
        }
    }

    fn missing(&mut self, pointer: String, name: &str, advice: &str) {
        let finding = self.sink.push("required", Pointer::Whole, format!("`{name}` is missing."));
        let advice = if advice.is_empty() { "Add it." } else { advice };
        finding.advice(advice.to_owned()).code(format!("MissingParameter.{name}"));
        if advice == "Add it." {
            self.repairs.lose(&pointer);
        }
        set_pointer(&mut self.sink, pointer);
    }

    fn wrong(&mut self, pointer: String, name: &str, kind: &Kind, value: &Value) {
        let (found, wanted) = (found(value), wanted(kind));
        let what =
            if name.is_empty() { "A create request".to_owned() } else { format!("`{}`", escaped(name)) };
        let message = format!("{what} is {found}, and must be {wanted}.");
        let advice = match repair::meant(value, kind) {
            Some((meant, advice)) => {
                self.repairs.write(pointer.clone(), meant);
                advice
            }
            None => {
                self.repairs.lose(&pointer);
                "Change its type.".to_owned()
            }
        };
        self.sink.push("type", Pointer::Whole, message).advice(advice);
        set_pointer(&mut self.sink, pointer);
    }
}

/// What decoding takes as a whole number: `5`, and `5.0` as long as it is exact.
fn is_whole(value: &Value) -> bool {
    value.is_i64()
        || value.as_f64().is_some_and(|float| {
            value.is_f64() && float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0
        })
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => quoted(&number.to_string()),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "a string",
        Kind::Flag => "true or false",
        Kind::Integer => "an integer",
        Kind::List(_) => "a list",
        Kind::Any | Kind::Object(_) | Kind::Union(..) => "an object",
    }
}

/// The last finding gets its place; the walk makes them in the order of the schema already.
fn set_pointer(sink: &mut Sink, pointer: String) {
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
            report.findings.iter().any(|f| matches!(&*f.rule, "required" | "type")),
            "{report}"
        );
        report.findings.into_iter().map(|finding| (finding.pointer.clone(), finding.rule_name())).collect()
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
                ("/content/6/type", "kind"),
            ]
            .map(|(pointer, rule)| (pointer.to_owned(), rule))
        );
    }

    /// What a wrong shape hides is said beside it, and nothing that only follows from it.
    #[test]
    fn the_rest_is_checked_too() {
        let said = |body: Value| {
            let (request, report) = check_json(&body, Catalog::builtin(), &Facts::new());
            assert!(request.is_none());
            report
                .findings
                .into_iter()
                .map(|f| format!("{} {}: {}", f.pointer, f.rule_name(), f.advice))
                .collect::<Vec<_>>()
        };
        let model = "doubao-seedance-2-0-260128";
        let text = json!({ "type": "text", "text": "x" });
        let frame = "https://a.example.com/b c.png";
        for (body, findings) in [
            (
                json!({ "model": model, "content": [text], "duration": "45", "resolution": "9k", "watermark": "false" }),
                &[
                    "/duration type: Write 45, without quotes.",
                    "/watermark type: Write false, without quotes.",
                    "/duration duration",
                    "/resolution resolution: Choose one of these",
                ][..],
            ),
            (
                json!({ "model": model, "content": [{ "text": "x" }, { "image_url": frame }] }),
                &[
                    "/content/0/type required: Add `\"type\": \"text\"`.",
                    "/content/1/type required: Add `\"type\": \"image_url\"`.",
                    "/content/1/image_url type: Write `{\"url\": …}` there.",
                    "/content/1/image_url/url media-address",
                ],
            ),
            (
                json!({ "model": model, "content": "x", "seconds": 5 }),
                &[
                    "/content type: Write it as a list: `[{\"type\": \"text\", \"text\": …}]`.",
                    "/seconds unknown-member: Write `duration`",
                ],
            ),
            (
                json!({ "model": model, "prompt": "x", "ratio": "7:5" }),
                &["/content required", "/ratio word", "/prompt unknown-member"],
            ),
            // The first frame cannot be read: that the last one is alone follows from it.
            (
                json!({ "model": model, "content": [
                    { "type": "image_url", "image_url": 5, "role": "first_frame" },
                    { "type": "image_url", "image_url": { "url": "https://a.example.com/b.png" }, "role": "last_frame" } ] }),
                &["/content/0/image_url type: Change its type."],
            ),
            (
                json!({ "content": [text], "seed": "x", "fps": 24 }),
                &["/model required", "/seed type", "/fps unknown-member"],
            ),
        ] {
            let said = said(body);
            assert_eq!(said.len(), findings.len(), "{said:#?}");
            for (said, expected) in said.iter().zip(findings) {
                assert!(said.starts_with(expected), "{said} is not {expected}");
            }
        }
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

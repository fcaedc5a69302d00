//! The prepared edits. Each starts from the document that is in `schema/vendor` now, so that they outlive an update of it.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Case, Expected, Then, openapi, page};
use crate::codegen;
use crate::schema::diff::{Bump, Class};
use crate::schema::import::Imported;
use crate::schema::source;

const PAGE: &str = "page.txt";

fn case(name: &'static str, document: impl Into<Vec<u8>>, then: Then) -> Case {
    let document = (PAGE, document.into());
    Case { name, overlays: Vec::new(), document, retire: false, name_in_vendor: None, then, witness: None }
}

impl Case {
    fn file(mut self, name: &'static str) -> Self {
        self.document.0 = name;
        self
    }

    fn witness(mut self, name: &'static str, instance: Value) -> Self {
        self.witness = Some((name, instance));
        self
    }

    fn overlay(mut self, name: &str, text: Option<String>) -> Self {
        self.overlays.push((name.to_owned(), text));
        self
    }
}

fn refused(parts: &[&'static str]) -> Then {
    Then::Refused(parts.to_vec())
}

fn accepted(bump: Bump, changes: &[(&'static str, Option<Class>, Option<Class>, Class)]) -> Then {
    let expected = |(what, request, response, rust): &(&'static str, Option<Class>, Option<Class>, Class)| {
        Expected { what, request: *request, response: *response, rust: *rust }
    };
    Then::Accepted(changes.iter().map(expected).collect(), bump)
}

fn overlay(id: &str, patch: Value) -> String {
    let overlay = json!({
        "id": id, "reason": "A rehearsal.", "evidence": [{ "document": "a rehearsal", "date": "2026-12-01" }], "page_faults": [1], "patch": patch,
    });
    overlay.to_string()
}

const REQUEST: &str = "/$defs/CreateTaskRequest";

/// `Mood` lifted out of the body, with these values.
fn mood(words: &[&str]) -> String {
    let of =
        |words: &[&str]| json!({ "type": "string", "description": "How the clip feels.", "enum": words });
    let named: Value = words
        .iter()
        .map(|word| ((*word).to_owned(), json!({ "description": "It is so." })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let at = format!("{REQUEST}/properties/mood");
    overlay(
        "mood",
        json!([
            { "op": "test", "path": at, "value": of(words) },
            { "op": "replace", "path": at, "value": { "description": "How the clip feels.", "anyOf": [{ "$ref": "#/$defs/Mood" }, { "type": "null" }] } },
            { "op": "add", "path": "/$defs/Mood", "value": { "description": "How a clip feels.", "type": "string", "enum": words, "x-enum": named } },
        ]),
    )
}

/// The document in `schema/vendor` with more to edit: `mood`, `strength`, `tone`, and an answer with `queue_hint`.
fn rich(root: &Path) -> Result<Imported> {
    let mut document = source::document(root)?;
    let properties = &mut document.request["properties"];
    properties["mood"] =
        json!({ "type": "string", "description": "How the clip feels.", "enum": ["calm", "wild"] });
    properties["strength"] = json!({ "type": "integer", "description": "How much of it, in percent.", "minimum": 0, "maximum": 100 });
    properties["tone"] =
        json!({ "type": "string", "description": "The tone of voice.", "x-private": "prompt" });
    let text = json!({ "type": "string", "description": "A name." });
    document.response = json!({ "type": "object", "required": ["id"], "properties": {
        "id": text, "safety_identifier": { "type": ["string", "null"], "description": "As it was sent." },
        "queue_hint": { "type": "integer", "description": "Tasks before this one." },
    } });
    Ok(document)
}

/// What brings a copy of the repository to that document.
pub(super) fn base(root: &Path) -> Result<Case> {
    let answer = "/$defs/CreateTaskResponse";
    let described = overlay(
        "create-response",
        json!([
            { "op": "add", "path": format!("{answer}/description"), "value": "Answer to an accepted create request." },
            { "op": "add", "path": format!("{answer}/x-role"), "value": "response" },
            { "op": "add", "path": format!("{answer}/additionalProperties"), "value": {} },
        ]),
    );
    Ok(case("base", page(&rich(root)?), accepted(Bump::None, &[]))
        .overlay("070-create-response.json", Some(described))
        .overlay("900-mood.json", Some(mood(&["calm", "wild"]))))
}

/// All prepared edits.
pub(crate) fn cases(root: &Path) -> Result<Vec<Case>> {
    let document = rich(root)?;
    let text = page(&document);
    let edited = |edit: &dyn Fn(&mut Imported)| -> Result<String> {
        let mut edited = rich(root)?;
        edit(&mut edited);
        Ok(page(&edited))
    };
    let property =
        |name: &'static str, schema: Value| edited(&move |d| d.request["properties"][name] = schema.clone());
    let request = |field: &str, value: Value| {
        let mut request = json!({ "model": "m", "content": [{ "type": "text", "text": "t" }] });
        request[field] = value;
        request
    };
    let (b, c, bump_breaking) = (Some(Class::Breaking), Some(Class::Compatible), Bump::Minor);
    let (breaking, compatible) = (Class::Breaking, Class::Compatible);
    let plain = |about: &str| json!({ "type": "string", "description": about });
    let mut cases = Vec::new();

    cases.push(case(
        "new optional field",
        property("camera_motion", plain("How the camera moves."))?,
        accepted(Bump::Patch, &[("new field `CreateTaskRequest.camera_motion`", c, None, compatible)]),
    ));
    cases.push(
        case(
            "new required field",
            edited(&|d| {
                d.request["properties"]["purpose"] =
                    json!({ "type": "string", "description": "What it is for." });
                d.request["required"] = json!(["model", "content", "purpose"]);
            })?,
            accepted(bump_breaking, &[("new required field `CreateTaskRequest.purpose`", b, None, breaking)]),
        )
        .witness("CreateTaskRequest", request("ratio", json!("16:9"))),
    );
    let mood_page = |words: &[&str]| {
        property("mood", json!({ "type": "string", "description": "How the clip feels.", "enum": words }))
    };
    cases.push(
        case(
            "enum value added",
            mood_page(&["calm", "wild", "epic"])?,
            accepted(Bump::Patch, &[("new value `epic` of `Mood`", c, None, compatible)]),
        )
        .overlay("900-mood.json", Some(mood(&["calm", "wild", "epic"]))),
    );
    cases.push(
        case(
            "enum value removed",
            mood_page(&["calm"])?,
            accepted(bump_breaking, &[("value `wild` of `Mood` is gone", b, None, breaking)]),
        )
        .overlay("900-mood.json", Some(mood(&["calm"])))
        .witness("CreateTaskRequest", request("mood", json!("wild"))),
    );
    cases.push(
        case(
            "type changed",
            property("tone", json!({ "type": "integer", "description": "The tone of voice." }))?,
            accepted(bump_breaking, &[("field `CreateTaskRequest.tone` changed", b, None, breaking)]),
        )
        .witness("CreateTaskRequest", request("tone", json!("soft"))),
    );
    let strength = |most: u32| json!({ "type": "integer", "description": "How much of it, in percent.", "minimum": 0, "maximum": most });
    cases.push(
        case(
            "range narrowed",
            property("strength", strength(50))?,
            accepted(bump_breaking, &[("field `CreateTaskRequest.strength` changed", b, None, compatible)]),
        )
        .witness("CreateTaskRequest", request("strength", json!(80))),
    );
    cases.push(case(
        "range widened",
        property("strength", strength(200))?,
        accepted(Bump::Patch, &[("field `CreateTaskRequest.strength` changed", c, None, compatible)]),
    ));
    cases.push(case(
        "field renamed",
        edited(&|d| {
            let tone = d.request["properties"].as_object_mut().and_then(|all| all.shift_remove("tone"));
            d.request["properties"]["timbre"] = tone.unwrap_or_default();
        })?,
        accepted(
            bump_breaking,
            &[
                ("new field `CreateTaskRequest.timbre`, perhaps `tone` renamed", c, None, compatible),
                ("field `CreateTaskRequest.tone` is gone", b, None, breaking),
            ],
        ),
    ));
    cases.push(branch(root, &document)?);
    cases.push(
        case(
            "response field dropped",
            edited(&|d| {
                d.response["properties"].as_object_mut().map(|all| all.shift_remove("queue_hint"));
            })?,
            accepted(bump_breaking, &[("field `CreateTaskResponse.queue_hint` is gone", None, b, breaking)]),
        )
        .witness("CreateTaskResponse", json!({ "id": "cgt-1", "queue_hint": "soon" })),
    );
    let example = document.example.as_ref().map(Value::to_string).unwrap_or_default();
    let quoted = Value::String(example.clone()).to_string();
    let broken = Value::String(example.replacen('}', "", 1)).to_string();
    cases.push(case(
        "example broken",
        text.replacen(&quoted, &broken, 1),
        refused(&[PAGE, "at /examples/0/value", "not the JSON text that it should be", "line 1, column"]),
    ));
    cases.extend(corrections(root, &property)?);
    cases.push(case(
        "duplicate property",
        text.replacen("\"strength\": {", "\"tone\": { \"type\": \"boolean\" },\n      \"strength\": {", 1),
        refused(&[
            PAGE,
            "the JSON under `请求体` is broken: line ",
            "column",
            "`tone` stands twice in one object",
        ]),
    ));
    let as_text = |value: Value| value.to_string();
    let body = |edit: &dyn Fn(&mut Value)| as_text(openapi(&document, "3.1.0", |d| edit(d)));
    cases.push(
        case(
            "circular $ref",
            body(&|d| {
                d["components"]["schemas"]["CreateBody"]["properties"]["scene"] =
                    json!({ "$ref": "#/components/schemas/Scene" });
                d["components"]["schemas"]["Scene"] =
                    json!({ "properties": { "then": { "$ref": "#/components/schemas/Scene" } } });
            }),
            refused(&["api.json", "at /$defs/Scene", "the `$ref`s go in a circle, Scene → Scene"]),
        )
        .file("api.json"),
    );
    cases.push(
        case(
            "YAML with anchors",
            anchored(&document),
            accepted(
                Bump::Patch,
                &[
                    ("new field `CreateTaskRequest.caption`", c, None, compatible),
                    ("new field `CreateTaskRequest.subtitle`", c, None, compatible),
                ],
            ),
        )
        .file("api.yaml"),
    );
    cases.push(
        case(
            "OpenAPI 3.0 nullable",
            as_text(openapi(&document, "3.0.3", |d| {
                d["components"]["schemas"]["CreateBody"]["properties"]["tone"]["nullable"] = json!(true);
            })),
            accepted(Bump::Patch, &[("field `CreateTaskRequest.tone` changed", c, None, compatible)]),
        )
        .file("api.json"),
    );
    cases.push(case(
        "Chinese-only descriptions",
        property("negative_prompt", plain("不希望出现在画面中的内容"))?,
        accepted(Bump::Patch, &[("new field `CreateTaskRequest.negative_prompt`", c, None, compatible)]),
    ));
    cases.push(case(
        "unknown keyword",
        property("hue", json!({ "type": "integer", "description": "In degrees.", "minimun": 0 }))?,
        refused(&[
            PAGE,
            "CreateTaskRequest.hue: codegen does not know the keyword `minimun`",
            "schema overlay new",
        ]),
    ));
    cases.push(case(
        "BOM and CRLF",
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
        accepted(Bump::None, &[]),
    ));
    cases.push(case(
        "truncated file",
        text[..text.find("\"strength\"").unwrap_or(text.len())].to_owned(),
        refused(&[PAGE, "line ", "the text ends too early"]),
    ));
    cases.push(
        case(
            "5 MB file",
            body(&|d| {
                let about = "Nothing refers to it. ".repeat(40);
                for number in 0..6000 {
                    let unused = json!({ "type": "object", "description": about, "properties": { "a": { "type": "string" } } });
                    d["components"]["schemas"][format!("Unused{number}")] = unused;
                }
            }),
            accepted(Bump::None, &[]),
        )
        .file("api.json"),
    );
    cases.push(case(
        "names that Rust keeps for itself",
        edited(&|d| {
            for name in ["type", "match", "fn"] {
                d.request["properties"][name] = json!({ "type": "string", "description": "A word of Rust." });
            }
        })?,
        accepted(
            Bump::Patch,
            &[
                ("new field `CreateTaskRequest.type`", c, None, compatible),
                ("new field `CreateTaskRequest.match`", c, None, compatible),
                ("new field `CreateTaskRequest.fn`", c, None, compatible),
            ],
        ),
    ));
    for (name, hostile, reason) in [
        ("the name self", "self", "keep for themselves"),
        ("the name r#fn", "r#fn", "is no name that a field can have"),
        ("the name ../x", "../x", "is no name that a field can have"),
    ] {
        let at = "at /$defs/CreateTaskRequest/properties";
        cases.push(case(name, property(hostile, plain("Hostile."))?, refused(&[PAGE, at, reason])));
    }
    let mut outside = case("--as ../x", text, refused(&["--as ../x", "a plain file name"]));
    outside.name_in_vendor = Some("../x");
    cases.push(outside);
    Ok(cases)
}

/// The vendor adopts one correction, changes what another expects, and drops what a third corrects.
fn corrections(root: &Path, property: &dyn Fn(&'static str, Value) -> Result<String>) -> Result<Vec<Case>> {
    let ours = codegen::read_json(root, "schema/overlay/034-watermark.json")?;
    let corrected = ours.pointer("/patch/1/value").cloned().context("034-watermark.json replaces a value")?;
    let adopted = property("watermark", corrected)?;
    let mut retired = case("correction adopted, and retired", adopted.clone(), accepted(Bump::None, &[]));
    retired.retire = true;
    Ok(vec![
        case(
            "correction adopted",
            adopted,
            refused(&[PAGE, "the vendor adopted 1 correction", "034-watermark.json", "--retire"]),
        ),
        retired,
        case(
            "correction conflicting",
            property("duration", json!({ "type": "number" }))?,
            refused(&[
                PAGE,
                "conflict  schema/overlay/033-duration.json",
                "/$defs/CreateTaskRequest/properties/duration",
                "expected {\"type\":\"integer\"}",
                "found    {\"type\":\"number\"}",
            ]),
        ),
    ])
}

/// A new kind of content: the vendor's flat item gets a payload, a person aims the overlay anew and gives the kind a type.
fn branch(root: &Path, document: &Imported) -> Result<Case> {
    let mut edited = rich(root)?;
    edited.request["properties"]["content"]["items"]["properties"]["mask_url"] =
        json!({ "type": "object", "properties": { "url": { "type": "string" } } });
    let mut content = codegen::read_json(root, "schema/overlay/020-content-by-type.json")?;
    let expected = &mut content["patch"][0]["value"];
    anyhow::ensure!(
        *expected == document.request["properties"]["content"],
        "020-content-by-type.json expects the page's `content`"
    );
    *expected = edited.request["properties"]["content"].clone();
    let mask = overlay(
        "mask",
        json!([
            { "op": "add", "path": "/$defs/MaskContent", "value": {
                "description": "Where to change the picture.", "x-role": "request", "type": "object", "required": ["type", "mask_url"], "additionalProperties": {},
                "properties": { "type": { "description": "Always `mask_url`.", "type": "string", "const": "mask_url" }, "mask_url": { "description": "Where it is.", "$ref": "#/$defs/MediaUrl" } },
            } },
            { "op": "add", "path": "/$defs/ContentItem/oneOf/-", "value": { "$ref": "#/$defs/MaskContent" } },
        ]),
    );
    let changes = [
        ("new kind `MaskContent` of `ContentItem`", Some(Class::Compatible), None, Class::Compatible),
        ("new type `MaskContent`", Some(Class::Compatible), None, Class::Compatible),
    ];
    Ok(case("branch added", page(&edited), accepted(Bump::Patch, &changes))
        .overlay("020-content-by-type.json", Some(content.to_string()))
        .overlay("901-mask.json", Some(mask)))
}

/// OpenAPI in YAML, in which two new fields share one anchor and a third merges it.
fn anchored(document: &Imported) -> String {
    let mut request = document.request.clone();
    request["properties"]["caption"] = json!("@caption");
    request["properties"]["subtitle"] = json!("@subtitle");
    let request = request
        .to_string()
        .replace("\"@caption\"", " *words ")
        .replace("\"@subtitle\"", " { <<: *words , maxLength: 80 }");
    let example = document.example.clone().unwrap_or_default();
    format!(
        "# A comment.\nopenapi: 3.1.0\ninfo: {{ title: Video, version: '1' }}\nx-shared:\n  words: &words\n    type: string\n    description: Words in the picture.\n    x-private: prompt\n  \
         body: &body {request}\npaths:\n  /api/v3/contents/generations/tasks:\n    post:\n      requestBody:\n        content:\n          application/json:\n            schema: *body\n            \
         example: {example}\n      responses:\n        200:\n          content:\n            application/json:\n              schema: {}\n",
        document.response
    )
}

//! The prepared edits. Each starts from the document that is in `schema/vendor` now, so that they outlive an update of it.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::prepare::{PAGE, accepted, anchored, branch, case, corrections, mood, refused, rich};
use super::{Case, openapi, page};
use crate::schema::diff::{Bump, Class};
use crate::schema::import::Imported;
use crate::schema::merge::{Answer, Take};

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
        property("rehearsed_motion", plain("How the camera moves."))?,
        accepted(Bump::Patch, &[("new field `CreateTaskRequest.rehearsed_motion`", c, None, compatible)]),
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
    cases.push(branch(root)?);
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
    cases.extend(corrections(root)?);
    let frames = "/$defs/CreateTaskRequest/properties/frames";
    let mut believed = case(
        "type contradicted, the document's taken",
        property("frames", json!({ "type": "boolean", "description": "Whether to count frames." }))?,
        accepted(bump_breaking, &[("field `CreateTaskRequest.frames` changed", b, None, breaking)]),
    )
    .witness("CreateTaskRequest", request("frames", json!(29)));
    believed.answers = vec![Answer { pointer: frames.to_owned(), take: Take::Theirs, reason: None }];
    cases.push(believed);
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
                // Null and absent are one thing in what we send: news of an answer only.
                d["components"]["schemas"]["CreateBody"]["properties"]["tone"]["nullable"] = json!(true);
                d["paths"]["/api/v3/contents/generations/tasks"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
                    ["queue_hint"]["nullable"] = json!(true);
            })),
            accepted(bump_breaking, &[("field `CreateTaskResponse.queue_hint` changed", None, b, compatible)]),
        )
        .witness("CreateTaskResponse", json!({ "id": "cgt-1", "queue_hint": null }))
        .file("api.json"),
    );
    cases.push(case(
        "Chinese-only descriptions",
        property("rehearsed_words", plain("不希望出现在画面中的内容"))?,
        accepted(Bump::Patch, &[("new field `CreateTaskRequest.rehearsed_words`", c, None, compatible)]),
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

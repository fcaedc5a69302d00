//! Single changes of a small schema, each with the classes it must get; nothing compatible without
//! a proof.

use serde_json::json;

use super::*;

/// A resolved schema in small.
fn base() -> Value {
    json!({ "$defs": {
        "CreateTaskRequest": { "description": "d", "type": "object", "x-role": "request", "additionalProperties": {},
            "properties": {
                "model": { "description": "d", "type": "string" },
                "level": { "description": "d", "type": ["integer", "null"], "minimum": 0, "maximum": 9 },
                "mood": { "description": "d", "anyOf": [{ "$ref": "#/$defs/Mood" }, { "type": "null" }] },
                "parts": { "description": "d", "type": "array", "items": { "$ref": "#/$defs/Part" }, "allOf": [{ "if": { "contains": { "required": ["url"] } }, "then": { "maxItems": 5 } }] },
            },
            "required": ["model", "parts"] },
        "Part": { "description": "d", "x-role": "request", "type": "object", "required": ["type"], "discriminator": { "propertyName": "type" },
            "oneOf": [{ "$ref": "#/$defs/TextPart" }, { "$ref": "#/$defs/ClipPart" }] },
        "TextPart": { "description": "d", "x-role": "request", "type": "object", "properties": { "type": { "description": "d", "type": "string", "const": "text" } }, "required": ["type"], "additionalProperties": {} },
        "ClipPart": { "description": "d", "x-role": "request", "type": "object", "properties": { "type": { "description": "d", "type": "string", "const": "clip" }, "url": { "description": "d", "type": "string" } }, "required": ["type", "url"], "additionalProperties": {} },
        "Mood": { "description": "d", "type": "string", "enum": ["calm", "wild"], "x-enum": { "calm": { "description": "d" }, "wild": { "description": "d" } } },
        "Task": { "description": "d", "x-role": "response", "type": "object", "additionalProperties": {},
            "properties": { "id": { "description": "d", "type": "string" }, "state": { "description": "d", "$ref": "#/$defs/State" }, "seed": { "description": "d", "type": ["integer", "null"] } },
            "required": ["id", "state"] },
        "State": { "description": "d", "type": "string", "x-enum": { "done": { "description": "d" } } },
    }, "x-api": { "operations": [{ "id": "create", "method": "POST", "path": "/x", "description": "d", "request": "CreateTaskRequest", "response": "Task" }] } })
}

/// The classes of the only change: requests, answers, Rust.
fn classes(edit: impl FnOnce(&mut Value)) -> (Option<Class>, Option<Class>, Class) {
    let mut new = base();
    edit(&mut new);
    let changes = compare(&base(), &new);
    assert_eq!(changes.len(), 1, "each change is named once: {changes:#?}");
    (changes[0].request, changes[0].response, changes[0].rust)
}

fn request(new: &mut Value) -> &mut Value {
    &mut new["$defs"]["CreateTaskRequest"]
}

const B: Option<Class> = Some(Class::Breaking);
const C: Option<Class> = Some(Class::Compatible);
const D: Option<Class> = Some(Class::DocsOnly);
const U: Option<Class> = Some(Class::Unproved);

#[test]
fn nothing_is_no_change_and_order_neither() {
    assert!(compare(&base(), &base()).is_empty());
    let mut new = base();
    let level = request(&mut new)["properties"].as_object_mut().unwrap().shift_remove("level").unwrap();
    request(&mut new)["properties"]["level"] = level;
    assert!(compare(&base(), &new).is_empty());
}

#[test]
fn requests() {
    use Class::{Breaking, Compatible, DocsOnly};
    let text = || json!({ "description": "d", "type": ["string", "null"] });
    assert_eq!(classes(|new| request(new)["properties"]["tone"] = text()), (C, None, Compatible));
    assert_eq!(
        classes(|new| {
            request(new)["properties"]["tone"] = json!({ "description": "d", "type": "string" });
            request(new)["required"] = json!(["model", "parts", "tone"]);
        }),
        (B, None, Breaking)
    );
    assert_eq!(
        classes(|new| request(new)["required"] = json!(["model", "parts", "level"])),
        (B, None, Breaking)
    );
    assert_eq!(
        classes(|new| request(new)["required"] = json!(["parts"])),
        (C, None, Breaking),
        "a String becomes an Option"
    );
    assert_eq!(
        classes(|new| {
            request(new)["properties"].as_object_mut().unwrap().shift_remove("level");
        }),
        (B, None, Breaking)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["type"] = json!(["string", "null"])),
        (B, None, Breaking)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["maximum"] = json!(8)),
        (B, None, Compatible)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["maximum"] = json!(10)),
        (C, None, Compatible)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["type"] = json!("integer")),
        (B, None, Compatible)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["description"] = json!("e")),
        (D, None, DocsOnly)
    );
    assert_eq!(classes(|new| request(new)["description"] = json!("e")), (D, None, DocsOnly));
    assert_eq!(
        classes(|new| request(new)["properties"]["level"]["x-rule"] = json!("even")),
        (U, None, Compatible)
    );
    assert_eq!(
        classes(|new| request(new)["properties"]["parts"]["allOf"][0]["if"]["minContains"] = json!(2)).0,
        U,
        "a rule of two halves is beyond the algebra, and must never count as compatible"
    );
    assert_eq!(classes(|new| request(new)["properties"]["parts"]["minItems"] = json!(1)).0, B);
    assert_eq!(
        classes(|new| {
            let model = request(new)["properties"].as_object_mut().unwrap().shift_remove("model").unwrap();
            request(new)["properties"]["model"] = model;
        }),
        (C, None, Breaking),
        "the arguments of `new` changed places"
    );
}

#[test]
fn words_and_branches() {
    use Class::{Breaking, Compatible, DocsOnly};
    let mood = |new: &mut Value, values: &[&str]| {
        new["$defs"]["Mood"]["enum"] = json!(values);
        new["$defs"]["Mood"]["x-enum"] = values
            .iter()
            .map(|w| ((*w).to_owned(), json!({ "description": "d" })))
            .collect::<Map<_, _>>()
            .into();
    };
    assert_eq!(classes(|new| mood(new, &["calm", "wild", "epic"])), (C, None, Compatible));
    assert_eq!(classes(|new| mood(new, &["calm"])), (B, None, Breaking));
    assert_eq!(
        classes(|new| new["$defs"]["Mood"]["x-enum"]["calm"]["name"] = json!("Quiet")),
        (D, None, Breaking)
    );
    assert_eq!(
        classes(|new| new["$defs"]["Mood"]["x-enum"]["calm"]["description"] = json!("e")),
        (D, None, DocsOnly)
    );
    assert_eq!(
        classes(|new| {
            new["$defs"]["Mood"].as_object_mut().unwrap().shift_remove("enum");
        }),
        (C, None, Compatible)
    );
    assert_eq!(
        classes(|new| new["$defs"]["State"]["x-enum"]["late"] = json!({ "description": "d" })),
        (None, C, Compatible)
    );
    assert_eq!(classes(|new| new["$defs"]["State"]["enum"] = json!(["done"])), (None, C, Compatible));
    assert_eq!(
        classes(|new| {
            new["$defs"]["Part"]["oneOf"].as_array_mut().unwrap().pop();
        }),
        (B, None, Breaking)
    );
    let mut new = base();
    new["$defs"]["Part"]["oneOf"].as_array_mut().unwrap().push(json!({ "$ref": "#/$defs/DraftPart" }));
    new["$defs"]["DraftPart"] = json!({ "description": "d", "x-role": "request", "type": "object", "properties": { "type": { "description": "d", "type": "string", "const": "draft" } }, "required": ["type"], "additionalProperties": {} });
    let changes = compare(&base(), &new);
    assert_eq!(
        changes.iter().map(|c| (c.worst(), c.what.as_str())).collect::<Vec<_>>(),
        [(Compatible, "new kind `DraftPart` of `Part`"), (Compatible, "new type `DraftPart`")]
    );
}

#[test]
fn a_branch_whose_tag_is_taken_is_no_harmless_addition() {
    let mut new = base();
    new["$defs"]["Part"]["oneOf"].as_array_mut().unwrap().push(json!({ "$ref": "#/$defs/OtherText" }));
    new["$defs"]["OtherText"] = new["$defs"]["TextPart"].clone();
    let changes = compare(&base(), &new);
    assert_eq!(changes[0].what, "new kind `OtherText` of `Part`");
    assert!(changes[0].request > C, "{changes:#?}");
    let mut new = base();
    new["$defs"]["Part"]["oneOf"].as_array_mut().unwrap().push(json!({ "$ref": "#/$defs/Mask" }));
    new["$defs"]["Mask"] = new["$defs"]["TextPart"].clone();
    new["$defs"]["Mask"]["properties"]["type"]["const"] = json!("mask");
    let changes = compare(&base(), &new);
    assert_eq!(
        (changes[0].request, changes[0].rust),
        (C, Class::Breaking),
        "`Part::Text` is called `Part::TextPart` now"
    );
}

#[test]
fn answers() {
    use Class::{Breaking, Compatible};
    let task = |new: &mut Value, name: &str, schema: Value| new["$defs"]["Task"]["properties"][name] = schema;
    assert_eq!(
        classes(|new| task(new, "note", json!({ "description": "d", "type": "string" }))),
        (None, C, Compatible),
        "answers are open"
    );
    assert_eq!(
        classes(|new| {
            new["$defs"]["Task"]["properties"].as_object_mut().unwrap().shift_remove("seed");
        }),
        (None, B, Breaking)
    );
    assert_eq!(
        classes(|new| task(new, "seed", json!({ "description": "d", "type": "integer" }))),
        (None, C, Compatible)
    );
    assert_eq!(
        classes(|new| task(new, "seed", json!({ "description": "d", "type": ["string", "null"] }))),
        (None, B, Breaking)
    );
    assert_eq!(classes(|new| new["$defs"]["Task"]["required"] = json!(["id"])), (None, B, Breaking));
}

#[test]
fn operations() {
    let parameter = json!([{ "name": "page", "description": "d", "schema": { "type": "integer" } }]);
    assert_eq!(classes(|new| new["x-api"]["operations"][0]["query"] = parameter).0, C);
    assert_eq!(classes(|new| new["x-api"]["operations"][0]["path"] = json!("/y")).0, U);
    assert_eq!(classes(|new| new["x-api"]["operations"][0]["description"] = json!("e")).0, D);
    assert_eq!(classes(|new| new["x-api"]["operations"] = json!([])).0, B);
}

#[test]
fn versions_and_reports_name_each_change_once() {
    let mut new = base();
    request(&mut new)["properties"]["tone"] = json!({ "description": "d", "type": "string" });
    request(&mut new)["properties"]["level"]["maximum"] = json!(8);
    let changes = compare(&base(), &new);
    let members = members(&crate::root()).unwrap();
    let model = members.iter().find(|member| member.name == "ark-video-model").unwrap();
    assert_eq!((model.bump(&changes), model.bump(&changes[..0])), (Bump::Minor, Bump::None));
    let command = members.iter().find(|member| member.name == "ark-video-cli").unwrap();
    assert_eq!((command.uses_types, command.bump(&changes)), (true, Bump::Patch));
    assert_eq!(
        (Bump::Minor.apply("0.1.3"), Bump::Patch.apply("0.1.3"), Bump::of(&changes, "1.0.0")),
        ("0.2.0".to_owned(), "0.1.4".to_owned(), Bump::Major)
    );
    let log = changelog(&changes);
    assert_eq!(
        log,
        "### Added\n\n- API: new field `CreateTaskRequest.tone`.\n\n### Changed\n\n- API: **Breaking** (requests): field `CreateTaskRequest.level` changed.\n"
    );
    let shown = text(&changes, &members);
    assert!(shown.contains("maximum: 9 → 8") && shown.contains("2 change(s): 1 breaking"), "{shown}");
    assert_eq!(json(&changes, &members)["changes"][0]["request"], "breaking");
    assert!(text(&[], &members).starts_with("no change"));
}

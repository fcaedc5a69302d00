//! What the prepared edits are made of: documents, corrections beside them, and the ends they must have.

use std::path::Path;

use anyhow::{Result, bail};
use json_patch::PatchOperation;
use serde_json::{Value, json};

use super::{Case, Expected, Then, page};
use crate::codegen;
use crate::schema::diff::{Bump, Class};
use crate::schema::import::Imported;
use crate::schema::merge::{Answer, Take};
use crate::schema::source;

pub(super) const PAGE: &str = "page.txt";

pub(super) fn case(name: &'static str, document: impl Into<Vec<u8>>, then: Then) -> Case {
    let document = (PAGE, document.into());
    Case {
        name,
        overlays: Vec::new(),
        document,
        retire: false,
        answers: Vec::new(),
        name_in_vendor: None,
        then,
        witness: None,
    }
}

impl Case {
    pub(super) fn file(mut self, name: &'static str) -> Self {
        self.document.0 = name;
        self
    }

    pub(super) fn witness(mut self, name: &'static str, instance: Value) -> Self {
        self.witness = Some((name, instance));
        self
    }

    pub(super) fn overlay(mut self, name: &str, text: Option<String>) -> Self {
        self.overlays.push((name.to_owned(), text));
        self
    }
}

pub(super) fn refused(parts: &[&str]) -> Then {
    Then::Refused(parts.iter().map(|part| (*part).to_owned()).collect())
}

pub(super) fn asked(parts: &[&str]) -> Then {
    Then::Asked(parts.iter().map(|part| (*part).to_owned()).collect())
}

pub(super) fn accepted(bump: Bump, changes: &[(&'static str, Option<Class>, Option<Class>, Class)]) -> Then {
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
pub(super) fn mood(words: &[&str]) -> String {
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
pub(super) fn rich(root: &Path) -> Result<Imported> {
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

/// A correction of one property of the request: its file, the property and what it says.
struct Correction {
    file: String,
    property: String,
    corrected: Value,
}

/// The corrections that expect one property and replace it, and do nothing else.
fn plain_corrections(root: &Path) -> Result<Vec<Correction>> {
    let mut plain = Vec::new();
    for (file, overlay) in codegen::overlays(root)? {
        if let [PatchOperation::Test(test), PatchOperation::Replace(replace)] = overlay.patch.0.as_slice()
            && let Some(property) = test.path.as_str().strip_prefix(&format!("{REQUEST}/properties/"))
            && test.path == replace.path
        {
            let property = property.to_owned();
            plain.push(Correction { file, property, corrected: replace.value.clone() });
        }
    }
    Ok(plain)
}

/// The vendor adopts one correction, and contradicts another.
pub(super) fn corrections(root: &Path) -> Result<Vec<Case>> {
    let all = plain_corrections(root)?;
    let [first, second, ..] = all.as_slice() else {
        bail!("two corrections of one property each are needed")
    };
    let with = |correction: &Correction, schema: &Value| -> Result<String> {
        let mut edited = rich(root)?;
        edited.request["properties"][&correction.property] = schema.clone();
        Ok(page(&edited))
    };
    let adopted = with(first, &first.corrected)?;
    let mut retired = case("correction adopted, and retired", adopted.clone(), accepted(Bump::None, &[]));
    retired.retire = true;
    let third = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let at = format!("{REQUEST}/properties/{}", second.property);
    let question = format!("{at} (schema/overlay/{})", second.file);
    let mut answered =
        case("correction contradicted, ours taken", with(second, &third)?, accepted(Bump::None, &[]));
    answered.answers = vec![Answer { pointer: at.clone(), take: Take::Ours, reason: None }];
    Ok(vec![
        case("correction adopted", adopted, accepted(Bump::None, &[])),
        retired,
        case(
            "correction contradicted",
            with(second, &third)?,
            asked(&[
                &question,
                "type: the document says object; we say ",
                "  because   ",
                "  evidence  ",
                &format!("--take ours '{at}'"),
                &format!("--take theirs '{at}'"),
                "1 questions",
            ]),
        ),
        answered,
    ])
}

/// A new kind of content: the vendor's flat item gets a payload, a person gives the kind a type.
pub(super) fn branch(root: &Path) -> Result<Case> {
    let mut edited = rich(root)?;
    edited.request["properties"]["content"]["items"]["properties"]["mask_url"] =
        json!({ "type": "object", "properties": { "url": { "type": "string" } } });
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
        .overlay("901-mask.json", Some(mask)))
}

/// OpenAPI in YAML, in which two new fields share one anchor and a third merges it.
pub(super) fn anchored(document: &Imported) -> String {
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

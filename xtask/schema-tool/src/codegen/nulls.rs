//! Absent and null are one thing: every optional field of a request takes null in the resolved
//! schema, whatever a document says of it. What an answer may hold stays as it is described. The
//! reason: docs/decisions/0007-optional-takes-null.md.

use serde_json::{Map, Value, json};

/// Lets null stand for "not set" in every object that our users write.
pub(crate) fn admit(document: &mut Value) {
    let Some(definitions) = document.get_mut("$defs").and_then(Value::as_object_mut) else { return };
    for definition in definitions.values_mut().filter(|definition| definition["x-role"] == "request") {
        let required = definition.get("required").cloned().unwrap_or_default();
        let is_required =
            |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
        let properties = definition.get_mut("properties").and_then(Value::as_object_mut);
        for (_, schema) in properties.into_iter().flatten().filter(|(name, _)| !is_required(name)) {
            if let Value::Object(members) = schema {
                or_null(members);
            }
        }
    }
}

/// The schema as it is, or null. Each keyword that null would offend gives way; the others say
/// nothing of it.
fn or_null(schema: &mut Map<String, Value>) {
    let nothing = json!({ "type": "null" });
    match schema.get_mut("type") {
        Some(Value::Array(names)) if !names.contains(&json!("null")) => names.push(json!("null")),
        Some(name @ Value::String(_)) if name != "null" => *name = json!([name, "null"]),
        _ => {}
    }
    match schema.get_mut("anyOf") {
        Some(Value::Array(branches)) if !branches.contains(&nothing) => branches.push(nothing.clone()),
        _ => {}
    }
    if let Some(Value::Array(rules)) = schema.get_mut("allOf") {
        rules.iter_mut().for_each(|rule| *rule = json!({ "anyOf": [rule, nothing] }));
    }
    // In the place of the `$ref`, so that the order of the members stays that of the document.
    if let Some(at) = schema.keys().position(|name| name == "$ref")
        && let Some(target) = schema.shift_remove("$ref")
    {
        schema.shift_insert(at, "anyOf".to_owned(), json!([{ "$ref": target }, nothing]));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::schema::{import, overlays, source};

    /// Every optional field of a request, and whether null is valid in it.
    fn optional_fields(document: &Value) -> Vec<(String, bool)> {
        let mut fields = Vec::new();
        for (name, definition) in document["$defs"].as_object().unwrap() {
            if definition["x-role"] != "request" {
                continue;
            }
            let required = definition["required"].as_array().cloned().unwrap_or_default();
            for field in definition["properties"].as_object().into_iter().flat_map(Map::keys) {
                if !required.contains(&json!(field)) {
                    let at = format!("#/$defs/{name}/properties/{field}");
                    let schema = json!({ "$ref": at, "$defs": document["$defs"] });
                    let validator = jsonschema::draft202012::new(&schema).unwrap();
                    fields.push((format!("{name}.{field}"), validator.is_valid(&Value::Null)));
                }
            }
        }
        fields
    }

    #[test]
    fn every_optional_field_of_a_request_takes_null_in_every_edition() {
        let root = crate::root();
        for edition in ["first", "second"] {
            let bytes =
                fs::read(root.join(format!("xtask/schema-tool/fixtures/{edition}-edition.txt"))).unwrap();
            let document = import::read(&bytes).unwrap().document();
            // Corrections that were written for a later edition than this are forced.
            let files = overlays::files(&root).unwrap();
            let before = source::Bases::read(&root).unwrap().document();
            let (_, mut document) = overlays::statuses(&before, &document, &files).unwrap();
            admit(&mut document);
            let fields = optional_fields(&document);
            assert!(fields.iter().all(|(_, null)| *null), "{edition}: {fields:?}");
            assert!(fields.len() > 20, "{edition}: {fields:?}");
            let has = |name: &str| fields.iter().any(|(field, _)| field == name);
            assert_eq!(has("CreateTaskRequest.camera_motion"), edition == "second");
        }
        let committed = crate::codegen::read_json(&root, crate::codegen::SCHEMA).unwrap();
        let fields = optional_fields(&committed);
        assert!(fields.iter().all(|(_, null)| *null), "{fields:?}");
    }

    #[test]
    fn null_is_let_in_beside_whatever_stood_there() {
        for (before, after) in [
            (
                json!({ "type": "string", "maxLength": 3 }),
                json!({ "type": ["string", "null"], "maxLength": 3 }),
            ),
            (json!({ "type": ["integer", "null"] }), json!({ "type": ["integer", "null"] })),
            (
                json!({ "description": "d", "$ref": "#/$defs/A", "x-default": 1 }),
                json!({ "description": "d", "anyOf": [{ "$ref": "#/$defs/A" }, { "type": "null" }], "x-default": 1 }),
            ),
            (
                json!({ "type": "integer", "anyOf": [{ "const": -1 }, { "minimum": 2 }] }),
                json!({ "type": ["integer", "null"], "anyOf": [{ "const": -1 }, { "minimum": 2 }, { "type": "null" }] }),
            ),
            (
                json!({ "allOf": [{ "type": "array" }] }),
                json!({ "allOf": [{ "anyOf": [{ "type": "array" }, { "type": "null" }] }] }),
            ),
            (json!({ "description": "anything" }), json!({ "description": "anything" })),
        ] {
            let mut document = json!({ "$defs": {
                "Asked": { "x-role": "request", "properties": { "a": before, "b": before }, "required": ["b"] },
                "Answered": { "x-role": "response", "properties": { "a": before } },
            } });
            let untouched = document.clone();
            admit(&mut document);
            let asked = &document["$defs"]["Asked"]["properties"];
            assert_eq!(asked["a"].to_string(), after.to_string(), "with the order of its members");
            assert_eq!(asked["b"], before, "a required field is not optional");
            assert_eq!(document["$defs"]["Answered"], untouched["$defs"]["Answered"]);
        }
    }
}

//! The resolved schema against the examples, against the types, and against itself.

use std::collections::BTreeSet;

use ark_video_model::{CreateTaskRequest, CreateTaskResponse, ModelList, Task, TaskList};
use jsonschema::Validator;
use jsonschema::canonical::Containment;
use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::examples;

fn document() -> Value {
    let text = std::fs::read_to_string(examples::repository("schema/ark-video.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The schema of one entry of `$defs`, with the others beside it.
pub(crate) fn schema_of(name: &str) -> Value {
    json!({ "$schema": document()["$schema"], "$ref": format!("#/$defs/{name}"), "$defs": document()["$defs"] })
}

pub(crate) fn validator(name: &str) -> Validator {
    jsonschema::validator_for(&schema_of(name)).unwrap()
}

#[test]
fn the_schema_takes_every_request_and_its_own_vendor_example() {
    let validator = validator("CreateTaskRequest");
    for (file, text) in examples::files("requests") {
        let instance = serde_json::from_str(&text).unwrap();
        let complaints: Vec<_> =
            validator.iter_errors(&instance).map(|error| error.masked().to_string()).collect();
        assert!(complaints.is_empty(), "{file}: {complaints:?}");
    }
}

#[test]
fn the_schema_takes_every_recorded_answer() {
    let index: Vec<Value> = serde_json::from_str(&examples::read("responses/index.json")).unwrap();
    for entry in index {
        let name = match (entry["decodes"].as_str().unwrap(), entry["envelope"].as_str()) {
            ("Empty", _) => continue,
            ("error", Some("flat")) => "FlatError",
            ("error", _) => "ErrorEnvelope",
            (name, _) => name,
        };
        let file = entry["file"].as_str().unwrap();
        let instance = serde_json::from_str(&examples::read(&format!("responses/{file}"))).unwrap();
        assert!(validator(name).is_valid(&instance), "{file} is no {name}");
    }
}

/// What holds for every model, the schema itself refuses; the rest is the matrix's business.
#[test]
fn the_schema_refuses_what_no_model_takes() {
    let validator = validator("CreateTaskRequest");
    let refused: BTreeSet<String> = examples::files("refused")
        .filter(|(file, text)| {
            file != "expected.json" && !validator.is_valid(&serde_json::from_str(text).unwrap())
        })
        .map(|(file, _)| file[..3].to_owned())
        .collect();
    let expected = ["x01", "x02", "x03", "x04", "x07", "x17", "x18", "x19", "x20", "x21"];
    assert_eq!(refused, expected.map(str::to_owned).into());
}

#[test]
fn every_property_is_described() {
    fn walk(value: &Value, path: &str, silent: &mut Vec<String>) {
        let Value::Object(members) = value else { return };
        if let Some(Value::Object(properties)) = members.get("properties") {
            for (name, schema) in properties {
                if schema.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
                    silent.push(format!("{path}/{name}"));
                }
            }
        }
    }
    let mut silent = Vec::new();
    for (name, definition) in document()["$defs"].as_object().unwrap() {
        walk(definition, name, &mut silent);
        assert!(definition["description"].is_string(), "{name}");
    }
    assert_eq!(silent, Vec::<String>::new());
}

/// Proof that the types take everything the schema allows: their own schema, derived, covers it.
#[test]
fn the_types_cover_the_schema() {
    covers::<CreateTaskRequest>("CreateTaskRequest");
    covers::<CreateTaskResponse>("CreateTaskResponse");
    covers::<Task>("Task");
    covers::<TaskList>("TaskList");
    covers::<ModelList>("ModelList");
}

/// The proof can fail: with one type narrowed in the derived schema it does.
#[test]
fn the_proof_notices_a_drift() {
    let mut derived = inlined(schemars::schema_for!(CreateTaskRequest).to_value());
    derived["properties"]["duration"] = json!({ "type": ["string", "null"] });
    assert!(!is_covered(&derived, &inlined(without_rules("CreateTaskRequest"))));
}

fn covers<T: JsonSchema>(name: &str) {
    let derived = inlined(schemars::schema_for!(T).to_value());
    assert!(
        is_covered(&derived, &inlined(without_rules(name))),
        "{name}: the schema allows what the type's own schema does not"
    );
}

/// The schema without the rules on what may stand beside what, which neither the algebra nor the
/// generator of instances models. Leaving a rule out allows more, so that what is shown of the rest
/// only gets stronger.
pub(crate) fn without_rules(name: &str) -> Value {
    let mut schema = schema_of(name);
    let content =
        schema.pointer_mut("/$defs/CreateTaskRequest/properties/content").and_then(Value::as_object_mut);
    content.and_then(|content| content.remove("allOf")).expect("the rules stand there");
    schema
}

fn is_covered(derived: &Value, source: &Value) -> bool {
    let canonical = |schema: &Value| jsonschema::canonicalize(schema).unwrap();
    canonical(derived).covers(&canonical(source)).unwrap() == Containment::Yes
}

/// Every `$ref` replaced by its target; a `$ref` with keywords beside it becomes an `allOf` of
/// both.
fn inlined(mut schema: Value) -> Value {
    let defs = schema.get("$defs").cloned().unwrap_or_default();
    fn inline(value: &mut Value, defs: &Value) {
        match value {
            Value::Object(members) => {
                // Notes, not constraints.
                members.retain(|name, _| {
                    !name.starts_with("x-") && name != "discriminator" && name != "description"
                });
                if let Some(Value::String(target)) = members.remove("$ref") {
                    let mut target = defs[target.trim_start_matches("#/$defs/")].clone();
                    inline(&mut target, defs);
                    let mut rest = Value::Object(std::mem::take(members));
                    inline(&mut rest, defs);
                    *value = if rest == json!({}) { target } else { json!({ "allOf": [target, rest] }) };
                    return;
                }
                members.values_mut().for_each(|member| inline(member, defs));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| inline(item, defs)),
            _ => {}
        }
    }
    if let Value::Object(members) = &mut schema {
        members.remove("$defs");
        members.remove("$schema");
    }
    inline(&mut schema, &defs);
    schema
}

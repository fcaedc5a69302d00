//! The one normal form of a document, whatever kind it was: defaults as notes, examples beside it,
//! roots as plain objects, tools' own hints left out. Says nothing else than the document says.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use super::{Imported, Operation, REQUEST, RESPONSE};

/// Notes for readers and tools that say nothing about the wire; examples are kept apart.
const NOTES: [&str; 4] = ["example", "examples", "xml", "externalDocs"];
/// Notes that the generated types have no place for.
const UNUSED: [&str; 5] = ["title", "deprecated", "readOnly", "writeOnly", "$comment"];
/// Our own keywords, which a document that we wrote may have.
pub(crate) const OURS: [&str; 8] =
    ["x-default", "x-enum", "x-open-form-of", "x-private", "x-role", "x-rule", "x-rust", "x-url-forms"];
/// The largest schema, in JSON values, that named types may be unfolded to.
const MOST_UNFOLDED: usize = 200_000;

/// What is the same whichever kind the document was: a default is a note about the service, never a
/// value that we send.
pub(super) fn form(imported: &mut Imported) -> Result<()> {
    collect_samples(imported);
    let Imported { request, response, definitions, left_out, .. } = imported;
    for schema in definitions.values_mut().chain([&mut *request, &mut *response]) {
        walk(schema, &mut |members| {
            for note in NOTES {
                if members.shift_remove(note).is_some() {
                    left_out.push(format!("`{note}` of a schema"));
                }
            }
            let hints =
                members.keys().filter(|name| name.starts_with("x-") && !OURS.contains(&name.as_str()));
            left_out.extend(hints.map(|name| format!("`{name}` of a schema")));
            if let Some(at) = members.keys().position(|name| name == "default")
                && let Some(default) = members.shift_remove("default")
            {
                members.shift_insert(at, "x-default".to_owned(), default);
            }
        });
    }
    left_out.sort();
    left_out.dedup();
    for root in [&mut *request, &mut *response] {
        flatten(root, definitions);
    }
    roles(imported);
    if imported.operation != Operation::Create {
        let response = unfolded(&imported.response, &imported.definitions, 0)?;
        imported.response = response;
        imported.definitions.clear();
    }
    Ok(())
}

/// Examples beside schemas, before they are taken out.
fn collect_samples(imported: &mut Imported) {
    let mut samples = Vec::new();
    for (pointer, schema) in imported.roots() {
        each(schema, &pointer, &mut |at, members| {
            let listed = members.get("examples").and_then(Value::as_array).and_then(|list| list.first());
            samples.extend(members.get("example").or(listed).map(|value| (at.to_owned(), value.clone())));
        });
    }
    imported.samples = samples;
}

/// A root that is put together by `allOf` is one object; a root with properties says that it is an
/// object.
fn flatten(root: &mut Value, definitions: &Map<String, Value>) {
    let Value::Object(members) = root else { return };
    if let Some(Value::Array(parts)) = members.get("allOf").cloned() {
        let parts: Option<Vec<Map<String, Value>>> =
            parts.iter().map(|part| plain_object(part, definitions, 0)).collect();
        if let Some(parts) = parts {
            members.shift_remove("allOf");
            for part in parts {
                merge(members, part);
            }
        }
    }
    if members.contains_key("properties") && !members.contains_key("type") {
        members.shift_insert(0, "type".to_owned(), json!("object"));
    }
}

/// The members of a schema that is a plain object, perhaps by reference or put together of others.
fn plain_object(
    schema: &Value,
    definitions: &Map<String, Value>,
    depth: usize,
) -> Option<Map<String, Value>> {
    let mut members = schema.as_object()?.clone();
    if depth > 20 || ["oneOf", "anyOf", "not", "if"].iter().any(|key| members.contains_key(*key)) {
        return None;
    }
    if let Some(name) = reference(&Value::Object(members.clone())) {
        members.shift_remove("$ref");
        let target = plain_object(definitions.get(&name)?, definitions, depth + 1)?;
        merge(&mut members, target);
    }
    if let Some(Value::Array(parts)) = members.shift_remove("allOf") {
        for part in &parts {
            merge(&mut members, plain_object(part, definitions, depth + 1)?);
        }
    }
    Some(members)
}

fn merge(into: &mut Map<String, Value>, part: Map<String, Value>) {
    for (name, member) in part {
        match (name.as_str(), into.get_mut(&name), member) {
            ("properties", Some(Value::Object(mine)), Value::Object(theirs)) => {
                for (property, schema) in theirs {
                    mine.entry(property).or_insert(schema);
                }
            }
            ("required", Some(Value::Array(mine)), Value::Array(theirs)) => {
                let new: Vec<Value> = theirs.into_iter().filter(|name| !mine.contains(name)).collect();
                mine.extend(new);
            }
            (_, None, member) => {
                into.insert(name, member);
            }
            _ => {}
        }
    }
}

/// Each named object of a document is one of requests or one of answers, and stays open.
fn roles(imported: &mut Imported) {
    let requested = reached(references(&imported.request), &imported.definitions);
    let answered = reached(references(&imported.response), &imported.definitions);
    for (name, schema) in &mut imported.definitions {
        let Value::Object(members) = schema else { continue };
        if members.get("type") != Some(&json!("object")) && !members.contains_key("properties") {
            continue;
        }
        let role = if requested.contains(name) || !answered.contains(name) { "request" } else { "response" };
        members.entry("x-role").or_insert(json!(role));
        members.entry("additionalProperties").or_insert(json!({}));
    }
}

impl Imported {
    /// The document's schemas with the pointers that they have in the normal form.
    pub(crate) fn roots(&self) -> Vec<(String, &Value)> {
        let mut roots = Vec::new();
        if self.operation == Operation::Create {
            roots.push((format!("/$defs/{REQUEST}"), &self.request));
        }
        if let Some(name) = self.operation.answer() {
            roots.push((format!("/$defs/{name}"), &self.response));
        }
        roots.extend(self.definitions.iter().map(|(name, schema)| (format!("/$defs/{name}"), schema)));
        roots
    }

    /// The types that the document contributes to `$defs`, without tools' own hints.
    pub(crate) fn types(&self) -> Map<String, Value> {
        let mut types = Map::new();
        for (pointer, schema) in self.roots() {
            let name = pointer.trim_start_matches("/$defs/").to_owned();
            // An answer without any field says nothing about the type that stands for it.
            let says_nothing = schema.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty)
                && schema.get("type") == Some(&json!("object"));
            if self.operation == Operation::Create || !says_nothing {
                types.insert(name, pruned(schema));
            }
        }
        types
    }

    /// One JSON Schema document: what the overlays start from where this is the only document.
    pub(crate) fn document(&self) -> Value {
        document(self, &[])
    }
}

/// The normal form of several documents together: that of the create, with the answers that the
/// others describe.
pub(crate) fn document(create: &Imported, others: &[Imported]) -> Value {
    let mut definitions = create.types();
    definitions.entry(RESPONSE).or_insert_with(super::nothing);
    for other in others {
        for (name, schema) in other.types() {
            definitions.insert(name, schema);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ark video-generation task API",
        "$ref": format!("#/$defs/{REQUEST}"),
        "$defs": definitions,
    })
}

/// A schema without notes that constrain nothing and that the types have no place for.
fn pruned(schema: &Value) -> Value {
    let mut schema = schema.clone();
    walk(&mut schema, &mut |members| {
        members.retain(|name, _| {
            !UNUSED.contains(&name.as_str()) && (!name.starts_with("x-") || OURS.contains(&name.as_str()))
        });
    });
    schema
}

/// The schema with every named type in the place of its name.
fn unfolded(schema: &Value, definitions: &Map<String, Value>, depth: usize) -> Result<Value> {
    fn size(value: &Value) -> usize {
        match value {
            Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
            Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
            _ => 1,
        }
    }
    let mut out = schema.clone();
    for _ in 0..200 {
        let mut changed = false;
        walk(&mut out, &mut |members| {
            let name = reference(&Value::Object(members.clone()));
            if let Some(target) = name.and_then(|name| definitions.get(&name)).and_then(Value::as_object) {
                members.shift_remove("$ref");
                for (key, value) in target {
                    if !["x-role", "additionalProperties"].contains(&key.as_str()) {
                        members.entry(key.clone()).or_insert(value.clone());
                    }
                }
                changed = true;
            }
        });
        ensure!(size(&out) < MOST_UNFOLDED, "its named types unfold to more than {MOST_UNFOLDED} values");
        if !changed {
            return Ok(out);
        }
    }
    ensure!(depth > 200, "its types refer to types more than 200 deep");
    Ok(out)
}

/// Whether an object's schema requires a property.
pub(crate) fn requires(schema: &Value, property: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == property))
}

/// The type of `$defs` that a schema refers to.
pub(crate) fn reference(schema: &Value) -> Option<String> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
}

/// The names of `$defs` that a schema refers to, in order.
pub(crate) fn references(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(&mut schema.clone(), &mut |members| {
        if let Some(name) =
            members.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
        {
            found.push(name.to_owned());
        }
    });
    found
}

/// These types, and every type that they refer to, however far away.
pub(crate) fn reached(
    from: impl IntoIterator<Item = String>,
    types: &Map<String, Value>,
) -> BTreeSet<String> {
    let mut open: Vec<String> = from.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            open.extend(types.get(&name).map(references).unwrap_or_default());
        }
    }
    seen
}

/// Visits every schema inside a schema, itself included; what stands in `const`, `enum` or an
/// example is no schema.
pub(crate) fn walk(schema: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(members) = schema else { return };
    visit(members);
    for (name, member) in members.iter_mut() {
        match (name.as_str(), member) {
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(named),
            ) => {
                named.values_mut().for_each(|schema| walk(schema, visit));
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter_mut().for_each(|schema| walk(schema, visit));
            }
            (
                "items"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems",
                member,
            ) => walk(member, visit),
            _ => {}
        }
    }
}

/// Visits every schema inside a schema with its pointer.
pub(crate) fn each<'a>(
    schema: &'a Value,
    pointer: &str,
    visit: &mut impl FnMut(&str, &'a Map<String, Value>),
) {
    let Value::Object(members) = schema else { return };
    visit(pointer, members);
    for (at, inner) in children(members) {
        each(inner, &format!("{pointer}/{at}"), visit);
    }
}

/// The schemas right inside a schema, each with the rest of its pointer.
pub(super) fn children(members: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, member) in members {
        match (name.as_str(), member) {
            ("properties" | "$defs", Value::Object(named)) => {
                found
                    .extend(named.iter().map(|(field, inner)| (format!("{name}/{}", escaped(field)), inner)));
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                found.extend(list.iter().enumerate().map(|(at, inner)| (format!("{name}/{at}"), inner)));
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains", inner) => {
                found.push((name.clone(), inner));
            }
            _ => {}
        }
    }
    found
}

/// A name as a part of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

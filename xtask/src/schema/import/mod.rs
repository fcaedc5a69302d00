//! A vendor's document of any kind to one normal form, which the overlays start from: the schema of the create request, of
//! its answer, the other named types, and the document's own example. What cannot be read is refused with place and reason.
//! Corrects nothing, and reads no file: bytes in, document out.

mod apifox;
mod json_schema;
mod markdown;
mod names;
mod openapi;
mod strict;

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value, json};

/// The largest document that is read, in bytes. The largest ones seen have half a megabyte.
const LARGEST: usize = 64 << 20;

pub(crate) const REQUEST: &str = "CreateTaskRequest";
pub(crate) const RESPONSE: &str = "CreateTaskResponse";

/// What kind of document it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ApifoxPage,
    ApifoxExport,
    ApifoxMarkdown,
    OpenApi30,
    OpenApi31,
    JsonSchema,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ApifoxPage => "Apifox page",
            Self::ApifoxExport => "Apifox project export",
            Self::ApifoxMarkdown => "Apifox Markdown export",
            Self::OpenApi30 => "OpenAPI 3.0",
            Self::OpenApi31 => "OpenAPI 3.1",
            Self::JsonSchema => "JSON Schema",
        }
    }
}

/// A vendor's document in the one form that everything else starts from.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) kind: Kind,
    /// The document's own name for itself.
    pub(crate) title: Option<String>,
    /// JSON Schema of the create request's body.
    pub(crate) request: Value,
    /// JSON Schema of the answer with code 200.
    pub(crate) response: Value,
    /// The other types that the document names.
    pub(crate) definitions: Map<String, Value>,
    /// The document's own example of a request body.
    pub(crate) example: Option<Value>,
    /// Status codes for which the document describes an answer.
    pub(crate) answers: Vec<String>,
    /// What was in the document and says nothing about the wire, so that it was left out.
    pub(crate) left_out: Vec<String>,
}

/// Reads a document. The error says where and why, but not which file: the caller knows its name.
pub(crate) fn read(bytes: &[u8]) -> Result<Imported> {
    let text = decoded(bytes)?;
    let mut imported = detect(text)?;
    normalise(&mut imported);
    names::check(&imported)?;
    Ok(imported)
}

/// The text of the bytes, without a byte order mark.
fn decoded(bytes: &[u8]) -> Result<&str> {
    ensure!(bytes.len() <= LARGEST, "it has {} bytes, more than the {LARGEST} that are read", bytes.len());
    ensure!(
        !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]),
        "line 1, column 1: it is UTF-16; have it written as UTF-8"
    );
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        anyhow!("line {line}, column {column}: it is not UTF-8 from here on")
    })?;
    ensure!(!text.trim().is_empty(), "line 1, column 1: it is empty");
    Ok(text)
}

fn detect(text: &str) -> Result<Imported> {
    if text.trim_start().starts_with(['{', '[']) {
        return from_value(strict::json(text, 1)?);
    }
    if apifox::is_page(text) {
        return apifox::page(text);
    }
    if markdown::is_one(text) {
        return markdown::read(text);
    }
    if looks_like_yaml(text) {
        return from_value(strict::yaml(text)?);
    }
    bail!(
        "line 1, column 1: it is no document that can be read: an Apifox page has a line `{}`, an Apifox export and a JSON \
         Schema begin with `{{`, OpenAPI has a line `openapi:`, Apifox Markdown a table `|名称|位置|…|` or a fenced OpenAPI \
         document. If it is one of these, it is cut off or was copied incompletely",
        apifox::REQUEST_HEADING
    )
}

fn looks_like_yaml(text: &str) -> bool {
    const KEYS: [&str; 8] =
        ["openapi", "swagger", "$schema", "$defs", "definitions", "properties", "type", "apifoxProject"];
    text.lines().any(|line| {
        let key = line.split(':').next().unwrap_or("").trim_matches(['"', '\'']);
        line.contains(':') && KEYS.contains(&key)
    })
}

/// A document that is one JSON (or YAML) object, by its marks.
fn from_value(value: Value) -> Result<Imported> {
    let Value::Object(members) = &value else {
        bail!("line 1, column 1: the document is {}, not an object", type_name(&value))
    };
    if members.contains_key("openapi") {
        openapi::read(&value)
    } else if members.contains_key("swagger") {
        bail!("at /swagger: OpenAPI 2 (Swagger) is not read; have it converted to OpenAPI 3")
    } else if members.contains_key("apifoxProject") {
        apifox::export(&value)
    } else if ["$schema", "$defs", "definitions", "properties", "type"]
        .iter()
        .any(|key| members.contains_key(*key))
    {
        json_schema::read(&value)
    } else {
        let names: Vec<&str> = members.keys().map(String::as_str).take(5).collect();
        bail!(
            "at /: it is neither OpenAPI nor an Apifox export nor a JSON Schema; its members are {}",
            names.join(", ")
        )
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl Imported {
    /// One JSON Schema document: what the overlays start from.
    pub(crate) fn document(&self) -> Value {
        let mut definitions = Map::new();
        definitions.insert(REQUEST.to_owned(), self.request.clone());
        definitions.insert(RESPONSE.to_owned(), self.response.clone());
        definitions.extend(self.definitions.iter().map(|(name, schema)| (name.clone(), schema.clone())));
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Ark video-generation task API",
            "$ref": format!("#/$defs/{REQUEST}"),
            "$defs": definitions,
        })
    }
}

/// What is the same whichever kind the document was: a default is a note about the service, never a value that we send.
fn normalise(imported: &mut Imported) {
    let schemas = imported.definitions.values_mut().chain([&mut imported.request, &mut imported.response]);
    for schema in schemas {
        walk(schema, &mut |members| {
            if let Some(at) = members.keys().position(|name| name == "default")
                && let Some(default) = members.shift_remove("default")
            {
                members.shift_insert(at, "x-default".to_owned(), default);
            }
        });
    }
    let (request, response) = (references(&imported.request), references(&imported.response));
    let reached = |from: &[String]| {
        let mut open = from.to_vec();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if seen.insert(name.clone()) {
                open.extend(imported.definitions.get(&name).map(references).unwrap_or_default());
            }
        }
        seen
    };
    let (asked, answered) = (reached(&request), reached(&response));
    for (name, schema) in &mut imported.definitions {
        let Value::Object(members) = schema else { continue };
        if members.get("type") != Some(&json!("object")) && !members.contains_key("properties") {
            continue;
        }
        let role = if asked.contains(name) || !answered.contains(name) { "request" } else { "response" };
        members.entry("x-role").or_insert(json!(role));
        members.entry("additionalProperties").or_insert(json!({}));
    }
}

/// The names of `$defs` that a schema refers to, in order.
fn references(schema: &Value) -> Vec<String> {
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

/// Visits every schema inside a schema, itself included; what stands in `const`, `enum` or an example is no schema.
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

/// The example text inside a document, as a value.
fn example(text: &str, place: &str) -> Result<Value> {
    strict::json(text, 1).map_err(anyhow::Error::from).with_context(|| {
        format!("at {place}: the document's own example is not the JSON text that it should be")
    })
}

#[cfg(test)]
mod tests;

//! A vendor's document of any kind to one normal form, which the overlays start from: the schema of
//! the create request, of its answer, the other named types, and the document's own example. What
//! cannot be read is refused with place and reason. Corrects nothing, and reads no file: bytes in,
//! document out.

mod apifox;
mod json_schema;
mod markdown;
mod names;
pub(crate) mod normal;
mod openapi;
pub(crate) mod operation;
mod repair;
mod strict;

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::{Map, Value, json};

/// The largest document that is read, in bytes. The largest ones seen have half a megabyte.
const LARGEST: usize = 64 << 20;

pub(crate) use operation::Operation;

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
    /// What the document describes.
    pub(crate) operation: Operation,
    /// The other operations that it describes; each can be taken in by its name.
    pub(crate) others: Vec<Operation>,
    /// Who published it, as far as the document says so.
    pub(crate) publisher: Option<String>,
    /// The publisher's own number of the edition.
    pub(crate) edition: Option<String>,
    /// The document's own name for itself.
    pub(crate) title: Option<String>,
    /// JSON Schema of the create request's body; null for the other operations.
    pub(crate) request: Value,
    /// JSON Schema of the answer with code 200; of a callback, its body.
    pub(crate) response: Value,
    /// Parameters of the query.
    pub(crate) parameters: Vec<Parameter>,
    /// Examples beside single schemas: JSON pointer from the root of the normal form, and value.
    pub(crate) samples: Vec<(String, Value)>,
    /// The document's own example of an answer.
    pub(crate) answer_example: Option<Value>,
    /// The other types that the document names.
    pub(crate) definitions: Map<String, Value>,
    /// The document's own example of a request body.
    pub(crate) example: Option<Value>,
    /// Status codes for which the document describes an answer.
    pub(crate) answers: Vec<String>,
    /// What was in the document and says nothing about the wire, so that it was left out.
    pub(crate) left_out: Vec<String>,
    /// What had to be repaired before it could be read, with its line.
    pub(crate) repaired: Vec<String>,
}

/// A parameter of an operation's query.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) schema: Value,
    pub(crate) example: Option<Value>,
}

/// Reads the first operation of a document.
#[cfg(test)]
pub(crate) fn read(bytes: &[u8]) -> Result<Imported> {
    read_as(bytes, None)
}

/// Reads one operation of a document that may describe several; without `wanted`, the first of
/// them. The error says where and why, but not which file: the caller knows its name.
pub(crate) fn read_as(bytes: &[u8], wanted: Option<Operation>) -> Result<Imported> {
    let text = decoded(bytes)?;
    let mut imported = detect(text, wanted)?;
    if let Some(wanted) = wanted {
        ensure!(
            imported.operation == wanted,
            "it describes the operation `{}`, not `{wanted}`",
            imported.operation
        );
    }
    read_examples(&mut imported)?;
    normal::form(&mut imported)?;
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

fn detect(text: &str, wanted: Option<Operation>) -> Result<Imported> {
    if text.trim_start().starts_with(['{', '[']) {
        return from_value(&strict::json(text, 1)?, wanted);
    }
    if apifox::is_page(text) {
        return apifox::page(text);
    }
    if markdown::is_one(text) {
        return markdown::read(text, wanted);
    }
    if looks_like_yaml(text) {
        let (value, repaired) = repair::yaml(text, 1)?;
        let mut imported = from_value(&value, wanted)?;
        imported.repaired = repaired;
        return Ok(imported);
    }
    bail!(
        "line 1, column 1: it holds no schema that can be read; what can be read is the text of an Apifox page (with a line `{}` or \
         `{}`), an Apifox export (JSON, Markdown with a fenced OpenAPI document or with tables `|名称|位置|…|`), OpenAPI 3.0 or 3.1 \
         (JSON or YAML), and JSON Schema; if it is one of these, it is cut off or was copied incompletely",
        apifox::REQUEST_HEADING,
        apifox::RESPONSE_HEADING
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
fn from_value(value: &Value, wanted: Option<Operation>) -> Result<Imported> {
    let Value::Object(members) = value else {
        bail!("line 1, column 1: the document is {}, not an object", type_name(value))
    };
    if members.contains_key("openapi") {
        openapi::read(value, wanted)
    } else if members.contains_key("swagger") {
        bail!("at /swagger: OpenAPI 2 (Swagger) is not read; have it converted to OpenAPI 3")
    } else if members.contains_key("apifoxProject") {
        apifox::export(value, wanted)
    } else if ["$schema", "$defs", "definitions", "properties", "type"]
        .iter()
        .any(|key| members.contains_key(*key))
    {
        json_schema::read(value, wanted)
    } else {
        let names: Vec<&str> = members.keys().map(String::as_str).take(5).collect();
        bail!(
            "at /: it is neither OpenAPI nor an Apifox export nor a JSON Schema; its members are {}",
            names.join(", ")
        )
    }
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(crate) use normal::{references, walk};

/// An import of which only the operation's schemas are known yet.
fn bare(kind: Kind, operation: Operation, request: Value, response: Value) -> Imported {
    Imported {
        kind,
        operation,
        others: Vec::new(),
        publisher: None,
        edition: None,
        title: None,
        request,
        response,
        parameters: Vec::new(),
        samples: Vec::new(),
        answer_example: None,
        definitions: Map::new(),
        example: None,
        answers: Vec::new(),
        left_out: Vec::new(),
        repaired: Vec::new(),
    }
}

/// An import of what a document describes of an operation; a callback is the body that it is sent
/// with.
fn described(
    kind: Kind,
    operation: Operation,
    (request, no_request): (Option<Value>, impl FnOnce() -> anyhow::Error),
    (response, no_response): (Option<Value>, impl FnOnce() -> anyhow::Error),
) -> Result<Imported> {
    Ok(match operation {
        Operation::Create => {
            bare(kind, operation, request.ok_or_else(no_request)?, response.unwrap_or_else(nothing))
        }
        Operation::Callback => bare(kind, operation, Value::Null, request.ok_or_else(no_request)?),
        Operation::Delete => bare(kind, operation, Value::Null, response.unwrap_or_else(nothing)),
        _ => bare(kind, operation, Value::Null, response.ok_or_else(no_response)?),
    })
}

/// An answer that is described as anything at all.
fn nothing() -> Value {
    json!({ "type": "object", "properties": {} })
}

/// Reads the examples that are written as a text. In an export, one that is not JSON costs the
/// example alone: nothing is generated from it. A page is copied by hand, so there it means that
/// the copy is damaged.
fn read_examples(imported: &mut Imported) -> Result<()> {
    for (example, of) in [(&mut imported.example, "a request"), (&mut imported.answer_example, "an answer")] {
        let Some(Value::String(text)) = example else { continue };
        let uncommented: Vec<&str> =
            text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect();
        *example = match strict::json(&uncommented.join("\n"), 1) {
            Ok(value) => Some(value),
            Err(fault) if matches!(imported.kind, Kind::ApifoxPage | Kind::ApifoxExport) => bail!(
                "at /examples/0/value: the document's own example is not the JSON text that it should be: {fault}"
            ),
            Err(fault) => {
                imported.repaired.push(format!(
                    "the document's own example of {of} is not JSON, so it is not used: {fault}"
                ));
                None
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests;

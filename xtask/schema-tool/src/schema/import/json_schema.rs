//! A bare JSON Schema: of the request body itself, or a document with the request among its `$defs`
//! (as our resolved schema is one).

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value};

use super::{Imported, Kind, Operation, REQUEST, RESPONSE, openapi};

pub(super) fn read(value: &Value, wanted: Option<Operation>) -> Result<Imported> {
    let Value::Object(members) = value else { bail!("at /: a JSON Schema is an object") };
    let mut root = members.clone();
    let mut definitions = Map::new();
    for key in ["$defs", "definitions"] {
        let Some(Value::Object(named)) = root.shift_remove(key) else { continue };
        for (name, schema) in named {
            let clean = openapi::type_name(&name)
                .ok_or_else(|| anyhow!("at /{key}: `{name}` is no name that a type can have"))?;
            if definitions.insert(clean.clone(), schema).is_some() {
                bail!("at /{key}/{name}: two schemas are both called `{clean}`");
            }
        }
    }
    let title = root.shift_remove("title").and_then(|title| title.as_str().map(str::to_owned));
    for note in ["$schema", "$id", "$comment"] {
        root.shift_remove(note);
    }
    let example = root.shift_remove("examples").and_then(|list| list.get(0).cloned());
    let mut request = Value::Object(root);
    let response = definitions.shift_remove(RESPONSE);
    openapi::local_references(&mut request);
    definitions.values_mut().for_each(openapi::local_references);
    if let Some(named) = request.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
    {
        let name = named.to_owned();
        request = definitions
            .shift_remove(&name)
            .ok_or_else(|| anyhow!("at /$ref: it refers to `{name}`, which is not in $defs"))?;
    } else if let Some(named) = definitions.shift_remove(REQUEST) {
        request = named;
    }
    if request.get("properties").and_then(Value::as_object).is_none() {
        bail!("at /properties: the schema of a request body lists its properties, and this one has none");
    }
    let mut response = response.unwrap_or_else(super::nothing);
    openapi::local_references(&mut response);
    // A bare schema does not say what it is the schema of: a request, unless the caller says
    // otherwise.
    let mut imported = match wanted.unwrap_or(Operation::Create) {
        Operation::Create => super::bare(Kind::JsonSchema, Operation::Create, request, response),
        other => super::bare(Kind::JsonSchema, other, Value::Null, request),
    };
    imported.title = title;
    imported.definitions = definitions;
    imported.example = example;
    Ok(imported)
}

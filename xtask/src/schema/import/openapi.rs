//! OpenAPI 3.0 and 3.1: the operation that creates a task, with the schemas that it names. 3.0's own dialect (`nullable`,
//! boolean exclusive bounds, `$ref` that hides its neighbours) is put into JSON Schema 2020-12.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail, ensure};
use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::{Imported, Kind, REQUEST, RESPONSE, walk};

const SCHEMAS: &str = "#/components/schemas/";
/// Where every mount of this API has its create.
const CREATE_PATH: &str = "/contents/generations/tasks";
/// Notes for readers and tools that say nothing about the wire.
const NOTES: [&str; 4] = ["example", "examples", "xml", "externalDocs"];

pub(super) fn read(value: &Value) -> Result<Imported> {
    let version = value.get("openapi").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let version = version.unwrap_or_default();
    let kind = match version.as_str() {
        v if v.starts_with("3.0") => Kind::OpenApi30,
        v if v.starts_with("3.1") => Kind::OpenApi31,
        other => bail!("at /openapi: version `{other}` is not read; 3.0 and 3.1 are"),
    };
    let (place, operation) = create(value)?;
    let body =
        follow(value, operation.get("requestBody").unwrap_or(&Value::Null), &format!("{place}/requestBody"))?;
    let (request, example) = content(value, body, &format!("{place}/requestBody"))?;
    let request = request.ok_or_else(|| anyhow!("at {place}/requestBody: it has no JSON schema"))?;
    let empty = Map::new();
    let responses = operation.get("responses").and_then(Value::as_object).unwrap_or(&empty);
    let good = responses.get("200").or_else(|| responses.get("201")).unwrap_or(&Value::Null);
    let response = match good {
        Value::Null => None,
        good => {
            content(
                value,
                follow(value, good, &format!("{place}/responses/200"))?,
                &format!("{place}/responses/200"),
            )?
            .0
        }
    };
    let mut imported = Imported {
        kind,
        title: value.pointer("/info/title").and_then(Value::as_str).map(str::to_owned),
        request: Value::Null,
        response: Value::Null,
        definitions: Map::new(),
        example,
        answers: responses.keys().cloned().collect(),
        left_out: Vec::new(),
    };
    let mut named = components(value)?;
    imported.request = root(request, &mut named, REQUEST, &format!("{place}/requestBody"))?;
    let nothing = json!({ "type": "object", "properties": {} });
    imported.response =
        root(response.unwrap_or(nothing), &mut named, RESPONSE, &format!("{place}/responses/200"))?;
    imported.definitions = reachable(named, [&imported.request, &imported.response]);
    let Imported { request, response, definitions, left_out, .. } = &mut imported;
    for schema in definitions.values_mut().chain([request, response]) {
        translate(schema, kind, left_out);
    }
    left_out.sort();
    left_out.dedup();
    Ok(imported)
}

/// Which of these paths creates a task: the known one, or the only one.
pub(super) fn the_create(paths: &[String]) -> Result<usize, String> {
    let ends: Vec<usize> =
        (0..paths.len()).filter(|at| paths[*at].trim_end_matches('/').ends_with(CREATE_PATH)).collect();
    match (ends.as_slice(), paths.len()) {
        ([one], _) => Ok(*one),
        ([], 1) => Ok(0),
        ([], 0) => Err("no operation with POST is described".to_owned()),
        ([], _) => {
            Err(format!("none of the operations with POST ends in `{CREATE_PATH}`: {}", paths.join(", ")))
        }
        (_, _) => Err(format!("several operations with POST end in `{CREATE_PATH}`: {}", paths.join(", "))),
    }
}

fn create(value: &Value) -> Result<(String, &Map<String, Value>)> {
    let paths = value.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or_else(|| anyhow!("at /paths: the document describes no paths"))?;
    let posts: Vec<(&String, &Map<String, Value>)> =
        paths.iter().filter_map(|(path, item)| Some((path, item.get("post")?.as_object()?))).collect();
    let names: Vec<String> = posts.iter().map(|(path, _)| (*path).clone()).collect();
    let chosen = the_create(&names).map_err(|reason| anyhow!("at /paths: {reason}"))?;
    let (path, operation) = posts[chosen];
    Ok((format!("/paths/{}/post", path.replace('~', "~0").replace('/', "~1")), operation))
}

/// The target of a `$ref` to another part of the document than its schemas.
fn follow<'a>(document: &'a Value, value: &'a Value, place: &str) -> Result<&'a Value> {
    let mut value = value;
    for _ in 0..8 {
        let Some(target) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
        value = target
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
            .ok_or_else(|| anyhow!("at {place}: `{target}` leads nowhere in this document"))?;
    }
    bail!("at {place}: `$ref` goes in circles")
}

/// The JSON schema and the example of a body or an answer.
fn content(document: &Value, holder: &Value, place: &str) -> Result<(Option<Value>, Option<Value>)> {
    let Some(media) = holder.get("content").and_then(Value::as_object) else { return Ok((None, None)) };
    let json =
        media.iter().find(|(name, _)| name.to_ascii_lowercase().contains("json")).map(|(_, media)| media);
    let Some(json) = json else {
        bail!(
            "at {place}/content: none of the media types is JSON: {}",
            media.keys().cloned().collect::<Vec<_>>().join(", ")
        )
    };
    let named = json.get("examples").and_then(Value::as_object).and_then(|all| all.values().next());
    let example = match named {
        Some(named) => follow(document, named, &format!("{place}/content/examples"))?.get("value"),
        None => json.get("example"),
    };
    let example = match example {
        Some(Value::String(text)) => Some(super::example(text, &format!("{place}/content/example"))?),
        other => other.cloned(),
    };
    Ok((json.get("schema").cloned(), example))
}

/// The document's named schemas, under names that a Rust type can have.
fn components(document: &Value) -> Result<Map<String, Value>> {
    let mut named = Map::new();
    let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object) else {
        return Ok(named);
    };
    for (name, schema) in schemas {
        let clean = type_name(name)
            .ok_or_else(|| anyhow!("at /components/schemas: `{name}` is no name that a type can have"))?;
        let mut schema = schema.clone();
        local_references(&mut schema);
        ensure!(
            named.insert(clean.clone(), schema).is_none(),
            "at /components/schemas: two schemas are both called `{clean}`"
        );
    }
    Ok(named)
}

/// `ark.video_item` as `ArkVideoItem`; `None` for what cannot be a name (`../x`, `1`, nothing).
pub(super) fn type_name(name: &str) -> Option<String> {
    let plain = !name.is_empty()
        && name.len() <= 80
        && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    let camel = if name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
    {
        name.to_owned()
    } else {
        name.replace(['.', '-'], "_").to_upper_camel_case()
    };
    let named =
        syn::parse_str::<syn::Ident>(&camel).is_ok() && camel.starts_with(|c: char| c.is_ascii_uppercase());
    (plain && !name.contains("..") && named).then_some(camel)
}

/// Every `$ref` to a named schema, in our spelling; others stay, to be refused by the check of names.
pub(super) fn local_references(schema: &mut Value) {
    walk(schema, &mut |members| {
        let target = members.get("$ref").and_then(Value::as_str);
        let name = target.and_then(|target| {
            [SCHEMAS, "#/definitions/", "#/$defs/"].iter().find_map(|prefix| target.strip_prefix(prefix))
        });
        if let Some(name) = name.and_then(type_name) {
            members.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
        }
    });
}

/// A root that is a `$ref` is the named schema itself, under our name for it.
fn root(mut schema: Value, named: &mut Map<String, Value>, ours: &str, place: &str) -> Result<Value> {
    local_references(&mut schema);
    let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
    else {
        return Ok(schema);
    };
    let name = name.to_owned();
    let target =
        named.shift_remove(&name).ok_or_else(|| anyhow!("at {place}: `{name}` is not among the schemas"))?;
    for other in named.values_mut() {
        walk(other, &mut |members| {
            if members.get("$ref") == Some(&json!(format!("#/$defs/{name}"))) {
                members.insert("$ref".to_owned(), json!(format!("#/$defs/{ours}")));
            }
        });
    }
    Ok(target)
}

fn reachable(mut named: Map<String, Value>, roots: [&Value; 2]) -> Map<String, Value> {
    let mut open: Vec<String> = roots.iter().flat_map(|root| super::references(root)).collect();
    let mut used = BTreeSet::new();
    while let Some(name) = open.pop() {
        if used.insert(name.clone()) {
            open.extend(named.get(&name).map(super::references).unwrap_or_default());
        }
    }
    named.retain(|name, _| used.contains(name));
    named
}

/// 3.0's dialect, and notes that the types have no place for.
fn translate(schema: &mut Value, kind: Kind, left_out: &mut Vec<String>) {
    walk(schema, &mut |members| {
        for note in NOTES {
            if members.shift_remove(note).is_some() {
                left_out.push(format!("`{note}` of a schema"));
            }
        }
        if kind != Kind::OpenApi30 {
            return;
        }
        if members.contains_key("$ref") && members.len() > 1 {
            let hidden: Vec<String> = members.keys().filter(|name| *name != "$ref").cloned().collect();
            left_out.push(format!("`{}` beside a `$ref`, which OpenAPI 3.0 ignores", hidden.join("`, `")));
            members.retain(|name, _| name == "$ref");
        }
        exclusive(members, "exclusiveMinimum", "minimum");
        exclusive(members, "exclusiveMaximum", "maximum");
        if members.shift_remove("nullable") == Some(json!(true)) {
            nullable(members);
        }
    });
}

/// `exclusiveMinimum: true` beside `minimum: 3` is `exclusiveMinimum: 3`.
fn exclusive(members: &mut Map<String, Value>, exclusive: &str, bound: &str) {
    match members.get(exclusive) {
        Some(Value::Bool(true)) => {
            if let Some(value) = members.shift_remove(bound) {
                members.insert(exclusive.to_owned(), value);
            }
        }
        Some(Value::Bool(false)) => {
            members.shift_remove(exclusive);
        }
        _ => {}
    }
}

fn nullable(members: &mut Map<String, Value>) {
    if let Some(name) = members.get("type").and_then(Value::as_str).map(str::to_owned) {
        members.insert("type".to_owned(), json!([name, "null"]));
        if let Some(Value::Array(values)) = members.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    } else if let Some(parts) = members.shift_remove("allOf").or_else(|| members.shift_remove("oneOf")) {
        let one = match parts.as_array().map(Vec::as_slice) {
            Some([one]) => one.clone(),
            _ => json!({ "allOf": parts }),
        };
        members.insert("anyOf".to_owned(), json!([one, { "type": "null" }]));
    } else if let Some(Value::Array(parts)) = members.get_mut("anyOf") {
        parts.push(json!({ "type": "null" }));
    }
}

//! Apifox: the text of a published page, and the project export (`apifoxProject`). Both hold the
//! same two JSON values: the body of the request and the list of answers.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use super::{Imported, Kind, Operation, Parameter, openapi, strict};

pub(super) const REQUEST_HEADING: &str = "请求体";
pub(super) const RESPONSE_HEADING: &str = "响应";

/// Whether the text has one of the headings that a page has.
pub(super) fn is_page(text: &str) -> bool {
    has(text, REQUEST_HEADING)
        || (has(text, RESPONSE_HEADING) && text.lines().any(|line| call(line).is_some()))
}

fn has(text: &str, heading: &str) -> bool {
    text.lines().any(|line| line.trim() == heading)
}

/// `POST /path` on a line of its own.
pub(super) fn call(line: &str) -> Option<(&str, &str)> {
    let (method, path) = line.trim().split_once(' ')?;
    (["POST", "GET", "DELETE", "PUT"].contains(&method) && path.starts_with('/'))
        .then_some((method, path.trim()))
}

/// The text of a page: two headings, each followed by one JSON value.
pub(super) fn page(text: &str) -> Result<Imported> {
    let body = match has(text, REQUEST_HEADING) {
        true => json_after(text, REQUEST_HEADING)?,
        false => Value::Null,
    };
    let answers = json_after(text, RESPONSE_HEADING)?;
    let title = text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    let about = |part: &str| format!("the JSON under `{part}`");
    let call = text.lines().find_map(call).unwrap_or(("POST", ""));
    let mut imported = parts(call, &body, &about(REQUEST_HEADING), &answers, &about(RESPONSE_HEADING))?;
    imported.title = title;
    Ok(imported)
}

/// The two values of an Apifox operation.
fn parts(
    (method, path): (&str, &str),
    body: &Value,
    body_place: &str,
    answers: &Value,
    answers_place: &str,
) -> Result<Imported> {
    let request = body.get("jsonSchema").filter(|schema| schema.is_object()).cloned();
    let example = body.pointer("/examples/0/value").cloned();
    let answers = answers.as_array().ok_or_else(|| anyhow!("{answers_place} is not a list of answers"))?;
    let code = |answer: &Value| match answer.get("code") {
        Some(Value::String(code)) => code.clone(),
        Some(code) => code.to_string(),
        None => String::new(),
    };
    let response = answers
        .iter()
        .find(|answer| code(answer) == "200")
        .and_then(|answer| answer.get("jsonSchema"))
        .filter(|schema| schema.is_object())
        .cloned();
    let nothing = Value::Null;
    let operation = Operation::of(
        method,
        path,
        request.as_ref().unwrap_or(&nothing),
        response.as_ref().unwrap_or(&nothing),
    )
    .ok_or_else(|| anyhow!("{method} {path} is not an operation of this API"))?;
    let no_answer = || anyhow!("{answers_place}: none of the answers has code 200 and a `jsonSchema`");
    if operation == Operation::Create && request.is_some() && response.is_none() {
        return Err(no_answer());
    }
    let no_body = || anyhow!("{body_place} has no `jsonSchema`");
    let mut imported =
        super::described(Kind::ApifoxPage, operation, (request, no_body), (response, no_answer))?;
    imported.example = example;
    imported.answers = answers.iter().map(code).collect();
    imported.parameters = body
        .get("queryParameters")
        .or_else(|| body.pointer("/parameters/query"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(parameter)
        .collect();
    Ok(imported)
}

fn parameter(value: &Value) -> Option<Parameter> {
    Some(Parameter {
        name: value.get("name")?.as_str()?.to_owned(),
        schema: value
            .get("schema")
            .cloned()
            .unwrap_or_else(|| json!({ "type": value.get("type").cloned().unwrap_or(json!("string")) })),
        example: value.get("example").filter(|example| **example != json!("")).cloned(),
    })
}

/// The one JSON value that follows a line which holds nothing but the heading.
fn json_after(text: &str, heading: &str) -> Result<Value> {
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        offset += line.len();
        if line.trim() == heading {
            return strict::first_json(&text[offset..], index + 2)
                .with_context(|| format!("the JSON under `{heading}` is broken"))?
                .ok_or_else(|| anyhow!("line {}: nothing follows the heading `{heading}`", index + 1));
        }
    }
    bail!("line {}: the page ends without a line `{heading}`; it is cut off", text.lines().count().max(1))
}

/// The export of a project: a tree of folders with operations, and named schemas beside it.
pub(super) fn export(value: &Value, wanted: Option<Operation>) -> Result<Imported> {
    let mut operations = Vec::new();
    collect(value.get("apiCollection").unwrap_or(&Value::Null), "/apiCollection", &mut operations);
    let calls: Vec<(Operation, String)> =
        operations.iter().map(|(kind, _, api)| (*kind, text(api, "path"))).collect();
    let chosen = openapi::choose(&calls, wanted).map_err(|reason| anyhow!("at /apiCollection: {reason}"))?;
    let (kind, place, api) = &operations[chosen];
    let nothing = Value::Null;
    let member = |name: &str| api.get(name).unwrap_or(&nothing);
    let mut imported = parts(
        (&text(api, "method").to_uppercase(), &text(api, "path")),
        member("requestBody"),
        &format!("at {place}/requestBody: the body"),
        member("responses"),
        &format!("at {place}/responses: the value"),
    )?;
    let query = api.get("parameters").and_then(|all| all.get("query")).and_then(Value::as_array);
    imported.parameters.extend(query.into_iter().flatten().filter_map(parameter));
    imported.others = calls.iter().map(|(other, _)| *other).filter(|other| other != kind).collect();
    imported.others.sort_unstable();
    imported.others.dedup();
    imported.kind = Kind::ApifoxExport;
    imported.title =
        api.get("name").or_else(|| value.pointer("/info/name")).and_then(Value::as_str).map(str::to_owned);
    named_schemas(value.get("schemaCollection").unwrap_or(&nothing), &mut imported)?;
    Ok(imported)
}

/// Every operation, with its place and its object.
fn collect<'a>(node: &'a Value, place: &str, found: &mut Vec<(Operation, String, &'a Map<String, Value>)>) {
    let Value::Array(items) = node else { return };
    for (index, item) in items.iter().enumerate() {
        let place = format!("{place}/{index}");
        if let Some(Value::Object(api)) = item.get("api") {
            let schema = |pointer: &str| {
                api.get("requestBody").and_then(|body| body.pointer(pointer)).unwrap_or(&Value::Null)
            };
            let answer =
                api.get("responses").and_then(|all| all.pointer("/0/jsonSchema")).unwrap_or(&Value::Null);
            let kind = Operation::of(&text(api, "method"), &text(api, "path"), schema("/jsonSchema"), answer);
            found.extend(kind.map(|kind| (kind, format!("{place}/api"), api)));
        }
        collect(item.get("items").unwrap_or(&Value::Null), &format!("{place}/items"), found);
    }
}

fn text(api: &Map<String, Value>, name: &str) -> String {
    api.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

/// `schemaCollection`: `#/definitions/<number>` in this export, a name of their own in ours.
fn named_schemas(collection: &Value, imported: &mut Imported) -> Result<()> {
    let mut open = vec![collection];
    let mut renames = Vec::new();
    while let Some(node) = open.pop() {
        for item in node.as_array().map(Vec::as_slice).unwrap_or_default() {
            open.extend(item.get("items"));
            let schema = item.pointer("/schema/jsonSchema").filter(|schema| schema.is_object());
            let (Some(name), Some(schema)) = (item.get("name").and_then(Value::as_str), schema) else {
                continue;
            };
            let name = openapi::type_name(name)
                .ok_or_else(|| anyhow!("at /schemaCollection: `{name}` is no name that a type can have"))?;
            let id = item.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
            renames.extend(id.map(|id| {
                (format!("#/definitions/{}", id.trim_start_matches("#/definitions/")), name.clone())
            }));
            if imported.definitions.insert(name.clone(), schema.clone()).is_some() {
                bail!("at /schemaCollection: two schemas are both called `{name}`");
            }
        }
    }
    let schemas = imported.definitions.values_mut().chain([&mut imported.request, &mut imported.response]);
    for schema in schemas {
        super::walk(schema, &mut |members| {
            let target = members.get("$ref").and_then(Value::as_str);
            if let Some((_, name)) = renames.iter().find(|(from, _)| Some(from.as_str()) == target) {
                members.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
            }
        });
    }
    Ok(())
}

//! OpenAPI 3.0 and 3.1: the operation that creates a task, with the schemas that it names. 3.0's
//! own dialect (`nullable`, boolean exclusive bounds, `$ref` that hides its neighbours) is put into
//! JSON Schema 2020-12.

use anyhow::{Result, anyhow, bail, ensure};
use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::{Imported, Kind, Operation, Parameter, REQUEST, walk};

const SCHEMAS: &str = "#/components/schemas/";

pub(super) fn read(value: &Value, wanted: Option<Operation>) -> Result<Imported> {
    let version = value.get("openapi").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let version = version.unwrap_or_default();
    let kind = match version.as_str() {
        v if v.starts_with("3.0") => Kind::OpenApi30,
        v if v.starts_with("3.1") => Kind::OpenApi31,
        other => bail!("at /openapi: version `{other}` is not read; 3.0 and 3.1 are"),
    };
    let calls = calls(value)?;
    let (call, others) = chosen(&calls, wanted)?;
    let (place, operation) = (&call.place, call.body);
    let (request, example) = match operation.get("requestBody") {
        None => (None, None),
        Some(body) => {
            let place = format!("{place}/requestBody");
            content(value, follow(value, body, &place)?, &place)?
        }
    };
    let empty = Map::new();
    let responses = operation.get("responses").and_then(Value::as_object).unwrap_or(&empty);
    let good = responses
        .iter()
        .find(|(code, _)| *code == "200")
        .or_else(|| responses.iter().find(|(code, _)| code.starts_with('2') || *code == "default"));
    let (response, answer_example) = match good {
        None => (None, None),
        Some((code, good)) => {
            let place = format!("{place}/responses/{code}");
            content(value, follow(value, good, &place)?, &place)?
        }
    };
    let mut named = components(value)?;
    let answered = format!("{place}/responses/200");
    let requested = format!("{place}/requestBody");
    let own = |schema: Option<Value>, named: &mut Map<String, Value>, name: Option<&str>, place: &str| {
        schema.zip(name).map(|(schema, name)| root(schema, named, name, place)).transpose()
    };
    let hook = call.operation == Operation::Callback;
    let body = match call.operation {
        Operation::Create => Some(REQUEST),
        Operation::Callback => call.operation.answer(),
        _ => None,
    };
    let request = own(request, &mut named, body, &requested)?;
    let response = own(response, &mut named, call.operation.answer().filter(|_| !hook), &answered)?;
    let no_body = || anyhow!("at {requested}: it has no JSON schema");
    let no_answer =
        || anyhow!("at {answered}: its answer has no JSON schema, so that there is nothing to take in");
    let mut imported = super::described(kind, call.operation, (request, no_body), (response, no_answer))?;
    imported.answer_example = if hook { example.clone() } else { answer_example };
    imported.example = example.filter(|_| call.operation == Operation::Create);
    let text = |pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    };
    let summary = operation.get("summary").and_then(Value::as_str).map(str::trim);
    imported.title = text("/info/title").or(summary.filter(|text| !text.is_empty())).map(str::to_owned);
    imported.publisher = text("/servers/0/url").and_then(publisher);
    imported.edition = text("/info/version").map(str::to_owned);
    imported.answers = responses.keys().cloned().collect();
    imported.others = others;
    imported.parameters = parameters(value, call)?;
    let roots = [&imported.request, &imported.response].into_iter().flat_map(super::references);
    let used = super::normal::reached(roots, &named);
    named.retain(|name, _| used.contains(name));
    imported.definitions = named;
    let Imported { request, response, definitions, left_out, .. } = &mut imported;
    for schema in definitions.values_mut().chain([request, response]) {
        translate(schema, kind, left_out);
    }
    Ok(imported)
}

/// A described call with what it is.
struct Call<'a> {
    operation: Operation,
    path: String,
    place: String,
    body: &'a Map<String, Value>,
    shared: &'a Value,
}

const METHODS: [&str; 4] = ["post", "get", "delete", "put"];

/// Every call of the document, of its callbacks too.
fn calls(value: &Value) -> Result<Vec<Call<'_>>> {
    let mut found = Vec::new();
    let mut add = |path: &str, item: &Value, place: String, hook: bool| -> Result<()> {
        for method in METHODS {
            let Some(body) = item.get(method).and_then(Value::as_object) else { continue };
            let schema = |holder: Option<&Value>| {
                let media = holder.and_then(|holder| holder.get("content")?.as_object()?.values().next());
                let schema = media.and_then(|media| media.get("schema")).unwrap_or(&Value::Null);
                follow(value, schema, "").cloned().unwrap_or_default()
            };
            let request = schema(body.get("requestBody"));
            let answer = schema(body.get("responses").and_then(|all| all.get("200")));
            let operation =
                if hook { Some(Operation::Callback) } else { Operation::of(method, path, &request, &answer) };
            if let Some(operation) = operation {
                let place = format!("{place}/{method}");
                found.push((operation, path.to_owned(), place));
            }
        }
        Ok(())
    };
    let paths = value.get("paths").and_then(Value::as_object);
    let hooks = value.get("webhooks").and_then(Value::as_object);
    if paths.is_none() && hooks.is_none() {
        bail!("at /paths: the document describes no paths");
    }
    let escaped = super::normal::escaped;
    for (path, item) in paths.into_iter().flatten() {
        add(path, item, format!("/paths/{}", escaped(path)), false)?;
        for method in METHODS {
            let callbacks = item.pointer(&format!("/{method}/callbacks")).and_then(Value::as_object);
            for (name, targets) in callbacks.into_iter().flatten() {
                for (target, item) in targets.as_object().into_iter().flatten() {
                    let place = format!(
                        "/paths/{}/{method}/callbacks/{}/{}",
                        escaped(path),
                        escaped(name),
                        escaped(target)
                    );
                    add(target, item, place, true)?;
                }
            }
        }
    }
    for (name, item) in hooks.into_iter().flatten() {
        add(name, item, format!("/webhooks/{}", escaped(name)), true)?;
    }
    let mut calls = Vec::new();
    for (operation, path, place) in found {
        let Some(body) = value.pointer(&place).and_then(Value::as_object) else { continue };
        let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
        let shared = value.pointer(parent).and_then(|item| item.get("parameters")).unwrap_or(&Value::Null);
        calls.push(Call { operation, path, place, body, shared });
    }
    Ok(calls)
}

/// The call to read, and the other operations that the document describes.
fn chosen<'a, 'b>(
    calls: &'b [Call<'a>],
    wanted: Option<Operation>,
) -> Result<(&'b Call<'a>, Vec<Operation>)> {
    let kinds: Vec<(Operation, String)> =
        calls.iter().map(|call| (call.operation, call.path.clone())).collect();
    let at = choose(&kinds, wanted).map_err(|reason| anyhow!("at /paths: {reason}"))?;
    let call = &calls[at];
    let mut others: Vec<Operation> =
        calls.iter().map(|call| call.operation).filter(|other| *other != call.operation).collect();
    others.sort_unstable();
    others.dedup();
    Ok((call, others))
}

/// Which of these operations to read: the wanted one, or the first kind; of several of one kind,
/// the one at the known path.
pub(super) fn choose(calls: &[(Operation, String)], wanted: Option<Operation>) -> Result<usize, String> {
    let kind = wanted.or_else(|| calls.iter().map(|(kind, _)| *kind).min());
    let of: Vec<usize> = (0..calls.len()).filter(|at| Some(calls[*at].0) == kind).collect();
    let known: Vec<usize> = of.iter().copied().filter(|at| Operation::is_known_path(&calls[*at].1)).collect();
    let paths = |all: &[usize]| all.iter().map(|at| calls[*at].1.as_str()).collect::<Vec<_>>().join(", ");
    match (of.as_slice(), known.as_slice(), wanted) {
        ([one], _, _) | (_, [one], _) => Ok(*one),
        ([], _, Some(wanted)) => Err(format!("the operation `{wanted}` is not described")),
        ([], _, None) => Err("no operation of this API is described".to_owned()),
        (several, [], _) => Err(format!(
            "several operations may be the `{}`, and none has the known path: {}",
            kind.map_or("", Operation::as_str),
            paths(several)
        )),
        (_, several, _) => Err(format!(
            "several operations have the path of the `{}`: {}",
            kind.map_or("", Operation::as_str),
            paths(several)
        )),
    }
}

/// The parameters of the query, those that the whole path shares too.
fn parameters(document: &Value, call: &Call<'_>) -> Result<Vec<Parameter>> {
    let own = call.body.get("parameters").unwrap_or(&Value::Null);
    let mut found = Vec::new();
    for parameter in [own, call.shared].into_iter().filter_map(Value::as_array).flatten() {
        let parameter = follow(document, parameter, &format!("{}/parameters", call.place))?;
        let text = |name: &str| parameter.get(name).and_then(Value::as_str).unwrap_or("");
        if text("in") != "query" || text("name").is_empty() {
            continue;
        }
        let mut schema = parameter.get("schema").cloned().unwrap_or(json!({}));
        if let (Value::Object(members), Some(about)) = (&mut schema, parameter.get("description")) {
            members.entry("description").or_insert(about.clone());
        }
        found.push(Parameter {
            name: text("name").to_owned(),
            schema,
            example: parameter.get("example").cloned(),
        });
    }
    Ok(found)
}

/// `https://api.example.com/v1` is published by `example.com`.
fn publisher(url: &str) -> Option<String> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', ':', '?']).next()?;
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    match labels.as_slice() {
        ["api" | "www" | "docs" | "open" | "vip" | "gateway", rest @ ..] if rest.len() > 1 && plain => {
            Some(rest.join("."))
        }
        [_, _, ..] if plain => Some(host.to_owned()),
        _ => None,
    }
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
    Ok((json.get("schema").cloned(), example.cloned()))
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

/// Every `$ref` to a named schema, in our spelling; others stay, to be refused by the check of
/// names.
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

/// 3.0's dialect, and notes that the types have no place for.
fn translate(schema: &mut Value, kind: Kind, left_out: &mut Vec<String>) {
    walk(schema, &mut |members| {
        if kind != Kind::OpenApi30 {
            return;
        }
        if members.contains_key("$ref") && members.len() > 1 {
            // Examples are no part of the schema and stay to be read.
            let notes = ["$ref", "example", "examples"];
            let hidden: Vec<String> =
                members.keys().filter(|name| !notes.contains(&name.as_str())).cloned().collect();
            if hidden.is_empty() {
                return;
            }
            left_out.push(format!("`{}` beside a `$ref`, which OpenAPI 3.0 ignores", hidden.join("`, `")));
            members.retain(|name, _| notes.contains(&name.as_str()));
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

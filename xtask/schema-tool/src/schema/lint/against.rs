//! Rules of `schema lint` that hold a document against something else: values of its own beside
//! their schemas, other documents, and what our overlays say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Context, Finding};
use crate::schema::import::normal::each;
use crate::schema::import::{Imported, REQUEST, type_name};
use crate::schema::merge;

pub(super) fn all(imported: &Imported, context: &Context<'_>) -> Vec<Finding> {
    [own_values(imported), declared_as_text(imported, context), across_operations(imported, context)].concat()
}

/// A default or an example that its own schema refuses.
fn own_values(imported: &Imported) -> Vec<Finding> {
    let document = json!({ "$defs": imported.types() });
    let mut values: Vec<(String, &'static str, Value)> =
        imported.samples.iter().map(|(at, value)| (at.clone(), "example", value.clone())).collect();
    for (pointer, schema) in imported.roots() {
        each(schema, &pointer, &mut |at, members| {
            values.extend(members.get("x-default").map(|value| (at.to_owned(), "default", value.clone())));
        });
    }
    values
        .into_iter()
        .filter_map(|(at, noun, value)| {
            let mut schema = document.pointer(&at)?.clone();
            schema.as_object_mut()?.insert("$defs".to_owned(), document["$defs"].clone());
            let validator = jsonschema::draft202012::new(&schema).ok()?;
            let error = validator.iter_errors(&value).next()?;
            let (rule, message) = match noun {
                "default" => ("default-outside", "the default is not a value of its own schema"),
                _ => ("example-outside", "the example is not a value of its own schema"),
            };
            Some(Finding::new(
                rule,
                at,
                format!("{message}: {}", error.masked()),
                "find out which of both is right, and correct the other in an overlay",
            ))
        })
        .collect()
}

/// A field that is declared as text although its example, another document or our overlay has
/// something else.
fn declared_as_text(imported: &Imported, context: &Context<'_>) -> Vec<Finding> {
    const ADVICE: &str = "find out what the service takes; a text on the wire is another value than a number, a boolean or a list";
    let own = json!({ "$defs": imported.types() });
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_text = |at: &str| {
        own.pointer(at).is_some_and(|schema| {
            let kind = &schema["type"];
            *kind == "string"
                || kind.as_array().is_some_and(|all| all.iter().all(|one| one == "string" || one == "null"))
        })
    };
    for (at, value) in &imported.samples {
        if is_text(at) && !value.is_string() && !value.is_null() {
            said.entry(at.clone()).or_default().insert(format!("its example is {value}"));
        }
    }
    if let (Some(example), Some(properties)) =
        (&imported.example, imported.request.get("properties").and_then(Value::as_object))
    {
        for name in properties.keys() {
            let at = format!("/$defs/{REQUEST}/properties/{name}");
            if let Some(value) = example.get(name).filter(|value| !value.is_string() && !value.is_null())
                && is_text(&at)
            {
                said.entry(at)
                    .or_default()
                    .insert(format!("the example of a request has {}", type_name(value)));
            }
        }
    }
    for (pointer, schema) in imported.roots() {
        let mut beside = |other: &Value, who: &str| {
            let Some(theirs) = other.pointer(&pointer) else { return };
            for (place, kind) in merge::texts_beside(schema, &own, theirs, other, &pointer) {
                said.entry(place).or_default().insert(format!("{who} says {kind}"));
            }
        };
        if let Some(resolved) = context.resolved {
            beside(resolved, "our schema");
        }
        for (label, other) in context.others {
            beside(&json!({ "$defs": other.types() }), label);
        }
    }
    let mut findings: Vec<Finding> = said
        .into_iter()
        .map(|(at, reasons)| {
            let reasons: Vec<String> = reasons.into_iter().collect();
            Finding::new(
                "declared-as-text",
                at,
                format!("it is declared as text, and {}", reasons.join("; ")),
                ADVICE,
            )
        })
        .collect();
    findings.extend(parameters_as_text(imported, context, ADVICE));
    findings
}

fn parameters_as_text(imported: &Imported, context: &Context<'_>, advice: &'static str) -> Vec<Finding> {
    let operations = context.resolved.and_then(|all| all.pointer("/x-api/operations")?.as_array());
    let ours = operations.into_iter().flatten().find(|one| one["id"] == imported.operation.id());
    let query = ours.and_then(|one| one.get("query")?.as_array());
    let known = |name: &str| query.into_iter().flatten().find(|one| one["name"] == name);
    imported
        .parameters
        .iter()
        .filter(|parameter| parameter.schema["type"] == "string")
        .filter_map(|parameter| {
            let ours = known(&parameter.name).map(|one| one["schema"]["type"].clone());
            let said = match (&ours, &parameter.example) {
                (Some(kind), _) if *kind != "string" => format!("our schema says {kind}"),
                (_, Some(example)) if !example.is_string() => format!("its example is {example}"),
                _ => return None,
            };
            let at = format!("/x-api/operations/{}/query/{}", imported.operation.id(), parameter.name);
            Some(Finding::new("declared-as-text", at, format!("it is declared as text, and {said}"), advice))
        })
        .collect()
}

/// One field with different types in two operations.
fn across_operations(imported: &Imported, context: &Context<'_>) -> Vec<Finding> {
    let own = fields(imported.roots());
    let ours = context.resolved.map(|resolved| {
        let types = merge::types(resolved);
        let roots: Vec<(String, &Value)> =
            types.iter().map(|(name, schema)| (format!("/$defs/{name}"), schema)).collect();
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, kinds) in fields(roots) {
            all.entry(name).or_default().extend(kinds.into_keys());
        }
        all
    });
    let mut findings = Vec::new();
    for (label, other) in context.others.iter().filter(|(_, other)| other.operation != imported.operation) {
        let theirs = fields(other.roots());
        for (name, kinds) in &own {
            let Some(elsewhere) = theirs.get(name) else { continue };
            for (kind, at) in kinds.iter().filter(|(kind, _)| !elsewhere.contains_key(*kind)) {
                let (other_kind, _) = match elsewhere.iter().next() {
                    Some(found) => found,
                    None => continue,
                };
                // Where our own types differ alike, the difference is the API's.
                let known = ours
                    .as_ref()
                    .and_then(|all| all.get(name))
                    .is_some_and(|all| all.contains(kind) && all.contains(other_kind));
                if !known {
                    findings.push(Finding::new(
                        "types-differ",
                        at.clone(),
                        format!(
                            "`{name}` is {kind} here and {other_kind} in the {} operation of {label}",
                            other.operation
                        ),
                        "find out which the service sends, and say so in an overlay",
                    ));
                }
            }
        }
    }
    findings.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    findings.dedup_by(|one, other| one.pointer == other.pointer);
    findings
}

/// The plain types of each field by its name, each with a place.
fn fields(roots: Vec<(String, &Value)>) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (pointer, schema) in roots {
        each(schema, &pointer, &mut |at, members: &Map<String, Value>| {
            for (name, property) in members.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let kinds: Vec<&str> = match property.get("type") {
                    Some(Value::String(kind)) => vec![kind],
                    Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
                    _ => Vec::new(),
                };
                for kind in kinds.into_iter().filter(|kind| *kind != "null") {
                    let place = format!("{at}/properties/{name}");
                    found.entry(name.clone()).or_default().entry(kind.to_owned()).or_insert(place);
                }
            }
        });
    }
    found
}

//! The rules of `schema lint`, one function each from the document to its findings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Finding;
use crate::schema::import::normal::each;
use crate::schema::import::{Imported, Operation, REQUEST, RESPONSE};
use crate::schema::keywords::is_keyword;

pub(super) fn all(imported: &Imported) -> Vec<Finding> {
    // Only a create has a request with an example, and an answer that must not be empty.
    if imported.operation != Operation::Create {
        return [structure(imported), prose(imported), types(imported)].concat();
    }
    [
        example(imported),
        required_by_example(imported),
        structure(imported),
        prose(imported),
        answers(imported),
        types(imported),
    ]
    .concat()
}

/// The document's own example against its own schema.
fn example(imported: &Imported) -> Vec<Finding> {
    let Some(example) = &imported.example else {
        let message = "the document has no example of a request";
        return vec![Finding::new(
            "no-example",
            format!("/$defs/{REQUEST}"),
            message,
            "ask the vendor for one: it is the only word on how the parts fit together",
        )];
    };
    let mut schema = imported.request.clone();
    let Value::Object(members) = &mut schema else { return Vec::new() };
    members.insert("$defs".to_owned(), imported.document()["$defs"].clone());
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => {
            let at = format!("/$defs/{REQUEST}{}", error.instance_path());
            let message = format!("the schema itself is no JSON Schema: {}", error.masked());
            return vec![Finding::new("no-schema", at, message, "correct the keyword in an overlay")];
        }
    };
    // The same complaint about several items is one finding.
    let mut complaints: Vec<(String, String, Vec<String>)> = Vec::new();
    for error in validator.iter_errors(example) {
        let place = error.schema_path().to_string();
        let (message, at) = (error.masked().to_string(), error.instance_path().to_string());
        match complaints.iter_mut().find(|(p, m, _)| *p == place && *m == message) {
            Some((_, _, places)) => places.push(at),
            None => complaints.push((place, message, vec![at])),
        }
    }
    complaints
        .into_iter()
        .map(|(place, message, at)| {
            let at: Vec<&str> = at.iter().map(|at| if at.is_empty() { "/" } else { at }).collect();
            Finding::new(
                "example-rejected",
                format!("/$defs/{REQUEST}{place}"),
                format!("the document's own example breaks it at {}: {message}", at.join(", ")),
                "believe the example: correct the schema in an overlay, or the example if the service refuses it",
            )
        })
        .collect()
}

/// What is required of every item of a list although the example leaves it out of some: it belongs
/// to a kind of item.
fn required_by_example(imported: &Imported) -> Vec<Finding> {
    let (Some(example), Some(properties)) =
        (&imported.example, imported.request.get("properties").and_then(Value::as_object))
    else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (property, schema) in properties {
        let required = schema.pointer("/items/required").and_then(Value::as_array);
        let items = example.get(property).and_then(Value::as_array);
        let (Some(required), Some(items)) = (required, items) else { continue };
        for name in required.iter().filter_map(Value::as_str) {
            let (with, without): (Vec<&Value>, Vec<&Value>) =
                items.iter().partition(|item| item.get(name).is_some());
            if with.is_empty() || without.is_empty() {
                continue;
            }
            let mut kinds: Vec<String> = with
                .iter()
                .filter_map(|item| item.get("type")?.as_str())
                .map(|kind| format!("`{kind}`"))
                .collect();
            kinds.dedup();
            let place = if kinds.is_empty() {
                "some items only".to_owned()
            } else {
                format!("items whose `type` is {}", kinds.join(" or "))
            };
            findings.push(Finding::new(
                "required-level",
                format!("/$defs/{REQUEST}/properties/{property}/items/required"),
                format!(
                    "`{name}` is required of every item, and the document's own example leaves it out of {} of {}: it belongs to {place}",
                    without.len(),
                    items.len()
                ),
                "give each kind of item a type of its own in an overlay, with what that kind requires",
            ));
        }
    }
    findings
}

/// What can be seen of each schema by itself.
fn structure(imported: &Imported) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, schema) in imported.roots() {
        each(schema, &pointer, &mut |at, members| {
            findings.extend(required(at, members));
            // Tools' own hints are left out on reading, and said there.
            let unknown = |word: &&String| !is_keyword(word) && !word.starts_with("x-");
            for keyword in members.keys().filter(unknown) {
                findings.push(Finding::new(
                    "unknown-keyword",
                    format!("{at}/{keyword}"),
                    format!("`{keyword}` is not a keyword of JSON Schema: it constrains nothing"),
                    "remove it in an overlay, or replace it by the keyword that was meant",
                ));
            }
            let properties = members.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let described =
                    property.get("description").and_then(Value::as_str).is_some_and(|d| !d.trim().is_empty());
                if !described && property.get("$ref").is_none() {
                    findings.push(Finding::new(
                        "undescribed",
                        format!("{at}/properties/{name}"),
                        format!("`{name}` is never described: unit, range and default are guesses"),
                        "describe it in an overlay, from the vendor's other documents, with their date as evidence",
                    ));
                }
            }
        });
    }
    findings
}

fn required(at: &str, members: &Map<String, Value>) -> Vec<Finding> {
    let properties = members.get("properties").and_then(Value::as_object);
    let advice = "move the name to the object that has the property, in an overlay";
    match members.get("required") {
        None => Vec::new(),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(|name| {
                let name = name.as_str().unwrap_or_default();
                let own = properties.is_none_or(|properties| properties.contains_key(name));
                (!own).then(|| {
                    let child = properties
                        .into_iter()
                        .flatten()
                        .find(|(_, child)| child.pointer(&format!("/properties/{name}")).is_some());
                    let message = match child {
                        Some((child, _)) => {
                            format!("`{name}` is required here and is a property of `{child}`")
                        }
                        None => format!("`{name}` is required here and described nowhere"),
                    };
                    Finding::new("required-level", format!("{at}/required"), message, advice)
                })
            })
            .collect(),
        Some(other) => vec![Finding::new(
            "required-level",
            format!("{at}/required"),
            format!(
                "`required` is {other}; it should be a list of names, in the object around this property"
            ),
            advice,
        )],
    }
}

/// What descriptions say that the schema should.
fn prose(imported: &Imported) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, schema) in imported.roots() {
        each(schema, &pointer, &mut |at, members| {
            let Some(description) = members.get("description").and_then(Value::as_str) else { return };
            let constrained =
                ["enum", "const", "$ref", "oneOf", "anyOf"].iter().any(|key| members.contains_key(*key));
            if members.get("type") == Some(&json!("string")) && !constrained {
                let values = listed_values(description);
                if values.len() > 1 {
                    findings.push(Finding::new(
                        "enum-in-prose",
                        at,
                        format!("the description lists values ({}), the schema takes any text", values.join(", ")),
                        "name them as a type of their own in an overlay, with `x-enum`; add `enum` only if the service refuses others",
                    ));
                }
            }
            let foreign = description.chars().filter(|c| ('\u{3000}'..'\u{a000}').contains(c)).count();
            let latin = description.chars().filter(char::is_ascii_alphabetic).count();
            if foreign > 0 && foreign * 2 > latin {
                findings.push(Finding::new(
                    "untranslated",
                    at,
                    "described in Chinese only; it becomes the documentation of the types",
                    "translate it in an overlay",
                ));
            }
        });
    }
    findings
}

/// Values that a description announces as such.
fn listed_values(description: &str) -> Vec<String> {
    const ANNOUNCED: [&str; 8] =
        ["取值", "可选", "枚举", "one of", "either", "allowed values", "possible values", "valid values"];
    let lower = description.to_lowercase();
    if !ANNOUNCED.iter().any(|mark| lower.contains(mark)) {
        return Vec::new();
    }
    let is_value = |word: &&str| {
        !word.is_empty()
            && word.len() <= 40
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-:.".contains(c))
            && !["one", "of", "either", "or", "and", "allowed", "possible", "valid", "values", "the", "is"]
                .contains(&word.to_lowercase().as_str())
    };
    let quoted: Vec<&str> =
        description.split(['`', '"', '“', '”', '\'']).skip(1).step_by(2).filter(is_value).collect();
    let bare = || {
        description
            .split(|c: char| !(c.is_ascii_alphanumeric() || "_-:.".contains(c)))
            .map(|w| w.trim_matches(['.', ':']))
            .filter(is_value)
            .collect()
    };
    let mut values: Vec<String> =
        if quoted.len() > 1 { quoted } else { bare() }.into_iter().map(str::to_owned).collect();
    values.dedup();
    values
}

/// What the document says about answers.
fn answers(imported: &Imported) -> Vec<Finding> {
    let mut findings = Vec::new();
    let empty = imported.response.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty);
    if empty && imported.response.get("$ref").is_none() {
        findings.push(Finding::new(
            "empty-response",
            format!("/$defs/{RESPONSE}"),
            "the answer to a create is described as an object without properties",
            "describe it in an overlay, from a recorded answer",
        ));
    }
    if imported.answers.iter().all(|code| code.starts_with('2')) {
        findings.push(Finding::new(
            "only-success",
            format!("/$defs/{RESPONSE}"),
            "no answer to a refused request is described",
            "describe the error envelope in an overlay; the codes belong in schema/errors.json",
        ));
    }
    findings
}

/// One name with one type wherever it stands.
fn types(imported: &Imported) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, (String, Value)> = BTreeMap::new();
    let mut findings = Vec::new();
    for (pointer, schema) in imported.roots() {
        each(schema, &pointer, &mut |at, members| {
            for (name, property) in members.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let Some(kind) = property.get("type").map(without_null) else { continue };
                let place = format!("{at}/properties/{name}");
                match seen.get(name.as_str()) {
                    Some((first, other)) if *other != kind => findings.push(Finding::new(
                        "types-differ",
                        place,
                        format!("`{name}` is {kind} here and {other} at {first}"),
                        "find out which the service sends, and say so in an overlay",
                    )),
                    Some(_) => {}
                    None => {
                        seen.insert(name, (place, kind));
                    }
                }
            }
        });
    }
    findings
}

fn without_null(kind: &Value) -> Value {
    match kind
        .as_array()
        .map(|names| names.iter().filter(|name| **name != "null").collect::<Vec<_>>())
        .as_deref()
    {
        Some([one]) => (*one).clone(),
        _ => kind.clone(),
    }
}

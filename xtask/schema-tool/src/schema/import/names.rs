//! What a document's names must be, whichever kind it was: every `$ref` leads to a type of the
//! document and none in a circle, and every property can be a field of a Rust struct.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use heck::ToSnakeCase as _;
use serde_json::{Map, Value};

use super::{Imported, references};

/// Names of the generated types' own members, and those that Rust takes for no field in any
/// spelling.
const TAKEN: [&str; 5] = ["new", "extra", "self", "super", "crate"];

pub(super) fn check(imported: &Imported) -> Result<()> {
    let all: Vec<(String, &Value)> = imported
        .roots()
        .into_iter()
        .map(|(pointer, schema)| (pointer.trim_start_matches("/$defs/").to_owned(), schema))
        .collect();
    let mut seen = BTreeSet::new();
    for (name, _) in &all {
        ensure!(
            seen.insert(name.as_str()),
            "at /$defs/{name}: the document has another type of this name beside the one of its operation"
        );
    }
    let all = || all.iter().map(|(name, schema)| (name.as_str(), *schema));
    let known: BTreeSet<String> = all().map(|(name, _)| format!("#/$defs/{name}")).collect();
    for (name, schema) in all() {
        schema_names(schema, &format!("/$defs/{name}"), &|target| known.contains(target))?;
    }
    let graph: BTreeMap<&str, Vec<String>> = all().map(|(name, schema)| (name, references(schema))).collect();
    let mut done = BTreeSet::new();
    for (name, _) in all() {
        if !done.contains(name) {
            circle(&graph, &mut vec![name.to_owned()], &mut done)?;
        }
    }
    Ok(())
}

/// The names inside one schema: of its properties, and of what it refers to.
fn schema_names(schema: &Value, place: &str, known: &impl Fn(&str) -> bool) -> Result<()> {
    let Value::Object(members) = schema else {
        ensure!(
            schema.is_boolean(),
            "at {place}: a schema is an object or a boolean, not {}",
            super::type_name(schema)
        );
        return Ok(());
    };
    if let Some(target) = members.get("$ref") {
        let target = target.as_str().unwrap_or("");
        ensure!(known(target), "at {place}/$ref: `{target}` is no type of this document");
    }
    if let Some(properties) = members.get("properties") {
        let Value::Object(properties) = properties else {
            bail!("at {place}/properties: it is {}, not an object", super::type_name(properties))
        };
        property_names(properties, place)?;
    }
    for (at, inner) in super::normal::children(members) {
        schema_names(inner, &format!("{place}/{at}"), known)?;
    }
    Ok(())
}

fn property_names(properties: &Map<String, Value>, place: &str) -> Result<()> {
    let mut fields: BTreeMap<String, &str> = BTreeMap::new();
    for name in properties.keys() {
        let plain = name.len() <= 80
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || "_$".contains(c))
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.$".contains(c));
        let field = name.replace(['$', '.'], "_").to_snake_case();
        ensure!(
            plain && !field.is_empty() && !name.contains(".."),
            "at {place}/properties: {name:?} is no name that a field can have: letters, digits, `_`, `-`, `.` and `$`, at most 80, \
             beginning with a letter"
        );
        ensure!(
            !TAKEN.contains(&field.as_str()),
            "at {place}/properties/{name}: `{field}` is a name that the generated types or Rust keep for themselves"
        );
        if let Some(other) = fields.insert(field.clone(), name) {
            bail!("at {place}/properties: `{other}` and `{name}` would both be the field `{field}`");
        }
    }
    Ok(())
}

/// Follows references depth first; a type that contains itself has no size in Rust and no end in
/// the algebra.
fn circle(
    graph: &BTreeMap<&str, Vec<String>>,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Result<()> {
    let here = way.last().cloned().unwrap_or_default();
    ensure!(way.len() < 200, "at /$defs/{here}: types refer to types more than 200 deep");
    for target in graph.get(here.as_str()).map(Vec::as_slice).unwrap_or_default() {
        if let Some(at) = way.iter().position(|step| step == target) {
            let steps: Vec<&str> = way[at..].iter().map(String::as_str).chain([target.as_str()]).collect();
            bail!(
                "at /$defs/{here}: the `$ref`s go in a circle, {}; such a type cannot be generated",
                steps.join(" → ")
            );
        }
        if !done.contains(target) {
            way.push(target.clone());
            circle(graph, way, done)?;
            way.pop();
        }
    }
    done.insert(here);
    Ok(())
}

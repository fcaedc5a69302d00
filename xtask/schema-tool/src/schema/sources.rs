//! `cargo xtask schema source` and `schema sources`: second documents of an operation as evidence,
//! and who says what of one place. Nothing is ever generated from a second source.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::files::Files;
use super::import::normal::document;
use super::import::{Imported, Operation};
use super::intake::{self, Arrival};
use super::question::short;
use super::source::{Bases, FILE, Role, Source, Sources};
use super::{files, overlays};
use crate::codegen;

/// Keeps a document as a second source.
pub(crate) fn add(root: &Path, arrival: &Arrival) -> Result<String> {
    let intake = intake::plan(root, arrival, Role::Source)?;
    files::commit(root, &intake.files)?;
    let state =
        if intake.source.role == Role::Base { "it is the base already" } else { "kept as a second source" };
    Ok(format!("{}  {state}; nothing is generated from it\n", intake.summary))
}

/// What lies in `schema/vendor`.
pub(crate) fn list(root: &Path, as_json: bool) -> Result<String> {
    let sources = Sources::read(root)?;
    if as_json {
        let all: Vec<Value> = sources.documents.iter().map(described).collect();
        return codegen::pretty(&json!({ "documents": all }));
    }
    let mut out = String::new();
    for source in &sources.documents {
        let role = if source.role == Role::Base { "base" } else { "source" };
        let _ =
            writeln!(out, "{:<8} {role:<6} {}: {}", source.operation.as_str(), source.file, source.label());
    }
    Ok(out)
}

/// Takes a second source away.
pub(crate) fn remove(root: &Path, file: &str) -> Result<String> {
    let mut sources = Sources::read(root)?;
    let at = sources.documents.iter().position(|one| one.file == file || one.path() == file);
    let Some(at) = at else {
        let names: Vec<&str> = sources.documents.iter().map(|one| one.file.as_str()).collect();
        bail!("schema/vendor has no document `{file}`; it has {}", names.join(", "))
    };
    let source = sources.documents.remove(at);
    ensure!(
        source.role == Role::Source,
        "{} is the base of `{}`: take another document in first",
        source.path(),
        source.operation
    );
    ensure!(
        source.example.is_none(),
        "{} keeps the example {}",
        source.path(),
        source.example.unwrap_or_default()
    );
    let files = Files::from([(source.path(), None), (FILE.to_owned(), Some(sources.render()?.into_bytes()))]);
    files::commit(root, &files)?;
    Ok(format!("{} removed\n", source.path()))
}

/// Who says what of a place.
pub(crate) fn at(root: &Path, pointer: &str, as_json: bool) -> Result<String> {
    ensure!(
        pointer.starts_with("/$defs/"),
        "`{pointer}` is not a place in a type; write for example '/$defs/CreateTaskRequest/properties/seed'"
    );
    let sources = Sources::read(root)?;
    let mut said = Vec::new();
    for source in &sources.documents {
        let imported = source.import(root)?;
        if let Some((at, value)) = says(&imported, pointer) {
            said.push((source.clone(), at, value));
        }
    }
    let resolved = codegen::resolve(root)?.0;
    let ours = resolved.pointer(pointer).cloned();
    let all = overlays::list(root)?;
    let speaking: Vec<&(String, codegen::overlay::Overlay)> =
        all.iter().filter(|(_, overlay)| speaks(overlay, pointer)).collect();
    ensure!(
        ours.is_some() || !said.is_empty(),
        "no document and no overlay says anything at {pointer}; what is there is {}",
        overlays::nearest(
            json_patch::jsonptr::Pointer::parse(pointer).context("not a JSON pointer")?,
            &resolved
        )
    );
    if as_json {
        return codegen::pretty(&json!({
            "pointer": pointer,
            "resolved": ours,
            "documents": said.iter().map(|(source, at, value)| {
                let mut entry = described(source);
                entry["at"] = json!(at);
                entry["says"] = value.clone();
                entry
            }).collect::<Vec<_>>(),
            "overlays": speaking.iter().map(|(file, overlay)| json!({
                "overlay": format!("schema/overlay/{file}"),
                "reason": overlay.reason,
                "evidence": overlay.evidence.iter().map(|one| json!({ "document": one.document, "date": one.date })).collect::<Vec<_>>(),
                "answers": overlay.answers,
            })).collect::<Vec<_>>(),
        }));
    }
    let mut out = String::new();
    for (source, at, value) in &said {
        let role = if source.role == Role::Base { "base" } else { "source" };
        let place = if at == pointer { String::new() } else { format!(" (at {at})") };
        let _ = writeln!(out, "{role:<9} {}{place}\n          {}", source.label(), short(value));
    }
    for (file, overlay) in &speaking {
        let _ = writeln!(out, "overlay   schema/overlay/{file}: {}", overlay.reason.trim());
        for one in &overlay.evidence {
            let _ = writeln!(out, "          evidence: {} ({})", one.document, one.date);
        }
        for answer in &overlay.answers {
            let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or("");
            let _ = writeln!(
                out,
                "          answered on {}: {} of {}: {}",
                text("date"),
                text("take"),
                text("document"),
                text("reason")
            );
        }
    }
    let _ = writeln!(out, "resolved  {}", ours.map_or("nothing".to_owned(), |value| short(&value)));
    let _ = writeln!(out, "{} document(s), {} overlay(s)", said.len(), speaking.len());
    Ok(out)
}

fn described(source: &Source) -> Value {
    json!({
        "file": source.path(), "operation": source.operation, "role": if source.role == Role::Base { "base" } else { "source" },
        "title": source.title, "publisher": source.publisher, "edition": source.edition, "origin": source.origin,
        "received": source.received.to_string(), "sha256": source.sha256,
    })
}

/// What a document says of a place. A list's items and a callback's body are tasks, whatever the
/// document calls them.
fn says(imported: &Imported, pointer: &str) -> Option<(String, Value)> {
    let own = json!({ "$defs": imported.types() });
    let mut places = vec![pointer.to_owned()];
    if let Some(rest) = pointer.strip_prefix("/$defs/Task/") {
        match imported.operation {
            Operation::List => {
                for list in ["items", "data", "list"] {
                    places.push(format!("/$defs/TaskList/properties/{list}/items/{rest}"));
                }
            }
            Operation::Callback => places.push(format!("/$defs/TaskCallback/{rest}")),
            _ => {}
        }
    }
    places.into_iter().find_map(|place| own.pointer(&place).cloned().map(|value| (place, value)))
}

/// Whether an overlay says something at the place, or of what it lies in.
fn speaks(overlay: &codegen::overlay::Overlay, pointer: &str) -> bool {
    let lies_in = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    overlay.places().any(|place| place == pointer || lies_in(pointer, &place) || lies_in(&place, pointer))
}

/// The documents of the other operations, and those beside the base: what a lint may compare with.
pub(crate) fn others(root: &Path, than: &Imported) -> Result<Vec<(String, Imported)>> {
    let mut found = Vec::new();
    for source in &Sources::read(root)?.documents {
        let imported = source.import(root)?;
        let same = imported.operation == than.operation && imported.types() == than.types();
        if !same {
            found.push((source.label(), imported));
        }
    }
    Ok(found)
}

/// The bases of the repository with one document in the place of that of its operation.
pub(crate) fn with(root: &Path, imported: Option<Imported>) -> Result<Value> {
    let bases = Bases::read(root)?;
    Ok(match imported {
        Some(imported) => bases.with(imported).document(),
        None => document(&bases.create, &bases.others),
    })
}

//! New fields that cannot be generated as a document describes them: the overlay that each of them
//! needs, with the document as evidence. Speaks of no field that an overlay speaks of already.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::import::REQUEST;
use super::import::normal::{escaped, reached};
use super::merge::statement::{File, fields_spoken_of};
use super::merge::{self, NewField, types};
use super::normalize_field::{FieldNormalizer, is_ready};
use super::overlays;
use crate::codegen::definitions::Role;

/// What is looked through.
pub(crate) struct Needs<'a> {
    /// The documents with all overlays.
    pub(crate) merged: &'a Value,
    /// The documents by themselves.
    pub(crate) documents: &'a Value,
    /// The types that the create's document names.
    pub(crate) described: &'a [String],
    pub(crate) files: &'a [File],
    /// Fields inside types of ours.
    pub(crate) new_fields: &'a [NewField],
    pub(crate) label: &'a str,
    pub(crate) date: &'a str,
}

impl Needs<'_> {
    /// File name, field and text of each overlay that is needed.
    pub(crate) fn overlays(&self) -> Result<Vec<(String, String, String)>> {
        let documents = types(self.documents);
        let mut taken: BTreeSet<String> = types(self.merged).keys().cloned().collect();
        let mut names: Vec<String> = self.files.iter().map(|file| file.name.clone()).collect();
        let mut out = Vec::new();
        let mut add = |kind: &str, name: &str, patch: Vec<Value>, reason: String| -> Result<()> {
            let number = overlays::free_number(names.iter().map(String::as_str))?;
            let id = free_id(kind, name, self.files, &names);
            let file = format!("{number:03}-{id}.json");
            let text = json!({
                "id": id, "reason": reason, "evidence": [{ "document": self.label, "date": self.date }], "page_faults": [], "patch": patch,
            });
            names.push(file.clone());
            out.push((file, format!("{kind}.{name}"), crate::codegen::pretty(&text)?));
            Ok(())
        };
        for (kind, name, schema, role) in self.unready(&documents) {
            let mut normalizer =
                FieldNormalizer { types: &documents, role, taken: taken.clone(), document: self.label };
            let Some(normalized) = normalizer.field(&kind, &name, &schema) else { continue };
            taken.extend(normalizer.taken);
            let at = format!("/$defs/{kind}/properties/{}", escaped(&name));
            let mut patch = vec![
                json!({ "op": "test", "path": at, "value": schema }),
                json!({ "op": "replace", "path": at, "value": normalized.schema }),
            ];
            patch.extend(normalized.types.iter().map(new_type));
            let reason =
                format!("`{name}` is new, and is described in a form that no type can be made from.");
            add(&kind, &name, patch, reason)?;
        }
        for field in self.new_fields {
            let role = merge::role(self.merged, &field.object);
            let kind = field.object.trim_start_matches("/$defs/").split('/').next().unwrap_or("").to_owned();
            let mut normalizer =
                FieldNormalizer { types: &documents, role, taken: taken.clone(), document: self.label };
            let Some(normalized) = normalizer.field(&kind, &field.name, &field.schema) else { continue };
            taken.extend(normalizer.taken);
            let at = format!("{}/properties/{}", field.object, escaped(&field.name));
            let mut patch = vec![json!({ "op": "add", "path": at, "value": normalized.schema })];
            patch.extend(normalized.types.iter().map(new_type));
            let reason = format!(
                "`{}` is new: the document describes it in an object that our types say.",
                field.name
            );
            add(&kind, &field.name, patch, reason)?;
        }
        Ok(out)
    }

    /// Fields of the document's own objects that nobody spoke of and that cannot be generated.
    fn unready(&self, documents: &Map<String, Value>) -> Vec<(String, String, Value, Role)> {
        let merged = types(self.merged);
        // A type of the document that our own types have replaced everywhere needs nothing.
        let ours = merged.keys().filter(|name| !self.described.contains(name)).cloned();
        let reached = reached(ours, &merged);
        let mut found = Vec::new();
        let kinds = std::iter::once(REQUEST.to_owned())
            .chain([super::import::RESPONSE.to_owned()])
            .chain(self.described.iter().cloned());
        for kind in kinds {
            let Some(schema) = merged.get(&kind).filter(|_| reached.contains(&kind)) else { continue };
            let role = merge::role(self.merged, &format!("/$defs/{kind}"));
            let spoken = fields_spoken_of(self.files, &kind_pointer(&kind));
            let described = documents.get(&kind).and_then(|schema| schema.get("properties"));
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let as_described = described.and_then(|all| all.get(name)) == Some(property);
                if as_described && !spoken.contains(name) && !is_ready(name, property, &merged, role) {
                    found.push((kind.clone(), name.clone(), property.clone(), role));
                }
            }
        }
        found
    }
}

fn kind_pointer(kind: &str) -> String {
    format!("/$defs/{kind}")
}

fn new_type((name, schema): &(String, Value)) -> Value {
    json!({ "op": "add", "path": format!("/$defs/{name}"), "value": schema })
}

/// A kebab-case id that no overlay has.
fn free_id(kind: &str, name: &str, files: &[File], names: &[String]) -> String {
    let plain = |text: &str| {
        let parts: Vec<String> = heck::AsKebabCase(text)
            .to_string()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        parts.join("-").chars().take(50).collect::<String>()
    };
    let taken = |id: &str| {
        files.iter().any(|file| file.overlay.id == id)
            || names.iter().any(|name| name.ends_with(&format!("-{id}.json")))
    };
    let short = plain(name);
    let long = format!("{}-{short}", plain(kind));
    let numbered = (2..).map(|number| format!("{long}-{number}"));
    [short, long.clone()].into_iter().chain(numbered).find(|id| !id.is_empty() && !taken(id)).unwrap_or(long)
}

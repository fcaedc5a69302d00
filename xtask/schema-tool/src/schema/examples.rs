//! The examples against a resolved schema: requests must be taken, answers must be what they are
//! said to be. Messages never repeat what stands in an example.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// An example that the schema refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) file: String,
    pub(crate) at: String,
    pub(crate) message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.file, if self.at.is_empty() { "/" } else { &self.at }, self.message)
    }
}

/// Every example of `schema/examples` that the schema refuses, with its first complaint.
pub(crate) fn refused(root: &Path, document: &Value) -> Result<Vec<Refused>> {
    let mut refused = Vec::new();
    let requests = "schema/examples/requests";
    let request = validator(document, super::import::REQUEST)?;
    let mut names: Vec<String> = fs::read_dir(root.join(requests))
        .with_context(|| format!("cannot list {requests}"))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    for name in names {
        let file = format!("{requests}/{name}");
        refused.extend(first_complaint(&request, &crate::codegen::read_json(root, &file)?, file));
    }
    let index = crate::codegen::read_json(root, "schema/examples/responses/index.json")?;
    let mut validators: BTreeMap<&str, jsonschema::Validator> = BTreeMap::new();
    for entry in index.as_array().into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("");
        let name = match (text("decodes"), text("envelope")) {
            ("Empty", _) => continue,
            ("error", "flat") => "FlatError",
            ("error", _) => "ErrorEnvelope",
            (name, _) => name,
        };
        let file = format!("schema/examples/responses/{}", text("file"));
        if !validators.contains_key(name) {
            validators.insert(name, validator(document, name)?);
        }
        refused.extend(first_complaint(&validators[name], &crate::codegen::read_json(root, &file)?, file));
    }
    Ok(refused)
}

fn validator(document: &Value, name: &str) -> Result<jsonschema::Validator> {
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": document["$defs"] });
    jsonschema::draft202012::new(&schema).map_err(|error| anyhow::anyhow!("$defs/{name}: {}", error.masked()))
}

fn first_complaint(validator: &jsonschema::Validator, instance: &Value, file: String) -> Option<Refused> {
    let error = validator.iter_errors(instance).next()?;
    Some(Refused { file, at: error.instance_path().to_string(), message: error.masked().to_string() })
}

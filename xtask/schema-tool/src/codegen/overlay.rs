//! Overlays: one correction or addition to the vendor's page each, as JSON Patch with three more
//! rules.
//!
//! `add` on a name that exists is an error; `replace` and `remove` need a `test` of the same path
//! before them; a `test` that fails says whether the vendor adopted the correction or changed
//! something else. So a correction can never pass over a change of the vendor's in silence.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail, ensure};
use json_patch::{Patch, PatchOperation, jsonptr::PointerBuf};
use serde::Deserialize;
use serde_json::Value;

/// One file of `schema/overlay`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overlay {
    /// The file's name without number and ending.
    pub(crate) id: String,
    /// What is wrong or missing on the page.
    pub(crate) reason: String,
    /// Who says so.
    pub(crate) evidence: Vec<Evidence>,
    /// Which rows of schema/overlay/README.md this answers.
    #[cfg_attr(not(test), expect(dead_code, reason = "held against the README by a test"))]
    pub(crate) page_faults: Vec<u32>,
    /// What a person answered when a document contradicted it, by place, with day and reason.
    #[serde(default)]
    pub(crate) answers: Vec<Value>,
    /// What to do about it.
    pub(crate) patch: Patch,
}

/// A document that backs a correction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub(crate) document: String,
    pub(crate) date: String,
}

impl Overlay {
    /// Reads one file that is complete; `file` is its name, for messages.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self> {
        let overlay = Self::read(file, text)?;
        overlay.complete().with_context(|| format!("schema/overlay/{file}"))?;
        Ok(overlay)
    }

    /// Reads one file, which a person may still be writing.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self> {
        let overlay: Self =
            serde_json::from_str(text).with_context(|| format!("schema/overlay/{file} is not an overlay"))?;
        let id = file.strip_suffix(".json").and_then(|stem| stem.split_once('-')).map(|(_, id)| id);
        ensure!(
            id == Some(&overlay.id),
            "schema/overlay/{file}: its id is `{}`; the name should be NNN-{}.json",
            overlay.id,
            overlay.id
        );
        Ok(overlay)
    }

    /// Whether it says everything that a correction must say.
    pub(crate) fn complete(&self) -> Result<()> {
        ensure!(!self.reason.trim().is_empty(), "it gives no reason");
        ensure!(
            !self.evidence.is_empty()
                && self.evidence.iter().all(|e| !e.document.is_empty() && !e.date.is_empty()),
            "each correction names at least one document with its date"
        );
        ensure!(!self.patch.0.is_empty(), "it does nothing");
        Ok(())
    }

    /// Applies the correction, or says why it no longer fits.
    pub(crate) fn apply(&self, document: &mut Value) -> Result<()> {
        self.fit(document).map_err(|misfit| {
            anyhow!(
                "schema/overlay/…-{}.json: {misfit}\n  the correction is there because: {}",
                self.id,
                self.reason
            )
        })
    }

    fn fit(&self, document: &mut Value) -> Result<()> {
        let mut tested = BTreeSet::new();
        for (index, operation) in self.patch.0.iter().enumerate() {
            let path = operation.path().to_string();
            let adopted = || {
                format!(
                    "{path} already has the corrected value: the vendor adopted it, so delete this correction"
                )
            };
            match operation {
                PatchOperation::Test(test) => {
                    let found = test.path.resolve(&*document).map_err(|_| {
                        anyhow!("{path} is gone from the vendor's page; drop this correction or aim it at where it went")
                    })?;
                    ensure!(
                        *found == test.value || self.corrected_value(&test.path, index) != Some(found),
                        "{}",
                        adopted()
                    );
                    ensure!(
                        *found == test.value,
                        "{path} changed upstream\n  expected {}\n  found    {found}",
                        test.value
                    );
                    tested.insert(path.clone());
                }
                PatchOperation::Add(add) if exists_as_member(document, &add.path) => {
                    let found = add.path.resolve(&*document).cloned().unwrap_or_default();
                    ensure!(found != add.value, "{}", adopted());
                    bail!(
                        "{path} now exists upstream; test and replace it, or drop this operation\n  we add   {}\n  found    {found}",
                        add.value
                    );
                }
                PatchOperation::Add(_) => {}
                PatchOperation::Replace(_) | PatchOperation::Remove(_) => ensure!(
                    tested.contains(&path),
                    "{path} is replaced or removed without a `test` of its old value before"
                ),
                PatchOperation::Move(_) | PatchOperation::Copy(_) => {
                    bail!("`move` and `copy` hide what they expect; write test, remove and add instead")
                }
            }
            json_patch::patch(document, std::slice::from_ref(operation))
                .map_err(|error| anyhow!("{path}: {error}"))?;
        }
        Ok(())
    }

    /// The places that it says something of, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> {
        let said = self.patch.0.iter().filter(|operation| !matches!(operation, PatchOperation::Test(_)));
        said.map(|operation| operation.path().to_string())
    }

    /// The types that it says or adds, in order.
    pub(crate) fn types_said(&self) -> Vec<String> {
        let names = self.places().filter_map(|place| place.strip_prefix("/$defs/").map(str::to_owned));
        names.filter(|name| !name.contains('/')).collect()
    }

    /// What a later operation would put at the tested path.
    fn corrected_value(&self, path: &PointerBuf, after: usize) -> Option<&Value> {
        self.patch.0[after..].iter().find_map(|operation| match operation {
            PatchOperation::Replace(replace) if replace.path == *path => Some(&replace.value),
            _ => None,
        })
    }
}

/// Whether the path names a member of an object that is there; `-` and indices of lists only
/// insert.
fn exists_as_member(document: &Value, path: &PointerBuf) -> bool {
    let Some((parent, _)) = path.split_back() else { return true };
    matches!(parent.resolve(document), Ok(Value::Object(_))) && path.resolve(document).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn overlay(patch: Value) -> Overlay {
        let text = json!({"id": "x", "reason": "because", "evidence": [{"document": "d", "date": "2026"}], "page_faults": [], "patch": patch});
        Overlay::parse("010-x.json", &text.to_string()).unwrap()
    }

    fn fails(patch: Value) -> String {
        let error = overlay(patch).apply(&mut json!({"a": 1, "list": [1]})).unwrap_err().to_string();
        assert!(error.ends_with("because: because"), "{error}");
        error
    }

    #[test]
    fn a_correction_that_fits() {
        let mut document = json!({"a": 1, "list": [1]});
        overlay(json!([
            {"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": 2},
            {"op": "add", "path": "/b", "value": 3}, {"op": "add", "path": "/list/-", "value": 2}
        ]))
        .apply(&mut document)
        .unwrap();
        assert_eq!(document, json!({"a": 2, "list": [1, 2], "b": 3}));
    }

    #[test]
    fn what_no_longer_fits_is_loud() {
        assert!(
            fails(
                json!([{"op": "test", "path": "/a", "value": 7}, {"op": "replace", "path": "/a", "value": 9}])
            )
            .contains("/a changed upstream\n  expected 7\n  found    1")
        );
        assert!(
            fails(
                json!([{"op": "test", "path": "/a", "value": 7}, {"op": "replace", "path": "/a", "value": 1}])
            )
            .contains("the vendor adopted it")
        );
        assert!(fails(json!([{"op": "test", "path": "/gone", "value": 7}])).contains("/gone is gone"));
        assert!(fails(json!([{"op": "add", "path": "/a", "value": 7}])).contains("now exists upstream"));
        assert!(fails(json!([{"op": "replace", "path": "/a", "value": 7}])).contains("without a `test`"));
        assert!(fails(json!([{"op": "remove", "path": "/a"}])).contains("without a `test`"));
        assert!(fails(json!([{"op": "move", "from": "/a", "path": "/b"}])).contains("`move` and `copy`"));
    }

    #[test]
    fn a_file_that_says_too_little_is_refused() {
        let parse =
            |file: &str, value: Value| format!("{:#}", Overlay::parse(file, &value.to_string()).unwrap_err());
        let full = json!({"id": "x", "reason": "r", "evidence": [{"document": "d", "date": "2026"}], "page_faults": [], "patch": [{"op": "remove", "path": "/a"}]});
        let with = |name: &str, value: Value| {
            let mut changed = full.clone();
            changed[name] = value;
            changed
        };
        assert!(parse("010-y.json", full.clone()).contains("should be NNN-x.json"));
        assert!(parse("010-x.json", with("reason", json!(" "))).contains("no reason"));
        assert!(parse("010-x.json", with("evidence", json!([]))).contains("at least one document"));
        assert!(parse("010-x.json", with("patch", json!([]))).contains("does nothing"));
        assert!(parse("010-x.json", with("surprise", json!(1))).contains("is not an overlay"));
    }
}

//! `cargo xtask schema overlay status | new`: how each overlay stands to a document, and the
//! scaffold of a new one. Decides nothing for a person: it deletes and rewrites no overlay.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use json_patch::jsonptr::Pointer;
use serde_json::{Value, json};

use super::merge::statement::File;
use super::merge::{self, Input, Status, Verdict};
use crate::codegen::overlay::Overlay;

/// Where the overlays are listed for people.
pub(crate) const README: &str = "schema/overlay/README.md";

/// The overlays of a repository, those that are still being written too.
pub(crate) fn list(root: &Path) -> Result<Vec<(String, Overlay)>> {
    let files = crate::codegen::overlay_files(root)?;
    files.into_iter().map(|(name, text)| Ok((name.clone(), Overlay::read(&name, &text)?))).collect()
}

/// The same, with their statements.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let files = crate::codegen::overlay_files(root)?;
    files.into_iter().map(|(name, text)| File::parse(&name, &text)).collect()
}

/// How each overlay stands to these documents, and the document as all of them want it.
pub(crate) fn statuses(before: &Value, after: &Value, files: &[File]) -> Result<(Vec<Status>, Value)> {
    let input = Input { before, after, files, answers: &[], document: "the document", date: "" };
    let merge = merge::merge(&input)?;
    let mut statuses = merge.statuses;
    for (status, file) in statuses.iter_mut().zip(files) {
        if let Err(error) = file.overlay.complete() {
            status.verdict = Verdict::Faulty;
            status.notes.push(format!("it is not finished: {error}"));
        }
        for question in merge.questions.iter().filter(|question| question.file == file.name) {
            status.notes.extend(super::question::lines(question));
        }
        if status.verdict == Verdict::Adopted {
            status.notes.push(format!(
                "the document says all of it by now: `cargo xtask schema update` with `--retire` deletes it; take its name out of {README}"
            ));
        }
    }
    Ok((statuses, merge.document))
}

/// Statuses as lines for people; what applies without a word is one line.
pub(crate) fn text(statuses: &[Status]) -> String {
    let mut out = String::new();
    for status in statuses {
        let _ = writeln!(out, "{:<9} schema/overlay/{}", status.verdict.as_str(), status.file);
        for note in &status.notes {
            let _ = writeln!(out, "            {note}");
        }
    }
    out
}

/// A new overlay's file name and text: what stands at the pointer is filled in as what is expected
/// there.
pub(crate) fn scaffold(
    id: &str,
    pointer: &str,
    document: &Value,
    overlays: &[(String, Overlay)],
) -> Result<(String, String)> {
    let plain = !id.is_empty()
        && id.split('-').all(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
    ensure!(plain && id.len() <= 60, "`{id}` is not a valid id: use lower-case letters, digits and `-`");
    if let Some((file, _)) = overlays.iter().find(|(_, overlay)| overlay.id == id) {
        bail!("schema/overlay/{file} has the id `{id}` already");
    }
    let at = Pointer::parse(pointer)
        .map_err(|error| anyhow::anyhow!("`{pointer}` is no JSON pointer: {error}"))?;
    let patch = match at.resolve(document) {
        Ok(found) => json!([
            { "op": "test", "path": pointer, "value": found },
            { "op": "replace", "path": pointer, "value": found },
        ]),
        Err(_) => {
            let parent = at.split_back().map(|(parent, _)| parent);
            let known = parent
                .is_some_and(|parent| parent.resolve(document).is_ok_and(|v| v.is_object() || v.is_array()));
            if !known {
                bail!(
                    "{pointer} is not there and neither is its parent; what is there is {}",
                    nearest(at, document)
                );
            }
            json!([{ "op": "add", "path": pointer, "value": { "description": "" } }])
        }
    };
    let number = free_number(overlays.iter().map(|(file, _)| file.as_str()))?;
    let text = json!({ "id": id, "reason": "", "evidence": [{ "document": "", "date": "" }], "page_faults": [], "patch": patch });
    Ok((format!("{number:03}-{id}.json"), crate::codegen::pretty(&text)?))
}

/// The number after the last, or the first that is free.
pub(crate) fn free_number<'a>(files: impl Iterator<Item = &'a str>) -> Result<u32> {
    let used: Vec<u32> = files.filter_map(|file| file.get(..3)?.parse().ok()).collect();
    (used.iter().max().map_or(10, |last| last + 1)..1000)
        .chain(1..1000)
        .find(|number| !used.contains(number))
        .ok_or_else(|| anyhow::anyhow!("all 999 numbers of schema/overlay are taken"))
}

/// The longest beginning of the pointer that is there, with its members.
pub(crate) fn nearest(at: &Pointer, document: &Value) -> String {
    let mut pointer = at.to_buf();
    while pointer.pop_back().is_some() {
        if let Ok(found) = pointer.resolve(document) {
            let names: Vec<&str> =
                found.as_object().map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default();
            let place = if pointer.is_root() { "/" } else { pointer.as_str() };
            return format!(
                "{place} with {}",
                if names.is_empty() { "no members".to_owned() } else { names.join(", ") }
            );
        }
    }
    "nothing".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(id: &str, patch: Value) -> (String, Overlay) {
        let file = format!("010-{id}.json");
        let text = json!({"id": id, "reason": "because", "evidence": [{"document": "d", "date": "2026"}], "page_faults": [], "patch": patch});
        (file.clone(), Overlay::parse(&file, &text.to_string()).unwrap())
    }

    #[test]
    fn a_scaffold_expects_what_is_there() {
        let others = [overlay("x", json!([{"op": "add", "path": "/z", "value": 1}]))];
        let document = json!({"a": {"b": 1}});
        let (file, text) = scaffold("new-word", "/a/b", &document, &others).unwrap();
        assert_eq!(file, "011-new-word.json");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["patch"][0], json!({"op": "test", "path": "/a/b", "value": 1}));
        let refused = format!("{:#}", Overlay::parse(&file, &text).unwrap_err());
        assert!(
            refused.contains("gives no reason"),
            "a scaffold is no overlay until a person gave the reason: {refused}"
        );
        let (_, text) = scaffold("more", "/a/c", &document, &others).unwrap();
        assert!(text.contains("\"add\"") && !text.contains("\"test\""), "{text}");
        let fails =
            |id: &str, pointer: &str| scaffold(id, pointer, &document, &others).unwrap_err().to_string();
        assert!(fails("new", "/q/r").contains("what is there is / with a"));
        assert!(fails("new", "a").contains("no JSON pointer"));
        assert!(fails("x", "/a").contains("has the id `x` already"));
        for id in ["", "../x", "A", "a--b", "a_b"] {
            assert!(fails(id, "/a").contains("is not a valid id"), "{id}");
        }
    }
}

//! `cargo xtask schema overlay status | new`: how each correction fits a document, with the values that say so, and the
//! scaffold of a new one. Decides nothing for a person: it deletes and rewrites no overlay.

use std::fmt;

use anyhow::{Result, bail, ensure};
use json_patch::PatchOperation;
use json_patch::jsonptr::Pointer;
use serde_json::{Value, json};

use crate::codegen::overlay::{Misfit, Overlay};

/// How a correction stands to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It finds what it expects and changes it.
    Applies,
    /// The vendor says the same by now, all of it: the overlay can be retired.
    Adopted,
    /// The vendor says something else than what is expected, and than what is corrected.
    Conflict,
    /// What it corrects is gone.
    Stale,
    /// The file itself is wrong.
    Faulty,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::Adopted => "adopted",
            Self::Conflict => "conflict",
            Self::Stale => "stale",
            Self::Faulty => "faulty",
        }
    }
}

/// A correction with its verdict and what it rests on.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) file: String,
    pub(crate) verdict: Verdict,
    /// Lines for people: places and values.
    pub(crate) evidence: Vec<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} schema/overlay/{}", self.verdict.as_str(), self.file)?;
        self.evidence.iter().try_for_each(|line| write!(f, "\n            {line}"))
    }
}

/// The overlays of a repository, those that are still being written too.
pub(crate) fn list(root: &std::path::Path) -> Result<Vec<(String, Overlay)>> {
    let files = crate::codegen::overlay_files(root)?;
    files.into_iter().map(|(name, text)| Ok((name.clone(), Overlay::read(&name, &text)?))).collect()
}

/// How each overlay fits, in order, and the document as all of them want it. One that does not fit is forced, so that those
/// after it are judged by what they would find once it is mended.
pub(crate) fn statuses(mut document: Value, overlays: &[(String, Overlay)]) -> (Vec<Status>, Value) {
    let mut statuses = Vec::new();
    for (file, overlay) in overlays {
        let mut fitted = document.clone();
        let result = overlay.fit(&mut fitted);
        let (verdict, evidence) = match result {
            Ok(()) => match overlay.complete() {
                Ok(()) => (Verdict::Applies, Vec::new()),
                Err(error) => (Verdict::Faulty, vec![format!("it applies, and is not finished: {error}")]),
            },
            Err(misfit) => {
                fitted = forced(&document, overlay);
                if fitted == document {
                    let said = format!("the vendor now says all that it corrects, {}", first_place(overlay));
                    (
                        Verdict::Adopted,
                        vec![said, "delete the file, and its name in schema/overlay/README.md".to_owned()],
                    )
                } else {
                    judge(&misfit, overlay)
                }
            }
        };
        document = fitted;
        statuses.push(Status { file: file.clone(), verdict, evidence });
    }
    (statuses, document)
}

fn judge(misfit: &Misfit, overlay: &Overlay) -> (Verdict, Vec<String>) {
    let mut lines = match misfit {
        Misfit::Gone { path, expected } => {
            vec![format!("at       {path}"), format!("expected {expected}"), "found    nothing".to_owned()]
        }
        Misfit::Changed { path, expected, found } => {
            let mut lines =
                vec![format!("at       {path}"), format!("expected {expected}"), format!("found    {found}")];
            if let Some(ours) = corrected(overlay, path) {
                lines.push(format!("we say   {ours}"));
            }
            lines
        }
        Misfit::Exists { path, wanted, found } => {
            vec![
                format!("at       {path}"),
                "expected nothing".to_owned(),
                format!("found    {found}"),
                format!("we say   {wanted}"),
            ]
        }
        Misfit::Adopted { path } => {
            vec![
                format!("at       {path}"),
                "the vendor adopted this part, but not all of the correction".to_owned(),
            ]
        }
        other => vec![other.to_string()],
    };
    lines.push(format!("because  {}", overlay.reason));
    let verdict = match misfit {
        Misfit::Gone { .. } => Verdict::Stale,
        Misfit::Changed { .. } | Misfit::Exists { .. } | Misfit::Adopted { .. } => Verdict::Conflict,
        Misfit::Untested { .. } | Misfit::Hidden | Misfit::Broken { .. } => Verdict::Faulty,
    };
    (verdict, lines)
}

fn corrected<'a>(overlay: &'a Overlay, path: &str) -> Option<&'a Value> {
    overlay.patch.0.iter().find_map(|operation| match operation {
        PatchOperation::Replace(replace) if replace.path.as_str() == path => Some(&replace.value),
        _ => None,
    })
}

fn first_place(overlay: &Overlay) -> String {
    overlay.patch.0.first().map(|operation| format!("from {} on", operation.path())).unwrap_or_default()
}

/// The document as the overlay wants it, whatever stands there now.
fn forced(document: &Value, overlay: &Overlay) -> Value {
    let mut document = document.clone();
    for operation in &overlay.patch.0 {
        let (path, value) = match operation {
            PatchOperation::Add(add) => (&add.path, &add.value),
            PatchOperation::Replace(replace) => (&replace.path, &replace.value),
            PatchOperation::Remove(remove) => {
                let one = json_patch::Patch(vec![PatchOperation::Remove(remove.clone())]);
                // Nothing to remove is as good as removed.
                let _ = json_patch::patch(&mut document, &one.0);
                continue;
            }
            _ => continue,
        };
        let Some((parent, last)) = path.split_back() else { continue };
        match parent.resolve_mut(&mut document) {
            Ok(Value::Object(members)) => {
                members.insert(last.decoded().into_owned(), value.clone());
            }
            Ok(Value::Array(items)) => match last.decoded().parse::<usize>() {
                Ok(at) if at < items.len() && matches!(operation, PatchOperation::Replace(_)) => {
                    items[at] = value.clone()
                }
                _ if items.contains(value) => {}
                _ => items.push(value.clone()),
            },
            _ => {}
        }
    }
    document
}

/// A new overlay's file name and text: what stands at the pointer is filled in as what is expected there.
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
    ensure!(
        plain && id.len() <= 60,
        "`{id}` is no id: words of lower-case letters and digits, joined by `-`"
    );
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
    let used: Vec<u32> = overlays.iter().filter_map(|(file, _)| file.get(..3)?.parse().ok()).collect();
    let number = (used.iter().max().map_or(10, |last| last + 1)..1000).find(|number| !used.contains(number));
    let number = number.or_else(|| (1..1000).find(|number| !used.contains(number)));
    let number = number.ok_or_else(|| anyhow::anyhow!("all 999 numbers of schema/overlay are taken"))?;
    let text = json!({ "id": id, "reason": "", "evidence": [{ "document": "", "date": "" }], "page_faults": [], "patch": patch });
    Ok((format!("{number:03}-{id}.json"), crate::codegen::pretty(&text)?))
}

/// The longest beginning of the pointer that is there, with its members.
fn nearest(at: &Pointer, document: &Value) -> String {
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

    fn verdicts(document: Value, patch: Value) -> (Verdict, String) {
        let (statuses, _) = statuses(document, &[overlay("x", patch)]);
        (statuses[0].verdict, statuses[0].to_string())
    }

    #[test]
    fn each_verdict_with_its_evidence() {
        let patch = json!([{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": 2}, {"op": "add", "path": "/b", "value": 3}]);
        assert_eq!(verdicts(json!({"a": 1}), patch.clone()).0, Verdict::Applies);
        let (verdict, text) = verdicts(json!({"a": 2, "b": 3}), patch.clone());
        assert_eq!(verdict, Verdict::Adopted, "{text}");
        let (verdict, text) = verdicts(json!({"a": 2}), patch.clone());
        assert_eq!(verdict, Verdict::Conflict);
        assert!(text.contains("adopted this part"), "{text}");
        let (verdict, text) = verdicts(json!({"a": 7}), patch.clone());
        assert_eq!(verdict, Verdict::Conflict);
        assert!(
            text.contains("expected 1")
                && text.contains("found    7")
                && text.contains("we say   2")
                && text.contains("because  because"),
            "{text}"
        );
        assert_eq!(verdicts(json!({"c": 7}), patch.clone()).0, Verdict::Stale);
        let (verdict, text) = verdicts(json!({"a": 1, "b": 4}), patch);
        assert_eq!(verdict, Verdict::Conflict);
        assert!(text.contains("found    4") && text.contains("we say   3"), "{text}");
        assert_eq!(verdicts(json!({"a": 1}), json!([{"op": "remove", "path": "/a"}])).0, Verdict::Faulty);
    }

    #[test]
    fn those_after_a_misfit_are_judged_as_if_it_were_mended() {
        let first = overlay(
            "x",
            json!([{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": {}}]),
        );
        let second = overlay("y", json!([{"op": "add", "path": "/a/b", "value": 1}]));
        let (statuses, document) = statuses(json!({"a": 9}), &[first, second]);
        assert_eq!(
            statuses.iter().map(|s| s.verdict).collect::<Vec<_>>(),
            [Verdict::Conflict, Verdict::Applies]
        );
        assert_eq!(document, json!({"a": {"b": 1}}));
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
            assert!(fails(id, "/a").contains("is no id"), "{id}");
        }
    }
}

//! `cargo xtask schema update`: a new document in, everything that is derived made anew, the changes classed; all in memory,
//! then all files or none. Ends with what a person must still decide.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::diff::{self, Change, Class, Kind};
use super::files::{Files, Stage};
use super::intake::{self, Arrival};
use super::overlays::{self, Verdict};
use super::{examples, lint};
use crate::{codegen, docs};

/// What an update would do, and what it says.
pub(crate) struct Update {
    pub(crate) files: Files,
    pub(crate) changes: Vec<Change>,
    pub(crate) report: String,
}

/// Plans the whole update without touching the repository. With `retire`, overlays that the vendor adopted are deleted.
pub(crate) fn plan(root: &Path, arrival: &Arrival, retire: bool) -> Result<Update> {
    let from = arrival.file.display().to_string();
    let intake = intake::plan(root, arrival)?;
    let mut files = intake.files;
    let stage = Stage::new(root)?;
    stage.apply(&files)?;

    let all = codegen::overlays(stage.root())?;
    let mut decisions = Vec::new();
    let retired = judge_overlays(&intake.imported.document(), &all, retire, &from)?;
    for file in &retired {
        files.insert(format!("schema/overlay/{file}"), None);
        decisions.push(format!("schema/overlay/{file} was deleted, as the vendor adopted it: take its name out of schema/overlay/README.md"));
    }
    stage.apply(&files)?;

    let outputs = generate(stage.root()).with_context(|| {
        format!(
            "{from} was read, and nothing can be generated from it yet. A correction mends that: `cargo xtask schema overlay new \
             ID --at POINTER --from {from}`"
        )
    })?;
    let derived: Files =
        outputs.iter().map(|(path, text)| (path.clone(), Some(text.clone().into_bytes()))).collect();
    stage.apply(&derived)?;
    let documents: Files = docs::outputs(stage.root())?
        .into_iter()
        .map(|(path, text)| (path, Some(text.into_bytes())))
        .collect();
    files.extend(derived);
    files.extend(documents);
    files.extend(
        codegen::stale(root, &outputs)?
            .into_iter()
            .filter(|file| !outputs.contains_key(&file.path))
            .map(|file| (file.path, None)),
    );
    files.retain(|path, bytes| fs::read(root.join(path)).ok() != *bytes);

    let resolved = parse(&outputs[codegen::SCHEMA])?;
    let before = codegen::read_json(root, codegen::SCHEMA)?;
    let changes = diff::compare(&before, &resolved);
    let members = diff::members(root)?;
    decisions.extend(decide(&changes, &examples::refused(stage.root(), &resolved)?, &resolved, stage.root()));
    let findings = lint::lint(&intake.imported, &codegen::overlays(stage.root())?);
    let open: Vec<&lint::Finding> = findings.iter().filter(|finding| finding.answered_by.is_none()).collect();
    decisions.extend(
        open.iter().map(|finding| format!("{} [{}]: {}", finding.pointer, finding.rule, finding.advice)),
    );

    let mut report = intake.summary;
    let _ = writeln!(
        report,
        "\n=== the document: {} fault(s), {} answered by overlays",
        findings.len(),
        findings.len() - open.len()
    );
    for finding in &open {
        let _ = writeln!(report, "{finding}");
    }
    let _ =
        writeln!(report, "\n=== overlays: {} apply, {} retired", all.len() - retired.len(), retired.len());
    let _ = writeln!(report, "\n=== changes\n{}", diff::text(&changes, &members));
    let log = diff::changelog(&changes);
    if !log.is_empty() {
        let _ = writeln!(report, "=== for CHANGELOG.md\n{log}");
    }
    let _ =
        writeln!(report, "=== files: {}", if files.is_empty() { "none changes" } else { "written together" });
    for (path, bytes) in &files {
        let _ = writeln!(report, "  {path}{}", if bytes.is_none() { " (deleted)" } else { "" });
    }
    let _ = writeln!(
        report,
        "\n=== what is left for a person:{}",
        if decisions.is_empty() { " nothing but `cargo xtask ci` and a commit" } else { "" }
    );
    for decision in &decisions {
        let _ = writeln!(report, "- {decision}");
    }
    Ok(Update { files, changes, report })
}

/// The overlays to retire; an error when one does not fit.
fn judge_overlays(
    document: &Value,
    all: &[(String, codegen::overlay::Overlay)],
    retire: bool,
    from: &str,
) -> Result<Vec<String>> {
    let (statuses, _) = overlays::statuses(document.clone(), all);
    let (mut adopted, mut misfits) = (Vec::new(), Vec::new());
    for status in &statuses {
        match status.verdict {
            Verdict::Applies => {}
            Verdict::Adopted => adopted.push(status),
            Verdict::Conflict | Verdict::Stale | Verdict::Faulty => misfits.push(status),
        }
    }
    if !misfits.is_empty() {
        let shown: Vec<String> = misfits.iter().map(ToString::to_string).collect();
        bail!(
            "{from}: {} correction(s) no longer fit this document; aim them anew or delete them:\n{}",
            misfits.len(),
            shown.join("\n")
        );
    }
    if !adopted.is_empty() && !retire {
        let names: Vec<String> = adopted
            .iter()
            .map(|status| format!("  schema/overlay/{}: {}", status.file, status.evidence.join("; ")))
            .collect();
        bail!(
            "{from}: the vendor adopted {} correction(s). Run the update with `--retire`, and they are deleted with it:\n{}",
            names.len(),
            names.join("\n")
        );
    }
    Ok(adopted.iter().map(|status| status.file.clone()).collect())
}

/// The generator, whose libraries may panic at a schema that nobody thought of.
fn generate(root: &Path) -> Result<std::collections::BTreeMap<String, String>> {
    std::panic::catch_unwind(|| codegen::outputs(root)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow!("the generator gave up: {}", message.unwrap_or("no reason given")))
    })
}

/// What the changes leave to a person.
fn decide(changes: &[Change], refused: &[examples::Refused], resolved: &Value, root: &Path) -> Vec<String> {
    let mut decisions = Vec::new();
    let of = |class: Class| {
        changes
            .iter()
            .filter(|change| change.worst() == class)
            .map(|change| change.what.clone())
            .collect::<Vec<_>>()
    };
    for what in of(Class::Breaking) {
        decisions.push(format!("breaking: {what}. Is it true of the service? Then raise the version as above; if not, correct it in an overlay"));
    }
    for what in of(Class::Unproved) {
        decisions.push(format!("unproved: {what}. Read it, and say in the changelog what it means"));
    }
    for example in refused {
        decisions.push(format!("{example}: mend the example, or correct the schema in an overlay"));
    }
    let models = fs::read_to_string(root.join("schema/models.json")).unwrap_or_default();
    let added: BTreeSet<&str> = changes
        .iter()
        .filter(|change| {
            change.kind == Kind::Added && change.pointer.starts_with("/$defs/CreateTaskRequest/properties/")
        })
        .filter_map(|change| change.pointer.rsplit('/').next())
        .collect();
    for field in added.into_iter().filter(|field| !models.contains(&format!("\"{field}\""))) {
        decisions.push(format!(
            "`{field}` is new: say in schema/models.json which models take it, and use it in an example of schema/examples/requests"
        ));
    }
    for change in
        changes.iter().filter(|change| change.kind == Kind::Added && change.what.starts_with("new type "))
    {
        let name = change.pointer.trim_start_matches("/$defs/");
        decisions.push(format!("`{name}` is a new type: export it in crates/model/src/lib.rs"));
    }
    for change in changes.iter().filter(|change| change.what.starts_with("new kind ")) {
        decisions.push(format!(
            "{}: crates/model matches on it by hand; the compiler names the places",
            change.what
        ));
    }
    decisions.extend(texts_of_users(changes, resolved).into_iter().map(|field| {
        format!("`{field}` is a text that users write: if it can hold a prompt or an address, add `x-private` in an overlay, or `Debug` shows it")
    }));
    if !changes.is_empty() {
        decisions.push("the lines for CHANGELOG.md, above, in your words".to_owned());
    }
    decisions
}

/// New plain texts of requests without `x-private`.
fn texts_of_users(changes: &[Change], resolved: &Value) -> Vec<String> {
    changes
        .iter()
        .filter(|change| change.kind == Kind::Added && change.request.is_some())
        .filter_map(|change| {
            let (_, field) = change.pointer.rsplit_once("/properties/")?;
            let schema = resolved.pointer(&change.pointer)?;
            let text = match schema.get("type")? {
                Value::Array(names) => names.iter().any(|name| name == "string"),
                name => name == "string",
            };
            (text && schema.get("x-private").is_none() && schema.get("const").is_none())
                .then(|| field.to_owned())
        })
        .collect()
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).context("the resolved schema")
}

//! `cargo xtask schema update`: a new document in, merged with our overlays, everything that is
//! derived made again, the changes classed; all in memory, then all files or none. Ends with the
//! number of questions and of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::diff::{self, Change, Class, Kind};
use super::files::{Files, Stage};
use super::intake::{self, Arrival, Intake};
use super::merge::{self, Answer, Input, Merge, Take, Verdict};
use super::question::OpenQuestion;
use super::source::{Bases, Role};
use super::{examples, fields, lint, overlays};
use crate::{codegen, docs};

/// How an update is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Delete overlays that the document says by now, or that have nothing left to correct.
    pub(crate) retire: bool,
    pub(crate) answers: Vec<Answer>,
    /// Also write what a new field needs outside of the schema.
    pub(crate) scaffold: bool,
}

/// What an update would do, and what it says.
pub(crate) struct Update {
    /// Empty while a question is open.
    pub(crate) files: Files,
    #[cfg_attr(not(test), expect(dead_code, reason = "the report and the JSON have them already"))]
    pub(crate) changes: Vec<Change>,
    /// Pointers of the open questions.
    pub(crate) questions: Vec<String>,
    pub(crate) report: String,
    /// The same for programs.
    pub(crate) json: Value,
}

/// Plans the whole update without touching the repository.
pub(crate) fn plan(root: &Path, arrival: &Arrival, options: &Options) -> Result<Update> {
    let from = arrival.file.display().to_string();
    let intake = intake::plan(root, arrival, Role::Base)?;
    let stage = Stage::new(root)?;
    let before = Bases::read(root)?.document();
    stage.apply(&intake.files)?;
    let merged = merged(&stage, &before, &intake, options)?;
    let (resolved, written) = match derived(root, &stage) {
        Ok(derived) => derived,
        // A question that is open may be what stops the generator: it is shown first.
        Err(error) if !merged.merge.questions.is_empty() => {
            let report = Report { root, arrival, intake: &intake, merged: &merged, before: &before };
            return report.unresolved(options, &error);
        }
        Err(error) => {
            return Err(error.context(format!(
                "{from} was read, and nothing can be generated from it yet. A correction fixes that: `cargo xtask schema overlay new \
                 ID --at POINTER --from {from}`"
            )));
        }
    };
    let mut files = intake.files.clone();
    files.extend(merged.files.clone());
    files.extend(written);
    let mut scaffolded = Vec::new();
    let current = codegen::read_json(root, codegen::SCHEMA)?;
    let changes = diff::compare(&current, &resolved);
    if options.scaffold {
        // A new cell and a new example are copied into what is generated, too.
        let made = super::scaffold::make(root, &changes, &resolved, &intake.source.received.to_string())?;
        scaffolded = made.notes;
        stage.apply(&made.files)?;
        files.extend(derived(root, &stage)?.1);
        files.extend(made.files);
    }
    files.retain(|path, bytes| fs::read(root.join(path)).ok() != *bytes);
    let report = Report { root, arrival, intake: &intake, merged: &merged, before: &before };
    report.resolved(options, &stage, &resolved, changes, files, scaffolded)
}

/// The overlays for the document, and those that new fields need.
struct Merged {
    merge: Merge,
    /// The changes of `schema/overlay`.
    files: Files,
    retired: Vec<String>,
    /// Overlays that were written for new fields, each with the field.
    scaffolded: Vec<(String, String)>,
}

fn merged(stage: &Stage, before: &Value, intake: &Intake, options: &Options) -> Result<Merged> {
    let after = Bases::read(stage.root())?;
    let label = intake.source.label();
    let all = overlays::files(stage.root())?;
    for file in &all {
        file.overlay.complete().with_context(|| format!("schema/overlay/{}", file.name))?;
    }
    let date = intake.source.received.to_string();
    let document = after.document();
    let input = Input {
        before,
        after: &document,
        files: &all,
        answers: &options.answers,
        document: &label,
        date: &date,
    };
    let mut merge = merge::merge(&input)?;
    let mut retired = Vec::new();
    let mut stale = Vec::new();
    for status in &merge.statuses {
        match status.verdict {
            Verdict::Adopted | Verdict::Stale if options.retire => {
                merge.files.insert(status.file.clone(), None);
                retired.push(status.file.clone());
            }
            Verdict::Stale => {
                stale.push(format!("  schema/overlay/{}: {}", status.file, status.notes.join("; ")))
            }
            _ => {}
        }
    }
    if !stale.is_empty() {
        anyhow::bail!(
            "{} overlay(s) add to what the document does not describe any more; `--retire` deletes them:\n{}",
            stale.len(),
            stale.join("\n")
        );
    }
    let mut files: Files = merge
        .files
        .iter()
        .map(|(name, text)| (format!("schema/overlay/{name}"), text.clone().map(String::into_bytes)))
        .collect();
    stage.apply(&files)?;
    let described: Vec<String> = after.create.definitions.keys().cloned().collect();
    let need = fields::Needs {
        merged: &merge.document,
        documents: &document,
        described: &described,
        files: &all,
        new_fields: &merge.new_fields,
        label: &label,
        date: &date,
    };
    let mut scaffolded = Vec::new();
    for (name, field, text) in need.overlays()? {
        files.insert(format!("schema/overlay/{name}"), Some(text.into_bytes()));
        scaffolded.push((name, field));
    }
    stage.apply(&files)?;
    Ok(Merged { merge, files, retired, scaffolded })
}

/// The resolved schema, and every file that is made from it. The stage has them afterwards.
fn derived(root: &Path, stage: &Stage) -> Result<(Value, Files)> {
    let outputs = generate(stage.root())?;
    let resolved: Value = serde_json::from_str(&outputs[codegen::SCHEMA]).context("the resolved schema")?;
    let mut files: Files =
        outputs.iter().map(|(path, text)| (path.clone(), Some(text.clone().into_bytes()))).collect();
    stage.apply(&files)?;
    files
        .extend(docs::outputs(stage.root())?.into_iter().map(|(path, text)| (path, Some(text.into_bytes()))));
    files.extend(
        codegen::stale(root, &outputs)?
            .into_iter()
            .filter(|file| !outputs.contains_key(&file.path))
            .map(|file| (file.path, None)),
    );
    Ok((resolved, files))
}

/// Everything that an update says.
struct Report<'a> {
    root: &'a Path,
    arrival: &'a Arrival,
    intake: &'a Intake,
    merged: &'a Merged,
    before: &'a Value,
}

impl Report<'_> {
    /// Questions with what the document's reading of each would change.
    fn open_questions(&self, options: &Options) -> Vec<OpenQuestion<'_>> {
        let command = format!("cargo xtask schema update {}", self.arrival.file.display());
        self.merged
            .merge
            .questions
            .iter()
            .map(|question| OpenQuestion {
                question,
                effect: self.effect(options, &question.pointer),
                command: command.clone(),
            })
            .collect()
    }

    fn effect(&self, options: &Options, pointer: &str) -> Result<Vec<Change>, String> {
        let attempt = || -> Result<Vec<Change>> {
            let stage = Stage::new(self.root)?;
            stage.apply(&self.intake.files)?;
            let mut options = options.clone();
            options.answers.push(Answer { pointer: pointer.to_owned(), take: Take::Theirs, reason: None });
            merged(&stage, self.before, self.intake, &options)?;
            generate(stage.root())?;
            let resolved = codegen::resolve(stage.root())?.0;
            Ok(diff::compare(&codegen::read_json(self.root, codegen::SCHEMA)?, &resolved))
        };
        attempt().map_err(|error| format!("{error:#}"))
    }

    fn overlays(&self, out: &mut String) {
        let statuses = &self.merged.merge.statuses;
        let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
        for status in statuses {
            *counts.entry(status.verdict).or_default() += 1;
        }
        let counted: Vec<String> =
            counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.as_str())).collect();
        let _ = writeln!(out, "\n=== overlays: {}", counted.join(", "));
        let rewritten = |file: &str| self.merged.merge.files.get(file).is_some_and(Option::is_some);
        for status in statuses.iter().filter(|status| {
            status.verdict != Verdict::Applies || !status.notes.is_empty() || rewritten(&status.file)
        }) {
            let end = match (status.verdict, self.merged.retired.contains(&status.file)) {
                (_, true) => ", retired",
                (Verdict::Adopted, false) => ", can be retired with --retire",
                _ if rewritten(&status.file) => ", its base is rewritten",
                _ => "",
            };
            let _ = writeln!(out, "{:<9} schema/overlay/{}{end}", status.verdict.as_str(), status.file);
            for note in &status.notes {
                let _ = writeln!(out, "            {note}");
            }
        }
        for (name, field) in &self.merged.scaffolded {
            let _ = writeln!(out, "new       schema/overlay/{name}: makes `{field}` ready to be generated");
        }
    }

    fn questions(open_questions: &[OpenQuestion<'_>], out: &mut String) {
        if open_questions.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\n=== questions: the document contradicts us; nothing is written before each is answered"
        );
        for one in open_questions {
            let _ = writeln!(out, "{}", one.text());
        }
    }

    fn statuses_json(&self) -> Value {
        self.merged
            .merge
            .statuses
            .iter()
            .map(|status| json!({ "overlay": status.file, "verdict": status.verdict, "notes": status.notes }))
            .collect()
    }

    fn document_json(&self) -> Value {
        let source = &self.intake.source;
        json!({
            "path": source.path(), "operation": source.operation, "title": source.title, "publisher": source.publisher,
            "edition": source.edition, "received": source.received.to_string(), "sha256": source.sha256,
            "repaired": self.intake.imported.repaired, "left_out": self.intake.imported.left_out,
        })
    }

    /// Nothing could be generated with our readings either: only the questions are shown.
    fn unresolved(&self, options: &Options, error: &anyhow::Error) -> Result<Update> {
        let open_questions = self.open_questions(options);
        let mut report = self.intake.summary.clone();
        self.overlays(&mut report);
        Self::questions(&open_questions, &mut report);
        let reason = format!("{error:#}");
        let _ = writeln!(report, "=== nothing can be generated yet: {reason}\n");
        report += &last_lines(open_questions.len(), &[]);
        let json = json!({
            "document": self.document_json(), "overlays": self.statuses_json(), "questions": open_questions.iter().map(OpenQuestion::json).collect::<Vec<_>>(),
            "error": reason, "changes": [], "files": [],
        });
        let questions = pointers(&open_questions);
        Ok(Update { files: Files::new(), changes: Vec::new(), questions, report, json })
    }

    fn resolved(
        &self,
        options: &Options,
        stage: &Stage,
        resolved: &Value,
        changes: Vec<Change>,
        files: Files,
        scaffolded: Vec<String>,
    ) -> Result<Update> {
        let open_questions = self.open_questions(options);
        let members = diff::members(self.root)?;
        let refused = examples::refused(stage.root(), resolved)?;
        let mut decisions = decide(&changes, &refused, resolved, stage.root(), options.scaffold);
        let others = super::sources::others(stage.root(), &self.intake.imported)?;
        let context = lint::Context { resolved: Some(resolved), others: &others };
        let findings = lint::lint(&self.intake.imported, &codegen::overlays(stage.root())?, &context);
        let open: Vec<&lint::Finding> =
            findings.iter().filter(|finding| finding.answered_by.is_none()).collect();
        decisions.extend(
            open.iter().map(|finding| format!("{} [{}]: {}", finding.pointer, finding.rule, finding.advice)),
        );
        for file in &self.merged.retired {
            decisions.push(format!(
                "schema/overlay/{file} was deleted: take its name out of {}",
                overlays::README
            ));
        }
        for (name, field) in &self.merged.scaffolded {
            decisions.push(format!(
                "schema/overlay/{name} was written for `{field}`: review it, and describe the field"
            ));
        }
        decisions.extend(self.merged.merge.notes.iter().cloned());

        let mut report = self.intake.summary.clone();
        let _ = writeln!(
            report,
            "\n=== the document: {} fault(s), {} answered by overlays",
            findings.len(),
            findings.len() - open.len()
        );
        for finding in &open {
            let _ = writeln!(report, "{finding}");
        }
        self.overlays(&mut report);
        Self::questions(&open_questions, &mut report);
        let _ = writeln!(report, "\n=== changes\n{}", diff::text(&changes, &members));
        let log = diff::changelog(&changes);
        if !log.is_empty() {
            let _ = writeln!(report, "=== for CHANGELOG.md\n{log}");
        }
        let state = match (files.is_empty(), open_questions.is_empty()) {
            (true, _) => "none changes",
            (false, true) => "written together",
            (false, false) => "not written, because a question is open",
        };
        let _ = writeln!(report, "=== files: {state}");
        for (path, bytes) in &files {
            let _ = writeln!(report, "  {path}{}", if bytes.is_none() { " (deleted)" } else { "" });
        }
        for note in &scaffolded {
            let _ = writeln!(report, "  scaffolded: {note}");
        }
        let _ = writeln!(
            report,
            "\n=== what is left for a person:{}",
            if decisions.is_empty() { " nothing but `cargo xtask ci` and a commit" } else { "" }
        );
        for decision in &decisions {
            let _ = writeln!(report, "- {decision}");
        }
        report += "\n";
        report += &last_lines(open_questions.len(), &changes);
        let paths: Vec<&String> = files.keys().collect();
        let mut json = diff::json(&changes, &members);
        if let Value::Object(members) = &mut json {
            members.insert("document".to_owned(), self.document_json());
            members.insert("overlays".to_owned(), self.statuses_json());
            members.insert("questions".to_owned(), open_questions.iter().map(OpenQuestion::json).collect());
            members.insert("files".to_owned(), json!(paths));
            members.insert("left_for_a_person".to_owned(), json!(decisions));
            members.insert("scaffolded".to_owned(), json!(scaffolded));
        }
        let questions = pointers(&open_questions);
        let files = if open_questions.is_empty() { files } else { Files::new() };
        Ok(Update { files, changes, questions, report, json })
    }
}

fn pointers(open_questions: &[OpenQuestion<'_>]) -> Vec<String> {
    open_questions.iter().map(|one| one.question.pointer.clone()).collect()
}

/// How the output of an update ends, whatever happened.
fn last_lines(questions: usize, changes: &[Change]) -> String {
    format!("{questions} questions\n{} changes: {}\n", changes.len(), diff::tally(changes))
}

/// The generator, whose libraries may panic at a schema that nobody thought of.
fn generate(root: &Path) -> Result<BTreeMap<String, String>> {
    std::panic::catch_unwind(|| codegen::outputs(root)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow!("the generator gave up: {}", message.unwrap_or("no reason given")))
    })
}

/// What the changes leave to a person.
fn decide(
    changes: &[Change],
    refused: &[examples::Refused],
    resolved: &Value,
    root: &Path,
    scaffolded: bool,
) -> Vec<String> {
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
        decisions.push(format!("{example}: fix the example, or correct the schema in an overlay"));
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
            "`{field}` is new: say in schema/models.json which models take it, and use it in an example of schema/examples/requests{}",
            if scaffolded { "" } else { " (`--scaffold` writes a beginning of both)" }
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
        decisions.push("the lines for CHANGELOG.md, above, rewritten for users".to_owned());
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

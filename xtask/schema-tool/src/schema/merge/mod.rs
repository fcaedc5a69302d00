//! A document and our overlays, merged statement by statement: what the document said when a
//! statement was written, what it says now, and what we say. Decides by meaning; a contradiction
//! that is new becomes a question, and nothing else does. Reads and writes no file.

pub(crate) mod answers;
mod compare;
mod judge;
pub(crate) mod statement;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

pub(crate) use answers::{Answer, Take};
pub(crate) use compare::Contradiction;
pub(crate) use judge::Verdict;
use judge::{Judge, Judged};
use statement::{Action, File, Found, Statement};

use super::import::normal::escaped;
use super::normalize_field::FieldNormalizer;
use crate::codegen::definitions::Role;

/// What is merged.
pub(crate) struct Input<'a> {
    /// The documents that the overlays were written for, in the normal form.
    pub(crate) before: &'a Value,
    /// The documents as they are now.
    pub(crate) after: &'a Value,
    pub(crate) files: &'a [File],
    pub(crate) answers: &'a [Answer],
    /// The document's title and publisher, for people.
    pub(crate) document: &'a str,
    /// The day of an answer.
    pub(crate) date: &'a str,
}

/// An open question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) pointer: String,
    /// The overlay's file.
    pub(crate) file: String,
    pub(crate) reason: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) base: Option<Value>,
    pub(crate) document: Value,
    pub(crate) ours: Value,
    pub(crate) contradictions: Vec<Contradiction>,
}

/// How an overlay stands to the document.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) file: String,
    pub(crate) verdict: Verdict,
    /// Lines for people.
    pub(crate) notes: Vec<String>,
}

/// A field that the document describes inside a type of ours.
#[derive(Debug, Clone)]
pub(crate) struct NewField {
    /// JSON pointer of the type's schema.
    pub(crate) object: String,
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// The outcome.
#[derive(Debug)]
pub(crate) struct Merge {
    /// New texts of overlays by file name; `None` for one without a statement left.
    pub(crate) files: BTreeMap<String, Option<String>>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) questions: Vec<Question>,
    pub(crate) new_fields: Vec<NewField>,
    /// Notes for the user: changed descriptions, fields inside a union.
    pub(crate) notes: Vec<String>,
    /// The merged document; an open question counts as answered with ours.
    pub(crate) document: Value,
}

/// Merges. An answer to something that is no question is an error.
pub(crate) fn merge(input: &Input<'_>) -> Result<Merge> {
    let (merged, founds) = bring_all(input, input.files);
    let judge = Judge::new(input.before, input.after, &merged);
    let judged: Vec<Vec<Judged>> = input
        .files
        .iter()
        .zip(&founds)
        .map(|(file, founds)| {
            file.statements
                .iter()
                .zip(founds)
                .map(|(statement, found)| judge.statement(statement, found))
                .collect()
        })
        .collect();

    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut out = Merge {
        files: BTreeMap::new(),
        statuses: Vec::new(),
        questions: Vec::new(),
        new_fields: Vec::new(),
        notes: Vec::new(),
        document: merged.clone(),
    };
    let mut taken: BTreeSet<String> = types(&merged).keys().cloned().collect();
    let mut theirs_taken = false;
    for (index, file) in input.files.iter().enumerate() {
        let mut statements = Vec::new();
        let mut records = Vec::new();
        let mut status = Status { file: file.name.clone(), verdict: Verdict::Applies, notes: Vec::new() };
        let mut dropped = BTreeSet::new();
        for ((statement, found), judged) in file.statements.iter().zip(&founds[index]).zip(&judged[index]) {
            let answer = input.answers.iter().find(|answer| answer.pointer == statement.at);
            let decidable = answer.is_some() && !judged.standing.is_empty();
            if decidable {
                used.insert(&statement.at);
            }
            let take = answer.filter(|_| decidable).map(|answer| answer.take);
            if let Some(answer) = answer.filter(|_| decidable) {
                records.push(record(input, answer, found));
            }
            let open = !judged.contradictions.is_empty() && take.is_none();
            status.verdict = status.verdict.max(if open { Verdict::Question } else { judged.verdict });
            status.notes.extend(judged.notes.iter().cloned());
            if open {
                out.questions.push(question(file, statement, found, judged, &merged));
            }
            if take == Some(Take::Theirs) {
                theirs_taken = true;
                statements.extend(theirs(input, statement, found, &merged, &mut taken));
                if let Some(name) = statement.at.strip_prefix("/$defs/") {
                    dropped.insert(name.to_owned());
                }
            } else if judged.verdict == Verdict::Stale && !open {
                statements.push(statement.clone());
            } else {
                statements.extend(rebased(statement, found, &merged, &judge));
            }
            out.new_fields.extend(judged.additions.iter().filter_map(|addition| match &addition.object {
                Some(object) => Some(NewField {
                    object: object.clone(),
                    name: addition.name.clone(),
                    schema: addition.schema.clone(),
                }),
                None => {
                    out.notes.push(format!(
                        "the document describes `{}` inside {}, which schema/overlay/{} says as a union: decide whether a kind of it needs the field",
                        addition.place, statement.at, file.name
                    ));
                    None
                }
            }));
        }
        if file.adopted(&founds[index]) {
            status.verdict = status.verdict.max(Verdict::Adopted);
        }
        if !records.is_empty() && theirs_taken {
            statements = without_unused(statements, &merged, input.files, index);
        }
        let text = file.render(&statements, &records)?;
        if statements.is_empty() {
            out.files.insert(file.name.clone(), None);
        } else if text != file.text {
            out.files.insert(file.name.clone(), Some(text));
        }
        out.statuses.push(status);
    }
    let unknown: Vec<&str> = input
        .answers
        .iter()
        .map(|answer| answer.pointer.as_str())
        .filter(|pointer| !used.contains(pointer))
        .collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = out.questions.iter().map(|question| question.pointer.as_str()).collect();
        bail!(
            "there is no question at {}; {}",
            unknown.join(", "),
            if known.is_empty() {
                "no question is open".to_owned()
            } else {
                format!("open are {}", known.join(", "))
            }
        );
    }
    if theirs_taken {
        let rewritten = input
            .files
            .iter()
            .filter_map(|file| match out.files.get(&file.name) {
                Some(None) => None,
                Some(Some(text)) => Some(File::parse(&file.name, text)),
                None => Some(File::parse(&file.name, &file.text)),
            })
            .collect::<Result<Vec<_>>>()?;
        out.document = bring_all(input, &rewritten).0;
    }
    let known = |field: &NewField| {
        out.document.pointer(&format!("{}/properties/{}", field.object, escaped(&field.name))).is_some()
    };
    let mut seen = BTreeSet::new();
    let fields: Vec<NewField> = out
        .new_fields
        .iter()
        .filter(|field| !known(field) && seen.insert((field.object.clone(), field.name.clone())))
        .cloned()
        .collect();
    out.new_fields = fields;
    out.notes.sort();
    out.notes.dedup();
    Ok(out)
}

/// The document as all overlays want it, and what each statement found.
fn bring_all(input: &Input<'_>, files: &[File]) -> (Value, Vec<Vec<Found>>) {
    let mut merged = input.after.clone();
    let founds = files
        .iter()
        .map(|file| {
            file.statements
                .iter()
                .map(|statement| {
                    let found = statement::bring(&mut merged, statement);
                    if let Some(names) = judge::required(statement, &found, input.before, files)
                        && let Some((kind, _)) = statement.at.rsplit_once('/')
                        && let Some(Value::Object(members)) = merged.pointer_mut(kind)
                    {
                        members.insert("required".to_owned(), json!(names));
                    }
                    found
                })
                .collect()
        })
        .collect();
    (merged, founds)
}

/// A statement as it must be written for this document.
fn rebased(statement: &Statement, found: &Found, merged: &Value, judge: &Judge<'_>) -> Option<Statement> {
    let at = statement.at.clone();
    let base = found.value().cloned();
    if judge.is_required_list(statement) {
        let names = merged.pointer(&at).cloned();
        let action =
            if names == base { Action::Rely } else { Action::Say(names.unwrap_or_else(|| json!([]))) };
        return Some(Statement { at, base, action });
    }
    // A place in a list is found by its value, not by what stood at its number.
    if statement.base.is_none() && found.value().is_none() {
        return Some(statement.clone());
    }
    match (&statement.action, base) {
        (Action::Remove, None) => None,
        (Action::Rely, None) => {
            Some(Statement { at, action: Action::Say(statement.base.clone()?), base: None })
        }
        (action, base) => Some(Statement { at, base, action: action.clone() }),
    }
}

/// What is written where the document's reading holds.
fn theirs(
    input: &Input<'_>,
    statement: &Statement,
    found: &Found,
    merged: &Value,
    taken: &mut BTreeSet<String>,
) -> Vec<Statement> {
    let at = statement.at.clone();
    let Some(document) = found.value() else { return Vec::new() };
    let rely = Statement { at: at.clone(), base: Some(document.clone()), action: Action::Rely };
    let place = judge::PointerKind::of(&at);
    if place != judge::PointerKind::Schema {
        return vec![rely];
    }
    let role = judge::role(merged, &at);
    let documents = types(input.after);
    let name = at.rsplit('/').next().unwrap_or("").replace("~1", "/").replace("~0", "~");
    let owner = at.split('/').nth(2).unwrap_or("").to_owned();
    let mut normalizer =
        FieldNormalizer { types: &documents, role, taken: taken.clone(), document: input.document };
    let Some(normalized) = normalizer.field(&owner, &name, document) else { return vec![rely] };
    taken.extend(normalizer.taken);
    let mut schema = normalized.schema;
    // Our description of the field stays; what holds only for our schema goes.
    if let (Value::Object(members), Some(Value::Object(ours))) = (&mut schema, merged.pointer(&at)) {
        for note in ["description", "x-private"] {
            if let Some(value) = ours.get(note) {
                members.insert(note.to_owned(), value.clone());
            }
        }
    }
    let mut statements = vec![Statement { at, base: Some(document.clone()), action: Action::Say(schema) }];
    statements.extend(normalized.types.into_iter().map(|(name, schema)| Statement {
        at: format!("/$defs/{name}"),
        base: None,
        action: Action::Say(schema),
    }));
    statements
}

/// A file's statements without types that nothing refers to any more.
fn without_unused(statements: Vec<Statement>, merged: &Value, files: &[File], of: usize) -> Vec<Statement> {
    let mut all = statements;
    loop {
        let elsewhere =
            files.iter().enumerate().filter(|(index, _)| *index != of).flat_map(|(_, file)| &file.statements);
        let said = elsewhere.chain(&all).filter_map(|statement| match &statement.action {
            Action::Say(value) => Some((statement.at.as_str(), value)),
            _ => None,
        });
        let mut named: BTreeSet<String> = BTreeSet::new();
        for (at, value) in said {
            let own = at.strip_prefix("/$defs/").unwrap_or("").to_owned();
            let mut found = BTreeSet::new();
            names_in(value, &mut found);
            found.remove(&own);
            named.extend(found);
        }
        // What another file adds to must stay.
        let others = files.iter().enumerate().filter(|(index, _)| *index != of);
        named.extend(
            others
                .flat_map(|(_, file)| &file.statements)
                .filter_map(|statement| statement.at.strip_prefix("/$defs/")?.split_once('/'))
                .map(|(name, _)| name.to_owned()),
        );
        let before = all.len();
        all.retain(|statement| {
            let name = statement.at.strip_prefix("/$defs/").filter(|name| !name.contains('/'));
            let ours = statement.base.is_none() && statement.at != "/$defs";
            !(ours && name.is_some_and(|name| !named.contains(name) && merged["$defs"].get(name).is_some()))
        });
        if all.len() == before {
            return all;
        }
    }
}

/// Every type that a value names, in a `$ref` or otherwise.
fn names_in(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| names_in(member, found)),
        Value::Array(items) => items.iter().for_each(|item| names_in(item, found)),
        Value::String(text) => {
            found.insert(text.trim_start_matches("#/$defs/").to_owned());
        }
        _ => {}
    }
}

fn question(file: &File, statement: &Statement, found: &Found, judged: &Judged, merged: &Value) -> Question {
    Question {
        pointer: statement.at.clone(),
        file: file.name.clone(),
        reason: file.overlay.reason.trim().to_owned(),
        evidence: file
            .overlay
            .evidence
            .iter()
            .map(|evidence| format!("{} ({})", evidence.document, evidence.date))
            .collect(),
        base: statement.base.clone(),
        document: found.value().cloned().unwrap_or_default(),
        ours: merged.pointer(&statement.at).cloned().unwrap_or_default(),
        contradictions: judged.contradictions.clone(),
    }
}

/// An answer as the overlay keeps it.
fn record(input: &Input<'_>, answer: &Answer, found: &Found) -> Value {
    let reason = match (&answer.reason, answer.take) {
        (Some(reason), _) if !reason.trim().is_empty() => reason.trim().to_owned(),
        (_, Take::Ours) => "The overlay's reason stands.".to_owned(),
        (_, Take::Theirs) => "The document is believed.".to_owned(),
    };
    json!({
        "at": answer.pointer, "take": answer.take, "date": input.date, "document": input.document, "reason": reason,
        "document_says": found.value(),
    })
}

impl File {
    /// Whether the document says all that the file does, apart from descriptions.
    fn adopted(&self, founds: &[Found]) -> bool {
        let mut says = false;
        let all =
            self.statements.iter().zip(founds).all(|(statement, found)| match (&statement.action, found) {
                (Action::Say(value), Found::Value(found)) => {
                    says = true;
                    undescribed(value) == undescribed(found) || judge::is_description(&statement.at)
                }
                (Action::Say(_), _) => false,
                (Action::Remove, found) => found.value().is_none(),
                (Action::Rely, _) => true,
            });
        all && says
    }
}

fn undescribed(value: &Value) -> Value {
    let mut value = value.clone();
    super::import::walk(&mut value, &mut |members| {
        members.shift_remove("description");
    });
    value
}

pub(crate) fn types(document: &Value) -> Map<String, Value> {
    document.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The fields that `schema` declares as text and `other` does not, with what the other says. Both
/// have their own types.
pub(crate) fn texts_beside(
    schema: &Value,
    document: &Value,
    other: &Value,
    other_document: &Value,
    at: &str,
) -> Vec<(String, String)> {
    let (own, others) = (types(document), types(other_document));
    let side = |schema, types| compare::Side { schema, at, types };
    // As in a request: whatever the other does not take in the same form counts.
    let found = compare::compare(side(schema, &own), side(other, &others), Role::Request);
    found
        .contradictions
        .into_iter()
        .filter(|one| one.kind == "type" && one.document == "string")
        .map(|one| {
            let place = one.place.replace("[]", "/items").replace('.', "/properties/");
            let place = match place.as_str() {
                "" => String::new(),
                place if place.starts_with('/') => place.to_owned(),
                place => format!("/properties/{place}"),
            };
            // `[]` after a name leaves its own slash.
            (format!("{at}{}", place.replace("//", "/")), one.ours)
        })
        .collect()
}

/// Who writes the value at a place: our user, or the service.
pub(crate) fn role(document: &Value, at: &str) -> Role {
    judge::role(document, at)
}

#[cfg(test)]
mod random;

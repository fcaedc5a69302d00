//! The statements of an overlay file: each an operation with what the document said when it was
//! written. Brings them onto another document, whatever stands there now, and writes the file again
//! with what it found. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::codegen::overlay::Overlay;

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Says this at the place, instead of whatever the document says.
    Say(Value),
    /// Takes away what the document says.
    Remove,
    /// Relies on what the document said (a `test` by itself).
    Rely,
}

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) at: String,
    /// What the document said when this was written; `None` for nothing.
    pub(crate) base: Option<Value>,
    pub(crate) action: Action,
}

/// A file of `schema/overlay`.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) overlay: Overlay,
    pub(crate) statements: Vec<Statement>,
    value: Value,
}

/// What stood at a statement's place before it was brought there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    Nothing,
    Value(Value),
    /// The place itself is not there.
    NoPlace,
}

impl Found {
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::NoPlace => None,
        }
    }
}

impl File {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let overlay = Overlay::read(name, text)?;
        let value: Value = serde_json::from_str(text).with_context(|| format!("schema/overlay/{name}"))?;
        let mut tests: BTreeMap<String, Value> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        let mut statements = Vec::new();
        for operation in value["patch"].as_array().into_iter().flatten() {
            let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let (op, at) = (text("op"), text("path"));
            let said = operation.get("value").cloned().unwrap_or_default();
            let action = match op.as_str() {
                "test" => {
                    order.push(at.clone());
                    tests.insert(at, said);
                    continue;
                }
                "add" | "replace" => Action::Say(said),
                "remove" => Action::Remove,
                _ => bail!(
                    "schema/overlay/{name}: `{op}` hides what it expects; write `test`, `remove` and `add` instead"
                ),
            };
            let base = tests.remove(&at);
            if base.is_none() && op != "add" {
                bail!(
                    "schema/overlay/{name}: {at} is replaced or removed without a `test` of its old value before"
                );
            }
            statements.push(Statement { at, base, action });
        }
        for at in order {
            if let Some(base) = tests.remove(&at) {
                statements.push(Statement { at, base: Some(base), action: Action::Rely });
            }
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned(), overlay, statements, value })
    }

    /// The file's text with other statements; the same bytes where nothing changed.
    pub(crate) fn render(&self, statements: &[Statement], answers: &[Value]) -> Result<String> {
        let unchanged = statements.len() == self.statements.len()
            && statements
                .iter()
                .zip(&self.statements)
                .all(|(new, old)| new.at == old.at && new.base == old.base && new.action == old.action);
        if unchanged && answers.is_empty() {
            return Ok(self.text.clone());
        }
        let mut patch = Vec::new();
        for statement in statements {
            let at = &statement.at;
            if let Some(base) = &statement.base {
                patch.push(json!({ "op": "test", "path": at, "value": base }));
            }
            match (&statement.action, &statement.base) {
                (Action::Say(value), None) => patch.push(json!({ "op": "add", "path": at, "value": value })),
                (Action::Say(value), Some(_)) => {
                    patch.push(json!({ "op": "replace", "path": at, "value": value }));
                }
                (Action::Remove, Some(_)) => patch.push(json!({ "op": "remove", "path": at })),
                (Action::Remove | Action::Rely, _) => {}
            }
        }
        let mut value = self.value.clone();
        value["patch"] = Value::Array(patch);
        if !answers.is_empty() {
            let at = |answer: &Value| answer.get("at").cloned();
            let mut kept: Vec<Value> =
                value.get("answers").and_then(Value::as_array).cloned().unwrap_or_default();
            kept.retain(|old| answers.iter().all(|new| at(new) != at(old)));
            kept.extend(answers.iter().cloned());
            let Value::Object(members) = &mut value else { bail!("schema/overlay/{}", self.name) };
            members.shift_remove("answers");
            let before_patch = members.keys().position(|key| key == "patch").unwrap_or(members.len());
            members.shift_insert(before_patch, "answers".to_owned(), Value::Array(kept));
        }
        crate::codegen::pretty(&value)
    }
}

/// Brings a statement onto the document, whatever stands there; says what stood there.
pub(crate) fn bring(document: &mut Value, statement: &Statement) -> Found {
    let Some((parent, last)) = statement.at.rsplit_once('/') else { return Found::NoPlace };
    let last = last.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            let found = members.get(&last).cloned().map_or(Found::Nothing, Found::Value);
            match &statement.action {
                Action::Say(value) => {
                    members.insert(last, value.clone());
                }
                Action::Remove => {
                    members.shift_remove(&last);
                }
                Action::Rely => {}
            }
            found
        }
        Some(Value::Array(items)) => {
            let index = last.parse::<usize>().ok().filter(|index| *index < items.len());
            match (&statement.action, index) {
                (Action::Say(value), Some(index)) if statement.base.is_some() => {
                    let found = std::mem::replace(&mut items[index], value.clone());
                    Found::Value(found)
                }
                (Action::Say(value), _) => {
                    if !items.contains(value) {
                        items.push(value.clone());
                    }
                    Found::Nothing
                }
                (Action::Remove, Some(index)) => Found::Value(items.remove(index)),
                (Action::Rely, Some(index)) => Found::Value(items[index].clone()),
                (Action::Remove | Action::Rely, None) => Found::Nothing,
            }
        }
        _ => Found::NoPlace,
    }
}

/// The fields of each type that some statement speaks of.
pub(crate) fn fields_spoken_of(files: &[File], kind: &str) -> BTreeSet<String> {
    let prefix = format!("{kind}/properties/");
    files
        .iter()
        .flat_map(|file| &file.statements)
        .filter_map(|statement| statement.at.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('/').next())
        .map(|name| name.replace("~1", "/").replace("~0", "~"))
        .collect()
}

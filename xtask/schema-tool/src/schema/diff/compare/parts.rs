//! Parts of a named schema besides properties: values of an enum, branches of a union, and the
//! rest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::proof::{Answer, covers, inlined};
use super::super::{Change, Kind};
use super::{Comparison, Definitions};

impl Comparison<'_> {
    /// Values of an enum.
    pub(super) fn values(
        &self,
        name: &str,
        old: &Value,
        new: &Value,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) -> Vec<Change> {
        let closed = |schema: &Value| schema.get("enum").is_some();
        let mut changes = Vec::new();
        let variant = |word: &str, about: &Value| {
            let rust = about
                .get("name")
                .and_then(Value::as_str)
                .map_or_else(|| heck::AsUpperCamelCase(word).to_string(), str::to_owned);
            format!("{name}::{rust}")
        };
        for (word, about) in after {
            let at = format!("/x-enum/{word}");
            let names = [variant(word, about)];
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            match before.get(word) {
                None => {
                    let what = format!("new value `{word}` of `{name}`");
                    let prove = |asks: bool| if asks || !closed(old) { Answer::Yes } else { Answer::No };
                    changes.push(self.change(name, &at, Kind::Added, what, prove, &names));
                }
                Some(former) if former != about => {
                    let former_name = variant(word, former);
                    let renamed = former_name != names[0];
                    let what = if renamed {
                        format!("`{former_name}` is called `{}` in Rust", names[0])
                    } else {
                        format!("value `{word}` of `{name}` is described otherwise")
                    };
                    let former = [former_name.as_str()];
                    changes.push(
                        self.change(name, &at, Kind::Changed, what, |_| Answer::Yes, &former).docs_only(),
                    );
                }
                Some(_) => {}
            }
        }
        for (word, about) in before.iter().filter(|(word, _)| !after.contains_key(*word)) {
            let names = [variant(word, about)];
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = format!("value `{word}` of `{name}` is gone");
            let prove = |asks: bool| if asks && closed(new) { Answer::No } else { Answer::Yes };
            changes.push(self.change(name, &format!("/x-enum/{word}"), Kind::Removed, what, prove, &names));
        }
        if closed(old) != closed(new) && (!before.is_empty() || !after.is_empty()) {
            let what = if closed(new) { "takes only the listed values now" } else { "takes any text now" };
            let prove = |asks: bool| if asks == closed(new) { Answer::No } else { Answer::Yes };
            changes.push(self.change(
                name,
                "/enum",
                Kind::Changed,
                format!("`{name}` {what}"),
                prove,
                &[name],
            ));
        }
        changes
    }

    /// Branches of a union.
    pub(super) fn branches(&self, name: &str, old: &Value, new: &Value) -> Vec<Change> {
        let of = |schema: &Value| -> Vec<String> {
            let list = schema.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter()
                .filter_map(|branch| branch.get("$ref")?.as_str()?.strip_prefix("#/$defs/"))
                .map(str::to_owned)
                .collect()
        };
        let (before, after) = (of(old), of(new));
        let mut changes = Vec::new();
        for branch in after.iter().filter(|branch| !before.contains(branch)) {
            let what = format!("new kind `{branch}` of `{name}`");
            let prove = |asks: bool| self.with_branch(name, branch, asks);
            // Variants lose the end that all branches share: a branch without it renames the
            // others.
            let names: Vec<String> = before.iter().map(|other| format!("{name}::{other}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            changes.push(self.change(name, "/oneOf", Kind::Added, what, prove, &names));
        }
        for branch in before.iter().filter(|branch| !after.contains(branch)) {
            let what = format!("kind `{branch}` of `{name}` is gone");
            let prove = |asks: bool| if asks { Answer::No } else { Answer::Yes };
            changes.push(self.change(
                name,
                "/oneOf",
                Kind::Removed,
                what,
                prove,
                &[&format!("{name}::{branch}")],
            ));
        }
        changes
    }

    /// Whether the union goes on as before with one more branch: one whose tag another has already
    /// would make both ambiguous.
    fn with_branch(&self, name: &str, branch: &str, asks: bool) -> Answer {
        let mut wider = self.before[name].clone();
        if let Some(Value::Array(list)) = wider.get_mut("oneOf") {
            list.push(json!({ "$ref": format!("#/$defs/{branch}") }));
        }
        self.goes_on(name, &wider, asks)
    }

    /// Whatever else differs in the definition itself.
    pub(super) fn rest(&self, name: &str, old: &Value, new: &Value) -> Option<Change> {
        const COVERED: [&str; 5] = ["properties", "required", "x-enum", "enum", "oneOf"];
        let without = |schema: &Value| -> Map<String, Value> {
            let members = schema.as_object().cloned().unwrap_or_default();
            // Without `x-enum` the values are compared here.
            let values = members.contains_key("x-enum");
            members
                .into_iter()
                .filter(|(key, _)| !(COVERED.contains(&key.as_str()) && (values || key != "enum")))
                .collect()
        };
        let (before, after) = (without(old), without(new));
        // Order is no change.
        let unlike = |key: &String| before.get(key) != after.get(key);
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).filter(|key| unlike(key)).collect();
        if keys.is_empty() {
            return None;
        }
        let docs = keys.iter().all(|key| *key == "description" || *key == "title");
        let constraint = |all: Map<String, Value>, definitions: &Definitions, closed| {
            inlined(&Value::Object(all), definitions, closed)
        };
        let what =
            if docs { format!("`{name}` is described otherwise") } else { format!("`{name}` changed") };
        let mut change = self.change(
            name,
            "",
            Kind::Changed,
            what,
            |asks| {
                let (before, after) = (
                    constraint(before.clone(), self.before, asks),
                    constraint(after.clone(), self.after, asks),
                );
                if asks { covers(&after, &before) } else { covers(&before, &after) }
            },
            &[name],
        );
        change.details = details(&Value::Object(before), &Value::Object(after));
        if docs {
            change = change.docs_only();
        }
        Some(change)
    }
}

/// Keyword by keyword, old and new.
pub(super) fn details(old: &Value, new: &Value) -> Vec<String> {
    let empty = Map::new();
    let (before, after) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let keys: Vec<&String> =
        before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))).collect();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| match (before.get(key), after.get(key)) {
            (Some(was), Some(is)) => format!("{key}: {} → {}", short(was), short(is)),
            (Some(was), None) => format!("{key}: {} → nothing", short(was)),
            (None, is) => format!("{key}: nothing → {}", short(is.unwrap_or(&Value::Null))),
        })
        .collect()
}

fn short(value: &Value) -> String {
    crate::schema::text::cut(value.to_string(), 160)
}

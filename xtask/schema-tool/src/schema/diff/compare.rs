//! The changes between two sets of named schemas: types and their properties here, what else they
//! are made of in `parts`. Each is classed by proof on the smallest schema that holds it.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase as _;
use serde_json::{Map, Value, json};

use super::proof::{Answer, covers, inlined};
use super::surface::Surface;
use super::{Change, Class, Kind};
use crate::schema::import::normal::requires;
use parts::details;

pub(super) type Definitions = Map<String, Value>;

/// Keywords of a property with textual constraints: not comparable, but checks are generated from
/// them.
const WORDED_RULES: [&str; 2] = ["x-rule", "x-url-forms"];

pub(super) struct Comparison<'a> {
    pub(super) before: &'a Definitions,
    pub(super) after: &'a Definitions,
    surfaces: &'a (Result<Surface, String>, Result<Surface, String>),
    requested: BTreeSet<String>,
    answered: BTreeSet<String>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        before: &'a Definitions,
        after: &'a Definitions,
        surfaces: &'a (Result<Surface, String>, Result<Surface, String>),
    ) -> Self {
        let side = |role: &str| [before, after].into_iter().flat_map(|all| reached(all, role)).collect();
        Self { before, after, surfaces, requested: side("request"), answered: side("response") }
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, new) in self.after {
            match self.before.get(name) {
                None => changes.push(self.change(
                    name,
                    "",
                    Kind::Added,
                    format!("new type `{name}`"),
                    |_| Answer::Yes,
                    &[name.as_str()],
                )),
                // As texts: the order of properties is that of the arguments of `new`.
                Some(old) if unlike(old, new) => changes.extend(self.definition(name, old, new)),
                Some(_) => {}
            }
        }
        for name in self.before.keys().filter(|name| !self.after.contains_key(*name)) {
            changes.push(self.change(
                name,
                "",
                Kind::Removed,
                format!("type `{name}` is gone"),
                |_| Answer::No,
                &[name.as_str()],
            ));
        }
        changes
    }

    fn definition(&self, name: &str, old: &Value, new: &Value) -> Vec<Change> {
        let mut changes = Vec::new();
        let list = |schema: &Value, key: &str| -> BTreeMap<String, Value> {
            schema
                .get(key)
                .and_then(Value::as_object)
                .map(|m| m.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
                .unwrap_or_default()
        };
        changes.extend(self.properties(name, old, new));
        changes.extend(self.values(name, old, new, &list(old, "x-enum"), &list(new, "x-enum")));
        changes.extend(self.branches(name, old, new));
        changes.extend(self.rest(name, old, new));
        changes
    }

    /// Properties that came, went or changed, and what is required.
    fn properties(&self, name: &str, old: &Value, new: &Value) -> Vec<Change> {
        let empty = Map::new();
        let of = |schema: &'a Value| schema.get("properties").and_then(Value::as_object);
        let (before, after) = (
            self.before[name].get("properties").and_then(Value::as_object).unwrap_or(&empty),
            of(&self.after[name]).unwrap_or(&empty),
        );
        let mut changes = Vec::new();
        let rust_names =
            |property: &str| [format!("{name}.{property}"), format!("{name}::{}", property.to_snake_case())];
        let removed: Vec<&String> = before.keys().filter(|property| !after.contains_key(*property)).collect();
        for (property, schema) in after {
            let at = format!("/properties/{property}");
            let names = rust_names(property);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let required = requires(new, property);
            let Some(former) = before.get(property) else {
                let renamed = removed
                    .iter()
                    .find(|gone| same(&before[gone.as_str()], schema))
                    .map(|gone| format!(", perhaps `{gone}` renamed"));
                let need = if required { "required " } else { "" };
                let what = format!("new {need}field `{name}.{property}`{}", renamed.unwrap_or_default());
                let prove = |asks: bool| self.with_property(name, property, asks);
                let mut change = self.change(name, &at, Kind::Added, what, prove, &names);
                if required && self.requested.contains(name) {
                    change.rust = self.rust_class(&[&format!("{name}::new")], change.rust);
                }
                changes.push(change);
                continue;
            };
            if former != schema {
                changes.push(self.property(name, property, former, schema, &names));
            }
            if requires(old, property) != required {
                let what = if required { "is required now" } else { "may be left out now" };
                let new_name = format!("{name}::new");
                let names = [names[0], new_name.as_str()];
                let at = "/required".to_owned();
                let what = format!("`{name}.{property}` {what}");
                changes.push(self.change(
                    name,
                    &at,
                    Kind::Changed,
                    what,
                    |asks| if asks == required { Answer::No } else { Answer::Yes },
                    &names,
                ));
            }
        }
        for property in removed {
            let names = rust_names(property);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = format!("field `{name}.{property}` is gone");
            changes.push(self.change(
                name,
                &format!("/properties/{property}"),
                Kind::Removed,
                what,
                |_| Answer::No,
                &names,
            ));
        }
        let order = |all: &Map<String, Value>, schema: &Value| -> Vec<String> {
            all.keys()
                .filter(|p| requires(schema, p) && before.contains_key(*p) && after.contains_key(*p))
                .cloned()
                .collect()
        };
        let (was, is) = (order(before, old), order(after, new));
        if was != is && was.iter().collect::<BTreeSet<_>>() == is.iter().collect() {
            let what = format!("`{name}::new` takes its arguments in another order");
            changes.push(self.change(
                name,
                "/properties",
                Kind::Changed,
                what,
                |_| Answer::Yes,
                &[&format!("{name}::new")],
            ));
        }
        changes
    }

    /// A property that both have, differently.
    fn property(&self, name: &str, property: &str, old: &Value, new: &Value, names: &[&str]) -> Change {
        let what = format!("field `{name}.{property}` changed");
        let (before, after) =
            (|closed| inlined(old, self.before, closed), |closed| inlined(new, self.after, closed));
        let annotations = before(false) == after(false);
        let worded = WORDED_RULES.iter().any(|key| old.get(*key) != new.get(*key));
        let mut change = self.change(
            name,
            &format!("/properties/{property}"),
            Kind::Changed,
            what,
            |asks| {
                let answer = if asks {
                    covers(&after(true), &before(true))
                } else {
                    covers(&before(false), &after(false))
                };
                match answer {
                    Answer::Yes if worded => Answer::Unknown("a textual rule changed".to_owned()),
                    answer => answer,
                }
            },
            names,
        );
        if annotations && !worded {
            change = change.docs_only();
            change.what = format!("field `{name}.{property}` is described otherwise");
        }
        change.details = details(old, new);
        change
    }

    /// Whether the object goes on as before with one more property.
    fn with_property(&self, name: &str, property: &str, asks: bool) -> Answer {
        let mut wider = self.before[name].clone();
        let required = requires(&self.after[name], property);
        wider["properties"][property] = self.after[name]["properties"][property].clone();
        if required && let Value::Object(members) = &mut wider {
            let needs = members.entry("required").or_insert(json!([]));
            if let Value::Array(names) = needs {
                names.push(json!(property));
            }
        }
        self.goes_on(name, &wider, asks)
    }

    /// Whether what worked with the definition works with a wider one; new types that it refers to
    /// come with it.
    pub(super) fn goes_on(&self, name: &str, wider: &Value, asks: bool) -> Answer {
        let mut definitions = self.after.clone();
        definitions.extend(self.before.iter().map(|(name, schema)| (name.clone(), schema.clone())));
        let (before, after) =
            (inlined(&self.before[name], self.before, asks), inlined(wider, &definitions, asks));
        if asks { covers(&after, &before) } else { covers(&before, &after) }
    }

    /// A change of the definition `name`: `prove(true)` for requests (does the new take all of the
    /// old), `prove(false)` for answers (does the old take all of the new); `names` are those of
    /// Rust that it may touch.
    pub(super) fn change(
        &self,
        name: &str,
        at: &str,
        kind: Kind,
        what: String,
        prove: impl Fn(bool) -> Answer,
        names: &[&str],
    ) -> Change {
        let mut remark = None;
        let mut class = |asks: bool| match prove(asks) {
            Answer::Yes => Class::Compatible,
            Answer::No => Class::Breaking,
            Answer::Unknown(why) => {
                remark = Some(why);
                Class::Unproved
            }
        };
        let request = self.requested.contains(name).then(|| class(true));
        let response = self.answered.contains(name).then(|| class(false));
        let rust = self.rust_class(names, Class::Compatible);
        let pointer = format!("/$defs/{name}{at}");
        Change { pointer, kind, what, details: Vec::new(), request, response, rust, remark }
    }

    fn rust_class(&self, names: &[&str], otherwise: Class) -> Class {
        match self.surfaces {
            (Ok(old), Ok(new)) if names.iter().all(|name| old.keeps(new, name)) => otherwise,
            (Ok(_), Ok(_)) => Class::Breaking,
            _ => Class::Unproved,
        }
    }
}

/// Whether two definitions differ in anything, order included.
fn unlike(old: &Value, new: &Value) -> bool {
    let (was, is) = (old.to_string(), new.to_string());
    was != is
}

/// Whether two schemas are equal apart from descriptions.
fn same(a: &Value, b: &Value) -> bool {
    let none = Map::new();
    inlined(a, &none, false) == inlined(b, &none, false)
        && a.get("$ref") == b.get("$ref")
        && a.get("type").is_some()
}

/// The definitions with this role, and what they refer to.
fn reached(definitions: &Definitions, role: &str) -> BTreeSet<String> {
    let mut open: Vec<String> = definitions
        .iter()
        .filter(|(_, schema)| schema.get("x-role") == Some(&json!(role)))
        .map(|(name, _)| name.clone())
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone())
            && let Some(schema) = definitions.get(&name)
        {
            refers_to(schema, &mut open);
        }
    }
    seen
}

fn refers_to(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for name in [members.get("$ref"), members.get("x-open-form-of")]
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                found.push(name.trim_start_matches("#/$defs/").to_owned());
            }
            members.values().for_each(|member| refers_to(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| refers_to(item, found)),
        _ => {}
    }
}

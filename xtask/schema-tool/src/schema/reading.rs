//! What a schema says of one value, whichever way it is written: `$ref`, `allOf`, unions,
//! `nullable` and type lists come to the same reading. A union reads as all of its branches
//! together; null is no part of a reading.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// More branches than this are left out of a reading.
const MOST_BRANCHES: usize = 1024;
/// References deeper than this are not followed; documents with circles were refused before.
const DEEPEST: usize = 40;

/// The types that `$ref` can name.
pub(crate) type Types = Map<String, Value>;

/// One place in a schema that constrains the value.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    /// JSON pointer of the place.
    pub(crate) at: String,
    members: &'a Map<String, Value>,
}

/// What holds of the value: one of the branches, each of them all of its parts.
#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    pub(crate) branches: Vec<Vec<Part<'a>>>,
    types: &'a Types,
}

/// Numbers from a lower to an upper end, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(schema: &'a Value, at: &str, types: &'a Types) -> Self {
        Self { branches: expand(schema, at, types, 0), types }
    }

    /// A keyword's value where it is said first: by the schema itself, by what it refers to, by its
    /// parts.
    pub(crate) fn note(&self, key: &str) -> Option<&'a Value> {
        self.branches.first()?.iter().find_map(|part| part.members.get(key))
    }

    /// Every keyword that is said of the value.
    pub(crate) fn keywords(&self) -> impl Iterator<Item = &'a str> {
        self.branches.iter().flatten().flat_map(|part| part.members.keys().map(String::as_str))
    }

    /// Whether null is named as a value too.
    pub(crate) fn takes_null(&self) -> bool {
        let lists = |value: Option<&Value>, fits: &dyn Fn(&Value) -> bool| {
            value.and_then(Value::as_array).is_some_and(|all| all.iter().any(fits))
        };
        self.branches.iter().flatten().any(|part| {
            lists(part.members.get("type"), &|name| name == "null")
                || lists(part.members.get("enum"), &Value::is_null)
                || ["anyOf", "oneOf"].iter().any(|key| lists(part.members.get(*key), &is_null))
        })
    }

    /// The JSON types of the value; `None` where any will do.
    pub(crate) fn types(&self) -> Option<BTreeSet<&'static str>> {
        self.joined(|branch| {
            let mut known: Option<BTreeSet<&'static str>> = None;
            for part in branch {
                let named = match part.members.get("type") {
                    Some(Value::String(name)) => Some(BTreeSet::from([name.as_str()])),
                    Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect()),
                    _ => listed(part.members).map(|values| values.into_iter().map(type_of).collect()),
                };
                if let Some(named) = named {
                    let named: BTreeSet<&'static str> =
                        named.into_iter().filter(|name| *name != "null").filter_map(interned).collect();
                    known = Some(match known {
                        None => named,
                        Some(before) => meet(&before, &named),
                    });
                }
            }
            known
        })
        .map(|sets| sets.into_iter().flatten().collect())
    }

    /// The values of a closed list; `None` where it is open.
    pub(crate) fn values(&self) -> Option<Vec<&'a Value>> {
        let lists = self.joined(|branch| {
            let mut lists = branch.iter().filter_map(|part| listed(part.members));
            let first = lists.next()?;
            let both =
                lists.fold(first, |all, list| all.into_iter().filter(|value| list.contains(value)).collect());
            let fits = |value: &&Value| branch.iter().all(|part| takes_type(part.members, value));
            Some(both.into_iter().filter(fits).collect::<Vec<_>>())
        })?;
        let mut values: Vec<&Value> = Vec::new();
        for value in lists.into_iter().flatten().filter(|value| !value.is_null()) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Some(values)
    }

    /// The numbers that are in range; `None` where all are.
    pub(crate) fn spans(&self, integers: bool) -> Option<Vec<Span>> {
        self.joined(|branch| {
            let mut span = Span { low: f64::NEG_INFINITY, high: f64::INFINITY };
            let mut narrowed = false;
            for part in branch {
                let number = |key: &str| part.members.get(key).and_then(Value::as_f64);
                let above = |low: f64| if integers { low.floor() + 1.0 } else { low.next_up() };
                let below = |high: f64| if integers { high.ceil() - 1.0 } else { high.next_down() };
                let low = [number("minimum"), number("exclusiveMinimum").map(above)];
                let high = [number("maximum"), number("exclusiveMaximum").map(below)];
                for low in low.into_iter().flatten() {
                    narrowed = true;
                    span.low = span.low.max(if integers { low.ceil() } else { low });
                }
                for high in high.into_iter().flatten() {
                    narrowed = true;
                    span.high = span.high.min(if integers { high.floor() } else { high });
                }
                if let Some(values) = listed(part.members) {
                    let numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
                    if !numbers.is_empty() && numbers.len() == values.len() {
                        return Some(
                            numbers
                                .into_iter()
                                .filter(|n| *n >= span.low && *n <= span.high)
                                .map(|n| Span { low: n, high: n })
                                .collect::<Vec<_>>(),
                        );
                    }
                }
            }
            narrowed.then(|| vec![span])
        })
        .map(|spans| spans.into_iter().flatten().collect())
    }

    /// The lowest of the branches' lower bounds (`minLength` and the like).
    pub(crate) fn at_least(&self, key: &str) -> u64 {
        let of = |branch: &Vec<Part<'a>>| {
            branch.iter().filter_map(|part| part.members.get(key)?.as_u64()).max().unwrap_or(0)
        };
        self.branches.iter().map(of).min().unwrap_or(0)
    }

    /// The highest of the branches' upper bounds (`maxLength` and the like).
    pub(crate) fn at_most(&self, key: &str) -> Option<u64> {
        let of =
            |branch: &Vec<Part<'a>>| branch.iter().filter_map(|part| part.members.get(key)?.as_u64()).min();
        self.joined(of)?.into_iter().max()
    }

    /// Constraints that a reading does not understand, by keyword.
    pub(crate) fn others(&self) -> Vec<(&'a str, &'a Value)> {
        const UNREAD: &str = "pattern multipleOf uniqueItems not if contains dependentRequired dependentSchemas \
                              propertyNames patternProperties prefixItems minProperties";
        let mut found: Vec<(&str, &Value)> = Vec::new();
        for part in self.branches.iter().flatten() {
            for (key, value) in part
                .members
                .iter()
                .filter(|(key, _)| UNREAD.split_whitespace().any(|known| known == key.as_str()))
            {
                if !found.contains(&(key, value)) {
                    found.push((key, value));
                }
            }
        }
        found
    }

    /// Whether other fields than those that are listed are refused, in every branch.
    pub(crate) fn is_closed(&self) -> bool {
        !self.branches.is_empty()
            && self.branches.iter().all(|branch| {
                branch
                    .iter()
                    .any(|part| part.members.get("additionalProperties") == Some(&Value::Bool(false)))
            })
    }

    /// The names of the fields, in order.
    pub(crate) fn fields(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for part in self.branches.iter().flatten() {
            for name in
                part.members.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys)
            {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// What is said of a field, by the branches that know it.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        let at = format!("properties/{}", super::import::normal::escaped(name));
        self.inner(|members| members.get("properties")?.get(name), &at)
    }

    /// What is said of each item of a list.
    pub(crate) fn items(&self) -> Option<Self> {
        self.inner(|members| members.get("items"), "items")
    }

    /// The fields that every branch requires.
    pub(crate) fn required(&self) -> BTreeSet<&'a str> {
        let of = |branch: &Vec<Part<'a>>| -> BTreeSet<&'a str> {
            branch
                .iter()
                .filter_map(|part| part.members.get("required")?.as_array())
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        };
        let mut branches = self.branches.iter().map(of);
        let first = branches.next().unwrap_or_default();
        branches.fold(first, |all, of| all.intersection(&of).copied().collect())
    }

    /// The schema that lists the fields, where there is exactly one.
    pub(crate) fn object(&self) -> Option<&Part<'a>> {
        let [branch] = self.branches.as_slice() else { return None };
        branch.iter().rfind(|part| part.members.contains_key("properties"))
    }

    /// The schema as it is written, where it is written in one place.
    pub(crate) fn written(&self) -> Option<Value> {
        let [branch] = self.branches.as_slice() else { return None };
        let [part] = branch.as_slice() else { return None };
        Some(Value::Object(part.members.clone()))
    }

    /// Something of each branch; `None` as soon as one branch says nothing.
    fn joined<T>(&self, of: impl Fn(&Vec<Part<'a>>) -> Option<T>) -> Option<Vec<T>> {
        if self.branches.is_empty() {
            return None;
        }
        self.branches.iter().map(of).collect()
    }

    fn inner(&self, of: impl Fn(&'a Map<String, Value>) -> Option<&'a Value>, at: &str) -> Option<Self> {
        let mut branches = Vec::new();
        for branch in &self.branches {
            let mut known = false;
            let mut inner: Vec<Vec<Part<'a>>> = vec![Vec::new()];
            for part in branch {
                if let Some(schema) = of(part.members) {
                    known = true;
                    inner = crossed(inner, expand(schema, &format!("{}/{at}", part.at), self.types, 0));
                }
            }
            if known {
                branches.extend(inner);
            }
        }
        (!branches.is_empty()).then_some(Self { branches, types: self.types })
    }
}

fn expand<'a>(schema: &'a Value, at: &str, types: &'a Types, depth: usize) -> Vec<Vec<Part<'a>>> {
    let Value::Object(members) = schema else { return vec![Vec::new()] };
    let mut branches = vec![vec![Part { at: at.to_owned(), members }]];
    if depth > DEEPEST {
        return branches;
    }
    let target = members.get("$ref").and_then(Value::as_str).and_then(|t| t.strip_prefix("#/$defs/"));
    if let Some((name, target)) = target.and_then(|name| Some((name, types.get(name)?))) {
        branches = crossed(branches, expand(target, &format!("/$defs/{name}"), types, depth + 1));
    }
    for (index, part) in members.get("allOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
        branches = crossed(branches, expand(part, &format!("{at}/allOf/{index}"), types, depth + 1));
    }
    for key in ["anyOf", "oneOf"] {
        let Some(list) = members.get(key).and_then(Value::as_array) else { continue };
        let mut inner = Vec::new();
        for (index, branch) in list.iter().enumerate().filter(|(_, branch)| !is_null(branch)) {
            inner.extend(expand(branch, &format!("{at}/{key}/{index}"), types, depth + 1));
        }
        if !inner.is_empty() {
            branches = crossed(branches, inner);
        }
    }
    branches
}

fn crossed<'a>(all: Vec<Vec<Part<'a>>>, with: Vec<Vec<Part<'a>>>) -> Vec<Vec<Part<'a>>> {
    let mut out = Vec::new();
    for left in &all {
        for right in &with {
            if out.len() < MOST_BRANCHES {
                out.push([left.as_slice(), right.as_slice()].concat());
            }
        }
    }
    out
}

fn is_null(schema: &Value) -> bool {
    schema.get("type") == Some(&Value::from("null"))
        || schema.get("const") == Some(&Value::Null)
        || schema.get("enum").and_then(Value::as_array).is_some_and(|all| all.iter().all(Value::is_null))
}

/// The values that `enum` or `const` lists.
fn listed(members: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (members.get("const"), members.get("enum").and_then(Value::as_array)) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(values)) => Some(values.iter().collect()),
        (None, None) => None,
    }
}

/// Whether `type` takes the value.
fn takes_type(members: &Map<String, Value>, value: &Value) -> bool {
    let is = |name: &Value| *name == type_of(value) || (*name == "number" && value.is_number());
    match members.get("type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => true,
    }
}

fn interned(name: &str) -> Option<&'static str> {
    ["array", "boolean", "integer", "number", "object", "string"].into_iter().find(|known| *known == name)
}

pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What two lists of types have in common; an integer is a number.
fn meet(one: &BTreeSet<&'static str>, other: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let takes = |all: &BTreeSet<&'static str>, name: &str| {
        all.contains(name) || (name == "integer" && all.contains("number"))
    };
    one.union(other).copied().filter(|name| takes(one, name) && takes(other, name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_meaning_in_every_spelling() {
        let types = json!({"Mood": {"type": "string", "enum": ["calm", "wild"]}});
        let types = types.as_object().unwrap();
        for schema in [
            json!({"type": "string", "enum": ["calm", "wild"]}),
            json!({"type": ["string", "null"], "enum": ["calm", "wild", null]}),
            json!({"enum": ["calm", "wild"]}),
            json!({"$ref": "#/$defs/Mood", "description": "d"}),
            json!({"anyOf": [{"$ref": "#/$defs/Mood"}, {"type": "null"}]}),
            json!({"oneOf": [{"const": "calm"}, {"const": "wild"}, {"const": null}]}),
            json!({"allOf": [{"type": "string"}, {"enum": ["calm", "wild", 3]}]}),
        ] {
            let reading = Reading::of(&schema, "", types);
            assert_eq!(reading.types(), Some(BTreeSet::from(["string"])), "{schema}");
            assert_eq!(reading.values(), Some(vec![&json!("calm"), &json!("wild")]), "{schema}");
        }
    }

    #[test]
    fn a_union_reads_as_its_branches_together() {
        let types = json!({
            "A": {"type": "object", "required": ["kind", "a"], "properties": {"kind": {"const": "a"}, "a": {"type": "string"}}},
            "B": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}}},
        });
        let schema = json!({"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]});
        let reading = Reading::of(&schema, "", types.as_object().unwrap());
        assert_eq!(reading.fields(), ["kind", "a"]);
        assert_eq!(reading.required(), BTreeSet::from(["kind"]));
        assert_eq!(reading.field("kind").unwrap().values(), Some(vec![&json!("a"), &json!("b")]));
        assert!(reading.object().is_none(), "two objects");
        let numbers =
            json!({"type": "integer", "anyOf": [{"const": -1}, {"minimum": 2, "exclusiveMaximum": 31}]});
        let spans = Reading::of(&numbers, "", types.as_object().unwrap()).spans(true).unwrap();
        assert_eq!(spans, [Span { low: -1.0, high: -1.0 }, Span { low: 2.0, high: 30.0 }]);
    }
}

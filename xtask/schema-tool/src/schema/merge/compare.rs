//! Two readings of one value side by side: where the document contradicts what we say, and what it
//! describes that we do not. To say less than the other is no contradiction; to allow less, in what
//! is sent, is one.

use serde_json::{Map, Value};

use crate::codegen::definitions::Role;
use crate::schema::reading::{Reading, Span, Types};

/// A place where both cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Contradiction {
    /// Where inside the field: `[]` for each item, `.name` for a field; empty for the field itself.
    pub(crate) place: String,
    /// `type`, `values`, `range`, `length`, `required`, `closed` or a keyword.
    pub(crate) kind: String,
    pub(crate) document: String,
    pub(crate) ours: String,
}

/// Something that the document describes inside a field and we do not.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    pub(crate) place: String,
    pub(crate) name: String,
    /// The object of ours that it belongs to; `None` inside a union.
    pub(crate) object: Option<String>,
    pub(crate) schema: Value,
}

/// Everything that a comparison finds.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) contradictions: Vec<Contradiction>,
    pub(crate) additions: Vec<Addition>,
    /// Differences that contradict nothing, for people.
    pub(crate) notes: Vec<String>,
}

/// A schema with the types that its references name, and its place.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) schema: &'a Value,
    pub(crate) at: &'a str,
    pub(crate) types: &'a Types,
}

/// The document's schema of a value beside ours.
pub(crate) fn compare(document: Side<'_>, ours: Side<'_>, role: Role) -> Comparison {
    let mut found = Comparison::default();
    let theirs = Reading::of(document.schema, document.at, document.types);
    let ours = Reading::of(ours.schema, ours.at, ours.types);
    Comparer { role, found: &mut found }.value(&theirs, &ours, "", 0);
    found
}

struct Comparer<'a> {
    role: Role,
    found: &'a mut Comparison,
}

impl Comparer<'_> {
    fn contradiction(&mut self, place: &str, kind: &str, document: String, ours: String) {
        let (place, kind) = (place.to_owned(), kind.to_owned());
        self.found.contradictions.push(Contradiction { place, kind, document, ours });
    }

    fn value(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str, depth: usize) {
        if depth > 40 || !self.types(theirs, ours, place) {
            return;
        }
        let request = self.role == Role::Request;
        self.values(theirs, ours, place);
        if request {
            self.numbers(theirs, ours, place);
            for (least, most, noun) in
                [("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")]
            {
                self.count(theirs, ours, place, (least, most, noun));
            }
            let known = ours.others();
            for (key, value) in theirs.others() {
                if !known.contains(&(key, value)) && !is_harmless(key, value) {
                    let said = known.iter().find(|(other, _)| *other == key);
                    let ours = said.map_or("nothing of the kind".to_owned(), |(_, value)| value.to_string());
                    self.contradiction(place, key, format!("{key} {value}"), ours);
                }
            }
        }
        self.fields(theirs, ours, place, depth);
        if let (Some(theirs), Some(ours)) = (theirs.items(), ours.items()) {
            self.value(&theirs, &ours, &format!("{place}[]"), depth + 1);
        }
    }

    /// Whether the types agree, so that it makes sense to go further.
    fn types(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str) -> bool {
        let (Some(document), Some(we)) = (theirs.types(), ours.types()) else { return true };
        let takes = |all: &std::collections::BTreeSet<&str>, name: &str| {
            all.contains(name) || (name == "integer" && all.contains("number"))
        };
        let narrower = we.iter().all(|name| takes(&document, name));
        // What comes back may be read more widely than it is described; what is sent may not. A
        // number that comes back may well be whole.
        let read =
            document.iter().all(|name| takes(&we, name) || (*name == "number" && we.contains("integer")));
        let agrees = if self.role == Role::Response { read } else { narrower };
        if agrees {
            return true;
        }
        let list =
            |all: &std::collections::BTreeSet<&str>| all.iter().copied().collect::<Vec<_>>().join(" or ");
        self.contradiction(place, "type", list(&document), list(&we));
        false
    }

    fn values(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str) {
        let Some(document) = theirs.values() else { return };
        let list = |all: &[&Value]| all.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(", ");
        match ours.values() {
            Some(we) => {
                let lacking: Vec<&Value> = we.iter().copied().filter(|v| !document.contains(v)).collect();
                let added: Vec<&Value> = document.iter().copied().filter(|v| !we.contains(v)).collect();
                if !lacking.is_empty() || !added.is_empty() {
                    let differs = [("lacks", &lacking), ("adds", &added)]
                        .into_iter()
                        .filter(|(_, values)| !values.is_empty())
                        .map(|(verb, values)| format!("{verb} {}", list(values)))
                        .collect::<Vec<_>>();
                    let said = format!("{} ({})", list(&document), differs.join("; "));
                    self.contradiction(place, "values", said, list(&we));
                }
            }
            // A list of values beside an open string: the document names the known ones.
            None if document.iter().all(|value| value.is_string()) => {
                self.found.notes.push(format!(
                    "{}the document lists {}; ours stays open",
                    colon(place),
                    list(&document)
                ));
            }
            None if self.role == Role::Request && !is_every_boolean(&document) => {
                self.contradiction(place, "values", list(&document), "no list".to_owned());
            }
            None => {}
        }
    }

    fn numbers(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str) {
        let integers = ours.types().is_some_and(|types| !types.contains("number"));
        if theirs.values().is_some() {
            return;
        }
        let Some(document) = theirs.spans(integers) else { return };
        let everything = vec![Span { low: f64::NEG_INFINITY, high: f64::INFINITY }];
        let we = ours.spans(integers).unwrap_or(everything);
        let inside = |one: &Span| document.iter().any(|other| other.low <= one.low && one.high <= other.high);
        if !we.iter().all(inside) {
            self.contradiction(place, "range", range(&document), range(&we));
        }
    }

    fn count(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str, keys: (&str, &str, &str)) {
        let (least, most, noun) = keys;
        // Of a closed list, each text has the length that it has.
        if let (Some(values), "characters") = (ours.values(), noun) {
            let (low, high) = (theirs.at_least(least), theirs.at_most(most));
            let fits = |text: &str| {
                let length = text.chars().count() as u64;
                length >= low && high.is_none_or(|high| length <= high)
            };
            if values.iter().all(|value| value.as_str().is_none_or(fits)) {
                return;
            }
        }
        let low = (theirs.at_least(least), ours.at_least(least));
        let high = (theirs.at_most(most), ours.at_most(most));
        let too_high = match high {
            (Some(document), Some(we)) => document < we,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if low.0 > low.1 || too_high {
            let said = |low: u64, high: Option<u64>| match high {
                Some(high) => format!("{low} to {high} {noun}"),
                None => format!("at least {low} {noun}"),
            };
            self.contradiction(place, "length", said(low.0, high.0), said(low.1, high.1));
        }
    }

    fn fields(&mut self, theirs: &Reading<'_>, ours: &Reading<'_>, place: &str, depth: usize) {
        let known = ours.fields();
        let described = theirs.fields();
        if described.is_empty() && known.is_empty() {
            return;
        }
        let required = theirs.required();
        let inner = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        if self.role == Role::Request {
            let we = ours.required();
            for name in required.iter().filter(|name| !we.contains(*name)) {
                if known.contains(name) {
                    self.contradiction(
                        &inner(name),
                        "required",
                        "required".into(),
                        "not always required".into(),
                    );
                }
            }
            if theirs.is_closed() && !ours.is_closed() {
                self.contradiction(place, "closed", "no other fields".into(), "other fields are kept".into());
            }
        }
        for name in described {
            let Some(theirs) = theirs.field(name) else { continue };
            match ours.field(name) {
                Some(ours) => self.value(&theirs, &ours, &inner(name), depth + 1),
                None if !known.is_empty() => self.found.additions.push(Addition {
                    place: inner(name),
                    name: name.to_owned(),
                    object: ours.object().map(|part| part.at.clone()),
                    schema: theirs.written().unwrap_or_else(|| Value::Object(Map::new())),
                }),
                None => {}
            }
        }
    }
}

fn colon(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("`{place}`: ") }
}

fn is_every_boolean(values: &[&Value]) -> bool {
    [true, false].into_iter().all(|value| values.contains(&&Value::Bool(value)))
}

/// Keywords that constrain nothing in this form.
fn is_harmless(key: &str, value: &Value) -> bool {
    match key {
        "uniqueItems" => *value == Value::Bool(false),
        "multipleOf" => value.as_f64() == Some(1.0),
        "minProperties" => value.as_u64() == Some(0),
        "patternProperties" => value.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

fn range(spans: &[Span]) -> String {
    let end = |number: f64| {
        if number.is_infinite() { "any".to_owned() } else { format!("{number}") }
    };
    let one = |span: &Span| {
        if span.low == span.high { end(span.low) } else { format!("{} to {}", end(span.low), end(span.high)) }
    };
    spans.iter().map(one).collect::<Vec<_>>().join(", or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(document: Value, ours: Value, role: Role) -> Vec<String> {
        let types = Map::new();
        let side = |schema| Side { schema, at: "", types: &types };
        let found = compare(side(&document), side(&ours), role);
        found.contradictions.into_iter().map(|one| format!("{}{}", colon(&one.place), one.kind)).collect()
    }

    #[test]
    fn what_contradicts_in_a_request_and_what_does_not() {
        let none: [&str; 0] = [];
        let text = || json!({"type": "string"});
        let int = |low: i64, high: i64| json!({"type": "integer", "minimum": low, "maximum": high});
        let list = |values: Value| json!({"type": "string", "enum": values});
        let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
        for (document, ours, expected) in [
            (text(), json!({"type": "boolean"}), vec!["type"]),
            (json!({"type": "number"}), json!({"type": "integer"}), vec![]),
            (json!({"type": "integer"}), json!({"type": "number"}), vec!["type"]),
            (json!({"type": "object"}), json!({"type": "array"}), vec!["type"]),
            (json!({}), json!({"type": "array"}), vec![]),
            (text(), json!({"type": "string", "enum": ["a"], "maxLength": 3}), vec![]),
            (list(json!(["a", "b"])), list(json!(["b", "a"])), vec![]),
            (list(json!(["a"])), list(json!(["a", "b"])), vec!["values"]),
            (list(json!(["a", "b", "c"])), list(json!(["a", "b"])), vec!["values"]),
            (list(json!(["a"])), text(), vec![]),
            (json!({"type": "integer", "enum": [5, 10]}), int(2, 12), vec!["values"]),
            (json!({"enum": [true, false]}), json!({"type": "boolean"}), vec![]),
            (json!({"enum": [false]}), json!({"type": "boolean"}), vec!["values"]),
            (int(0, 10), int(0, 9), vec![]),
            (int(0, 5), int(0, 9), vec!["range"]),
            (
                int(2, 12),
                json!({"type": "integer", "anyOf": [{"const": -1}, {"minimum": 4, "maximum": 12}]}),
                vec!["range"],
            ),
            (
                int(-1, 30),
                json!({"type": "integer", "anyOf": [{"const": -1}, {"minimum": 4, "maximum": 12}]}),
                vec![],
            ),
            (json!({"type": "integer", "exclusiveMinimum": -2}), int(-1, 9), vec![]),
            (json!({"type": "integer", "exclusiveMinimum": -1}), int(-1, 9), vec!["range"]),
            (
                json!({"type": "string", "maxLength": 32}),
                json!({"type": "string", "maxLength": 64}),
                vec!["length"],
            ),
            (json!({"type": "string", "maxLength": 64}), json!({"type": "string", "maxLength": 32}), vec![]),
            (json!({"type": "string", "pattern": "^a"}), text(), vec!["pattern"]),
            (
                object(json!({"a": {}}), json!(["a"])),
                object(json!({"a": {}}), json!([])),
                vec!["`a`: required"],
            ),
            (object(json!({"a": {}}), json!([])), object(json!({"a": {}}), json!(["a"])), vec![]),
            (object(json!({"a": {}, "b": {}}), json!(["b"])), object(json!({"a": {}}), json!([])), vec![]),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                json!({"type": "array", "items": {"type": "integer"}}),
                vec!["`[]`: type"],
            ),
        ] {
            let found = kinds(document.clone(), ours.clone(), Role::Request);
            assert_eq!(found, expected, "{document} beside {ours}");
        }
        assert_eq!(kinds(text(), text(), Role::Request), none);
    }

    #[test]
    fn answers_are_read_more_widely_than_they_are_described() {
        let none: [&str; 0] = [];
        let wide = json!({"type": ["integer", "string", "null"], "pattern": "^[0-9]+$"});
        assert_eq!(kinds(json!({"type": "integer"}), wide.clone(), Role::Response), none);
        assert_eq!(kinds(json!({"type": "number"}), wide.clone(), Role::Response), none);
        assert_eq!(kinds(json!({"type": "boolean"}), wide, Role::Response), ["type"]);
        let integer = json!({"type": "integer"});
        assert_eq!(kinds(json!({"type": ["integer", "string"]}), integer, Role::Response), ["type"]);
        let document = json!({"type": "object", "required": ["id", "usage"], "properties": {"id": {"type": "string"}, "usage": {"type": "object"}}});
        let ours = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "usage": {"type": ["object", "null"]}}});
        assert_eq!(kinds(document, ours, Role::Response), none);
    }

    #[test]
    fn what_the_document_describes_and_we_do_not() {
        let types = json!({"Task": {"type": "object", "properties": {"id": {"type": "string"}}}});
        let types = types.as_object().unwrap();
        let document = json!({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}, "eta": {"type": "integer"}}, "required": ["eta"]}});
        let ours = json!({"type": "array", "items": {"$ref": "#/$defs/Task"}});
        let empty = Map::new();
        let found = compare(
            Side { schema: &document, at: "/$defs/TaskList/properties/items", types: &empty },
            Side { schema: &ours, at: "/$defs/TaskList/properties/items", types },
            Role::Response,
        );
        let [addition] = found.additions.as_slice() else { panic!("{found:?}") };
        assert_eq!(addition.place, "[].eta");
        assert_eq!(addition.object.as_deref(), Some("/$defs/Task"));
        assert_eq!(addition.schema, json!({"type": "integer"}));
    }
}

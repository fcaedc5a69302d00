//! A field as a document describes it, in the form that the generator takes: named types for objects and lists of values,
//! both ends of a range, a description. What the types cannot hold becomes a sentence (`x-rule`) and any value.

use std::collections::BTreeSet;

use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::import::normal::reference;
use crate::codegen::definitions::{self, Role};

/// A field's schema and the types that it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lifted {
    pub(crate) schema: Value,
    pub(crate) types: Vec<(String, Value)>,
}

/// Makes fields ready to be generated.
pub(crate) struct Lift<'a> {
    /// The types of the document.
    pub(crate) types: &'a Map<String, Value>,
    pub(crate) role: Role,
    /// Names of types that are in use.
    pub(crate) taken: BTreeSet<String>,
    /// Who describes it, for fields without a word.
    pub(crate) document: &'a str,
}

/// Whether the generator takes the field as it stands.
pub(crate) fn is_ready(name: &str, schema: &Value, types: &Map<String, Value>, role: Role) -> bool {
    let mut all = types.clone();
    let role_name = role_name(role);
    all.insert(
        "Probe".to_owned(),
        json!({ "description": "d", "x-role": role_name, "type": "object", "properties": { name: schema }, "additionalProperties": {} }),
    );
    // Only what the field reaches must be ready.
    let mut reached = BTreeSet::from(["Probe".to_owned()]);
    let mut open = vec!["Probe".to_owned()];
    while let Some(name) = open.pop() {
        for next in all.get(&name).map(super::import::references).unwrap_or_default() {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    all.retain(|name, _| reached.contains(name));
    let one_end = |schema: &Value| schema.get("minimum").is_some() != schema.get("maximum").is_some();
    let checkable = role == Role::Response || (!one_end(schema) && schema.get("pattern").is_none());
    checkable && definitions::read(&json!({ "$defs": all })).is_ok()
}

impl Lift<'_> {
    /// The field, ready to be generated; `None` where it has a keyword that is none of JSON Schema's: a person decides.
    pub(crate) fn field(&mut self, owner: &str, name: &str, schema: &Value) -> Option<Lifted> {
        let mut types = Vec::new();
        let schema = self.value(owner, name, schema, 0, &mut types)?;
        Some(Lifted { schema, types })
    }

    fn value(
        &mut self,
        owner: &str,
        name: &str,
        schema: &Value,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        let members = self.resolved(schema, 0)?;
        let mut out = Map::new();
        out.insert("description".to_owned(), json!(self.described(name, &members)));
        for note in ["x-default", "x-private"] {
            if let Some(value) = members.get(note) {
                out.insert(note.to_owned(), value.clone());
            }
        }
        let (kinds, nullable) = kinds(&members);
        let null = nullable || self.role == Role::Response;
        let or_null = |name: &str| if null { json!([name, "null"]) } else { json!(name) };
        let listed = values(&members);
        let words: Option<Vec<&str>> =
            listed.as_ref().map(|values| values.iter().filter_map(Value::as_str).collect());
        let only_words = listed.as_ref().is_none_or(|all| {
            all.iter().all(|value| value.is_string() || value.is_null()) && all.iter().any(Value::is_string)
        });
        let mut rules = Vec::new();
        match kinds.as_slice() {
            ["string"] if words.is_some() && only_words => {
                let named = self.named(owner, name);
                let open = self.role == Role::Response || depth > 0;
                types.push((
                    named.clone(),
                    enumeration(&named, &members, &words.unwrap_or_default(), open, self.document),
                ));
                self.refer(&mut out, &named, null);
            }
            ["string"] if only_words => {
                out.insert("type".to_owned(), or_null("string"));
                for key in ["format", "minLength", "maxLength"] {
                    if let (Some(value), true) = (members.get(key), depth == 0 || key == "format") {
                        out.insert(key.to_owned(), value.clone());
                    }
                }
                rules.extend(members.get("pattern").map(|pattern| format!("matches {pattern}")));
            }
            ["boolean"] => {
                out.insert("type".to_owned(), or_null("boolean"));
            }
            ["integer"] => {
                out.insert("type".to_owned(), or_null("integer"));
                out.insert("format".to_owned(), json!("int64"));
                if let Some(values) = &listed {
                    rules.push(format!("one of {}", json!(values)));
                } else if let Some((low, high)) = bounds(&members)
                    && self.role == Role::Request
                    && depth == 0
                {
                    out.insert("minimum".to_owned(), json!(low));
                    out.insert("maximum".to_owned(), json!(high));
                }
                rules.extend(members.get("multipleOf").map(|step| format!("a multiple of {step}")));
            }
            ["array"] => {
                out.insert("type".to_owned(), or_null("array"));
                if let (Some(least), Role::Request, 0) = (members.get("minItems"), self.role, depth) {
                    out.insert("minItems".to_owned(), least.clone());
                }
                let items = members.get("items").cloned().unwrap_or_else(|| json!({}));
                out.insert("items".to_owned(), self.item(owner, name, &items, depth, types)?);
            }
            ["object"]
                if members
                    .get("properties")
                    .and_then(Value::as_object)
                    .is_some_and(|all| !all.is_empty()) =>
            {
                let named = self.named(owner, name);
                let object = self.object(&named, &members, depth, types)?;
                types.push((named.clone(), object));
                self.refer(&mut out, &named, null);
            }
            [] => {}
            several => rules.push(match several {
                ["number"] => "a number".to_owned(),
                ["object"] => "an object".to_owned(),
                ["string"] => "one of several values".to_owned(),
                several => several.join(" or "),
            }),
        }
        if !rules.is_empty() {
            out.insert("x-rule".to_owned(), json!(rules.join(", ")));
        }
        Some(Value::Object(out))
    }

    fn object(
        &mut self,
        named: &str,
        members: &Map<String, Value>,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        let mut properties = Map::new();
        for (name, schema) in members.get("properties").and_then(Value::as_object)? {
            properties.insert(name.clone(), self.value(named, name, schema, depth + 1, types)?);
        }
        let mut object = json!({
            "description": self.described(named, members), "x-role": role_name(self.role), "type": "object", "properties": properties,
        });
        let required: Vec<&Value> = members
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|name| name.as_str().is_some_and(|name| object["properties"].get(name).is_some()))
            .collect();
        // What comes back is not held to what the document requires: a missing field must not make a task unreadable.
        if self.role == Role::Request && !required.is_empty() {
            object["required"] = json!(required);
        }
        object["additionalProperties"] = json!({});
        Some(object)
    }

    /// The items of a list: a named type, a plain type, or anything.
    fn item(
        &mut self,
        owner: &str,
        name: &str,
        schema: &Value,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        let members = self.resolved(schema, 0)?;
        let (kinds, _) = kinds(&members);
        let one = name.strip_suffix('s').filter(|one| one.len() > 2).unwrap_or(name);
        Some(match kinds.as_slice() {
            ["object"]
                if members
                    .get("properties")
                    .and_then(Value::as_object)
                    .is_some_and(|all| !all.is_empty()) =>
            {
                let named = self.named(owner, one);
                let object = self.object(&named, &members, depth + 1, types)?;
                types.push((named.clone(), object));
                json!({ "$ref": format!("#/$defs/{named}") })
            }
            ["string"] => json!({ "type": "string" }),
            ["integer"] => json!({ "type": "integer" }),
            ["boolean"] => json!({ "type": "boolean" }),
            _ => json!({}),
        })
    }

    fn refer(&self, out: &mut Map<String, Value>, named: &str, null: bool) {
        let target = json!(format!("#/$defs/{named}"));
        match null {
            true => out.insert("anyOf".to_owned(), json!([{ "$ref": target }, { "type": "null" }])),
            false => out.insert("$ref".to_owned(), target),
        };
    }

    /// The schema's own members, with those of what it refers to and of an `allOf`.
    fn resolved(&self, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        let mut members = match schema {
            Value::Object(members) => members.clone(),
            Value::Bool(true) => Map::new(),
            _ => return None,
        };
        let known = |key: &String| key.starts_with("x-") || super::lint::is_keyword(key);
        if depth > 40 || !members.keys().all(known) {
            return None;
        }
        if let Some(name) = reference(&Value::Object(members.clone())) {
            members.shift_remove("$ref");
            for (key, value) in self.resolved(self.types.get(&name)?, depth + 1)? {
                members.entry(key).or_insert(value);
            }
        }
        if let Some(Value::Array(parts)) = members.shift_remove("allOf") {
            for part in &parts {
                for (key, value) in self.resolved(part, depth + 1)? {
                    members.entry(key).or_insert(value);
                }
            }
        }
        for key in ["anyOf", "oneOf"] {
            let Some(Value::Array(branches)) = members.get(key).cloned() else { continue };
            let null = |branch: &&Value| {
                branch.get("type") == Some(&json!("null")) || branch.get("const") == Some(&Value::Null)
            };
            let rest: Vec<&Value> = branches.iter().filter(|branch| !null(branch)).collect();
            let nullable = rest.len() < branches.len();
            let words: Option<Vec<&Value>> = rest.iter().map(|branch| branch.get("const")).collect();
            members.shift_remove(key);
            if let Some(words) = words.filter(|words| !words.is_empty()) {
                members.insert("enum".to_owned(), json!(words));
            } else if let [one] = rest.as_slice() {
                for (key, value) in self.resolved(one, depth + 1)? {
                    members.entry(key).or_insert(value);
                }
            } else {
                let types: BTreeSet<String> = rest
                    .iter()
                    .filter_map(|branch| self.resolved(branch, depth + 1))
                    .flat_map(|branch| kinds(&branch).0.into_iter().map(str::to_owned).collect::<Vec<_>>())
                    .collect();
                members.insert("type".to_owned(), json!(types));
            }
            if nullable && let Some(kind) = members.get("type").cloned() {
                let mut names = kind.as_array().cloned().unwrap_or_else(|| vec![kind]);
                names.push(json!("null"));
                members.insert("type".to_owned(), json!(names));
            }
        }
        Some(members)
    }

    /// The description in one line; without one, who describes the field.
    fn described(&self, name: &str, members: &Map<String, Value>) -> String {
        let words = members.get("description").or_else(|| members.get("title")).and_then(Value::as_str);
        match words.map(one_line).filter(|words| !words.is_empty()) {
            Some(words) => words,
            None => format!("`{name}` of {}, which does not describe it.", self.document),
        }
    }

    /// A name for the type of a field that no other type has.
    fn named(&mut self, owner: &str, field: &str) -> String {
        let plain = |text: &str| {
            let camel = text.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_upper_camel_case();
            if camel.starts_with(|c: char| c.is_ascii_uppercase()) { camel } else { format!("Type{camel}") }
        };
        let short = plain(field);
        let long = format!("{owner}{short}");
        let numbered = (2..).map(|number| format!("{long}{number}"));
        let name = [short, long.clone()]
            .into_iter()
            .chain(numbered)
            .find(|name| !self.taken.contains(name) && syn::parse_str::<syn::Ident>(name).is_ok())
            .unwrap_or(long);
        self.taken.insert(name.clone());
        name
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Request => "request",
        Role::Response => "response",
    }
}

/// Words of a document in one line, without characters that turn the direction of text or move a cursor.
pub(crate) fn one_line(text: &str) -> String {
    let plain = |c: char| {
        !c.is_control()
            && !('\u{200b}'..='\u{200f}').contains(&c)
            && !('\u{202a}'..='\u{202e}').contains(&c)
            && !('\u{2066}'..='\u{2069}').contains(&c)
            && c != '\u{feff}'
    };
    text.split_whitespace()
        .map(|word| word.chars().filter(|c| plain(*c)).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn values(members: &Map<String, Value>) -> Option<Vec<Value>> {
    match (members.get("const"), members.get("enum").and_then(Value::as_array)) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(values)) => Some(values.clone()),
        (None, None) => None,
    }
}

/// The JSON types, and whether null is one of them.
fn kinds(members: &Map<String, Value>) -> (Vec<&'static str>, bool) {
    const NAMES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let of = |name: &str| NAMES.into_iter().find(|known| *known == name);
    let from_value = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    let names: BTreeSet<&str> = match members.get("type") {
        Some(Value::String(name)) => BTreeSet::from([name.as_str()]),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => match values(members) {
            Some(values) => values.iter().map(from_value).collect(),
            None if members.contains_key("properties") => BTreeSet::from(["object"]),
            None if members.contains_key("items") => BTreeSet::from(["array"]),
            None => BTreeSet::new(),
        },
    };
    let nullable = names.contains("null")
        || members
            .get("enum")
            .is_some_and(|all| all.as_array().is_some_and(|all| all.contains(&Value::Null)));
    (names.into_iter().filter_map(of).collect(), nullable)
}

/// Both ends of an integer's range, whole and included; `None` where neither end is said.
fn bounds(members: &Map<String, Value>) -> Option<(i64, i64)> {
    let number = |key: &str| members.get(key).and_then(Value::as_f64);
    let inside = |value: f64| value.clamp(i64::MIN as f64, i64::MAX as f64) as i64;
    let low = number("minimum")
        .map(|low| inside(low.ceil()))
        .or_else(|| number("exclusiveMinimum").map(|low| inside(low.floor()).saturating_add(1)));
    let high = number("maximum")
        .map(|high| inside(high.floor()))
        .or_else(|| number("exclusiveMaximum").map(|high| inside(high.ceil()).saturating_sub(1)));
    match (low, high) {
        (None, None) => None,
        (low, high) => Some((low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX))),
    }
}

fn enumeration(
    named: &str,
    members: &Map<String, Value>,
    words: &[&str],
    open: bool,
    document: &str,
) -> Value {
    let described: Map<String, Value> = match members.get("x-enum") {
        Some(Value::Object(own)) => own.clone(),
        _ => Map::new(),
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut listed = Map::new();
    for word in words {
        if listed.contains_key(*word) {
            continue;
        }
        let camel = word.to_upper_camel_case();
        let fits = |name: &str| syn::parse_str::<syn::Ident>(name).is_ok() && name != "Other";
        let spelled: String = word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { 'x' }).collect();
        let base = if fits(&camel) && camel.is_ascii() { camel.clone() } else { format!("V{spelled}") };
        let mut name = base.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        let mut about = Map::new();
        if name != camel {
            about.insert("name".to_owned(), json!(name));
        }
        about.insert(
            "description".to_owned(),
            json!(format!("`{}`, as {document} lists it.", one_line(word))),
        );
        let about = described.get(*word).cloned().unwrap_or(Value::Object(about));
        listed.insert((*word).to_owned(), about);
    }
    let description =
        members.get("description").and_then(Value::as_str).map(one_line).filter(|d| !d.is_empty());
    let mut out = json!({
        "description": description.unwrap_or_else(|| format!("`{named}`, as {document} lists it.")), "type": "string",
    });
    if !open {
        out["enum"] = listed.keys().cloned().map(Value::from).collect();
    }
    out["x-enum"] = Value::Object(listed);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(schema: Value, role: Role) -> Lifted {
        let types = json!({"Style": {"type": "string", "enum": ["calm"]}});
        let mut lift = Lift {
            types: types.as_object().unwrap(),
            role,
            taken: BTreeSet::from(["Mode".to_owned()]),
            document: "a document",
        };
        lift.field("CreateTaskRequest", "mode", &schema).unwrap()
    }

    #[test]
    fn whatever_a_document_describes_can_be_generated() {
        for schema in [
            json!({}),
            json!({"type": "string"}),
            json!({"type": "string", "pattern": "^a", "maxLength": 3}),
            json!({"type": "string", "enum": ["calm", "Calm", "CALM", "3d", "3D", "+1", "-1", "", "日落", "a b", "a-b", "a_b", "other", "self"]}),
            json!({"enum": [1, "two", null, true]}),
            json!({"type": "integer", "enum": [1, 2]}),
            json!({"type": "integer", "minimum": 0}),
            json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 18446744073709551615_u64}),
            json!({"type": "number", "minimum": 0.5}),
            json!({"type": "boolean", "x-default": true}),
            json!({"type": ["string", "null"]}),
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}, "b": {"type": "string", "enum": ["x"]}}, "required": ["a", "gone"]}),
            json!({"type": "array"}),
            json!({"type": "array", "items": {"type": "string", "enum": ["x"]}}),
            json!({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
            json!({"type": "array", "items": {"type": "object", "properties": {"a": {}}}}),
            json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            json!({"anyOf": [{"const": "a"}, {"const": "b"}, {"type": "null"}]}),
            json!({"allOf": [{"type": "integer"}, {"minimum": -1}, {"maximum": 9}]}),
            json!({"$ref": "#/$defs/Style"}),
        ] {
            for role in [Role::Request, Role::Response] {
                let made = lifted(schema.clone(), role);
                let types: Map<String, Value> = made.types.iter().cloned().collect();
                assert_eq!(types.len(), made.types.len(), "two types of one name: {made:?}");
                assert!(is_ready("mode", &made.schema, &types, role), "{schema}: {made:#?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_its_owner_in_front() {
        let made = lifted(json!({"type": "string", "enum": ["calm"]}), Role::Request);
        assert_eq!(made.schema["$ref"], "#/$defs/CreateTaskRequestMode");
        assert_eq!(made.types[0].1["enum"], json!(["calm"]));
        let made = lifted(json!({"type": "string", "enum": ["calm"]}), Role::Response);
        assert!(made.types[0].1.get("enum").is_none(), "what comes back stays open");
        assert_eq!(made.schema["anyOf"][1], json!({"type": "null"}));
    }

    #[test]
    fn an_unknown_keyword_is_left_to_a_person() {
        let types = Map::new();
        let mut lift = Lift { types: &types, role: Role::Request, taken: BTreeSet::new(), document: "d" };
        assert!(lift.field("X", "hue", &json!({"type": "integer", "minimun": 0})).is_none());
    }

    #[test]
    fn descriptions_are_one_line_without_tricks() {
        assert_eq!(one_line("a\r\n  b\u{202e}c\u{0}\u{200b}"), "a bc");
    }
}

//! A field as a document describes it, in the form that the generator takes: named types for
//! objects and lists of values, both ends of a range, a description. What the types cannot hold
//! becomes a sentence (`x-rule`) and any value.

use std::collections::BTreeSet;

use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::import::normal::reached;
use super::reading::Reading;
use super::text::one_line;
use crate::codegen::definitions::{self, Role};

/// A field's schema and the types that it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NormalizedField {
    pub(crate) schema: Value,
    pub(crate) types: Vec<(String, Value)>,
}

/// Makes fields ready to be generated.
pub(crate) struct FieldNormalizer<'a> {
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
    let reached = reached(["Probe".to_owned()], &all);
    all.retain(|name, _| reached.contains(name));
    let one_end = |schema: &Value| schema.get("minimum").is_some() != schema.get("maximum").is_some();
    let checkable = role == Role::Response || (!one_end(schema) && schema.get("pattern").is_none());
    checkable && definitions::read(&json!({ "$defs": all })).is_ok()
}

impl FieldNormalizer<'_> {
    /// The field, ready to be generated; `None` where it has a keyword that is none of JSON
    /// Schema's: a person decides.
    pub(crate) fn field(&mut self, owner: &str, name: &str, schema: &Value) -> Option<NormalizedField> {
        let mut types = Vec::new();
        let read = Reading::of(schema, "", self.types);
        let schema = self.value(owner, name, &read, 0, &mut types)?;
        Some(NormalizedField { schema, types })
    }

    fn value(
        &mut self,
        owner: &str,
        name: &str,
        read: &Reading<'_>,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        if !read.keywords().all(|key| key.starts_with("x-") || super::keywords::is_keyword(key)) {
            return None;
        }
        let mut out = Map::new();
        out.insert("description".to_owned(), json!(self.described(name, read)));
        for note in ["x-default", "x-private"] {
            out.extend(read.note(note).map(|value| (note.to_owned(), value.clone())));
        }
        let null = self.role == Role::Response || read.takes_null();
        let or_null = |name: &str| if null { json!([name, "null"]) } else { json!(name) };
        let checked = self.role == Role::Request && depth == 0;
        let listed = read.values();
        let values: Option<Vec<&str>> =
            listed.as_ref().and_then(|all| all.iter().map(|value| value.as_str()).collect());
        let mut rules = Vec::new();
        match (kinds(read).as_slice(), &values, &listed) {
            (["string"], Some(values), _) if !values.is_empty() => {
                let named = self.named(owner, name);
                let open = self.role == Role::Response || depth > 0;
                types.push((named.clone(), enumeration(&named, read, values, open, self.document)));
                self.refer(&mut out, &named, null);
            }
            (["string"], _, None) => {
                out.insert("type".to_owned(), or_null("string"));
                for key in ["format", "minLength", "maxLength"].iter().take(if depth == 0 { 3 } else { 1 }) {
                    out.extend(read.note(key).map(|value| ((*key).to_owned(), value.clone())));
                }
                rules.extend(read.note("pattern").map(|pattern| format!("matches {pattern}")));
            }
            (["boolean"], ..) => {
                out.insert("type".to_owned(), or_null("boolean"));
            }
            (["integer"], ..) => {
                out.insert("type".to_owned(), or_null("integer"));
                out.insert("format".to_owned(), json!("int64"));
                if let Some(values) = &listed {
                    rules.push(format!("one of {}", json!(values)));
                } else if let Some(spans) = read.spans(true).filter(|spans| checked && !spans.is_empty()) {
                    let low = spans.iter().map(|span| span.low).fold(f64::INFINITY, f64::min);
                    let high = spans.iter().map(|span| span.high).fold(f64::NEG_INFINITY, f64::max);
                    out.insert("minimum".to_owned(), json!(low as i64));
                    out.insert("maximum".to_owned(), json!(high as i64));
                }
                rules.extend(read.note("multipleOf").map(|step| format!("a multiple of {step}")));
            }
            (["array"], ..) => {
                out.insert("type".to_owned(), or_null("array"));
                if let Some(least) = read.note("minItems").filter(|_| checked) {
                    out.insert("minItems".to_owned(), least.clone());
                }
                let items = match read.items() {
                    Some(items) => self.item(owner, name, &items, depth, types)?,
                    None => json!({}),
                };
                out.insert("items".to_owned(), items);
            }
            (["object"], ..) if !read.fields().is_empty() => {
                let named = self.named(owner, name);
                let object = self.object(&named, read, depth, types)?;
                types.push((named.clone(), object));
                self.refer(&mut out, &named, null);
            }
            ([], ..) => {}
            (["number"], ..) => rules.push("a number".to_owned()),
            (["object"], ..) => rules.push("an object".to_owned()),
            (["string"], ..) => rules.push("one of several values".to_owned()),
            (several, ..) => rules.push(several.join(" or ")),
        }
        if !rules.is_empty() {
            out.insert("x-rule".to_owned(), json!(rules.join(", ")));
        }
        Some(Value::Object(out))
    }

    fn object(
        &mut self,
        named: &str,
        read: &Reading<'_>,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        let mut properties = Map::new();
        for name in read.fields() {
            properties
                .insert(name.to_owned(), self.value(named, name, &read.field(name)?, depth + 1, types)?);
        }
        let mut object = json!({
            "description": self.described(named, read), "x-role": role_name(self.role), "type": "object", "properties": properties,
        });
        // What comes back is not held to what the document requires: a missing field must not make
        // a task unreadable.
        let required = read.required();
        let required: Vec<&str> = read.fields().into_iter().filter(|name| required.contains(name)).collect();
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
        read: &Reading<'_>,
        depth: usize,
        types: &mut Vec<(String, Value)>,
    ) -> Option<Value> {
        let one = name.strip_suffix('s').filter(|one| one.len() > 2).unwrap_or(name);
        Some(match kinds(read).as_slice() {
            ["object"] if !read.fields().is_empty() => {
                let named = self.named(owner, one);
                let object = self.object(&named, read, depth + 1, types)?;
                types.push((named.clone(), object));
                json!({ "$ref": format!("#/$defs/{named}") })
            }
            [plain @ ("string" | "integer" | "boolean")] => json!({ "type": plain }),
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

    /// The description in one line; without one, who describes the field.
    fn described(&self, name: &str, read: &Reading<'_>) -> String {
        let text = read.note("description").or_else(|| read.note("title")).and_then(Value::as_str);
        match text.map(one_line).filter(|text| !text.is_empty()) {
            Some(text) => text,
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

/// The JSON types; of a schema without one, what its other keywords say.
fn kinds(read: &Reading<'_>) -> Vec<&'static str> {
    match read.types() {
        Some(types) => types.into_iter().collect(),
        None if !read.fields().is_empty() => vec!["object"],
        None if read.items().is_some() => vec!["array"],
        None => Vec::new(),
    }
}

fn enumeration(named: &str, read: &Reading<'_>, values: &[&str], open: bool, document: &str) -> Value {
    let described = read.note("x-enum");
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut listed = Map::new();
    for word in values {
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
        let about = described.and_then(|all| all.get(word)).cloned().unwrap_or(Value::Object(about));
        listed.insert((*word).to_owned(), about);
    }
    let description =
        read.note("description").and_then(Value::as_str).map(one_line).filter(|d| !d.is_empty());
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

    fn normalized(schema: Value, role: Role) -> NormalizedField {
        let types = json!({"Style": {"type": "string", "enum": ["calm"]}});
        let mut normalizer = FieldNormalizer {
            types: types.as_object().unwrap(),
            role,
            taken: BTreeSet::from(["Mode".to_owned()]),
            document: "a document",
        };
        normalizer.field("CreateTaskRequest", "mode", &schema).unwrap()
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
                let made = normalized(schema.clone(), role);
                let types: Map<String, Value> = made.types.iter().cloned().collect();
                assert_eq!(types.len(), made.types.len(), "two types of one name: {made:?}");
                assert!(is_ready("mode", &made.schema, &types, role), "{schema}: {made:#?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_its_owner_in_front() {
        let made = normalized(json!({"type": "string", "enum": ["calm"]}), Role::Request);
        assert_eq!(made.schema["$ref"], "#/$defs/CreateTaskRequestMode");
        assert_eq!(made.types[0].1["enum"], json!(["calm"]));
        let made = normalized(json!({"type": "string", "enum": ["calm"]}), Role::Response);
        assert!(made.types[0].1.get("enum").is_none(), "what comes back stays open");
        assert_eq!(made.schema["anyOf"][1], json!({"type": "null"}));
    }

    #[test]
    fn an_unknown_keyword_is_left_to_a_person() {
        let types = Map::new();
        let mut normalizer =
            FieldNormalizer { types: &types, role: Role::Request, taken: BTreeSet::new(), document: "d" };
        assert!(normalizer.field("X", "hue", &json!({"type": "integer", "minimun": 0})).is_none());
    }

    #[test]
    fn descriptions_are_one_line_without_tricks() {
        assert_eq!(one_line("a\r\n  b\u{202e}c\u{0}\u{200b}"), "a bc");
    }
}

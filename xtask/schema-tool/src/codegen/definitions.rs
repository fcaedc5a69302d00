//! Reads the resolved schema into the few shapes that the generator knows, and refuses every other.
//!
//! A keyword that is not listed here stops the run: a constraint that nobody looked at would
//! otherwise be lost in silence. Constraints themselves (bounds, combinations) are not types; they
//! stay in the schema.

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::{Map, Value};

/// An entry of `$defs`.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) shape: Shape,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Struct(Struct),
    Enum(Vec<EnumValue>, Closed),
    Union {
        tag: String,
        branches: Vec<String>,
    },
    /// Another name for a definition.
    Alias(String),
}

/// Whether the service takes only the listed values. Decoding keeps any text in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Yes,
    No,
}

#[derive(Debug, Clone)]
pub(crate) struct Struct {
    pub(crate) role: Role,
    /// Name and value of the constant field that distinguishes a union's branches.
    pub(crate) tag: Option<(String, String)>,
    pub(crate) fields: Vec<Field>,
}

/// Who writes it: our user, or the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Request,
    Response,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) required: bool,
    /// `null` is as good as nothing.
    pub(crate) nullable: bool,
    pub(crate) ty: Type,
    pub(crate) private: Option<Private>,
}

/// What `Debug` must not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Private {
    Prompt,
    Url,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Bool,
    Int,
    Any,
    /// A struct, a union, or an enum; `open` for an enum of which any text may come back.
    Named {
        name: String,
        open: bool,
    },
    List(Box<Type>),
}

#[derive(Debug, Clone)]
pub(crate) struct EnumValue {
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// The form of a list of values, for those who have it otherwise.
const X_ENUM: &str = "\"x-enum\": {\"VALUE\": {\"description\": \"…\"}}";
/// The form of a field whose type has a name.
const MOVED: &str = "write {\"description\": \"…\", \"$ref\": \"#/$defs/NAME\"} here, and { \"op\": \"add\", \"path\": \"/$defs/NAME\", \"value\": {…} }";

/// Reads `$defs`, in the order of the document.
pub(crate) fn read(document: &Value) -> Result<Vec<Definition>> {
    only(document, "the document", &["$schema", "$comment", "title", "$ref", "$defs", "x-api"])?;
    let defs = document
        .get("$defs")
        .and_then(Value::as_object)
        .ok_or_else(|| anyhow!("the document has no $defs"))?;
    let mut definitions =
        defs.iter().map(|(name, schema)| definition(name, schema)).collect::<Result<Vec<_>>>()?;
    for definition in &definitions {
        for name in definition.references() {
            ensure!(
                defs.contains_key(&name),
                "{} refers to `{name}`, which is not in $defs; write {{ \"op\": \"add\", \"path\": \"/$defs/{name}\", \"value\": {{…}} }}",
                definition.name
            );
        }
    }
    // Described and checked like the others, and no type: one reader in `protocol` makes an
    // `ApiError` of all of them.
    definitions.retain(|definition| defs[&definition.name]["x-role"] != "error");
    Ok(definitions)
}

impl Definition {
    fn references(&self) -> Vec<String> {
        fn named(ty: &Type) -> Option<String> {
            match ty {
                Type::Named { name, .. } => Some(name.clone()),
                Type::List(item) => named(item),
                _ => None,
            }
        }
        match &self.shape {
            Shape::Struct(s) => s.fields.iter().filter_map(|field| named(&field.ty)).collect(),
            Shape::Union { branches, .. } => branches.clone(),
            Shape::Alias(target) => vec![target.clone()],
            Shape::Enum(..) => Vec::new(),
        }
    }

    /// The struct's parts, for a definition that is one.
    pub(crate) fn as_struct(&self) -> Option<&Struct> {
        match &self.shape {
            Shape::Struct(s) => Some(s),
            _ => None,
        }
    }
}

fn definition(name: &str, schema: &Value) -> Result<Definition> {
    ensure!(
        syn::parse_str::<syn::Ident>(name).is_ok() && name.starts_with(|c: char| c.is_ascii_uppercase()),
        "$defs/{name}: a type needs a Rust name that starts with a capital"
    );
    let description = text(schema, "description")
        .ok_or_else(|| anyhow!("$defs/{name} has no description; write \"description\": \"…\""))?;
    let shape = if schema.get("oneOf").is_some() {
        only(schema, name, &["description", "type", "required", "discriminator", "oneOf", "x-role"])?;
        let tag = schema
            .pointer("/discriminator/propertyName")
            .and_then(Value::as_str)
            .ok_or_else(|| anyhow!("{name}: a union names its tag in `discriminator`; write \"discriminator\": {{\"propertyName\": \"type\"}}"))?;
        let branches = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let branches = branches
            .iter()
            .map(|branch| {
                reference(branch).ok_or_else(|| {
                    anyhow!("{name}.oneOf: move the inline branch to $defs, to give it a name")
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Shape::Union { tag: tag.to_owned(), branches }
    } else if schema.get("$ref").is_some() {
        only(schema, name, &["description", "$ref"])?;
        Shape::Alias(reference(schema).ok_or_else(|| anyhow!("$defs/{name}: refer to an entry of $defs"))?)
    } else {
        match text(schema, "type").as_deref() {
            Some("object") => Shape::Struct(structure(name, schema)?),
            Some("string") => string_enum(name, schema)?,
            other => bail!(
                "$defs/{name}: a named type is an object, a string with `x-enum`, or a union; this is {other:?}. Write \"type\": \"object\" \
                 with \"properties\", or \"type\": \"string\" with {X_ENUM}"
            ),
        }
    };
    Ok(Definition { name: name.to_owned(), description, shape })
}

fn structure(name: &str, schema: &Value) -> Result<Struct> {
    only(schema, name, &["description", "type", "properties", "required", "additionalProperties", "x-role"])?;
    ensure!(
        schema.get("additionalProperties") == Some(&Value::Object(Map::new())),
        "$defs/{name}: write \"additionalProperties\": {{}}, so that unknown fields are kept"
    );
    let role = match text(schema, "x-role").as_deref() {
        Some("request") => Role::Request,
        Some("response" | "error") => Role::Response,
        other => bail!(
            "$defs/{name}: `x-role` is request, response or error, not {other:?}; write \"x-role\": \"request\" for what we send, \"response\" for what comes back, \"error\" for a refusal"
        ),
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .ok_or_else(|| anyhow!("$defs/{name}: an object lists its properties; write \"properties\": {{\"NAME\": {{\"description\": \"…\", \"type\": \"string\"}}}}"))?;
    if let Some(missing) = required.iter().find(|required| !properties.contains_key(**required)) {
        bail!("$defs/{name}: `{missing}` is required and not described");
    }
    let mut tag = None;
    let mut fields = Vec::new();
    for (property, schema) in properties {
        let place = format!("{name}.{property}");
        if let Some(value) = schema.get("const") {
            only(schema, &place, &["description", "type", "const"])?;
            let value = value.as_str().ok_or_else(|| anyhow!("{place}: a tag is a text"))?;
            ensure!(
                tag.replace((property.clone(), value.to_owned())).is_none(),
                "{place}: a second constant"
            );
            continue;
        }
        let both = ["integer", "string"].iter().all(|name| accepts(schema, name));
        ensure!(role == Role::Response || !both, "{place}: an integer of a request is a number");
        fields.push(field(&place, property, schema, required.contains(&property.as_str()))?);
    }
    Ok(Struct { role, tag, fields })
}

/// Whether `type` lists `name`.
fn accepts(schema: &Value, name: &str) -> bool {
    schema["type"].as_array().is_some_and(|names| names.iter().any(|one| one == name))
}

fn field(place: &str, name: &str, schema: &Value, required: bool) -> Result<Field> {
    for inline in ["properties", "oneOf", "enum"] {
        ensure!(
            schema.get(inline).is_none(),
            "{place}: move the inline type to $defs, to give it a name: {MOVED}"
        );
    }
    only(
        schema,
        place,
        &[
            "description",
            "type",
            "format",
            "items",
            "$ref",
            "anyOf",
            "allOf",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "minItems",
            "pattern",
            "x-default",
            "x-private",
            "x-open-form-of",
            "x-url-forms",
            "x-rule",
        ],
    )?;
    let description = text(schema, "description").ok_or_else(|| anyhow!("{place} has no description; write \"description\": \"…\": meaning, unit, range, default, which models"))?;
    let private = match text(schema, "x-private").as_deref() {
        None => None,
        Some("prompt") => Some(Private::Prompt),
        Some("url") => Some(Private::Url),
        Some(other) => {
            bail!("{place}: `x-private` is prompt or url, not {other}; write \"x-private\": \"prompt\"")
        }
    };
    let mut docs = vec![description];
    if let Some(default) = schema.get("x-default") {
        let default = default.as_str().map_or_else(|| format!("`{default}`"), str::to_owned);
        docs.push(format!("When absent, the service takes {default}. Nothing is sent in its place."));
    }
    let nullable = nullable_reference(schema).is_some()
        || schema
            .get("type")
            .and_then(Value::as_array)
            .is_some_and(|names| names.contains(&Value::from("null")));
    Ok(Field { name: name.to_owned(), docs, required, nullable, ty: type_of(place, schema)?, private })
}

fn type_of(place: &str, schema: &Value) -> Result<Type> {
    if let Some(name) = text(schema, "x-open-form-of") {
        return Ok(Type::Named { name, open: true });
    }
    if let Some(name) = reference(schema).or_else(|| nullable_reference(schema)) {
        return Ok(Type::Named { name, open: false });
    }
    let names: Vec<&str> = match schema.get("type") {
        None => return Ok(Type::Any),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
        }
        Some(other) => bail!("{place}: `type` is {other}"),
    };
    match names.as_slice() {
        ["string"] => Ok(Type::Text),
        ["boolean"] => Ok(Type::Bool),
        ["integer"] | ["integer", "string"] | ["string", "integer"] => Ok(Type::Int),
        ["array"] => {
            let items =
                schema.get("items").ok_or_else(|| anyhow!("{place}: a list says what its `items` are; write \"items\": {{\"type\": \"string\"}} or \"items\": {{\"$ref\": \"#/$defs/NAME\"}}"))?;
            only(items, place, &["$ref", "type"])?;
            Ok(Type::List(Box::new(type_of(&format!("{place}[]"), items)?)))
        }
        ["object"] => bail!("{place}: move the inline type to $defs, to give it a name: {MOVED}"),
        other => bail!(
            "{place}: codegen has no type for {other:?}; it has string, boolean, integer and array, a `$ref`, and, without `type`, any value"
        ),
    }
}

fn string_enum(name: &str, schema: &Value) -> Result<Shape> {
    only(schema, name, &["description", "type", "enum", "x-enum"])?;
    let named = schema.get("x-enum").and_then(Value::as_object).ok_or_else(|| {
        anyhow!("$defs/{name}: a string type lists its values, with a description each; write {X_ENUM}")
    })?;
    let closed = match schema.get("enum").and_then(Value::as_array) {
        None => Closed::No,
        Some(values) => {
            let same = values.len() == named.len()
                && values.iter().all(|v| v.as_str().is_some_and(|v| named.contains_key(v)));
            ensure!(
                same,
                "$defs/{name}: `enum` and `x-enum` list different values; write \"enum\": [\"VALUE\"] beside {X_ENUM}"
            );
            Closed::Yes
        }
    };
    let mut values: Vec<EnumValue> = Vec::new();
    for (value, about) in named {
        only(about, name, &["name", "description"])?;
        let rust = text(about, "name").unwrap_or_else(|| heck::AsUpperCamelCase(value).to_string());
        ensure!(
            syn::parse_str::<syn::Ident>(&rust).is_ok() && rust != "Other",
            "$defs/{name}: `{value}` needs a `name` in `x-enum`, as `{rust}` cannot be one; write {value:?}: {{\"name\": \"RustName\", \"description\": \"…\"}}"
        );
        ensure!(
            values.iter().all(|other| other.name != rust),
            "$defs/{name}: two values are both called `{rust}`; give one of them a `name`: {value:?}: {{\"name\": \"RustName\", \"description\": \"…\"}}"
        );
        let description = text(about, "description").ok_or_else(|| {
            anyhow!("$defs/{name}: `{value}` has no description; write {value:?}: {{\"description\": \"…\"}}")
        })?;
        values.push(EnumValue { value: value.clone(), name: rust, description });
    }
    Ok(Shape::Enum(values, closed))
}

fn text(schema: &Value, key: &str) -> Option<String> {
    schema.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn reference(schema: &Value) -> Option<String> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
}

/// `anyOf: [{$ref}, {type: null}]`, the way to say "or null" of a named type.
fn nullable_reference(schema: &Value) -> Option<String> {
    match schema.get("anyOf")?.as_array()?.as_slice() {
        [one, null] if null.get("type") == Some(&Value::from("null")) => reference(one),
        _ => None,
    }
}

fn only(schema: &Value, place: &str, known: &[&str]) -> Result<()> {
    let object = schema.as_object().ok_or_else(|| anyhow!("{place}: a schema is an object, not {schema}"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => {
            bail!("{place}: codegen does not know the keyword `{key}` here; it knows {}", known.join(", "))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(schema: Value) -> Result<Definition> {
        read(&json!({ "$defs": { "Thing": schema } })).map(|mut all| all.remove(0))
    }

    fn field_fails(schema: Value) -> String {
        let thing = json!({"description": "d", "x-role": "request", "type": "object", "properties": {"a": schema}, "additionalProperties": {}});
        one(thing).unwrap_err().to_string()
    }

    #[test]
    fn what_codegen_would_lose_it_refuses_with_the_form_to_write() {
        for (schema, start, form) in [
            (
                json!({"description": "d", "type": "string", "contentEncoding": "base64"}),
                "Thing.a: codegen does not know the keyword `contentEncoding` here; it knows description, type",
                "x-private",
            ),
            (
                json!({"description": "d", "type": "object"}),
                "Thing.a: move the inline type to $defs, to give it a name: write",
                "\"$ref\": \"#/$defs/NAME\"",
            ),
            (
                json!({"description": "d", "type": "string", "enum": ["a"]}),
                "Thing.a: move the inline type to $defs",
                "\"path\": \"/$defs/NAME\"",
            ),
            (json!({"type": "string"}), "Thing.a has no description", "\"description\": \"…\""),
            (
                json!({"description": "d", "$ref": "#/$defs/Gone"}),
                "Thing refers to `Gone`, which is not in $defs",
                "\"path\": \"/$defs/Gone\"",
            ),
            (
                json!({"description": "d", "type": ["string", "boolean"]}),
                "Thing.a: codegen has no type for [\"string\", \"boolean\"]",
                "any value",
            ),
            (
                json!({"description": "d", "type": "array"}),
                "Thing.a: a list says",
                "\"items\": {\"type\": \"string\"}",
            ),
        ] {
            let message = field_fails(schema);
            assert!(message.starts_with(start) && message.contains(form), "{message}");
        }
        let of = |schema: Value| one(schema).map(|_| ()).unwrap_err().to_string();
        for (schema, form) in [
            (json!({"description": "d", "type": "string"}), X_ENUM),
            (json!({"description": "d", "type": "string", "x-enum": ["a", "b"]}), X_ENUM),
            (json!({"description": "d", "type": "string", "enum": ["a"]}), X_ENUM),
            (
                json!({"description": "d", "type": "object", "properties": {}, "additionalProperties": {}}),
                "\"x-role\": \"request\"",
            ),
            (json!({"description": "d", "type": "object", "properties": {}}), "\"additionalProperties\": {}"),
            (json!({"description": "d", "type": "integer"}), "\"type\": \"object\""),
            (json!({"type": "object"}), "\"description\": \"…\""),
        ] {
            let message = of(schema.clone());
            assert!(message.contains(form), "{schema}: {message}");
        }
    }

    #[test]
    fn enums_name_every_value() {
        let of = |schema: Value| one(schema).map(|d| d.shape);
        let error =
            of(json!({"description": "d", "type": "string", "x-enum": {"16:9": {"description": "wide"}}}))
                .unwrap_err()
                .to_string();
        assert!(error.contains("`16:9` needs a `name`"), "{error}");
        let error = of(json!({"description": "d", "type": "string", "enum": ["a"], "x-enum": {"b": {"description": "d"}}})).unwrap_err().to_string();
        assert!(error.contains("list different values"), "{error}");
        let error = of(json!({"description": "d", "type": "string", "x-enum": {"a-b": {"description": "d"}, "a_b": {"description": "d"}}})).unwrap_err().to_string();
        assert!(error.contains("both called `AB`"), "{error}");
        let Ok(Shape::Enum(values, closed)) =
            of(json!({"description": "d", "type": "string", "x-enum": {"web_search": {"description": "d"}}}))
        else {
            panic!("an open enum")
        };
        assert_eq!((values[0].name.as_str(), closed), ("WebSearch", Closed::No));
    }
}

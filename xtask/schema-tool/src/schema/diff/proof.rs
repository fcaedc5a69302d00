//! Whether one schema takes everything that another does, by the canonical algebra of the
//! jsonschema crate. `Yes` is a proof; whatever the algebra cannot decide comes back as a reason,
//! never as `Yes`.

use jsonschema::canonical::Containment;
use serde_json::{Map, Value, json};

/// Members of a schema that constrain nothing.
const NOTES: [&str; 8] =
    ["description", "title", "$comment", "discriminator", "examples", "deprecated", "default", "$schema"];

/// What the algebra says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// Not decided, and why.
    Unknown(String),
}

/// Whether `wide` takes everything that `narrow` takes.
pub(super) fn covers(wide: &Value, narrow: &Value) -> Answer {
    if wide == narrow {
        return Answer::Yes;
    }
    let (wide, narrow) = without_shared_rules(wide, narrow);
    if wide == narrow {
        return Answer::Yes;
    }
    let canonical = |schema: &Value| jsonschema::canonicalize(schema).map_err(|error| error.to_string());
    let answer = canonical(&wide).and_then(|wide| {
        let narrow = canonical(&narrow)?;
        wide.covers(&narrow).map_err(|error| error.to_string())
    });
    match answer {
        Ok(Containment::Yes) => Answer::Yes,
        Ok(Containment::No) => Answer::No,
        Ok(_) => Answer::Unknown("the algebra does not decide it".to_owned()),
        Err(reason) => Answer::Unknown(reason),
    }
}

/// Both without the `allOf` that they share: if A takes all of B, A with a rule takes all of B with
/// the same rule.
fn without_shared_rules(wide: &Value, narrow: &Value) -> (Value, Value) {
    let (mut wide, mut narrow) = (wide.clone(), narrow.clone());
    if let (Value::Object(a), Value::Object(b)) = (&mut wide, &mut narrow) {
        if a.contains_key("allOf") && a.get("allOf") == b.get("allOf") {
            a.shift_remove("allOf");
            b.shift_remove("allOf");
        }
        for part in ["properties", "items"] {
            match (a.get_mut(part), b.get_mut(part)) {
                (Some(Value::Object(mine)), Some(Value::Object(theirs))) if part == "properties" => {
                    for (name, schema) in mine.iter_mut() {
                        if let Some(other) = theirs.get_mut(name) {
                            (*schema, *other) = without_shared_rules(schema, other);
                        }
                    }
                }
                (Some(mine), Some(theirs)) if part == "items" => {
                    (*mine, *theirs) = without_shared_rules(mine, theirs);
                }
                _ => {}
            }
        }
    }
    (wide, narrow)
}

/// The schema with every `$ref` replaced by its target and without notes. A `$ref` with keywords
/// beside it becomes an `allOf` of both. With `closed`, objects take no other members than those
/// they list: a request with a member that the service no longer describes must not count as taken.
pub(super) fn inlined(schema: &Value, definitions: &Map<String, Value>, closed: bool) -> Value {
    inline(schema, definitions, closed, 0)
}

/// The schema inlined, without `format` (nobody asserts it) and with its lists in one order.
pub(super) fn plain(schema: &Value, definitions: &Map<String, Value>) -> Value {
    let mut plain = inlined(schema, definitions, false);
    crate::schema::import::walk(&mut plain, &mut |members| {
        members.shift_remove("format");
        for key in ["required", "enum", "type"] {
            if let Some(Value::Array(list)) = members.get_mut(key) {
                list.sort_by_key(Value::to_string);
                list.dedup();
            }
        }
        if members.get("required") == Some(&json!([])) {
            members.shift_remove("required");
        }
        members.sort_keys();
    });
    plain
}

fn inline(schema: &Value, definitions: &Map<String, Value>, closed: bool, depth: usize) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut rest = Map::new();
    for (name, member) in members {
        if name == "$ref" || name.starts_with("x-") || NOTES.contains(&name.as_str()) {
            continue;
        }
        let inner = |schema: &Value| inline(schema, definitions, closed, depth);
        let member = match (name.as_str(), member) {
            ("properties" | "patternProperties", Value::Object(named)) => {
                Value::Object(named.iter().map(|(name, schema)| (name.clone(), inner(schema))).collect())
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter().map(inner).collect()
            }
            ("items" | "contains" | "not" | "if" | "then" | "else", member) => inner(member),
            ("additionalProperties", Value::Object(any)) if any.is_empty() => {
                if closed && members.contains_key("properties") {
                    json!(false)
                } else {
                    continue;
                }
            }
            (_, member) => member.clone(),
        };
        rest.insert(name.clone(), member);
    }
    if closed && members.contains_key("properties") {
        rest.entry("additionalProperties").or_insert(json!(false));
    }
    let target =
        members.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
    match target.and_then(|name| definitions.get(name)) {
        // A document that refers to itself was refused on the way in; the limit is for files given
        // by hand.
        Some(target) if depth < 40 => {
            let target = inline(target, definitions, closed, depth + 1);
            if rest.is_empty() { target } else { json!({ "allOf": [target, rest] }) }
        }
        Some(_) => json!({ "$ref": "#/too-deep" }),
        None => Value::Object(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wide: Value, narrow: Value) -> Answer {
        let definitions = Map::new();
        covers(&inlined(&wide, &definitions, true), &inlined(&narrow, &definitions, true))
    }

    #[test]
    fn what_is_proved_and_what_is_not() {
        assert_eq!(of(json!({"type": "integer"}), json!({"type": "integer", "minimum": 1})), Answer::Yes);
        assert_eq!(of(json!({"type": "integer", "minimum": 1}), json!({"type": "integer"})), Answer::No);
        assert_eq!(of(json!({"enum": ["a", "b"]}), json!({"enum": ["a"]})), Answer::Yes);
        let object = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": {}});
        assert_eq!(
            of(object(json!({"a": {"type": "string"}, "b": {}})), object(json!({"a": {"type": "string"}}))),
            Answer::Yes
        );
        assert_ne!(
            of(object(json!({})), object(json!({"a": {"type": "string"}}))),
            Answer::Yes,
            "a field that is gone"
        );
        let rule = json!([{"if": {"contains": {"const": 1}}, "then": {"maxItems": 1}}]);
        let list = |most: u32| json!({"type": "array", "maxItems": most, "allOf": rule});
        assert_eq!(of(list(5), list(4)), Answer::Yes, "a rule that both have does not hide the rest");
        assert_ne!(
            of(list(5), json!({"type": "array", "maxItems": 4})),
            Answer::Yes,
            "a rule that only one has does"
        );
    }

    #[test]
    fn references_are_followed_and_their_neighbours_kept() {
        let definitions = json!({"A": {"type": "string", "description": "d"}});
        let definitions = definitions.as_object().unwrap();
        assert_eq!(
            inlined(&json!({"$ref": "#/$defs/A", "maxLength": 3}), definitions, false),
            json!({"allOf": [{"type": "string"}, {"maxLength": 3}]})
        );
        assert_eq!(
            inlined(&json!({"$ref": "#/$defs/A", "description": "e"}), definitions, false),
            json!({"type": "string"})
        );
        let circle = json!({"A": {"items": {"$ref": "#/$defs/A"}}});
        inlined(&json!({"$ref": "#/$defs/A"}), circle.as_object().unwrap(), false);
    }
}

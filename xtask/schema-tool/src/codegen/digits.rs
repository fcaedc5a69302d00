//! Integers of responses may be sent as strings of digits: the vendor's own OpenAPI document of the
//! get operation types both token counts and the duration as strings, and one of its samples does
//! so with times. So every integer of a response takes both in the resolved schema, whatever a
//! document says of it. What a request may hold stays as it is described.

use serde_json::{Map, Value, json};

/// As many digits as 64 bits need.
const PATTERN: &str = "^-?[0-9]{1,19}$";

/// Lets digit strings in beside the numbers of every object that the service writes.
pub(crate) fn admit(document: &mut Value) {
    let Some(definitions) = document.get_mut("$defs").and_then(Value::as_object_mut) else { return };
    for definition in definitions.values_mut().filter(|definition| definition["x-role"] == "response") {
        let properties = definition.get_mut("properties").and_then(Value::as_object_mut);
        for schema in properties.into_iter().flatten().filter_map(|(_, schema)| schema.as_object_mut()) {
            or_digits(schema);
        }
    }
}

fn or_digits(schema: &mut Map<String, Value>) {
    let digits = match schema.get_mut("type") {
        Some(name) if name == "integer" => {
            *name = json!(["integer", "string"]);
            true
        }
        Some(Value::Array(names))
            if names.contains(&json!("integer")) && !names.contains(&json!("string")) =>
        {
            let at = names.iter().position(|name| name == "integer").unwrap_or(0);
            names.insert(at + 1, json!("string"));
            true
        }
        _ => false,
    };
    if digits && let Some(at) = schema.keys().position(|name| name == "type") {
        schema.shift_insert(at + 1, "pattern".to_owned(), json!(PATTERN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_integers_of_responses_take_digits() {
        let both = json!({ "type": ["integer", "string", "null"], "pattern": PATTERN, "format": "int64" });
        for (before, after) in [
            (json!({ "type": ["integer", "null"], "format": "int64" }), both.clone()),
            (json!({ "type": "integer" }), json!({ "type": ["integer", "string"], "pattern": PATTERN })),
            (both.clone(), both.clone()),
            (json!({ "type": ["string", "null"] }), json!({ "type": ["string", "null"] })),
            (json!({ "$ref": "#/$defs/A" }), json!({ "$ref": "#/$defs/A" })),
        ] {
            let mut document = json!({ "$defs": {
                "Asked": { "x-role": "request", "properties": { "a": before } },
                "Answered": { "x-role": "response", "properties": { "a": before } },
            } });
            admit(&mut document);
            assert_eq!(document["$defs"]["Answered"]["properties"]["a"].to_string(), after.to_string());
            assert_eq!(document["$defs"]["Asked"]["properties"]["a"], before);
        }
    }
}

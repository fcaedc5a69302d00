//! The last touch on a resolved schema: one order of types and fields whichever document came in,
//! and no type of a document that nothing refers to. Changes no meaning.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::import::normal::reached;
use crate::schema::import::{REQUEST, RESPONSE};

/// The order of an object type's own keywords.
const KEYWORDS: [&str; 6] =
    ["type", "properties", "required", "description", "x-role", "additionalProperties"];

/// Arranges the document. `described` are the types that the create's document names, `said` those
/// that overlays say, in order.
pub(crate) fn arrange(document: &mut Value, described: &[String], said: &[String]) {
    let Some(types) = document.get_mut("$defs").and_then(Value::as_object_mut) else { return };
    drop_unused(types, described, said);
    for schema in types.values_mut() {
        fields(schema);
    }
    if let Some(Value::Object(request)) = types.get_mut(REQUEST) {
        in_order(request, KEYWORDS.iter().copied());
    }
    let fixed = [REQUEST, RESPONSE];
    let documents = described.iter().filter(|name| !said.contains(name));
    let order: Vec<String> = fixed
        .iter()
        .map(|name| (*name).to_owned())
        .chain(documents.cloned())
        .chain(said.iter().cloned())
        .collect();
    in_order(types, order.iter().map(String::as_str));
}

/// A type of the document that our own types have replaced everywhere.
fn drop_unused(types: &mut Map<String, Value>, described: &[String], said: &[String]) {
    let theirs: BTreeSet<&String> = described.iter().filter(|name| !said.contains(name)).collect();
    let used = reached(types.keys().filter(|name| !theirs.contains(name)).cloned(), types);
    types.retain(|name, _| used.contains(name));
}

/// `x-order` lists the fields whose place is fixed; the others follow.
fn fields(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    let Some(Value::Array(order)) = members.shift_remove("x-order") else { return };
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        in_order(properties, order.iter().filter_map(Value::as_str));
    }
}

/// Puts the named members first, in this order.
fn in_order<'a>(members: &mut Map<String, Value>, order: impl Iterator<Item = &'a str>) {
    let mut arranged = Map::new();
    for name in order {
        if let Some(value) = members.shift_remove(name) {
            arranged.insert(name.to_owned(), value);
        }
    }
    arranged.append(members);
    *members = arranged;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_and_unused_types() {
        let mut document = json!({"$defs": {
            "Task": {"type": "object"}, "Gone": {}, "Kept": {},
            "CreateTaskRequest": {"description": "d", "x-order": ["a", "b"], "properties": {"c": {"$ref": "#/$defs/Kept"}, "b": {}, "a": {}}, "type": "object"},
            "Tool": {},
        }});
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        arrange(&mut document, &names(&["Gone", "Kept"]), &names(&["Tool", "Task"]));
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&document["$defs"]), ["CreateTaskRequest", "Kept", "Tool", "Task"]);
        let request = &document["$defs"]["CreateTaskRequest"];
        assert_eq!(keys(request), ["type", "properties", "description"]);
        assert_eq!(keys(&request["properties"]), ["a", "b", "c"]);
    }
}

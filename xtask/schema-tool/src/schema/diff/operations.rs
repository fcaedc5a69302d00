//! Changes of the operations (`x-api`): what can be asked at all, and with which parameters.

use serde_json::{Map, Value};

use super::{Change, Class, Kind};

pub(super) fn changes(old: Option<&Value>, new: Option<&Value>) -> Vec<Change> {
    let nothing = Value::Null;
    let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
    if old == new {
        return Vec::new();
    }
    let mut changes = listed("operation", "operations", "id", old, new, "/x-api");
    for operation in items(new, "operations") {
        let id = text(operation, "id");
        if let Some(former) = items(old, "operations").iter().find(|other| text(other, "id") == id) {
            let place = format!("/x-api/operations/{id}");
            changes.extend(listed(
                &format!("parameter of `{id}`"),
                "query",
                "name",
                former,
                operation,
                &place,
            ));
        }
    }
    for part in ["servers", "security"] {
        if old.get(part) != new.get(part) {
            let class = if part == "security" { Class::Unproved } else { Class::DocsOnly };
            changes.push(change(format!("/x-api/{part}"), Kind::Changed, format!("`{part}` changed"), class));
        }
    }
    changes
}

fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or("")
}

/// What came, went or changed in a list whose entries have a name.
fn listed(noun: &str, member: &str, key: &str, old: &Value, new: &Value, place: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let (before, after) = (items(old, member), items(new, member));
    for entry in after {
        let name = text(entry, key);
        let at = format!("{place}/{member}/{name}");
        match before.iter().find(|other| text(other, key) == name) {
            None => {
                let class = if entry.get("required") == Some(&Value::Bool(true)) {
                    Class::Breaking
                } else {
                    Class::Compatible
                };
                changes.push(change(at, Kind::Added, format!("new {noun} `{name}`"), class));
            }
            Some(former) => {
                let without = |entry: &Value, notes: &[&str]| -> Map<String, Value> {
                    let members = entry.as_object().cloned().unwrap_or_default();
                    members.into_iter().filter(|(name, _)| !notes.contains(&name.as_str())).collect()
                };
                if without(former, &["description", "query"]) != without(entry, &["description", "query"]) {
                    changes.push(change(
                        at,
                        Kind::Changed,
                        format!("{noun} `{name}` changed"),
                        Class::Unproved,
                    ));
                } else if former.get("description") != entry.get("description") {
                    changes.push(change(
                        at,
                        Kind::Changed,
                        format!("{noun} `{name}` is described otherwise"),
                        Class::DocsOnly,
                    ));
                }
            }
        }
    }
    for entry in before.iter().filter(|entry| !after.iter().any(|other| text(other, key) == text(entry, key)))
    {
        let name = text(entry, key);
        changes.push(change(
            format!("{place}/{member}/{name}"),
            Kind::Removed,
            format!("{noun} `{name}` is gone"),
            Class::Breaking,
        ));
    }
    changes
}

/// Operations have no generated Rust: the methods of the client are written by hand.
fn change(pointer: String, kind: Kind, what: String, class: Class) -> Change {
    let remark = (class == Class::Unproved).then(|| "operations are compared as text".to_owned());
    Change {
        pointer,
        kind,
        what,
        details: Vec::new(),
        request: Some(class),
        response: None,
        rust: Class::DocsOnly,
        remark,
    }
}

//! What makes two requests the same intent: canonical JSON and its SHA-256. Formatting, the order of members and members
//! that are null change nothing; a byte of an input file does.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{After, InputFile};

/// The hash of a request with its files and what it takes from another job. Where a file is does not count, what is in
/// it does; whether a person has to approve the other job first does not change the film and does not count either.
pub(super) fn of_request(request: &Value, inputs: &[InputFile], after: Option<&After>) -> String {
    let mut request = request.clone();
    for input in inputs {
        let item = request.get_mut("content").and_then(|content| content.get_mut(input.content));
        if let Some(url) = item.and_then(url_of) {
            *url = Value::String(format!("sha256:{}", input.sha256));
        }
    }
    let after = after.map(|after| json!({ "job": after.job, "link": after.link }));
    of_value(&json!({ "version": 1, "request": request, "after": after }))
}

/// SHA-256 of the canonical form, in hexadecimal.
pub(super) fn of_value(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hex(Sha256::digest(text.as_bytes()).as_slice())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where an item of `content` has its address.
pub(super) fn url_of(item: &mut Value) -> Option<&mut Value> {
    let kind = item.get("type").and_then(Value::as_str)?.to_owned();
    item.get_mut(kind)?.get_mut("url")
}

/// Members sorted by name and without nulls, no spaces, whole numbers without a fraction (after RFC 8785).
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Number(number) => match number.as_f64() {
            // Up to here a double holds every whole number.
            Some(whole) if !number.is_i64() && whole.fract() == 0.0 && whole.abs() < 9e15 => {
                text.push_str(&format!("{}", whole as i64));
            }
            _ => text.push_str(&number.to_string()),
        },
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Link;

    #[test]
    fn writing_it_differently_changes_nothing() {
        let text = |value: &Value| {
            let mut text = String::new();
            canonical(value, &mut text);
            text
        };
        let value = json!({ "b": [1, 2.0, 2.5, true, null], "a": { "x": null, "\u{20ac}\"": "é\n" } });
        assert_eq!(text(&value), "{\"a\":{\"€\\\"\":\"é\\n\"},\"b\":[1,2,2.5,true,null]}");
        let one: Value = serde_json::from_str(r#"{"model":"m","duration":5,"seed":null}"#).unwrap();
        let two: Value = serde_json::from_str("{ \"duration\" : 5.0,\n \"model\" : \"\\u006d\" }").unwrap();
        assert_eq!(of_request(&one, &[], None), of_request(&two, &[], None));
    }

    #[test]
    fn files_count_by_their_bytes_and_links_by_what_they_take() {
        let request =
            |path: &str| json!({ "content": [{ "type": "image_url", "image_url": { "url": path } }] });
        let input = |path: &str, sha256: &str| InputFile {
            content: 0,
            path: path.into(),
            bytes: 1,
            sha256: sha256.to_owned(),
        };
        let hash = |path: &str, sha: &str| of_request(&request(path), &[input(path, sha)], None);
        assert_eq!(hash("a.png", "00"), hash("b/a.png", "00"));
        assert_ne!(hash("a.png", "00"), hash("a.png", "01"));
        let after = |link, approve| After { job: "a".into(), link, approve };
        let linked = |after: &After| of_request(&request("u"), &[], Some(after));
        assert_eq!(linked(&after(Link::Extend, false)), linked(&after(Link::Extend, true)));
        assert_ne!(linked(&after(Link::Extend, false)), linked(&after(Link::LastFrame, false)));
        assert_ne!(linked(&after(Link::Extend, false)), of_request(&request("u"), &[], None));
    }

    proptest! {
        #[test]
        fn the_order_of_members_never_counts(members in proptest::collection::btree_map("[a-z\\PC]{0,4}", any::<i64>(), 0..8)) {
            let forwards: serde_json::Map<String, Value> = members.iter().map(|(k, v)| (k.clone(), (*v).into())).collect();
            let backwards: serde_json::Map<String, Value> = members.iter().rev().map(|(k, v)| (k.clone(), (*v).into())).collect();
            prop_assert_eq!(of_value(&Value::Object(forwards)), of_value(&Value::Object(backwards)));
        }
    }
}

//! What a value of the wrong type was meant to be, so that the rest of a request can be checked
//! beside it. Nothing that is made here is ever sent.

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::json_shape::{Kind, Shape};
use crate::CreateTaskRequest;

/// What stands in place of an item that cannot be read.
const UNREADABLE: &str = "unreadable";

/// What has to be done to a body before it can be read.
#[derive(Default)]
pub(super) struct Repairs {
    /// Values that are clear, by their places.
    written: Vec<(String, Value)>,
    /// Places of which nothing is known: items of `content`, and fields.
    lost: Vec<String>,
}

impl Repairs {
    pub(super) fn write(&mut self, pointer: String, value: Value) {
        self.written.push((pointer, value));
    }

    /// Nothing can be said of the item, or of the field, that this place is in.
    pub(super) fn lose(&mut self, pointer: &str) {
        let mut parts = pointer.split('/').skip(1);
        let at = match (parts.next().unwrap_or_default(), parts.next()) {
            ("content", Some(index)) => format!("/content/{index}"),
            (field, _) => format!("/{field}"),
        };
        if !self.lost.contains(&at) {
            self.lost.push(at);
        }
    }

    /// Whether an item, or all of them, cannot be read: then the rules on several items have
    /// nothing to go by.
    pub(super) fn lost_content(&self) -> bool {
        self.lost.iter().any(|at| at.starts_with("/content"))
    }

    /// Whether a finding at this place says something of what was written, and not of what was put
    /// there.
    pub(super) fn keeps(&self, pointer: &str) -> bool {
        let within = |at: &String| {
            pointer.strip_prefix(at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !pointer.is_empty() && !self.lost.iter().any(within)
    }

    /// The request that can be read of it.
    pub(super) fn readable(&self, body: &Value) -> Option<CreateTaskRequest> {
        let mut body = body.as_object()?.clone();
        for at in &self.lost {
            match at.strip_prefix("/content/") {
                None => drop(body.remove(&at[1..])),
                Some(index) => {
                    let item = body.get_mut("content")?.get_mut(index.parse::<usize>().ok()?)?;
                    *item = json!({ "type": UNREADABLE });
                }
            }
        }
        body.entry("model").or_insert_with(|| "".into());
        body.entry("content").or_insert_with(|| json!([]));
        let mut body = Value::Object(body);
        for (at, value) in self.written.iter().filter(|(at, _)| self.keeps(at)) {
            let (parent, name) = at.rsplit_once('/')?;
            match body.pointer_mut(parent)? {
                Value::Object(object) => drop(object.insert(name.to_owned(), value.clone())),
                other => *other.get_mut(name.parse::<usize>().ok()?)? = value.clone(),
            }
        }
        CreateTaskRequest::deserialize(&body).ok()
    }
}

/// What a value stands for, where that is clear, and how it is written.
pub(super) fn meant(value: &Value, kind: &Kind) -> Option<(Value, String)> {
    match (kind, value) {
        (Kind::Integer, Value::String(text)) => {
            let number = text.trim().parse::<i64>().ok()?;
            Some((number.into(), format!("Write {number}, without quotes.")))
        }
        (Kind::Flag, Value::String(text)) => {
            let flag = text.trim().to_ascii_lowercase().parse::<bool>().ok()?;
            Some((flag.into(), format!("Write {flag}, without quotes.")))
        }
        (Kind::Object(shape), Value::String(text)) => {
            let [field] = shape.members.iter().filter(|member| member.required).collect::<Vec<_>>()[..]
            else {
                return None;
            };
            let text = text.as_str();
            Some((json!({ field.name: text }), format!("Write `{{\"{}\": …}}` there.", field.name)))
        }
        (Kind::List(Kind::Union(..)), Value::String(text)) => {
            let advice = "Write it as a list: `[{\"type\": \"text\", \"text\": …}]`.".to_owned();
            Some((json!([{ "type": "text", "text": text }]), advice))
        }
        _ => None,
    }
}

/// The kind of an item that does not say it, by the one payload that it has.
pub(super) fn tag_of(
    item: &Map<String, Value>,
    branches: &'static [(&'static str, &'static Shape)],
) -> Option<&'static str> {
    let mut there = branches.iter().map(|(tag, _)| *tag).filter(|tag| item.contains_key(*tag));
    there.next().filter(|_| there.next().is_none())
}

//! How resellers change the vendor's answers: prefixes, words of states, names and places of members, wrappers. Data, in
//! `dialects.json` and in files of the user's; laid over finished answers, so that the state machine stays the vendor's.

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{faults::Place, service::Reply};

const BUILTIN: &str = include_str!("dialects.json");

/// A reseller's way of answering. Requests stay the vendor's, and so do paths below the prefix: a client that speaks a reseller's
/// own paths is not served.
///
/// ```
/// use ark_video_simulator::{Dialect, Options};
///
/// let names: Vec<&str> = Dialect::all().iter().map(Dialect::name).collect();
/// assert!(names.contains(&"new-api"));
/// let options = Options::default().dialect(Dialect::named("seedance-prefix")?.clone());
/// assert_eq!(options.prefix, "/seedance/api/v3");
/// # Ok::<(), ark_video_simulator::DialectError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    name: String,
    about: String,
    source: String,
    /// The day on which the source was read.
    read: String,
    prefix: Option<String>,
    /// Operations that there are not.
    #[serde(default)]
    without: Vec<Operation>,
    /// Words for states, by the vendor's.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// From where to where members move, in tasks and in the answer to a create (JSON pointers).
    #[serde(default, rename = "move")]
    moves: Vec<(String, String)>,
    /// What is put around good answers.
    #[serde(default)]
    wrap: BTreeMap<Operation, Wrapper>,
    /// Whether errors come without the object around them.
    #[serde(default)]
    flat_errors: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Create,
    Get,
    List,
    Delete,
    Models,
}

impl Operation {
    fn of(place: Place) -> Option<Self> {
        Some(match place {
            Place::Create => Self::Create,
            Place::Get => Self::Get,
            Place::List => Self::List,
            Place::Delete => Self::Delete,
            Place::Models => Self::Models,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapper {
    beside: Map<String, Value>,
    under: String,
}

impl Dialect {
    /// Those that come with this crate, each as a page of a reseller describes it.
    #[must_use]
    pub fn all() -> &'static [Self] {
        // A test reads them; a file that cannot be read is a fault of this crate, and leaves none.
        static ALL: LazyLock<Vec<Dialect>> =
            LazyLock::new(|| serde_json::from_str(BUILTIN).unwrap_or_default());
        &ALL
    }

    /// One that comes with this crate.
    ///
    /// # Errors
    /// There is none of that name; the error names those there are.
    pub fn named(name: &str) -> Result<&'static Self, DialectError> {
        Self::all().iter().find(|dialect| dialect.name == name).ok_or_else(|| DialectError::Name {
            name: name.to_owned(),
            known: Self::all().iter().map(Self::name).collect(),
        })
    }

    /// Reads one, in the form of an entry of `dialects.json`.
    ///
    /// # Errors
    /// The text is no JSON, or a member is missing or unknown.
    pub fn from_json(text: &str) -> Result<Self, DialectError> {
        serde_json::from_str(text).map_err(|error| DialectError::Form(error.to_string()))
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does, as half a sentence.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Where it is described, and the day on which that was read.
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        (&self.source, &self.read)
    }

    /// Where the reseller mounts the API, if that is not where the vendor does.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    pub(crate) fn lacks(&self, place: Place) -> bool {
        Operation::of(place).is_some_and(|operation| self.without.contains(&operation))
    }

    /// Turns a reply of the vendor's into one of the reseller's. What is no JSON (gateways' pages, broken answers) stays.
    pub(crate) fn speak(&self, place: Place, reply: &mut Reply) {
        match reply {
            Reply::Answer(answer) => self.answer(place, answer),
            Reply::Disturbed(disturbed) => {
                if let Some(reply) = disturbed.reply.as_deref_mut() {
                    self.speak(place, reply);
                }
            }
            Reply::Render(_) => {}
        }
    }

    /// A task as callbacks tell it.
    pub(crate) fn callback(&self, body: Bytes) -> Bytes {
        let Ok(mut task) = serde_json::from_slice(&body) else { return body };
        self.task(&mut task);
        Bytes::from(task.to_string())
    }

    fn answer(&self, place: Place, answer: &mut Response<Bytes>) {
        let (Some(operation), Ok(mut value)) =
            (Operation::of(place), serde_json::from_slice::<Value>(answer.body()))
        else {
            return;
        };
        if !answer.status().is_success() {
            match value.get_mut("error").map(Value::take) {
                Some(error @ Value::Object(_)) if self.flat_errors => value = error,
                _ => return,
            }
        } else {
            match operation {
                Operation::Create | Operation::Get => self.task(&mut value),
                Operation::List => {
                    let items = value.get_mut("items").and_then(Value::as_array_mut);
                    items.into_iter().flatten().for_each(|task| self.task(task));
                }
                Operation::Delete | Operation::Models => {}
            }
            if let Some(Wrapper { beside, under }) = self.wrap.get(&operation) {
                let mut outer = beside.clone();
                outer.insert(under.clone(), value);
                value = Value::Object(outer);
            }
        }
        *answer.body_mut() = Bytes::from(value.to_string());
    }

    fn task(&self, task: &mut Value) {
        if let Some(Value::String(status)) = task.get_mut("status")
            && let Some(word) = self.words.get(status)
        {
            status.clone_from(word);
        }
        for (from, to) in &self.moves {
            if let Some(value) = taken(task, from) {
                put(task, to, value);
            }
        }
    }
}

/// Takes a member out, and the object that it was in if nothing else was in there.
fn taken(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let object = value.pointer_mut(parent)?.as_object_mut()?;
    let taken = object.remove(name)?;
    if object.is_empty() && !parent.is_empty() {
        let _emptied = self::taken(value, parent);
    }
    Some(taken)
}

/// Puts a member in, and makes what is missing on the way: a list where `0` follows.
fn put(value: &mut Value, pointer: &str, new: Value) {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let new = parts.iter().skip(1).rev().fold(new, |inner, part| match *part {
        "0" => Value::Array(vec![inner]),
        name => Value::Object(Map::from_iter([(name.to_owned(), inner)])),
    });
    let (Some(first), Some(object)) = (parts.first(), value.as_object_mut()) else { return };
    match (object.get_mut(*first), new) {
        (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
        (_, new) => {
            object.insert((*first).to_owned(), new);
        }
    }
}

/// A dialect that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// There is none of that name.
    #[error("the simulator has no dialect `{name}`; it has: {}", .known.join(", "))]
    Name {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// It is not described as it must be.
    #[error("the dialect cannot be read: {0}")]
    Form(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_builtin_dialect_has_a_source_and_speaks_of_states_that_there_are() {
        let all: Vec<Dialect> = serde_json::from_str(BUILTIN).unwrap();
        assert_eq!(Dialect::all(), all);
        for dialect in all {
            assert!(dialect.source.starts_with("https://") && dialect.read.len() == 10, "{}", dialect.name);
            assert!(dialect.prefix.as_ref().is_none_or(|prefix| prefix.starts_with('/')), "{}", dialect.name);
            for word in dialect.words.keys() {
                assert!(ark_video_model::TaskStatus::from(word.as_str()).is_known(), "{word}");
            }
            for (from, to) in &dialect.moves {
                assert!(from.starts_with('/') && to.starts_with('/'), "{from} {to}");
            }
        }
    }

    #[test]
    fn members_move_and_leave_nothing_empty_behind() {
        let moved = |pairs: &[(&str, &str)], mut value: Value| {
            for (from, to) in pairs {
                if let Some(taken) = taken(&mut value, from) {
                    put(&mut value, to, taken);
                }
            }
            value
        };
        let task = json!({ "id": "a", "content": { "video_url": "u" }, "seed": 7, "duration": 5 });
        assert_eq!(
            moved(&[("/id", "/n"), ("/content/video_url", "/data/result/0"), ("/none", "/x")], task.clone()),
            json!({ "n": "a", "data": { "result": ["u"] }, "seed": 7, "duration": 5 })
        );
        assert_eq!(
            moved(&[("/seed", "/meta/seed"), ("/duration", "/meta/duration")], task),
            json!({ "id": "a", "content": { "video_url": "u" }, "meta": { "seed": 7, "duration": 5 } })
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let said = |error: DialectError| error.to_string();
        assert!(
            said(Dialect::named("klingon").unwrap_err()).contains("it has: seedance-prefix, volc-prefix")
        );
        assert!(said(Dialect::from_json("{}").unwrap_err()).contains("missing field `name`"));
        let text = r#"{"name":"a","about":"b","source":"c","read":"d","wraps":{}}"#;
        assert!(said(Dialect::from_json(text).unwrap_err()).contains("unknown field `wraps`"));
    }
}

//! How resellers change the vendor's responses: prefix, task states, field names and paths,
//! wrappers. The data is in `dialects.json` or in a file of the user's. It is applied to finished
//! responses, so the state machine knows only the vendor's form.

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{faults::FaultPoint, service::reply::Reply};

const BUILTIN: &str = include_str!("dialects.json");

/// The response format of a reseller. Requests and the paths below the prefix stay the vendor's: a
/// client that uses a reseller's own paths is not served.
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
    /// The date on which the source was read.
    read: String,
    prefix: Option<String>,
    /// Operations that the reseller does not have.
    #[serde(default)]
    without: Vec<Operation>,
    /// The reseller's task statuses, by the vendor's.
    #[serde(default, alias = "words")]
    statuses: BTreeMap<String, String>,
    /// Fields that move, in tasks and in the response to a create: from and to, as JSON pointers.
    #[serde(default, rename = "move")]
    moves: Vec<(String, String)>,
    /// The wrapper around successful responses.
    #[serde(default)]
    wrap: BTreeMap<Operation, Wrapper>,
    /// Whether errors come without the `error` object.
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
    fn of(place: FaultPoint) -> Option<Self> {
        Some(match place {
            FaultPoint::Create => Self::Create,
            FaultPoint::Get => Self::Get,
            FaultPoint::List => Self::List,
            FaultPoint::Delete => Self::Delete,
            FaultPoint::Models => Self::Models,
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
    /// The built-in dialects, each as described on a reseller's page.
    #[must_use]
    pub fn all() -> &'static [Self] {
        // A test parses them, so parsing never fails here.
        static ALL: LazyLock<Vec<Dialect>> =
            LazyLock::new(|| serde_json::from_str(BUILTIN).unwrap_or_default());
        &ALL
    }

    /// A built-in dialect.
    ///
    /// # Errors
    /// There is no dialect of that name; the error lists the known ones.
    pub fn named(name: &str) -> Result<&'static Self, DialectError> {
        Self::all().iter().find(|dialect| dialect.name == name).ok_or_else(|| DialectError::Name {
            name: name.to_owned(),
            known: Self::all().iter().map(Self::name).collect(),
        })
    }

    /// Parses a dialect in the format of an entry of `dialects.json`.
    ///
    /// # Errors
    /// The text is not valid JSON, or a field is missing or unknown.
    pub fn from_json(text: &str) -> Result<Self, DialectError> {
        serde_json::from_str(text).map_err(|error| DialectError::Form(error.to_string()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A short description.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The page that describes it, and the date on which it was read.
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        (&self.source, &self.read)
    }

    /// The reseller's path prefix, if it differs from the vendor's.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    pub(crate) fn omits(&self, place: FaultPoint) -> bool {
        Operation::of(place).is_some_and(|operation| self.without.contains(&operation))
    }

    /// Rewrites a reply from the vendor's format to the reseller's. Bodies that are not JSON (error
    /// pages of gateways, broken responses) stay unchanged.
    pub(crate) fn apply(&self, endpoint: FaultPoint, reply: &mut Reply) {
        match reply {
            Reply::Answer(answer) => self.answer(endpoint, answer),
            Reply::Faulty(faulty) => {
                if let Some(reply) = faulty.reply.as_deref_mut() {
                    self.apply(endpoint, reply);
                }
            }
            Reply::Render(_) => {}
        }
    }

    /// A task as callbacks report it.
    pub(crate) fn callback(&self, body: Bytes) -> Bytes {
        let Ok(mut task) = serde_json::from_slice(&body) else { return body };
        self.task(&mut task);
        Bytes::from(task.to_string())
    }

    fn answer(&self, place: FaultPoint, answer: &mut Response<Bytes>) {
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
            && let Some(renamed) = self.statuses.get(status)
        {
            status.clone_from(renamed);
        }
        for (from, to) in &self.moves {
            if let Some(value) = taken(task, from) {
                put(task, to, value);
            }
        }
    }
}

/// Removes a field, and its parent object if that is empty then.
fn taken(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let object = value.pointer_mut(parent)?.as_object_mut()?;
    let taken = object.remove(name)?;
    if object.is_empty() && !parent.is_empty() {
        let _emptied = self::taken(value, parent);
    }
    Some(taken)
}

/// Inserts a field and creates missing parents: an array where `0` follows.
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
    /// There is no dialect of that name.
    #[error("unknown dialect `{name}`; expected one of: {}", .known.join(", "))]
    Name {
        /// The requested name.
        name: String,
        /// The known names.
        known: Vec<&'static str>,
    },
    /// The description is not valid.
    #[error("invalid dialect: {0}")]
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
            for status in dialect.statuses.keys() {
                assert!(ark_video_model::TaskStatus::from(status.as_str()).is_known(), "{status}");
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
            said(Dialect::named("klingon").unwrap_err()).contains("one of: seedance-prefix, volc-prefix")
        );
        assert!(said(Dialect::from_json("{}").unwrap_err()).contains("missing field `name`"));
        let text = r#"{"name":"a","about":"b","source":"c","read":"d","wraps":{}}"#;
        assert!(said(Dialect::from_json(text).unwrap_err()).contains("unknown field `wraps`"));
    }
}

//! What the service POSTs to a `callback_url`: read with care, ordered, and believed only as far as
//! a hint goes.
//!
//! Nothing signs a callback, none is promised, they repeat and overtake each other (create page,
//! 2026-10). So the body is good for one thing: to GET the task now instead of later. Addresses in
//! it are never fetched.

use std::{collections::BTreeMap, fmt, time::Duration};

use ark_video_model::{Task, TaskStatus};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{UnixMillis, path, unix_millis};

/// Largest callback read: 64 KiB.
pub const MAX_CALLBACK: usize = 64 << 10;
/// The least interval between two polls of a task that are caused by callbacks.
pub const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// What a callback says. Confirm it with a GET before believing it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Hint {
    /// The task it speaks of.
    pub id: String,
    /// The state it claims.
    pub status: TaskStatus,
    /// When that state began; in JSON in Unix seconds, as the service writes it.
    #[serde(default, with = "crate::time::unix_seconds")]
    pub updated_at: Option<UnixMillis>,
    /// The model it claims; to be compared with what was asked for when the task is not known yet.
    pub model: String,
}

impl Hint {
    /// A hint that a task is in this state.
    #[must_use]
    pub fn new(id: impl Into<String>, status: impl Into<TaskStatus>, updated_at: Option<UnixMillis>) -> Self {
        Self { id: id.into(), status: status.into(), updated_at, model: String::new() }
    }
}

/// Why a callback was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum CallbackError {
    /// More bytes than are read.
    #[error("the callback has {0} bytes, more than the {MAX_CALLBACK} that are read")]
    TooLarge(usize),
    /// Not a task as JSON.
    #[error("the callback is not a task: {0}")]
    NotATask(String),
    /// A task without an id.
    #[error("the callback names no task")]
    NoId,
    /// A task whose id nobody could ask for.
    #[error("the callback names the task {0}, for which no address can ask")]
    UnusableId(String),
}

impl CallbackError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "Ignore it; the task is polled anyway."
    }
}

/// Reads a callback body.
///
/// ```
/// use ark_video_protocol::callback;
///
/// let hint = callback::parse(br#"{"id":"cgt-1","model":"m","status":"succeeded","updated_at":1795342530}"#)?;
/// assert_eq!((hint.id.as_str(), hint.status.as_str()), ("cgt-1", "succeeded"));
/// # Ok::<(), callback::CallbackError>(())
/// ```
///
/// # Errors
/// Too large, or not a task with an id.
pub fn parse(body: &[u8]) -> Result<Hint, CallbackError> {
    if body.len() > MAX_CALLBACK {
        return Err(CallbackError::TooLarge(body.len()));
    }
    // The category and place of an error, never its text: that may quote the body.
    let task: Task = serde_json::from_slice(body).map_err(|error| {
        CallbackError::NotATask(format!(
            "{:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        ))
    })?;
    if task.id.trim().is_empty() {
        return Err(CallbackError::NoId);
    }
    // As it came: ids are compared exactly.
    if !path::is_usable(&task.id) {
        return Err(CallbackError::UnusableId(path::shown(&task.id)));
    }
    Ok(Hint {
        id: task.id,
        status: task.status,
        updated_at: task.updated_at.map(unix_millis),
        model: task.model,
    })
}

/// The hash under which a callback token is kept: its owner never needs the token again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether this is the hash of `token`. Takes the same time whether it is or not.
    #[must_use]
    pub fn matches(&self, token: &str) -> bool {
        self.same(&Self::of(token))
    }

    /// Whether both are the hash of the same token. Takes the same time whether they are or not.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hex(&hash.0)
    }
}

impl TryFrom<String> for TokenHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err("a token's hash has 64 hexadecimal digits");
        }
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16)
                .map_err(|_| "a token's hash has 64 hexadecimal digits")?;
        }
        Ok(Self(hash))
    }
}

/// Whether two secrets are equal. Takes the same time wherever they differ; their lengths are no
/// secret.
#[must_use]
pub fn same_secret(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// What a hint adds to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// The task has moved on: GET it.
    Forward,
    /// The same as before.
    Repeated,
    /// Overtaken by a later one.
    Late,
    /// So many tasks are remembered already that this one is not: GET it in turn, as without a
    /// callback.
    Full,
}

/// Sorts out repeated and late callbacks: states only move forward, and an end never changes.
///
/// However many callbacks come, a task costs at most one GET in 5 s, and as long as what they claim
/// holds, at most one per state, so three.
#[derive(Debug, Clone)]
pub struct Inbox {
    tasks: BTreeMap<Box<str>, Known>,
    capacity: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Its status, and since when; `None` after a failed poll.
    news: Option<(u8, Option<i64>)>,
    /// A poll is planned and has not started.
    planned: bool,
    /// When the last poll started.
    looked: Option<Duration>,
    /// A GET has confirmed its end.
    ended: bool,
}

impl Inbox {
    /// Remembers this many tasks at most. Tasks whose end was confirmed make room for others.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { tasks: BTreeMap::new(), capacity }
    }

    /// Takes in a hint whose token was found to be right.
    pub fn hear(&mut self, hint: &Hint) -> Heard {
        let news = (rank(&hint.status), hint.updated_at);
        if !self.tasks.contains_key(hint.id.as_str()) && self.tasks.len() >= self.capacity {
            self.tasks.retain(|_, known| known.planned || !known.ended);
            if self.tasks.len() >= self.capacity {
                return Heard::Full;
            }
        }
        let known = self.tasks.entry(hint.id.as_str().into()).or_default();
        let heard = known.news.map_or(Heard::Forward, |before| compare(before, news));
        if heard == Heard::Forward {
            known.news = Some(news);
        }
        heard
    }

    /// When to poll a task after a callback; `None` if a poll is already planned, which covers it.
    pub fn plan(&mut self, id: &str, now: Duration) -> Option<Duration> {
        let known = self.tasks.get_mut(id)?;
        if std::mem::replace(&mut known.planned, true) {
            return None;
        }
        Some(known.looked.map_or(now, |looked| now.max(looked + LOOK_PAUSE)))
    }

    /// The planned poll starts.
    pub fn looking(&mut self, id: &str, now: Duration) {
        if let Some(known) = self.tasks.get_mut(id) {
            (known.planned, known.looked) = (false, Some(now));
        }
    }

    /// Records the status of a GET; a hint that claimed more is discarded.
    pub fn confirmed(&mut self, task: &Task) {
        if let Some(known) = self.tasks.get_mut(task.id.as_str()) {
            known.news = Some((rank(&task.status), task.updated_at.map(unix_millis)));
            known.ended = task.status.is_terminal();
        }
    }

    /// The poll failed: the next callback, even a duplicate, causes another.
    pub fn unconfirmed(&mut self, id: &str) {
        if let Some(known) = self.tasks.get_mut(id) {
            known.news = None;
        }
    }

    /// Forgets a task: its job is done.
    pub fn forget(&mut self, id: &str) {
        self.tasks.remove(id);
    }

    /// Tasks remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

fn compare((known, known_at): (u8, Option<i64>), (rank, at): (u8, Option<i64>)) -> Heard {
    match rank.cmp(&known) {
        std::cmp::Ordering::Greater => Heard::Forward,
        std::cmp::Ordering::Less => Heard::Late,
        // After an unknown status another one may follow: then the time decides.
        std::cmp::Ordering::Equal if rank == OTHER && at > known_at => Heard::Forward,
        std::cmp::Ordering::Equal if at < known_at => Heard::Late,
        std::cmp::Ordering::Equal => Heard::Repeated,
    }
}

const OTHER: u8 = 2;

/// How far along a state is: queued, running, unknown to us, ended.
pub(crate) fn rank(status: &TaskStatus) -> u8 {
    match status {
        TaskStatus::Queued => 0,
        TaskStatus::Running => 1,
        status if status.is_terminal() => 3,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests;

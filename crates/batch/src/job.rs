//! A job: one shot variant, one intent, one row of the journal. What is planned of it, and what has
//! become of it. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use ark_video::transport::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cost, State};

/// What a shot takes from the shot that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// The other shot's last frame is this shot's first frame.
    LastFrame,
    /// The other shot is the draft of this one.
    Draft,
    /// This shot goes on where the other one's video ends.
    Extend,
}

/// Which job a job follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct After {
    /// The other job's name within the same batch.
    pub job: String,
    /// What is taken from it.
    pub link: Link,
    /// Whether a person has to approve the other job's video first.
    #[serde(default)]
    pub approve: bool,
}

/// A local file that goes into a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct InputFile {
    /// Index in the request's `content`.
    pub content: usize,
    /// Where it is.
    pub path: PathBuf,
    /// Its length when the list was read.
    pub bytes: u64,
    /// Its SHA-256 when the list was read, in hexadecimal. A file that has changed since is not
    /// sent.
    pub sha256: String,
}

/// A job as the shot list has it: everything that a person decided, nothing that happened.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Planned {
    /// Its name, unique within the batch: the shot's name, and `#` with the variant's seed where
    /// there are variants.
    pub name: String,
    /// Its place in the list, from 0.
    pub place: i64,
    /// The body of the create request. Local files are named in `inputs`; their place in `content`
    /// holds their path.
    pub request: Value,
    /// SHA-256 of the request in canonical form together with the hashes of its files: the intent.
    pub request_hash: String,
    /// Local files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFile>,
    /// Which job it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Where the video goes.
    pub output: PathBuf,
    /// The user's own labels to group by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Higher goes first.
    #[serde(default)]
    pub priority: i64,
    /// The most that it is estimated to cost; `None` where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Cost>,
}

impl Planned {
    /// Whether it keeps its last frame.
    pub(crate) fn wants_last_frame(&self) -> bool {
        self.request.get("return_last_frame").and_then(Value::as_bool) == Some(true)
    }

    /// Whether it runs in the cheap tier, which lists show apart.
    pub(crate) fn is_flex(&self) -> bool {
        self.request.get("service_tier").and_then(Value::as_str) == Some("flex")
    }
}

/// One attempt to create a job's task, from the reservation on.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// 128 random bits in hexadecimal: without them the row cannot be changed.
    pub token: String,
    /// The runner that makes it.
    pub runner: String,
    /// When it was written down, by this machine's clock.
    pub at: UnixMillis,
    /// What to search for if its end stays unknown; an [`ark_video::UnresolvedCreate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Value>,
    /// What was reserved for it.
    pub reserved: Cost,
    /// The day, `2026-11-23` in UTC, on whose budget it was reserved.
    pub day: String,
    /// The slots that it counts against; the journal takes it from [`crate::SlotRequest::model`].
    pub slot: String,
    /// The hash of what was sent; the journal takes it from [`Planned::request_hash`].
    pub request_hash: String,
    /// The objects in a store that local files were uploaded as, by index in `content`; never their
    /// signed URLs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<usize, String>,
}

/// What an attempt cost that a later one took the place of (`batch retry`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Spent {
    /// Which attempt.
    pub attempt: u32,
    /// The day, `2026-11-23` in UTC, on whose budget it is.
    pub day: String,
    /// How much.
    pub cost: Cost,
    /// Whether that is an estimate, as in [`Job::unmetered`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmetered: bool,
}

/// The video, or its last frame, in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct FileAt {
    /// Where.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A row of the journal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Job {
    /// `batch/name`, and `@2` and so on where the list changed after the first was sent. Unique in
    /// the journal.
    pub key: String,
    /// The batch that it belongs to.
    pub batch: String,
    /// What was planned.
    pub planned: Planned,
    /// From 1; grows when the list changes a job that had been sent.
    pub revision: u32,
    /// Where it stands.
    pub state: State,
    /// Grows with each change of the row.
    pub seq: i64,
    /// When the row was changed last, by the clock of the machine that did, in milliseconds since
    /// 1970.
    pub changed_at: UnixMillis,
    /// The attempt under way, or the last one.
    pub attempt: Option<Attempt>,
    /// The service's task id. Unique in the journal.
    pub task_id: Option<String>,
    /// When the service said that it created the task, in milliseconds since 1970.
    pub created_at: Option<UnixMillis>,
    /// The service's last answer, links without their queries.
    pub task: Option<Value>,
    /// What it cost, from the service's usage; set when it is settled, or when it failed (0 then).
    pub settled: Option<Cost>,
    /// Whether `settled` is what was reserved, because the service's usage was missing, zero or
    /// unreadable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmetered: bool,
    /// What earlier attempts cost, beside `settled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Spent>,
    /// The video and what came with it.
    pub files: Vec<FileAt>,
    /// Why it stands where it stands, in a sentence for people; without prompt, key or link.
    pub reason: Option<String>,
    /// Tasks that may be its own, where several may be; a person decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Whether a person approved its video.
    pub approved: bool,
    /// Whether a newer revision has taken its place in the list.
    pub superseded: bool,
    /// Whether a person gave it up: then it stays dropped although the list has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
}

impl Job {
    /// The model that it is for.
    #[must_use]
    pub fn model(&self) -> &str {
        self.planned.request.get("model").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Without the request: it holds the prompt.
impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned")
            .field("name", &self.name)
            .field("request_hash", &self.request_hash)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// Without what is searched for: it may hold the user's identifier.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("number", &self.number)
            .field("runner", &self.runner)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Without the task: it may hold a rewritten prompt.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("key", &self.key)
            .field("state", &self.state)
            .field("seq", &self.seq)
            .field("attempt", &self.attempt)
            .field("task_id", &self.task_id)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

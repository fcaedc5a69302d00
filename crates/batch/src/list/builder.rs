//! A shot list from code. It is written as JSON lines and read like any other list, so that the
//! same rules hold for both.

use std::path::Path;

use ark_video::model::{CreateTaskRequest, catalog::Catalog};
use serde_json::{Map, Value, json};

use super::{ListReport, ShotList};
use crate::Link;

/// Builds a [`ShotList`], shot by shot. The methods between two calls of [`shot`](Self::shot) are
/// about the first of them.
///
/// ```
/// use ark_video::model::{TextToVideo, catalog::Catalog};
/// use ark_video_batch::{Link, ShotList};
///
/// let shot = |text: &str| {
///     TextToVideo::new("doubao-seedance-2-0-260128", text).duration(5).ratio("16:9").return_last_frame(true).build()
/// };
/// let list = ShotList::builder("night")
///     .shot("s00", &shot("A harbour at night."))
///     .shot("s01", &shot("The boat leaves."))
///     .after("s00", Link::LastFrame)
///     .tag("hero")
///     .build("videos".as_ref(), Catalog::builtin())
///     .expect("nothing is wrong with it");
/// assert_eq!(list.len(), 2);
/// ```
#[derive(Clone)]
#[must_use = "a builder makes nothing until `build`"]
pub struct ShotListBuilder {
    batch: String,
    shots: Vec<Map<String, Value>>,
}

impl ShotList {
    /// Starts a list whose batch has this name.
    pub fn builder(batch: impl Into<String>) -> ShotListBuilder {
        ShotListBuilder { batch: batch.into(), shots: Vec::new() }
    }
}

impl ShotListBuilder {
    /// Adds a shot with this name. Local files are named in a list's own fields and cannot be in
    /// the request.
    pub fn shot(mut self, name: impl Into<String>, request: &CreateTaskRequest) -> Self {
        let mut shot = match serde_json::to_value(request) {
            Ok(Value::Object(shot)) => shot,
            _ => Map::new(),
        };
        // A prompt alone is one: what another shot delivers can be added to it.
        let prompt = match shot.get("content").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => only.get("text").cloned(),
            _ => None,
        };
        if let Some(prompt) = prompt {
            shot.remove("content");
            shot.insert("prompt".to_owned(), prompt);
        }
        shot.insert("name".to_owned(), Value::String(name.into()));
        self.shots.push(shot);
        self
    }

    /// The shot takes something from another one: it is sent when that one has its video.
    pub fn after(self, shot: &str, link: Link) -> Self {
        self.with("after", json!({ "shot": shot, "link": link }))
    }

    /// As [`after`](Self::after), and not before a person has approved the other shot's video.
    pub fn after_approval(self, shot: &str, link: Link) -> Self {
        self.with("after", json!({ "shot": shot, "link": link, "approve": true }))
    }

    /// Where the shot's video goes, below the folder of the list. Default: its name.
    pub fn output(self, path: &str) -> Self {
        self.with("output", path.into())
    }

    /// One job for each of these seeds.
    pub fn seeds(self, seeds: impl IntoIterator<Item = i64>) -> Self {
        self.with("seeds", seeds.into_iter().collect::<Vec<_>>().into())
    }

    /// Adds a tag, by which costs are grouped and capped.
    pub fn tag(mut self, tag: &str) -> Self {
        if let Some(Value::Array(tags)) =
            self.shots.last_mut().map(|shot| shot.entry("tags").or_insert_with(|| json!([])))
        {
            tags.push(tag.into());
        }
        self
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        if let Some(shot) = self.shots.last_mut() {
            shot.insert(field.to_owned(), value);
        }
        self
    }

    /// Checks the list. Videos go into `folder`.
    ///
    /// # Errors
    /// The report: its [`refusals`](ListReport::refusals) say what is wrong with which shot.
    pub fn build(self, folder: &Path, catalog: &Catalog) -> Result<ShotList, Box<ListReport>> {
        let mut text = format!("{}\n", json!({ "batch": self.batch, "defaults": {} }));
        for shot in self.shots {
            text.push_str(&Value::Object(shot).to_string());
            text.push('\n');
        }
        ListReport::of_text(text, &format!("{}.jsonl", self.batch), folder, catalog).into_list()
    }
}

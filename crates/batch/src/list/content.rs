//! From what a shot is made of to the `content` of its request: prompt, frames, references, drafts,
//! links to other jobs, and the local files among them, measured by their headers and hashed whole.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::model::{
    ContentItem, CreateTaskRequest, DraftTaskContent, DraftTaskRef, ImageContent, ImageRole, ImageSource,
    TextContent, VideoContent, VideoRole, VideoSource,
    check::{Facts, MediaKind},
};
use ark_video::{Attachments, transport::FileSource};
use ark_video_media::{MediaOrigin, MediaRole, MediaSpec, MediaSpecError, facts_of_url};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::attach::LINKED;
use super::finding::Findings;
use super::hash::{sha256_of_file, url_of};
use super::shape::Shot;
use crate::{InputFile, Link};

/// The input of a shot's request.
pub(super) struct Content {
    /// As the journal keeps it: paths for local files, a mark for what another job delivers.
    pub(super) kept: Vec<Value>,
    /// As the checks see it: placeholders and stand-ins.
    pub(super) checked: Vec<Value>,
    /// Where each item was written, as a pointer into the shot.
    pub(super) origins: Vec<String>,
    pub(super) inputs: Vec<InputFile>,
    pub(super) facts: Facts,
    /// The files behind the placeholders of `checked`.
    files: Attachments,
}

/// Hashes of files that several shots use.
#[derive(Clone, Default)]
pub(super) struct Hashes(BTreeMap<PathBuf, (u64, String)>);

impl Hashes {
    /// The files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    fn of(&mut self, path: &Path) -> io::Result<(u64, String)> {
        if let Some(known) = self.0.get(path) {
            return Ok(known.clone());
        }
        let hashed = sha256_of_file(path)?;
        self.0.insert(path.to_owned(), hashed.clone());
        Ok(hashed)
    }
}

impl Content {
    /// Puts a shot's input together; `base` is where its relative paths begin. `None` where the
    /// shot has its `content` whole and it is no list: the checks say so.
    pub(super) fn of(
        shot: &Shot,
        base: &Path,
        hashes: &mut Hashes,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let mut content = Self {
            kept: Vec::new(),
            checked: Vec::new(),
            origins: Vec::new(),
            inputs: Vec::new(),
            facts: Facts::new(),
            files: Attachments::new(),
        };
        if let Some(given) = shot.request.get("content") {
            content.whole(given.as_array()?, findings, shot);
            return Some(content);
        }
        if let Some(prompt) = &shot.prompt {
            if prompt.starts_with('@') && !prompt.contains(char::is_whitespace) {
                let message = "`@FILE` is for command lines: here it would be the prompt itself.";
                findings
                    .say("prompt-file", shot.at("/prompt"), message)
                    .advice("Put the text of the file here; with a space before the @ it is the prompt.");
            }
            content.push(&TextContent::new(prompt.as_str()).into(), "/prompt".to_owned());
        }
        match shot.link() {
            Some(Link::Draft) => content.linked(draft(LINKED), "cgt-draft"),
            Some(Link::LastFrame) => {
                let image = ImageContent::new(ImageSource::url(LINKED)).role(ImageRole::FirstFrame);
                content.linked(image.into(), "https://example.com/last-frame.png");
            }
            Some(Link::Extend) => {
                let video = VideoContent::new(VideoSource::url(LINKED)).role(VideoRole::ReferenceVideo);
                content.linked(video.into(), "https://example.com/video.mp4");
            }
            None => {}
        }
        if let Some(id) = &shot.draft_task {
            content.push(&draft(id), "/draft_task".to_owned());
        }
        let references = shot.references.iter().enumerate();
        let named = [
            (shot.first_frame.as_ref(), MediaRole::FirstFrame, "/first_frame"),
            (shot.last_frame.as_ref(), MediaRole::LastFrame, "/last_frame"),
        ];
        let frames =
            named.into_iter().filter_map(|(name, place, pointer)| Some((name?, place, pointer.to_owned())));
        let references =
            references.map(|(at, name)| (name, MediaRole::Reference, format!("/references/{at}")));
        for (name, place, pointer) in frames.chain(references) {
            content.medium((name, place, pointer), shot, (base, hashes), findings);
        }
        Some(content)
    }

    fn whole(&mut self, items: &[Value], findings: &mut Findings<'_>, shot: &Shot) {
        self.kept = items.to_vec();
        self.checked = items.to_vec();
        self.origins = (0..items.len()).map(|at| format!("/content/{at}")).collect();
        for (at, item) in self.checked.iter_mut().enumerate() {
            let kind = match item["type"].as_str() {
                Some("video_url") => MediaKind::Video,
                Some("audio_url") => MediaKind::Audio,
                _ => MediaKind::Image,
            };
            let Some(url) = url_of(item).and_then(|url| url.as_str()) else {
                continue;
            };
            if url == LINKED {
                let pointer = format!("/content/{at}");
                findings.say("content", shot.at(&pointer), "This address is ours to fill in: use `after`.");
            } else if let Ok(Some(facts)) = facts_of_url(url, kind) {
                self.facts.insert(at, facts);
            }
        }
    }

    fn push(&mut self, item: &ContentItem, origin: String) {
        self.add(json(item), json(item), origin);
    }

    fn add(&mut self, kept: Value, checked: Value, origin: String) {
        self.kept.push(kept);
        self.checked.push(checked);
        self.origins.push(origin);
    }

    /// An item that another job delivers.
    fn linked(&mut self, item: ContentItem, stand_in: &str) {
        let kept = json(&item);
        let mut checked = kept.clone();
        if let Some(place) = super::attach::place_of(&mut checked) {
            *place = Value::from(stand_in);
        }
        self.add(kept, checked, "/after".to_owned());
    }

    fn medium(
        &mut self,
        (text, place, pointer): (&str, MediaRole, String),
        shot: &Shot,
        (base, hashes): (&Path, &mut Hashes),
        findings: &mut Findings<'_>,
    ) {
        let name = MediaSpec::parse(text);
        let mut refuse = |error: &MediaSpecError| {
            let message = match error {
                MediaSpecError::KindUnknown | MediaSpecError::NotAnImage { .. } => {
                    sentence(&error.to_string())
                }
                _ => error.with_reason(),
            };
            findings.say("media", shot.at(&pointer), format!("{message}.")).advice(error.advice());
        };
        if let Some(said) = name.role().filter(|said| *said != place) {
            let message =
                format!("The prefix says that it is {said:?}, and it stands in `{}`.", &pointer[1..]);
            findings.say("media", shot.at(&pointer), message).advice("Leave the prefix out.");
            return;
        }
        let medium = match name.resolve(place, base) {
            Ok(medium) => medium,
            Err(error) => return refuse(&error),
        };
        let at = self.kept.len();
        let (kept, checked) = match &medium.origin {
            MediaOrigin::File { path, media_type } => {
                let unreadable = |source| MediaSpecError::Unreadable { shown: name.to_string(), source };
                let (bytes, sha256) = match hashes.of(path) {
                    Ok(hashed) => hashed,
                    Err(error) => return refuse(&unreadable(error)),
                };
                let placeholder = match FileSource::new(path) {
                    Ok(source) => self.files.source(media_type, Arc::new(source)),
                    Err(error) => return refuse(&unreadable(error)),
                };
                let path = path.clone();
                let shown = path.to_string_lossy().into_owned();
                self.inputs.push(InputFile { content: at, path, bytes, sha256 });
                (medium.item(&shown), medium.item(&placeholder))
            }
            MediaOrigin::Address(address) => {
                if let Ok(Some(facts)) = facts_of_url(address, medium.kind) {
                    self.facts.insert(at, facts);
                }
                (medium.item(address), medium.item(address))
            }
            _ => return,
        };
        if let Some(doubt) = &medium.doubt {
            findings.say("not-measured", shot.at(&pointer), sentence(doubt)).warn();
        }
        if let Some(facts) = medium.facts {
            self.facts.insert(at, facts);
        }
        self.add(json(&kept), json(&checked), pointer);
    }

    /// Lets what does not fit inline go through a store, as [`super::attach`] does it later.
    pub(super) fn host(&mut self) {
        let request = json!({ "model": "", "content": self.checked });
        let Ok(mut request) = CreateTaskRequest::deserialize(request) else { return };
        if self.files.host(&mut request) > 0 {
            self.checked = request.content.iter().map(json).collect();
        }
    }

    /// Bytes on the wire of the local files that go inline: base64 makes four of three.
    pub(super) fn encoded_bytes(&mut self) -> u64 {
        let inline = |input: &&InputFile| {
            let url = self.checked.get_mut(input.content).and_then(url_of);
            url.and_then(|url| url.as_str()).is_none_or(|url| url.starts_with("data:"))
        };
        self.inputs.iter().filter(inline).map(|input| input.bytes.div_ceil(3) * 4).sum()
    }
}

fn draft(id: &str) -> ContentItem {
    DraftTaskContent::new(DraftTaskRef::new(id)).into()
}

fn json(item: &ContentItem) -> Value {
    serde_json::to_value(item).unwrap_or_else(|_| json!({}))
}

/// With a capital letter at its start.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

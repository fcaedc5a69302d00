//! The provenance of a video: a small JSON file beside it, `NAME.ark-video.json`. Also the memory
//! of a create that a crash interrupts, because it can be written before anything is sent.
//!
//! It contains the prompt: without it the video cannot be created again, and both belong to the
//! same user. It holds no key, no signature, no query of any link, no callback address beyond its
//! host, and of pictures and sounds only hash, type and length. It is readable for its owner only.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ark_video_model::{ContentItem, CreateTaskRequest, Task};
use ark_video_protocol::{UnixMillis, download::place_of, reconcile::UnresolvedCreate};
use ark_video_transport::{Staged, hash_file, read_bounded, write_private};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Attachments, media_store::Uploads};
pub use crate::{
    intent::{Intent, canonical_hash, intent_hash, intent_hash_of},
    target::{InputFiles, Target, TargetFolders},
};

/// What the name of a sidecar ends in.
pub const SIDECAR_ENDING: &str = ".ark-video.json";
/// Largest sidecar that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The progress of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// Written down, and nothing of the request was sent: it may be sent.
    Prepared,
    /// The request was about to be sent, or is in flight. If this is found later, its outcome is
    /// unknown.
    Submitting,
    /// Sent, and it is unknown whether it made a task.
    Unknown,
    /// The task's id is known.
    Submitted,
    /// The video is saved.
    Downloaded,
}

/// The sidecar of a video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sidecar {
    /// Version of this library that wrote it.
    pub ark_video: String,
    /// How far it has come.
    pub progress: Progress,
    /// The task's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// What to search for while the task's id is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnresolvedCreate>,
    /// The task as it was when its result was fetched, its usage included; links without their
    /// queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Value>,
    /// The video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileFacts>,
    /// Which intent it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// It comes from a rehearsal: nothing was paid, and it is not the video that the request asks
    /// for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The row of a batch's journal that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<SidecarRow>,
}

/// The row of a journal that a sidecar belongs to, and the create that it was written for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SidecarRow {
    /// The journal's id.
    pub journal: String,
    /// The row's key.
    pub key: String,
    /// Which attempt of the row, from 1.
    pub attempt: u32,
    /// The attempt's token.
    pub token: String,
}

impl SidecarRow {
    /// An attempt of a row.
    #[must_use]
    pub fn new(
        journal: impl Into<String>,
        key: impl Into<String>,
        attempt: u32,
        token: impl Into<String>,
    ) -> Self {
        Self { journal: journal.into(), key: key.into(), attempt, token: token.into() }
    }
}

/// A file that is in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileFacts {
    /// Its name, without folders.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its media type, as the storage named it.
    pub content_type: Option<String>,
    /// When it was fetched, by this machine's clock, in milliseconds since 1970.
    pub fetched_at: UnixMillis,
    /// It says of itself that the simulator made it, wherever that ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

impl FileFacts {
    /// A file with its length and its SHA-256 in hexadecimal, and when it was fetched.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        bytes: u64,
        sha256: impl Into<String>,
        fetched_at: UnixMillis,
    ) -> Self {
        Self {
            name: name.into(),
            bytes,
            sha256: sha256.into(),
            content_type: None,
            fetched_at,
            simulated: false,
        }
    }

    /// Sets its media type.
    #[must_use]
    pub fn content_type(mut self, content_type: Option<String>) -> Self {
        self.content_type = content_type;
        self
    }
}

/// The origin of a video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// The request without its secrets.
    pub request: Value,
    /// Pictures and sounds that were inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
}

/// A picture or a sound that was inside a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Input {
    /// Its place in `content`, from 0.
    pub content: usize,
    /// The file's name, without folders, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its media type, as declared.
    pub media_type: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The object in a store that it was uploaded as, such as `s3://bucket/ab/ab12….mp4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

impl Provenance {
    /// Takes down a request. Reads its files, to hash them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of(request: &CreateTaskRequest, attachments: &Attachments) -> io::Result<Self> {
        let mut bare = request.clone();
        let mut inputs = Vec::new();
        for (content, item) in bare.content.iter_mut().enumerate() {
            let url = match item {
                ContentItem::Image(image) => &mut image.image_url.url,
                ContentItem::Video(video) => &mut video.video_url.url,
                ContentItem::Audio(audio) => &mut audio.audio_url.url,
                _ => continue,
            };
            if let Some(input) = inside(content, url, attachments)? {
                *url = format!("sha256:{}", input.sha256);
                inputs.push(input);
            } else {
                *url = place_of(url).to_owned();
            }
        }
        if let Some(address) = &mut bare.callback_url {
            let host = address.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
            *address = format!("https://{}/…", host.unwrap_or_default());
        }
        Ok(Self { request: serde_json::to_value(&bare).map_err(io::Error::other)?, inputs })
    }

    /// Takes down where files were uploaded to; never by which URL they were sent.
    pub fn uploaded(&mut self, uploads: &Uploads) {
        for (content, media) in uploads.iter() {
            if let Some(input) = self.inputs.iter_mut().find(|input| input.content == content) {
                input.object = Some(media.object.clone());
            }
        }
    }
}

/// The medium in a URL, if it is in there or in a file that it stands for.
fn inside(content: usize, url: &str, attachments: &Attachments) -> io::Result<Option<Input>> {
    let mut hasher = Sha256::new();
    let (name, media_type, bytes) = if let Some((media_type, source)) = attachments.attached(url) {
        let mut reader = source.open()?;
        let bytes = io::copy(&mut reader, &mut Hashing(&mut hasher))?;
        let name = Path::new(&source.name()).file_name().map(|name| name.to_string_lossy().into_owned());
        (name, media_type, bytes)
    } else if let Some((head, data)) = url.split_once(',').filter(|(head, _)| head.starts_with("data:")) {
        let mut bytes = 0;
        for group in data.as_bytes().chunks(64 << 10) {
            let decoded = BASE64_STANDARD.decode(group).map_err(|_| io::Error::other("it is not base64"))?;
            hasher.update(&decoded);
            bytes += decoded.len() as u64;
        }
        (None, head.trim_start_matches("data:").split(';').next().unwrap_or_default(), bytes)
    } else {
        return Ok(None);
    };
    let (media_type, sha256) = (media_type.to_owned(), hex(&hasher.finalize()));
    Ok(Some(Input { content, name, media_type, bytes, sha256, object: None }))
}

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sidecar {
    /// A sidecar that says only how far it has come.
    #[must_use]
    pub fn new(progress: Progress) -> Self {
        Self {
            ark_video: env!("CARGO_PKG_VERSION").to_owned(),
            progress,
            task_id: None,
            provenance: None,
            unknown: None,
            task: None,
            file: None,
            intent: None,
            simulated: false,
            row: None,
        }
    }

    /// Sets the row of a journal that it belongs to.
    #[must_use]
    pub fn row(mut self, row: Option<SidecarRow>) -> Self {
        self.row = row;
        self
    }

    /// Sets what was asked for.
    #[must_use]
    pub fn provenance(mut self, provenance: Option<Provenance>) -> Self {
        self.provenance = provenance;
        self
    }

    /// Sets which intent it is for.
    #[must_use]
    pub fn intent(mut self, intent: Option<Intent>) -> Self {
        self.intent = intent;
        self
    }

    /// Says whether it comes from a rehearsal.
    #[must_use]
    pub fn simulated(mut self, simulated: bool) -> Self {
        self.simulated = simulated;
        self
    }

    /// The intent's hash, see [`intent_hash`]. A sidecar of an earlier version has none: then that
    /// of the request as it was recorded, which is the same unless an address in it had a query or
    /// a callback was requested.
    #[must_use]
    pub fn intent_hash(&self) -> Option<String> {
        if let Some(intent) = &self.intent {
            return Some(intent.hash.clone());
        }
        let provenance = self.provenance.as_ref()?;
        let media = provenance.inputs.iter().map(|input| (input.content, input.sha256.clone())).collect();
        Some(intent_hash_of(&provenance.request, &media, None))
    }

    /// Says that the task's id is known.
    #[must_use]
    pub fn submitted(mut self, task_id: impl Into<String>) -> Self {
        (self.progress, self.task_id, self.unknown) = (Progress::Submitted, Some(task_id.into()), None);
        self
    }

    /// Says what to search for as long as the id is not known.
    #[must_use]
    pub fn unknown(mut self, progress: Progress, unknown: UnresolvedCreate) -> Self {
        (self.progress, self.unknown) = (progress, Some(unknown));
        self
    }

    /// Records that the video is saved.
    #[must_use]
    pub fn downloaded(mut self, task: &Task, file: FileFacts) -> Self {
        let mut task_value = serde_json::to_value(task).unwrap_or_default();
        if let Some(content) = task_value.get_mut("content").and_then(Value::as_object_mut) {
            for link in content.values_mut() {
                if let Some(bare) = link.as_str().map(|link| place_of(link).to_owned()) {
                    *link = bare.into();
                }
            }
        }
        self = self.submitted(&task.id);
        (self.progress, self.task, self.file) = (Progress::Downloaded, Some(task_value), Some(file));
        self
    }

    /// Whether the video exists and is the recorded one. Reads all of it.
    pub async fn holds(&self, video: &Path) -> bool {
        let Some(file) = &self.file else { return false };
        matches!(hash_file(video).await, Ok((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256)
    }

    /// Where the sidecar of a file is.
    #[must_use]
    pub fn path_of(video: &Path) -> PathBuf {
        let mut name: OsString = video.as_os_str().to_owned();
        name.push(SIDECAR_ENDING);
        PathBuf::from(name)
    }

    /// Reads the sidecar of a video; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is not one.
    pub fn read(video: &Path) -> io::Result<Option<Self>> {
        match read_bounded(&Self::path_of(video), LARGEST) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the sidecar of a video atomically, also across a power cut.
    ///
    /// # Errors
    /// The system said no; an older one is still there.
    pub fn write(&self, video: &Path) -> io::Result<()> {
        write_private(&Self::path_of(video), &self.text()?)
    }

    /// As [`Self::write`], if there is none yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`]; or the system said no.
    pub fn write_new(&self, video: &Path) -> io::Result<()> {
        let path = Self::path_of(video);
        let mut staged = Staged::beside(&path)?;
        staged.write_all(&self.text()?)?;
        staged.place_new(&path)
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests;

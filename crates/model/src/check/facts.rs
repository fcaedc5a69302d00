//! What a medium is, as read from its header: the checks on format, bytes, sides, frame rate and
//! seconds need it.
//!
//! Facts are inputs (this crate opens no file): the caller that read the header passes them, per
//! index in `content`. A fact that is not known is `None`, and no check speaks of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ContentItem;

/// What a medium is to the service: which of its limits apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MediaKind {
    /// A still picture.
    #[default]
    Image,
    /// Moving pictures, with or without sound.
    Video,
    /// Sound alone.
    Audio,
}

impl MediaKind {
    /// The kind in one lower-case word, as in `image_url` without its end.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the bytes are, as their header says; never what a file's name says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum MediaFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// BMP.
    Bmp,
    /// TIFF.
    Tiff,
    /// GIF.
    Gif,
    /// HEIC: a HEIF file whose pictures are HEVC.
    Heic,
    /// HEIF of any other coding.
    Heif,
    /// MP4 (ISO base media).
    Mp4,
    /// QuickTime.
    Mov,
    /// RIFF WAVE.
    Wav,
    /// MPEG audio, layer 3.
    Mp3,
    /// Something else, named in lower case; empty when not recognised.
    Other(String),
}

impl MediaFormat {
    /// The name as limits write it: lower case, `jpeg` and never `jpg`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Gif => "gif",
            Self::Heic => "heic",
            Self::Heif => "heif",
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Other(name) => name,
        }
    }
}

impl Default for MediaFormat {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for MediaFormat {
    fn from(name: String) -> Self {
        match name.as_str() {
            "jpeg" | "jpg" => Self::Jpeg,
            "png" => Self::Png,
            "webp" => Self::Webp,
            "bmp" => Self::Bmp,
            "tiff" | "tif" => Self::Tiff,
            "gif" => Self::Gif,
            "heic" => Self::Heic,
            "heif" => Self::Heif,
            "mp4" => Self::Mp4,
            "mov" => Self::Mov,
            "wav" => Self::Wav,
            "mp3" => Self::Mp3,
            _ => Self::Other(name),
        }
    }
}

impl From<MediaFormat> for String {
    fn from(format: MediaFormat) -> Self {
        format.as_str().to_owned()
    }
}

impl fmt::Display for MediaFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of one medium. Set what was found; the rest stays `None`.
///
/// ```
/// use ark_video_model::check::{MediaFacts, MediaFormat, MediaKind};
///
/// let mut facts = MediaFacts::new(MediaKind::Image, MediaFormat::Png);
/// facts.width = Some(1920);
/// facts.height = Some(1080);
/// assert_eq!(facts.format.as_str(), "png");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct MediaFacts {
    /// Picture, video or sound.
    pub kind: MediaKind,
    /// What the bytes are.
    pub format: MediaFormat,
    /// Size of the file or of the decoded data, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Width in pixels, as shown (after any rotation the file asks for).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, as shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Average frames a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<f64>,
    /// Length in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Coding of the pictures, in lower case: `h264`, `h265`, `prores`, or the four letters of the
    /// file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_codec: Option<String>,
    /// Coding of the sound, in lower case: `aac`, `mp3`, `pcm`, or the four letters of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_codec: Option<String>,
    /// Why the bytes are not an image, a video or a sound at all, without a full stop; nothing else
    /// is known then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    /// What the header contradicts or leaves out, without a full stop; no field holds a value of
    /// it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

impl MediaFacts {
    /// Facts of a medium of which only kind and format are known.
    pub fn new(kind: MediaKind, format: MediaFormat) -> Self {
        Self { kind, format, ..Self::default() }
    }

    /// Facts of bytes that were meant as such a medium and are none.
    pub fn unusable(kind: MediaKind, why: impl Into<String>) -> Self {
        Self { kind, unusable: Some(why.into()), ..Self::default() }
    }
}

impl ContentItem {
    /// The kind and the URL of an image, a video or audio; `None` for every other item.
    pub fn media(&self) -> Option<(MediaKind, &str)> {
        match self {
            Self::Image(item) => Some((MediaKind::Image, &item.image_url.url)),
            Self::Video(item) => Some((MediaKind::Video, &item.video_url.url)),
            Self::Audio(item) => Some((MediaKind::Audio, &item.audio_url.url)),
            _ => None,
        }
    }
}

/// What is known of a request's media: facts by their index in `content`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Facts {
    items: BTreeMap<usize, MediaFacts>,
}

impl Facts {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what is known of `content[index]`; an earlier note of the same place is given back.
    pub fn insert(&mut self, index: usize, facts: MediaFacts) -> Option<MediaFacts> {
        self.items.insert(index, facts)
    }

    /// The same, for chaining.
    #[must_use]
    pub fn with(mut self, index: usize, facts: MediaFacts) -> Self {
        self.items.insert(index, facts);
        self
    }

    /// What is known of `content[index]`.
    pub fn get(&self, index: usize) -> Option<&MediaFacts> {
        self.items.get(&index)
    }

    /// Every place of which something is known, in the order of `content`.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &MediaFacts)> {
        self.items.iter().map(|(index, facts)| (*index, facts))
    }

    /// Whether nothing is known at all.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl FromIterator<(usize, MediaFacts)> for Facts {
    fn from_iter<I: IntoIterator<Item = (usize, MediaFacts)>>(items: I) -> Self {
        Self { items: items.into_iter().collect() }
    }
}

//! Media as users specify them, on a command line or in a shot list: `cat.png`, `video:https://…`,
//! `first:@a.jpg`. Resolves the kind, the origin and the header facts of a local file. Reads
//! headers only.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ark_video_model::{
    AudioContent, AudioRole, AudioSource, ContentItem, ImageContent, ImageRole, ImageSource, VideoContent,
    VideoRole, VideoSource,
    check::{MediaFacts, MediaKind},
};

use crate::error::begins_like;
use crate::{ProbeError, probe_file};

/// The role of an item in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaRole {
    /// The first frame of the video.
    FirstFrame,
    /// The last frame of the video.
    LastFrame,
    /// A reference for the prompt.
    Reference,
}

/// A parsed media argument that is not resolved yet.
///
/// ```
/// use ark_video_media::{MediaSpec, MediaRole};
///
/// let name = MediaSpec::parse("first:@cat.jpg");
/// assert_eq!(name.role(), Some(MediaRole::FirstFrame));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MediaSpec<'a> {
    role: Option<MediaRole>,
    kind: Option<MediaKind>,
    address: &'a str,
    /// `@` marks a file, even if the rest has the form of a URL.
    is_file: bool,
}

/// Where a medium is.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaOrigin {
    /// A URL as it goes into a request: https, `asset://` or a data URL.
    Address(String),
    /// A local file.
    File {
        /// Where it is.
        path: PathBuf,
        /// Such as `image/png`: from its header, else from its extension.
        media_type: String,
    },
}

/// A resolved media argument.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ResolvedMedia {
    /// Image, video or audio.
    pub kind: MediaKind,
    /// Its role in the request.
    pub role: MediaRole,
    /// Where it is.
    pub origin: MediaOrigin,
    /// The facts from its header; `None` for a URL, and where the header was not readable.
    pub facts: Option<MediaFacts>,
    /// Why the header of a local file was not readable, as a sentence.
    pub doubt: Option<String>,
}

/// Why a media argument could not be resolved. `shown` is the argument without secrets.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaSpecError {
    /// The file cannot be read.
    #[error("cannot read {shown}")]
    Unreadable {
        /// The file as it was named.
        shown: String,
        /// The error of the operating system.
        #[serde(serialize_with = "crate::error::as_text")]
        source: io::Error,
    },
    /// It is a folder.
    #[error("{shown} is a folder, not a file")]
    Folder {
        /// The folder as it was named.
        shown: String,
    },
    /// The file is in no supported format.
    #[error("{shown} is not an image, video or audio file that the service accepts")]
    UnsupportedFormat {
        /// The file as it was named.
        shown: String,
    },
    /// The file is empty.
    #[error("{shown} is empty")]
    Empty {
        /// The file as it was named.
        shown: String,
    },
    /// The file is of another kind than the argument states.
    #[error("{shown} is {}, not {}", with_article(*is), with_article(*expected))]
    KindMismatch {
        /// The file as it was named.
        shown: String,
        /// What it is.
        is: MediaKind,
        /// The kind in the argument.
        expected: MediaKind,
    },
    /// A URL without a recognisable kind.
    #[error("it is unknown whether the URL is an image, a video or audio")]
    KindUnknown,
    /// A frame is an image.
    #[error("takes an image, not {}", with_article(*is))]
    NotAnImage {
        /// What it is.
        is: MediaKind,
    },
}

impl MediaSpecError {
    /// The message with the system's reason, on one line.
    #[must_use]
    pub fn with_reason(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => format!("{self}: {}", reason(source)),
            _ => self.to_string(),
        }
    }

    /// What to do next; empty if the message is enough.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable { shown, .. } if shown.starts_with('~') => {
                "`~` is not expanded here: write the full path"
            }
            Self::UnsupportedFormat { .. } => {
                "images: jpeg, png, webp, bmp, tiff, gif, heic, heif; audio: wav, mp3; videos only by URL"
            }
            Self::KindUnknown => "prefix it with image:, video: or audio:",
            _ => "",
        }
    }
}

impl<'a> MediaSpec<'a> {
    /// Parses `first:@a.jpg`, `video:https://…` or `cat.png`.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut name = Self { role: None, kind: None, address: text.trim(), is_file: false };
        while let Some((word, rest)) = name.address.split_once(':') {
            match word {
                "first" if name.role.is_none() => name.role = Some(MediaRole::FirstFrame),
                "last" if name.role.is_none() => name.role = Some(MediaRole::LastFrame),
                "ref" if name.role.is_none() => name.role = Some(MediaRole::Reference),
                "image" if name.kind.is_none() => name.kind = Some(MediaKind::Image),
                "video" if name.kind.is_none() => name.kind = Some(MediaKind::Video),
                "audio" if name.kind.is_none() => name.kind = Some(MediaKind::Audio),
                _ => break,
            }
            name.address = rest;
        }
        if let Some(path) = name.address.strip_prefix('@') {
            name.address = path;
            name.is_file = !is_address(path);
        }
        name
    }

    /// The role in the argument, if it has one.
    #[must_use]
    pub fn role(&self) -> Option<MediaRole> {
        self.role
    }

    /// Resolves kind, origin and facts. Local paths are relative to `base`.
    ///
    /// # Errors
    /// See [`MediaSpecError`].
    pub fn resolve(&self, role: MediaRole, base: &Path) -> Result<ResolvedMedia, MediaSpecError> {
        let frame = role != MediaRole::Reference;
        let local = self.is_file || !is_address(self.address);
        // A frame is an image unless the URL says otherwise.
        let wanted = match self.kind {
            None if frame && !local => Some(kind_of_address(self.address).unwrap_or(MediaKind::Image)),
            None if frame => Some(MediaKind::Image),
            expected => expected,
        };
        let (kind, origin, facts, doubt) = if local {
            let path = local_path(self.address, base);
            of_file(&path, &base.join(&*path), wanted)?
        } else {
            let kind = wanted.or_else(|| kind_of_address(self.address)).ok_or(MediaSpecError::KindUnknown)?;
            (kind, MediaOrigin::Address(self.address.to_owned()), None, None)
        };
        if frame && kind != MediaKind::Image {
            return Err(MediaSpecError::NotAnImage { is: kind });
        }
        Ok(ResolvedMedia { kind, role, origin, facts, doubt })
    }
}

/// Without secrets: the query of a signed URL, the data of a data URL.
impl fmt::Display for MediaSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = match self.is_file || !is_address(self.address) {
            // In a file name these are ordinary characters.
            true => self.address,
            false => self.address.split(['?', '#']).next().unwrap_or_default(),
        };
        let bare =
            bare.split_once(";base64,").map_or(bare.to_owned(), |(head, _)| format!("{head};base64,…"));
        match bare.char_indices().nth(80) {
            Some((at, _)) => write!(f, "{}…", &bare[..at]),
            None => f.write_str(&bare),
        }
    }
}

impl fmt::Debug for MediaSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaSpec({self}, {:?}, {:?})", self.role, self.kind)
    }
}

/// A URL may be signed, or contain the data.
impl fmt::Debug for MediaOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "Address({})", MediaSpec::parse(address)),
            Self::File { path, media_type } => write!(f, "File({}, {media_type})", path.display()),
        }
    }
}

impl ResolvedMedia {
    /// Probes a local file, whatever its name is.
    ///
    /// # Errors
    /// See [`MediaSpecError`].
    pub fn of_file(path: &Path, role: MediaRole) -> Result<Self, MediaSpecError> {
        let (kind, origin, facts, doubt) = of_file(&path.display().to_string(), path, None)?;
        Ok(Self { kind, role, origin, facts, doubt })
    }

    /// The item of a request. `url` is the address, or whatever stands for a local file.
    #[must_use]
    pub fn item(&self, url: &str) -> ContentItem {
        let role = match self.role {
            MediaRole::FirstFrame => ImageRole::FirstFrame,
            MediaRole::LastFrame => ImageRole::LastFrame,
            MediaRole::Reference => ImageRole::ReferenceImage,
        };
        match self.kind {
            MediaKind::Image => ImageContent::new(ImageSource::from(url)).role(role).into(),
            MediaKind::Audio => {
                AudioContent::new(AudioSource::from(url)).role(AudioRole::ReferenceAudio).into()
            }
            _ => VideoContent::new(VideoSource::from(url)).role(VideoRole::ReferenceVideo).into(),
        }
    }
}

type Resolved = (MediaKind, MediaOrigin, Option<MediaFacts>, Option<String>);

#[expect(clippy::disallowed_methods, reason = "a folder is reported before it is opened")]
fn of_file(shown: &str, path: &Path, wanted: Option<MediaKind>) -> Result<Resolved, MediaSpecError> {
    let shown = shown.to_owned();
    if path.is_dir() {
        return Err(MediaSpecError::Folder { shown });
    }
    let unsupported = || MediaSpecError::UnsupportedFormat { shown: shown.clone() };
    let by_name = || format_of(&extension(path)).ok_or_else(unsupported);
    let (kind, format, facts, doubt) = match probe_file(path) {
        Ok(facts) => (facts.kind, facts.format.as_str().to_owned(), Some(facts), None),
        Err(ProbeError::Open { source, .. } | ProbeError::Read { source, .. }) => {
            return Err(MediaSpecError::Unreadable { shown, source });
        }
        Err(ProbeError::Empty) => return Err(MediaSpecError::Empty { shown }),
        // Unrecognised content is a fact that the checks report, as for a data URL.
        Err(ProbeError::NotRecognised { looks_like }) => {
            let (kind, format) = by_name()?;
            (kind, format.to_owned(), Some(MediaFacts::unusable(kind, begins_like(looks_like))), None)
        }
        Err(error) => {
            let by_header = match &error {
                ProbeError::Damaged { format, .. } | ProbeError::TooMuch { format, .. } => format_of(format),
                _ => None,
            };
            let (kind, format) = by_header.map_or_else(by_name, Ok)?;
            (kind, format.to_owned(), None, Some(format!("{error}. It was not measured.")))
        }
    };
    if let Some(expected) = wanted.filter(|expected| *expected != kind) {
        return Err(MediaSpecError::KindMismatch { shown, is: kind, expected });
    }
    let origin = MediaOrigin::File { path: path.to_owned(), media_type: format!("{kind}/{format}") };
    Ok((kind, origin, facts, doubt))
}

/// The operating system's message, without the error number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("data:") || (text.contains("://") && file_url(text).is_none())
}

/// The path of a `file://` URL.
fn file_url(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("file://".len())?;
    scheme.eq_ignore_ascii_case("file://").then_some(rest)
}

/// The path of a name or a `file://` URL. Percent-escapes are decoded unless a file of that literal
/// name exists.
#[expect(clippy::disallowed_methods, reason = "whether escapes are decoded depends on which file exists")]
fn local_path<'a>(text: &'a str, base: &Path) -> Cow<'a, str> {
    let Some(path) = file_url(text) else { return Cow::Borrowed(text) };
    let path = path.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let path = if cfg!(windows) { path.strip_prefix('/').unwrap_or(path) } else { path };
    if base.join(path).exists() { Cow::Borrowed(path) } else { unescaped(path) }
}

/// Decodes `%20` and other escapes of a path.
fn unescaped(path: &str) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(path), Cow::Owned)
}

fn with_article(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "an image",
        MediaKind::Video => "a video",
        _ => "a sound",
    }
}

/// The kind that a URL states: the media type of a data URL, else the extension.
fn kind_of_address(address: &str) -> Option<MediaKind> {
    if let Some(data) = address.strip_prefix("data:") {
        let kinds =
            [("image/", MediaKind::Image), ("video/", MediaKind::Video), ("audio/", MediaKind::Audio)];
        return kinds.iter().find(|(start, _)| data.starts_with(start)).map(|(_, kind)| *kind);
    }
    let path = address.split(['?', '#']).next().unwrap_or_default();
    format_of(&extension(Path::new(path))).map(|(kind, _)| kind)
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// Kind and media subtype of a file extension or format name.
fn format_of(ending: &str) -> Option<(MediaKind, &'static str)> {
    Some(match ending {
        "jpg" | "jpeg" => (MediaKind::Image, "jpeg"),
        "png" => (MediaKind::Image, "png"),
        "webp" => (MediaKind::Image, "webp"),
        "bmp" => (MediaKind::Image, "bmp"),
        "tif" | "tiff" => (MediaKind::Image, "tiff"),
        "gif" => (MediaKind::Image, "gif"),
        "heic" => (MediaKind::Image, "heic"),
        "heif" => (MediaKind::Image, "heif"),
        "wav" => (MediaKind::Audio, "wav"),
        "mp3" => (MediaKind::Audio, "mp3"),
        "mov" => (MediaKind::Video, "mov"),
        "mp4" | "m4v" | "webm" | "mkv" | "avi" => (MediaKind::Video, "mp4"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_signature_nor_data_is_shown() {
        let name = MediaSpec::parse("audio:ref:https://h/a.mp3?X-Tos-Signature=SECRET");
        let resolved = name.resolve(MediaRole::Reference, Path::new("")).unwrap();
        assert_eq!(name.to_string(), "https://h/a.mp3");
        let shown = format!("{name:?} {resolved:?} {:?}", MediaSpec::parse("data:image/png;base64,SECRET"));
        assert!(!shown.contains("SECRET"), "{shown}");
    }

    #[test]
    fn files_are_found_by_the_names_that_people_write() {
        let folder = tempfile::tempdir().unwrap();
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\0\0\0\x03\0\x08\x02\0\0\0\0\0\0\0";
        for name in ["a b.png", "猫#1.png", "50%.png", "what?.png"] {
            if std::fs::write(folder.path().join(name), png).is_err() {
                continue;
            }
            let escaped =
                name.replace('%', "%25").replace(' ', "%20").replace('#', "%23").replace('?', "%3F");
            let at = folder.path().display();
            for text in [
                name.to_owned(),
                format!("@{name}"),
                format!("file://{at}/{escaped}"),
                format!("FILE://localhost{at}/{escaped}"),
                format!("file://{at}/{name}"),
            ] {
                let resolved = MediaSpec::parse(&text).resolve(MediaRole::Reference, folder.path());
                let resolved = resolved.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(resolved.facts.and_then(|facts| facts.width), Some(1024), "{text}");
            }
            assert_eq!(MediaSpec::parse(name).to_string(), name);
        }
        let missing = MediaSpec::parse("~/a#1.png").resolve(MediaRole::Reference, folder.path()).unwrap_err();
        assert_eq!(missing.with_reason(), "cannot read ~/a#1.png: there is no such file");
        assert_eq!(missing.advice(), "`~` is not expanded here: write the full path");
    }

    #[test]
    fn places_are_taken_from_the_prefix() {
        assert_eq!(MediaSpec::parse("first:@a.jpg").role(), Some(MediaRole::FirstFrame));
        assert_eq!(MediaSpec::parse("last:image:@b.jpg").role(), Some(MediaRole::LastFrame));
        assert_eq!(MediaSpec::parse("ref:@c.mp4").role(), Some(MediaRole::Reference));
        assert_eq!(MediaSpec::parse("https://first:1/x").role(), None);
    }

    #[test]
    fn an_item_has_the_role_of_its_place() {
        let role = |text: &str, role| {
            let resolved = MediaSpec::parse(text).resolve(role, Path::new("")).unwrap();
            serde_json::to_value(resolved.item("u")).unwrap()["role"].clone()
        };
        assert_eq!(role("https://h/a.png", MediaRole::FirstFrame), "first_frame");
        assert_eq!(role("https://h/a", MediaRole::LastFrame), "last_frame");
        assert_eq!(role("https://h/a.mov", MediaRole::Reference), "reference_video");
        assert_eq!(role("audio:asset://1", MediaRole::Reference), "reference_audio");
    }
}

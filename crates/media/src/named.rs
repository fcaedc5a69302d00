//! Media as people name them, on a command line or in a list: `cat.png`, `video:https://…`, `first:@a.jpg`. Says what
//! kind one is, where it is, and what a local file is by its header. A file's content is not read here.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ark_video_model::{
    AudioContent, AudioRole, AudioSource, ContentItem, ImageContent, ImageRole, ImageSource, MediaFacts,
    MediaKind, VideoContent, VideoRole, VideoSource,
};

use crate::error::begins_like;
use crate::{ProbeError, probe_file};

/// What an item of a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaPlace {
    /// The film starts with it.
    FirstFrame,
    /// The film ends with it.
    LastFrame,
    /// The prompt refers to it.
    Reference,
}

/// A medium as it was named, taken apart but not yet looked at.
///
/// ```
/// use ark_video_media::{MediaName, MediaPlace};
///
/// let name = MediaName::parse("first:@cat.jpg");
/// assert_eq!(name.place(), Some(MediaPlace::FirstFrame));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MediaName<'a> {
    place: Option<MediaPlace>,
    kind: Option<MediaKind>,
    address: &'a str,
    /// An `@` says that it is a file, whatever it looks like.
    is_file: bool,
}

/// Where a medium is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaOrigin {
    /// An address as it goes into a request: https, `asset://` or a data URL.
    Address(String),
    /// A local file.
    File {
        /// Where it is.
        path: PathBuf,
        /// `image/png`, by its header where that tells, else by its name.
        media_type: String,
    },
}

/// A medium that was looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NamedMedium {
    /// Picture, film or sound.
    pub kind: MediaKind,
    /// What it is for.
    pub place: MediaPlace,
    /// Where it is.
    pub origin: MediaOrigin,
    /// What its header says; `None` for an address, and where the header told nothing.
    pub facts: Option<MediaFacts>,
    /// Why a local file's header told nothing, as a sentence.
    pub doubt: Option<String>,
}

/// Why a name stands for no medium. The name itself is shown without what may be secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The file cannot be read.
    #[error("{shown} cannot be read: {}", reason(source))]
    Unreadable {
        /// The file as it was named.
        shown: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder.
    #[error("{shown} is a folder, not a file")]
    Folder {
        /// The folder as it was named.
        shown: String,
    },
    /// It is something else altogether.
    #[error("{shown} is no image, video or sound that the service takes")]
    NoMedium {
        /// The file as it was named.
        shown: String,
    },
    /// There is nothing in it.
    #[error("{shown} is empty")]
    Empty {
        /// The file as it was named.
        shown: String,
    },
    /// The name says another kind than the file is.
    #[error("{shown} is {}, not {}", with_article(*is), with_article(*said))]
    OtherKind {
        /// The file as it was named.
        shown: String,
        /// What it is.
        is: MediaKind,
        /// What the name says.
        said: MediaKind,
    },
    /// An address that tells no kind.
    #[error("nothing in the address tells whether it is an image, a video or a sound")]
    KindUnknown,
    /// A frame is an image.
    #[error("takes an image, not {}", with_article(*is))]
    NoFrame {
        /// What it is.
        is: MediaKind,
    },
}

impl NameError {
    /// What to do about it; empty where the sentence says all.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable { shown, .. } if shown.starts_with('~') => {
                "`~` is not expanded here: write the folder in full"
            }
            Self::NoMedium { .. } => {
                "images: jpeg, png, webp, bmp, tiff, gif, heic, heif; sounds: wav, mp3; videos only by URL"
            }
            Self::KindUnknown => "write image:, video: or audio: before it",
            _ => "",
        }
    }
}

impl<'a> MediaName<'a> {
    /// Takes `first:@a.jpg`, `video:https://…`, `cat.png` apart.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let mut name = Self { place: None, kind: None, address: text.trim(), is_file: false };
        while let Some((word, rest)) = name.address.split_once(':') {
            match word {
                "first" if name.place.is_none() => name.place = Some(MediaPlace::FirstFrame),
                "last" if name.place.is_none() => name.place = Some(MediaPlace::LastFrame),
                "ref" if name.place.is_none() => name.place = Some(MediaPlace::Reference),
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

    /// What the name says that it is for, if it says.
    #[must_use]
    pub fn place(&self) -> Option<MediaPlace> {
        self.place
    }

    /// Finds out what it is. Local files are looked for from the folder `base`.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn look(&self, place: MediaPlace, base: &Path) -> Result<NamedMedium, NameError> {
        let frame = place != MediaPlace::Reference;
        let local = self.is_file || !is_address(self.address);
        // What a frame is needs no telling, unless the address says something else.
        let wanted = match self.kind {
            None if frame && !local => Some(kind_of_address(self.address).unwrap_or(MediaKind::Image)),
            None if frame => Some(MediaKind::Image),
            said => said,
        };
        let (kind, origin, facts, doubt) = if local {
            let path = local_path(self.address, base);
            of_file(&path, &base.join(&*path), wanted)?
        } else {
            let kind = wanted.or_else(|| kind_of_address(self.address)).ok_or(NameError::KindUnknown)?;
            (kind, MediaOrigin::Address(self.address.to_owned()), None, None)
        };
        if frame && kind != MediaKind::Image {
            return Err(NameError::NoFrame { is: kind });
        }
        Ok(NamedMedium { kind, place, origin, facts, doubt })
    }
}

/// Without what may be secret: the query of a signed address, the data of a data URL.
impl fmt::Display for MediaName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = match self.is_file || !is_address(self.address) {
            // In a file's name these are letters as any.
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

impl fmt::Debug for MediaName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaName({self}, {:?}, {:?})", self.place, self.kind)
    }
}

/// An address may be signed, or be the data.
impl fmt::Debug for MediaOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "Address({})", MediaName::parse(address)),
            Self::File { path, media_type } => write!(f, "File({}, {media_type})", path.display()),
        }
    }
}

impl NamedMedium {
    /// Looks at a local file, whatever its name looks like.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn of_file(path: &Path, place: MediaPlace) -> Result<Self, NameError> {
        let (kind, origin, facts, doubt) = of_file(&path.display().to_string(), path, None)?;
        Ok(Self { kind, place, origin, facts, doubt })
    }

    /// The item of a request. `url` is the address, or whatever stands for a local file.
    #[must_use]
    pub fn item(&self, url: &str) -> ContentItem {
        let role = match self.place {
            MediaPlace::FirstFrame => ImageRole::FirstFrame,
            MediaPlace::LastFrame => ImageRole::LastFrame,
            MediaPlace::Reference => ImageRole::ReferenceImage,
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

type Looked = (MediaKind, MediaOrigin, Option<MediaFacts>, Option<String>);

#[expect(clippy::disallowed_methods, reason = "whether a name is a folder is asked before it is opened")]
fn of_file(shown: &str, path: &Path, wanted: Option<MediaKind>) -> Result<Looked, NameError> {
    let shown = shown.to_owned();
    if path.is_dir() {
        return Err(NameError::Folder { shown });
    }
    let none = || NameError::NoMedium { shown: shown.clone() };
    let by_name = || format_of(&ending(path)).ok_or_else(none);
    let (kind, format, facts, doubt) = match probe_file(path) {
        Ok(facts) => (facts.kind, facts.format.as_str().to_owned(), Some(facts), None),
        Err(ProbeError::Open { source, .. } | ProbeError::Read { source, .. }) => {
            return Err(NameError::Unreadable { shown, source });
        }
        Err(ProbeError::Empty) => return Err(NameError::Empty { shown }),
        // What was meant as a medium is measured: that it is none is found as it is in a data URL.
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
            (kind, format.to_owned(), None, Some(format!("{error}. It could not be measured.")))
        }
    };
    if let Some(said) = wanted.filter(|said| *said != kind) {
        return Err(NameError::OtherKind { shown, is: kind, said });
    }
    let origin = MediaOrigin::File { path: path.to_owned(), media_type: format!("{kind}/{format}") };
    Ok((kind, origin, facts, doubt))
}

/// The system's reason, without the number.
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

/// What stands behind `file://`.
fn file_url(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("file://".len())?;
    scheme.eq_ignore_ascii_case("file://").then_some(rest)
}

/// The path that a name or a `file://` address means: its escapes are those of addresses, unless there is a file that is
/// called so.
#[expect(clippy::disallowed_methods, reason = "what a name means depends on which file there is")]
fn local_path<'a>(text: &'a str, base: &Path) -> Cow<'a, str> {
    let Some(path) = file_url(text) else { return Cow::Borrowed(text) };
    let path = path.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let path = if cfg!(windows) { path.strip_prefix('/').unwrap_or(path) } else { path };
    if base.join(path).exists() { Cow::Borrowed(path) } else { unescaped(path) }
}

/// A path with `%20` and its like read as the bytes that they are.
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

/// What an address says of itself: the media type of a data URL, the ending of any other.
fn kind_of_address(address: &str) -> Option<MediaKind> {
    if let Some(data) = address.strip_prefix("data:") {
        let kinds =
            [("image/", MediaKind::Image), ("video/", MediaKind::Video), ("audio/", MediaKind::Audio)];
        return kinds.iter().find(|(start, _)| data.starts_with(start)).map(|(_, kind)| *kind);
    }
    let path = address.split(['?', '#']).next().unwrap_or_default();
    format_of(&ending(Path::new(path))).map(|(kind, _)| kind)
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// Kind and the word of a data URL that an ending, or the name of a format, means.
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
        let name = MediaName::parse("audio:ref:https://h/a.mp3?X-Tos-Signature=SECRET");
        let looked = name.look(MediaPlace::Reference, Path::new("")).unwrap();
        assert_eq!(name.to_string(), "https://h/a.mp3");
        let shown = format!("{name:?} {looked:?} {:?}", MediaName::parse("data:image/png;base64,SECRET"));
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
                let looked = MediaName::parse(&text).look(MediaPlace::Reference, folder.path());
                let looked = looked.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(looked.facts.and_then(|facts| facts.width), Some(1024), "{text}");
            }
            assert_eq!(MediaName::parse(name).to_string(), name);
        }
        let missing = MediaName::parse("~/a#1.png").look(MediaPlace::Reference, folder.path()).unwrap_err();
        assert_eq!(missing.to_string(), "~/a#1.png cannot be read: there is no such file");
        assert_eq!(missing.advice(), "`~` is not expanded here: write the folder in full");
    }

    #[test]
    fn places_are_taken_from_the_prefix() {
        assert_eq!(MediaName::parse("first:@a.jpg").place(), Some(MediaPlace::FirstFrame));
        assert_eq!(MediaName::parse("last:image:@b.jpg").place(), Some(MediaPlace::LastFrame));
        assert_eq!(MediaName::parse("ref:@c.mp4").place(), Some(MediaPlace::Reference));
        assert_eq!(MediaName::parse("https://first:1/x").place(), None);
    }

    #[test]
    fn an_item_has_the_role_of_its_place() {
        let role = |text: &str, place| {
            let looked = MediaName::parse(text).look(place, Path::new("")).unwrap();
            serde_json::to_value(looked.item("u")).unwrap()["role"].clone()
        };
        assert_eq!(role("https://h/a.png", MediaPlace::FirstFrame), "first_frame");
        assert_eq!(role("https://h/a", MediaPlace::LastFrame), "last_frame");
        assert_eq!(role("https://h/a.mov", MediaPlace::Reference), "reference_video");
        assert_eq!(role("audio:asset://1", MediaPlace::Reference), "reference_audio");
    }
}

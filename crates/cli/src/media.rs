//! Images, videos and sounds as they are named on the command line: what kind, from where, and what a local file is by its
//! header. A file's content is not read here: it goes from the disk onto the wire. Sends nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::model::{
    AudioContent, AudioRole, AudioSource, ContentItem, ImageContent, ImageRole, ImageSource, MediaFacts,
    MediaKind, VideoContent, VideoRole, VideoSource,
};
use ark_video::{Attachments, FileSource};
use ark_video_media::{ProbeError, probe_file};

use crate::exit::Exit;
use crate::failure::Failure;

/// An item of a request, and what is known of its medium.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) item: ContentItem,
    /// How messages call it: `--ref hero.mov`.
    pub(crate) name: String,
    pub(crate) facts: Option<MediaFacts>,
    /// Why its header told nothing, as a sentence.
    pub(crate) doubt: Option<String>,
}

/// What an item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    FirstFrame,
    LastFrame,
    Reference,
}

/// One `--ref`, `--first-frame` or `--last-frame`, taken apart but not yet read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named<'a> {
    pub(crate) place: Option<Place>,
    kind: Option<MediaKind>,
    address: &'a str,
    /// An `@` says that it is a file, whatever it looks like.
    is_file: bool,
}

impl<'a> Named<'a> {
    /// Takes `first:@a.jpg`, `video:https://…`, `cat.png` apart.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut named = Self { place: None, kind: None, address: text.trim(), is_file: false };
        while let Some((word, rest)) = named.address.split_once(':') {
            match word {
                "first" if named.place.is_none() => named.place = Some(Place::FirstFrame),
                "last" if named.place.is_none() => named.place = Some(Place::LastFrame),
                "ref" if named.place.is_none() => named.place = Some(Place::Reference),
                "image" if named.kind.is_none() => named.kind = Some(MediaKind::Image),
                "video" if named.kind.is_none() => named.kind = Some(MediaKind::Video),
                "audio" if named.kind.is_none() => named.kind = Some(MediaKind::Audio),
                _ => break,
            }
            named.address = rest;
        }
        if let Some(path) = named.address.strip_prefix('@') {
            named.address = path;
            named.is_file = !is_address(path);
        }
        named
    }

    /// Finds out what it is. `flag` is what the user typed, for messages; a local file is noted in `files`.
    pub(crate) fn look(
        &self,
        flag: &str,
        place: Place,
        cwd: &Path,
        files: &mut Attachments,
    ) -> Result<Found, Failure> {
        let frame = place != Place::Reference;
        let local = self.is_file || !is_address(self.address);
        // What a frame is needs no telling, unless the address says something else.
        let wanted = match self.kind {
            None if frame && !local => Some(kind_of_address(self.address).unwrap_or(MediaKind::Image)),
            None if frame => Some(MediaKind::Image),
            said => said,
        };
        let named = Self { kind: wanted, ..self.clone() };
        let (kind, url, facts, doubt) = match local {
            false => (named.kind_of_address(flag)?, self.address.to_owned(), None, None),
            true => {
                let path = self.address.strip_prefix("file://").unwrap_or(self.address);
                named.of_file(flag, path, &cwd.join(path), files)?
            }
        };
        let role = match place {
            Place::FirstFrame => ImageRole::FirstFrame,
            Place::LastFrame => ImageRole::LastFrame,
            Place::Reference => ImageRole::ReferenceImage,
        };
        let item = match kind {
            MediaKind::Image => ImageContent::new(ImageSource::from(url)).role(role).into(),
            _ if frame => {
                return Err(wrong(format!("{flag} takes an image, not {}", with_article(kind))));
            }
            MediaKind::Audio => {
                AudioContent::new(AudioSource::from(url)).role(AudioRole::ReferenceAudio).into()
            }
            _ => VideoContent::new(VideoSource::from(url)).role(VideoRole::ReferenceVideo).into(),
        };
        Ok(Found { item, name: format!("{flag} {}", self.shown()), facts, doubt })
    }

    fn kind_of_address(&self, flag: &str) -> Result<MediaKind, Failure> {
        self.kind.or_else(|| kind_of_address(self.address)).ok_or_else(|| {
            wrong(format!("{flag}: nothing in the address tells whether it is an image, a video or a sound"))
                .hint("write image:, video: or audio: before it")
        })
    }

    /// Without what may be secret: the query of a signed address, the data of a data URL.
    fn shown(&self) -> String {
        let bare = self.address.split(['?', '#']).next().unwrap_or_default();
        let bare =
            bare.split_once(";base64,").map_or(bare.to_owned(), |(head, _)| format!("{head};base64,…"));
        match bare.char_indices().nth(80) {
            Some((at, _)) => format!("{}…", &bare[..at]),
            None => bare,
        }
    }

    fn of_file(
        &self,
        flag: &str,
        shown: &str,
        path: &Path,
        files: &mut Attachments,
    ) -> Result<(MediaKind, String, Option<MediaFacts>, Option<String>), Failure> {
        let unreadable = |error: &std::io::Error| {
            Failure::new(Exit::Input, format!("{flag}: {shown} cannot be read: {}", reason(error)))
                .hint("nothing was sent")
        };
        if path.is_dir() {
            return Err(Failure::new(Exit::Input, format!("{flag}: {shown} is a folder, not a file")));
        }
        let none = || {
            wrong(format!("{flag}: {shown} is no image, video or sound that the service takes")).hint(FORMATS)
        };
        let by_name = || format_of(&ending(path)).ok_or_else(none);
        let (kind, format, facts, doubt) = match probe_file(path) {
            Ok(facts) => (facts.kind, facts.format.as_str().to_owned(), Some(facts), None),
            Err(ProbeError::Open { source, .. } | ProbeError::Read { source, .. }) => {
                return Err(unreadable(&source));
            }
            Err(ProbeError::Empty) => return Err(wrong(format!("{flag}: {shown} is empty"))),
            Err(ProbeError::NotRecognised { looks_like: Some(_) }) => return Err(none()),
            Err(error) => {
                let by_header = match &error {
                    ProbeError::Damaged { format, .. } | ProbeError::TooMuch { format, .. } => {
                        format_of(format)
                    }
                    _ => None,
                };
                let (kind, format) = by_header.map_or_else(by_name, Ok)?;
                (kind, format.to_owned(), None, Some(format!("{error}. It could not be measured.")))
            }
        };
        if let Some(named) = self.kind.filter(|named| *named != kind) {
            return Err(wrong(format!(
                "{flag}: {shown} is {}, not {}",
                with_article(kind),
                with_article(named)
            )));
        }
        let source = FileSource::new(path).map_err(|error| unreadable(&error))?;
        let url = files.source(&format!("{kind}/{format}"), Arc::new(source));
        Ok((kind, url, facts, doubt))
    }
}

/// Reads a file that the user named, or says why not.
pub(crate) fn read_file(what: &str, shown: &str, cwd: &Path) -> Result<Vec<u8>, Failure> {
    let path: PathBuf = cwd.join(shown);
    if path.is_dir() {
        return Err(Failure::new(Exit::Input, format!("{what} {shown} is a folder, not a file")));
    }
    std::fs::read(path).map_err(|error| {
        Failure::new(Exit::Input, format!("{what} {shown} cannot be read: {}", reason(&error)))
    })
}

/// The system's reason, without the number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

const FORMATS: &str =
    "images: jpeg, png, webp, bmp, tiff, gif, heic, heif; sounds: wav, mp3; videos only by URL";

fn wrong(message: String) -> Failure {
    Failure::new(Exit::Request, message)
}

fn is_address(text: &str) -> bool {
    text.starts_with("data:") || (text.contains("://") && !text.starts_with("file://"))
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
#[path = "media_tests.rs"]
mod tests;

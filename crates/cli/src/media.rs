//! Images, videos and sounds as they are named on the command line: what kind, from where, and small local files as data
//! URLs. Reads files; sends nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ark_video::model::{AudioSource, ImageSource, VideoSource};
use infer::MatcherType;

use crate::exit::Exit;
use crate::failure::Failure;

/// Largest image taken (create page, 2026-10: below 30 MB; whether that means 10^6 or 2^20 is not said).
const IMAGE_LIMIT: u64 = 30 << 20;
/// Largest sound taken (create page, 2026-10: 15 MB).
const AUDIO_LIMIT: u64 = 15 << 20;

/// A source of a known kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Media {
    Image(ImageSource),
    Video(VideoSource),
    Audio(AudioSource),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Audio,
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
    kind: Option<Kind>,
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
                "image" if named.kind.is_none() => named.kind = Some(Kind::Image),
                "video" if named.kind.is_none() => named.kind = Some(Kind::Video),
                "audio" if named.kind.is_none() => named.kind = Some(Kind::Audio),
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

    /// Finds out the kind and, for a local file, its content. `flag` is what the user typed, for messages.
    pub(crate) fn read(&self, flag: &str, cwd: &Path) -> Result<Media, Failure> {
        if !self.is_file && is_address(self.address) {
            return self.of_address(flag);
        }
        let path = self.address.strip_prefix("file://").unwrap_or(self.address);
        self.of_file(flag, path, &cwd.join(path))
    }

    /// As [`Named::read`], for a flag that takes images only.
    pub(crate) fn read_image(&self, flag: &str, cwd: &Path) -> Result<ImageSource, Failure> {
        let said =
            if self.is_file || !is_address(self.address) { None } else { kind_of_address(self.address) };
        let kind = self.kind.or(said).unwrap_or(Kind::Image);
        let as_image = Self { kind: Some(kind), ..self.clone() };
        match as_image.read(flag, cwd)? {
            Media::Image(source) => Ok(source),
            Media::Video(_) => Err(wrong(format!("{flag} takes an image, not a video"))),
            Media::Audio(_) => Err(wrong(format!("{flag} takes an image, not a sound"))),
        }
    }

    fn of_address(&self, flag: &str) -> Result<Media, Failure> {
        let address = self.address;
        match self.kind.or_else(|| kind_of_address(address)) {
            Some(Kind::Video) if address.starts_with("data:") => Err(local_video(flag, "a data URL")),
            Some(Kind::Image) => Ok(Media::Image(address.into())),
            Some(Kind::Video) => Ok(Media::Video(address.into())),
            Some(Kind::Audio) => Ok(Media::Audio(address.into())),
            None => Err(wrong(format!(
                "{flag}: nothing in the address tells whether it is an image, a video or a sound"
            ))
            .hint("write image:, video: or audio: before it")),
        }
    }

    fn of_file(&self, flag: &str, shown: &str, path: &Path) -> Result<Media, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::new(Exit::Input, format!("{flag}: {shown} cannot be read: {}", reason(&error)))
                .hint("nothing was sent")
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Failure::new(Exit::Input, format!("{flag}: {shown} is a folder, not a file")));
        }
        let mut bytes = Vec::new();
        file.by_ref().take(8192).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.is_empty() {
            return Err(wrong(format!("{flag}: {shown} is empty")));
        }
        let (kind, format) = identify(&bytes, path).ok_or_else(|| {
            wrong(format!("{flag}: {shown} is no image, video or sound that the service takes")).hint(FORMATS)
        })?;
        if let Some(named) = self.kind.filter(|named| *named != kind) {
            return Err(wrong(format!(
                "{flag}: {shown} is {}, not {}",
                with_article(kind),
                with_article(named)
            )));
        }
        let limit = match kind {
            Kind::Image => IMAGE_LIMIT,
            Kind::Audio => AUDIO_LIMIT,
            Kind::Video => return Err(local_video(flag, shown)),
        };
        if metadata.len() > limit {
            let message = format!(
                "{flag}: {shown} has {} bytes; the service takes {} of at most {limit} ({} MiB)",
                metadata.len(),
                with_article(kind),
                limit >> 20
            );
            return Err(wrong(message)
                .hint("make it smaller, or give it by a public https URL within the same limit"));
        }
        file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(match kind {
            Kind::Audio => Media::Audio(AudioSource::data(format, &bytes)),
            _ => Media::Image(ImageSource::data(format, &bytes)),
        })
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

fn local_video(flag: &str, shown: &str) -> Failure {
    wrong(format!("{flag}: {shown} is a video, and the service takes videos only by address, not inside the request"))
        .hint("put it where anybody can fetch it and give the https URL, or upload it as an asset and give asset://ID")
}

fn is_address(text: &str) -> bool {
    text.starts_with("data:") || (text.contains("://") && !text.starts_with("file://"))
}

fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => "an image",
        Kind::Video => "a video",
        Kind::Audio => "a sound",
    }
}

/// Kind and the format word of a data URL: by content, and where that says nothing, by ending.
fn identify(start: &[u8], path: &Path) -> Option<(Kind, &'static str)> {
    if let Some(found) = infer::get(start) {
        return match found.matcher_type() {
            MatcherType::Video => Some((Kind::Video, "mp4")),
            MatcherType::Image | MatcherType::Audio => format_of(found.extension()),
            _ => None,
        };
    }
    format_of(&ending(path))
}

/// What an address says of itself: the media type of a data URL, the ending of any other.
fn kind_of_address(address: &str) -> Option<Kind> {
    if let Some(data) = address.strip_prefix("data:") {
        let kinds = [("image/", Kind::Image), ("video/", Kind::Video), ("audio/", Kind::Audio)];
        return kinds.iter().find(|(start, _)| data.starts_with(start)).map(|(_, kind)| *kind);
    }
    let path = address.split(['?', '#']).next().unwrap_or_default();
    format_of(&ending(Path::new(path))).map(|(kind, _)| kind)
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn format_of(ending: &str) -> Option<(Kind, &'static str)> {
    Some(match ending {
        "jpg" | "jpeg" => (Kind::Image, "jpeg"),
        "png" => (Kind::Image, "png"),
        "webp" => (Kind::Image, "webp"),
        "bmp" => (Kind::Image, "bmp"),
        "tif" | "tiff" => (Kind::Image, "tiff"),
        "gif" => (Kind::Image, "gif"),
        "heic" => (Kind::Image, "heic"),
        "heif" => (Kind::Image, "heif"),
        "wav" => (Kind::Audio, "wav"),
        "mp3" => (Kind::Audio, "mp3"),
        "mp4" | "mov" | "m4v" | "webm" | "mkv" | "avi" => (Kind::Video, "mp4"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2";

    fn read(text: &str, cwd: &Path) -> Result<Media, Failure> {
        Named::parse(text).read("--ref", cwd)
    }

    fn url(media: &Media) -> &str {
        match media {
            Media::Image(source) => source.as_str(),
            Media::Video(source) => source.as_str(),
            Media::Audio(source) => source.as_str(),
        }
    }

    #[test]
    fn addresses_tell_their_kind_or_are_told() {
        let cases = [
            ("https://h/a.JPG?x=1.mp3", "image"),
            ("https://h/a.mp4#t", "video"),
            ("@https://h/a.wav", "audio"),
            ("image:asset://asset-1", "image"),
            ("ref:video:https://h/a", "video"),
            ("audio:ref:https://h/a", "audio"),
            ("data:image/png;base64,AA==", "image"),
            ("data:audio/mp3;base64,AA==", "audio"),
        ];
        for (text, kind) in cases {
            let read = read(text, Path::new("")).unwrap();
            let is = match read {
                Media::Image(_) => "image",
                Media::Video(_) => "video",
                Media::Audio(_) => "audio",
            };
            assert_eq!(is, kind, "{text}");
        }
        for text in ["asset://asset-1", "https://h/a", "data:text/plain,x"] {
            assert_eq!(read(text, Path::new("")).unwrap_err().exit, Exit::Request, "{text}");
        }
    }

    #[test]
    fn places_are_taken_from_the_prefix() {
        assert_eq!(Named::parse("first:@a.jpg").place, Some(Place::FirstFrame));
        assert_eq!(Named::parse("last:image:@b.jpg").place, Some(Place::LastFrame));
        assert_eq!(Named::parse("ref:@c.mp4").place, Some(Place::Reference));
        assert_eq!(Named::parse("https://first:1/x").place, None);
    }

    #[test]
    fn local_images_and_sounds_become_data_urls_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("a.jpg", PNG);
        write("b.mp3", b"no known start");
        write("c.wav", b"RIFF\0\0\0\0WAVEfmt ");
        let start =
            |name: &str| url(&read(name, folder.path()).unwrap()).split(',').next().unwrap().to_owned();
        assert_eq!(start("a.jpg"), "data:image/png;base64");
        assert_eq!(start("@b.mp3"), "data:audio/mp3;base64");
        assert_eq!(start("audio:c.wav"), "data:audio/wav;base64");
    }

    #[test]
    fn what_cannot_go_into_a_request_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("clip.mp4", MP4);
        write("page.pdf", b"%PDF-1.7");
        write("empty.png", b"");
        write("cat.png", PNG);
        File::create(folder.path().join("huge.png")).unwrap().set_len(IMAGE_LIMIT + 1).unwrap();
        let fails = |text: &str| {
            let failure = read(text, folder.path()).unwrap_err();
            format!("{} {}", failure.exit.code(), failure.message)
        };
        insta::assert_snapshot!(fails("clip.mp4"), @"4 --ref: clip.mp4 is a video, and the service takes videos only by address, not inside the request");
        insta::assert_snapshot!(fails("page.pdf"), @"4 --ref: page.pdf is no image, video or sound that the service takes");
        insta::assert_snapshot!(fails("empty.png"), @"4 --ref: empty.png is empty");
        insta::assert_snapshot!(fails("audio:cat.png"), @"4 --ref: cat.png is an image, not a sound");
        insta::assert_snapshot!(fails("huge.png"), @"4 --ref: huge.png has 31457281 bytes; the service takes an image of at most 31457280 (30 MiB)");
        insta::assert_snapshot!(fails("none.png"), @"5 --ref: none.png cannot be read: there is no such file");
        insta::assert_snapshot!(fails("@."), @"5 --ref: . is a folder, not a file");
    }
}

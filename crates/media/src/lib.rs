//! Reads the header of an image, video or audio file.
//!
//! The service has limits on format, bytes, sides, area, frame rate and seconds, and finds out
//! late. These functions say what a local file or a data URL is before anything is sent. They
//! decode nothing, never hold more than a few kilobytes and never read more than [`MOST_READ`]
//! bytes, whatever the size of the file and whatever its headers claim.
//!
//! ```
//! use ark_video_media::probe_data_url;
//! use ark_video_model::check::MediaFormat;
//!
//! let facts = probe_data_url("data:image/gif;base64,R0lGODlhIAMgA4AAAAAAAP///w==")?;
//! assert_eq!(facts.format, MediaFormat::Gif);
//! assert_eq!((facts.width, facts.height), (Some(800), Some(800)));
//! # Ok::<(), ark_video_media::ProbeError>(())
//! ```
//!
//! - The bytes decide, never a name or a declared type.
//! - Sides are as shown: JPEG and TIFF orientation, the rotation of a HEIF image and of a video
//!   track are applied. Orientation in PNG (`eXIf`) and WebP (`EXIF`) is not read: cameras do not
//!   write it and viewers differ.
//! - What a header does not say is `None`: the length of a fragmented video without one, of an MP3
//!   in free format.
//! - A known format that the service does not take (AVIF, WebM, FLAC) is not an error: its name is
//!   in [`MediaFormat::Other`](ark_video_model::check::MediaFormat::Other) and nothing but its
//!   bytes are known.
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod complete;
mod data_url;
mod error;
mod file;
mod heif;
mod images;
mod isobmff;
mod jpeg;
mod media_spec;
mod movie;
mod mp3;
mod sample_entry;
mod sniff;
mod source;
mod tiff;
mod wav;

use std::io::{Cursor, Read, Seek};

use ark_video_model::{
    CreateTaskRequest,
    check::{Facts, MediaFacts, MediaKind},
};

pub use complete::{Complete, check_complete};
pub use error::ProbeError;
pub use file::probe_file;
pub use media_spec::{MediaOrigin, MediaRole, MediaSpec, MediaSpecError, ResolvedMedia};
pub use source::MOST_READ;

/// Reads the facts of the medium in `reader`, from its first byte wherever the reader stands. Where
/// the reader stands afterwards is not said.
///
/// # Errors
/// See [`ProbeError`]: the reader failed, nothing known begins so, or the header is damaged.
pub fn probe(reader: &mut (impl Read + Seek)) -> Result<MediaFacts, ProbeError> {
    sniff::facts(&mut source::Source::open(reader)?)
}

/// Reads the facts of the medium in memory.
///
/// # Errors
/// As [`probe`].
pub fn probe_bytes(bytes: &[u8]) -> Result<MediaFacts, ProbeError> {
    probe(&mut Cursor::new(bytes))
}

/// Reads the facts of the medium in a `data:` URL with base64; only the parts of the text that are
/// read are decoded. `bytes` is the size of the decoded data. The declared type is not
/// compared with what the data is.
///
/// # Errors
/// [`ProbeError::DataUrl`] when the text is no such URL or a part that was read is not valid
/// base64; else as [`probe`].
pub fn probe_data_url(url: &str) -> Result<MediaFacts, ProbeError> {
    let mut payload = data_url::Payload::new(url)?;
    probe(&mut payload).map_err(|error| payload.failure().unwrap_or(error))
}

/// What is known of an address in an item of a kind: the facts of a `data:` URL. Bytes that are not
/// a media file are a fact too ([`MediaFacts::unusable`]). `None` for every other URL, and for
/// invalid base64, which the checks report.
///
/// # Errors
/// The header is damaged or could not be read to its end: nothing is known then.
pub fn facts_of_url(url: &str, kind: MediaKind) -> Result<Option<MediaFacts>, ProbeError> {
    if !url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return Ok(None);
    }
    match probe_data_url(url) {
        Ok(facts) => Ok(Some(facts)),
        Err(ProbeError::DataUrl { .. } | ProbeError::Empty) => Ok(None),
        Err(ProbeError::NotRecognised { looks_like }) => {
            Ok(Some(MediaFacts::unusable(kind, error::begins_like(looks_like))))
        }
        Err(error) => Err(error),
    }
}

/// What the media in the data URLs of a request are, for
/// [`CreateTaskRequest::check_with`]. What cannot be probed is left out: nothing is known of it.
#[must_use]
pub fn facts_of_request(request: &CreateTaskRequest) -> Facts {
    let items = request.content.iter().enumerate();
    let facts = items.filter_map(|(index, item)| {
        let (kind, url) = item.media()?;
        Some((index, facts_of_url(url, kind).ok()??))
    });
    facts.collect()
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The error of this crate. It names what was read, what is wrong and at which byte; never the
//! data.

use std::io;
use std::path::PathBuf;

/// Why a media file or data URL could not be probed. Nothing was sent or changed.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeError {
    /// The file could not be opened, or is not a regular file.
    #[error("{} could not be opened", path.display())]
    Open {
        /// The file as it was named.
        path: PathBuf,
        /// The error of the operating system.
        #[serde(serialize_with = "as_text")]
        source: io::Error,
    },
    /// Reading failed.
    #[error("byte {at} could not be read")]
    Read {
        /// From the start of the medium.
        at: u64,
        /// The error of the reader.
        #[serde(serialize_with = "as_text")]
        source: io::Error,
    },
    /// The text is not a base64 data URL.
    #[error("invalid data URL: {wrong}, at character {at}")]
    DataUrl {
        /// From the start of the URL, counted in bytes of its text, from 0.
        at: u64,
        /// A sentence without its full stop.
        wrong: &'static str,
    },
    /// There is no data at all.
    #[error("it is empty (0 bytes)")]
    Empty,
    /// The first bytes match no known format.
    #[error("not recognised: {} (byte 0)", begins_like(*.looks_like))]
    NotRecognised {
        /// What it seems to be instead (`pdf`, `zip`, `a Git LFS pointer`), where that is known.
        looks_like: Option<&'static str>,
    },
    /// The format is known, but its header cannot be what it says.
    #[error("the {format} is damaged or cut short: {wrong}, at byte {at}")]
    Damaged {
        /// The format as limits write it (`png`).
        format: &'static str,
        /// From the start of the medium.
        at: u64,
        /// A sentence without its full stop.
        wrong: String,
    },
    /// The header is longer than any real one: reading stopped at a limit of this crate.
    #[error("the {format} header is too long: {limit} without reaching its end, at byte {at}")]
    TooMuch {
        /// The format as limits write it (`mp4`).
        format: &'static str,
        /// From the start of the medium: where reading stopped.
        at: u64,
        /// Which bound was reached, as a sentence without its full stop.
        limit: &'static str,
    },
}

/// Serializes a system error as its text.
pub(crate) fn as_text<S: serde::Serializer>(error: &io::Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}

/// Describes bytes that no reader recognises.
pub(crate) fn begins_like(what: Option<&'static str>) -> String {
    match what {
        Some(what) => format!("its first bytes are those of {what}, not of an image, video or audio file"),
        None => "its first bytes match no known image, video or audio format".to_owned(),
    }
}

impl ProbeError {
    /// The byte the error speaks of, from the start of the medium (of the text, for
    /// [`Self::DataUrl`]).
    pub fn at(&self) -> Option<u64> {
        match self {
            Self::Read { at, .. }
            | Self::DataUrl { at, .. }
            | Self::Damaged { at, .. }
            | Self::TooMuch { at, .. } => Some(*at),
            Self::NotRecognised { .. } => Some(0),
            Self::Open { .. } | Self::Empty => None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::Read { .. } => "Check the path and the permissions.",
            Self::DataUrl { .. } => "Encode the file again as `data:image/png;base64,…`.",
            Self::Empty | Self::Damaged { .. } => "Export the file again.",
            Self::NotRecognised { .. } => {
                "Images: jpeg, png, webp, bmp, tiff, gif, heic, heif. Videos: mp4, mov. Audio: wav, mp3."
            }
            Self::TooMuch { .. } => "Export the file again without embedded metadata.",
        }
    }

    /// Whether the file could not be read at all, as opposed to being read and invalid.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Read { .. })
    }
}

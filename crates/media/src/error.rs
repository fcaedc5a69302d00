//! The one error of this crate. Its sentences name what was read, what is wrong and at which byte; never the data.

use std::io;
use std::path::PathBuf;

/// Why nothing can be said of a medium. Nothing was sent and nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The file could not be opened, or is no file.
    #[error("{} could not be opened", path.display())]
    Open {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading failed.
    #[error("byte {at} could not be read")]
    Read {
        /// From the start of the medium.
        at: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The text is no data URL with base64.
    #[error("the data URL cannot be read: {wrong}, at character {at}")]
    DataUrl {
        /// From the start of the URL, counted in bytes of its text, from 0.
        at: u64,
        /// A sentence without its full stop.
        wrong: &'static str,
    },
    /// There is no data at all.
    #[error("there is nothing in it: 0 bytes")]
    Empty,
    /// No known format begins so.
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
    /// The header is longer or more crowded than any real one: reading stopped at a bound of ours.
    #[error("the {format} was given up on: {limit} and its header had not ended, at byte {at}")]
    TooMuch {
        /// The format as limits write it (`mp4`).
        format: &'static str,
        /// From the start of the medium: where reading stopped.
        at: u64,
        /// Which bound was reached, as a sentence without its full stop.
        limit: &'static str,
    },
}

/// What bytes that no reader knows seem to be.
pub(crate) fn begins_like(what: Option<&'static str>) -> String {
    match what {
        Some(what) => format!("it begins like {what}, which is no picture, film or sound"),
        None => "no known picture, film or sound begins so".to_owned(),
    }
}

impl ProbeError {
    /// The byte the error speaks of, from the start of the medium (of the text, for [`Self::DataUrl`]).
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

    /// Whether the medium could not be reached at all, as opposed to being read and found wanting.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Read { .. })
    }
}

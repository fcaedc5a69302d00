//! Why a file is not taken.

use super::{MAX_RANGED, MAX_REDIRECTS};

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadRefusal {
    /// The link itself must not be used.
    #[error("the link is not fetched: {why}")]
    Link {
        /// Why, in words.
        why: &'static str,
    },
    /// 403, 404 or 410: expired, used up, or deleted. 400: not yet there, or no longer.
    #[error(
        "the storage answers {status}: the link does not work (any more); it may have expired or been used too often"
    )]
    DeadLink {
        /// HTTP status.
        status: u16,
    },
    /// Another status than success.
    #[error("the storage answers {status} instead of the file")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// More redirects than are followed.
    #[error("the link was redirected more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// The answer is compressed although that was not asked for, so its length proves nothing.
    #[error("the file comes with the encoding {coding:?}, so its length could not be checked")]
    Encoded {
        /// `Content-Encoding` as sent.
        coding: String,
    },
    /// A page or a message instead of a picture or a film.
    #[error("the storage sends {content_type} instead of a picture or a film")]
    NotMedia {
        /// Media type as sent, or what the first bytes look like.
        content_type: String,
    },
    /// Nobody could tell whether the file is whole.
    #[error("the storage does not say how long the file is, so nobody could tell whether it is whole")]
    NoLength,
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Larger than what the caller takes.
    #[error("the file has {length} bytes, more than the {max_bytes} allowed")]
    TooLarge {
        /// Length in bytes.
        length: u64,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// Cut short, or too long.
    #[error("the file ended after {got} of {length} bytes")]
    WrongLength {
        /// Promised length in bytes.
        length: u64,
        /// Bytes that came.
        got: u64,
    },
    /// As long as promised, and not what the storage says it sent.
    #[error(
        "what came does not have the checksum that the storage gives, so it was spoilt on its way; it is kept beside its \
         name, ending in .part"
    )]
    Spoilt,
    /// As long as promised, and not what was asked for. It is not given its name.
    #[error("the file is no {what}: {why}; what came is kept beside its name, ending in .part")]
    NotOne {
        /// `film` or `picture`.
        what: &'static str,
        /// Why, in words.
        why: &'static str,
    },
    /// What was kept does not go with what the storage has now.
    #[error("the file at the storage is not the one that was begun; it has to be fetched from its start")]
    Changed,
    /// Each ranged request may count as a download, and the service counts them.
    #[error("the download was taken up {MAX_RANGED} times with this link without getting to its end")]
    TooManyRanges,
}

impl DownloadRefusal {
    /// Whether another try may bring the file, perhaps with a fresh link.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::DeadLink { .. } | Self::WrongLength { .. } | Self::Empty | Self::Changed | Self::Spoilt => {
                true
            }
            Self::Status { status } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// Whether a fresh link is what may help.
    #[must_use]
    pub fn wants_fresh_link(&self) -> bool {
        matches!(self, Self::DeadLink { .. } | Self::TooManyRanges)
    }
}

//! Why a file is not taken.

use crate::download::{MAX_RANGED, MAX_REDIRECTS};

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DownloadRefusal {
    /// The link itself must not be used.
    #[error("the link is not fetched: {why}")]
    Link {
        /// The reason.
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
    /// A page or a message instead of an image or a video.
    #[error("the storage sends {content_type} instead of an image or a video")]
    NotMedia {
        /// Media type as sent, or as detected from the first bytes.
        content_type: String,
    },
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
    /// As long as announced, and not what the storage says it sent.
    #[error(
        "checksum mismatch: the file was corrupted in transit; what came is kept beside its name, as .part"
    )]
    ChecksumMismatch,
    /// As long as announced, and not what was asked for. It is not given its name.
    #[error("not a valid {what} file: {why}; what came is kept beside its name, as .part")]
    UnexpectedContent {
        /// `video` or `image`.
        what: &'static str,
        /// The reason.
        why: String,
    },
    /// No length was announced, and what came does not show that it is complete. It is not given
    /// its name.
    #[error(
        "the storage did not announce a length, and what came is not a complete file: {why}; what came is kept beside its \
         name, as .part"
    )]
    Incomplete {
        /// The reason.
        why: String,
    },
    /// What was kept does not go with what the storage has now.
    #[error("the file in storage has changed; the download must start over")]
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
            Self::DeadLink { .. }
            | Self::WrongLength { .. }
            | Self::Empty
            | Self::Changed
            | Self::ChecksumMismatch
            | Self::Incomplete { .. } => true,
            Self::Status { status } => crate::classify::status_may_pass(*status),
            _ => false,
        }
    }

    /// What to do next; empty where the sentence says it. The video is paid for and can be fetched
    /// for 24 h.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::DeadLink { .. } => "Get the task again for a fresh link.",
            Self::TooLarge { .. } => "Raise the limit if the file is wanted.",
            Self::Link { .. } | Self::TooManyRedirects => {
                "Check where the link came from before allowing it."
            }
            Self::NotMedia { .. } | Self::UnexpectedContent { .. } => {
                "Get the task again and compare its link."
            }
            Self::TooManyRanges => "Start the download again with a fresh link.",
            _ if self.is_transient() => "Try again.",
            _ => "",
        }
    }
}

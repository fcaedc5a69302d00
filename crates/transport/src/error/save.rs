//! Why there is no file.

use std::{
    io,
    path::{Path, PathBuf},
};

use ark_video_protocol::{SendError, download::DownloadRefusal};

use crate::disk_space::MARGIN;

/// Why there is no file.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SaveError {
    /// There is something under that name, and replacing was not asked for.
    #[error("{} exists already and is not replaced", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The name belongs to a folder, or names none.
    #[error("{} is a folder, not a file name", path.display())]
    Folder {
        /// The name.
        path: PathBuf,
    },
    /// What has the name of the partial file was not written by us.
    #[error("{} is not a download of ours ({why}) and is not replaced; move it away", path.display())]
    Foreign {
        /// The partial file.
        path: PathBuf,
        /// Why it is not ours.
        why: String,
    },
    /// Another process (or another task of this one) is at the same download.
    #[error("{} is being downloaded by another process", path.display())]
    InUse {
        /// The partial file.
        path: PathBuf,
    },
    /// The disk has too little room. What is there already stays and can be taken up.
    #[error("there is no room for {}: {needed} more bytes are needed (64 MiB of them to spare), {available} are free", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// Bytes still to come, and those that have to stay free.
        needed: u64,
        /// Bytes free.
        available: u64,
    },
    /// Another download found the disk full, and this one stopped for it. What is there already
    /// stays and can be taken up.
    #[error("{} is not fetched any further because the disk is full", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The file system said no. What is there already stays and can be taken up.
    #[error("{} cannot be {action}", path.display())]
    File {
        /// What was tried: `created`, `written` and so on.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[serde(serialize_with = "as_text")]
        source: io::Error,
    },
    /// The storage sent something that must not be taken for the file.
    #[error(transparent)]
    Refused(#[from] DownloadRefusal),
    /// The bytes did not come, or not all of them.
    #[error("the download failed")]
    Send(#[from] SendError),
}

impl SaveError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// What to do next; empty where the sentence says it. The video is paid for and can be fetched
    /// for 24 h.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "Choose another name, or allow replacing.",
            Self::Folder { .. } => "Name a file in it.",
            Self::InUse { .. } => "Wait for the other download.",
            Self::NoSpace { .. } | Self::Stopped { .. } => "Free disk space and run it again: it resumes.",
            Self::File { .. } => "Check the folder and its permissions.",
            Self::Refused(refusal) => refusal.advice(),
            Self::Send(error) => error.advice(),
            Self::Foreign { .. } => "",
        }
    }

    /// Whether the disk is full, so that nothing else can be saved there either. A file for which
    /// alone there is no room ([`Self::NoSpace`] with more than [`MARGIN`] free) does not count.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::NoSpace { available, .. } => *available < MARGIN,
            Self::Stopped { .. } => true,
            Self::File { source, .. } => is_full(source),
            _ => false,
        }
    }
}

/// A system's error as JSON: its text.
fn as_text<S: serde::Serializer>(error: &io::Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}

/// Whether the disk is full, or what may be used of it.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

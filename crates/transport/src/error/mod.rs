//! Why a request brought no answer, a file did not come, a source or a setting cannot be used.
//! Decides nothing: which failures may be followed by another try is `ark-video-protocol`'s to say.

mod save;
mod send;

pub use save::SaveError;
pub(crate) use save::is_full;
pub(crate) use send::{out_of_reach, stage, translate};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{0}")]
pub struct SettingError(pub(crate) String);

impl SettingError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "Fix the setting; nothing was sent."
    }
}

/// A source that cannot be read as it was announced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{name} cannot be sent: {why}")]
pub struct SourceError {
    pub(crate) name: String,
    pub(crate) why: String,
}

impl SourceError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "Check that the file is there and is not being changed."
    }
}

/// A file that is not what was measured.
pub(crate) fn changed(length: u64) -> std::io::Error {
    std::io::Error::other(format!("it was changed since it was looked at: it had {length} bytes then"))
}

//! From a succeeded task to a file on disk.

use std::path::{Path, PathBuf};

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::download::expires_at;
use ark_video_transport::{SaveOptions, SaveProgress, check_target, save};

use crate::{Action, DownloadCause, DownloadError, Error, NotPossible, TaskEnded, TaskHandle};

/// Which result of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// The film.
    #[default]
    Video,
    /// The last frame; only if the request asked for it.
    LastFrame,
    /// The file of a 3D model task.
    File,
}

impl Output {
    fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::LastFrame => "last frame (the request must ask for it: return_last_frame)",
            Self::File => "file",
        }
    }

    /// The link to it, if the task has one.
    #[must_use]
    pub fn link(self, task: &Task) -> Option<&str> {
        let content = task.content.as_ref()?;
        let link = match self {
            Self::Video => &content.video_url,
            Self::LastFrame => &content.last_frame_url,
            Self::File => &content.file_url,
        };
        link.as_deref().filter(|link| !link.is_empty())
    }
}

/// How to download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// Replace an existing file. Default no.
    pub overwrite: bool,
    /// Which result. Default the film.
    pub output: Output,
    /// Largest file to take, in bytes. Default 4 GiB.
    pub max_bytes: u64,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self { overwrite: false, output: Output::default(), max_bytes: 4 << 30 }
    }
}

impl DownloadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether an existing file is replaced.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets which result to fetch.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Sets the largest file to take, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// A result that is on disk, whole.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its media type, as the storage named it.
    pub content_type: Option<String>,
    /// Until when the link works, in seconds since 1970, if it says so.
    pub link_expires_at: Option<i64>,
    /// The task as it was when its link was taken.
    pub task: Task,
}

pub(crate) async fn download(
    handle: &TaskHandle,
    path: &Path,
    options: &DownloadOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Downloaded, Error> {
    let failed = |link_expires_at, cause| {
        Error::Download(Box::new(DownloadError { task_id: handle.id().to_owned(), link_expires_at, cause }))
    };
    check_target(path, options.overwrite).map_err(|error| failed(None, error.into()))?;
    let task = handle.get().await?;
    match &task.status {
        TaskStatus::Succeeded => {}
        status if status.is_terminal() => return Err(Error::TaskEnded(TaskEnded { task: Box::new(task) })),
        _ => return Err(Error::NotPossible(NotPossible { action: Action::Download, task: Box::new(task) })),
    }
    let Some(link) = options.output.link(&task) else {
        return Err(failed(None, DownloadCause::NoLink(options.output.name())));
    };
    let link_expires_at = expires_at(link);
    let mut how = SaveOptions::default();
    how.overwrite = options.overwrite;
    how.max_bytes = options.max_bytes;
    how.plain_http = handle.client().plain_http();
    let saved = save(handle.client().transport(), link, path, &how, on_progress)
        .await
        .map_err(|error| failed(link_expires_at, error.into()))?;
    Ok(Downloaded {
        path: saved.path,
        bytes: saved.bytes,
        content_type: saved.content_type,
        link_expires_at,
        task,
    })
}

//! Many results at once: a few at a time, those first whose links die first.

use std::{path::PathBuf, sync::Arc};

use ark_video_model::Task;
use ark_video_protocol::download::deadline;
use ark_video_transport::SaveProgress;
use futures_core::Stream;
use futures_util::{StreamExt, stream};

use crate::{Client, DownloadOptions, Downloaded, Error, download::download};

/// One result to save.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DownloadJob {
    /// The task, as it was last seen.
    pub task: Task,
    /// Where to save its result.
    pub path: PathBuf,
    /// How.
    pub options: DownloadOptions,
}

impl DownloadJob {
    /// Saves the film of a task.
    #[must_use]
    pub fn new(task: Task, path: impl Into<PathBuf>) -> Self {
        Self { task, path: path.into(), options: DownloadOptions::default() }
    }

    /// Sets how.
    #[must_use]
    pub fn options(mut self, options: DownloadOptions) -> Self {
        self.options = options;
        self
    }
}

impl Client {
    /// Saves many results, `at_once` of them at the same time (at least 1; 4 is a good number), the oldest deadline first.
    /// Gives each job's task id with what came of it, in the order of ending; one that fails does not stop the others.
    ///
    /// The stream does the work: dropping it stops, and keeps what was fetched to be taken up again.
    pub fn download_all<F: Fn(&str, SaveProgress) + Send + Sync + 'static>(
        &self,
        mut jobs: Vec<DownloadJob>,
        at_once: usize,
        on_progress: F,
    ) -> impl Stream<Item = (String, Result<Downloaded, Error>)> + Send + use<F> {
        jobs.sort_by_key(|job| deadline(&job.task).unwrap_or(i64::MAX));
        let on_progress = Arc::new(on_progress);
        let client = self.clone();
        stream::iter(jobs)
            .map(move |job| {
                let (handle, tell) = (client.task(&job.task.id), on_progress.clone());
                async move {
                    let id = handle.id().to_owned();
                    let mut told = |progress: SaveProgress| tell(&id, progress);
                    let done = download(&handle, Some(job.task), &job.path, &job.options, &mut told).await;
                    (id, done)
                }
            })
            .buffer_unordered(at_once.max(1))
    }
}

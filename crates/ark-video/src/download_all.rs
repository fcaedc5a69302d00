//! Many results at once: a few at a time, those first whose links die first.

use std::{path::PathBuf, sync::Arc};

use ark_video_model::Task;
use ark_video_protocol::download::{deadline, expires_at};
use ark_video_transport::{SaveError, SaveProgress};
use futures_core::Stream;
use futures_util::{
    StreamExt,
    stream::{self, unfold},
};

use crate::{Client, DownloadCause, DownloadError, DownloadOptions, Downloaded, Error, download::download};

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

    /// What is said of it when it stops for another.
    fn stopped(&self) -> DownloadError {
        DownloadError {
            task_id: self.task.id.clone(),
            link_expires_at: self.options.output.link(&self.task).and_then(expires_at),
            cause: SaveError::Stopped { path: self.path.clone() }.into(),
        }
    }
}

impl Client {
    /// Saves many results, `at_once` of them at the same time (at least 1; 4 is a good number), the oldest deadline first.
    /// Gives each job's task id with what came of it, in the order of ending. One that fails does not stop the others,
    /// unless the disk is full: then all stop, and keep what they have.
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
        let left = jobs.iter().map(|job| Some(job.stopped())).collect();
        let work = stream::iter(jobs.into_iter().enumerate())
            .map(move |(place, job)| {
                let (handle, tell) = (client.task(&job.task.id), on_progress.clone());
                async move {
                    let id = handle.id().to_owned();
                    let mut told = |progress: SaveProgress| tell(&id, progress);
                    let done = download(&handle, Some(job.task), &job.path, &job.options, &mut told).await;
                    (place, (id, done))
                }
            })
            .buffer_unordered(at_once.max(1));
        unfold((Some(Box::pin(work)), left), |(mut work, mut left): (_, Vec<Option<DownloadError>>)| async {
            let Some(running) = work.as_mut() else {
                let error = left.iter_mut().find_map(Option::take)?;
                return Some(((error.task_id.clone(), Err(Error::Download(Box::new(error)))), (work, left)));
            };
            let (place, ended) = running.next().await?;
            left[place] = None;
            if let Err(Error::Download(error)) = &ended.1
                && matches!(&error.cause, DownloadCause::Save(error) if error.is_disk_full())
            {
                work = None;
            }
            Some((ended, (work, left)))
        })
    }
}

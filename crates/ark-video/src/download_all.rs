//! Many results at once: a few at a time, those first whose links expire first.

use ark_video_protocol::download::{deadline, expires_at};
use ark_video_transport::{BoxFuture, SaveError};
use futures_core::Stream;
use futures_util::{
    StreamExt,
    stream::{self, unfold},
};

use crate::{
    Client, Error,
    download::{Download, Downloaded},
    error::{DownloadCause, DownloadError},
};

impl Client {
    /// Downloads many results, `at_once` of them at the same time (at least 1; 4 is a good number),
    /// the oldest deadline first. Gives each task's id with its result, in the order of ending. One
    /// that fails does not stop the others, unless the disk is full: then all stop, and keep what
    /// they have.
    ///
    /// The stream does the work: dropping it stops, and keeps what was downloaded to be resumed.
    pub fn download_all(
        &self,
        downloads: impl IntoIterator<Item = Download<'static>>,
        at_once: usize,
    ) -> impl Stream<Item = (String, Result<Downloaded, Error>)> + Send + 'static {
        let mut downloads: Vec<_> = downloads.into_iter().collect();
        downloads.sort_by_key(|download| download.task.as_ref().and_then(deadline).unwrap_or(i64::MAX));
        let left: Vec<_> = downloads.iter().map(|download| Some(stopped(download))).collect();
        let work: Vec<_> = downloads.into_iter().enumerate().map(start).collect();
        let work = stream::iter(work).buffer_unordered(at_once.max(1));
        unfold((Some(Box::pin(work)), left), |(mut work, mut left)| async {
            let Some(running) = work.as_mut() else {
                let error = left.iter_mut().find_map(Option::take)?;
                return Some(((error.task_id.clone(), Err(Error::Download(Box::new(error)))), (work, left)));
            };
            let (index, ended) = running.next().await?;
            left[index] = None;
            if let Err(Error::Download(error)) = &ended.1
                && matches!(&error.cause, DownloadCause::Save(error) if error.is_disk_full())
            {
                work = None;
            }
            Some((ended, (work, left)))
        })
    }
}

type Ended = (usize, (String, Result<Downloaded, Error>));

fn start((index, download): (usize, Download<'static>)) -> BoxFuture<'static, Ended> {
    Box::pin(async move {
        let id = download.handle.id().to_owned();
        (index, (id, download.await))
    })
}

/// The result of a download that stops because another one found the disk full.
fn stopped(download: &Download<'_>) -> DownloadError {
    DownloadError {
        task_id: download.handle.id().to_owned(),
        link_expires_at: download
            .task
            .as_ref()
            .and_then(|task| download.options.output.link(task))
            .and_then(expires_at),
        cause: SaveError::Stopped { path: download.path.clone() }.into(),
    }
}

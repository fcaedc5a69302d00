//! Fetching one file of a task: again while it may still arrive, until the service keeps it no
//! longer. What is there already, whole and with its own sidecar, is kept. Knows no state of a job.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ark_video::model::Task;
use ark_video::{
    DownloadOptions, Error, TaskHandle,
    error::{DownloadCause, DownloadError, DownloadRefusal, SaveError},
    provenance::Sidecar,
    transport::Backoff,
    wait::NOT_FOUND_GRACE,
};

use super::crash::CrashPoint;
use super::events::EventKind;
use super::shared::Shared;
use crate::{FileAt, Job};

/// The pauses before a download is tried again.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
/// How often something is tried that may never work.
const ATTEMPTS: u32 = 6;

/// Why a file was not fetched.
#[derive(Debug)]
pub(crate) enum NotFetched {
    /// It can no longer be downloaded by anyone.
    Gone(String),
    /// It is still there, and something here is in the way.
    Blocked(String),
    /// The disk is full. What was fetched is kept beside the video's name.
    DiskFull(String),
    /// The run ends.
    Draining,
}

/// Fetches a file. `due`: when the service deletes it, in milliseconds since 1970.
pub(crate) async fn fetch_file(
    shared: &Shared,
    job: &Job,
    handle: &TaskHandle,
    mut task: Option<Task>,
    path: &Path,
    options: DownloadOptions,
    due: i64,
) -> Result<FileAt, NotFetched> {
    let (mut tries, mut missing_since) = (0_u32, None);
    loop {
        let arrives = AtomicBool::new(false);
        let part = |progress: ark_video::download::SaveProgress| {
            arrives.store(true, Ordering::Relaxed);
            if progress.total == Some(progress.bytes) {
                shared.options.crash.reached(CrashPoint::AfterPart);
            }
        };
        let task = task.take();
        let fetch = handle.download(path).options(options.clone()).progress(part);
        let mut fetch = match task {
            Some(task) => fetch.from_task(task),
            None => fetch,
        }
        .into_future();
        let fetched = tokio::select! {
            fetched = &mut fetch => fetched,
            // What has not started to arrive, such as a link that is asked for, can take minutes.
            () = shared.stop.draining() => {
                if !arrives.load(Ordering::Relaxed) {
                    return Err(NotFetched::Draining);
                }
                fetch.await
            }
        };
        let error = match fetched {
            Ok(file) => {
                shared.options.crash.reached(CrashPoint::AfterRename);
                return Ok(FileAt { path: file.path, bytes: file.bytes, sha256: file.sha256 });
            }
            Err(error) => error,
        };
        tries += 1;
        let dead = is_dead(&error);
        let late = shared.client.now() > due;
        match &error {
            // Said for a minute, of a task that has succeeded: records are not readable everywhere
            // at once.
            _ if is_not_found(&error) => {
                let now = shared.options.clock.monotonic();
                if now.saturating_sub(*missing_since.get_or_insert(now)) >= NOT_FOUND_GRACE {
                    return Err(NotFetched::Gone(format!(
                        "the service no longer knows the task: {}",
                        error.message()
                    )));
                }
            }
            _ if dead && late => return Err(NotFetched::Gone(error.message())),
            Error::Download(failed) if is_full(failed) => {
                return Err(NotFetched::DiskFull(error.message()));
            }
            _ if !is_passing(&error) && tries >= ATTEMPTS => return Err(NotFetched::Blocked(cause(&error))),
            // It was asked for long enough: the support that the message names has to act.
            Error::Download(failed) if matches!(failed.cause, DownloadCause::NoLink { .. }) => {
                return Err(NotFetched::Blocked(error.message()));
            }
            _ if is_in_the_way(&error) => return Err(NotFetched::Blocked(cause(&error))),
            _ => {}
        }
        if tries.is_power_of_two() {
            let reason = format!("{} It is tried again.", error.message());
            shared.emit(Some(&job.key), EventKind::Warning { reason });
        }
        tokio::select! {
            () = shared.options.clock.sleep(PAUSES.pause(tries, shared.jitter())) => {}
            () = shared.stop.draining() => return Err(NotFetched::Draining),
        }
    }
}

/// The file, if its sidecar proves that what stands there is this task's.
pub(crate) async fn existing_file(id: &str, path: &Path) -> Option<FileAt> {
    let sidecar = Sidecar::read(path).ok().flatten()?;
    if sidecar.task_id.as_deref() != Some(id) || !sidecar.holds(path).await {
        return None;
    }
    sidecar.file.map(|file| FileAt { path: path.to_owned(), bytes: file.bytes, sha256: file.sha256 })
}

/// What stands in the way, without the advice that the run follows by itself.
fn cause(error: &Error) -> String {
    let text = match error {
        Error::Download(failed) => failed.cause.to_string(),
        _ => error.message(),
    };
    text.trim_end_matches('.').to_owned()
}

fn is_full(failed: &DownloadError) -> bool {
    matches!(&failed.cause, DownloadCause::Save(error) if error.is_disk_full())
}

/// Whether the service says that there is no such task.
fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Read(_)) && error.status() == Some(404)
}

/// Whether the link does not work, and a fresh one was no better.
fn is_dead(error: &Error) -> bool {
    match error {
        Error::Download(failed) => matches!(
            &failed.cause,
            DownloadCause::NoLink { .. }
                | DownloadCause::Save(SaveError::Refused(DownloadRefusal::DeadLink { .. }))
        ),
        _ => false,
    }
}

/// Whether only a person can make room.
fn is_in_the_way(error: &Error) -> bool {
    match error {
        Error::Download(failed) => matches!(
            &failed.cause,
            DownloadCause::Save(
                SaveError::Exists { .. } | SaveError::Folder { .. } | SaveError::Foreign { .. }
            )
        ),
        _ => false,
    }
}

/// Whether it may work the next time however often it did not.
fn is_passing(error: &Error) -> bool {
    let in_use = matches!(error, Error::Download(failed)
        if matches!(&failed.cause, DownloadCause::Save(SaveError::InUse { .. })));
    in_use || error.is_retryable()
}

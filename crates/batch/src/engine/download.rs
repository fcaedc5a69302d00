//! A job's video, and its last frame if it is wanted: from the task to their names, and what came
//! of it is written down. So many at once, the one whose link expires first before all others.

use std::path::{Path, PathBuf};

use ark_video::model::Task;
use ark_video::{DownloadOptions, IfExists, Output, TaskHandle, download::deadline};

use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::fetch::{NotFetched, existing_file, fetch_file};
use super::next_action::StepOutcome;
use super::records::{intent, provenance};
use super::settle::{cost, settle};
use super::shared::Shared;
use super::unmatched::place;
use crate::{FileAt, Job, JournalError};

/// How long results are kept after a task's end (result page, 2026-10), in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// Downloads a job's video.
pub(crate) async fn download(
    shared: &Shared,
    job: &Job,
    task: Option<Task>,
) -> Result<StepOutcome, JournalError> {
    match files_of(shared, job, task).await {
        Ok(files) => {
            if let Some(video) = files.first() {
                let (path, bytes) = (video.path.clone(), video.bytes);
                shared.emit(Some(&job.key), EventKind::Downloaded { path, bytes });
            }
            shared.options.crash.reached(CrashPoint::AfterDownloaded);
            settle(shared, job, Some(files)).await
        }
        Err(NotFetched::Gone(reason)) => {
            let spent = job.task.as_ref().and_then(|task| cost(&job.planned, task, shared.client.catalog()));
            Ok(shared.journal.gone(job, spent, &reason).await?.into())
        }
        Err(NotFetched::Blocked(reason)) => {
            let _ = shared.journal.note(job, &reason).await?;
            let reason =
                format!("{reason}. The video stays at the service for a day: make room and run again.");
            shared.emit(Some(&job.key), EventKind::Warning { reason });
            Ok(StepOutcome::Leave)
        }
        Err(NotFetched::DiskFull(reason)) => {
            shared.close(StopCause::DiskFull, &reason);
            Ok(StepOutcome::Leave)
        }
        Err(NotFetched::Draining) => Ok(StepOutcome::Leave),
    }
}

/// The video of a job whose task succeeded, then its last frame. `task` is its task, if it was just
/// seen.
async fn files_of(shared: &Shared, job: &Job, task: Option<Task>) -> Result<Vec<FileAt>, NotFetched> {
    let Some(id) = job.task_id.clone() else {
        return Err(NotFetched::Blocked("it has no task id".to_owned()));
    };
    let output = job.planned.output.clone();
    let due = task.as_ref().and_then(deadline);
    let due = due.or(job.created_at.map(|at| at.saturating_add(KEPT))).unwrap_or(job.changed_at);
    let _permit = tokio::select! {
        permit = shared.downloads.acquire(due) => permit,
        () = shared.stop.draining() => return Err(NotFetched::Draining),
    };
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let folder = folder.to_owned();
        let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(&folder)).await;
        if let Ok(Err(error)) = made {
            let reason = format!("the folder of {} cannot be made: {error}", output.display());
            return Err(NotFetched::Blocked(reason));
        }
    }
    let handle = shared.client.task(&id);
    let replaces = shared.options.overwrite || shared.options.simulated;
    let existing = if replaces { IfExists::Replace } else { IfExists::Keep };
    let mut options = DownloadOptions::new().existing(existing).simulated(shared.options.simulated);
    options.provenance = provenance(&job.planned, job.attempt.as_ref());
    options.intent = Some(intent(job));
    // What was put in its place before a crash is not asked for again, nor what was fetched before
    // it was known whose it is.
    let existing = match existing_file(&id, &output).await {
        Some(file) => Some(file),
        None => place(&job.planned, &id).await.map_err(NotFetched::Blocked)?,
    };
    let video = match existing {
        Some(file) => file,
        None => match fetch_file(shared, job, &handle, task.clone(), &output, options.clone(), due).await {
            Ok(file) => file,
            Err(error) if job.planned.wants_last_frame() => {
                return Err(with_last_frame(shared, &handle, &output, options, error).await);
            }
            Err(error) => return Err(error),
        },
    };
    let mut files = vec![video];
    if job.planned.wants_last_frame() {
        match last_frame(shared, &handle, task, &output, options).await {
            Ok(frame) => files.push(frame),
            // A video without it is still a video.
            Err(reason) => shared.emit(Some(&job.key), EventKind::Warning { reason }),
        }
    }
    Ok(files)
}

/// The video cannot be had. Its last frame may be there: then that is saved, and the reason says
/// so.
async fn with_last_frame(
    shared: &Shared,
    handle: &TaskHandle,
    output: &Path,
    options: DownloadOptions,
    error: NotFetched,
) -> NotFetched {
    let (NotFetched::Gone(reason) | NotFetched::Blocked(reason)) = &error else { return error };
    let Ok(frame) = last_frame(shared, handle, None, output, options).await else { return error };
    let reason = format!("{reason} Its last frame is saved as {}.", frame.path.display());
    if matches!(error, NotFetched::Gone(_)) { NotFetched::Gone(reason) } else { NotFetched::Blocked(reason) }
}

async fn last_frame(
    shared: &Shared,
    handle: &TaskHandle,
    task: Option<Task>,
    video: &Path,
    options: DownloadOptions,
) -> Result<FileAt, String> {
    for extension in ["png", "jpeg"] {
        if let Some(file) = existing_file(handle.id(), &frame_path(video, extension)).await {
            return Ok(file);
        }
    }
    let task = match task {
        Some(task) => task,
        None => handle.get().await.map_err(|error| error.message())?,
    };
    let extension = task.last_frame_url().map_or("png", |link| {
        let path = link.split(['?', '#']).next().unwrap_or_default();
        if path.ends_with(".jpg") || path.ends_with(".jpeg") { "jpeg" } else { "png" }
    });
    let path = frame_path(video, extension);
    let options = options.output(Output::LastFrame).sidecar(true);
    let fetched = handle.download(&path).options(options).from_task(task).await;
    shared.options.crash.reached(CrashPoint::AfterRename);
    fetched
        .map(|file| FileAt { path: file.path, bytes: file.bytes, sha256: file.sha256 })
        .map_err(|error| format!("The video is saved, its last frame is not. {}", error.message()))
}

fn frame_path(video: &Path, extension: &str) -> PathBuf {
    video.with_extension(format!("last.{extension}"))
}

//! Fetching films: so many at once, the one whose link dies first before all others. A film that is there already, whole and
//! with its own sidecar, is kept.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ark_video::model::{CreateTaskRequest, Task};
use ark_video::{
    Attachments, Backoff, DownloadCause, DownloadError, DownloadOptions, DownloadRefusal, Error, Existing,
    Input, Intent, NOT_FOUND_GRACE, Output, Provenance, SaveError, Sidecar, TaskHandle, deadline,
    unix_millis,
};

use serde_json::json;

use super::crash::CrashPoint;
use super::events::EventKind;
use super::request::wants_last_frame;
use super::shared::Shared;
use super::unmatched::place;
use crate::targets::intent_of;
use crate::{FileAt, InputFile, Job, Planned};

/// How long results are kept after a task's end (result page, 2026-10), in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;
/// The pauses before a download is tried again.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
/// How often something is tried again that may never work.
const TRIES: u32 = 6;

/// How fetching a film ended.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// It is in its place.
    Done(Vec<FileAt>),
    /// It cannot be had by anybody any more.
    Gone(String),
    /// It is still there, and something here is in the way.
    Blocked(String),
    /// The disk is full. What was fetched is kept beside the film's name.
    DiskFull(String),
    /// The run ends.
    Left,
}

/// Fetches the film of a job that has finished. `task` is its task, if it was just seen.
pub(crate) async fn fetch(shared: &Shared, job: &Job, task: Option<Task>) -> Fetched {
    let Some(id) = job.task_id.clone() else {
        return Fetched::Blocked("it has no task id".to_owned());
    };
    let output = job.planned.output.clone();
    let due = task.as_ref().and_then(deadline).map(unix_millis);
    let due = due.or(job.created_at.map(|at| at.saturating_add(KEPT))).unwrap_or(job.changed_at);
    let _pass = tokio::select! {
        pass = shared.downloads.enter(due) => pass,
        () = shared.stop.draining() => return Fetched::Left,
    };
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let folder = folder.to_owned();
        let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(&folder)).await;
        if let Ok(Err(error)) = made {
            return Fetched::Blocked(format!("the folder of {} cannot be made: {error}", output.display()));
        }
    }
    let handle = shared.client.task(&id);
    let replaces = shared.options.overwrite || shared.options.simulated;
    let existing = if replaces { Existing::Replace } else { Existing::Keep };
    let mut options = DownloadOptions::new().existing(existing).simulated(shared.options.simulated);
    options.provenance = provenance(&job.planned);
    options.intent = Some(intent(job));
    // What was put in its place before a crash is not asked for again, nor what was fetched before it was known whose it is.
    let there = match kept(&id, &output).await {
        Some(file) => Some(file),
        None => match place(&job.planned, &id).await {
            Ok(placed) => placed,
            Err(reason) => return Fetched::Blocked(reason),
        },
    };
    let file = match there {
        Some(file) => file,
        None => match patiently(shared, job, &handle, task.clone(), &output, options.clone(), due).await {
            Ok(file) => file,
            Err(end) if wants_last_frame(&job.planned) => {
                return with_last_frame(shared, &handle, &output, options, end).await;
            }
            Err(end) => return end,
        },
    };
    let mut files = vec![file];
    if wants_last_frame(&job.planned) {
        match last_frame(shared, &handle, task, &output, options).await {
            Ok(frame) => files.push(frame),
            // A film without it is still a film.
            Err(reason) => shared.tell(Some(&job.key), EventKind::Trouble { reason }),
        }
    }
    Fetched::Done(files)
}

pub(crate) async fn patiently(
    shared: &Shared,
    job: &Job,
    handle: &TaskHandle,
    mut task: Option<Task>,
    path: &Path,
    options: DownloadOptions,
    due: i64,
) -> Result<FileAt, Fetched> {
    let (mut tries, mut missing_since) = (0_u32, None);
    loop {
        let arrives = AtomicBool::new(false);
        let part = |progress: ark_video::SaveProgress| {
            arrives.store(true, Ordering::Relaxed);
            if progress.total == Some(progress.bytes) {
                shared.options.crash.reached(CrashPoint::AfterPart);
            }
        };
        let task = task.take();
        let fetch = async {
            match task {
                Some(task) => handle.download_of(task, path, options.clone(), part).await,
                None => handle.download_with(path, options.clone(), part).await,
            }
        };
        tokio::pin!(fetch);
        let fetched = tokio::select! {
            fetched = &mut fetch => fetched,
            // What has not started to arrive, such as a link that is asked for, can take minutes.
            () = shared.stop.draining() => {
                if !arrives.load(Ordering::Relaxed) {
                    return Err(Fetched::Left);
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
            // Said for a minute, of a task that has succeeded: records are not readable everywhere at once.
            _ if is_not_found(&error) => {
                let now = shared.options.clock.monotonic();
                if now.saturating_sub(*missing_since.get_or_insert(now)) >= NOT_FOUND_GRACE {
                    return Err(Fetched::Gone(format!("the service no longer knows the task: {error}")));
                }
            }
            _ if dead && late => return Err(Fetched::Gone(error.to_string())),
            Error::Download(failed) if is_full(failed) => return Err(Fetched::DiskFull(error.to_string())),
            _ if !is_passing(&error) && tries >= TRIES => return Err(Fetched::Blocked(cause(&error))),
            // It was asked for long enough: the support that the message names has to act.
            Error::Download(failed) if matches!(failed.cause, DownloadCause::NoLink { .. }) => {
                return Err(Fetched::Blocked(error.to_string()));
            }
            _ if is_in_the_way(&error) => return Err(Fetched::Blocked(cause(&error))),
            _ => {}
        }
        if tries.is_power_of_two() {
            let reason = format!("{error} It is tried again.");
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
        }
        tokio::select! {
            () = shared.options.clock.sleep(PAUSES.pause(tries, shared.jitter())) => {}
            () = shared.stop.draining() => return Err(Fetched::Left),
        }
    }
}

/// The video cannot be had. Its last frame may be there: then that is saved, and the reason says so.
async fn with_last_frame(
    shared: &Shared,
    handle: &TaskHandle,
    output: &Path,
    options: DownloadOptions,
    end: Fetched,
) -> Fetched {
    let (Fetched::Gone(reason) | Fetched::Blocked(reason)) = &end else { return end };
    let Ok(frame) = last_frame(shared, handle, None, output, options).await else { return end };
    let reason = format!("{reason} Its last frame is saved as {}.", frame.path.display());
    if matches!(end, Fetched::Gone(_)) { Fetched::Gone(reason) } else { Fetched::Blocked(reason) }
}

async fn last_frame(
    shared: &Shared,
    handle: &TaskHandle,
    task: Option<Task>,
    film: &Path,
    options: DownloadOptions,
) -> Result<FileAt, String> {
    for ending in ["png", "jpeg"] {
        if let Some(file) = kept(handle.id(), &frame_path(film, ending)).await {
            return Ok(file);
        }
    }
    let task = match task {
        Some(task) => task,
        None => handle.get().await.map_err(|error| error.to_string())?,
    };
    let ending = task.last_frame_url().map_or("png", |link| {
        let path = link.split(['?', '#']).next().unwrap_or_default();
        if path.ends_with(".jpg") || path.ends_with(".jpeg") { "jpeg" } else { "png" }
    });
    let path = frame_path(film, ending);
    let options = options.output(Output::LastFrame).sidecar(true);
    let fetched = handle.download_of(task, &path, options, |_| {}).await;
    shared.options.crash.reached(CrashPoint::AfterRename);
    fetched
        .map(|file| FileAt { path: file.path, bytes: file.bytes, sha256: file.sha256 })
        .map_err(|error| format!("The film is there, its last frame is not. {error}"))
}

fn frame_path(film: &Path, ending: &str) -> PathBuf {
    film.with_extension(format!("last.{ending}"))
}

/// Which intent a job is: by its sidecar the film can be known again without the journal.
pub(crate) fn intent(job: &Job) -> Intent {
    intent_of(&job.batch, &job.planned).ordinal(job.revision)
}

/// The film, if its sidecar proves that what stands there is this task's.
pub(crate) async fn kept(id: &str, path: &Path) -> Option<FileAt> {
    let sidecar = Sidecar::read(path).ok().flatten()?;
    if sidecar.task_id.as_deref() != Some(id) || !sidecar.holds(path).await {
        return None;
    }
    sidecar.file.map(|file| FileAt { path: path.to_owned(), bytes: file.bytes, sha256: file.sha256 })
}

/// What the film was made from, for its sidecar. Files are named by what they were when the list was read.
pub(crate) fn provenance(planned: &Planned) -> Option<Provenance> {
    let request: CreateTaskRequest = serde_json::from_value(planned.request.clone()).ok()?;
    let mut provenance = Provenance::of(&request, &Attachments::new()).ok()?;
    provenance.inputs.extend(planned.inputs.iter().filter_map(|input: &InputFile| {
        let name = input.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let (content, bytes, sha256) = (input.content, input.bytes, &input.sha256);
        let input =
            json!({"content": content, "name": name, "media_type": "", "bytes": bytes, "sha256": sha256});
        serde_json::from_value::<Input>(input).ok()
    }));
    Some(provenance)
}

/// What stands in the way, without the advice that the run follows by itself.
fn cause(error: &Error) -> String {
    let text = match error {
        Error::Download(failed) => failed.cause.to_string(),
        _ => error.to_string(),
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

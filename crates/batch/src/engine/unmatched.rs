//! Videos that are paid for before it is known whose they are: fetched into `unmatched/` beside the
//! batch's own while their links live, and assigned later by a person. Never decides whose a video
//! is.

use std::io;
use std::path::{Path, PathBuf};

use ark_video::files::create_own_folder;
use ark_video::model::{Task, TaskStatus};
use ark_video::{
    DownloadOptions, IfExists, Watched,
    download::{deadline, file_stem},
    provenance::{Provenance, Sidecar},
};
use futures_util::future::join_all;

use super::events::{EventKind, StopCause};
use super::fetch::{NotFetched, existing_file, fetch_file};
use super::locked;
use super::records::provenance;
use super::shared::Shared;
use super::task_watch::{LEFT_ALONE, WaitOutcome};
use crate::{FileAt, Job, Planned};

/// The folder, beside the videos of the shots that they may belong to.
pub(crate) const FOLDER: &str = "unmatched";
/// So many more candidates than that are mostly other people's tasks.
const MOST_FOR_EACH: usize = 4;
/// What is fetched in any case.
const FEW: usize = 20;

/// Where the candidates of a job go.
pub(crate) fn folder(planned: &Planned) -> PathBuf {
    planned.output.parent().unwrap_or(Path::new("")).join(FOLDER)
}

/// Where the video of a task goes while it is not known whose it is.
pub(super) fn path(planned: &Planned, task_id: &str) -> PathBuf {
    let extension = planned.output.extension().map_or("mp4".into(), |extension| extension.to_string_lossy());
    folder(planned).join(format!("{}.{extension}", file_stem(task_id)))
}

/// Whether so many candidates are fetched for so many creates.
pub(crate) fn is_worth_fetching(candidates: usize, creates: usize) -> bool {
    candidates <= FEW.max(creates.saturating_mul(MOST_FOR_EACH))
}

/// Fetches the candidates of a held job that this run does not fetch yet.
pub(crate) async fn collect(shared: &Shared, job: &Job) {
    let ids: Vec<_> = {
        let mut collecting = locked(&shared.collecting);
        job.candidates.iter().filter(|id| collecting.insert((*id).clone())).collect()
    };
    join_all(ids.into_iter().map(|id| collect_one(shared, job, id))).await;
}

async fn collect_one(shared: &Shared, job: &Job, id: &str) {
    let path = path(&job.planned, id);
    if existing_file(id, &path).await.is_some() {
        return;
    }
    loop {
        // Assigned meanwhile, it is fetched by its own job.
        match shared.journal.job_of_task(id).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return,
        }
        let watched = Watched::new(id).flex(job.planned.is_flex());
        let waited = tokio::select! {
            waited = shared.task_watch.wait(&job.key, watched) => waited,
            () = shared.stop.draining() => return,
        };
        match waited {
            WaitOutcome::Ended(task) if task.status == TaskStatus::Succeeded => {
                return fetch(shared, job, *task, &path).await;
            }
            // It costs nothing, and there is nothing to fetch.
            WaitOutcome::Ended(_) | WaitOutcome::Gone => return,
            // Another run has to ask; the row keeps the id.
            WaitOutcome::Refused { reason, .. } => {
                shared.emit(Some(&job.key), EventKind::Warning { reason });
                return;
            }
            WaitOutcome::NotPolled(reason) => {
                shared.emit(Some(&job.key), EventKind::Warning { reason });
                tokio::select! {
                    () = shared.options.clock.sleep(LEFT_ALONE) => {}
                    () = shared.stop.draining() => return,
                }
            }
        }
    }
}

async fn fetch(shared: &Shared, job: &Job, task: Task, path: &Path) {
    let id = task.id.clone();
    let due = deadline(&task).unwrap_or(job.changed_at);
    let _permit = tokio::select! {
        permit = shared.downloads.acquire(due) => permit,
        () = shared.stop.draining() => return,
    };
    let folder = folder(&job.planned);
    let made = tokio::task::spawn_blocking(move || create_own_folder(&folder)).await;
    let failed = |reason: String| shared.emit(Some(&job.key), EventKind::Warning { reason });
    if let Ok(Err(error)) = made {
        return failed(format!("the folder of {} cannot be made: {error}", path.display()));
    }
    let handle = shared.client.task(&id);
    let options = DownloadOptions::new().existing(IfExists::Keep);
    match fetch_file(shared, job, &handle, Some(task), path, options, due).await {
        Ok(file) => {
            let (path, bytes) = (file.path, file.bytes);
            shared.emit(Some(&job.key), EventKind::Unmatched { task_id: id, path, bytes });
        }
        Err(NotFetched::DiskFull(reason)) => shared.close(StopCause::DiskFull, &reason),
        Err(NotFetched::Gone(reason) | NotFetched::Blocked(reason)) => failed(reason),
        Err(NotFetched::Draining) => {}
    }
}

/// Puts the video of a task in its place, if it was fetched before it was known whose it is.
pub(super) async fn place(planned: &Planned, task_id: &str) -> Result<Option<FileAt>, String> {
    place_from(&path(planned, task_id), planned, task_id).await
}

pub(super) async fn place_from(
    from: &Path,
    planned: &Planned,
    task_id: &str,
) -> Result<Option<FileAt>, String> {
    if existing_file(task_id, from).await.is_none() {
        return Ok(None);
    }
    let (from, to, made_from) = (from.to_owned(), planned.output.clone(), provenance(planned, None));
    let placed = tokio::task::spawn_blocking(move || move_file(&from, &to, made_from)).await;
    match placed {
        Ok(Ok(file)) => Ok(Some(file)),
        Ok(Err(error)) => Err(format!("{} cannot be put in its place: {error}", planned.output.display())),
        Err(error) => Err(error.to_string()),
    }
}

/// Never over another file. The sidecar first: a video without one could not be assigned after a
/// crash.
fn move_file(from: &Path, to: &Path, made_from: Option<Provenance>) -> io::Result<FileAt> {
    let mut sidecar = Sidecar::read(from)?.ok_or(io::ErrorKind::NotFound)?.provenance(made_from);
    let facts = sidecar.file.as_mut().ok_or(io::ErrorKind::InvalidData)?;
    facts.name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = FileAt { path: to.to_owned(), bytes: facts.bytes, sha256: facts.sha256.clone() };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    sidecar.write(to)?;
    // A link is made or refused in one step; not every disk has links.
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(_) => std::fs::rename(from, to)?,
    }
    let _ = std::fs::remove_file(Sidecar::path_of(from));
    // The last one leaves no empty folder.
    let _ = from.parent().map(std::fs::remove_dir);
    Ok(file)
}

//! Videos that are paid for before it is known whose they are: fetched into `unmatched/` beside the batch's own while their links
//! live, and assigned later by a person. Never decides whose a video is.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ark_video::files::create_own_folder;
use ark_video::model::{Catalog, Task, TaskStatus};
use ark_video::{DownloadOptions, Existing, Provenance, Sidecar, Watched, deadline, file_stem, unix_millis};
use futures_util::future::join_all;

use super::events::{EventKind, StopCause};
use super::fetching::{Fetched, kept, patiently, provenance};
use super::request::is_flex;
use super::settling::cost;
use super::shared::{Shared, locked};
use super::waiting::{LEFT_ALONE, Waited};
use crate::{FileAt, Job, JobFilter, Journal, JournalError, Moved, Planned, Resolve, State};

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
fn path(planned: &Planned, task_id: &str) -> PathBuf {
    let extension = planned.output.extension().map_or("mp4".into(), |extension| extension.to_string_lossy());
    folder(planned).join(format!("{}.{extension}", file_stem(task_id)))
}

/// Whether so many candidates are fetched for so many creates.
pub(crate) fn is_worth_fetching(candidates: usize, creates: usize) -> bool {
    candidates <= FEW.max(creates.saturating_mul(MOST_FOR_EACH))
}

/// Fetches the candidates of a held job that nobody in this run fetches yet.
pub(crate) async fn collect(shared: &Shared, job: &Job) {
    let ids: Vec<_> = {
        let mut collecting = locked(&shared.collecting);
        job.candidates.iter().filter(|id| collecting.insert((*id).clone())).collect()
    };
    join_all(ids.into_iter().map(|id| collect_one(shared, job, id))).await;
}

async fn collect_one(shared: &Shared, job: &Job, id: &str) {
    let path = path(&job.planned, id);
    if kept(id, &path).await.is_some() {
        return;
    }
    loop {
        // Assigned meanwhile, it is fetched by its own job.
        match shared.patiently(|| shared.journal.job_of_task(id)).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return,
        }
        let watched = Watched::new(id).flex(is_flex(&job.planned));
        let waited = tokio::select! {
            waited = shared.waiting.wait(&job.key, watched) => waited,
            () = shared.stop.draining() => return,
        };
        match waited {
            Waited::Ended(task) if task.status == TaskStatus::Succeeded => {
                return fetch(shared, job, *task, &path).await;
            }
            // It costs nothing, and there is nothing to fetch.
            Waited::Ended(_) | Waited::Gone => return,
            // Another run has to ask; the row keeps the id.
            Waited::Refused { reason, .. } => {
                shared.tell(Some(&job.key), EventKind::Trouble { reason });
                return;
            }
            Waited::NotTold(reason) => {
                shared.tell(Some(&job.key), EventKind::Trouble { reason });
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
    let due = deadline(&task).map_or(job.changed_at, unix_millis);
    let _pass = tokio::select! {
        pass = shared.downloads.enter(due) => pass,
        () = shared.stop.draining() => return,
    };
    let folder = folder(&job.planned);
    let made = tokio::task::spawn_blocking(move || create_own_folder(&folder)).await;
    let failed = |reason: String| shared.tell(Some(&job.key), EventKind::Trouble { reason });
    if let Ok(Err(error)) = made {
        return failed(format!("the folder of {} cannot be made: {error}", path.display()));
    }
    let handle = shared.client.task(&id);
    let options = DownloadOptions::new().existing(Existing::Keep);
    match patiently(shared, job, &handle, Some(task), path, options, due).await {
        Ok(file) => {
            let (path, bytes) = (file.path, file.bytes);
            shared.tell(Some(&job.key), EventKind::Unmatched { task_id: id, path, bytes });
        }
        Err(Fetched::DiskFull(reason)) => shared.close(StopCause::DiskFull, &reason),
        Err(Fetched::Gone(reason) | Fetched::Blocked(reason)) => failed(reason),
        Err(Fetched::Done(_) | Fetched::Left) => {}
    }
}

/// Puts the video of a task in its place, if it was fetched before it was known whose it is.
pub(crate) async fn place(planned: &Planned, task_id: &str) -> Result<Option<FileAt>, String> {
    place_from(&path(planned, task_id), planned, task_id).await
}

async fn place_from(from: &Path, planned: &Planned, task_id: &str) -> Result<Option<FileAt>, String> {
    if kept(task_id, from).await.is_none() {
        return Ok(None);
    }
    let (from, to, made_from) = (from.to_owned(), planned.output.clone(), provenance(planned));
    let placed = tokio::task::spawn_blocking(move || moved(&from, &to, made_from)).await;
    match placed {
        Ok(Ok(file)) => Ok(Some(file)),
        Ok(Err(error)) => Err(format!("{} cannot be put in its place: {error}", planned.output.display())),
        Err(error) => Err(error.to_string()),
    }
}

/// Never over another file. The sidecar first: a video without one would be nobody's after a crash.
fn moved(from: &Path, to: &Path, made_from: Option<Provenance>) -> io::Result<FileAt> {
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

/// The task of a video in `unmatched/`, or of any other video with a sidecar.
///
/// # Errors
/// The sidecar beside it cannot be read.
pub fn task_of(video: &Path) -> io::Result<Option<String>> {
    Ok(Sidecar::read(video)?.and_then(|sidecar| sidecar.task_id))
}

/// What came of assigning a task to a shot.
#[derive(Debug)]
#[non_exhaustive]
pub struct Assigned {
    /// The shot's job as it is now.
    pub job: Job,
    /// Its video, if it had been fetched: it is in its place. Otherwise the next run fetches it.
    pub file: Option<FileAt>,
}

/// Why a task was not assigned to a shot. Nothing was changed, unless the journal says otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub enum AssignError {
    /// The journal cannot be used, or the task is another shot's.
    Journal(JournalError),
    /// Another process moved the job at the same time.
    Moved,
    /// The task is none of those that may be the shot's.
    NotACandidate(Vec<String>),
    /// The video cannot be put in its place, in a sentence.
    Place(String),
}

impl fmt::Display for AssignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Moved => f.write_str("the shot moved on in the meantime"),
            Self::NotACandidate(candidates) if candidates.is_empty() => {
                f.write_str("no task is known that may be this shot's")
            }
            Self::NotACandidate(candidates) => {
                write!(f, "that task is none of those that may be this shot's: {}", candidates.join(", "))
            }
            Self::Place(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for AssignError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(error) => Some(error),
            _ => None,
        }
    }
}

impl From<JournalError> for AssignError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Gives a held job one of its candidates, as a person decided, puts the video in its place if it is there, and accounts for it.
/// Needs no network. What other shots hold of that task is taken back.
///
/// # Errors
/// The task is not one of its candidates, the place is taken, or the journal cannot be written.
pub async fn assign(
    journal: &Journal,
    job: &Job,
    task_id: &str,
    catalog: &Catalog,
) -> Result<Assigned, AssignError> {
    if !job.candidates.iter().any(|candidate| candidate == task_id) {
        return Err(AssignError::NotACandidate(job.candidates.clone()));
    }
    let rivals = rivals(journal, job, task_id).await?;
    let mut places: BTreeSet<PathBuf> = rivals.iter().map(|rival| path(&rival.planned, task_id)).collect();
    places.insert(path(&job.planned, task_id));
    let mut from = None;
    for place in places {
        if kept(task_id, &place).await.is_some() {
            from = Some(place);
        }
    }
    let output = &job.planned.output;
    if from.is_some() && output.symlink_metadata().is_ok() {
        return Err(AssignError::Place(format!("{} is there already", output.display())));
    }
    let mut now = done(journal.resolve(job, &Resolve::Adopt(task_id.to_owned())).await?)?;
    for rival in rivals {
        // Its row is right without this; it only names a candidate too many.
        let _ = journal.without_candidate(&rival, task_id).await?;
    }
    let Some(from) = from else { return Ok(Assigned { job: now, file: None }) };
    let sidecar = Sidecar::read(&from).map_err(|error| AssignError::Place(error.to_string()))?;
    let Some(task) = sidecar.and_then(|sidecar| sidecar.task) else {
        return Ok(Assigned { job: now, file: None });
    };
    now = done(journal.finished(&now, &task).await?)?;
    let file = place_from(&from, &now.planned, task_id).await.map_err(AssignError::Place)?;
    if let Some(file) = &file {
        now = done(journal.downloaded(&now, vec![file.clone()]).await?)?;
        let cost = cost(&now.planned, &task, catalog);
        now = done(journal.settled(&now, cost).await?)?;
    }
    Ok(Assigned { job: now, file })
}

fn done(moved: Moved) -> Result<Job, AssignError> {
    match moved {
        Moved::Done(job) => Ok(job),
        Moved::Stale(_) => Err(AssignError::Moved),
    }
}

/// Other held jobs that may have this task.
async fn rivals(journal: &Journal, job: &Job, task_id: &str) -> Result<Vec<Job>, JournalError> {
    let filter = JobFilter { states: vec![State::Held], ..JobFilter::default() };
    let mut rivals = Vec::new();
    let mut last: Option<String> = None;
    loop {
        let page = journal.jobs(&filter, last.as_deref(), 500).await?;
        let Some(end) = page.last() else { return Ok(rivals) };
        last = Some(end.key.clone());
        let names = |other: &Job| other.candidates.iter().any(|candidate| candidate == task_id);
        rivals.extend(page.into_iter().filter(|other| other.key != job.key && names(other)));
    }
}

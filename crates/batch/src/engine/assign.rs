//! A person's decision about a held job: this task is its own. Its video is moved from `unmatched/`
//! to its name and accounted for. Needs no network.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ark_video::model::catalog::Catalog;
use ark_video::provenance::Sidecar;

use super::fetch::existing_file;
use super::settle::cost;
use super::unmatched::{path, place_from};
use crate::{CasOutcome, FileAt, Job, JobFilter, Journal, JournalError, Resolve, State};

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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssignError {
    /// The journal cannot be used, or the task is another shot's.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another process changed the job at the same time.
    #[error("the shot changed in the meantime")]
    Conflict,
    /// The task is none of those that may be the shot's: these.
    #[error("this task is not a candidate of the shot; its candidates: {}", if .0.is_empty() { "none".to_owned() } else { .0.join(", ") })]
    NotACandidate(Vec<String>),
    /// The video cannot be moved to its name, in a sentence.
    #[error("{0}")]
    Destination(String),
}

/// Gives a held job one of its candidates, as a person decided, puts the video in its place if it
/// is there, and accounts for it. Needs no network. What other shots hold of that task is taken
/// back.
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
        if existing_file(task_id, &place).await.is_some() {
            from = Some(place);
        }
    }
    let output = &job.planned.output;
    if from.is_some() && output.symlink_metadata().is_ok() {
        return Err(AssignError::Destination(format!("{} is there already", output.display())));
    }
    let mut now = done(journal.resolve(job, &Resolve::Adopt(task_id.to_owned())).await?)?;
    for rival in rivals {
        // Its row is right without this; it only names a candidate too many.
        let _ = journal.without_candidate(&rival, task_id).await?;
    }
    let Some(from) = from else { return Ok(Assigned { job: now, file: None }) };
    let sidecar = Sidecar::read(&from).map_err(|error| AssignError::Destination(error.to_string()))?;
    let Some(task) = sidecar.and_then(|sidecar| sidecar.task) else {
        return Ok(Assigned { job: now, file: None });
    };
    now = done(journal.finished(&now, &task).await?)?;
    let file = place_from(&from, &now.planned, task_id).await.map_err(AssignError::Destination)?;
    if let Some(file) = &file {
        now = done(journal.downloaded(&now, vec![file.clone()]).await?)?;
        let cost = cost(&now.planned, &task, catalog);
        now = done(journal.settled(&now, cost).await?)?;
    }
    Ok(Assigned { job: now, file })
}

fn done(moved: CasOutcome) -> Result<Job, AssignError> {
    match moved {
        CasOutcome::Done(job) => Ok(job),
        CasOutcome::Conflict(_) => Err(AssignError::Conflict),
    }
}

/// Other held jobs that may have this task.
async fn rivals(journal: &Journal, job: &Job, task_id: &str) -> Result<Vec<Job>, JournalError> {
    let filter = JobFilter { states: vec![State::Held], ..JobFilter::default() };
    let mut rivals = Vec::new();
    let mut pages = journal.pages(filter);
    while let Some(page) = pages.next().await? {
        let names = |other: &Job| other.candidates.iter().any(|candidate| candidate == task_id);
        rivals.extend(page.into_iter().filter(|other| other.key != job.key && names(other)));
    }
    Ok(rivals)
}

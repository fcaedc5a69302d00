//! A job's video, from its task to its place, and what that came to is written down.

use ark_video::model::Task;

use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::fetching::{Fetched, fetch};
use super::settling::cost;
use super::shared::{Shared, moved};
use crate::{Job, JournalError};

/// Fetches a film. The outer `None`: it is left for a later run.
pub(crate) async fn bring(
    shared: &Shared,
    job: &Job,
    task: Option<Task>,
) -> Result<Option<Option<Job>>, JournalError> {
    match fetch(shared, job, task).await {
        Fetched::Done(files) => {
            let now = moved(shared.patiently(|| shared.journal.downloaded(job, files.clone())).await?);
            if let Some(film) = files.first() {
                let (path, bytes) = (film.path.clone(), film.bytes);
                shared.tell(Some(&job.key), EventKind::Downloaded { path, bytes });
            }
            shared.options.crash.reached(CrashPoint::AfterDownloaded);
            Ok(Some(now))
        }
        Fetched::Gone(reason) => {
            let spent = job.task.as_ref().and_then(|task| cost(&job.planned, task, shared.client.catalog()));
            Ok(Some(moved(shared.patiently(|| shared.journal.gone(job, spent.clone(), &reason)).await?)))
        }
        Fetched::Blocked(reason) => {
            let _ = shared.patiently(|| shared.journal.note(job, &reason)).await?;
            let reason =
                format!("{reason}. The video stays at the service for a day: make room and run again.");
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
            Ok(None)
        }
        Fetched::DiskFull(reason) => {
            shared.close(StopCause::DiskFull, &reason);
            Ok(None)
        }
        Fetched::Left => Ok(None),
    }
}

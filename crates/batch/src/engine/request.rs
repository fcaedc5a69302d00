//! From a planned job to the request that is sent: its files looked at once more, what the job that
//! it follows delivers, and marks on it that no other create of its model has.

use std::sync::Arc;

use ark_video::{
    Client, Error, UnresolvedCreate,
    create::{CorrelationsInUse, Prepared},
    media_store::{StorageError, StorageErrorKind, Uploads},
};

use super::options::RunnerOptions;
use crate::list::attach;
use crate::{Job, Link};

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum Unprepared {
    /// It can never be sent as it was planned; why, in a sentence.
    Never(String),
    /// Not just now; why, in a sentence.
    NotNow(String),
}

/// The request of a job. `before` is the job that it follows, if it follows one; `in_use` are the
/// marks of other creates of its model.
pub(crate) async fn prepare(
    client: &Client,
    options: &RunnerOptions,
    job: &Job,
    before: Option<&Job>,
    in_use: Arc<CorrelationsInUse>,
    uploads: &Uploads,
) -> Result<(Prepared, UnresolvedCreate), Unprepared> {
    let delivered = match (&job.planned.after, before) {
        (Some(after), Some(before)) => Some(delivered(client, after.link, before).await?),
        _ => None,
    };
    let planned = job.planned.clone();
    let hosts = options.media_store.is_some();
    // It reads and hashes files.
    let attached = tokio::task::spawn_blocking(move || attach(&planned, delivered.as_deref(), hosts)).await;
    let (request, files) = attached
        .map_err(|_| Unprepared::NotNow("its files could not be read".to_owned()))?
        .map_err(|error| Unprepared::Never(error.to_string()))?;
    let mut create = client.create(request).files(files).check(options.check);
    if let Some(store) = &options.media_store {
        create = create.uploads(uploads.clone(), store.clone());
    }
    let prepared = create.correlate(options.marks.clone()).in_use(in_use).prepare();
    let search = prepared.record();
    Ok((prepared, search))
}

/// What a job takes from the one that it follows. Links are requested again: they expire, and are
/// not kept.
async fn delivered(client: &Client, link: Link, before: &Job) -> Result<String, Unprepared> {
    let name = &before.planned.name;
    let id = before.task_id.as_ref().ok_or_else(|| Unprepared::Never(format!("{name} has no task")))?;
    if link == Link::Draft {
        return Ok(id.clone());
    }
    let task = match client.get(id).await {
        Ok(task) => task,
        Err(Error::Api(error)) if error.error.status == 404 => {
            let reason = format!(
                "the service no longer knows task {id} of {name}, from which it takes its start; nothing was sent"
            );
            return Err(Unprepared::Never(reason));
        }
        Err(error) => return Err(Unprepared::NotNow(error.message())),
    };
    let (address, what) = match link {
        Link::Extend => (task.video_url(), "video"),
        _ => (task.last_frame_url(), "last frame (its request must ask for it: return_last_frame)"),
    };
    address
        .map(str::to_owned)
        .ok_or_else(|| Unprepared::Never(format!("task {id} of {name} has no {what}; nothing was sent")))
}

/// Uploads the local files of a job that go by URL; what the store has is not sent again.
pub(crate) async fn upload(options: &RunnerOptions, job: &Job) -> Result<Uploads, StorageError> {
    let (Some(store), false) = (&options.media_store, job.planned.inputs.is_empty()) else {
        return Ok(Uploads::default());
    };
    let planned = job.planned.clone();
    // What the job before delivers is no file.
    let attached = tokio::task::spawn_blocking(move || attach(&planned, Some("-"), true)).await;
    let file = |why: String| StorageError::new(StorageErrorKind::File, why);
    let (request, files) = attached
        .map_err(|_| file("its files could not be read".to_owned()))?
        .map_err(|error| file(error.to_string()))?;
    files.upload(&request, &**store, &|_| {}).await
}

/// The search of a job's attempt, if it can be read.
pub(crate) fn search_of(job: &Job) -> Option<UnresolvedCreate> {
    serde_json::from_value(job.attempt.as_ref()?.search.clone()?).ok()
}

//! A task by its id: look, wait, download. Everything here can be dropped and taken up again.

use std::{fmt, path::Path};

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::{
    get,
    wait::{Look, PollFailure, Step, StopReason, WaitOptions, WaitPlan},
};
use ark_video_transport::{Clock, SaveProgress};
use serde::{Serialize, Serializer};

use crate::{
    Client, DownloadOptions, Downloaded, Error, StillRunning, TaskEnded, call::after, download::download,
};

/// A task and the client that reaches it.
///
/// It is its id and nothing else: [`TaskHandle::id`] can be stored (the handle also serialises as that string), and
/// [`Client::task`] makes the handle again, in another process too.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    client: Client,
    id: String,
    /// Whether a create of this client has just made it, so that it is known to exist.
    created: bool,
}

/// What happened during a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitEvent<'a> {
    /// The task was seen for the first time, or in a new state.
    Status(&'a Task),
    /// The task could not be looked at. The wait goes on.
    CouldNotAsk {
        /// What went wrong.
        error: &'a Error,
        /// Failed looks in a row, this one included.
        in_a_row: u32,
    },
}

impl TaskHandle {
    pub(crate) fn new(client: Client, id: String) -> Self {
        Self { client, id, created: false }
    }

    pub(crate) fn created(client: Client, id: String) -> Self {
        Self { client, id, created: true }
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for the task.
    ///
    /// # Errors
    /// [`Error::Read`], whatever came in place of the task: that it cannot be asked for says nothing about a task that
    /// was created. [`Error::Request`] for an id that no path can hold.
    pub async fn get(&self) -> Result<Task, Error> {
        self.client.get(&self.id).await.map_err(Error::of_known_task)
    }

    /// Waits until the task has succeeded, and gives it.
    ///
    /// Looks at once in a while, seldom enough for the service; single failures to look are borne. Dropping the future
    /// stops waiting and leaves the task alone.
    ///
    /// # Errors
    /// [`Error::TaskEnded`] (failed, expired or cancelled), [`Error::StillRunning`] (the time is up; the error keeps the
    /// id and the task as last seen), [`Error::Read`] (too many looks in a row failed, or were refused: 404 for 60 s of a
    /// task that is known to exist, 401 and 403 for 2 minutes, others three times; or the answers are about another task).
    pub async fn wait(&self, options: WaitOptions) -> Result<Task, Error> {
        self.wait_with(options, |_| {}).await
    }

    /// As [`TaskHandle::wait`], and tells `on_event` what happens meanwhile.
    ///
    /// # Errors
    /// As [`TaskHandle::wait`].
    pub async fn wait_with(
        &self,
        options: WaitOptions,
        mut on_event: impl FnMut(WaitEvent<'_>) + Send,
    ) -> Result<Task, Error> {
        // An id that no path can hold stays so: said at once, and nothing is sent.
        get::Request::new(&self.id).to_http(self.client.base_url())?;
        let clock: &dyn Clock = self.client.clock();
        let start = clock.monotonic();
        let known = self.created || options.is_known;
        let mut plan = WaitPlan::new(options.known(known));
        let mut last: Option<Task> = None;
        let mut step = plan.start(self.client.dice());
        loop {
            if let Step::LookAt { at, .. } = step {
                let now = clock.monotonic().saturating_sub(start);
                if at > now {
                    clock.sleep(at - now).await;
                }
            }
            let looked = self.client.get_once(&self.id).await.map_err(Error::of_known_task);
            let elapsed = clock.monotonic().saturating_sub(start);
            let look = match &looked {
                Ok(task) => Look::Status(&task.status),
                Err(error) => Look::Failed(poll_failure(error, clock)),
            };
            step = plan.observe(elapsed, &look, self.client.dice());
            match &looked {
                Ok(task) if last.as_ref().is_none_or(|last| last.status != task.status) => {
                    on_event(WaitEvent::Status(task));
                }
                Err(error) => on_event(WaitEvent::CouldNotAsk { error, in_a_row: plan.failures().max(1) }),
                Ok(_) => {}
            }
            match (step, looked) {
                (Step::Finished, Ok(task)) if task.status == TaskStatus::Succeeded => return Ok(task),
                (Step::Finished, Ok(task)) => {
                    return Err(Error::TaskEnded(TaskEnded { task: Box::new(task) }));
                }
                (Step::Stop(StopReason::TooManyFailures(_) | StopReason::Refused), Err(error)) => {
                    return Err(after(plan.failures(), error));
                }
                (Step::LookAt { .. }, looked) => last = looked.ok().or(last),
                (_, looked) => {
                    let (task, trouble) = match looked {
                        Ok(task) => (Some(task), None),
                        Err(error) => (last, error.cause_text()),
                    };
                    let (task_id, task) = (self.id.clone(), task.map(Box::new));
                    return Err(Error::StillRunning(StillRunning { task_id, task, elapsed, trouble }));
                }
            }
        }
    }

    /// Saves the film at `path`, under that name only when it is whole.
    ///
    /// Asks for the task first, so that the link is as fresh as can be. The key does not go to the storage host. Breaks
    /// are taken up by Range, dead links are refreshed. If this fails, is dropped or is killed, what was fetched stays as
    /// `NAME.part`, and doing it again goes on from there, at no cost.
    ///
    /// # Errors
    /// [`Error::Download`] (the name is taken, the disk or the storage said no, the file was cut); [`Error::NotPossible`]
    /// if the task has not finished; [`Error::TaskEnded`] if it has no result; otherwise as [`Client::get`].
    pub async fn download(&self, path: &Path, options: DownloadOptions) -> Result<Downloaded, Error> {
        self.download_with(path, options, |_| {}).await
    }

    /// As [`TaskHandle::download`], and tells `on_progress` how far it is.
    ///
    /// # Errors
    /// As [`TaskHandle::download`].
    pub async fn download_with(
        &self,
        path: &Path,
        options: DownloadOptions,
        mut on_progress: impl FnMut(SaveProgress) + Send,
    ) -> Result<Downloaded, Error> {
        download(self, None, path, &options, &mut on_progress).await
    }

    /// As [`TaskHandle::download_with`], of a task that was just seen: saves asking for it.
    ///
    /// # Errors
    /// As [`TaskHandle::download`].
    pub async fn download_of(
        &self,
        task: Task,
        path: &Path,
        options: DownloadOptions,
        mut on_progress: impl FnMut(SaveProgress) + Send,
    ) -> Result<Downloaded, Error> {
        download(self, Some(task), path, &options, &mut on_progress).await
    }

    /// Takes the task out of the queue, see [`Client::cancel`].
    ///
    /// # Errors
    /// As [`Client::cancel`].
    pub async fn cancel(&self) -> Result<(), Error> {
        self.client.cancel(&self.id).await
    }

    /// Deletes the task's record, see [`Client::forget`].
    ///
    /// # Errors
    /// As [`Client::forget`].
    pub async fn forget(&self) -> Result<(), Error> {
        self.client.forget(&self.id).await
    }
}

impl fmt::Display for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.id)
    }
}

impl Serialize for TaskHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.id)
    }
}

fn poll_failure(error: &Error, clock: &dyn Clock) -> PollFailure {
    error.failure().map_or_else(PollFailure::impossible, |failure| PollFailure::of(&failure, clock.now()))
}

//! A task by its id: look, wait, download. Everything here can be dropped and taken up again.

use std::{fmt, path::Path};

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::wait::{Look, LookFailure, Step, StopReason, WaitOptions, WaitPlan};
use ark_video_transport::{Clock, SaveProgress};
use serde::{Serialize, Serializer};

use crate::{
    Client, DownloadOptions, Downloaded, Error, ReadCause, StillRunning, TaskEnded, call::after,
    download::download,
};

/// A task and the client that reaches it.
///
/// It is its id and nothing else: [`TaskHandle::id`] can be stored (the handle also serialises as that string), and
/// [`Client::task`] makes the handle again, in another process too.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    client: Client,
    id: String,
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
        Self { client, id }
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
    /// As [`Client::get`].
    pub async fn get(&self) -> Result<Task, Error> {
        self.client.get(&self.id).await
    }

    /// Waits until the task has succeeded, and gives it.
    ///
    /// Looks at once in a while, seldom enough for the service; single failures to look are borne. Dropping the future
    /// stops waiting and leaves the task alone.
    ///
    /// # Errors
    /// [`Error::TaskEnded`] (failed, expired or cancelled), [`Error::StillRunning`] (the time is up; the error keeps the
    /// id and the task as last seen), [`Error::Refused`] (401, 403, 404 and the like: looking again would not help),
    /// [`Error::NotSent`] or [`Error::Read`] (too many looks in a row failed).
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
        let clock: &dyn Clock = self.client.clock();
        let start = clock.monotonic();
        let mut plan = WaitPlan::new(options);
        let mut last: Option<Task> = None;
        let mut step = plan.start(self.client.dice());
        loop {
            if let Step::LookAt { at, .. } = step {
                let now = clock.monotonic().saturating_sub(start);
                if at > now {
                    clock.sleep(at - now).await;
                }
            }
            let looked = self.client.get_once(&self.id).await;
            let elapsed = clock.monotonic().saturating_sub(start);
            let look = match &looked {
                Ok(task) => Look::Status(&task.status),
                Err(error) => Look::Failed(failure(error, clock)),
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
                (Step::Stop(StopReason::TooManyFailures(tries)), Err(error)) => {
                    return Err(after(tries, error));
                }
                (Step::Stop(StopReason::Refused), Err(error)) => return Err(error),
                (Step::LookAt { .. }, looked) => last = looked.ok().or(last),
                (_, looked) => {
                    let task = looked.ok().or(last).map(Box::new);
                    return Err(Error::StillRunning(StillRunning {
                        task_id: self.id.clone(),
                        task,
                        elapsed,
                    }));
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

fn failure(error: &Error, clock: &dyn Clock) -> LookFailure {
    match error {
        Error::NotSent(error) => LookFailure::of_send(&error.cause),
        Error::Read(error) => match &error.cause {
            ReadCause::Send(error) => LookFailure::of_send(error),
            ReadCause::Answer(error) => LookFailure::of_answer(error, clock.now()),
        },
        Error::Refused(error) => LookFailure::of_answer(&error.error, clock.now()),
        _ => LookFailure::Final,
    }
}

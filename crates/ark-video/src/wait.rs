//! Waiting for one task: drives `ark_video_protocol::wait` with real requests.

use std::{fmt, future::IntoFuture, time::Duration};

use ark_video_model::{Task, TaskStatus};
use ark_video_protocol::{
    get,
    wait::{PollFailure, PollResult, Step, StopReason, WaitOptions, WaitPlan},
};
use ark_video_transport::{BoxFuture, Clock};

use crate::{
    Error, TaskHandle,
    call::after,
    error::{StillRunning, TaskEnded},
    spans,
};
pub use ark_video_protocol::wait::NOT_FOUND_GRACE;

/// What happened during a wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitEvent<'a> {
    /// The task was polled for the first time, or has a new status.
    Status(&'a Task),
    /// The task could not be polled. The wait goes on.
    CouldNotPoll {
        /// What went wrong.
        error: &'a Error,
        /// Failed polls in a row, this one included.
        in_a_row: u32,
    },
}

type OnEvent<'a> = Box<dyn FnMut(WaitEvent<'_>) + Send + 'a>;

/// A wait until a task has succeeded: await it for the task.
///
/// Polls rarely enough for the service; single failures are retried. Dropping the future stops
/// waiting and leaves the task alone.
#[must_use = "nothing is waited for until awaited"]
pub struct Wait<'a> {
    handle: TaskHandle,
    options: WaitOptions,
    on_event: Option<OnEvent<'a>>,
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("task", &self.handle.id()).finish_non_exhaustive()
    }
}

impl TaskHandle {
    /// Waits, when awaited, until the task has succeeded, and gives it.
    ///
    /// # Errors
    /// [`Error::TaskEnded`] (failed, expired or cancelled), [`Error::StillRunning`] (the time is
    /// up; the error keeps the id and the task as last polled), [`Error::Read`] (too many polls in
    /// a row failed, or were refused: 404 for 60 s of a task that is known to exist, 401 and 403
    /// for 2 minutes, others three times; or the answers are about another task).
    pub fn wait(&self) -> Wait<'static> {
        Wait { handle: self.clone(), options: WaitOptions::default(), on_event: None }
    }
}

impl<'a> Wait<'a> {
    /// Gives up after this long, with one last poll. Default 2 hours.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Polls at this fixed interval. Default: after 3 s, then at intervals that grow to 15 s.
    pub fn poll(mut self, interval: Duration) -> Self {
        self.options = self.options.every(interval);
        self
    }

    /// All settings at once.
    pub fn options(mut self, options: WaitOptions) -> Self {
        self.options = options;
        self
    }

    /// Calls `on_event` with what happens meanwhile.
    pub fn events<'b>(self, on_event: impl FnMut(WaitEvent<'_>) + Send + 'b) -> Wait<'b> {
        Wait { handle: self.handle, options: self.options, on_event: Some(Box::new(on_event)) }
    }

    async fn run(mut self) -> Result<Task, Error> {
        let client = self.handle.client();
        // An id that no path can hold stays so: reported at once, and nothing is sent.
        get::Request::new(self.handle.id()).to_http(client.base_url())?;
        let clock: &dyn Clock = client.clock();
        let start = clock.monotonic();
        let known = self.handle.is_created() || self.options.is_known;
        let mut plan = WaitPlan::new(self.options.known(known));
        let mut last: Option<Task> = None;
        let mut step = plan.start(client.jitter());
        let mut report = |event: WaitEvent<'_>| {
            if let Some(on_event) = &mut self.on_event {
                on_event(event);
            }
        };
        loop {
            if let Step::PollAt { at, .. } = step {
                let now = clock.monotonic().saturating_sub(start);
                if at > now {
                    clock.sleep(at - now).await;
                }
            }
            let polled = client.get_once(self.handle.id()).await.map_err(Error::of_known_task);
            let elapsed = clock.monotonic().saturating_sub(start);
            let result = match &polled {
                Ok(task) => PollResult::Status(&task.status),
                Err(error) => PollResult::Failed(poll_failure(error, clock)),
            };
            step = plan.observe(elapsed, &result, client.jitter());
            match &polled {
                Ok(task) if last.as_ref().is_none_or(|last| last.status != task.status) => {
                    report(WaitEvent::Status(task));
                }
                Err(error) => report(WaitEvent::CouldNotPoll { error, in_a_row: plan.failures().max(1) }),
                Ok(_) => {}
            }
            match (step, polled) {
                (Step::Finished, Ok(task)) if task.status == TaskStatus::Succeeded => return Ok(task),
                (Step::Finished, Ok(task)) => {
                    return Err(Error::TaskEnded(TaskEnded { task: Box::new(task) }));
                }
                (Step::Stop(StopReason::TooManyFailures(_) | StopReason::Refused), Err(error)) => {
                    return Err(after(plan.failures(), error));
                }
                (Step::PollAt { .. }, polled) => last = polled.ok().or(last),
                (_, polled) => {
                    let (task, trouble) = match polled {
                        Ok(task) => (Some(task), None),
                        Err(error) => (last, error.cause_text()),
                    };
                    let (task_id, task) = (self.handle.id().to_owned(), task.map(Box::new));
                    return Err(Error::StillRunning(StillRunning { task_id, task, elapsed, trouble }));
                }
            }
        }
    }
}

impl<'a> IntoFuture for Wait<'a> {
    type Output = Result<Task, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let id = self.handle.id().to_owned();
            spans::wait(&id, self.run()).await
        })
    }
}

fn poll_failure(error: &Error, clock: &dyn Clock) -> PollFailure {
    error.failure().map_or_else(PollFailure::impossible, |failure| PollFailure::of(&failure, clock.now()))
}

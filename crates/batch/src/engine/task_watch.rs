//! Waiting for tasks: one watch for all jobs of a runner, so that the vendor's rates are kept
//! however many there are. It never ends a wait by itself: that a task cannot be asked for says
//! nothing about the task.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ark_video::model::Task;
use ark_video::{
    Client, Watch, WatchEvent, WatchOptions, Watched,
    watch::{CouldNotPoll, WatchHandle},
};
use tokio::sync::oneshot;

use super::events::{EventKind, EventSink};
use super::locked;

/// How long a task is left alone that could not be asked for.
pub(crate) const LEFT_ALONE: Duration = Duration::from_secs(60);

/// How a wait goes on.
#[derive(Debug)]
pub(crate) enum WaitOutcome {
    /// The task has ended; this is its own answer.
    Ended(Box<Task>),
    /// The service knows no such task (any more).
    Gone,
    /// It can be asked for no longer, for this reason. Ask again later.
    NotPolled(String),
    /// The service has refused polls for so long that another run has to poll.
    Refused {
        /// Whether the account is refused, or this task.
        why: CouldNotPoll,
        /// What was answered.
        reason: String,
    },
}

#[derive(Debug)]
struct Waiter {
    key: String,
    wake: oneshot::Sender<WaitOutcome>,
}

type Waiters = Arc<Mutex<HashMap<String, Waiter>>>;

/// The way to the watch.
#[derive(Debug, Clone)]
pub(crate) struct TaskWatchHandle {
    watch: WatchHandle,
    waiters: Waiters,
}

/// The watch itself; runs until every [`TaskWatchHandle`] is dropped.
pub(crate) struct TaskWatch {
    watch: Watch,
    waiters: Waiters,
    client: Client,
    sink: EventSink,
}

pub(crate) fn start(client: &Client, options: WatchOptions, sink: EventSink) -> (TaskWatchHandle, TaskWatch) {
    let mut watch = client.watch(options);
    let waiters = Waiters::default();
    let handle = TaskWatchHandle { watch: watch.handle(), waiters: waiters.clone() };
    (handle, TaskWatch { watch, waiters, client: client.clone(), sink })
}

impl TaskWatchHandle {
    /// Waits for something to say about a task. Dropping this stops watching it and leaves the task
    /// alone.
    pub(crate) async fn wait(&self, key: &str, task: Watched) -> WaitOutcome {
        let id = task.id.clone();
        let (wake, woken) = oneshot::channel();
        locked(&self.waiters).insert(id.clone(), Waiter { key: key.to_owned(), wake });
        let _leave = Leave { handle: self, id };
        self.watch.add(task);
        woken.await.unwrap_or_else(|_| WaitOutcome::NotPolled("watching has ended".to_owned()))
    }
}

struct Leave<'w> {
    handle: &'w TaskWatchHandle,
    id: String,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if locked(&self.handle.waiters).remove(&self.id).is_some() {
            self.handle.watch.remove(self.id.as_str());
        }
    }
}

impl TaskWatch {
    pub(crate) async fn run(mut self) {
        while let Some(event) = self.watch.next().await {
            let at = self.client.now();
            let reported = match event {
                WatchEvent::Changed { id, to, .. } => {
                    let key = locked(&self.waiters).get(&*id).map(|waiter| waiter.key.clone());
                    if let Some(key) = key {
                        let status = to.as_str().to_owned();
                        self.sink.emit(at, Some(&key), EventKind::Status { status });
                    }
                    continue;
                }
                WatchEvent::Finished { task, .. } => (task.id.clone(), WaitOutcome::Ended(task)),
                WatchEvent::Gone { id } => (id.to_string(), WaitOutcome::Gone),
                WatchEvent::TimedOut { id, status } => {
                    let reason = format!("task {id} is still {status}; it is watched on");
                    (id.to_string(), WaitOutcome::NotPolled(reason))
                }
                WatchEvent::CouldNotPoll { id, why, detail, .. } => {
                    let reason = format!("task {id} cannot be asked for: {why} ({detail})");
                    let waited = match why {
                        CouldNotPoll::Account | CouldNotPoll::Refused => WaitOutcome::Refused { why, reason },
                        _ => WaitOutcome::NotPolled(format!("{reason}; it is asked for again in a minute")),
                    };
                    (id.to_string(), waited)
                }
                WatchEvent::Warning { failures, detail } => {
                    let reason = format!(
                        "no usable answer {failures} times in a row ({detail}); asking goes on, more slowly"
                    );
                    self.sink.emit(at, None, EventKind::Warning { reason });
                    continue;
                }
                _ => continue,
            };
            if let Some(waiter) = locked(&self.waiters).remove(&reported.0) {
                // The receiver may be gone.
                let _ = waiter.wake.send(reported.1);
            }
        }
    }
}

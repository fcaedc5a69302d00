//! What a run reports while it goes: one event for each thing that a person or a program may want
//! to know. Nothing here prints.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use ark_video::transport::UnixMillis;
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::mpsc;

use super::locked;
use crate::{Cost, State};

/// Something happened. No prompt, key or link is in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Event {
    /// When, by the runner's clock, in milliseconds since 1970.
    pub at: UnixMillis,
    /// To which job; `None` if to the run.
    pub key: Option<String>,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The run has started.
    Started {
        /// The runner's name, as in the journal.
        runner: String,
        /// Other runners that are at the same journal.
        others: usize,
        /// Jobs that can go on: open ones of its batches.
        queued: u64,
    },
    /// A job is reserved, written down, and about to be sent.
    Submitting {
        /// From 1.
        attempt: u32,
    },
    /// Nothing was created; it will be tried again.
    NotSent {
        /// Why.
        reason: String,
    },
    /// The service asks for a slower pace.
    Throttled {
        /// Of which model.
        model: String,
        /// How long no create of that model is sent.
        pause: Duration,
        /// Tasks of that model that may run at once from now on.
        ceiling: u32,
    },
    /// It is unknown whether a task was created; it is searched for.
    Unknown {
        /// Why.
        reason: String,
    },
    /// The task's id is known.
    Submitted {
        /// The id.
        task_id: String,
        /// Whether it was found by looking for it.
        found: bool,
    },
    /// A record beside its output was taken into its row, which knew nothing of it: it is not sent
    /// again.
    Adopted {
        /// The task's id, if the record has it.
        task_id: Option<String>,
    },
    /// The task is in another state; hearsay of the service's list.
    Status {
        /// Its state, in the service's word.
        status: String,
    },
    /// The task succeeded.
    Finished,
    /// The video is in its place.
    Downloaded {
        /// Where.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A video is here that may belong to this job or to another one: it is paid for, and a person
    /// says whose it is.
    Unmatched {
        /// Its task.
        task_id: String,
        /// Where it is.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
    },
    /// The job is done and accounted for.
    Settled {
        /// What it cost.
        cost: Cost,
        /// Whether that is what was reserved, because the service's usage was missing, zero or
        /// unreadable.
        unmetered: bool,
    },
    /// The job is over or parked without a video.
    Ended {
        /// Where it stands.
        state: State,
        /// Why.
        reason: String,
    },
    /// A late answer brought the id of a second task of one job: a second bill if it succeeds.
    Extra {
        /// The id of that task.
        task_id: String,
    },
    /// Something does not work and is tried again.
    #[serde(rename = "trouble")]
    Warning {
        /// What, and what is done about it.
        reason: String,
    },
    /// No more creates are sent in this run; what runs is still waited for and fetched.
    Stopped {
        /// Why.
        cause: StopCause,
        /// Why, in a sentence.
        reason: String,
    },
    /// A person asked for the end: creates under way get their answer, and nothing new begins.
    Draining,
}

/// Why a run sends no more creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopCause {
    /// The service refuses the account: 403, quota, overdue, spending limit.
    Account,
    /// The service does not accept the key: 401.
    Key,
    /// The base URL leads elsewhere.
    Misrouted,
    /// No create has got through for [`crate::RunnerOptions::stuck_for`].
    Stuck,
    /// Too many jobs failed.
    Failures,
    /// A disk is full.
    DiskFull,
    /// The store for local media takes no file: key, rights, bucket or quota.
    Storage,
    /// A row of the journal is damaged, or the journal does not fit together.
    Journal,
    /// A person asked for it.
    Asked,
}

/// What happens in a run, in its order. If it is dropped, events are dropped too and the run goes
/// on.
#[derive(Debug)]
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Events {
    /// The next event; `None` when the run has ended, even while its [`crate::RunnerHandle`]s live.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}

/// Where events go in. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct EventSink(Arc<Mutex<Option<mpsc::UnboundedSender<Event>>>>);

/// Ends the events when it is dropped, also while others hold the sink.
#[derive(Debug)]
pub(crate) struct EndOfEvents(EventSink);

impl EventSink {
    pub(crate) fn new() -> (Self, EndOfEvents, Events) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sink = Self(Arc::new(Mutex::new(Some(sender))));
        (sink.clone(), EndOfEvents(sink), Events(receiver))
    }

    pub(crate) fn emit(&self, at: UnixMillis, key: Option<&str>, kind: EventKind) {
        if let Some(sender) = &*locked(&self.0) {
            // The receiver may be gone.
            let _ = sender.send(Event { at, key: key.map(str::to_owned), kind });
        }
    }
}

impl Drop for EndOfEvents {
    fn drop(&mut self) {
        locked(&self.0.0).take();
    }
}

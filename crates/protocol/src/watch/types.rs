//! What goes into a watch and what comes out of it.

use std::{fmt, sync::Arc, time::Duration};

use ark_video_model::{Task, TaskStatus};

use crate::{Difference, RequestedSettings, get, list, wait::NOT_FOUND_GRACE};

/// Requests of one watch under way at once.
pub const MAX_IN_FLIGHT: usize = 32;

/// Timeout and intervals of a watch. The defaults suit tasks of minutes and of hours.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct WatchOptions {
    /// Timeout of a task without its own; there is a last poll at that time. Default 50 hours:
    /// after 48 hours the service itself expires a task by default.
    pub timeout: Duration,
    /// Delay before the first poll of a new task. Default 3 s: wrong input often fails within
    /// seconds.
    pub initial_delay: Duration,
    /// Up to this many tasks are asked one by one. Default 5.
    pub few: usize,
    /// Ids in one LIST. Default 100, which fits into an address that every proxy takes (3 KB).
    pub ids_per_list: usize,
    /// Tasks on a page of LIST. Default 500.
    pub page_size: u32,
    /// A task that runs longer is reported as stuck, once, and watched on. Default 30 minutes; flex
    /// tasks never.
    pub stuck_after: Duration,
    /// Give up on everything when nothing was answered for so long. Default 15 minutes.
    pub max_silence: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(50 * 60 * 60),
            initial_delay: Duration::from_secs(3),
            few: 5,
            ids_per_list: 100,
            page_size: list::MAX_PAGE,
            stuck_after: Duration::from_secs(30 * 60),
            max_silence: Duration::from_secs(15 * 60),
        }
    }
}

impl WatchOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when to stop waiting.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the delay before the first poll of a new task.
    #[must_use]
    pub fn initial_delay(mut self, after: Duration) -> Self {
        self.initial_delay = after;
        self
    }

    /// Sets how long nothing may be answered.
    #[must_use]
    pub fn max_silence(mut self, silence: Duration) -> Self {
        self.max_silence = silence;
        self
    }
}

/// A task to watch.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Watched {
    /// Its id.
    pub id: String,
    /// When to stop waiting, from now on; otherwise as the options say.
    pub timeout: Option<Duration>,
    /// What was asked for, to be compared with what comes out.
    #[serde(rename = "asked", alias = "requested")]
    pub requested: Option<RequestedSettings>,
    /// Whether it runs in the flex tier, which LIST shows apart. Taken from `requested` as well.
    pub flex: bool,
    /// Whether it was created just now, so that there is nothing to see for some seconds.
    pub fresh: bool,
    /// How long from now "no such task" is not believed: a new task may not be readable everywhere
    /// yet. 60 s for a task that was created just now, otherwise nothing; what is believed must
    /// still be said twice, 5 s apart.
    pub known_for: Duration,
}

impl Watched {
    /// A task of unknown age: it is looked at as soon as rates allow.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { id, timeout: None, requested: None, flex: false, fresh: false, known_for: Duration::ZERO }
    }

    /// A task that was created just now.
    #[must_use]
    pub fn created(id: impl Into<String>) -> Self {
        Self { fresh: true, known_for: NOT_FOUND_GRACE, ..Self::new(id) }
    }

    /// Sets when to stop waiting.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long from now "no such task" is not believed.
    #[must_use]
    pub fn known_for(mut self, time: Duration) -> Self {
        self.known_for = time;
        self
    }

    /// Sets what was asked for.
    #[must_use]
    pub fn requested(mut self, requested: RequestedSettings) -> Self {
        self.flex |= requested.is_flex();
        self.requested = Some(requested);
        self
    }

    /// Says that it runs in the flex tier.
    #[must_use]
    pub fn flex(mut self, flex: bool) -> Self {
        self.flex = flex;
        self
    }
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Ticket(pub(super) u64);

/// A request to send, once and now; it has its permit. Hand back what comes of it under its ticket.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Poll {
    /// Its name.
    pub ticket: Ticket,
    /// What to send.
    pub request: PollRequest,
}

/// One of the two questions that a watch asks.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollRequest {
    /// One task; answer with [`super::Watch::got`].
    Get(get::Request),
    /// A page of tasks; answer with [`super::Watch::listed`].
    List(list::Request),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchStep {
    /// Send this; then ask for the next step at once, it may be another request.
    Poll(Poll),
    /// Nothing before this time, unless a response comes.
    Until(Duration),
    /// Nothing before an answer comes.
    AwaitAnswer,
    /// No task is left.
    Done,
}

/// An event of a watch.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum WatchEvent {
    /// A task was seen in another state that is not its end. May come from LIST, so it is news, not
    /// proof.
    Changed {
        /// The task.
        id: Arc<str>,
        /// Where it was, if known.
        from: Option<TaskStatus>,
        /// Where it is.
        to: TaskStatus,
    },
    /// A task has ended: succeeded, failed, cancelled or expired. Its own answer says so. It is
    /// watched no longer.
    Finished {
        /// The task as returned by GET.
        task: Box<Task>,
        /// Where the result is not what was asked for.
        differences: Vec<Difference>,
    },
    /// The service knows no such task (any more): records go after 7 days, or were deleted. It is
    /// watched no longer.
    Gone {
        /// The task.
        id: Arc<str>,
    },
    /// The timeout of this task; the last poll found it unfinished. It continues, and is billed,
    /// unwatched.
    TimedOut {
        /// The task.
        id: Arc<str>,
        /// Where it was.
        status: TaskStatus,
    },
    /// The task can be asked for no longer. That says nothing about the task: it may run, end and
    /// be billed.
    CouldNotPoll {
        /// The task.
        id: Arc<str>,
        /// Where it was last seen, if ever.
        status: Option<TaskStatus>,
        /// Why.
        why: CouldNotPoll,
        /// The last error as text; empty if there was none.
        detail: Arc<str>,
    },
    /// A task has been running for unusually long. Reported once; it is still watched.
    Stuck {
        /// The task.
        id: Arc<str>,
        /// How long it has been known to run.
        running_for: Duration,
    },
    /// The service does not answer, or refuses the key or the account. InFlight goes on, more and
    /// more slowly.
    #[serde(rename = "trouble")]
    Warning {
        /// Failed waves of requests in a row.
        failures: u32,
        /// The last error as text.
        detail: Arc<str>,
    },
}

impl WatchEvent {
    /// The task it is about.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Finished { task, .. } => Some(&task.id),
            Self::Changed { id, .. }
            | Self::Gone { id }
            | Self::TimedOut { id, .. }
            | Self::CouldNotPoll { id, .. }
            | Self::Stuck { id, .. } => Some(id),
            Self::Warning { .. } => None,
        }
    }

    /// Whether the task is watched no longer.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Finished { .. } | Self::Gone { .. } | Self::TimedOut { .. } | Self::CouldNotPoll { .. }
        )
    }
}

/// Why a task can be asked for no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum CouldNotPoll {
    /// The key or the account was refused for two minutes.
    Account,
    /// The service rejects polls of this task, or returns another one: three times in a row, or for
    /// two minutes.
    Refused,
    /// Its timeout, and the last poll failed.
    LastPoll,
    /// Nothing at all was answered for too long.
    Silence,
}

impl fmt::Display for CouldNotPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "the service refuses the key or the account",
            Self::Refused => "the service does not answer for this task",
            Self::LastPoll => "timeout, and the last poll failed",
            Self::Silence => "the service has not answered for too long",
        })
    }
}

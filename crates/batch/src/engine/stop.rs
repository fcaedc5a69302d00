//! Whether a run still sends creates, and whether it is to end. Only ever moves towards the end.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::events::StopCause;
use super::locked;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// All goes its way.
    Running,
    /// No more creates; what runs is waited for and fetched.
    Closed,
    /// No more creates, and nothing else is started either.
    Draining,
    /// At once.
    Now,
}

/// Shared by all parts of a run.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    phase: Arc<watch::Sender<Phase>>,
    cause: Arc<Mutex<Option<(StopCause, String)>>>,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Running)), cause: Arc::default() }
    }

    /// No more creates. Answers whether this was the first word of it.
    pub(crate) fn close(&self, cause: StopCause, reason: &str) -> bool {
        let mut first = locked(&self.cause);
        let is_first = first.is_none();
        if is_first {
            *first = Some((cause, reason.to_owned()));
        }
        drop(first);
        self.advance(Phase::Closed);
        is_first
    }

    /// No more creates, and nothing else is started.
    pub(crate) fn drain(&self) {
        self.close(StopCause::Asked, "a person asked for the end");
        self.advance(Phase::Draining);
    }

    /// The end, at once.
    pub(crate) fn now(&self) {
        self.close(StopCause::Asked, "a person asked for the end");
        self.advance(Phase::Now);
    }

    /// Why no more creates are sent.
    pub(crate) fn cause(&self) -> Option<(StopCause, String)> {
        locked(&self.cause).clone()
    }

    pub(crate) fn sends(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    pub(crate) fn drains(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Returns when no more creates are sent.
    pub(crate) async fn closed(&self) {
        self.until(Phase::Closed).await;
    }

    /// Returns when nothing is started any more.
    pub(crate) async fn draining(&self) {
        self.until(Phase::Draining).await;
    }

    /// Returns when all is to end at once.
    pub(crate) async fn at_once(&self) {
        self.until(Phase::Now).await;
    }

    async fn until(&self, wanted: Phase) {
        // The sender is in `self`, so this cannot fail.
        let _ = self.phase.subscribe().wait_for(|phase| *phase >= wanted).await;
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = to > *phase;
            *phase = to.max(*phase);
            forward
        });
    }
}

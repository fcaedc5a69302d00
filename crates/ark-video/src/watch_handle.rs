//! The way into a watch that runs elsewhere: adds tasks to it, drops some, passes callbacks on.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use ark_video_protocol::watch::Watched;
use futures_util::task::AtomicWaker;

use crate::call::locked;

#[derive(Debug)]
pub(crate) enum Command {
    Add(Box<Watched>),
    Remove(String),
    Hint(String),
}

#[derive(Default)]
struct Shared {
    commands: Mutex<VecDeque<Command>>,
    closed: AtomicBool,
    waker: AtomicWaker,
}

/// Reaches a [`crate::Watch`] from elsewhere. While one is held, the watch does not end for lack of
/// tasks, unless it is closed.
#[derive(Clone)]
pub struct WatchHandle(Arc<Holder>);

/// Wakes the watch when the last handle goes.
struct Holder(Arc<Shared>);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.waker.wake();
    }
}

impl fmt::Debug for WatchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchHandle")
    }
}

impl WatchHandle {
    /// Watches one more task. An id that is watched already stays as it is.
    pub fn add(&self, task: Watched) {
        self.send(Command::Add(Box::new(task)));
    }

    /// Watches a task no longer. It runs on.
    pub fn remove(&self, id: impl Into<String>) {
        self.send(Command::Remove(id.into()));
    }

    /// Says that a task may have moved, as callbacks do: it is looked at soon, at most every 5 s.
    pub fn hint(&self, id: impl Into<String>) {
        self.send(Command::Hint(id.into()));
    }

    /// Lets the watch end when the tasks that it has are over, although handles are left.
    pub fn close(&self) {
        self.0.0.closed.store(true, Ordering::Release);
        self.0.0.waker.wake();
    }

    fn send(&self, command: Command) {
        locked(&self.0.0.commands).push_back(command);
        self.0.0.waker.wake();
    }
}

/// The watch's own end.
#[derive(Default)]
pub(crate) struct Commands {
    shared: Arc<Shared>,
    holder: std::sync::Weak<Holder>,
}

impl Commands {
    pub(crate) fn handle(&mut self) -> WatchHandle {
        if let Some(holder) = self.holder.upgrade() {
            return WatchHandle(holder);
        }
        let holder = Arc::new(Holder(self.shared.clone()));
        self.holder = Arc::downgrade(&holder);
        WatchHandle(holder)
    }

    pub(crate) fn take(&self) -> Option<Command> {
        locked(&self.shared.commands).pop_front()
    }

    /// The next command; `None` when no handle is left that could give one.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Command>> {
        self.shared.waker.register(context.waker());
        match self.take() {
            Some(command) => Poll::Ready(Some(command)),
            None if self.holder.strong_count() == 0 => Poll::Ready(None),
            None if self.shared.closed.load(Ordering::Acquire) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

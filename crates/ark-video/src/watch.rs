//! One watch for any number of tasks: drives `ark_video_protocol::watch` with real requests, inside
//! the client's limits.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use ark_video_model::{Task, TaskList};
use ark_video_protocol::{
    Endpoint, Failure, get, list,
    watch::{self, Poll as PollTask, PollRequest, Ticket, WatchEvent, WatchOptions, WatchStep, Watched},
};
use ark_video_transport::{BoxFuture, SendError, SendErrorKind};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use http::Response;

pub use crate::watch_handle::WatchHandle;
use crate::{
    Client, Error,
    call::locked,
    spans::WatchSpan,
    watch_handle::{Command, Commands},
};
pub use ark_video_protocol::watch::CouldNotPoll;

/// Waits for any number of tasks, with as few requests as the vendor's rates ask for.
///
/// LIST is a hint to it; a task is over only when its own answer says so. Dropping it stops
/// watching and cancels nothing.
///
/// ```no_run
/// # async fn run(client: ark_video::Client, ids: Vec<String>) {
/// use ark_video::{WatchEvent, WatchOptions, Watched};
///
/// let mut watch = client.watch(WatchOptions::default());
/// for id in ids {
///     watch.add(Watched::new(id));
/// }
/// while let Some(event) = watch.next().await {
///     if let WatchEvent::Finished { task, differences } = event {
///         println!("{task} {differences:?}");
///     }
/// }
/// # }
/// ```
pub struct Watch {
    client: Client,
    machine: watch::Watch,
    under_way: FuturesUnordered<BoxFuture<'static, (Ticket, Answer)>>,
    commands: Commands,
    /// The sleep until a time, kept while others wake the watch.
    sleep: Option<(Duration, BoxFuture<'static, ()>)>,
    span: WatchSpan,
}

enum Answer {
    Task(Result<Box<Task>, Error>),
    List(Result<TaskList, Error>),
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("tasks", &self.machine.len()).finish_non_exhaustive()
    }
}

impl Client {
    /// A watch without tasks. It shares this client's limits with everything else that the client
    /// does.
    #[must_use]
    pub fn watch(&self, options: WatchOptions) -> Watch {
        Watch {
            client: self.clone(),
            machine: watch::Watch::new(options),
            under_way: FuturesUnordered::new(),
            commands: Commands::default(),
            sleep: None,
            span: WatchSpan::new(),
        }
    }
}

impl Watch {
    /// Watches one more task. An id that is watched already stays as it is.
    pub fn add(&mut self, task: Watched) {
        self.machine.add(self.client.clock().monotonic(), task);
    }

    /// Watches a task no longer. It runs on.
    pub fn remove(&mut self, id: &str) -> bool {
        self.machine.remove(id)
    }

    /// Says that a task may have moved, as callbacks do: it is looked at soon, at most every 5 s.
    pub fn hint(&mut self, id: &str) {
        self.machine.hint(self.client.clock().monotonic(), id);
    }

    /// Tasks that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.machine.len()
    }

    /// Whether no task is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.machine.is_empty()
    }

    /// A way in for others, while this runs. While a handle is held, [`Watch::next`] waits for more
    /// tasks instead of ending.
    pub fn handle(&mut self) -> WatchHandle {
        self.commands.handle()
    }

    /// The next event; `None` when no task is left (and no handle that could add one, or
    /// [`WatchHandle::close`] was called).
    ///
    /// Nothing is lost when the future is dropped: call it again. The watch is a [`Stream`] of the
    /// same events.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// Watches to the end, and returns the last event of each task in the order of their ends.
    /// `on_event` receives everything meanwhile.
    pub async fn run(mut self, mut on_event: impl FnMut(&WatchEvent) + Send) -> Vec<WatchEvent> {
        let mut ends = Vec::new();
        while let Some(event) = self.next().await {
            on_event(&event);
            if event.is_last() {
                ends.push(event);
            }
        }
        ends
    }

    fn apply(&mut self, command: Command) {
        match command {
            Command::Add(task) => self.add(*task),
            Command::Remove(id) => {
                self.remove(&id);
            }
            Command::Hint(id) => self.hint(&id),
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<WatchEvent>> {
        loop {
            while let Some(command) = self.commands.take() {
                self.apply(command);
            }
            if let Some(event) = self.machine.event() {
                return Poll::Ready(Some(event));
            }
            let now = self.client.clock().monotonic();
            let step = self.machine.next(now, &mut locked(&self.client.inner.pace.limits));
            match step {
                WatchStep::Poll(ask) => {
                    self.under_way.push(Box::pin(self.span.request(send(self.client.clone(), ask))))
                }
                WatchStep::Until(at) => ready!(self.poll_pause(context, Some(at))),
                WatchStep::AwaitAnswer => ready!(self.poll_pause(context, None)),
                _ => match self.machine.event() {
                    Some(event) => return Poll::Ready(Some(event)),
                    None => match ready!(self.commands.poll_next(context)) {
                        Some(command) => self.apply(command),
                        None => return Poll::Ready(None),
                    },
                },
            }
        }
    }

    /// Ready when an answer comes, a command, or the time; in this order: an answer that is there
    /// already comes before a sleep that a test's clock ends at once.
    fn poll_pause(&mut self, context: &mut Context<'_>, until: Option<Duration>) -> Poll<()> {
        if let Poll::Ready(Some((ticket, answer))) = self.under_way.poll_next_unpin(context) {
            self.hand_in(ticket, answer);
            return Poll::Ready(());
        }
        if let Poll::Ready(Some(command)) = self.commands.poll_next(context) {
            self.apply(command);
            return Poll::Ready(());
        }
        let Some(until) = until else { return Poll::Pending };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != until) {
            let client = self.client.clone();
            let sleep = async move {
                let pause = until.saturating_sub(client.clock().monotonic());
                client.clock().sleep(pause.max(Duration::from_millis(1))).await;
            };
            self.sleep = Some((until, Box::pin(sleep)));
        }
        if let Some((_, sleep)) = &mut self.sleep {
            ready!(sleep.poll_unpin(context));
        }
        self.sleep = None;
        Poll::Ready(())
    }

    fn hand_in(&mut self, ticket: Ticket, answer: Answer) {
        let clock = self.client.clock();
        let now = clock.monotonic();
        let mut limits = locked(&self.client.inner.pace.limits);
        let error = match answer {
            Answer::Task(Ok(task)) => return self.machine.got(now, ticket, *task, &mut limits),
            Answer::List(Ok(list)) => return self.machine.listed(now, ticket, &list, &mut limits),
            Answer::Task(Err(error)) | Answer::List(Err(error)) => error,
        };
        // An id that no path can hold: nobody will ever be able to ask for it.
        let impossible = SendError::not_sent(SendErrorKind::Invalid, error.to_string());
        let failure = error.failure().unwrap_or(Failure::send(Endpoint::Get, &impossible));
        let jitter = self.client.jitter();
        self.machine.failed(now, ticket, failure, clock.now(), jitter, &mut limits);
    }
}

impl Stream for Watch {
    type Item = WatchEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<WatchEvent>> {
        self.poll_event(context)
    }
}

/// The machine has taken the permit.
async fn send(client: Client, ask: PollTask) -> (Ticket, Answer) {
    let answer = match ask.request {
        PollRequest::Get(request) => Answer::Task(match request.to_http(client.base_url()) {
            Ok(http) => {
                let decode = |answer: &Response<Bytes>| get::decode(answer, &request.id);
                client.ask_once(Endpoint::Get, Some(&request.id), http, 1, decode).await.map(Box::new)
            }
            Err(error) => Err(error.into()),
        }),
        PollRequest::List(request) => Answer::List(match request.to_http(client.base_url()) {
            Ok(http) => {
                let decode = |answer: &Response<Bytes>| list::decode(answer, &request.task_ids);
                client.ask_once(Endpoint::List, None, http, 1, decode).await
            }
            Err(error) => Err(error.into()),
        }),
    };
    (ask.ticket, answer)
}

//! A receiver for what the service POSTs to a `callback_url`: a `tower` service over `http` types,
//! so that axum and hyper take it as it is. What every HTTP server needs belongs around it and is
//! none of ours: TLS, and a time to read a body, a limit of requests at a time and a rate for each
//! sender (`tower-http` and `tower` have layers for these).
//!
//! Nothing signs a callback. So a secret stands in its path, its body is good for one thing only,
//! the task's id, and what is passed on is the result of a GET with our own key. Losing callbacks
//! costs time and nothing else.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use ark_video_model::Task;
use ark_video_protocol::callback::{Heard, Hint, Inbox, MAX_CALLBACK, TokenHash, parse};
use ark_video_transport::{BoxFuture, Clock};
use futures_core::Stream;
use futures_util::{
    future::{Either, select},
    stream::unfold,
    task::AtomicWaker,
};
use http::{Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_service::Service;

use crate::{Client, Error, call::locked, watch::WatchHandle};

/// How to receive.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CallbackOptions {
    /// Where the receiver is mounted, as the service sees it: `https://host.example/hooks` where it
    /// gets `POST /hooks/TOKEN`. Needed for [`crate::create::Create::callbacks`].
    pub address: Option<String>,
    /// Tasks remembered, to distinguish repeated callbacks from new ones, and tokens of creates
    /// that are accepted. Of more, the oldest are forgotten. Default 100,000.
    pub remembered: usize,
}

impl Default for CallbackOptions {
    fn default() -> Self {
        Self { address: None, remembered: 100_000 }
    }
}

impl CallbackOptions {
    /// The defaults, mounted at this address.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }
}

/// Receives callbacks. Cheap to clone; clones are the same receiver. Mount it so that the last part
/// of the path is the token: `POST /anything/TOKEN`.
///
/// A request with a wrong token is answered 404 before its body is read. A good one is answered 204
/// at once; the work happens in [`CallbackEvents`], which must be polled, or in the
/// [`crate::Watch`] that was given. However many come, a task is asked for at most once in 5 s.
#[derive(Clone)]
pub struct Callbacks(Arc<Shared>);

struct Shared {
    client: Client,
    options: CallbackOptions,
    tokens: Mutex<Tokens>,
    mail: Arc<Mail>,
    watch: Option<WatchHandle>,
}

/// The tokens that are accepted, by their hashes: what the time of a lookup reveals of a hash leads
/// to no token.
#[derive(Default)]
struct Tokens {
    accepted: BTreeSet<TokenHash>,
    /// Those of creates, the oldest first.
    created: VecDeque<TokenHash>,
}

/// What came in and is not confirmed yet. Outlives the receiver.
struct Mail {
    inbox: Mutex<Inbox>,
    /// When to poll which task.
    polls: Mutex<BTreeSet<(Duration, String)>>,
    waker: AtomicWaker,
    closed: AtomicBool,
}

impl Mail {
    /// The next planned poll `before` a time; `None` when there will be no more.
    fn poll_first(&self, before: Duration, context: &mut Context<'_>) -> Poll<Option<(Duration, String)>> {
        self.waker.register(context.waker());
        // Before the polls, so that the last callback is not missed.
        let closed = self.closed.load(Ordering::Acquire);
        match locked(&self.polls).first() {
            Some(poll) if poll.0 < before => Poll::Ready(Some(poll.clone())),
            None if closed => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }

    /// Waits until a poll is due, and takes it.
    async fn due(&self, clock: &dyn Clock) -> Option<String> {
        let mut first = poll_fn(|context| self.poll_first(Duration::MAX, context)).await?;
        loop {
            let now = clock.monotonic();
            if first.0 <= now {
                locked(&self.polls).remove(&first);
                locked(&self.inbox).looking(&first.1, now);
                return Some(first.1);
            }
            let sooner = poll_fn(|context| self.poll_first(first.0, context));
            if let Either::Left((Some(poll), _)) = select(sooner, clock.sleep(first.0 - now)).await {
                first = poll;
            }
        }
    }
}

/// What came of a callback.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallbackEvent {
    /// The task as returned by a GET just now, whatever the callback claimed.
    Confirmed(Box<Task>),
    /// The GET brought nothing. That says nothing about the task; another callback may come, and
    /// polling still works.
    CouldNotConfirm {
        /// The id that the callback named.
        id: String,
        /// What went wrong.
        error: Error,
    },
}

/// The confirmed callbacks, as a stream. Ends when the last [`Callbacks`] is gone and all are
/// confirmed.
pub type CallbackEvents = Pin<Box<dyn Stream<Item = CallbackEvent> + Send>>;

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Callbacks {
    /// A receiver that knows no token yet, and what it confirms.
    #[must_use]
    pub fn new(client: &Client, options: CallbackOptions) -> (Self, CallbackEvents) {
        let callbacks = Self::build(client, options, None);
        let state = (callbacks.0.mail.clone(), client.clone());
        let events = unfold(state, |(mail, client)| async move {
            let id = mail.due(client.clock()).await?;
            let event = match client.get(&id).await {
                Ok(task) => {
                    locked(&mail.inbox).confirmed(&task);
                    CallbackEvent::Confirmed(Box::new(task))
                }
                Err(error) => {
                    locked(&mail.inbox).unconfirmed(&id);
                    CallbackEvent::CouldNotConfirm { id, error }
                }
            };
            Some((event, (mail, client)))
        });
        (callbacks, Box::pin(events))
    }

    /// A receiver that passes the ids to a watch, which polls their tasks soon.
    #[must_use]
    pub fn for_watch(client: &Client, options: CallbackOptions, watch: WatchHandle) -> Self {
        Self::build(client, options, Some(watch))
    }

    fn build(client: &Client, options: CallbackOptions, watch: Option<WatchHandle>) -> Self {
        let mail = Arc::new(Mail {
            inbox: Mutex::new(Inbox::new(options.remembered)),
            polls: Mutex::default(),
            waker: AtomicWaker::new(),
            closed: AtomicBool::new(false),
        });
        Self(Arc::new(Shared { client: client.clone(), options, tokens: Mutex::default(), mail, watch }))
    }

    pub(crate) fn address(&self) -> Option<&str> {
        self.0.options.address.as_deref()
    }

    /// Accepts callbacks under this token, for example one secret for all tasks. Only its hash is
    /// kept.
    pub fn accept(&self, token: &str) {
        self.accept_hash(TokenHash::of(token));
    }

    /// Accepts callbacks under the token with this hash, as it is kept in the marks of a create.
    pub fn accept_hash(&self, hash: TokenHash) {
        locked(&self.0.tokens).accepted.insert(hash);
    }

    /// Accepts callbacks under the token of a create, until there are too many of them.
    pub(crate) fn accept_created(&self, hash: TokenHash) {
        let mut tokens = locked(&self.0.tokens);
        tokens.accepted.insert(hash);
        tokens.created.push_back(hash);
        if tokens.created.len() > self.0.options.remembered
            && let Some(oldest) = tokens.created.pop_front()
        {
            tokens.accepted.remove(&oldest);
        }
    }

    /// Accepts callbacks under this token no longer.
    pub fn refuse_hash(&self, hash: TokenHash) {
        let mut tokens = locked(&self.0.tokens);
        tokens.accepted.remove(&hash);
        tokens.created.retain(|known| *known != hash);
    }

    /// Forgets a task whose matter is settled.
    pub fn forget(&self, id: &str) {
        locked(&self.0.mail.inbox).forget(id);
        locked(&self.0.mail.polls).retain(|(_, planned)| planned != id);
    }

    async fn receive<B>(self, request: Request<B>) -> StatusCode
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let token = TokenHash::of(parts.uri.path().rsplit('/').next().unwrap_or_default());
        if !locked(&self.0.tokens).accepted.contains(&token) {
            return StatusCode::NOT_FOUND;
        }
        if parts.method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        let json = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !json.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim().ends_with("json")) {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE;
        }
        if body.size_hint().lower() > MAX_CALLBACK as u64 {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        let body = match Limited::new(body, MAX_CALLBACK).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
            Err(_) => return StatusCode::BAD_REQUEST,
        };
        match parse(&body) {
            Ok(hint) => self.take(&hint),
            Err(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn take(&self, hint: &Hint) -> StatusCode {
        let mail = &self.0.mail;
        let mut inbox = locked(&mail.inbox);
        match inbox.hear(hint) {
            Heard::Forward => {}
            // A watch polls what it watches and nothing else, however often it is hinted at.
            Heard::Full if self.0.watch.is_some() => {}
            // The service may stop repeating it.
            Heard::Repeated | Heard::Late => return StatusCode::NO_CONTENT,
            _ => return StatusCode::SERVICE_UNAVAILABLE,
        }
        match &self.0.watch {
            Some(watch) => watch.hint(&hint.id),
            None => {
                if let Some(at) = inbox.plan(&hint.id, self.0.client.clock().monotonic()) {
                    locked(&mail.polls).insert((at, hint.id.clone()));
                    mail.waker.wake();
                }
            }
        }
        StatusCode::NO_CONTENT
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.mail.closed.store(true, Ordering::Release);
        self.mail.waker.wake();
    }
}

impl<B> Service<Request<B>> for Callbacks
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<String>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move {
            let mut answer = Response::new(String::new());
            *answer.status_mut() = receiver.receive(request).await;
            Ok(answer)
        })
    }
}

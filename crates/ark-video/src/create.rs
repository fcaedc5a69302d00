//! The paid call: correlation, permit, one send, and a precise report of how it ended.

pub(crate) mod kept;

use std::{
    fmt,
    future::{IntoFuture, ready},
    io,
    sync::Arc,
};

use ark_video_model::{
    CreateTaskRequest,
    check::{Facts, Report},
};
use ark_video_protocol::{
    Endpoint,
    limit::RateLimitKey,
    outcome::{self, CreateOutcome, Refusal, UnknownReason},
    reconcile::{CORRELATION_RANDOM, CorrelationOptions, UnresolvedCreate, allocate},
    retry::{RetryOptions, RetryStep},
};
use ark_video_transport::{BoxFuture, RequestBody, SendError, SendErrorKind};

pub use ark_video_protocol::reconcile::{CORRELATIONS_KEPT, Correlation, CorrelationsInUse};

use crate::{
    Attachments, CheckPolicy, Client, Error, TaskHandle,
    call::locked,
    checks::judge,
    error::{AcceptedWithoutId, Call, NotSent, OutcomeUnknown, Refused, RequestError},
    media_store::{MediaStore, Uploads},
    spans,
    unresolved::UnresolvedStore,
};

/// What is called right before the first byte leaves.
type BeforeFirstByte = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;
/// What is asked right before each send.
type SendIf = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A create that is not sent yet: await it. By default the request goes out as it is, exactly once.
///
/// ```no_run
/// # async fn run(client: ark_video::Client, request: ark_video::model::CreateTaskRequest) -> Result<(), ark_video::Error> {
/// use ark_video::{RetryOptions, unresolved::FileStore};
///
/// let store = FileStore::open("unresolved")?;
/// let task = client.create(&request).retry(RetryOptions::new().attempts(3)).keep(&store).await?;
/// # Ok(()) }
/// ```
///
/// Dropping the future while it sends leaves a request on its way whose answer is lost: a task may
/// exist, and may be billed, whose id is known to nothing. Where futures are dropped, as in a web
/// handler whose caller hangs up, [`Create::keep`] loses nothing.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until awaited; a future that is dropped while it sends can lose a paid task, see `keep`"]
pub struct Create {
    pub(crate) client: Client,
    pub(crate) request: Arc<CreateTaskRequest>,
    settings: Settings,
}

#[derive(Debug, Clone)]
struct Settings {
    retry: RetryOptions,
    correlation: CorrelationOptions,
    in_use: Option<Arc<CorrelationsInUse>>,
    files: Attachments,
    facts: Facts,
    check: CheckPolicy,
    store: Option<Arc<dyn UnresolvedStore>>,
    uploads: Option<(Uploads, Arc<dyn MediaStore>)>,
    #[cfg(feature = "callback")]
    callbacks: Option<crate::Callbacks>,
}

impl Client {
    /// Creates a task when awaited. **Costs money when the task succeeds.** Sends exactly once,
    /// unless [`Create::retry`] says otherwise; a dropped future may have sent, see
    /// [`Create::keep`].
    ///
    /// A `&request` is copied, an owned one is moved, and an `Arc` is shared by as many creates as
    /// hold it.
    ///
    /// # Errors
    /// Every way a create can end has its case, see the table at the [crate's
    /// top](crate#what-a-create-can-end-in).
    pub fn create(&self, request: impl Into<Arc<CreateTaskRequest>>) -> Create {
        let settings = Settings {
            retry: RetryOptions::never(),
            correlation: CorrelationOptions::none(),
            in_use: None,
            files: Attachments::default(),
            facts: Facts::new(),
            check: CheckPolicy::default(),
            store: None,
            uploads: None,
            #[cfg(feature = "callback")]
            callbacks: None,
        };
        Create { client: self.clone(), request: request.into(), settings }
    }
}

impl Create {
    /// Sends again what was provably not sent, and what was refused in a way that may pass (the
    /// rate, a part of the service that failed first), within these bounds; nothing else ever is.
    /// Default: send once.
    pub fn retry(mut self, retry: RetryOptions) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Puts values into the request by which its task can be found again if its id is lost. Default
    /// none.
    pub fn correlate(mut self, correlation: CorrelationOptions) -> Self {
        self.settings.correlation = correlation;
        self
    }

    /// The correlation values of other creates of the model in the last 7 days: none of them is
    /// given again. Default none.
    pub fn in_use(mut self, in_use: impl Into<Arc<CorrelationsInUse>>) -> Self {
        self.settings.in_use = Some(in_use.into());
        self
    }

    /// The local files that the request refers to.
    pub fn files(mut self, files: Attachments) -> Self {
        self.settings.files = files;
        self
    }

    /// Those files that were uploaded. Their URLs are signed for each send, right before it, so
    /// that none ends while the create waits; the request itself keeps placeholders. Default none.
    pub fn uploads(mut self, uploads: Uploads, store: Arc<dyn MediaStore>) -> Self {
        self.settings.uploads = Some((uploads, store));
        self
    }

    /// What is known of the media in the request, for the checks; `ark-video-media` reads it from
    /// headers. Default nothing.
    pub fn facts(mut self, facts: Facts) -> Self {
        self.settings.facts = facts;
        self
    }

    /// What to do with a request that our checks refuse. Default: do not send it.
    pub fn check(mut self, check: CheckPolicy) -> Self {
        self.settings.check = check;
        self
    }

    /// Lets the service POST to this receiver when the task changes: makes a secret token,
    /// registers it with the receiver and puts the receiver's address into the request. Without
    /// effect where the request has a `callback_url` of its own.
    #[cfg(feature = "callback")]
    pub fn callbacks(mut self, callbacks: &crate::Callbacks) -> Self {
        self.settings.callbacks = Some(callbacks.clone());
        self
    }

    /// Keeps a record of this create in `store` from before its first byte leaves until its handle
    /// has reached the caller.
    ///
    /// The sending runs as a tokio task of its own. If the future is dropped before anything was
    /// sent, nothing is sent; after that the answer is still received, and its task id is written
    /// into the record. Whatever happens to the future or the process, [`Client::reconcile_all`]
    /// finds the task. A create whose outcome is unknown keeps its record too.
    pub fn keep<S: UnresolvedStore + Clone + 'static>(mut self, store: &S) -> Self {
        self.settings.store = Some(Arc::new(store.clone()));
        self
    }

    /// Puts the correlation values in and runs the checks. Sends nothing.
    #[must_use = "nothing is sent until awaited"]
    pub fn prepare(self) -> Prepared {
        let Self { client, mut request, settings } = self;
        #[cfg_attr(not(feature = "callback"), expect(unused_mut, reason = "set for callbacks alone"))]
        let mut correlation = settings.correlation.clone();
        #[cfg(feature = "callback")]
        if let Some(callbacks) = &settings.callbacks {
            correlation.callback = callbacks.address().map(str::to_owned);
        }
        let mut marks = Correlation::default();
        if correlation != CorrelationOptions::none() {
            let mut random = [0; CORRELATION_RANDOM];
            client.inner.random.fill(&mut random);
            let none = CorrelationsInUse::default();
            let in_use = settings.in_use.as_deref().unwrap_or(&none);
            marks = allocate(Arc::make_mut(&mut request), &correlation, in_use, random);
        }
        #[cfg(feature = "callback")]
        if let (Some(callbacks), Some(token)) = (&settings.callbacks, marks.callback) {
            callbacks.accept_created(token);
        }
        let report = match settings.check {
            CheckPolicy::Off => Report::default(),
            _ => request.check_with(client.catalog(), &settings.facts),
        };
        Prepared { client, request, marks, report, settings, send_if: None, before_first_byte: None }
    }
}

impl IntoFuture for Create {
    type Output = Result<TaskHandle, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.prepare().into_future()
    }
}

/// A create as it will be sent, correlation values included: await it to send it. For callers that
/// write down what they are about to send; [`Prepared::record`] is what to write down.
#[derive(Clone)]
#[must_use = "nothing is sent until awaited"]
pub struct Prepared {
    pub(crate) client: Client,
    request: Arc<CreateTaskRequest>,
    marks: Correlation,
    report: Report,
    settings: Settings,
    send_if: Option<SendIf>,
    before_first_byte: Option<BeforeFirstByte>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Prepared {
    /// The request, correlation values included.
    #[must_use]
    pub fn request(&self) -> &CreateTaskRequest {
        &self.request
    }

    /// The correlation values that were put in.
    #[must_use]
    pub fn marks(&self) -> &Correlation {
        &self.marks
    }

    /// Whether it should have got an `execution_expires_after` of its own, and all are taken by
    /// creates that are not resolved: its task could not be distinguished from theirs.
    #[must_use]
    pub fn lacks_mark(&self) -> bool {
        self.settings.correlation.expiry && self.request.execution_expires_after.is_none()
    }

    /// What our checks found; nothing with [`CheckPolicy::Off`].
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The record of this create as if it were sent now: written down before, it lets
    /// [`Client::reconcile`] find the task after a crash. Its window is a quarter of an hour from
    /// now.
    #[must_use]
    pub fn record(&self) -> UnresolvedCreate {
        let now = self.client.clock().now();
        self.unresolved(now, now.saturating_add(15 * 60 * 1000))
    }

    /// Asks once more right before each send, when the rates have let it wait as long as they do.
    /// For callers whose right to send runs out: the reason that `may_send` gives against it ends
    /// as [`Error::NotSent`].
    pub fn send_if(mut self, may_send: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.send_if = Some(Arc::new(may_send));
        self
    }

    /// Calls `write` right before the first byte of each send leaves, when the connection stands. A
    /// record that is written there exists exactly when something may have been sent. Its error
    /// means that nothing is sent. It must be quick, and must not wait for another task.
    pub fn before_first_byte(mut self, write: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.before_first_byte = Some(match self.before_first_byte.take() {
            Some(earlier) => Arc::new(move || earlier().and_then(|()| write())),
            None => Arc::new(write),
        });
        self
    }

    pub(crate) fn unresolved(&self, sent_at: i64, ended_at: i64) -> UnresolvedCreate {
        let clocks = locked(&self.client.inner.pace.clocks);
        UnresolvedCreate::of_send(&self.request, self.marks.clone(), sent_at, ended_at, &clocks)
    }

    /// Sends it, and again where that is harmless. `caller` says whether anything still waits for
    /// the answer.
    pub(crate) async fn send(&self, caller: &(dyn Fn() -> bool + Send + Sync)) -> Result<TaskHandle, Error> {
        let result = spans::create(&self.request.model, self.send_within(caller)).await;
        #[cfg(feature = "callback")]
        if let (Some(callbacks), Some(token), Err(error)) =
            (&self.settings.callbacks, self.marks.callback, &result)
            && !error.is_outcome_unknown()
        {
            callbacks.refuse_hash(token);
        }
        result
    }

    /// Built and signed for each try, because there is rarely a second: nothing that was sent is
    /// kept, and no URL has waited.
    async fn to_http(&self) -> Result<http::Request<RequestBody>, Error> {
        let Self { client, request, settings, .. } = self;
        let signed = match &settings.uploads {
            // Boxed: the future of most creates needs no room for it.
            Some((uploads, store)) => {
                let signed = Box::pin(uploads.sign(request, &**store)).await.map_err(|error| {
                    RequestError::NotSigned(format!("{error}; nothing was sent. {}", error.advice()))
                })?;
                Arc::new(signed)
            }
            None => request.clone(),
        };
        let http = settings.files.to_http(&signed, &client.inner.base)?;
        Ok(http.map(|body| match &self.before_first_byte {
            Some(before) => body.before_first_byte(before.clone()),
            None => body,
        }))
    }

    async fn send_within(&self, caller: &(dyn Fn() -> bool + Send + Sync)) -> Result<TaskHandle, Error> {
        let Self { client, request, settings, .. } = self;
        let key = RateLimitKey::create(&request.model, request.resolution.as_ref());
        let mut tries = client.tries(settings.retry.clone());
        loop {
            client.permit(&key).await;
            let http = self.to_http().await?;
            let may_send = match caller() {
                true => self.send_if.as_ref().map_or(Ok(()), |may_send| may_send()),
                false => Err("the caller no longer waits for it".to_owned()),
            };
            may_send.map_err(|reason| {
                let call = Call::new(Endpoint::Create, None, String::new());
                let cause = SendError::not_sent(SendErrorKind::Other, reason);
                Error::NotSent(Box::new(NotSent { call, cause }))
            })?;
            let sent_at = client.clock().now();
            let (call, result) = client.send(Endpoint::Create, None, http, tries.count()).await;
            let outcome = match outcome::of_create(result) {
                CreateOutcome::Accepted(created) => {
                    client.paced(&key, None);
                    tries.succeeded(client);
                    return Ok(TaskHandle::created(client.clone(), created));
                }
                other => other,
            };
            let step = tries
                .after(client, |retries, context, budget| retries.after_create(&outcome, context, budget));
            let error = self.failed(outcome, call, sent_at);
            client.paced(&key, Some(&error));
            // Repeated here on purpose: nothing else may ever be sent twice.
            let harmless = match &error {
                Error::NotSent(_) => true,
                Error::Api(refused) => matches!(refused.class, Refusal::Throttled | Refusal::Transient),
                _ => false,
            };
            match step {
                RetryStep::After(pause) if harmless => client.clock().sleep(pause).await,
                _ => return Err(error),
            }
        }
    }
}

impl Prepared {
    /// The error of a create that was not accepted.
    #[cold]
    fn failed(&self, outcome: CreateOutcome, call: Call, sent_at: i64) -> Error {
        let ended_at = self.client.clock().now();
        let unknown = |why: &UnknownReason, call| {
            let search = self.unresolved(sent_at, ended_at);
            Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(search, why, call, sent_at, ended_at)))
        };
        match outcome {
            CreateOutcome::NotSent(cause) => Error::NotSent(Box::new(NotSent { call, cause })),
            CreateOutcome::Refused { class, error } => Error::Api(Box::new(Refused { call, class, error })),
            CreateOutcome::AcceptedWithoutId(unread) => {
                let search = self.unresolved(sent_at, ended_at);
                let lost = AcceptedWithoutId::new(search, unread, call, sent_at, ended_at);
                Error::AcceptedWithoutId(Box::new(lost))
            }
            CreateOutcome::Unknown(why) => unknown(&why, call),
            // A case added later is not known to be harmless.
            other => {
                let why = SendError::maybe_sent(SendErrorKind::Other, format!("{other:?}"));
                unknown(&UnknownReason::NoAnswer(why), call)
            }
        }
    }
}

impl IntoFuture for Prepared {
    type Output = Result<TaskHandle, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        if let Err(refused) = judge(self.settings.check, &self.report) {
            return Box::pin(ready(Err(refused)));
        }
        // Two futures: that of the one would be as large as that of the other.
        match self.settings.store.clone() {
            Some(store) => Box::pin(kept::send(self, store)),
            None => Box::pin(async move { self.send(&|| true).await }),
        }
    }
}

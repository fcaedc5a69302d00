//! The client: one method per endpoint, each sending once.

use std::{fmt, sync::Arc};

use ark_video_model::{CreateTaskRequest, CreateTaskResponse, ModelList, Task, TaskList, TaskStatus};
use ark_video_protocol::{
    ApiError, BaseUrl, Endpoint, create, delete,
    download::PlainHttp,
    get, list, models,
    outcome::{self, CreateOutcome},
    request_id::{CLIENT_REQUEST_ID, RANDOM_BYTES, client_request_id},
};
use ark_video_transport::{Clock, Random, SendError, SendErrorKind, Transport, dice};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    AcceptedWithoutId, Action, Call, ClientBuilder, EnvSettings, Error, ListQuery, NotPossible, NotSent,
    OutcomeUnknown, Refused, TaskHandle,
};

const USER_AGENT: &str = concat!("ark-video/", env!("CARGO_PKG_VERSION"));

/// A client of the task API. Cheap to clone; clones share connections.
///
/// Its methods need a running tokio runtime. None of them repeats a request by itself.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) base: BaseUrl,
    pub(crate) key: SecretString,
    pub(crate) insecure: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &format_args!("{}", self.inner.base))
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Takes the key from the first of [`crate::KEY_VARIABLES`] that is set, the place from `ARK_BASE_URL` or `ARK_REGION`
    /// (default: Volcengine, or BytePlus for a `BYTEPLUS_…` key), and the proxy from `HTTPS_PROXY` and its kin.
    ///
    /// # Errors
    /// [`Error::Config`]: no key, or a setting that cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().environment(&EnvSettings::read()).build()
    }

    /// Starts from nothing but defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Where requests go.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.inner.base
    }

    /// A handle on a task that exists already. Asks nothing.
    #[must_use]
    pub fn task(&self, id: impl Into<String>) -> TaskHandle {
        TaskHandle::new(self.clone(), id.into())
    }

    /// Creates a task. **Costs money when the task succeeds.** Sends exactly once.
    ///
    /// Dropping the future may leave a request on its way whose answer nobody reads; let it run to its end.
    ///
    /// # Errors
    /// Every way a create can end has its case, see the table at the [crate's top](crate#what-a-create-can-end-in).
    pub async fn create(&self, request: &CreateTaskRequest) -> Result<TaskHandle, Error> {
        self.create_raw(request).await.map(|created| self.task(created.id))
    }

    /// As [`Client::create`], with the whole answer.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub async fn create_raw(&self, request: &CreateTaskRequest) -> Result<CreateTaskResponse, Error> {
        let http = create::to_http(request, &self.inner.base)?;
        let sent_at = self.inner.clock.now();
        let (call, result) = self.send(Endpoint::Create, None, http).await;
        let ended_at = self.inner.clock.now();
        Err(match outcome::of_create(result) {
            CreateOutcome::Accepted(created) => return Ok(created),
            CreateOutcome::NotSent(cause) => Error::NotSent(Box::new(NotSent { call, cause })),
            CreateOutcome::Refused { class, error } => {
                Error::Refused(Box::new(Refused { call, class, error }))
            }
            CreateOutcome::AcceptedWithoutId(unread) => Error::AcceptedWithoutId(Box::new(
                AcceptedWithoutId::new(unread, &request.model, call, sent_at, ended_at),
            )),
            CreateOutcome::Unknown(why) => {
                let unknown = OutcomeUnknown::new(&why).of(&request.model, call, sent_at, ended_at);
                Error::OutcomeUnknown(Box::new(unknown))
            }
            // A case added later is not known to be harmless.
            other => {
                let why = SendError::maybe_sent(SendErrorKind::Other, format!("{other:?}"));
                let why = outcome::UnknownReason::NoAnswer(why);
                Error::OutcomeUnknown(Box::new(OutcomeUnknown::new(&why).of(
                    &request.model,
                    call,
                    sent_at,
                    ended_at,
                )))
            }
        })
    }

    /// Asks for one task. Records are kept for 7 days.
    ///
    /// # Errors
    /// [`Error::Request`] for an id that no path can hold; [`Error::NotSent`], [`Error::Refused`] (404: no such task),
    /// [`Error::Read`].
    pub async fn get(&self, id: &str) -> Result<Task, Error> {
        let http = get::Request::new(id).to_http(&self.inner.base)?;
        self.ask(Endpoint::Get, Some(id), http, get::decode).await
    }

    /// Lists one page of the tasks of the last 7 days.
    ///
    /// # Errors
    /// [`Error::Request`] for more ids than an address can hold; [`Error::NotSent`], [`Error::Refused`], [`Error::Read`].
    pub async fn list(&self, query: &ListQuery) -> Result<TaskList, Error> {
        let http = query.to_http(&self.inner.base)?;
        self.ask(Endpoint::List, None, http, list::decode).await
    }

    /// Lists the models that the service offers; also the cheapest check of a key.
    ///
    /// # Errors
    /// [`Error::NotSent`], [`Error::Refused`], [`Error::Read`].
    pub async fn models(&self) -> Result<ModelList, Error> {
        let http = models::Request::new().to_http(&self.inner.base)?;
        self.ask(Endpoint::Models, None, http, models::decode).await
    }

    /// Takes a queued task out of the queue; it is not billed then.
    ///
    /// Looks first: the service knows one verb for cancelling and for deleting records, and a finished film must not be
    /// forgotten by a cancel that came late. A running task cannot be stopped by anybody.
    ///
    /// # Errors
    /// [`Error::NotPossible`] if the task is not queued; [`Error::Refused`] with status 409 if it began to run in between;
    /// otherwise as [`Client::get`].
    pub async fn cancel(&self, id: &str) -> Result<(), Error> {
        let task = self.get(id).await?;
        if task.status != TaskStatus::Queued {
            return Err(Error::NotPossible(NotPossible { action: Action::Cancel, task: Box::new(task) }));
        }
        self.delete(id).await
    }

    /// Deletes the record of a finished task: it can then no longer be looked up or fetched.
    ///
    /// Looks first, and leaves a queued task alone, because deleting that would cancel it.
    ///
    /// # Errors
    /// [`Error::NotPossible`] if the task has not finished, or is cancelled; otherwise as [`Client::get`].
    pub async fn forget(&self, id: &str) -> Result<(), Error> {
        let task = self.get(id).await?;
        if !matches!(task.status, TaskStatus::Succeeded | TaskStatus::Failed | TaskStatus::Expired) {
            return Err(Error::NotPossible(NotPossible { action: Action::Forget, task: Box::new(task) }));
        }
        self.delete(id).await
    }

    async fn delete(&self, id: &str) -> Result<(), Error> {
        let http = delete::Request::new(id).to_http(&self.inner.base)?;
        self.ask(Endpoint::Delete, Some(id), http, delete::decode).await
    }

    /// A question that may be asked again: sends it once and reads the answer.
    async fn ask<T>(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        request: Request<Bytes>,
        decode: fn(&Response<Bytes>) -> Result<T, ApiError>,
    ) -> Result<T, Error> {
        let (call, result) = self.send(endpoint, task_id, request).await;
        match result {
            Ok(answer) => decode(&answer).map_err(|error| Error::of_answer(call, error)),
            Err(cause) => Err(Error::of_send(call, cause)),
        }
    }

    /// The signing step, and the only place that exposes the key.
    async fn send(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        mut request: Request<Bytes>,
    ) -> (Call, Result<Response<Bytes>, SendError>) {
        let inner = &*self.inner;
        let mut random = [0; RANDOM_BYTES];
        inner.random.fill(&mut random);
        let our_id = client_request_id(inner.clock.now(), random);
        let call = Call::new(endpoint, task_id, our_id);
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let bearer = HeaderValue::try_from(format!("Bearer {}", inner.key.expose_secret()));
        let (Ok(our_id), Ok(mut bearer)) = (HeaderValue::from_str(&call.client_request_id), bearer) else {
            let why = SendError::not_sent(SendErrorKind::Invalid, "the key cannot be written into a header");
            return (call, Err(why));
        };
        bearer.set_sensitive(true);
        headers.insert(CLIENT_REQUEST_ID, our_id);
        headers.insert(header::AUTHORIZATION, bearer);
        let result = inner.transport.send(endpoint, request).await;
        (call, result)
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.inner.transport
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn dice(&self) -> f64 {
        dice(&*self.inner.random)
    }

    /// Results may come over plain `http` only from where the API itself may.
    pub(crate) fn plain_http(&self) -> PlainHttp {
        let base = &self.inner.base;
        match (base.is_https(), base.is_loopback()) {
            (true, _) => PlainHttp::Never,
            (false, true) => PlainHttp::Loopback,
            (false, false) if self.inner.insecure => PlainHttp::Anywhere,
            (false, false) => PlainHttp::Never,
        }
    }
}

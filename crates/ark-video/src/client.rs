//! The client: what is asked of the service, and of a task by its id. Creating is in `create.rs`,
//! sending in `call.rs`.

use std::{fmt, sync::Arc};

use ark_video_model::{ModelList, Task, TaskList, TaskStatus, catalog::Catalog};
use ark_video_protocol::{
    BaseUrl, Class, Endpoint, UnixMillis, classify, delete,
    download::{AddressPolicy, InsecureHttp, UrlPolicy},
    get, list, models,
    retry::{Deletion, RetryOptions, RetryStep},
};
use ark_video_transport::{Clock, Random, Transport, jitter};
use http::{HeaderMap, HeaderValue};

use crate::{
    ClientBuilder, Error, ListQuery, TaskHandle,
    call::{self, Pace, rate_limit_key},
    create::kept::InFlight,
    environment::EnvSettings,
    error::{Action, NotPossible},
};

/// A client of the task API. Cheap to clone; clones share connections, rates and the budget of
/// repeats.
///
/// Its methods need a running tokio runtime. Reading requests are sent within the vendor's rate
/// limits and retried while that may help ([`ClientBuilder::retry`]); a create is sent once unless
/// [`crate::create::Create::retry`] allows more.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) base: BaseUrl,
    /// The key as a header, marked as sensitive: it is shown in no `Debug`.
    pub(crate) authorization: HeaderValue,
    pub(crate) insecure: bool,
    pub(crate) private_storage: bool,
    pub(crate) link_rules: Option<UrlPolicy>,
    /// The user's own, for the API alone.
    pub(crate) headers: HeaderMap,
    pub(crate) retry: RetryOptions,
    pub(crate) pace: Pace,
    /// Creates with a record that are being sent.
    pub(crate) in_flight: InFlight,
    /// `None`: the built-in one.
    pub(crate) catalog: Option<Arc<Catalog>>,
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

    /// Takes the key from the first of [`KEY_VARIABLES`](crate::environment::KEY_VARIABLES) that is
    /// set, the base URL from `ARK_BASE_URL` or `ARK_REGION` (default: Volcengine, or BytePlus for
    /// a `BYTEPLUS_…` key), and the proxy from `HTTPS_PROXY` and its kin.
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

    /// The time of day by this client's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.clock().now()
    }

    /// What to add to [`Client::now`] to get the service's time, in milliseconds: the median of its
    /// last answers' `Date` headers; `None` before the first answer.
    #[must_use]
    pub fn clock_offset(&self) -> Option<i64> {
        call::locked(&self.inner.pace.clocks).estimate()
    }

    /// Keeps this client and its clones to one part of the account's rates, because so many
    /// processes use the account, this one included. May be set again whenever that changes; the
    /// default is 1.
    pub fn share_rates(&self, processes: u32) {
        call::locked(&self.inner.pace.limits).share(processes);
    }

    /// A handle on a task that already exists. Asks nothing.
    #[must_use]
    pub fn task(&self, id: impl Into<String>) -> TaskHandle {
        TaskHandle::new(self.clone(), id.into())
    }

    /// Asks for one task. Records are kept for 7 days.
    ///
    /// # Errors
    /// [`Error::Request`] for an id that no path can hold; [`Error::NotSent`], [`Error::Api`] (404:
    /// no such task), [`Error::Read`].
    pub async fn get(&self, id: &str) -> Result<Task, Error> {
        let http = get::Request::new(id).to_http(&self.inner.base)?;
        self.ask(Endpoint::Get, Some(id), http, |answer| get::decode(answer, id)).await
    }

    /// Lists one page of the tasks of the last 7 days.
    ///
    /// # Errors
    /// [`Error::Request`] for more ids than an address can hold; [`Error::NotSent`],
    /// [`Error::Api`], [`Error::Read`].
    pub async fn list(&self, query: &ListQuery) -> Result<TaskList, Error> {
        let http = query.to_http(&self.inner.base)?;
        self.ask(Endpoint::List, None, http, |answer| list::decode(answer, &query.task_ids)).await
    }

    /// Lists the models that the service offers; also the cheapest check of a key.
    ///
    /// # Errors
    /// [`Error::NotSent`], [`Error::Api`], [`Error::Read`].
    pub async fn models(&self) -> Result<ModelList, Error> {
        let http = models::Request::new().to_http(&self.inner.base)?;
        self.ask(Endpoint::Models, None, http, models::decode).await
    }

    /// As [`Client::get`], with the service's id of the request.
    pub(crate) async fn get_with_request_id(&self, id: &str) -> Result<(Task, Option<String>), Error> {
        let http = get::Request::new(id).to_http(&self.inner.base)?;
        let decode = |answer: &http::Response<_>| {
            let request_id =
                answer.headers().get(ark_video_protocol::REQUEST_ID).and_then(|id| id.to_str().ok());
            Ok((get::decode(answer, id)?, request_id.map(str::to_owned)))
        };
        self.ask(Endpoint::Get, Some(id), http, decode).await
    }

    /// As [`Client::get`], without retries: for callers that poll again anyway.
    pub(crate) async fn get_once(&self, id: &str) -> Result<Task, Error> {
        let http = get::Request::new(id).to_http(&self.inner.base)?;
        self.permit(&rate_limit_key(Endpoint::Get)).await;
        let response =
            self.ask_once(Endpoint::Get, Some(id), http, 1, |answer| get::decode(answer, id)).await;
        self.paced(&rate_limit_key(Endpoint::Get), response.as_ref().err());
        response
    }

    /// Takes a queued task out of the queue; it is not billed then.
    ///
    /// Gets the task first: the service has one verb for cancelling and for deleting records, and a
    /// finished video must not be forgotten by a cancel that came late. A running task cannot be
    /// stopped by anybody.
    ///
    /// # Errors
    /// [`Error::NotPossible`] if the task is not queued; [`Error::Api`] with status 409 if it began
    /// to run in between; otherwise as [`Client::get`].
    pub async fn cancel(&self, id: &str) -> Result<(), Error> {
        self.delete(id, Action::Cancel, Deletion::Queued, |status| *status == TaskStatus::Queued).await
    }

    /// Deletes the record of a finished task: it can then no longer be looked up or fetched.
    ///
    /// Gets the task first, and does not delete a queued task, because that would cancel it.
    ///
    /// # Errors
    /// [`Error::NotPossible`] if the task has not finished, or is cancelled; otherwise as
    /// [`Client::get`].
    pub async fn forget(&self, id: &str) -> Result<(), Error> {
        let finished = |status: &TaskStatus| {
            matches!(status, TaskStatus::Succeeded | TaskStatus::Failed | TaskStatus::Expired)
        };
        self.delete(id, Action::Forget, Deletion::Finished, finished).await
    }

    async fn delete(
        &self,
        id: &str,
        action: Action,
        deletion: Deletion,
        fits: fn(&TaskStatus) -> bool,
    ) -> Result<(), Error> {
        let http = delete::Request::new(id).to_http(&self.inner.base)?;
        let mut tries = self.tries(self.inner.retry.clone());
        let mut unanswered = None;
        loop {
            // Again before each attempt: between two of them a queued task may have run, and the
            // same verb would then delete a billed video.
            let task = match (self.get(id).await, unanswered.take()) {
                (Ok(task), _) => task,
                (Err(error), Some(_)) if error.status() == Some(404) => return Ok(()),
                // Of the two, the delete is what has to be looked after.
                (Err(error), unanswered) => return Err(unanswered.unwrap_or(error)),
            };
            if !fits(&task.status) {
                return Err(Error::NotPossible(NotPossible { action, task: Box::new(task) }));
            }
            self.permit(&rate_limit_key(Endpoint::Delete)).await;
            let done =
                self.ask_once(Endpoint::Delete, Some(id), http.clone(), tries.count(), delete::decode).await;
            self.paced(&rate_limit_key(Endpoint::Delete), done.as_ref().err());
            let Err(error) = done else {
                tries.succeeded(self);
                return Ok(());
            };
            let Some(failure) = error.failure() else { return Err(error) };
            let may_be_done = classify(&failure) != Class::NotSent;
            let step = tries.after(self, |retries, context, budget| {
                retries.after_delete(deletion, failure, context, budget)
            });
            match step {
                RetryStep::After(pause) => self.clock().sleep(pause).await,
                RetryStep::GiveUp(_) => return Err(call::after(tries.count(), error)),
            }
            unanswered = may_be_done.then_some(error);
        }
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.inner.transport
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn jitter(&self) -> f64 {
        jitter(&*self.inner.random)
    }

    /// Results may come over plain `http`, and from this machine or its network, only where the API
    /// itself may.
    pub(crate) fn link_rules(&self) -> UrlPolicy {
        if let Some(rules) = self.inner.link_rules {
            return rules;
        }
        let base = &self.inner.base;
        let plain = match (base.is_https(), base.is_loopback()) {
            (false, true) => InsecureHttp::Loopback,
            (false, false) if self.inner.insecure => InsecureHttp::Anywhere,
            _ => InsecureHttp::Never,
        };
        let reach = match plain {
            _ if self.inner.private_storage => AddressPolicy::Anywhere,
            InsecureHttp::Anywhere => AddressPolicy::Anywhere,
            _ if base.is_loopback() => AddressPolicy::Loopback,
            _ => AddressPolicy::Public,
        };
        UrlPolicy::new(plain, reach)
    }
}

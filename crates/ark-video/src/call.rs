//! One request after another: the permit for it, the signing, the sending, and for questions the
//! repeating.
//!
//! What may be repeated is `ark_video_protocol::retry`'s to say; this file only does it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ark_video_protocol::{
    ApiError, CLIENT_REQUEST_ID, Cause, Endpoint, Failure, REQUEST_ID_RANDOM, client_request_id,
    limit::{Permit, RateLimitKey, RateLimiter},
    reconcile::ClockOffsets,
    retry::{Retries, RetryBudget, RetryContext, RetryOptions, RetryStep},
};
use ark_video_transport::{RequestBody, SendError, SendErrorKind};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};

use crate::{Client, Error, error::Call};

const USER_AGENT: &str = concat!("ark-video/", env!("CARGO_PKG_VERSION"));

/// What clones of a client share about time: how fast to ask, how often to repeat, how wrong our
/// clock is.
pub(crate) struct Pace {
    pub(crate) limits: Mutex<RateLimiter>,
    pub(crate) budget: Mutex<RetryBudget>,
    /// How far our clock is from the service's.
    pub(crate) clocks: Mutex<ClockOffsets>,
}

impl Pace {
    pub(crate) fn new(limits: RateLimiter) -> Self {
        Self { limits: Mutex::new(limits), budget: Mutex::default(), clocks: Mutex::default() }
    }
}

pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// A question that may be asked again: repeats it while that may help, and reads the answer.
    pub(crate) async fn ask<T>(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        request: Request<Bytes>,
        decode: impl Fn(&Response<Bytes>) -> Result<T, ApiError>,
    ) -> Result<T, Error> {
        let mut tries = self.tries(self.inner.retry.clone());
        loop {
            self.permit(&rate_limit_key(endpoint)).await;
            let error = match self.ask_once(endpoint, task_id, request.clone(), tries.count(), &decode).await
            {
                Ok(value) => {
                    self.paced(&rate_limit_key(endpoint), None);
                    tries.succeeded(self);
                    return Ok(value);
                }
                Err(error) => error,
            };
            self.paced(&rate_limit_key(endpoint), Some(&error));
            let Some(failure) = error.failure() else { return Err(error) };
            let step =
                tries.after(self, |retries, context, budget| retries.after_read(failure, context, budget));
            match step {
                RetryStep::After(pause) => self.clock().sleep(pause).await,
                RetryStep::GiveUp(_) => return Err(after(tries.count(), error)),
            }
        }
    }

    /// Sends one request now: the caller has the permit.
    pub(crate) async fn ask_once<T>(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        request: Request<Bytes>,
        attempt: u32,
        decode: impl Fn(&Response<Bytes>) -> Result<T, ApiError>,
    ) -> Result<T, Error> {
        let (call, result) = self.send(endpoint, task_id, request.map(RequestBody::from), attempt).await;
        match result {
            Ok(answer) => decode(&answer).map_err(|error| Error::of_answer(call, error)),
            Err(cause) => Err(Error::of_send(call, cause)),
        }
    }

    /// Waits until the rate allows another request.
    pub(crate) async fn permit(&self, key: &RateLimitKey) {
        loop {
            let now = self.clock().monotonic();
            let permit = locked(&self.inner.pace.limits).acquire(key, now);
            match permit {
                Permit::Ready => return,
                Permit::At(at) => {
                    self.clock().sleep(at.saturating_sub(now).max(Duration::from_millis(1))).await
                }
            }
        }
    }

    /// Reports the response to the rate limiter.
    pub(crate) fn paced(&self, key: &RateLimitKey, error: Option<&Error>) {
        let now = self.clock().monotonic();
        let mut limits = locked(&self.inner.pace.limits);
        match error.map(Error::failure) {
            Some(Some(failure)) if failure.is_too_many_requests() => {
                limits.throttled(key, now, failure.retry_after(self.clock().now()));
            }
            Some(Some(Failure { cause: Cause::Answer(_), .. })) | None => limits.answered(key, now),
            _ => {}
        }
    }

    /// The signing step, and the start of the request; the future, which holds no request, gives
    /// the answer.
    pub(crate) fn send(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        mut request: Request<RequestBody>,
        attempt: u32,
    ) -> impl Future<Output = (Call, Sent)> + Send + use<'_> {
        let inner = &*self.inner;
        let mut random = [0; REQUEST_ID_RANDOM];
        inner.random.fill(&mut random);
        let our_id = client_request_id(inner.clock.now(), random);
        let call = Call::new(endpoint, task_id, our_id);
        let method = request.method().clone();
        let pending = HeaderValue::from_str(&call.client_request_id).map(|our_id| {
            let headers = request.headers_mut();
            if !inner.headers.is_empty() {
                headers.extend(inner.headers.clone());
            }
            headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
            headers.insert(CLIENT_REQUEST_ID, our_id);
            headers.insert(header::AUTHORIZATION, inner.authorization.clone());
            inner.transport.send(endpoint, request)
        });
        async move {
            let Ok(pending) = pending else {
                let why = "the id of the request cannot be written into a header";
                return (call, Err(SendError::not_sent(SendErrorKind::Invalid, why)));
            };
            let result = traced(&call, &method, attempt, pending).await;
            if let Ok(answer) = &result {
                locked(&inner.pace.clocks).learn(answer.headers(), inner.clock.now());
            }
            (call, result)
        }
    }

    /// A call that begins now.
    pub(crate) fn tries(&self, options: RetryOptions) -> Attempts {
        Attempts { retries: Retries::new(options), start: self.clock().monotonic(), count: 1 }
    }
}

/// The sends of one call.
pub(crate) struct Attempts {
    retries: Retries,
    start: Duration,
    count: u32,
}

impl Attempts {
    /// The number of the send that is next, or was last; from 1.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn succeeded(&self, client: &Client) {
        locked(&client.inner.pace.budget).succeeded(self.retries.repeats());
    }

    /// Decides what follows a failure.
    pub(crate) fn after(
        &mut self,
        client: &Client,
        decide: impl FnOnce(&mut Retries, RetryContext, &mut RetryBudget) -> RetryStep,
    ) -> RetryStep {
        let elapsed = client.clock().monotonic().saturating_sub(self.start);
        let context = RetryContext::new(elapsed, client.clock().now(), client.jitter());
        let step = decide(&mut self.retries, context, &mut locked(&client.inner.pace.budget));
        if matches!(step, RetryStep::After(_)) {
            self.count = self.count.saturating_add(1);
        }
        step
    }
}

/// What shares the rate of an endpoint. Creates have their own, see [`crate::create`].
pub(crate) fn rate_limit_key(endpoint: Endpoint) -> RateLimitKey {
    match endpoint {
        Endpoint::List => RateLimitKey::List,
        Endpoint::Delete => RateLimitKey::Delete,
        Endpoint::Models => RateLimitKey::Models,
        _ => RateLimitKey::Get,
    }
}

/// The last of many errors, with their number.
pub(crate) fn after(tries: u32, mut error: Error) -> Error {
    if let Error::Read(read) = &mut error {
        read.tries = tries;
    }
    error
}

/// What came of a request.
type Sent = Result<Response<Bytes>, SendError>;

/// Opens a span for the request: method, endpoint, attempt, ids and status. Never a key, a prompt,
/// a body or a query.
#[cfg(feature = "tracing")]
async fn traced(call: &Call, method: &Method, attempt: u32, sending: impl Future<Output = Sent>) -> Sent {
    use ark_video_protocol::REQUEST_ID;
    use tracing::{Instrument, field};

    let span = tracing::info_span!(
        "ark_video.request",
        method = %method,
        endpoint = call.endpoint.name(),
        attempt,
        task_id = call.task_id.as_deref(),
        client_request_id = call.client_request_id.as_str(),
        request_id = field::Empty,
        status = field::Empty,
        failure = field::Empty,
    );
    let sent = sending.instrument(span.clone()).await;
    match &sent {
        Ok(answer) => {
            span.record("status", answer.status().as_u16());
            if let Some(id) = answer.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()) {
                span.record("request_id", id);
            }
        }
        Err(error) => {
            span.record("failure", field::debug(error.kind));
            if let Some(status) = error.status {
                span.record("status", status);
            }
            if let Some(id) = error.request_id.as_deref() {
                span.record("request_id", id);
            }
        }
    }
    sent
}

#[cfg(not(feature = "tracing"))]
async fn traced(_: &Call, _: &Method, _: u32, sending: impl Future<Output = Sent>) -> Sent {
    sending.await
}

//! One request after another: the permit for it, the signing, the sending, and for questions the repeating.
//!
//! What may be repeated is `ark_video_protocol::retry`'s to say; this file only does it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ark_video_protocol::{
    ApiError, Cause, Endpoint, Failure,
    limit::{Lane, Limits, Permit},
    reconcile::ClockOffsets,
    request_id::{CLIENT_REQUEST_ID, RANDOM_BYTES, client_request_id},
    retry::{Retries, RetryBudget, RetryContext, RetryOptions, RetryStep},
};
use ark_video_transport::{RequestBody, SendError, SendErrorKind};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use secrecy::ExposeSecret;

use crate::{Call, Client, Error, trace};

const USER_AGENT: &str = concat!("ark-video/", env!("CARGO_PKG_VERSION"));

/// What clones of a client share about time: how fast to ask, how often to repeat, how wrong our clock is.
pub(crate) struct Pace {
    pub(crate) limits: Mutex<Limits>,
    pub(crate) budget: Mutex<RetryBudget>,
    /// How far our clock is from the service's.
    pub(crate) clocks: Mutex<ClockOffsets>,
}

impl Pace {
    pub(crate) fn new(limits: Limits) -> Self {
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
            self.permit(&lane(endpoint)).await;
            let error = match self.ask_once(endpoint, task_id, request.clone(), tries.count(), &decode).await
            {
                Ok(value) => {
                    self.paced(&lane(endpoint), None);
                    tries.succeeded(self);
                    return Ok(value);
                }
                Err(error) => error,
            };
            self.paced(&lane(endpoint), Some(&error));
            let Some(failure) = error.failure() else { return Err(error) };
            let step =
                tries.after(self, |retries, moment, budget| retries.after_read(failure, moment, budget));
            match step {
                RetryStep::After(pause) => self.clock().sleep(pause).await,
                RetryStep::GiveUp(_) => return Err(after(tries.count(), error)),
            }
        }
    }

    /// Asks once, now: whoever calls this has the permit.
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
    pub(crate) async fn permit(&self, lane: &Lane) {
        loop {
            let now = self.clock().monotonic();
            let permit = locked(&self.inner.pace.limits).acquire(lane, now);
            match permit {
                Permit::Ready => return,
                Permit::At(at) => {
                    self.clock().sleep(at.saturating_sub(now).max(Duration::from_millis(1))).await
                }
            }
        }
    }

    /// Tells the limiter what came back.
    pub(crate) fn paced(&self, lane: &Lane, error: Option<&Error>) {
        let now = self.clock().monotonic();
        let mut limits = locked(&self.inner.pace.limits);
        match error.map(Error::failure) {
            Some(Some(failure)) if failure.is_too_many_requests() => {
                limits.throttled(lane, now, failure.retry_after(self.clock().now()));
            }
            Some(Some(Failure { cause: Cause::Answer(_), .. })) | None => limits.answered(lane, now),
            _ => {}
        }
    }

    /// The signing step, and the only place that exposes the key.
    pub(crate) async fn send(
        &self,
        endpoint: Endpoint,
        task_id: Option<&str>,
        mut request: Request<RequestBody>,
        attempt: u32,
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
        let method = request.method().clone();
        let result = trace::request(&call, &method, attempt, inner.transport.send(endpoint, request)).await;
        if let Ok(answer) = &result {
            locked(&inner.pace.clocks).learn(answer.headers(), inner.clock.now());
        }
        (call, result)
    }

    /// A call that begins now.
    pub(crate) fn tries(&self, options: RetryOptions) -> Tries {
        Tries { retries: Retries::new(options), start: self.clock().monotonic(), count: 1 }
    }
}

/// The sends of one call.
pub(crate) struct Tries {
    retries: Retries,
    start: Duration,
    count: u32,
}

impl Tries {
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
        let moment = RetryContext { elapsed, now: client.clock().now(), jitter: client.dice() };
        let step = decide(&mut self.retries, moment, &mut locked(&client.inner.pace.budget));
        if matches!(step, RetryStep::After(_)) {
            self.count = self.count.saturating_add(1);
        }
        step
    }
}

/// What shares the rate of an endpoint. Creates have their own, see [`crate::create`].
pub(crate) fn lane(endpoint: Endpoint) -> Lane {
    match endpoint {
        Endpoint::List => Lane::List,
        Endpoint::Delete => Lane::Delete,
        Endpoint::Models => Lane::Models,
        _ => Lane::Get,
    }
}

/// The last of many errors, with their number.
pub(crate) fn after(tries: u32, mut error: Error) -> Error {
    if let Error::Read(read) = &mut error {
        read.tries = tries;
    }
    error
}

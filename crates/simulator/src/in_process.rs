//! The service without a socket, for tests of Rust programs that use `ark-video`: the client's
//! transport and its clock in one. A wait of an hour takes no time: a sleeping client moves the
//! clock of the service.
//!
//! Behind the feature `transport`. Nothing here knows a socket or real time.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ark_video_protocol::{Endpoint, SendError, SendErrorKind, UnixMillis, download::AddressPolicy};
use ark_video_transport::{AnswerBody, BoxFuture, Clock, RequestBody, Transport};
use bytes::Bytes;
use http::{Request, Response};

use crate::{
    faults::{Effect, FaultPlan, FaultPlanError, FaultRule},
    options::Options,
    service::{Bill, ConnectionFault, Delivery, FaultyReply, Ledger, RenderJob, Reply, Service},
};

/// When the clock starts: 2026-11-22T02:15:30Z. Always the same, so that runs repeat.
const BEGIN: UnixMillis = 1_795_313_730_000;

/// A service in this process. Cheap to clone; all clones are one service with one clock.
///
/// ```
/// use ark_video_simulator::{Effect, InProcess, Options};
///
/// let simulator = InProcess::new(Options::default());
/// simulator.fail_next(Effect::AcceptThenDrop { reset: false })?;
/// // With the feature `client`: let client = simulator.client().build()?;
/// assert!(simulator.bills().is_empty());
/// # Ok::<(), ark_video_simulator::FaultPlanError>(())
/// ```
#[derive(Clone)]
pub struct InProcess(Arc<Mutex<Inner>>);

struct Inner {
    service: Service,
    now: UnixMillis,
}

impl InProcess {
    /// A service without tasks. Options without a key accept any.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::of(Service::new(options))
    }

    /// A service that was made elsewhere.
    #[must_use]
    pub fn of(service: Service) -> Self {
        Self(Arc::new(Mutex::new(Inner { service, now: BEGIN })))
    }

    /// What a client takes as its base URL. Nobody listens there.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.with(|service| {
            let options = service.options();
            format!("{}{}", options.origin.trim_end_matches('/'), options.prefix)
        })
    }

    /// Advances the clock at once.
    pub fn advance(&self, time: Duration) {
        let mut inner = self.inner();
        inner.pass(time);
    }

    /// Every bill up to now, in the order of charging.
    #[must_use]
    pub fn bills(&self) -> Vec<Bill> {
        self.with(|service| service.bills())
    }

    /// Everything that was accepted, ran and was billed up to now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.with(|service| service.ledger())
    }

    /// Injects this fault into the next call that it applies to, once.
    ///
    /// # Errors
    /// The effect's details make no sense.
    pub fn fail_next(&self, effect: Effect) -> Result<(), FaultPlanError> {
        self.add_fault(FaultRule::new(effect).hits(1))
    }

    /// Adds a rule that is asked before all others.
    ///
    /// # Errors
    /// The rule makes no sense.
    pub fn add_fault(&self, rule: FaultRule) -> Result<(), FaultPlanError> {
        self.with(|service| service.add_fault(rule))
    }

    /// Replaces the fault plan.
    ///
    /// # Errors
    /// A rule makes no sense; the old plan stays.
    pub fn set_faults(&self, plan: FaultPlan) -> Result<(), FaultPlanError> {
        self.with(|service| service.set_faults(plan))
    }

    /// Runs `f` on the service at the current time.
    pub fn with<T>(&self, work: impl FnOnce(&mut Service) -> T) -> T {
        let mut inner = self.inner();
        let now = inner.now;
        inner.service.advance(now);
        work(&mut inner.service)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request, or says how the connection broke. Faults that take time move the clock.
    fn ask(&self, request: Request<Bytes>) -> Result<Answered, SendError> {
        let mut inner = self.inner();
        let now = inner.now;
        let (fault, reply) = match inner.service.handle(now, request) {
            Reply::Faulty(FaultyReply { fault, reply }) => (Some(fault), reply.map(|reply| *reply)),
            reply => (None, Some(reply)),
        };
        let broken = |kind, why: &str| Err(SendError::maybe_sent(kind, format!("the simulator {why}")));
        match &fault {
            Some(ConnectionFault::Close { reset }) => {
                let how = if *reset { "reset" } else { "closed" };
                return broken(SendErrorKind::Closed, &format!("{how} the connection before it answered"));
            }
            Some(ConnectionFault::Silence { millis }) => {
                inner.pass(Duration::from_millis(*millis));
                return broken(SendErrorKind::Timeout, "did not answer in time");
            }
            Some(ConnectionFault::Raw(_)) => {
                return broken(SendErrorKind::Body, "sent bytes that are not HTTP");
            }
            Some(ConnectionFault::Delay { millis }) => inner.pass(Duration::from_millis(*millis)),
            _ => {}
        }
        match reply {
            Some(Reply::Answer(answer)) => Ok(Answered { answer: Answer::Whole(answer), fault }),
            Some(Reply::Render(job)) => Ok(Answered { answer: Answer::File(Box::new(job)), fault }),
            _ => broken(SendErrorKind::Closed, "closed the connection before it answered"),
        }
    }
}

impl Inner {
    fn pass(&mut self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.now = self.now.saturating_add(millis);
        self.service.advance(self.now);
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

enum Answer {
    Whole(Response<Bytes>),
    File(Box<RenderJob>),
}

struct Answered {
    answer: Answer,
    fault: Option<ConnectionFault>,
}

impl Answered {
    /// The head and the whole body. Rendering takes processor time on this thread, which is the
    /// test's own.
    fn render(self) -> Result<Rendered, SendError> {
        let (answer, delivery) = match self.answer {
            Answer::Whole(answer) => (answer, None),
            Answer::File(job) => {
                let file = job
                    .render()
                    .map_err(|error| SendError::maybe_sent(SendErrorKind::Other, error.to_string()))?;
                let total = file.len();
                let answer = job.answer(file);
                let delivery = job.delivery(&answer, total);
                (answer, delivery)
            }
        };
        Ok(Rendered { answer, delivery, fault: self.fault })
    }
}

struct Rendered {
    answer: Response<Bytes>,
    delivery: Option<Delivery>,
    fault: Option<ConnectionFault>,
}

/// Whether the connection ends before the body does.
fn breaks(fault: Option<&ConnectionFault>) -> bool {
    matches!(fault, Some(ConnectionFault::Half | ConnectionFault::Length { by: 1.. }))
}

fn broke_off(answer: &Response<Bytes>) -> SendError {
    SendError::maybe_sent(SendErrorKind::Body, "the answer of the simulator broke off")
        .answered(answer.status().as_u16(), None)
}

impl Transport for InProcess {
    fn send(
        &self,
        _endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        let (parts, body) = request.into_parts();
        let body = body
            .read()
            .and_then(|bytes| body.leave().map(|()| bytes))
            .map_err(|error| SendError::not_sent(SendErrorKind::Invalid, error.to_string()));
        let answered = body.and_then(|body| self.ask(Request::from_parts(parts, body)));
        Box::pin(async move {
            let Rendered { answer, fault, .. } = answered?.render()?;
            if breaks(fault.as_ref()) { Err(broke_off(&answer)) } else { Ok(answer) }
        })
    }

    fn open(
        &self,
        request: Request<()>,
        _reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        let answered = self.ask(request.map(|()| Bytes::new()));
        Box::pin(async move {
            let Rendered { mut answer, delivery, fault } = answered?.render()?;
            let length = answer.body().len();
            let mut file = std::mem::take(answer.body_mut());
            let mut announced = length;
            if let Some(ConnectionFault::Length { by }) = fault {
                announced = length.saturating_add_signed(isize::try_from(by).unwrap_or(0));
                file.truncate(announced);
            }
            if fault == Some(ConnectionFault::Half) {
                file.truncate(length / 2);
            }
            let end = breaks(fault.as_ref()).then(|| broke_off(&answer));
            answer.headers_mut().insert(http::header::CONTENT_LENGTH, announced.into());
            let body: Box<dyn AnswerBody> =
                Box::new(Pieces { file, end, sent: 0, delivery, service: self.clone() });
            Ok(answer.map(|_| body))
        })
    }
}

/// A body in pieces of the size that sockets give.
struct Pieces {
    file: Bytes,
    /// Why it breaks off, once.
    end: Option<SendError>,
    sent: usize,
    /// Reported to the service when the client drops the body.
    delivery: Option<Delivery>,
    service: InProcess,
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery {
            let sent = self.sent;
            self.service.inner().service.delivered(delivery, sent);
        }
    }
}

const PIECE: usize = 64 * 1024;

impl AnswerBody for Pieces {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SendError>> {
        let next = if self.file.is_empty() {
            self.end.take().map_or(Ok(None), Err)
        } else {
            let piece = self.file.split_to(self.file.len().min(PIECE));
            self.sent += piece.len();
            Ok(Some(piece))
        };
        Box::pin(std::future::ready(next))
    }
}

/// Time passes only while a client waits.
impl Clock for InProcess {
    fn now(&self) -> UnixMillis {
        self.inner().now
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.inner().now - BEGIN).unwrap_or(0))
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.advance(pause);
            // Let other tasks run first.
            tokio::task::yield_now().await;
        })
    }
}

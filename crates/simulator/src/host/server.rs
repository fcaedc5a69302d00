//! HTTP around the service: bodies in up to a limit, replies out.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ark_video_protocol::ApiError;
use axum::{
    body::{Body, HttpBody},
    serve::IncomingStream,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use tokio::sync::watch;
use tower_service::Service;

use super::{
    Shared,
    counted_body::CountedBody,
    media,
    wire::{self, Line, Wires},
};
use crate::service::{ConnectionFault, Delivery, FaultyReply, Reply};

/// Generated from the schema by `cargo xtask docs`.
const OPENAPI: &str = include_str!("../generated/openapi.json");

/// Bytes beyond the limit that are still read and dropped, so that the refusal reaches a client
/// that writes before it reads.
const DRAINED: usize = 192 << 20;

/// Serves until it is stopped.
pub(crate) async fn run(listener: Wires, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let until = async move {
        // An error means that the simulator is gone, which is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    // `serve` never ends by itself: failed accepts are retried inside.
    let _ = axum::serve(listener, Lines(shared)).with_graceful_shutdown(until).await;
}

/// Creates the service of each connection. There is no router: the state machine does the routing.
struct Lines(Arc<Shared>);

impl Service<IncomingStream<'_, Wires>> for Lines {
    type Response = Answers;
    type Error = Infallible;
    type Future = Ready<Result<Answers, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, Wires>) -> Self::Future {
        let connection = Connection { shared: Arc::clone(&self.0), line: stream.remote_addr().clone() };
        ready(Ok(Answers(Arc::new(connection))))
    }
}

struct Connection {
    shared: Arc<Shared>,
    line: Line,
}

/// The service of one connection.
#[derive(Clone)]
struct Answers(Arc<Connection>);

impl Service<Request<Body>> for Answers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let connection = Arc::clone(&self.0);
        Box::pin(async move { Ok(answer(&connection, request).await) })
    }
}

/// The OpenAPI document: it needs no key and gets no faults.
pub(crate) async fn openapi() -> Response<Body> {
    let mut answer = Response::new(Body::from(OPENAPI));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

async fn answer(connection: &Connection, request: Request<Body>) -> Response<Body> {
    let Connection { shared, line } = connection;
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/openapi.json" && [Method::GET, Method::HEAD].contains(&parts.method) {
        line.request_complete();
        return openapi().await;
    }
    let Some(body) = read(body, shared.body_bytes).await else {
        // Nothing reads this response; half a request must make no task.
        return ApiError::new(400, "InvalidParameter", "The request body broke off.")
            .encode()
            .map(Body::from);
    };
    line.request_complete();
    // Boxed, so that what is rare does not make every request larger.
    let measured = match shared.media.as_ref().filter(|_| parts.method == Method::POST) {
        Some(hook) => Box::pin(media::measure(hook, &body)).await,
        None => Vec::new(),
    };
    let reply = shared.with(|service, now| {
        service.measured(measured);
        service.handle(now, Request::from_parts(parts, body))
    });
    let answer = match reply {
        Reply::Answer(answer) => answer,
        Reply::Faulty(faulty) => return Box::pin(apply_fault(shared, line, faulty)).await,
        reply => {
            let (answer, delivery) = Box::pin(finish(shared, reply)).await;
            return counted(shared, answer, delivery);
        }
    };
    answer.map(Body::from)
}

/// The answer, rendered where it takes that, and which part of a task's video it holds.
pub(crate) async fn finish(shared: &Shared, reply: Reply) -> (Response<Bytes>, Option<Delivery>) {
    match reply {
        Reply::Answer(answer) => (answer, None),
        Reply::Render(job) => match shared.videos.get(&job).await {
            Ok(file) => {
                let total = file.len();
                let answer = job.answer(file);
                let delivery = job.delivery(&answer, total);
                (answer, delivery)
            }
            Err(why) => {
                let error = ApiError::new(500, "InternalServiceError", why).kind("InternalServerError");
                (error.encode(), None)
            }
        },
        // One fault at a time: a fault is applied to a plain response only.
        Reply::Faulty(_) => (Response::new(Bytes::new()), None),
    }
}

/// The answer, with a body that reports how much of a video went out.
fn counted(shared: &Arc<Shared>, answer: Response<Bytes>, delivery: Option<Delivery>) -> Response<Body> {
    match delivery {
        Some(delivery) => {
            answer.map(|rest| Body::new(CountedBody { rest, sent: 0, delivery, shared: Arc::clone(shared) }))
        }
        None => answer.map(Body::from),
    }
}

/// Plays a connection fault. The returned response is sent only if the connection was not cut.
async fn apply_fault(shared: &Arc<Shared>, line: &Line, faulty: FaultyReply) -> Response<Body> {
    let FaultyReply { fault, reply } = faulty;
    let (answer, delivery) = match reply {
        Some(reply) => finish(shared, *reply).await,
        None => (Response::new(Bytes::new()), None),
    };
    let sent = |bytes: usize| {
        if let Some(delivery) = delivery {
            shared.with(|service, _| service.delivered(delivery, bytes));
        }
    };
    let length = i64::try_from(answer.body().len()).unwrap_or(i64::MAX);
    // A stopping simulator does not wait for faults.
    let pause = |millis: u64| shared.pause(Duration::from_millis(millis));
    match fault {
        ConnectionFault::Delay { millis } => {
            pause(millis).await;
            return counted(shared, answer, delivery);
        }
        ConnectionFault::Close { reset: true } => line.reset(),
        ConnectionFault::Close { reset: false } => {}
        ConnectionFault::Silence { millis } => pause(millis).await,
        ConnectionFault::Half => {
            line.write(&wire::head(&answer, length)).await;
            line.write(&answer.body()[..answer.body().len() / 2]).await;
            sent(answer.body().len() / 2);
        }
        ConnectionFault::Length { by } => {
            line.write(&wire::head(&answer, length.saturating_add(by).max(0))).await;
            line.write(answer.body()).await;
        }
        ConnectionFault::NoLength { chunked, missing } => {
            let body = &answer.body()[..answer.body().len().saturating_sub(missing)];
            line.write(&wire::head_without_length(&answer, chunked)).await;
            if chunked {
                line.write(format!("{:x}\r\n", body.len()).as_bytes()).await;
                line.write(body).await;
                line.write(b"\r\n0\r\n\r\n").await;
            } else {
                line.write(body).await;
            }
            sent(body.len());
        }
        ConnectionFault::Drip { bytes, millis, head } => {
            let pace = Duration::from_millis(millis);
            let start = wire::head(&answer, length);
            let dripping = async {
                if head {
                    line.drip(&start, bytes, pace).await;
                } else {
                    line.write(&start).await;
                }
                line.drip(answer.body(), bytes, pace).await;
                sent(answer.body().len());
            };
            tokio::select! {
                () = dripping => {}
                () = shared.stopped() => {}
            }
        }
        ConnectionFault::Raw(bytes) => line.write(&bytes).await,
    }
    line.cut();
    Response::new(Body::empty())
}

/// Reads a body up to one byte more than the service takes, so that the service sees that it is too
/// large; `None` for a body that broke off.
async fn read(mut body: Body, most: usize) -> Option<Bytes> {
    let most = most.saturating_add(1);
    let (mut kept, mut dropped) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if kept.is_empty() && body.is_end_stream() && data.len() <= most {
            return Some(data);
        }
        let room = most - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        dropped += data.len().saturating_sub(room);
        if dropped > DRAINED {
            break;
        }
    }
    Some(kept.freeze())
}

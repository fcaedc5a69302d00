//! HTTP around the service: bodies in up to a limit, replies out.

use std::{sync::Arc, time::Duration};

use ark_video_protocol::ApiError;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    routing::get,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use tokio::{net::TcpListener, sync::watch};

use super::{
    Shared,
    wire::{self, Line, Wires},
};
use crate::service::{Disturbed, Reply, Wire};

/// Generated from the schema by `cargo xtask docs`.
const OPENAPI: &str = include_str!("../generated/openapi.json");

/// Bytes beyond the limit that are still read and dropped, so that the refusal reaches a client that writes before it reads.
const DRAINED: usize = 192 << 20;

/// Serves until told to stop.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let until = async move {
        // An error means that the simulator is gone, which is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let service = Router::new()
        .route("/openapi.json", get(openapi).fallback(answer))
        .fallback(answer)
        .with_state(shared)
        .into_make_service_with_connect_info::<Line>();
    // `serve` never ends by itself: failed accepts are retried inside.
    let _ = axum::serve(Wires(listener), service).with_graceful_shutdown(until).await;
}

/// The API as a document, to whoever asks: it takes no key and knows no faults.
pub(crate) async fn openapi() -> Response<Body> {
    let mut answer = Response::new(Body::from(OPENAPI));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body, shared.body_bytes).await else {
        // Nobody is there to read this; what matters is that half a request makes no task.
        return ApiError::new(400, "InvalidParameter", "The request body broke off.")
            .encode()
            .map(Body::from);
    };
    let reply = shared.with(|service, now| service.handle(now, Request::from_parts(parts, body)));
    let answer = match reply {
        Reply::Disturbed(disturbed) => disturb(&shared, &line, disturbed).await,
        reply => finish(&shared, reply).await,
    };
    answer.map(Body::from)
}

/// The answer, rendered where it takes that.
pub(crate) async fn finish(shared: &Shared, reply: Reply) -> Response<Bytes> {
    match reply {
        Reply::Answer(answer) => answer,
        Reply::Render(job) => match shared.films.get(&job).await {
            Ok(file) => job.answer(file),
            Err(why) => ApiError::new(500, "InternalServiceError", why).kind("InternalServerError").encode(),
        },
        // One fault at a time: what a fault strikes is an answer.
        Reply::Disturbed(_) => Response::new(Bytes::new()),
    }
}

/// Plays a fault on the line. What it returns goes out only where the line was not cut.
async fn disturb(shared: &Shared, line: &Line, disturbed: Disturbed) -> Response<Bytes> {
    let Disturbed { wire, reply } = disturbed;
    let answer = match reply {
        Some(reply) => finish(shared, *reply).await,
        None => Response::new(Bytes::new()),
    };
    let length = i64::try_from(answer.body().len()).unwrap_or(i64::MAX);
    // Nobody has to wait for a fault when the simulator stops.
    let pause = |millis: u64| shared.pause(Duration::from_millis(millis));
    match wire {
        Wire::Delay { millis } => {
            pause(millis).await;
            return answer;
        }
        Wire::Close { reset: true } => line.reset(),
        Wire::Close { reset: false } => {}
        Wire::Silence { millis } => pause(millis).await,
        Wire::Half => {
            line.write(&wire::head(&answer, length)).await;
            line.write(&answer.body()[..answer.body().len() / 2]).await;
        }
        Wire::Length { by } => {
            line.write(&wire::head(&answer, length.saturating_add(by).max(0))).await;
            line.write(answer.body()).await;
        }
        Wire::Drip { bytes, millis, head } => {
            let pace = Duration::from_millis(millis);
            let start = wire::head(&answer, length);
            let dripping = async {
                if head {
                    line.drip(&start, bytes, pace).await;
                } else {
                    line.write(&start).await;
                }
                line.drip(answer.body(), bytes, pace).await;
            };
            tokio::select! {
                () = dripping => {}
                () = shared.stopped() => {}
            }
        }
        Wire::Raw(bytes) => line.write(&bytes).await,
    }
    line.cut();
    Response::new(Bytes::new())
}

/// Reads a body up to one byte more than the service takes, so that the service sees that it is too large; `None` for a body that
/// broke off.
async fn read(mut body: Body, most: usize) -> Option<Bytes> {
    let most = most.saturating_add(1);
    let (mut kept, mut dropped) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        let room = most - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        dropped += data.len().saturating_sub(room);
        if dropped > DRAINED {
            break;
        }
    }
    Some(kept.freeze())
}

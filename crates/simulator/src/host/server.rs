//! HTTP around the service: bodies in up to a limit, replies out.

use std::sync::Arc;

use ark_video_protocol::ApiError;
use axum::{Router, body::Body, extract::State};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{net::TcpListener, sync::watch};

use super::Shared;
use crate::{catalog::catalog, service::Reply};

/// Bytes beyond the limit that are still read and dropped, so that the refusal reaches a client that writes before it reads.
const DRAINED: usize = 192 << 20;

/// Serves until told to stop.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let until = async move {
        // An error means that the simulator is gone, which is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    // `serve` never ends by itself: failed accepts are retried inside.
    let _ = axum::serve(listener, router(shared)).with_graceful_shutdown(until).await;
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(body) = read(body).await else {
        // Nobody is there to read this; what matters is that half a request makes no task.
        return ApiError::new(400, "InvalidParameter", "The request body broke off.")
            .encode()
            .map(Body::from);
    };
    let (reply, notes) = {
        let now = shared.clock.now();
        let mut service = shared.service();
        let reply = service.handle(now, Request::from_parts(parts, body));
        (reply, service.take_notes())
    };
    if let Some(hook) = &shared.on_note {
        notes.iter().for_each(hook);
    }
    let answer = match reply {
        Reply::Answer(answer) => answer,
        Reply::Render(job) => match shared.films.get(&job).await {
            Ok(file) => job.answer(file),
            Err(why) => ApiError::new(500, "InternalServiceError", why).kind("InternalServerError").encode(),
        },
    };
    answer.map(Body::from)
}

/// Reads a body up to one byte more than the service takes, so that the service sees that it is too large; `None` for a body that
/// broke off.
async fn read(mut body: Body) -> Option<Bytes> {
    let most = catalog().limits.body_bytes.saturating_add(1);
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

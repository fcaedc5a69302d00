//! Spans for the `tracing` crate, behind the feature of that name: one for each request, with method, endpoint, attempt,
//! ids and status. Never a key, a prompt, a body or a query.

use std::future::Future;

use ark_video_transport::SendError;
use bytes::Bytes;
use http::{Method, Response};

use crate::Call;

type Sent = Result<Response<Bytes>, SendError>;

#[cfg(feature = "tracing")]
pub(crate) async fn request(
    call: &Call,
    method: &Method,
    attempt: u32,
    sending: impl Future<Output = Sent>,
) -> Sent {
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
pub(crate) async fn request(_: &Call, _: &Method, _: u32, sending: impl Future<Output = Sent>) -> Sent {
    sending.await
}

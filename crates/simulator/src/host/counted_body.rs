//! A response body that reports how many bytes of a video the HTTP server took from it. Pieces are
//! small, so that a client that leaves early is seen to have left.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Shared;
use crate::service::Delivery;

const PIECE: usize = 64 * 1024;

pub(crate) struct CountedBody {
    pub(crate) rest: Bytes,
    pub(crate) sent: usize,
    pub(crate) delivery: Delivery,
    pub(crate) shared: Arc<Shared>,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.sent += piece.len();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        let (delivery, sent) = (self.delivery, self.sent);
        self.shared.with(|service, _| service.delivered(delivery, sent));
    }
}

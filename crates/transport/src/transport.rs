//! What a transport is. Implement it to send through another HTTP stack, or to script answers in a
//! test.

use std::{fmt, future::Future, pin::Pin};

use ark_video_protocol::{Endpoint, SendError, download::AddressPolicy};
use bytes::Bytes;
use http::{Request, Response};

use crate::RequestBody;

/// A future behind a pointer, so that [`Transport`] can be one too.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends requests, each at most once.
///
/// An implementation must not retry, must not follow redirects, must not change the path, and may
/// call a failure "not sent" only if no byte of the request body can have left. A second bill is
/// the price of a mistake here. One that cannot stream takes [`RequestBody::read`].
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends one request to the API and reads the whole answer, whatever its status.
    ///
    /// `endpoint` decides the timeout and the response limit: a create waits long and uses no
    /// connection that was used before.
    fn send(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>>;

    /// Sends one GET to a storage host and gives the answer's head, with the body still to be read.
    /// Takes a connection of its own.
    ///
    /// The request goes out with its own headers only: no key, no cookie. It must not be connected
    /// to an address that `reach` does not allow.
    fn open(
        &self,
        request: Request<()>,
        reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>>;
}

/// A body that comes in pieces.
pub trait AnswerBody: Send {
    /// The next piece; `None` at the end. A body that breaks off ends in an error, not in `None`.
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, SendError>>;
}

//! What can go wrong, as values: before a request is sent, while it is sent, in what the service
//! answers, in what a storage sends. What follows from it is decided elsewhere
//! ([`crate::classify`], [`crate::outcome`]).

mod api;
mod conversions;
mod download;
mod reading;
mod request;
mod send;

pub use api::{ApiError, EnvelopeKind, REQUEST_ID};
pub use download::DownloadRefusal;
pub use request::RequestError;
pub use send::{SendError, SendErrorKind, SendStage};

//! The Ark video-generation task API without sockets and clocks.
//!
//! Each endpoint is one module with a client half (request out, answer in) and a server half
//! (request in, answer out), so that a client and a simulator cannot disagree about the wire.
//! Beside them stand the decisions that cost money or time when they are wrong, as plain functions
//! of (state, now, outcome): [`classify`] (may it be sent again?), [`outcome`] (how did a create
//! end?), [`retry`] (when, and how often?), [`reconcile`] (which task did it leave?), [`limit`]
//! (how fast?), [`wait`] and [`watch`] (when to ask again, for one task and for ten thousand?),
//! [`callback`] (may this be believed?), [`download`] (may this be fetched, is it whole?).
//!
//! Nothing here opens a socket, reads a clock or the environment, or draws a random number: they
//! are arguments.

#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]
#![allow(clippy::result_large_err, reason = "what stands beside an ApiError in a Result is larger still")]

mod answer;
mod backoff;
mod base_url;
pub mod body;
pub mod callback;
mod changed_body;
mod classify;
pub mod create;
#[cfg(test)]
mod create_tests;
pub mod delete;
pub mod download;
mod error;
pub mod gateway;
pub mod get;
pub mod limit;
pub mod list;
pub mod models;
pub mod outcome;
pub mod path;
pub mod reconcile;
mod requested_settings;
pub mod retry;
#[cfg(test)]
mod round_trip_tests;
mod route;
mod time;
pub mod wait;
pub mod watch;

pub use answer::{CLIENT_REQUEST_ID, MAX_ANSWER, MAX_LIST_ANSWER, REQUEST_ID_RANDOM, client_request_id};
// The model types that stand in signatures of this crate.
pub use ark_video_model::{
    CreateTaskRequest, CreateTaskResponse, ErrorCode, ModelList, OutputFormat, Ratio, Resolution,
    ServiceTier, Task, TaskList, TaskStatus, check::Finding, error_code::ErrorClass,
};
pub use backoff::Backoff;
pub use base_url::{BaseUrl, BaseUrlError, is_loopback_host};
pub use classify::{Cause, Class, Failure, classify};
pub use error::{ApiError, EnvelopeKind, REQUEST_ID, RequestError, SendError, SendErrorKind, SendStage};
pub use requested_settings::{Difference, RequestedSettings};
pub use route::{Endpoint, Route, below, route};
pub use time::{RetryAfter, UnixMillis, unix_millis, utc};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

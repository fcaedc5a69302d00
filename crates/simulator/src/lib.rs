//! The Ark video-generation task API, locally: for tests, for demos, and for trying a client
//! without paying.
//!
//! Two layers. [`Service`] is the API as a pure state machine: it takes the time and a request and
//! returns a response. It has no clock, socket, file or environment, so equal seeds and requests
//! give equal responses. [`Simulator`] serves it on a local socket, drives its clock and renders
//! the videos.
//!
//! ```
//! # async fn run() -> Result<(), ark_video_simulator::StartError> {
//! use ark_video_simulator::Simulator;
//!
//! let simulator = Simulator::start().await?;
//! println!("ARK_BASE_URL={} ARK_API_KEY={}", simulator.base_url(), simulator.api_key());
//! // … run any client against it …
//! assert!(simulator.bills().is_empty());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A test moves the clock ([`Simulator::advance`]), injects faults ([`Simulator::fail_next`],
//! [`FaultPlan`]) and reads what it would have paid ([`Simulator::bills`], [`Simulator::ledger`]).
//! With the feature `client` a test needs no more than `simulator.client().build()?`, and its waits
//! pass at the simulator's speed.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` | `Simulator::client` and `InProcess::client`: an `ark-video` client; includes `transport` |
//! | `transport` | `InProcess`: the service as the client's transport and clock, without a socket; `Simulator::clock` |
//!
//! # Limits
//!
//! It fetches no media (it measures data URLs, assumes the duration of a video, and says so
//! in a [`Note`]). It reads prompts only for flags, for fault directives, and for the phrases that
//! make 2.5 treat a request as an edit or an extension.
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod catalog;
#[cfg(feature = "transport")]
mod client;
mod dialect;
mod faults;
mod host;
#[cfg(feature = "transport")]
mod in_process;
mod options;
pub mod render;
mod service;

pub use dialect::{Dialect, DialectError};
pub use faults::{
    Condition, Effect, Envelope, FaultCount, FaultPlan, FaultPlanError, FaultPoint, FaultRule, LinkForm,
};
pub use host::{Builder, Simulator, StartError};
#[cfg(feature = "transport")]
pub use in_process::InProcess;
pub use options::{Account, Options, Rates, SwitchError, Switches};
pub use service::{
    Bill, Callback, CallbackCounts, ConnectionFault, Delivery, Entry, Exceeded, FaultyReply, FilePart,
    FinishError, Intent, Ledger, Note, Price, RenderJob, Reply, Service, SnapshotError,
};

/// The README's example compiles.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

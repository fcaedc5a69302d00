//! The Ark video-generation task API, locally: for tests, for demos, and for trying a client without paying.
//!
//! Two layers. [`Service`] is the API as a pure state machine: it gets the moment and a request, and gives an answer; it
//! knows no clock, socket, file or environment, so the same seed and the same requests give the same answers.
//! [`Simulator`] puts it on a socket of this machine, moves its clock and renders the films.
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
//! A test moves the clock ([`Simulator::advance`]), lets things go wrong ([`Simulator::fail_next`], [`FaultPlan`]) and looks at
//! what it would have paid ([`Simulator::bills`], [`Simulator::ledger`]). With the feature `transport`, `InProcess` is the
//! same without a socket.
//!
//! What it does not do: it fetches no media (it measures data URLs, assumes how long a video is, and says so in a [`Note`]), and it looks at prompts
//! only for flags, for faults that they ask for, and for the words that make 2.5 take a request for an edit or an extension.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod catalog;
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
    Condition, Effect, Envelope, FaultCount, FaultPlan, FaultPlanError, FaultRule, LinkForm, Place,
};
pub use host::{Builder, Simulator, StartError};
#[cfg(feature = "transport")]
pub use in_process::InProcess;
pub use options::{Account, Options, Rates, SwitchError, Switches};
pub use service::{
    Bill, Callback, CallbackCounts, Delivery, Disturbed, Entry, Exceeded, FilePart, FinishError, Intent,
    Ledger, Note, Price, RenderJob, Reply, Service, SnapshotError, Wire,
};

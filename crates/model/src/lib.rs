//! Wire types of the Ark video-generation task API (Seedance on Volcengine Ark, BytePlus ModelArk
//! and resellers), builders for its requests, and what is known before sending: models and prices
//! ([`catalog`]), checks ([`check`]), costs ([`estimate`]), prompts ([`prompt`]) and error codes
//! ([`error_code`]).
//!
//! At the root stand the types of the wire and the builders. This crate touches no network, clock,
//! file or environment. The wire types are generated from `schema/ark-video.schema.json`; the rest
//! is written by hand.
//!
//! ```
//! use ark_video_model::{ImageSource, ImageToVideo};
//!
//! let request = ImageToVideo::new("doubao-seedance-2-0-260128", ImageSource::url("https://media.example.com/cat.jpg"))
//!     .prompt("The cat turns its head.")
//!     .duration(5)
//!     .build();
//! assert_eq!(
//!     serde_json::to_value(&request)?["content"][1]["role"],
//!     "first_frame",
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! - **Requests are read strictly, answers leniently.** A wrong type in a request does not decode.
//!   An answer always does: a field that cannot be read stays in `extra` under its own name, an
//!   unknown value stays in `Other`, an unknown kind keeps its whole object. Nothing that came in
//!   is lost on the way out.
//! - **`null` and absent are one thing**, and what is not set is not sent: the service's defaults
//!   stay its own.
//! - **`Debug` shows no prompt, no media and no signature**, and of unknown fields only their
//!   names.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `schemars` | `JsonSchema` for the types, for forms and tool descriptions |
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod build;
pub mod catalog;
pub mod check;
mod decode;
pub mod error_code;
pub mod estimate;
#[rustfmt::skip]
#[allow(unused_qualifications, clippy::all, reason = "generated; every path is spelled out")]
mod generated;
#[cfg(doctest)]
mod misuse;
mod open;
pub mod prompt;
mod redact;
mod source;
mod task;

pub use build::{DraftToVideo, FirstAndLastFrame, ImageToVideo, ReferenceToVideo, TextToVideo};
pub use error_code::ErrorCode;
pub use generated::{
    AudioContent, AudioRole, ContentItem, CreateTaskRequest, CreateTaskResponse, DraftTaskContent,
    DraftTaskRef, ImageContent, ImageRole, MediaUrl, Modalities, ModelInfo, ModelList, ModelStatus,
    OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier, Task, TaskCallback, TaskContent,
    TaskError, TaskList, TaskStatus, TextContent, Tool, ToolType, ToolUsage, Usage, VideoContent, VideoRole,
};
pub use open::{OtherObject, OtherValue};
pub use source::{AudioSource, ImageSource, VideoSource};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

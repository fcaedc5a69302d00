//! Wire types of the Ark video-generation task API (Seedance on Volcengine Ark, BytePlus ModelArk and resellers).
//!
//! What stands in JSON on the wire, and nothing else: this crate touches no network, clock, file or environment. The
//! types are generated from `schema/ark-video.schema.json`; builders and helpers are written by hand.
//!
//! ```
//! use ark_video_model::{FirstFrame, ImageSource};
//!
//! let request = FirstFrame::new("doubao-seedance-2-0-260128", ImageSource::url("https://media.example.com/cat.jpg"))
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
//! - **Requests are strict, answers are patient.** A wrong type in a request does not decode. An answer always does: a
//!   member that cannot be read stays in `extra` under its own name, an unknown word stays in `Other`, an unknown
//!   kind keeps its whole object. Nothing that came in is lost on the way out.
//! - **`null` and absent are one thing**, and what is not set is not sent: the service's defaults stay its own.
//! - **`Debug` shows no prompt, no media and no signature**, and of unknown members only their names.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod build;
mod catalog;
mod check;
mod decode;
mod error_code;
mod estimate;
#[rustfmt::skip]
#[allow(unused_qualifications, clippy::all, reason = "generated; every path is spelled out")]
mod generated;
mod lint;
#[cfg(doctest)]
mod misuse;
mod open;
mod redact;
mod source;
mod task;

pub use build::{FirstAndLastFrame, FirstFrame, FromDraft, References, TextToVideo};
pub use catalog::{
    AnyCell, AudioLimits, Availability, Billing, Catalog, CatalogError, Cell, Confidence, Decimal, Defaults,
    Factors, Family, Format, ImageLimits, InputSeconds, Lengths, Limits, MediaLimits, Model, ModelRules,
    NeverOffer, NotDecimal, Pixels, PlanName, Price, Rate, Site, Source, Span, Steps, Strength, Switch,
    Table, Text, VideoLimits, Why, WhySkipped, Words,
};
pub use check::{Facts, Finding, MediaFacts, MediaFormat, MediaKind, Mode, Note, Report, check_json};
pub use error_code::{ErrorClass, ErrorCode, ErrorInfo};
pub use estimate::{Bill, BilledLength, Estimate, PriceEstimate, estimate};
pub use generated::{
    AudioContent, AudioRole, ContentItem, CreateTaskRequest, CreateTaskResponse, DraftTaskContent,
    DraftTaskRef, ERROR_CODES, ImageContent, ImageRole, MediaUrl, Modalities, ModelInfo, ModelList,
    ModelStatus, OmniReferenceTaskType, OutputFormat, Ratio, Resolution, ServiceTier, Task, TaskCallback,
    TaskContent, TaskError, TaskList, TaskStatus, TextContent, Tool, ToolType, ToolUsage, Usage,
    VideoContent, VideoRole,
};
pub use lint::{Lifted, PromptFlag, PromptFlags, Setting, lift, lint_prompt};
pub use open::{OtherObject, OtherValue};
pub use source::{AudioSource, ImageSource, VideoSource};

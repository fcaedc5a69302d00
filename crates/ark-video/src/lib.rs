//! Video generation with Seedance on Volcengine Ark and BytePlus ModelArk: create a task, wait for it, keep the film.
//!
//! ```no_run
//! # async fn run() -> Result<(), ark_video::Error> {
//! use std::path::Path;
//! use ark_video::{Client, DownloadOptions, WaitOptions, model::TextToVideo};
//!
//! let client = Client::from_env()?; // ARK_API_KEY, ARK_BASE_URL
//! let prompt = "A paper boat crosses a puddle at dawn.";
//! let request = TextToVideo::new("doubao-seedance-2-0-260128", prompt).duration(5).build();
//! let task = client.create(&request).await?; // sent exactly once
//! println!("{task}"); // its id: the way back, whatever happens next
//! task.wait(WaitOptions::default()).await?;
//! let film = task.download(Path::new("boat.mp4"), DownloadOptions::default()).await?;
//! println!("{} bytes in {}", film.bytes, film.path.display());
//! # Ok(()) }
//! ```
//!
//! # What a create can end in
//!
//! Every accepted create costs money, and the service has no idempotency: the same request sent twice is two tasks and
//! two bills. So [`Client::create`] sends once and says exactly how far it got. [`Client::create_with`] may repeat what
//! was provably not sent or refused because of the pace, if it is told to, and nothing else:
//!
//! | end | was a task created? | what to do |
//! |---|---|---|
//! | `Ok(handle)` | yes | keep [`TaskHandle::id`] |
//! | [`Error::Config`], [`Error::Request`] | no, nothing was sent | mend the setting or the request |
//! | [`Error::Rejected`] | no, our own checks refused it unsent | mend it, or see [`CheckPolicy`] |
//! | [`Error::NotSent`] | no, nothing left this machine | try again |
//! | [`Error::Refused`] | no, the service said so | see [`Error::is_retryable`] and the advice in the message |
//! | [`Error::OutcomeUnknown`] | perhaps | do not send again; [`Client::reconcile`] looks for the task |
//! | [`Error::AcceptedWithoutId`] | very probably | as above |
//!
//! [`Error::phase`] says the same of every error: once a task exists, nothing says that none was created.
//!
//! # What never happens
//!
//! The key goes to the base URL's host and nowhere else; redirects are not followed; no key, prompt or picture is in an
//! error or in `Debug`; dropping a future stops waiting, never the task. A dropped [`Client::create`] may have sent its
//! request: drop it only if not knowing is acceptable.
#![allow(clippy::result_large_err, reason = "what stands beside an ApiError in a Result is larger still")]
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod attachments;
mod builder;
mod call;
#[cfg(feature = "callback")]
mod callback;
mod checks;
mod client;
mod create;
mod download;
mod download_all;
mod environment;
mod error;
mod handle;
mod intent;
mod list_all;
mod provenance;
mod reconcile;
mod target;
mod watch;
mod watch_handle;

pub use ark_video_model as model;
pub use ark_video_protocol::{
    ApiError, Backoff, BaseUrl, BaseUrlError, Difference, Endpoint, EnvelopeKind, RequestError,
    RequestedSettings, RetryAfter, UnixMillis,
    download::{DownloadRefusal, LinkRules, PlainHttp, Reach, deadline, file_stem},
    limit::LimitSettings,
    list::Request as ListQuery,
    outcome::Refusal,
    path::{is_usable as is_usable_id, shown as shown_id},
    reconcile::{
        Candidate, Doubt, Evidence, MARKS_KEPT, Marks, MarksInUse, StampOptions, SweepOptions, Unknown,
        Verdict, Window,
    },
    retry::RetryOptions,
    unix_millis,
    wait::{NOT_FOUND_GRACE, WaitOptions},
    watch::{CouldNotAsk, WatchEvent, WatchOptions, Watched},
};
pub use ark_video_transport::{
    AnswerBody, BodySource, BoxFuture, Clock, FileSource, Proxy, Random, RequestBody, SaveError,
    SaveProgress, SendError, SendErrorKind, SendStage, SettingError, SourceError, SystemClock, SystemRandom,
    Timeouts, Transport, check_room,
};
pub use attachments::Attachments;
pub use builder::ClientBuilder;
#[cfg(feature = "callback")]
pub use callback::{CallbackEvent, CallbackEvents, CallbackOptions, Callbacks};
pub use checks::CheckPolicy;
pub use client::Client;
pub use create::{CreateOptions, Prepared};
pub use download::{DownloadOptions, Downloaded, Existing, Output};
pub use download_all::DownloadJob;
pub use environment::{BASE_URL_VARIABLE, EnvSettings, KEY_VARIABLES, REGION_VARIABLE, bare_key};
pub use error::{
    AcceptedWithoutId, Action, Call, ConfigError, DownloadCause, DownloadError, Error, NotPossible, NotSent,
    OutcomeUnknown, Phase, ReadCause, ReadError, Refused, StillRunning, TaskEnded,
};
pub use handle::{TaskHandle, WaitEvent};
pub use intent::{Intent, canonical_hash, intent_hash, intent_hash_of};
pub use provenance::{FileFacts, Input, Progress, Provenance, SIDECAR_ENDING, Sidecar, SidecarRow};
pub use reconcile::ReconcileOptions;
pub use target::{InputFiles, Target, TargetError, TargetFault, TargetFolders};
pub use watch::Watch;
pub use watch_handle::WatchHandle;

/// Making files so that nothing that was planted under a name is written through.
pub mod files {
    pub use ark_video_transport::{
        Staged, create_own_folder, create_private, is_own_file, read_bounded, write_private,
    };
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/what-can-happen-to-a-create.md")]
struct GuideToCreate;

/// The examples of "The client in ten minutes" compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/client-in-ten-minutes.md")]
struct GuideToClient;

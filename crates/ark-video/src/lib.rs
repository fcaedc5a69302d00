//! Video generation with Seedance on Volcengine Ark and BytePlus ModelArk: create a task, wait for
//! it, download the video.
//!
//! ```no_run
//! # async fn run() -> Result<(), ark_video::Error> {
//! use ark_video::{Client, model::TextToVideo};
//!
//! let client = Client::from_env()?; // ARK_API_KEY, ARK_BASE_URL
//! let prompt = "A paper boat crosses a puddle at dawn.";
//! let request = TextToVideo::new("doubao-seedance-2-0-260128", prompt).duration(5).build();
//! let task = client.create(&request).await?; // sent exactly once
//! println!("{task}"); // its id: the way back, whatever happens next
//! task.wait().await?;
//! let video = task.download("boat.mp4").await?;
//! println!("{} bytes in {}", video.bytes, video.path.display());
//! # Ok(()) }
//! ```
//!
//! # What a create can end in
//!
//! Every accepted create costs money, and the service has no idempotency: the same request sent
//! twice is two tasks and two bills. So [`Client::create`] sends once and reports exactly how far
//! it got. With [`create::Create::retry`] it sends again what was provably not sent or refused
//! because of the rate, and nothing else:
//!
//! | end | was a task created? | what to do |
//! |---|---|---|
//! | `Ok(handle)` | yes | keep [`TaskHandle::id`] |
//! | [`Error::Config`], [`Error::Request`] | no, nothing was sent | fix the setting or the request |
//! | [`Error::InvalidRequest`] | no, our own checks refused it unsent | fix it, or see [`CheckPolicy`] |
//! | [`Error::NotSent`] | no, nothing left this machine | try again |
//! | [`Error::Api`] | no, the service said so | see [`Error::is_retryable`] and the advice in the message |
//! | [`Error::OutcomeUnknown`] | perhaps | do not send again; [`Client::reconcile`] searches for the task |
//! | [`Error::AcceptedWithoutId`] | very probably | as above |
//!
//! [`Error::phase`] says the same of every error: once a task exists, nothing says that none was
//! created.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `callback` | [`Callbacks`](https://docs.rs/ark-video/latest/ark_video/struct.Callbacks.html): a `tower` service that receives what the service POSTs to a `callback_url` |
//! | `storage` | the store over S3, TOS, R2, MinIO, GCS and Azure, as `storage`, for [`media_store`] |
//! | `tracing` | spans for create, wait, watch, download and each request |
//! | `reqwest` | the HTTP library, for an own client in [`HttpTransport::with_client`] |
//!
//! # What never happens
//!
//! The key goes to the base URL's host and nowhere else; redirects are not followed; no key, prompt
//! or image is in an error or in `Debug`; dropping a future stops waiting, never the task. A
//! dropped [`Client::create`] may have sent its request; with [`create::Create::keep`] nothing is
//! lost by that.
#![allow(clippy::result_large_err, reason = "what stands beside an ApiError in a Result is larger still")]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod attachments;
mod builder;
mod call;
#[cfg(feature = "callback")]
pub mod callback;
mod checks;
mod client;
pub mod create;
pub mod download;
mod download_all;
pub mod environment;
pub mod error;
mod handle;
mod intent;
mod list_all;
pub mod media_store;
pub mod provenance;
pub mod reconcile;
mod spans;
mod target;
pub mod unresolved;
pub mod wait;
pub mod watch;
mod watch_handle;

pub use ark_video_model as model;
pub use ark_video_protocol::{
    BaseUrl,
    limit::RateLimits,
    list::Request as ListQuery,
    reconcile::{CorrelationOptions, ReconcileOptions, UnresolvedCreate, Verdict},
    retry::RetryOptions,
    wait::WaitOptions,
    watch::{WatchEvent, WatchOptions, Watched},
};
#[cfg(feature = "storage")]
pub use ark_video_storage as storage;
#[cfg(feature = "reqwest")]
pub use ark_video_transport::reqwest;
pub use ark_video_transport::{HttpTransport, Proxy, Timeouts};
pub use attachments::Attachments;
pub use builder::ClientBuilder;
#[cfg(feature = "callback")]
pub use callback::Callbacks;
pub use checks::CheckPolicy;
pub use client::Client;
pub use create::Create;
pub use download::{Download, DownloadOptions, IfExists, Output};
pub use error::Error;
pub use handle::TaskHandle;
pub use wait::{Wait, WaitEvent};
pub use watch::Watch;

/// What is sent and by what: implement [`transport::Transport`] for another HTTP stack,
/// [`transport::Clock`] for a test.
pub mod transport {
    pub use ark_video_protocol::{Backoff, Endpoint, UnixMillis, unix_millis};
    pub use ark_video_transport::{
        AnswerBody, BodySource, BoxFuture, Clock, FileSource, HttpTransportBuilder, Random, RequestBody,
        SystemClock, SystemRandom, Transport,
    };
}

/// Ids of tasks as the service gives them: whether a path can hold one, and how to show it on a
/// terminal.
pub mod task_id {
    pub use ark_video_protocol::path::{is_usable as is_usable_id, shown as shown_id};
}

/// Free space, and the creation of files; existing links, pipes and hard links under their names
/// are never written through.
pub mod files {
    pub use ark_video_transport::{
        Staged, available_space, create_own_folder, create_private, create_private_folder, is_own_file,
        read_bounded, write_private,
    };
}

/// The examples of both READMEs compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/what-can-happen-to-a-create.md")]
struct GuideToCreate;

/// The examples of "The client in ten minutes" compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/client-in-ten-minutes.md")]
struct GuideToClient;

#[cfg(test)]
mod tests {
    #[test]
    fn the_root_has_at_most_30_names() {
        let root = include_str!("lib.rs").split("/// What is sent and by what").next().unwrap();
        let names = root.split("pub use ").skip(1).flat_map(|used| {
            let list = used.split(';').next().unwrap_or_default();
            list.split(|part: char| !part.is_alphanumeric() && part != '_')
        });
        let names: Vec<_> =
            names.filter(|name| name.starts_with(char::is_uppercase) && *name != "Request").collect();
        assert!((20..=30).contains(&names.len()), "{}: {names:?}", names.len());
    }
}

//! The I/O of the Ark video client: HTTP, clock, randomness, files. It sends each request once.
//!
//! Policy lives elsewhere: what an answer means in `ark-video-protocol`, what to do next in
//! `ark-video`. What this crate guarantees is mechanical: one call of [`Transport::send`] puts a
//! request on the wire at most once, follows no redirect, limits the response size, and reports
//! whether the first byte of the body may have been sent.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `http-client` | the HTTP library as `reqwest`, for an own client in [`HttpTransport::with_client`] |

#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod body_stream;
mod certificates;
mod checksum;
mod clients;
mod clock;
mod disk_space;
mod error;
mod files;
mod http_transport;
mod media_store;
mod part_file;
mod proxy;
mod receive;
mod request_body;
mod save;
mod send_body;
mod settings;
mod ssrf;
mod transport;

pub use ark_video_protocol::{SendError, SendErrorKind, SendStage};
pub use clock::{Clock, Random, SystemClock, SystemRandom, jitter};
pub use disk_space::{MARGIN, available_space, check_room};
pub use error::{SaveError, SettingError, SourceError};
pub use files::{
    Staged, create_own_folder, create_private, create_private_folder, is_own_file, read_bounded,
    write_private,
};
pub use http_transport::HttpTransport;
pub use media_store::{MediaStore, SignedUrl, StorageError, StorageErrorKind, StoredMedia, UploadProgress};
pub use proxy::is_proxy;
pub use request_body::{BodySource, FileSource, RequestBody};
#[cfg(feature = "http-client")]
pub use reqwest;
pub use save::{Fetched, SaveOptions, SaveProgress, Saved, check_target, fetch, hash_file, save};
pub use settings::{HttpTransportBuilder, Proxy, Timeouts};
pub use transport::{AnswerBody, BoxFuture, Transport};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Local media in your own bucket: uploaded once, named by content, fetched by a presigned URL.
//! S3 and what speaks it, Google Cloud Storage, Azure.
//!
//! [`Storage`] is the [`MediaStore`](ark_video_transport::MediaStore) of this toolkit. Requests go
//! through a [`Transport`](ark_video_transport::Transport), so that proxy, certificates and
//! timeouts are the client's. Nothing here reads the environment or prints.

#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod backend;
mod connector;
mod credentials;
mod error;
mod provider;
mod resume;
mod settings;
mod storage;
mod upload;

pub use provider::Provider;
pub use settings::StorageSettings;
pub use storage::{Pruned, Storage};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! May this link be fetched, from which machines, is this answer the file or the rest of it, is it
//! as long as announced, what may it be called, until when does the link live, and what to do when
//! a try failed?
//!
//! Decisions only; the transport moves the bytes.

mod address_policy;
mod answer;
mod file_name;
mod link;
mod resume;
mod retry;

pub use crate::error::DownloadRefusal;
pub use address_policy::AddressPolicy;
pub use answer::{Expected, Head, decoded_limit, judge, looks_like_page, whole};
pub use file_name::file_stem;
pub use link::{InsecureHttp, UrlPolicy, check_link, deadline, expires_at, place_of};
pub use resume::{Kept, MAX_RANGED, Part};
pub use retry::{Attempts, DownloadRetry, ErrorKind, MAX_TRIES};

/// Redirects followed for one file.
pub const MAX_REDIRECTS: u32 = 3;

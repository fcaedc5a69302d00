//! May this link be fetched, from which machines, is this answer the file or the rest of it, is it
//! as long as announced, what may it be called, until when does the link live, and what to do when
//! a try failed?
//!
//! Decisions only; the transport moves the bytes.

mod again;
mod answer;
mod link;
mod name;
mod part;
mod reach;

pub use crate::error::DownloadRefusal;
pub use again::{Again, MAX_TRIES, Tries, Trouble};
pub use answer::{Expected, Head, decoded_limit, judge, looks_like_page, whole};
pub use link::{LinkRules, PlainHttp, check_link, deadline, expires_at, place_of};
pub use name::file_stem;
pub use part::{Kept, MAX_RANGED, Part};
pub use reach::Reach;

/// Redirects followed for one file.
pub const MAX_REDIRECTS: u32 = 3;

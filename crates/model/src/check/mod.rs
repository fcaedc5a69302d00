//! Everything that can be said of a request before it is sent.

mod facts;

pub use facts::{Facts, MediaFacts, MediaFormat, MediaKind};

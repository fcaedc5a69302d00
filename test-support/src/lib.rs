//! What tests need of the machine that they run on, and share: a PostgreSQL server, an S3 server, a
//! small disk, and how often something random is tried. Knows nothing of what is tested. A test
//! that needs one of these is ignored with the reason, and named for it (`.._with_postgresql`,
//! `.._with_s3`, `.._on_a_small_disk`, `.._with_ffmpeg`): `cargo xtask test` runs it where the
//! machine has it and reports it where not.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![deny(missing_docs)]

#[cfg(feature = "postgres")]
pub mod postgres;
pub mod s3;
pub mod small_disk;

/// How often something random is tried: `quick`, or `whole` in `cargo xtask ci --all`.
#[must_use]
pub fn times(quick: usize, whole: usize) -> usize {
    if std::env::var_os("ARK_VIDEO_WHOLE_TESTS").is_some() { whole } else { quick }
}

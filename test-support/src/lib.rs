//! What tests need of the machine that they run on, and share: a PostgreSQL server, a small disk.
//! Knows nothing of what is tested. A test that needs one of these is ignored with the reason, and
//! named for it (`.._with_postgresql`, `.._on_a_small_disk`, `.._with_ffmpeg`): `cargo xtask test`
//! runs it where the machine has it and reports it where not.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![deny(missing_docs)]

#[cfg(feature = "postgres")]
pub mod postgres;
pub mod small_disk;

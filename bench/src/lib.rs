//! What the programs of the bench share: the work of each row, ours and its floor, and how programs
//! are run in turn.

#![deny(missing_docs)]
#![allow(clippy::print_stdout, reason = "programs that print figures")]

pub mod create;
pub mod download;
pub mod inline;
pub mod interleaved;
pub mod journal;
pub mod measure;
pub mod page;
pub mod python;

/// Any error ends the run and is printed.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

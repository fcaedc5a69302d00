//! Whole runs against the simulator on a socket, with a clock that runs fast.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod ends;
mod follows;
mod lost;
mod lost_answers;
mod money;
mod postgres;
mod scene;
mod sequences;
#[path = "../support/postgres.rs"]
mod server;
mod stops;
mod troubles;
mod world;

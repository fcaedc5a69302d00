//! The 27 faults that a batch must survive, one test each, named after its row: whole runs against the simulator on a socket,
//! workers that really die, journals that really break. After each the history is checked from outside: every bill known and
//! somebody's, none twice, every film whole.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod answers;
#[path = "../support/clock.rs"]
mod clock;
mod deaths;
mod films;
mod formats;
#[path = "../support/history.rs"]
mod history;
mod journals;
mod money;
#[path = "../support/postgres.rs"]
mod server;
#[path = "../support/shots.rs"]
mod shots;
mod stops;
mod time;
#[path = "../support/worker.rs"]
mod worker;
mod world;

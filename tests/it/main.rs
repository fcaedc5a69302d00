//! One binary for everything that crosses crates.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod builders;
mod check;
mod cli;
mod cli_check;
mod cli_exit_codes;
mod cli_wrong_input;
mod differential;
mod examples;
mod guide_example;
mod matrix;
mod payloads;
mod responses;
mod round_trip;
mod schema;
mod simulator;

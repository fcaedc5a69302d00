//! One binary for everything that crosses crates.
#![allow(unused_crate_dependencies)]

mod builders;
mod cli;
mod cli_exit_codes;
mod cli_wrong_input;
mod compile_fail;
mod examples;
mod payloads;
mod responses;
mod round_trip;
mod schema;

//! One binary for everything that crosses crates.
#![allow(unused_crate_dependencies)]

mod builders;
mod compile_fail;
mod examples;
mod payloads;
mod responses;
mod round_trip;
mod schema;

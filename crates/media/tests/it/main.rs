//! What `probe` says of real and of damaged media: one binary, so that fixtures are built once.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are test code too")]

mod bounds;
mod damage;
mod data_urls;
mod ffmpeg;
mod fixtures;
mod movies;
mod pictures;
mod sounds;

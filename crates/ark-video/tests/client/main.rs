//! The client against a scripted transport and a clock that is moved, not waited for.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod create;
mod download;
mod list;
mod tasks;
mod wait;
mod world;

//! The transport against servers on bare sockets of this machine: what is sent, how often, and what
//! is said of failures.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod address_policy;
mod content;
mod full;
mod kill;
mod resume;
mod save;
mod send;
mod server;
mod upload;

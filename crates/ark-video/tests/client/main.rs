//! The client against a scripted transport and a clock that is moved, not waited for.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod attachments;
#[cfg(feature = "callback")]
mod callback;
mod checks;
mod create;
mod download;
mod list;
mod reconcile;
mod repeats;
mod tasks;
mod test_env;
#[cfg(feature = "tracing")]
mod tracing;
mod uploads;
mod wait;
mod watch;

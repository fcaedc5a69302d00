//! `ark-video mcp` from outside: the command as a child process on its standard streams, against a
//! simulator that outlives it.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod agent;
mod confused;
mod http;
mod reading;
mod spending;

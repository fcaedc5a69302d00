//! The transport against servers on bare sockets of this machine: what is sent, how often, and what is said of failures.

mod save;
mod send;
mod server;

//! Whole batches against the simulator on a socket: runs, faults and deaths of workers. One
//! program, so that it is linked once.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod faults;
mod kill;
mod runs;
mod support;

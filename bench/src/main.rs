//! `cargo xtask bench`: what ark-video costs beside the leanest program that does the same work.
//!
//! Each figure comes from a process of its own; ours and its floor take interleaved, round after
//! round, against one stub server, and only the ratio of their medians is worth quoting. Nothing
//! here is a test: a slow machine fails nothing.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod run;
mod simulator;
mod start;
mod stub;

use ark_video_bench::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All rows or some, with medians, ratios and goals
    Run(run::Args),
    /// The server that the others talk to
    Stub,
    /// The simulator's throughput, memory and largest video
    Simulator(simulator::Args),
    /// A server that always returns the same bytes
    BareRoute(simulator::BareArgs),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Stub => stub::serve(),
        Command::Simulator(args) => simulator::run(&args),
        Command::BareRoute(args) => simulator::bare(&args),
    }
}

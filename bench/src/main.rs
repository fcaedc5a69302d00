//! `cargo xtask bench`: what ark-video costs beside the leanest program that does the same work.
//!
//! Each figure comes from a process of its own; ours and its floor take turns, round after round, against one stub
//! server, and only the ratio of their medians is worth quoting. Nothing here is a test: a slow machine fails nothing.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod create;
mod inline;
mod measure;
mod page;
mod run;
mod stub;

use clap::{Parser, Subcommand};

/// Anything that can go wrong ends the run with its words.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything, with medians and ratios
    Run(run::Args),
    /// The server that the others talk to
    Stub,
    /// So many creates, so many at a time
    Create(create::Args),
    /// A large image inside a request
    Inline(inline::Args),
    /// Decodes a page of a hundred tasks
    Page(page::Args),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Stub => stub::serve(),
        Command::Create(args) => create::run(&args),
        Command::Inline(args) => inline::run(&args),
        Command::Page(args) => page::run(&args),
    }
}

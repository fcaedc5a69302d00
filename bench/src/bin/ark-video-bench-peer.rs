//! One piece of work, done by us or by its floor, and its figures. A program of its own, so that
//! its memory is that of a client and not also that of servers.

use ark_video_bench::{Result, create, download, inline, page};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// So many creates, so many at a time
    Create(create::Args),
    /// A large image inside a request
    Inline(inline::Args),
    /// A large result to disk
    Download(download::Args),
    /// Decodes a page of a hundred tasks
    Page(page::Args),
}

fn main() -> Result<()> {
    match Cli::parse().work {
        Work::Create(args) => create::run(&args),
        Work::Inline(args) => inline::run(&args),
        Work::Download(args) => download::run(&args),
        Work::Page(args) => page::run(&args),
    }
}

//! The work of the journal's row, in a process of its own: no other row's program carries a
//! database.

use ark_video_bench::{Result, journal};
use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: journal::Work,
}

fn main() -> Result<()> {
    journal::run(&Cli::parse().work)
}

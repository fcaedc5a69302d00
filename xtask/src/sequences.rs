//! `cargo xtask sequences`: what people do to a batch between its runs, in seeded sequences, and what was paid in the end. The
//! sequences themselves are a test of crates/batch (tests/runs); this only starts it.

use std::path::Path;
use std::process::Command as Process;

use clap::{Arg, ArgMatches, Command, value_parser};

/// Where the test reads how many, and from which seed on.
const FORM: &str = "ARK_VIDEO_SEQUENCES";
const TEST: &str = "sequences::no_sequence_makes_a_second_bill_or_loses_a_paid_video";

pub(crate) fn command_line() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(value_parser!(u64)).default_value(default)
    };
    Command::new("sequences")
        .about("Batches that are killed, edited, and lose their journals: no second bill, no lost video")
        .after_help("CI runs 200. A failure names its seed: repeat it with --count 1 --seed SEED.")
        .arg(number("count", "1000", "Sequences"))
        .arg(number("seed", "1", "The first one's seed"))
}

pub(crate) fn run(root: &Path, options: &ArgMatches) -> Result<bool, String> {
    let number = |name: &str| options.get_one::<u64>(name).copied().unwrap_or(1);
    let status = Process::new(crate::cargo())
        .current_dir(root)
        .args(["test", "--quiet", "-p", "ark-video-batch", "--test", "runs", "--", "--exact", TEST])
        .env(FORM, format!("{}:{}", number("count"), number("seed")))
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    Ok(status.success())
}

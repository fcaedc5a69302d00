//! `cargo xtask kill-matrix`: workers of a batch that die at every step and at random moments, on both stores, and the table
//! of what came of it. The matrix itself is the test target `kill` of crates/batch; this only starts it, optimised.

use std::path::Path;
use std::process::Command as Process;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;

/// Where the test target reads what to run.
const FORM: &str = "ARK_VIDEO_KILL_MATRIX";

pub(crate) fn command_line() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(value_parser!(u64)).default_value(default)
    };
    let one_of = |name: &'static str, values: [&'static str; 2], help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(values)
    };
    Command::new("kill-matrix")
        .about("Batches whose workers die at every step: bills, losses and sums, on SQLite and PostgreSQL")
        .after_help(
            "A cell is a store, a policy and a way of dying. The long form: --jobs 100000 --kills 2000.",
        )
        .arg(number("jobs", "2000", "Jobs of each cell"))
        .arg(number("kills", "66", "Kills of each cell; there are 11 steps to die at"))
        .arg(number("seed", "1", "Start of the chances"))
        .arg(one_of("store", ["sqlite", "postgres"], "Only this store"))
        .arg(one_of("policy", ["hold", "resend"], "Only this answer to creates of unknown outcome"))
        .arg(one_of("dying", ["steps", "random"], "Only this way of dying"))
}

pub(crate) fn run(root: &Path, options: &ArgMatches) -> Result<bool, String> {
    let number = |name: &str| options.get_one::<u64>(name);
    let text = |name: &str| options.get_one::<String>(name);
    let form = json!({
        "jobs": number("jobs"),
        "kills": number("kills"),
        "seed": number("seed"),
        "store": text("store"),
        "policy": text("policy"),
        "dying": text("dying"),
    });
    let status = Process::new(crate::cargo())
        .current_dir(root)
        .args(["test", "--release", "--quiet", "-p", "ark-video-batch", "--test", "kill"])
        .env(FORM, form.to_string())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    Ok(status.success())
}

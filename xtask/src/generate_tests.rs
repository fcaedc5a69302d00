//! `cargo xtask checked` and `cargo xtask kill-generate`: what `generate` and batches check before sending, as a page, and
//! `generate` under `kill -9`. Only starts the tests that do the work.

use std::path::Path;
use std::process::Command as Process;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;

/// Where the tests read what to do.
const CHECKED: &str = "ARK_VIDEO_CHECKED";
const KILL: &str = "ARK_VIDEO_KILL_GENERATE";

pub(crate) fn command_lines() -> [Command; 2] {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(value_parser!(u64)).default_value(default)
    };
    [
        Command::new("checked")
            .about("What is checked before sending, in every mode: docs/reference/checked-before-sending.md")
            .arg(
                Arg::new("check")
                    .long("check")
                    .action(ArgAction::SetTrue)
                    .help("Write nothing; fail when the page would change"),
            ),
        Command::new("kill-generate")
            .about("`generate` under three kills at random moments, then --resume: bills and videos")
            .arg(number("runs", "40", "Intents of each of the three modes"))
            .arg(number("seed", "1", "Start of the chances")),
    ]
}

/// The page, written or with `--check` compared.
pub(crate) fn checked(root: &Path, options: &ArgMatches) -> Result<bool, String> {
    let how = if options.get_flag("check") { "check" } else { "write" };
    test(root, &["-p", "ark-video-tests", "--test", "it", "checked::"], (CHECKED, how))
}

/// The long form of the kills.
pub(crate) fn kill(root: &Path, options: &ArgMatches) -> Result<bool, String> {
    let number = |name: &str| options.get_one::<u64>(name);
    let form = json!({ "runs": number("runs"), "seed": number("seed") }).to_string();
    let what = ["-p", "ark-video-cli", "--test", "journeys", "kill_generate", "--", "--nocapture"];
    test(root, &what, (KILL, &form))
}

fn test(root: &Path, what: &[&str], (name, value): (&str, &str)) -> Result<bool, String> {
    let status = Process::new(crate::cargo())
        .current_dir(root)
        .args(["test", "--quiet"])
        .args(what)
        .env(name, value)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    Ok(status.success())
}

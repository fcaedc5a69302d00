//! Tests that people start by hand, in a longer form than CI has: `differential`, `kill-matrix`,
//! `sequences`, `checked` and `kill-generate`. Only starts them; each reads what to do from a
//! variable.

use std::path::Path;
use std::process::Command as Process;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;

pub(crate) fn command_lines() -> [Command; 5] {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(value_parser!(u64)).default_value(default)
    };
    let one_of = |name: &'static str, values: [&'static str; 2], help: &'static str| {
        Arg::new(name).long(name).help(help).value_parser(values)
    };
    [
        Command::new("differential")
            .about("The typed checks against the schema's validator, on instances at random")
            .arg(number("cases", "1000000", "How many instances")),
        Command::new("kill-matrix")
            .about(
                "Batches whose workers die at every step: bills, losses and sums, on SQLite and PostgreSQL",
            )
            .after_help(
                "A cell is a store, a policy and a way of dying. The long form: --jobs 100000 --kills 2000.",
            )
            .arg(number("jobs", "2000", "Jobs of each cell"))
            .arg(number("kills", "66", "Kills of each cell; there are 11 steps to die at"))
            .arg(number("seed", "1", "Start of the chances"))
            .arg(one_of("store", ["sqlite", "postgres"], "Only this store"))
            .arg(one_of("policy", ["hold", "resend"], "Only this answer to creates of unknown outcome"))
            .arg(one_of("dying", ["steps", "random"], "Only this way of dying")),
        Command::new("sequences")
            .about("Batches that are killed, edited, and lose their journals: no second bill, no lost video")
            .after_help(
                "CI runs 40, with --all 200. A failure names its seed: repeat it with --count 1 --seed SEED.",
            )
            .arg(number("count", "1000", "Sequences"))
            .arg(number("seed", "1", "The first one's seed")),
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

/// Runs one of them and says whether it passed; `None` for any other command.
pub(crate) fn run(root: &Path, name: &str, options: &ArgMatches) -> Option<Result<bool, String>> {
    let number = |name: &str| options.get_one::<u64>(name);
    let text = |name: &str| options.get_one::<String>(name);
    let plain = |name: &str| number(name).copied().unwrap_or(1);
    let (command, variable, value) = match name {
        "differential" => (
            "--profile bench -p ark-video-tests --test it differential:: -- --nocapture",
            "ARK_VIDEO_DIFFERENTIAL_CASES",
            plain("cases").to_string(),
        ),
        "kill-matrix" => (
            "--profile bench --quiet -p ark-video-batch --test it -- --exact kill::long_matrix_by_hand --ignored --nocapture",
            "ARK_VIDEO_KILL_MATRIX",
            json!({
                "jobs": number("jobs"), "kills": number("kills"), "seed": number("seed"),
                "store": text("store"), "policy": text("policy"), "dying": text("dying"),
            })
            .to_string(),
        ),
        "sequences" => (
            "--quiet -p ark-video-batch --test it -- --exact \
             runs::sequences::no_sequence_makes_a_second_bill_or_loses_a_paid_video",
            "ARK_VIDEO_SEQUENCES",
            format!("{}:{}", plain("count"), plain("seed")),
        ),
        "checked" => (
            "--quiet -p ark-video-tests --test it checked::",
            "ARK_VIDEO_CHECKED",
            if options.get_flag("check") { "check" } else { "write" }.to_owned(),
        ),
        "kill-generate" => (
            "--quiet -p ark-video-cli --test journeys kill_generate -- --nocapture",
            "ARK_VIDEO_KILL_GENERATE",
            json!({ "runs": number("runs"), "seed": number("seed") }).to_string(),
        ),
        _ => return None,
    };
    let status = Process::new(crate::cargo())
        .current_dir(root)
        .arg("test")
        .args(command.split_whitespace())
        .env(variable, value)
        .status();
    Some(
        status.map(|status| status.success()).map_err(|error| format!("cargo could not be started: {error}")),
    )
}

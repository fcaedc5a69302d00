//! `cargo xtask`: codegen, tidy and the jobs of CI, for people who work on this repository. Uses no crate under
//! `crates/`, so that it still runs when they do not compile.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

mod ci;
mod codegen;
mod count;
mod docs;
mod faults;
mod generate_tests;
mod kill_matrix;
mod release_check;
mod schema;
mod sequences;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

/// Writes the generated files, or with `check` only compares them.
fn generate(check: bool) -> Result<(), String> {
    codegen::run(&root(), check).map_err(|e| {
        let cause = format!("{e:#}");
        let next = if cause.contains("cargo xtask codegen") {
            ""
        } else {
            "\n  Mend that and run `cargo xtask codegen`."
        };
        format!("{cause}{next}")
    })
}

/// Writes the generated documents, or with `check` only compares them.
fn document(check: bool) -> Result<(), String> {
    docs::run(&root(), check).map(|text| print!("{text}")).map_err(|e| format!("{e:#}"))
}

/// The test of tests/it/differential.rs, optimised and with as many instances as one likes.
fn differential(cases: u64) -> Result<(), String> {
    let status = std::process::Command::new(cargo())
        .current_dir(root())
        .args([
            "test",
            "--release",
            "-p",
            "ark-video-tests",
            "--test",
            "it",
            "differential::",
            "--",
            "--nocapture",
        ])
        .env("ARK_VIDEO_DIFFERENTIAL_CASES", cases.to_string())
        .status()
        .map_err(|e| format!("cargo could not be started: {e}"))?;
    if status.success() { Ok(()) } else { Err("the typed checks and the schema disagree; see above".into()) }
}

/// The programs of bench/, optimised: ours beside a floor, in turn. It knows its own options.
fn bench<'a>(options: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let run = |arguments: &mut dyn Iterator<Item = &str>| {
        let status = std::process::Command::new(cargo()).current_dir(root()).args(arguments).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err("a measurement did not run to its end; see above".to_owned()),
            Err(error) => Err(format!("cargo could not be started: {error}")),
        }
    };
    let package = ["--release", "--quiet", "-p", "ark-video-bench"];
    run(&mut ["build", "--bins"].into_iter().chain(package))?;
    run(&mut ["run"].into_iter().chain(package).chain(["--", "run"]).chain(options.map(String::as_str)))
}

/// The repository's root, wherever the command was started from.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// The cargo that started us.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn command_line() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .about("What people do in this repository besides writing code")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("codegen")
                .about("Vendor page + overlay -> resolved schema -> Rust")
                .arg(flag("check", "Write nothing; fail when a file would change")),
        )
        .subcommand(
            Command::new("docs")
                .about("The reference tables and the OpenAPI document, from the schema")
                .arg(flag("check", "Write nothing; fail when a file would change")),
        )
        .subcommand(schema::command_line())
        .subcommand(
            Command::new("differential")
                .about("The typed checks against the schema's validator, on instances at random")
                .arg(
                    Arg::new("cases")
                        .long("cases")
                        .help("How many instances")
                        .value_parser(clap::value_parser!(u64))
                        .default_value("1000000"),
                ),
        )
        .subcommand(
            Command::new("bench")
                .about(
                    "Whole-process figures: ours beside a floor, in turn, as ratios; --help names the rows",
                )
                .disable_help_flag(true)
                .arg(
                    Arg::new("options")
                        .help("Options of the bench program: --rounds, --rows, --help")
                        .num_args(0..)
                        .trailing_var_arg(true)
                        .allow_hyphen_values(true),
                ),
        )
        .subcommand(
            Command::new("faults")
                .about("Every fault at every operation, ours beside the vendor's Python runtime: docs/reference/faults.md")
                .arg(flag("check", "Write nothing; fail when the page or the record would change"))
                .arg(Arg::new("python").long("python").help("A Python that has the vendor's runtime; default target/ci/venv")),
        )
        .subcommand(
            Command::new("count").about("Handwritten lines of code per member, packages per lock file"),
        )
        .subcommand(kill_matrix::command_line())
        .subcommand(sequences::command_line())
        .subcommands(generate_tests::command_lines())
        .subcommand(
            Command::new("release-check").about(
                "What must hold before a release: public APIs, packages, changelog; publishes nothing",
            ),
        )
        .subcommand(
            Command::new("ci")
                .about("Every job below in order: what CI runs")
                .arg(flag("fail-fast", "End at the first job that fails")),
        )
        .subcommands(
            ci::jobs::JOBS
                .iter()
                .filter(|job| !job.name.contains(' '))
                .map(|job| Command::new(job.name).about(format!("CI job: {}", job.about))),
        )
        .mut_subcommand("tidy", |tidy| {
            tidy.arg(flag("fix", "Write what can be derived: who uses which dependency"))
        })
}

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let done = |()| true;
    let result = match matches.subcommand() {
        Some(("codegen", options)) => generate(options.get_flag("check")).map(done),
        Some(("docs", options)) => document(options.get_flag("check")).map(done),
        Some(("schema", options)) => {
            schema::run(&root(), options).map_err(|e| format!("{e:#}")).map(|output| {
                print!("{}", output.text);
                output.complete
            })
        }
        Some(("count", _)) => {
            count::run(&root()).map(|text| print!("{text}")).map_err(|e| format!("{e:#}")).map(done)
        }
        Some(("kill-matrix", options)) => kill_matrix::run(&root(), options),
        Some(("sequences", options)) => sequences::run(&root(), options),
        Some(("checked", options)) => generate_tests::checked(&root(), options),
        Some(("kill-generate", options)) => generate_tests::kill(&root(), options),
        Some(("release-check", _)) => {
            release_check::run(&root()).map(|text| print!("{text}")).map_err(|e| format!("{e:#}")).map(done)
        }
        Some(("faults", options)) => {
            let python = options.get_one::<String>("python").map(String::as_str);
            faults::run(&root(), python, options.get_flag("check"))
                .map(|text| print!("{text}"))
                .map_err(|e| format!("{e:#}"))
                .map(done)
        }
        Some(("differential", options)) => {
            differential(options.get_one::<u64>("cases").copied().unwrap_or(1_000_000)).map(done)
        }
        Some(("bench", options)) => bench(options.get_many("options").into_iter().flatten()).map(done),
        Some(("tidy", options)) => tidy::run(&root(), options.get_flag("fix")).map(done),
        Some(("ci", options)) => ci::run(options.get_flag("fail-fast")),
        Some((job, _)) => ci::run_one(job),
        None => Err("say what to do: `cargo xtask --help`".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        // The summary has said what failed, and closes the output.
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_has_every_job() {
        command_line().debug_assert();
        let names: Vec<String> = command_line().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        for job in ci::jobs::JOBS {
            let first = job.name.split(' ').next().unwrap_or("");
            assert!(names.iter().any(|name| name == first), "{first}");
        }
    }

    #[test]
    fn the_root_is_where_the_workspace_manifest_lies() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there");
        assert!(manifest.contains("[workspace.package]"));
    }
}

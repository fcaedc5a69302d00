//! `cargo xtask`: tidy, the jobs of CI and what else people start in this repository; the generator
//! is `schema-tool`'s. Uses no crate under `crates/`, so that it still runs when they do not
//! compile.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

mod ci;
mod count;
mod dist;
mod faults;
mod install_check;
mod long_tests;
mod packages;
mod public_api;
mod release_check;
mod schema_tool;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

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
    let package = ["--profile", "bench", "--quiet", "-p", "ark-video-bench"];
    run(&mut ["build", "--bins"].into_iter().chain(package))?;
    run(&mut ["run"].into_iter().chain(package).chain(["--", "run"]).chain(options.map(String::as_str)))
}

/// The test that writes what follows from the types of the commands' JSON.
fn write_json() -> Result<bool, String> {
    let test = "cli_json::write_the_files_child";
    let program =
        ["test", "--quiet", "-p", "ark-video-tests", "--test", "it", "--", "--ignored", "--exact", test];
    let status = std::process::Command::new(cargo()).current_dir(root()).args(program).status();
    status.map(|status| status.success()).map_err(|error| format!("cargo could not be started: {error}"))
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
        .subcommands(schema_tool::command_lines())
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
        .subcommand(Command::new("json").about(
            "The schemas of the commands' JSON and their page: schema/cli/ and docs/reference/json.md",
        ))
        .subcommand(
            Command::new("count").about("Handwritten lines of code per member, packages per lock file"),
        )
        .subcommands(long_tests::command_lines())
        .subcommand(
            Command::new("dist")
                .about("The archive that people download: command, completions, man pages, licences")
                .arg(
                    Arg::new("full")
                        .long("full")
                        .action(ArgAction::SetTrue)
                        .help("With the server for agents and the bucket for local videos too"),
                ),
        )
        .subcommand(
            Command::new("release-check").about(
                "What must hold before a release: public APIs, packages, changelog; publishes nothing",
            ),
        )
        .subcommand(
            Command::new("public-api")
                .about("What each library makes public: docs/reference/api/, from rustdoc's JSON")
                .arg(flag("check", "Write nothing; fail when a file would change")),
        )
        .subcommand(
            Command::new("ci")
                .about("Every job below in order: what CI runs")
                .arg(flag("fail-fast", "End at the first job that fails"))
                .arg(flag("all", "Also run the jobs whose inputs have not changed since they passed")),
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
        Some((name @ ("codegen" | "docs" | "schema"), options)) => {
            return schema_tool::run(&root(), name, options);
        }
        Some(("count", _)) => {
            count::run(&root()).map(|text| print!("{text}")).map_err(|e| format!("{e:#}")).map(done)
        }
        Some(("dist", options)) => dist::run(&root(), options.get_flag("full"))
            .map(|text| print!("{text}"))
            .map_err(|e| format!("{e:#}"))
            .map(done),
        Some(("json", _)) => write_json(),
        Some(("release-check", _)) => {
            release_check::run(&root()).map(|text| print!("{text}")).map_err(|e| format!("{e:#}")).map(done)
        }
        Some(("public-api", options)) => public_api::run(&root(), options.get_flag("check"))
            .map(|text| print!("{text}"))
            .map_err(|e| format!("{e:#}"))
            .map(done),
        Some(("faults", options)) => {
            let python = options.get_one::<String>("python").map(String::as_str);
            faults::run(&root(), python, options.get_flag("check"))
                .map(|text| print!("{text}"))
                .map_err(|e| format!("{e:#}"))
                .map(done)
        }
        Some(("bench", options)) => bench(options.get_many("options").into_iter().flatten()).map(done),
        Some(("tidy", options)) => tidy::run(&root(), options.get_flag("fix")).map(done),
        Some(("ci", options)) => {
            let (fail_fast, all) = (options.get_flag("fail-fast"), options.get_flag("all"));
            ci::run(ci::Options { fail_fast, all })
        }
        Some((name, options)) => long_tests::run(&root(), name, options).unwrap_or_else(|| ci::run_one(name)),
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

    /// The README's first command names no package.
    #[test]
    fn cargo_run_at_the_root_is_the_command() {
        let metadata = std::process::Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .current_dir(root())
            .output()
            .expect("cargo starts");
        let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
        let members = metadata["workspace_default_members"].as_array().expect("there");
        assert!(matches!(members.as_slice(), [one] if one.to_string().contains("crates/cli")), "{members:?}");
    }

    #[test]
    fn the_root_is_where_the_workspace_manifest_lies() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there");
        assert!(manifest.contains("[workspace.package]"));
    }
}

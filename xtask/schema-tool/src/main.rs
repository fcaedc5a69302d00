//! The schema tool, which `cargo xtask codegen`, `docs` and `schema` start: from the vendor's
//! documents to the resolved schema, to Rust and to the reference. Uses no crate under `crates/`,
//! so that it still runs when they do not compile.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

mod codegen;
mod docs;
mod schema;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

/// The repository's root, wherever the command was started from.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).map_or_else(|| here.clone(), Path::to_path_buf)
}

/// The cargo that started us.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Where cargo builds: the root's folder, so that what both workspaces need is built once.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The commands under the name by which people start them.
fn command_line() -> Command {
    let check = || {
        let help = "Write nothing; fail when a file would change";
        Arg::new("check").long("check").help(help).action(ArgAction::SetTrue)
    };
    Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .subcommand_required(true)
        .subcommand(
            Command::new("codegen").about("Vendor page + overlay -> resolved schema -> Rust").arg(check()),
        )
        .subcommand(
            Command::new("docs")
                .about("The reference tables and the OpenAPI document, from the schema")
                .arg(check()),
        )
        .subcommand(schema::command_line())
}

/// What a command prints, and whether it did all that it was to do.
fn run(matches: &ArgMatches) -> Result<(String, bool), String> {
    match matches.subcommand() {
        Some(("codegen", options)) => {
            codegen::run(&root(), options.get_flag("check")).map(|text| (text, true)).map_err(|e| {
                let cause = format!("{e:#}");
                match cause.contains("cargo xtask codegen") {
                    true => cause,
                    false => format!("{cause}\n  Fix that and run `cargo xtask codegen`."),
                }
            })
        }
        Some(("docs", options)) => docs::run(&root(), options.get_flag("check"))
            .map(|text| (text, true))
            .map_err(|e| format!("{e:#}")),
        Some(("schema", options)) => schema::run(&root(), options)
            .map(|output| (output.text, output.complete))
            .map_err(|e| format!("{e:#}")),
        _ => Err("pass a command: codegen, docs or schema".into()),
    }
}

fn main() -> ExitCode {
    match run(&command_line().get_matches()) {
        Ok((text, complete)) => {
            print!("{text}");
            if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
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
    fn the_command_line_is_sound() {
        command_line().debug_assert();
    }

    #[test]
    fn the_root_is_where_the_workspace_manifest_lies() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("there");
        assert!(manifest.contains("[workspace.package]"));
    }
}

//! Starts `xtask/schema-tool`, the workspace of its own that has the generator: `cargo xtask
//! codegen`, `docs` and `schema` are its commands. Passes arguments, output and exit code through.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode};

use clap::{Arg, ArgMatches, Command};

pub(crate) const MANIFEST: &str = "xtask/schema-tool/Cargo.toml";

/// Its commands, whose options it knows itself.
pub(crate) fn command_lines() -> [Command; 3] {
    [
        ("codegen", "Vendor page + overlay -> resolved schema -> Rust"),
        ("docs", "The reference tables and the OpenAPI document, from the schema"),
        ("schema", "The vendor's document: take it in, judge it, compare it"),
    ]
    .map(|(name, about)| {
        let options = Arg::new("options").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        Command::new(name).about(about).disable_help_flag(true).disable_help_subcommand(true).arg(options)
    })
}

/// `cargo SUBCOMMAND`, aimed at the tool's workspace; what builds, in the root's target folder:
/// what both need is built once.
pub(crate) fn cargo(root: &Path, subcommand: &[&str]) -> Vec<String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut args: Vec<String> = subcommand.iter().map(|word| (*word).to_owned()).collect();
    args.extend(["--manifest-path".to_owned(), root.join(MANIFEST).display().to_string()]);
    if subcommand.first() != Some(&"fmt") {
        args.extend(["--target-dir".to_owned(), target.display().to_string()]);
    }
    args
}

/// Runs one of its commands, and ends as that did.
pub(crate) fn run(root: &Path, name: &str, options: &ArgMatches) -> ExitCode {
    let options = options.get_many::<String>("options").into_iter().flatten();
    let mut command = Process::new(crate::cargo());
    match command.args(cargo(root, &["run", "--quiet"])).args(["--", name]).args(options).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("error: cargo could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builds_shares_the_target_folder_and_what_formats_has_none() {
        let root = crate::root();
        let of = |subcommand: &str| cargo(&root, &[subcommand]).join(" ");
        assert!(of("test").contains("schema-tool/Cargo.toml --target-dir "), "{}", of("test"));
        assert!(of("fmt").ends_with("schema-tool/Cargo.toml"), "{}", of("fmt"));
        assert!(root.join(MANIFEST).is_file());
    }
}

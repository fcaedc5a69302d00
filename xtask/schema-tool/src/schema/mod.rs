//! `cargo xtask schema`: what the keeper of an API does when the vendor changes it. Each command is
//! a function from the repository to a text; only those that say so write, and then all files or
//! none.

pub(crate) mod diff;
mod examples;
mod fields;
pub(crate) mod files;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod import;
mod intake;
mod keywords;
pub(crate) mod lint;
pub(crate) mod merge;
pub(crate) mod normalize_field;
pub(crate) mod overlays;
mod question;
mod reading;
mod scaffold;
pub(crate) mod source;
mod sources;
mod text;
mod update;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use anyhow::{Context, Result, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;

use crate::codegen;
use intake::Arrival;

/// Where the compile test reads how many of the prepared edits it compiles.
const COMPILE_FIRST: &str = "ARK_VIDEO_COMPILE_FIRST";

/// `schema` with its commands.
pub(crate) fn command_line() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let file = |help: &'static str| Arg::new("file").value_name("FILE").help(help);
    let arrival = [
        file("The vendor's document: an Apifox page or export, OpenAPI 3.0 or 3.1, or a JSON Schema")
            .required(true),
        option("operation", "NAME", "Which operation it describes: create, get, list, callback, delete or models; the first of them if not said")
            .value_parser(|text: &str| text.parse::<import::Operation>()),
        option("as", "NAME", "Its name in schema/vendor/<operation>; its own if not said"),
        option("received", "YYYY-MM-DD", "When it was received; today if not said"),
        option("publisher", "NAME", "Who published it; as the document says if not said"),
        option("edition", "TEXT", "The publisher's number of the edition; as the document says if not said"),
        option("origin", "TEXT", "Where it came from; as before if not said"),
    ];
    let json = || flag("json", "For programs");
    let from = || option("from", "FILE", "Use this document instead of the one in schema/vendor");
    Command::new("schema")
        .about("The vendor's document: take it in, judge it, compare it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("import").about("Put a document into schema/vendor, and nothing else").args(arrival.clone()))
        .subcommand(
            Command::new("source")
                .about("Second documents of an operation: evidence, never what types are generated from")
                .subcommand_required(true)
                .subcommand(Command::new("add").about("Keep a document as a second source").args(arrival.clone()))
                .subcommand(Command::new("list").about("What lies in schema/vendor").arg(json()))
                .subcommand(
                    Command::new("remove")
                        .about("Take a second source away")
                        .arg(file("Its path in schema/vendor, such as create/page.md").required(true)),
                ),
        )
        .subcommand(
            Command::new("sources")
                .about("Who says what of one place: every document, the overlays with their evidence, and the resolved schema")
                .arg(Arg::new("pointer").value_name("POINTER").required(true).help("JSON pointer, such as '/$defs/CreateTaskRequest/properties/seed'"))
                .arg(json()),
        )
        .subcommand(
            Command::new("lint")
                .about("Faults of a document itself")
                .arg(file("Use this document instead of the one in schema/vendor"))
                .arg(flag("open", "Only those that no overlay answers")),
        )
        .subcommand(
            Command::new("overlay")
                .about("The corrections")
                .subcommand_required(true)
                .subcommand(Command::new("status").about("How each fits the document").arg(from()))
                .subcommand(
                    Command::new("new")
                        .about("Scaffold one, with what stands there now as what is expected")
                        .arg(Arg::new("id").value_name("ID").required(true).help("Short kebab-case name"))
                        .arg(option("at", "POINTER", "JSON pointer into the document as corrected so far").required(true))
                        .arg(from()),
                ),
        )
        .subcommand(
            Command::new("diff")
                .about("What changed between two resolved schemas, and for whom")
                .arg(
                    Arg::new("before")
                        .value_name("REV | FILE")
                        .default_value("HEAD")
                        .help("The older schema: a commit, or a file; the newer one is the committed file of the working tree"),
                )
                .arg(flag("json", "For programs")),
        )
        .subcommand(
            Command::new("update")
                .about("A new document, from import to changelog: all files or none")
                .args(arrival)
                .arg(
                    Arg::new("take")
                        .long("take")
                        .value_names(["ours|theirs", "POINTER"])
                        .num_args(2)
                        .action(ArgAction::Append)
                        .help("Answer a question: whose reading holds at this place; repeatable"),
                )
                .arg(option("answers", "FILE", "Answers from a file: JSON, a list of {\"pointer\", \"take\", \"reason\"}, or the output of --json with a `take` in each question"))
                .arg(option("reason", "TEXT", "Why, for the answers of --take; it is kept in the overlay"))
                .arg(flag("retire", "Delete overlays that the document says by now"))
                .arg(flag("scaffold", "Also write what a new field needs: a cell in models.json, an example, a builder method, a flag"))
                .arg(json())
                .arg(flag("dry-run", "Say what would happen, write nothing")),
        )
        .subcommand(
            Command::new("compile-test")
                .about("Prepared edits: does rustc agree with what diff calls breaking?")
                .arg(option("first", "N", "Only so many of them").value_parser(clap::value_parser!(usize))),
        )
}

/// What a command says, and whether it did all that it was to do.
pub(crate) struct Output {
    pub(crate) text: String,
    /// `false` while a question is open and so nothing was written.
    pub(crate) complete: bool,
}

/// Runs one command on the repository at `root`; what it returns is for the terminal.
pub(crate) fn run(root: &Path, matches: &ArgMatches) -> Result<Output> {
    let text = match matches.subcommand() {
        Some(("import", options)) => {
            let intake = intake::plan(root, &arrival(root, options), source::Role::Base)?;
            files::commit(root, &intake.files)?;
            intake.summary
                + "  nothing is generated from it yet: `cargo xtask schema lint`, then `cargo xtask codegen`\n"
        }
        Some(("source", matches)) => match matches.subcommand() {
            Some(("add", options)) => sources::add(root, &arrival(root, options))?,
            Some(("list", options)) => sources::list(root, options.get_flag("json"))?,
            Some(("remove", options)) => {
                sources::remove(root, options.get_one::<String>("file").map_or("", String::as_str))?
            }
            _ => bail!("pass a command: `cargo xtask schema source --help`"),
        },
        Some(("sources", options)) => {
            let pointer = options.get_one::<String>("pointer").map_or("", String::as_str);
            sources::at(root, pointer, options.get_flag("json"))?
        }
        Some(("lint", options)) => {
            let imported = document(root, options.get_one::<String>("file"))?;
            let others = sources::others(root, &imported)?;
            let resolved = codegen::read_json(root, codegen::SCHEMA).ok();
            let context = lint::Context { resolved: resolved.as_ref(), others: &others };
            lint_text(&lint::lint(&imported, &overlays::list(root)?, &context), options.get_flag("open"))
        }
        Some(("overlay", matches)) => overlay(root, matches)?,
        Some(("diff", options)) => {
            let before = older(root, options.get_one::<String>("before").map_or("HEAD", String::as_str))?;
            let changes = diff::compare(&before, &codegen::read_json(root, codegen::SCHEMA)?);
            let members = diff::members(root)?;
            if options.get_flag("json") {
                codegen::pretty(&diff::json(&changes, &members))?
            } else {
                let log = diff::changelog(&changes);
                diff::text(&changes, &members)
                    + if log.is_empty() { "" } else { "\n=== for CHANGELOG.md\n" }
                    + &log
            }
        }
        Some(("update", options)) => return update(root, options),
        Some(("compile-test", options)) => {
            let first = options.get_one::<usize>("first").copied();
            return Ok(Output { text: String::new(), complete: compile_test(first)? });
        }
        _ => bail!("pass a command: `cargo xtask schema --help`"),
    };
    Ok(Output { text, complete: true })
}

/// Runs the ignored test of `fixture/compile.rs` on all edits, or the first of them; says whether
/// it passed.
fn compile_test(first: Option<usize>) -> Result<bool> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let status = Process::new(crate::cargo())
        .args(["test", "--quiet", "--manifest-path", manifest, "--target-dir"])
        .arg(crate::target())
        .args(["rustc_agrees", "--", "--ignored", "--nocapture"])
        .envs(first.map(|first| (COMPILE_FIRST, first.to_string())))
        .status()
        .context("cargo could not be started")?;
    Ok(status.success())
}

fn update(root: &Path, matches: &ArgMatches) -> Result<Output> {
    let reason = matches.get_one::<String>("reason");
    let taken =
        merge::answers::from_command_line(matches.get_many::<String>("take").into_iter().flatten(), reason)?;
    let answers = match matches.get_one::<String>("answers") {
        Some(file) => merge::answers::joined(merge::answers::from_file(&located(root, file))?, taken)?,
        None => taken,
    };
    let options = update::Options {
        retire: matches.get_flag("retire"),
        answers,
        scaffold: matches.get_flag("scaffold"),
    };
    let update = update::plan(root, &arrival(root, matches), &options)?;
    let dry_run = matches.get_flag("dry-run");
    if !dry_run {
        files::commit(root, &update.files)?;
    }
    let text = match (matches.get_flag("json"), dry_run) {
        (true, _) => codegen::pretty(&update.json)?,
        (false, true) => update.report.replacen("written together", "not written, because of --dry-run", 1),
        (false, false) => update.report,
    };
    Ok(Output { text, complete: dry_run || update.questions.is_empty() })
}

fn arrival(root: &Path, options: &ArgMatches) -> Arrival {
    let text = |name: &str| options.get_one::<String>(name).cloned();
    Arrival {
        file: located(root, &text("file").unwrap_or_default()),
        name: text("as"),
        received: text("received"),
        origin: text("origin"),
        publisher: text("publisher"),
        edition: text("edition"),
        operation: options.get_one::<import::Operation>("operation").copied(),
    }
}

/// A path as the user meant it: from where they are, or else from the repository's root.
fn located(root: &Path, file: &str) -> PathBuf {
    let here = PathBuf::from(file);
    if here.exists() || !root.join(file).exists() { here } else { root.join(file) }
}

fn document(root: &Path, file: Option<&String>) -> Result<import::Imported> {
    match file {
        Some(file) => Ok(intake::read(&located(root, file), None)?.1),
        None => source::document(root),
    }
}

fn lint_text(findings: &[lint::Finding], open_only: bool) -> String {
    let open = findings.iter().filter(|finding| finding.answered_by.is_none()).count();
    let shown = findings.iter().filter(|finding| !open_only || finding.answered_by.is_none());
    let mut out: String = shown.fold(String::new(), |mut out, finding| {
        let _ = writeln!(out, "{finding}");
        out
    });
    let _ = writeln!(
        out,
        "{} fault(s), {} answered by overlays, {open} open",
        findings.len(),
        findings.len() - open
    );
    out
}

fn overlay(root: &Path, matches: &ArgMatches) -> Result<String> {
    let Some((command, options)) = matches.subcommand() else {
        bail!("say what to do: `cargo xtask schema overlay --help`")
    };
    let all = overlays::files(root)?;
    let from = match options.get_one::<String>("from") {
        Some(file) => Some(intake::read(&located(root, file), None)?.1),
        None => None,
    };
    let (before, after) = (sources::with(root, None)?, sources::with(root, from)?);
    let (statuses, corrected) = overlays::statuses(&before, &after, &all)?;
    if command == "new" {
        let text = |name: &str| options.get_one::<String>(name).map_or("", String::as_str);
        let (file, contents) =
            overlays::scaffold(text("id"), text("at"), &corrected, &overlays::list(root)?)?;
        let path = format!("schema/overlay/{file}");
        files::commit(root, &files::Files::from([(path.clone(), Some(contents.clone().into_bytes()))]))?;
        return Ok(format!(
            "{path}\n{contents}Now write the correction, its reason, its evidence with dates, and the row of schema/overlay/README.md that it \
             answers. Until then codegen refuses it.\n"
        ));
    }
    use merge::Verdict::{Adopted, Faulty, Question, Stale};
    let open =
        statuses.iter().filter(|one| [Adopted, Question, Stale, Faulty].contains(&one.verdict)).count();
    let mut out = overlays::text(&statuses);
    let _ = writeln!(out, "{} overlays, {open} to review", statuses.len());
    Ok(out)
}

/// The resolved schema of a commit, or of a file.
fn older(root: &Path, before: &str) -> Result<Value> {
    let path = located(root, before);
    let text = if path.is_file() {
        std::fs::read_to_string(&path).with_context(|| format!("{before} cannot be read"))?
    } else {
        ensure!(!before.starts_with('-'), "{before}: a commit or a file is wanted");
        let output = Process::new("git")
            .args(["show", &format!("{before}:{}", codegen::SCHEMA)])
            .current_dir(root)
            .output()
            .context("git could not be started")?;
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(output.status.success(), "{before} is no file, and git knows no schema there: {complaint}");
        String::from_utf8(output.stdout)
            .with_context(|| format!("{before}: the schema there is not UTF-8"))?
    };
    let value: Value = serde_json::from_str(&text).with_context(|| before.to_owned())?;
    ensure!(
        value.get("$defs").is_some_and(Value::is_object),
        "{before} is no resolved schema: it has no $defs"
    );
    Ok(value)
}

#[cfg(test)]
mod tests;

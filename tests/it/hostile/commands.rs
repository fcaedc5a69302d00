//! Every command that asks the service, with every kind of answer, in every form.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{Api, MODEL, Schemas};
use super::service::Service;
use super::{FORMS, SPEED, each, is_hostile, run, shell};
use crate::cli::Shell;

/// Each is run in a folder of its own, in each form. `batch`, `mcp` and the rest of `reconcile`
/// have tests of their own.
const LINES: [&[&str]; 20] = [
    &["get", "cgt-1"],
    &["list"],
    &["wait", "cgt-1", "--timeout", "2m"],
    &["wait", "cgt-1", "cgt-2", "--timeout", "2m"],
    &["wait", "--all", "--timeout", "2m"],
    &["download", "cgt-1", "-o", "d.mp4"],
    &["download", "cgt-1", "cgt-2", "--output-dir", "."],
    &["download", "--all-succeeded", "--output-dir", "."],
    &["cancel", "cgt-1"],
    &["forget", "cgt-1", "--yes"],
    &["models"],
    &["doctor"],
    &["generate", "A cat runs", "--no-wait"],
    &["generate", "A cat runs", "--timeout", "2m", "--no-download"],
    &["generate", "A cat runs", "-o", "g.mp4", "--return-last-frame", "--timeout", "2m"],
    &["extend", "cgt-1", "It goes on", "--no-wait"],
    &["edit", "cgt-1", "Remove it", "--no-wait"],
    &["continue", "cgt-1", "It goes on", "--no-wait"],
    &["reconcile", "--since", "20m", "--model", MODEL],
    &["reconcile", "--since", "20m", "--model", MODEL, "--exclusive", "--once"],
];

/// Commands that print nothing of a service, because they ask none.
const SILENT: [&str; 10] =
    ["check", "estimate", "cost", "simulate", "config", "storage", "version", "completions", "man", "help"];

/// Fields that no command shows.
const UNSHOWN: [&str; 4] = [
    // It is the task's, and shown as that.
    "CreateTaskResponse.id",
    "CreateTaskResponse.safety_identifier",
    "ErrorEnvelope.error.type",
    // Models of other domains than videos are left out.
    "ModelList.data.domain",
];

#[test]
fn no_field_of_an_answer_acts_on_a_terminal_or_a_shell() {
    let runs = each(Api::ALL, async |api| {
        let schemas = Schemas::read();
        let service = Service::start(SPEED, move |request| api.reply(&schemas, request)).await;
        let mut ran = Vec::new();
        for line in LINES {
            // An error is the same with --quiet.
            let data = matches!(api, Api::Tasks(_) | Api::UnknownState | Api::OtherId);
            for form in &FORMS[..if data { 3 } else { 2 }] {
                ran.push((line[0], run(&service, &shell(&service), &format!("{api:?}"), line, form).await));
            }
        }
        ran
    });
    // Which command shows which field.
    let schemas = Schemas::read();
    let names = schemas.answers().into_iter().chain(schemas.errors());
    let fields: BTreeSet<String> = names.flat_map(|name| schemas.fields(&name)).collect();
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut hostile = BTreeSet::new();
    for (command, ran) in runs.into_iter().flatten() {
        if is_hostile(&ran) {
            hostile.insert(command);
        }
        for field in &fields {
            // An answer of the list holds tasks, and is a task's in all but its name.
            let field_of_item = field.replace("TaskList.items", "Task");
            let begins = format!("{field_of_item}\\u");
            if ran.stdout.contains(&begins) || ran.stderr.contains(&begins) {
                shown.entry(field).or_default().insert(command);
            }
        }
    }
    let expected: BTreeSet<&str> =
        fields.iter().map(String::as_str).filter(|field| !UNSHOWN.contains(field)).collect();
    let seen: BTreeSet<&str> = shown.keys().copied().collect();
    assert_eq!(seen, expected, "fields that are shown, and those that are to be shown by some command here");
    let lines: BTreeSet<&str> = LINES.iter().map(|line| line[0]).collect();
    assert_eq!(hostile, lines, "commands that showed hostile text, and those that are here for it");
}

/// A new command has a line here, or shows nothing of a service.
#[tokio::test]
async fn every_command_is_covered() {
    let help = Shell::new().run(&["--help"]).await.stdout;
    let commands = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: BTreeSet<&str> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    let covered: BTreeSet<&str> =
        LINES.iter().map(|line| line[0]).chain(SILENT).chain(["batch", "mcp"]).collect();
    assert_eq!(commands, covered);
}

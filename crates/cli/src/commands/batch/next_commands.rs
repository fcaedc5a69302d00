//! What a person may want to do next with a shot, as commands with what they cost. Runs nothing.

use ark_video_batch::{CommandCost, Job, NextCommand, State};

use crate::escape;
use crate::escape::quoted;

/// Candidates of a lost create that are offered one by one.
const CANDIDATES: usize = 3;

/// The commands for a job in its state, the most useful one first. `again` is the command line
/// prefix that reaches the same service; `batch` selects the batch: its list, or its journal.
pub(super) fn of(job: &Job, again: &str, batch: &str) -> Vec<NextCommand> {
    let shot = quoted(&job.planned.name);
    let bill = || CommandCost::Bill(job.planned.estimate.clone());
    let command = |verb: &str, more: &str, effect, cost| NextCommand {
        line: format!("{again} batch {verb}{batch}{more}"),
        effect,
        cost,
    };
    let retry = |only: &str, effect| command("retry", &format!(" --shot {shot}{only}"), effect, bill());
    if job.superseded {
        return Vec::new();
    }
    match job.state {
        State::Downloaded | State::Settled => {
            let mut commands = Vec::new();
            if let (Some(id), Some(file)) =
                (&job.task_id, job.files.first().filter(|file| !file.path.exists()))
            {
                let path = quoted(&file.path.display().to_string());
                commands.push(NextCommand {
                    line: format!("{again} download {} -o {path}", escape::id(id)),
                    effect: "Fetch the video again, within 24 hours of its end",
                    cost: CommandCost::Free,
                });
            }
            let more = format!(" --shot {shot} --request | {again} generate -");
            commands.push(command("export", &more, "Make another version", bill()));
            commands
        }
        State::Intent if job.planned.after.as_ref().is_some_and(|after| after.approve) => {
            approve(job, command)
        }
        State::NeedsApproval => approve(job, command),
        State::Intent => vec![command("run", "", "Send it with the rest of the list", bill())],
        State::Submitting | State::Unknown | State::Submitted | State::Finished => {
            vec![command("run", "", "Finish it; it is not sent again", CommandCost::Free)]
        }
        State::OverBudget => vec![command("run", " --cap AMOUNT", "Raise the cap and send it", bill())],
        State::Held => {
            let resolve = |more: &str, effect, cost| {
                command("resolve", &format!(" --shot {shot} {more}"), effect, cost)
            };
            let candidates = job.candidates.iter().take(CANDIDATES);
            let adopt = |id: &String| {
                let id = format!("--adopt {}", escape::id(id));
                resolve(&id, "If this is its task", CommandCost::Free)
            };
            let mut commands: Vec<NextCommand> = candidates.map(adopt).collect();
            commands.push(resolve("--not-created", "If it has no task, send it again", bill()));
            commands
        }
        State::Rejected => vec![retry("", "Fix the shot in the list, then send it again")],
        State::Failed => vec![retry("", "Create it again")],
        State::Gone => {
            vec![retry(" --only gone", "Create it again; it was billed before, and is billed again")]
        }
        State::Dropped => vec![retry(" --only dropped", "Put it back and send it")],
        _ => Vec::new(),
    }
}

fn approve(
    job: &Job,
    command: impl Fn(&str, &str, &'static str, CommandCost) -> NextCommand,
) -> Vec<NextCommand> {
    let Some(after) = &job.planned.after else { return Vec::new() };
    let more = format!(" --shot {}", quoted(&after.job));
    let cost = CommandCost::Bill(job.planned.estimate.clone());
    vec![command("approve", &more, "Approve the shot before it; the next run then sends this one", cost)]
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::args::Cli;

    fn job(state: State) -> Job {
        let after = (state == State::NeedsApproval)
            .then(|| json!({"job": "the first", "link": "draft", "approve": true}));
        let planned = json!({"name": "a boat", "place": 0, "request": {}, "request_hash": "", "output": "a.mp4",
            "after": after, "estimate": {"tokens": 9, "micros": 3_500_000, "currency": "CNY"}});
        serde_json::from_value(json!({"key": "b/a boat", "batch": "b", "planned": planned, "revision": 1,
            "state": state, "seq": 0, "changed_at": 0, "attempt": null, "task_id": "cgt-1", "created_at": null,
            "task": null, "settled": null, "files": [{"path": "/none/a.mp4", "bytes": 1, "sha256": ""}],
            "reason": null, "candidates": ["cgt-7"], "approved": false, "superseded": false}))
        .unwrap()
    }

    /// Each command is one that the parser accepts, and what may cost money says so.
    #[test]
    fn every_state_has_its_commands() {
        let mut table = String::new();
        for state in State::ALL {
            for command in of(&job(state), "ark-video", " night.toml") {
                let cost = if command.cost == CommandCost::Free { "free" } else { "bill" };
                table.push_str(&format!("{state:14} {cost}  {}\n", command.line));
                let line = command.line.split(" | ").next().unwrap().replace("AMOUNT", "1CNY");
                let parts = line.split('\'').enumerate().flat_map(|(at, part)| match at % 2 {
                    0 => part.split_whitespace().map(str::to_owned).collect(),
                    _ => vec![part.to_owned()],
                });
                let parsed = Cli::try_parse_from(parts);
                assert!(
                    parsed.is_ok(),
                    "{}: {:?}",
                    command.line,
                    parsed.err().map(|error| error.to_string())
                );
            }
        }
        insta::assert_snapshot!(table, @r"
        intent         bill  ark-video batch run night.toml
        needs_approval bill  ark-video batch approve night.toml --shot 'the first'
        over_budget    bill  ark-video batch run night.toml --cap AMOUNT
        submitting     free  ark-video batch run night.toml
        unknown        free  ark-video batch run night.toml
        held           free  ark-video batch resolve night.toml --shot 'a boat' --adopt cgt-7
        held           bill  ark-video batch resolve night.toml --shot 'a boat' --not-created
        submitted      free  ark-video batch run night.toml
        finished       free  ark-video batch run night.toml
        downloaded     free  ark-video download cgt-1 -o /none/a.mp4
        downloaded     bill  ark-video batch export night.toml --shot 'a boat' --request | ark-video generate -
        settled        free  ark-video download cgt-1 -o /none/a.mp4
        settled        bill  ark-video batch export night.toml --shot 'a boat' --request | ark-video generate -
        rejected       bill  ark-video batch retry night.toml --shot 'a boat'
        failed         bill  ark-video batch retry night.toml --shot 'a boat'
        gone           bill  ark-video batch retry night.toml --shot 'a boat' --only gone
        dropped        bill  ark-video batch retry night.toml --shot 'a boat' --only dropped
        ");
    }
}

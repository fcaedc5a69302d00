//! How soon the command answers: from the start of its process to the end of a `check` that reads
//! the catalog, beside `--version`, which reads nothing, and beside a process that does nothing at
//! all. Only measures; the command is built by `simulator.rs`, as it is shipped.

use std::process::{Command, Stdio};
use std::time::Instant;

use ark_video_bench::{
    Result,
    interleaved::{Interleaved, at_most},
};

use crate::simulator::shipped_command;

/// Starts of each program in one round: one takes a few milliseconds only.
const STARTS: usize = 20;

/// Process start to the first answer of `check`, and to that of `--version`.
pub(crate) fn row(interleaved: &Interleaved) -> Result<()> {
    let program = shipped_command()?.display().to_string();
    let folder = tempfile::tempdir()?;
    let command = |program: &str, arguments: &[&str]| {
        let mut command = interleaved.client(program);
        // Without the configuration of anyone who measures.
        command.env("HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        command.current_dir(folder.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let check = ["check", "A paper boat drifts down a gutter.", "-m", "doubao-seedance-2-0-260128"];
    let mut programs = [command(&program, &check), command(&program, &["--version"]), command("true", &[])];
    let mut taken: [Vec<f64>; 3] = Default::default();
    for round in 0..interleaved.rounds * STARTS {
        for turn in 0..programs.len() {
            let at = (round + turn) % programs.len();
            taken[at].push(milliseconds(&mut programs[at])?);
        }
    }
    let [check, version, nothing] = taken.map(|mut runs| {
        runs.sort_by(f64::total_cmp);
        runs[runs.len() / 2]
    });
    println!(
        "the command's start: medians of {} processes each; `true` takes {nothing:.2} ms",
        interleaved.rounds * STARTS
    );
    at_most("process start to the end of `check`", check, 8.0, " ms");
    at_most("process start to the end of `--version`", version, 5.0, " ms");
    Ok(())
}

fn milliseconds(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.status()?;
    let taken = start.elapsed().as_secs_f64() * 1000.0;
    if status.success() { Ok(taken) } else { Err(format!("{command:?} ended with {status}").into()) }
}

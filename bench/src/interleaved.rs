//! Programs in turn, round after round: the same processor and priority for each, medians, and
//! whether each goal was met.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::{Result, measure::Figures};

/// Where programs run: the client on one processor, the server on another.
pub const CLIENT: &str = "0";
/// As [`CLIENT`].
pub const SERVER: &str = "1";

/// What a run needs to know, and its server for as long as it is held.
pub struct Interleaved {
    /// How often each program runs.
    pub rounds: usize,
    /// The API of the stub, `http://127.0.0.1:PORT/api/v3`.
    pub api: String,
    quiet: Quiet,
    stub: Child,
}

impl Interleaved {
    /// Starts the server.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(rounds: usize) -> Result<Self> {
        let quiet = Quiet::find();
        let mut stub = quiet
            .command(Some(SERVER), &sibling("ark-video-bench"))
            .arg("stub")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut api = String::new();
        let stdout = stub.stdout.take().ok_or("the stub has no output")?;
        BufReader::new(stdout).read_line(&mut api)?;
        Ok(Self { rounds, api: api.trim().to_owned(), quiet, stub })
    }

    /// How programs are run, for the report.
    pub fn conditions(&self) -> String {
        self.quiet.conditions(self.rounds)
    }

    /// The folder of the stub's storage.
    pub fn storage(&self) -> String {
        self.api.replace("/api/v3", "/files")
    }

    /// A program on the client's processor.
    pub fn client(&self, program: &str) -> Command {
        self.quiet.command(Some(CLIENT), program)
    }

    /// A program that may use every processor.
    pub fn unpinned(&self, program: &str) -> Command {
        self.quiet.command(None, program)
    }

    /// One piece of work on the client's processor.
    pub fn peer(&self, line: &str) -> Command {
        let mut command = self.client(&peer());
        command.args(line.split_whitespace());
        command
    }

    /// Runs all in turn, round after round; the medians, in the same order. Each prints its
    /// figures.
    pub fn compared(&self, programs: &mut [Command]) -> Result<Vec<Figures>> {
        self.in_turn(programs, |program| {
            let output = program.stderr(Stdio::inherit()).output()?;
            if !output.status.success() {
                return Err(format!("{program:?} ended with {}", output.status).into());
            }
            Ok(serde_json::from_slice(&output.stdout)?)
        })
    }

    /// As [`Interleaved::compared`], by the clock on the wall: from the start of a program to its
    /// end. Before each, `clear` takes away what the one before left.
    pub fn timed(&self, programs: &mut [Command], clear: impl Fn() -> Result<()>) -> Result<Vec<Figures>> {
        self.in_turn(programs, |program| {
            clear()?;
            let start = Instant::now();
            let output = program.stderr(Stdio::inherit()).output()?;
            let per_second = 1.0 / start.elapsed().as_secs_f64();
            if !output.status.success() {
                return Err(format!("{program:?} ended with {}", output.status).into());
            }
            let reported: Figures = serde_json::from_slice(&output.stdout).unwrap_or_default();
            Ok(Figures { per_second, ..reported })
        })
    }

    fn in_turn(
        &self,
        programs: &mut [Command],
        mut once: impl FnMut(&mut Command) -> Result<Figures>,
    ) -> Result<Vec<Figures>> {
        let mut taken = vec![Vec::new(); programs.len()];
        for round in 0..self.rounds {
            // Who goes first changes, so that no program always follows the same one.
            for turn in 0..programs.len() {
                let at = (round + turn) % programs.len();
                if let (Some(program), Some(taken)) = (programs.get_mut(at), taken.get_mut(at)) {
                    taken.push(once(program)?);
                }
            }
        }
        Ok(taken.iter().map(|runs| medians(runs)).collect())
    }
}

impl Drop for Interleaved {
    fn drop(&mut self) {
        // Gone already, or gone now.
        let _ = self.stub.kill();
        let _ = self.stub.wait();
    }
}

/// The program that does the work.
pub fn peer() -> String {
    sibling("ark-video-bench-peer")
}

/// A program that was built beside this one.
pub fn sibling(name: &str) -> String {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ark-video-bench"));
    here.with_file_name(name).display().to_string()
}

/// What lets a program run undisturbed, where the system has it and allows it.
#[derive(Debug, Clone, Copy)]
pub struct Quiet {
    /// A priority above everything else on a busy machine.
    priority: bool,
    /// A processor of its own.
    pinned: bool,
}

impl Quiet {
    /// Tries what there is.
    pub fn find() -> Self {
        let works = |program: &str, arguments: &[&str]| {
            let tried = Command::new(program).args(arguments).arg("true").stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        };
        Self { priority: works("chrt", &["-f", "10"]), pinned: works("taskset", &["-c", SERVER]) }
    }

    /// How programs are run, for the report.
    pub fn conditions(self, rounds: usize) -> String {
        let yes = |yes| if yes { "yes" } else { "no" };
        format!(
            "{rounds} rounds in turn, medians; each program on a processor of its own: {}, above its neighbours: {}",
            yes(self.pinned),
            yes(self.priority)
        )
    }

    /// A program on a processor, or on any.
    pub fn command(self, processor: Option<&str>, program: &str) -> Command {
        let mut line = Vec::new();
        if self.priority {
            line.extend(["chrt", "-f", "10"]);
        }
        if let Some(processor) = processor.filter(|_| self.pinned) {
            line.extend(["taskset", "-c", processor]);
        }
        line.push(program);
        let mut command = Command::new(line[0]);
        command.args(&line[1..]);
        command
    }
}

fn medians(runs: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    Figures {
        per_second: of(|run| run.per_second),
        cpu_us: of(|run| run.cpu_us),
        peak_mb: of(|run| run.peak_mb),
        over_idle_mb: of(|run| run.over_idle_mb),
    }
}

/// One program's line.
pub fn print(name: &str, figures: &Figures) {
    println!(
        "  {name:<42} {:>9.0} /s {:>10.1} us CPU each {:>7.1} MB peak",
        figures.per_second, figures.cpu_us, figures.peak_mb
    );
}

/// A goal that must be reached from below.
pub fn at_least(what: &str, value: f64, goal: f64, unit: &str) {
    goal_line(what, value, "at least", goal, unit, value >= goal);
}

/// A goal that must be reached from above.
pub fn at_most(what: &str, value: f64, goal: f64, unit: &str) {
    goal_line(what, value, "at most", goal, unit, value <= goal);
}

fn goal_line(what: &str, value: f64, side: &str, goal: f64, unit: &str, met: bool) {
    let met = if met { "met" } else { "missed" };
    println!("  {what}: {value:.2}{unit} (goal {side} {goal}{unit}): {met}");
}

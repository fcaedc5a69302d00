//! `cargo xtask ci`: every job of CI in one go, then what ran, how long it took, how many tests
//! there were and what was left out for which reason. Each job is also a command of its own, so
//! that a failure can be repeated alone. Decides nothing about a job: that is `jobs`; reads the
//! runners' closing lines through `counts`.

pub(crate) mod companions;
mod counts;
mod inputs;
pub(crate) mod jobs;
mod shell;

use std::fs;
use std::time::{Duration, Instant};

use counts::Counts;
use jobs::{JOBS, Job, Outcome, When};
use shell::Shell;

/// Where the summary of a run is kept, for a script that has more to print.
const SUMMARY: &str = "target/ci/summary.txt";
/// What became of one job.
struct Row {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

impl Row {
    fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// Which jobs run, and how far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The first failure ends the run.
    pub(crate) fail_fast: bool,
    /// The jobs whose inputs have not changed run too.
    pub(crate) all: bool,
}

/// Runs the jobs one after another and reports whether all passed. A run of all that passes on a
/// clean tree is recorded, see [`inputs`].
pub(crate) fn run(options: Options) -> Result<bool, String> {
    let shell = Shell::new(crate::root(), options.all)?;
    let rows = one_by_one(&shell, options);
    let left_out = shell.skipped_by_tests();
    let passed = !rows.iter().any(Row::failed);
    let is_whole = options.all || !rows.iter().any(|row| matches!(row.outcome, Outcome::Unchanged(_)));
    if passed && rows.len() == JOBS.len() && is_whole {
        inputs::record(&shell)?;
    }
    let summary = summary(&rows, &left_out, JOBS.len());
    println!("\n{summary}");
    fs::write(shell.root().join(SUMMARY), summary + "\n")
        .map_err(|error| format!("{SUMMARY} could not be written: {error}"))?;
    Ok(passed)
}

fn one_by_one(shell: &Shell, options: Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for job in JOBS {
        let unchanged = match job.when {
            When::Changed(inputs) if !options.all => inputs.unchanged(shell),
            _ => None,
        };
        let row = match unchanged {
            Some(reason) => Row { name: job.name, outcome: Outcome::Unchanged(reason), took: Duration::ZERO },
            None => run_job(job, shell),
        };
        let failed = row.failed();
        rows.push(row);
        if failed && options.fail_fast {
            break;
        }
    }
    rows
}

/// Runs one job by name, with the same summary.
pub(crate) fn run_one(name: &str) -> Result<bool, String> {
    let job = JOBS.iter().find(|job| job.name == name).ok_or_else(|| format!("there is no job `{name}`"))?;
    let shell = Shell::new(crate::root(), false)?;
    let row = run_job(job, &shell);
    let ok = !row.failed();
    println!("\n{}", summary(&[row], &shell.skipped_by_tests(), 1));
    Ok(ok)
}

fn run_job(job: &Job, shell: &Shell) -> Row {
    println!("\n=== {}: {}", job.name, job.about);
    let start = Instant::now();
    let outcome = (job.run)(shell);
    Row { name: job.name, outcome, took: start.elapsed() }
}

/// The table of jobs, the totals, and the closing line `N passed, N failed, N skipped`. That line
/// counts tests, and each job that runs no tests of its own as one; a test job that failed without
/// a failed test (it did not compile) counts once.
fn summary(rows: &[Row], left_out: &[String], jobs: usize) -> String {
    let mut lines = vec!["=== summary".to_owned()];
    let mut tests = Counts::default();
    let mut total = Counts::default();
    for row in rows {
        let (state, detail) = match &row.outcome {
            Outcome::Passed(counts) => {
                tests += *counts;
                total += if counts.ran() == 0 { Counts { passed: 1, ..*counts } } else { *counts };
                ("ok", if counts.ran() == 0 { String::new() } else { format!("{} tests", counts.ran()) })
            }
            Outcome::Failed { reason, counts } => {
                tests += *counts;
                total += if counts.failed == 0 { Counts { failed: 1, ..*counts } } else { *counts };
                ("FAILED", format!("{reason}; repeat with `cargo xtask {}`", row.name))
            }
            Outcome::Skipped(reason) => {
                total.skipped += 1;
                ("skipped", reason.clone())
            }
            Outcome::Unchanged(reason) => ("unchanged", reason.clone()),
        };
        lines.push(
            format!("{:<19} {:<9} {:>7.1} s  {detail}", row.name, state, row.took.as_secs_f64())
                .trim_end()
                .to_owned(),
        );
    }
    if rows.len() < jobs {
        lines.push(format!("{} job(s) were not started, because of --fail-fast", jobs - rows.len()));
    }
    total.skipped += left_out.len();
    if !left_out.is_empty() {
        lines.push(format!("{} thing(s) left out by tests:", left_out.len()));
        lines.extend(left_out.iter().map(|line| format!("  {line}")));
    }
    lines.push(format!("tests run: {} ({} passed, {} failed)", tests.ran(), tests.passed, tests.failed));
    lines.push(format!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Outcome) -> Row {
        Row { name, outcome, took: Duration::from_millis(1500) }
    }

    fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn the_summary_names_jobs_times_tests_and_what_was_left_out() {
        let rows = [
            row("fmt", Outcome::Passed(Counts::default())),
            row("test", Outcome::Passed(counts(310, 0, 1))),
            row("alone", Outcome::Unchanged("no manifest changed".into())),
            row("deny", Outcome::Skipped("cargo-deny is not installed".into())),
        ];
        let left_out = ["skipped: no ffprobe".to_owned()];
        assert_eq!(
            summary(&rows, &left_out, 4),
            "=== summary\n\
             fmt                 ok            1.5 s\n\
             test                ok            1.5 s  310 tests\n\
             alone               unchanged     1.5 s  no manifest changed\n\
             deny                skipped       1.5 s  cargo-deny is not installed\n\
             1 thing(s) left out by tests:\n  skipped: no ffprobe\n\
             tests run: 310 (310 passed, 0 failed)\n\
             311 passed, 0 failed, 3 skipped"
        );
    }

    #[test]
    fn a_failure_says_how_to_repeat_it_and_is_counted_once() {
        let rows = [
            row("clippy", Outcome::Failed { reason: "exit 101".into(), counts: Counts::default() }),
            row("test", Outcome::Failed { reason: "exit 100".into(), counts: counts(7, 2, 0) }),
        ];
        let text = summary(&rows, &[], 4);
        assert!(text.contains("exit 101; repeat with `cargo xtask clippy`"), "{text}");
        assert!(text.contains("2 job(s) were not started"), "{text}");
        assert!(text.ends_with("tests run: 9 (7 passed, 2 failed)\n7 passed, 3 failed, 0 skipped"), "{text}");
    }
}

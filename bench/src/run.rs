//! All figures: ours and its floor in turn, medians of the rounds, and the ratio that a goal speaks of.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::{Result, measure::Figures};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each program runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// The stub, for as long as it is held.
struct Stub {
    process: Child,
    base_url: String,
}

impl Stub {
    fn start() -> Result<Self> {
        let mut process = ours(Some("1")).arg("stub").stdout(Stdio::piped()).spawn()?;
        let mut base_url = String::new();
        let stdout = process.stdout.take().ok_or("the stub has no output")?;
        BufReader::new(stdout).read_line(&mut base_url)?;
        Ok(Self { process, base_url: base_url.trim().to_owned() })
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // Gone already, or gone now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This program, on one processor where `taskset` is there.
fn ours(processor: Option<&str>) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| "ark-video-bench".into());
    let pinned = Command::new("taskset")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    match processor {
        Some(processor) if pinned => {
            let mut command = Command::new("taskset");
            command.args(["-c", processor]).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

fn once(arguments: &[String]) -> Result<Figures> {
    let output = ours(Some("0")).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", arguments.join(" "), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs all in turn, round after round; the medians, in the same order.
fn compared(rounds: usize, programs: &[Vec<String>]) -> Result<Vec<Figures>> {
    let mut taken: Vec<Vec<Figures>> = vec![Vec::new(); programs.len()];
    for _ in 0..rounds {
        for (program, taken) in programs.iter().zip(&mut taken) {
            taken.push(once(program)?);
        }
    }
    Ok(taken
        .iter()
        .map(|runs| Figures {
            per_second: median(runs, |run| run.per_second),
            cpu_per_10k: median(runs, |run| run.cpu_per_10k),
            peak_mb: median(runs, |run| run.peak_mb),
        })
        .collect())
}

fn median(runs: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn print(name: &str, figures: &Figures) {
    println!(
        "  {name:<34} {:>10.0} /s {:>9.3} CPU s per 10k {:>7.1} MB peak",
        figures.per_second, figures.cpu_per_10k, figures.peak_mb
    );
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let words = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let stub = Stub::start()?;
    println!(
        "create: ours against a bare reqwest loop that does the same ({} rounds in turn, medians)",
        args.rounds
    );
    for lanes in [1, 16, 256] {
        let count = if lanes == 1 { 4_000 } else { 10_000 };
        let modes = ["ours", "bare", "ours-reuse", "bare-reuse"];
        let programs: Vec<_> = modes
            .iter()
            .map(|mode| {
                words(format!(
                    "create --base-url {} --mode {mode} --count {count} --lanes {lanes}",
                    stub.base_url
                ))
            })
            .collect();
        let figures = compared(args.rounds, &programs)?;
        println!("{lanes} at a time:");
        for (mode, figures) in modes.iter().zip(&figures) {
            print(mode, figures);
        }
        println!(
            "  safe default {:.2}x, with reuse {:.2}x (goal 0.95x each)",
            figures[0].per_second / figures[1].per_second,
            figures[2].per_second / figures[3].per_second
        );
    }
    let mut image = tempfile::NamedTempFile::new()?;
    image.write_all(&vec![0x5a; 30_000_000])?;
    let inline = |mode: &str| {
        let mut line = words(format!("inline --base-url {} --mode {mode} --file", stub.base_url));
        line.push(image.path().display().to_string());
        line
    };
    println!(
        "an image of 30 MB inside the request: ours against a bare hyper loop that encodes while it sends"
    );
    let figures = compared(args.rounds, &[inline("ours"), inline("bare"), inline("idle")])?;
    for (mode, figures) in ["ours", "bare", "idle"].iter().zip(&figures) {
        print(mode, figures);
    }
    println!(
        "  {:.2}x the time (goal at most 1.40x), {:.1} MB over idle (goal at most 2 MB)",
        figures[1].per_second / figures[0].per_second,
        figures[0].peak_mb - figures[2].peak_mb
    );
    println!("page of 100 tasks: our types against plain structs of the same fields, pages a second");
    let figures =
        compared(args.rounds, &[words("page --mode ours".into()), words("page --mode plain".into())])?;
    print("ours", &figures[0]);
    print("plain", &figures[1]);
    println!("  {:.2}x the time (goal at most 1.30x)", figures[1].per_second / figures[0].per_second);
    Ok(())
}

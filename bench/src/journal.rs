//! What the journal of a batch costs: CPU and time for each shot that goes from intent to settled,
//! one at a time, in journals of growing size; and the memory of a runner with ten thousand shots.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ark_video::{Client, RateLimits};
use ark_video_batch::{
    Attempt, CasOutcome, Cost, FileAt, Job, JobFilter, Journal, JournalAt, OpenOptions, PlanOptions, Planned,
    Runner, RunnerOptions, SlotRequest, Submitting,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::interleaved::{Interleaved, at_most, print};
use crate::measure::{Figures, measured};
use crate::{Result, interleaved};

const MODEL: &str = "doubao-seedance-1-0-pro-fast-251015";
/// Shots that are taken from intent to settled in each journal.
const WALKED: usize = 1_000;
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Shots of the run whose memory is reported.
const SHOTS: usize = 10_000;
/// Some day of the bench, in milliseconds since 1970.
const DAY: i64 = 1_795_000_000_000;

/// One piece of work.
#[derive(Debug, Subcommand)]
pub enum Work {
    /// Takes shots of a journal through all their states
    Walk(Walk),
    /// Runs a whole batch
    Batch(Batch),
}

/// Which journal, and how large.
#[derive(Debug, Args)]
pub struct Walk {
    /// A file, or postgres://…
    journal: String,
    rows: usize,
}

/// A batch against a simulator.
#[derive(Debug, Args)]
pub struct Batch {
    /// A file, or postgres://…
    journal: String,
    base_url: String,
    folder: PathBuf,
    shots: usize,
}

/// Does one piece of work and prints its figures.
///
/// # Errors
/// The journal or the simulator does not do its part.
pub fn run(work: &Work) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let figures = match work {
        Work::Walk(args) => {
            let journal = runtime.block_on(planned_journal(&args.journal, args.rows, Path::new("")))?;
            let count = WALKED.min(args.rows);
            measured(count, || runtime.block_on(walk(&journal, &batch_of(args.rows), count)))?
        }
        Work::Batch(args) => {
            let journal = runtime.block_on(planned_journal(&args.journal, args.shots, &args.folder))?;
            measured(args.shots, || runtime.block_on(whole(journal, args)))?
        }
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

fn at(journal: &str) -> JournalAt {
    if journal.starts_with("postgres://") {
        JournalAt::Postgres(journal.into())
    } else {
        JournalAt::File(journal.into())
    }
}

fn batch_of(rows: usize) -> String {
    format!("of-{rows}")
}

async fn planned_journal(journal: &str, rows: usize, folder: &Path) -> Result<Journal> {
    let journal = Journal::open(&at(journal), OpenOptions::default()).await?;
    let list: Vec<Planned> = (0..rows).map(|row| planned(row, folder)).collect();
    journal.plan(&batch_of(rows), &list, PlanOptions::default()).await?;
    Ok(journal)
}

fn planned(row: usize, folder: &Path) -> Planned {
    let name = format!("shot-{row:06}");
    Planned {
        place: row as i64,
        // One seed: the simulator renders one video for all.
        request: json!({
            "model": MODEL, "resolution": "480p", "ratio": "1:1", "duration": 2, "seed": 7,
            "content": [{ "type": "text", "text": format!("Shot {row}: a paper boat drifts down a rainy gutter.") }],
        }),
        request_hash: format!("{row:064x}"),
        inputs: Vec::new(),
        after: None,
        output: folder.join(format!("{name}.mp4")),
        tags: vec!["bench".to_owned()],
        priority: 0,
        estimate: Some(cost()),
        name,
    }
}

fn cost() -> Cost {
    Cost { tokens: 19_600, micros: 82_320, currency: "CNY".to_owned() }
}

/// Takes so many shots from intent to settled, five durable changes each.
async fn walk(journal: &Journal, batch: &str, count: usize) -> Result<()> {
    let filter = JobFilter { batch: Some(batch.to_owned()), ..JobFilter::default() };
    let mut after: Option<String> = None;
    let mut left = count;
    while left > 0 {
        let page = journal.jobs(&filter, after.as_deref(), left.min(500)).await?;
        after = page.last().map(|job| job.key.clone());
        if page.is_empty() {
            return Err("the journal has fewer shots than it was given".into());
        }
        left -= page.len();
        for job in page {
            settle(journal, job).await?;
        }
    }
    Ok(())
}

async fn settle(journal: &Journal, job: Job) -> Result<()> {
    let attempt = Attempt {
        token: format!("{:032x}", job.planned.place),
        runner: "bench".to_owned(),
        at: DAY,
        search: Some(json!({ "model": MODEL })),
        reserved: cost(),
        day: "2026-11-23".to_owned(),
        ..Attempt::default()
    };
    let wish = SlotRequest { model: MODEL.to_owned(), ceiling: 10 };
    let Submitting::Done(job) = journal.submitting(&job, attempt, &wish).await? else {
        return Err(format!("{} was not submitted", job.key).into());
    };
    let id = format!("cgt-bench-{}", job.key);
    let job = moved(journal.submitted(&job, &id, Some(DAY)).await?)?;
    let task: Value = json!({
        "id": id, "model": MODEL, "status": "succeeded", "created_at": DAY / 1000, "updated_at": DAY / 1000 + 60,
        "usage": { "completion_tokens": 19_600, "total_tokens": 19_600 }, "resolution": "480p", "ratio": "1:1",
    });
    let job = moved(journal.finished(&job, &task).await?)?;
    let file = FileAt { path: job.planned.output.clone(), bytes: 500_000, sha256: "0".repeat(64) };
    let job = moved(journal.downloaded(&job, vec![file]).await?)?;
    moved(journal.settled(&job, Some(cost())).await?).map(drop)
}

fn moved(moved: CasOutcome) -> Result<Job> {
    match moved {
        CasOutcome::Done(job) => Ok(job),
        CasOutcome::Conflict(_) => Err("another runner moved a row".into()),
    }
}

async fn whole(journal: Journal, args: &Batch) -> Result<()> {
    let client = Client::builder()
        .api_key("any")
        .base_url(args.base_url.as_str())
        .limits(RateLimits::unlimited())
        .build()?;
    let mut options = RunnerOptions::new();
    options.concurrency = 100;
    options.creates_per_minute = 600_000.0;
    let (mut events, _handle, run) = Runner::new(client, journal, options).run(&[batch_of(args.shots)]);
    let listening = tokio::spawn(async move { while events.next().await.is_some() {} });
    let summary = run.await?;
    listening.await?;
    if summary.left() > 0 || summary.parked() > 0 {
        return Err(format!("the batch did not end: {:?}", summary.counts).into());
    }
    Ok(())
}

/// All of it. PostgreSQL only where an address of a throw-away database is given.
///
/// # Errors
/// A program does not run to its end.
pub fn row(interleaved: &Interleaved, postgres: Option<&str>) -> Result<()> {
    println!("journal of a batch: one shot from intent to settled, five durable changes");
    let folder = tempfile::tempdir()?;
    let file = |rows| folder.path().join(format!("{rows}.journal")).display().to_string();
    costs(interleaved, "SQLite", &file)?;
    match postgres {
        Some(address) => costs(interleaved, "PostgreSQL", &|_| address.to_owned())?,
        None => println!(
            "  skipped: PostgreSQL, because no throw-away database is named (--postgres postgres://…)"
        ),
    }
    memory(interleaved, folder.path())
}

fn costs(interleaved: &Interleaved, store: &str, journal: &dyn Fn(usize) -> String) -> Result<()> {
    let mut each = Vec::new();
    for rows in SIZES {
        let mut command = interleaved.client(&program());
        command.args(["walk", &journal(rows), &rows.to_string()]);
        let figures = figures_of(&mut command)?;
        print(&format!("{store}, {rows} rows"), &figures);
        println!(
            "    1,000 shots: {:.2} s, {:.2} s of CPU",
            1000.0 / figures.per_second,
            figures.cpu_us * 1000.0 / 1e6
        );
        each.push(figures);
    }
    if let (Some(first), Some(last)) = (each.first(), each.last()) {
        let cpu = last.cpu_us / first.cpu_us;
        at_most(&format!("{store}, CPU of a shot among 100,000 rows over 1,000"), cpu, 1.2, "x");
        let wall = first.per_second / last.per_second;
        at_most(&format!("{store}, time of a shot among 100,000 rows over 1,000"), wall, 1.2, "x");
    }
    Ok(())
}

fn memory(interleaved: &Interleaved, folder: &Path) -> Result<()> {
    let built = Command::new("cargo")
        .args(["build", "--profile", "bench", "--quiet", "-p", "ark-video-cli"])
        .status()?;
    if !built.success() {
        return Err("the command `ark-video` was not built".into());
    }
    let mut served = Command::new(interleaved::sibling("ark-video"))
        .args(["simulate", "--addr", "127.0.0.1:0", "--any-key", "--speed", "600x", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let figures = ran(interleaved, folder, &mut served);
    // Gone already, or gone now.
    let _ = served.kill();
    let _ = served.wait();
    let figures = figures?;
    print(&format!("a run of {SHOTS} shots, SQLite"), &figures);
    at_most("its peak memory", figures.peak_mb, 100.0, " MB");
    Ok(())
}

fn ran(interleaved: &Interleaved, folder: &Path, served: &mut std::process::Child) -> Result<Figures> {
    let mut line = String::new();
    let stdout = served.stdout.take().ok_or("the simulator has no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let base = serde_json::from_str::<Value>(&line)?["base_url"].as_str().unwrap_or_default().to_owned();
    let mut command = interleaved.unpinned(&program());
    let journal = folder.join("memory.journal");
    command.arg("batch").arg(journal).arg(&base).arg(folder).arg(SHOTS.to_string());
    figures_of(&mut command)
}

fn figures_of(command: &mut Command) -> Result<Figures> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn program() -> String {
    interleaved::sibling("ark-video-bench-journal")
}

//! A page of a hundred tasks: our lenient types against plain structs of the same fields, same
//! parser.

use ark_video::model::{Task, TaskList};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{
    Result,
    interleaved::{self, Interleaved},
    measure,
};

/// What to do.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[arg(long)]
    mode: Mode,
    #[arg(long, default_value_t = 5_000)]
    count: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Ours,
    Plain,
}

const TASK: &str = include_str!("../../schema/examples/responses/r04-succeeded-2-0.json");

/// What serde derives for the same fields, with nothing kept that it does not know.
#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding is the work")]
struct PlainList {
    total: Option<i64>,
    items: Vec<PlainTask>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding is the work")]
struct PlainTask {
    id: String,
    model: String,
    status: String,
    error: Option<PlainError>,
    failure_reason: Option<PlainError>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    content: Option<PlainContent>,
    usage: Option<PlainUsage>,
    seed: Option<i64>,
    resolution: Option<String>,
    ratio: Option<String>,
    duration: Option<i64>,
    frames: Option<i64>,
    framespersecond: Option<i64>,
    generate_audio: Option<bool>,
    output_format: Option<String>,
    safety_identifier: Option<String>,
    priority: Option<i64>,
    draft: Option<bool>,
    draft_task_id: Option<String>,
    service_tier: Option<String>,
    execution_expires_after: Option<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding is the work")]
struct PlainError {
    code: String,
    message: String,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding is the work")]
struct PlainContent {
    video_url: Option<String>,
    last_frame_url: Option<String>,
    file_url: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoding is the work")]
struct PlainUsage {
    completion_tokens: Option<i64>,
    total_tokens: Option<i64>,
}

/// Does it, and prints the figures.
pub fn run(args: &Args) -> Result<()> {
    let task: Task = serde_json::from_str(TASK)?;
    let text = serde_json::to_string(&TaskList::new(vec![task; 100]))?;
    let figures = measure::measured(args.count, || {
        for _ in 0..args.count {
            match args.mode {
                Mode::Ours => drop(std::hint::black_box(serde_json::from_str::<TaskList>(&text)?)),
                Mode::Plain => drop(std::hint::black_box(serde_json::from_str::<PlainList>(&text)?)),
            }
        }
        Ok(())
    })?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// The row: ours and plain.
pub fn row(interleaved: &Interleaved) -> Result<()> {
    println!("a page of 100 tasks: our types against plain structs of the same fields");
    let figures = interleaved
        .compared(&mut [interleaved.peer("page --mode ours"), interleaved.peer("page --mode plain")])?;
    let [ours, plain] = figures.as_slice() else { return Ok(()) };
    interleaved::print("ours", ours);
    interleaved::print("plain", plain);
    interleaved::at_most("time", plain.per_second / ours.per_second, 1.25, "x");
    Ok(())
}

//! The flags of `generate`: a request, and what to do with it.

use std::time::Duration;

use ark_video_batch::Amount;
use clap::Args;

use super::{RequestArgs, SaveArgs, TimingArgs};

/// `generate`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = NOTES)]
pub(crate) struct GenerateArgs {
    /// The prompt, or `@FILE` to read it from a file; or a request as JSON: a file that ends in
    /// .json, or `-` for standard input. A text that may be a path, a command or a flag's value is
    /// rejected; -p marks it as the prompt
    #[arg(value_name = "PROMPT|FILE.json|-")]
    pub(crate) input: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,

    /// Print findings, cost and the exact body, and send nothing. The body goes to standard output;
    /// with --json, everything in one document
    #[arg(long, help_heading = "Checks")]
    pub(crate) dry_run: bool,
    /// Send only if the estimate is at most this: 3.50CNY, 2USD or 500000tokens
    #[arg(long, value_name = "AMOUNT", help_heading = "Checks")]
    pub(crate) max_cost: Option<Amount>,
    /// Send the request even if the checks reject it; their errors become warnings
    #[arg(long, help_heading = "Checks")]
    pub(crate) force: bool,

    /// Retry for this long, such as 5m: only requests that were not sent and those rejected by a
    /// rate limit; nothing else is ever sent twice
    #[arg(long, value_name = "TIME", value_parser = super::values::duration, help_heading = "Task")]
    pub(crate) retry: Option<Duration>,
    /// Put a unique tag into safety_identifier, by which the task can be found if the response is
    /// lost
    #[arg(long, help_heading = "Task")]
    pub(crate) tag: bool,
    /// Send the request unchanged, without correlation marks: values of execution_expires_after
    /// and, on 1.x, seed, by which a lost task is found. They cost nothing and are set only in
    /// fields that you left open
    #[arg(long, help_heading = "Task")]
    pub(crate) no_marks: bool,
    /// Print the task id and exit
    #[arg(long, conflicts_with_all = ["output", "output_dir", "no_download"], help_heading = "Waiting")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) timing: TimingArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Wait, but do not download the video (available for 24 hours)
    #[arg(long, conflicts_with_all = ["output", "output_dir"], help_heading = "Output")]
    pub(crate) no_download: bool,
}

const NOTES: &str = "\
With a JSON file, flags replace the fields of the file, and media flags replace all its media.
Without -o the video is saved too.
Each create is recorded on disk before it is sent: beside the video, or without -o in the state directory. After a crash
the same command with --resume continues. Without --resume the same prompt is another video, and another bill.

Examples:
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 -r 16:9 -o boat.mp4
  ark-video generate \"She turns and smiles\" --first-frame start.jpg -o smile.mp4
  ark-video generate \"Image 1 walks through Video 1\" --ref cat.png --ref https://example.com/a.mp4
  ark-video generate request.json --resolution 480p --dry-run
  ark-video generate request.json -o boat.mp4 --resume
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 --resume
  ark-video generate request.json --max-cost 3.50CNY -o once.mp4
  ark-video generate --simulate request.json -o free.mp4";

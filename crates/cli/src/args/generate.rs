//! The flags of `generate`: a request, and what to do with it.

use std::time::Duration;

use ark_video_batch::Amount;
use clap::Args;

use super::{PatienceArgs, RequestArgs, SaveArgs};

/// What to make, where to put it, how long to wait.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = NOTES)]
pub(crate) struct GenerateArgs {
    /// The prompt, or `@FILE` to read it from a file; or a request as JSON: a file that ends in .json, or `-` for standard
    /// input. What may be a path, a command or a value of a flag is refused: -p says that it is the prompt
    #[arg(value_name = "PROMPT|FILE.json|-")]
    pub(crate) input: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,

    /// Say what the checks find and what it would cost, print the exact body, and send nothing. The body goes to
    /// standard output; with --json, all of it in one document
    #[arg(long, help_heading = "Checks")]
    pub(crate) dry_run: bool,
    /// Send only if the estimate is at most this: 3.50CNY, 2USD or 500000tokens
    #[arg(long, value_name = "AMOUNT", help_heading = "Checks")]
    pub(crate) max_cost: Option<Amount>,
    /// Send even what our checks refuse; what they say is then a warning
    #[arg(long, help_heading = "Checks")]
    pub(crate) force: bool,

    /// For so long, send again what could not be sent and what was refused because of the pace, such as 5m; nothing else
    /// is ever sent twice
    #[arg(long, value_name = "TIME", value_parser = super::values::duration, help_heading = "Task")]
    pub(crate) retry: Option<Duration>,
    /// Put a tag of its own into safety_identifier, by which the task can be found if the answer is lost
    #[arg(long, help_heading = "Task")]
    pub(crate) tag: bool,
    /// Send the request exactly as it is: without the correlation marks (an execution_expires_after of its own, on 1.x a
    /// seed) that let a lost task be found and cost nothing; only fields that were left open are marked
    #[arg(long, help_heading = "Task")]
    pub(crate) no_marks: bool,
    /// Print the task's id and leave
    #[arg(long, conflicts_with_all = ["output", "output_dir", "no_download"], help_heading = "Waiting")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Wait, but leave the video where it is (for 24 hours)
    #[arg(long, conflicts_with_all = ["output", "output_dir"], help_heading = "Output")]
    pub(crate) no_download: bool,
}

const NOTES: &str = "\
With a JSON file, flags replace the fields of the file, and media flags replace all its media.
Without -o the video is still saved: what is billed is kept.
Each create has a record on disk before it is sent: beside the video, without -o in the state directory. After a crash the
same command with --resume goes on. Without --resume the same words are another video, and another bill.

Examples:
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 -r 16:9 -o boat.mp4
  ark-video generate \"She turns and smiles\" --first-frame start.jpg -o smile.mp4
  ark-video generate \"Image 1 walks through Video 1\" --ref cat.png --ref https://example.com/a.mp4
  ark-video generate request.json --resolution 480p --dry-run
  ark-video generate request.json -o boat.mp4 --resume
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 --resume
  ark-video generate request.json --max-cost 3.50CNY -o once.mp4
  ark-video generate --simulate request.json -o free.mp4";

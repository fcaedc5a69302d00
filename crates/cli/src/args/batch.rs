//! The flags of `batch`: shot lists and the commands for them.

use std::path::PathBuf;

use ark_video_batch::Amount;
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::batch_run::{
    BatchApproveArgs, BatchAssignArgs, BatchCancelArgs, BatchExportArgs, BatchOf, BatchPlanArgs,
    BatchReportArgs, BatchResolveArgs, BatchRetryArgs, BatchRunArgs, BatchStatusArgs,
};

/// A batch.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) verb: BatchVerb,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum BatchVerb {
    /// Write a commented example of a list
    Init(BatchInitArgs),
    /// Check a list of shots and estimate its cost; sends nothing
    Check(BatchCheckArgs),
    /// Show what `batch run` would create, continue and reuse, and its cost; sends nothing
    Plan(Box<BatchPlanArgs>),
    /// Run a list of shots: each is recorded before it is sent, and sent once
    Run(Box<BatchRunArgs>),
    /// Show batch progress, cost and shots that need a decision
    Status(BatchStatusArgs),
    /// Stop sending; tasks in progress still finish and are fetched
    Pause(BatchOf),
    /// Resume a paused batch
    Resume(BatchOf),
    /// Cancel shots that were not sent
    Cancel(BatchCancelArgs),
    /// Retry shots that failed or were rejected
    Retry(BatchRetryArgs),
    /// Approve shots, so that the shots that depend on them continue
    Approve(BatchApproveArgs),
    /// Assign a video in `unmatched/` to its shot; needs no network
    Assign(BatchAssignArgs),
    /// Decide about a shot whose create has an unknown outcome
    Resolve(BatchResolveArgs),
    /// Show every shot, or write an HTML page with the videos
    Report(BatchReportArgs),
    /// Export every row of the journal as JSON Lines, including prompts
    Export(BatchExportArgs),
}

/// A list of shots.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShotListArgs {
    /// The list of shots; `-` for standard input
    ///
    /// TOML, JSON, JSON Lines, CSV (a header of field names), or text with one prompt a line.
    #[arg(value_name = "LIST|-", value_hint = ValueHint::FilePath)]
    pub(crate) list: String,
    /// Format of the list [default: by its extension]
    #[arg(long = "list-format", value_name = "FORMAT", help_heading = "List")]
    pub(crate) format: Option<FormatArg>,
    /// Field of all shots, such as duration=5
    ///
    /// Of all that do not have it, over the list's defaults. Repeat for more.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field, help_heading = "List")]
    pub(crate) set: Vec<(String, String)>,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    Toml,
    Json,
    Jsonl,
    Csv,
    Text,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (field, value) =
        text.split_once('=').filter(|(field, _)| !field.trim().is_empty()).ok_or("write FIELD=VALUE")?;
    Ok((field.trim().to_owned(), value.trim().to_owned()))
}

/// `batch init`
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchInitArgs {
    /// The new list; its extension decides its format: .toml, .csv or .txt
    #[arg(value_name = "FILE", default_value = "shots.toml", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// Which list.
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchCheckArgs {
    #[command(flatten)]
    pub(crate) of: ShotListArgs,
    /// Accept shots whose videos would replace existing files: `batch run --overwrite` replaces
    /// them
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Reject the list if it may cost more than this in all, such as 50CNY, 8USD or 5000000tokens
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_cost: Option<Amount>,
}

//! The flags of `batch`: shot lists and the commands for them.

use ark_video_batch::Amount;
use clap::{Args, Subcommand, ValueHint};

use super::batch_run::{
    BatchApproveArgs, BatchAssignArgs, BatchCancelArgs, BatchExportArgs, BatchOf, BatchReportArgs,
    BatchResolveArgs, BatchRetryArgs, BatchRunArgs, BatchStatusArgs,
};

/// A batch.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) verb: BatchVerb,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchVerb {
    /// Check a list of shots and estimate its cost; sends nothing
    Check(BatchCheckArgs),
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

/// Which list.
#[derive(Debug, Clone, Args)]
pub(crate) struct BatchCheckArgs {
    /// The list: TOML, JSON or JSON Lines; `-` for standard input
    #[arg(value_name = "LIST|-", value_hint = ValueHint::FilePath)]
    pub(crate) list: String,
    /// Accept shots whose videos would replace existing files: `batch run --overwrite` replaces
    /// them
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Reject the list if it may cost more than this in all, such as 50CNY, 8USD or 5000000tokens
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_cost: Option<Amount>,
}

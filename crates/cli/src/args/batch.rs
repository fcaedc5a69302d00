//! The flags of `batch`: lists of shots, and what is done with them.

use ark_video_batch::Amount;
use clap::{Args, Subcommand};

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

/// What is done with a list.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchVerb {
    /// Say what is wrong with a list of shots, all of it at once, and what it will cost; sends nothing
    Check(BatchCheckArgs),
    /// Make every film of a list: each shot is written down before it is sent, and sent once
    Run(Box<BatchRunArgs>),
    /// Say how a batch stands: counts, money, and what needs somebody
    Status(BatchStatusArgs),
    /// Send nothing more of a batch until it is resumed; what runs is still fetched
    Pause(BatchOf),
    /// Let a paused batch go on
    Resume(BatchOf),
    /// Give up shots that were not sent
    Cancel(BatchCancelArgs),
    /// Bring shots back that failed or were refused
    Retry(BatchRetryArgs),
    /// Say that a film is good: shots that wait for that go on
    Approve(BatchApproveArgs),
    /// Say whose a video in `unmatched/` is: puts it in its place, without any network
    Assign(BatchAssignArgs),
    /// Decide about a shot of which it is unknown whether a task was created
    Resolve(BatchResolveArgs),
    /// Show every shot, or write a page with the films
    Report(BatchReportArgs),
    /// Write every row of the journal as a line of JSON, prompts included
    Export(BatchExportArgs),
}

/// Which list.
#[derive(Debug, Clone, Args)]
#[command(after_help = CHECK_NOTES)]
pub(crate) struct BatchCheckArgs {
    /// The list: TOML, JSON, or JSON lines; `-` for standard input
    #[arg(value_name = "LIST|-")]
    pub(crate) list: String,
    /// Do not refuse shots whose videos would replace files that exist: `batch run --overwrite` replaces them
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Refuse the list if all of it may cost more than this, such as 50CNY, 8USD or 5000000tokens
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_cost: Option<Amount>,
}

const CHECK_NOTES: &str = "\
Needs no key and no network. Local files in the list are looked for from its folder. Ends with 0 when nothing is refused
(warnings are no refusals), with 4 when something is, or with 6 when only the places of the videos are: then no part of the
list would be sent.
With --json, one document: shots with their jobs and estimates, totals by model and tag, findings with file, line and shot.

Examples:
  ark-video batch check shots.toml
  ark-video batch check shots.jsonl --max-cost 200CNY
  ark-video batch check shots.toml --json | jq '.totals.price'";

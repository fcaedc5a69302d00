//! The flags of the `batch` commands that use a journal, and of `cost`. Parsing only.

use std::path::PathBuf;
use std::time::Duration;

use ark_video_batch::Amount;
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{AccountArg, ConfirmArgs, ShotListArgs};

/// Which journal, and which batch in it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Journal")]
pub(crate) struct JournalArgs {
    /// The journal: a file, or postgres://…
    ///
    /// A database serves several machines. Default: ARK_JOURNAL, else LIST.journal beside the list.
    #[arg(long, value_name = "PATH|URL", value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<String>,
    /// The batch
    ///
    /// Default: that of the list, or the only one in the journal.
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
}

/// An existing batch.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BatchOf {
    /// The list of the batch
    #[arg(value_name = "LIST", value_hint = ValueHint::FilePath)]
    pub(crate) list: Option<String>,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
}

/// Some shots of a batch.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShotsOf {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Only these shots, by the names in `batch status`; repeat, or separate with commas
    #[arg(long = "shot", value_name = "NAME", value_delimiter = ',')]
    pub(crate) shots: Vec<String>,
}

/// `batch plan`
#[derive(Debug, Args)]
pub(crate) struct BatchPlanArgs {
    #[command(flatten)]
    pub(crate) of: ShotListArgs,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    #[command(flatten)]
    pub(crate) money: MoneyArgs,
}

/// `batch run`
#[derive(Debug, Args)]
pub(crate) struct BatchRunArgs {
    #[command(flatten)]
    pub(crate) of: ShotListArgs,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    #[command(flatten)]
    pub(crate) confirm: ConfirmArgs,
    /// Drop unsent shots that left the list
    #[arg(long, help_heading = "Journal")]
    pub(crate) drop_missing: bool,
    /// Accept an older copy of the journal
    ///
    /// What was sent since the copy was made is billed again.
    #[arg(long, hide_short_help = true, help_heading = "Journal")]
    pub(crate) earlier_copy: bool,
    /// Start a new journal, or use a copy
    ///
    /// Although another one was used: tasks in the records beside the videos are adopted,
    /// everything else is sent, and billed again if it was sent before.
    #[arg(long, hide_short_help = true, help_heading = "Journal")]
    pub(crate) new_journal: bool,
    /// Delete the prompts of saved videos
    ///
    /// Prompts and requests are deleted from the journal once their videos are saved.
    #[arg(long, hide_short_help = true, help_heading = "Journal")]
    pub(crate) forget_prompts: bool,
    /// Replace existing files
    ///
    /// Without it, a list with such a shot is rejected.
    #[arg(long, help_heading = "Output")]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) money: MoneyArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

/// Budgets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Money")]
pub(crate) struct MoneyArgs {
    /// Budget of this batch, such as 50CNY
    ///
    /// For all its runs together; also 8USD or 5000000tokens.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cap: Option<Amount>,
    /// Budget of the journal per day (UTC)
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cap_day: Option<Amount>,
    /// Budget of a tag; repeatable
    ///
    /// For the shots with the tag in all batches of the journal.
    #[arg(long, value_name = "TAG=AMOUNT", value_parser = tag_cap)]
    pub(crate) cap_tag: Vec<(String, Amount)>,
    /// Stop when more have failed, such as 20%
    ///
    /// No more is sent when more than this share of the finished shots has failed; applies from 10
    /// shots on.
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) stop_after_failures: Option<f64>,
}

/// Rate limits, concurrency, and unknown outcomes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct PaceArgs {
    /// Rate limits of the account
    ///
    /// Per model: company (10 tasks at once, 600 creates a minute) or personal (3 and 180).
    /// Default: company.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountArg>,
    /// Concurrent tasks per model; repeatable
    ///
    /// N, or MODEL=N, for all runners of the journal.
    #[arg(long, value_name = "N|MODEL=N", value_parser = concurrency)]
    pub(crate) concurrency: Vec<(Option<String>, u32)>,
    /// Creates per minute and model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) rpm: Option<u32>,
    /// Concurrent downloads
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) downloads: u32,
    /// Time until other runners take over
    ///
    /// After this time without a heartbeat a runner's jobs and slots go to others: 5s to 1h.
    #[arg(long, value_name = "TIME", default_value = "15s", hide_short_help = true, value_parser = lease)]
    pub(crate) lease: Duration,
    /// If a task is not found
    ///
    /// A create with an unknown outcome whose task is not found is held for a decision, or sent
    /// again (a second bill is possible).
    #[arg(long, value_name = "WHAT", default_value = "hold")]
    pub(crate) on_unknown: OnUnknownArg,
    /// Put a tag into `safety_identifier`
    ///
    /// By it a lost task is always found; the vendor wants one value per end user there.
    #[arg(long, hide_short_help = true)]
    pub(crate) tag_safety_identifier: bool,
}

/// What to do with a job whose task was not found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnUnknownArg {
    #[default]
    Hold,
    Resend,
}

/// `batch status`
#[derive(Debug, Args)]
pub(crate) struct BatchStatusArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// All shots, not only those that need a decision
    #[arg(long)]
    pub(crate) all: bool,
    /// Verify every row and every sum of the journal
    #[arg(long)]
    pub(crate) audit: bool,
}

/// `batch retry`
#[derive(Debug, Args)]
pub(crate) struct BatchRetryArgs {
    #[command(flatten)]
    pub(crate) which: ShotsOf,
    /// Only shots in these states [default: failed and rejected]
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) only: Vec<RetryState>,
}

/// States that can be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetryState {
    Failed,
    Rejected,
    /// Billed, and the video is lost: a retry is billed again
    Gone,
    Dropped,
}

/// `batch cancel`
#[derive(Debug, Args)]
pub(crate) struct BatchCancelArgs {
    #[command(flatten)]
    pub(crate) which: ShotsOf,
    /// Also cancel tasks that wait in the service's queue; free of charge
    #[arg(long)]
    pub(crate) queued: bool,
}

/// `batch approve`
#[derive(Debug, Args)]
pub(crate) struct BatchApproveArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// The approved shots
    #[arg(long = "shot", value_name = "NAME", value_delimiter = ',', required = true)]
    pub(crate) shots: Vec<String>,
}

/// `batch assign`
#[derive(Debug, Args)]
pub(crate) struct BatchAssignArgs {
    /// The list of the batch
    #[arg(value_name = "LIST", value_hint = ValueHint::FilePath)]
    pub(crate) list: String,
    /// The shot, by its name in `batch status`
    #[arg(value_name = "SHOT")]
    pub(crate) shot: String,
    /// The task id, or the task's video in `unmatched/`
    #[arg(value_name = "TASK|FILE")]
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
}

/// `batch resolve`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(crate) struct BatchResolveArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// The shot
    #[arg(long, value_name = "NAME")]
    pub(crate) shot: String,
    /// The task of this shot
    #[arg(long, value_name = "ID", value_parser = super::values::task_id, group = "verdict")]
    pub(crate) adopt: Option<String>,
    /// No task was created: send the shot again
    #[arg(long, group = "verdict")]
    pub(crate) not_created: bool,
    /// Send it again although a task may exist: a second bill is possible
    #[arg(long, group = "verdict")]
    pub(crate) resend: bool,
}

/// `batch report`
#[derive(Debug, Args)]
pub(crate) struct BatchReportArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Write an HTML page: videos, prompts, costs, reasons; one file, no scripts
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Embed the videos in the page
    #[arg(long, requires = "html")]
    pub(crate) embed: bool,
    /// Open the page in the browser
    #[arg(long, requires = "html")]
    pub(crate) open: bool,
    /// Replace an existing page
    #[arg(long, requires = "html")]
    pub(crate) overwrite: bool,
}

/// `batch export`
#[derive(Debug, Args)]
pub(crate) struct BatchExportArgs {
    #[command(flatten)]
    pub(crate) which: ShotsOf,
    /// Only the requests, as `generate` takes them
    #[arg(long)]
    pub(crate) request: bool,
}

/// Costs.
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    #[command(subcommand)]
    pub(crate) verb: CostVerb,
}

/// The commands of `cost`.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum CostVerb {
    /// Show the estimated and billed cost of a journal's tasks
    Report(CostReportArgs),
}

/// `cost report`
#[derive(Debug, Args)]
pub(crate) struct CostReportArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Group by this
    #[arg(long, default_value = "model")]
    pub(crate) by: CostBy,
    /// Multiply billed money by this: a discount, or a reseller's margin
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) factor: f64,
}

/// How to group costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostBy {
    Model,
    Day,
    Tag,
}

fn tag_cap(text: &str) -> Result<(String, Amount), String> {
    let (tag, amount) = text.split_once('=').filter(|(tag, _)| !tag.is_empty()).ok_or("write TAG=AMOUNT")?;
    Ok((tag.to_owned(), amount.parse().map_err(|error: ark_video_batch::NotAnAmount| error.to_string())?))
}

fn share(text: &str) -> Result<f64, String> {
    let percent = text.trim().trim_end_matches('%').trim().parse::<f64>().ok();
    let share = percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0);
    share.ok_or_else(|| "write a share such as 20%, from 0% to 100%".to_owned())
}

fn concurrency(text: &str) -> Result<(Option<String>, u32), String> {
    let (model, number) = match text.rsplit_once('=') {
        Some((model, number)) => (Some(model.to_owned()), number),
        None => (None, text),
    };
    let number = number.parse().ok().filter(|number| (1..=10_000).contains(number));
    number.map(|number| (model, number)).ok_or_else(|| "write N or MODEL=N, from 1 to 10000".to_owned())
}

/// Below 5 s a busy machine would be mistaken for a dead one.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = super::values::duration(text)?;
    let fits = (Duration::from_secs(5)..=Duration::from_secs(3600)).contains(&lease);
    fits.then_some(lease).ok_or_else(|| "write a time from 5s to 1h".to_owned())
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor >= 0.0);
    factor.ok_or_else(|| "write a factor such as 0.85".to_owned())
}

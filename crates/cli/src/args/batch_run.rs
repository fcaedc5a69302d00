//! The flags of the `batch` verbs that use a journal, and of `cost`. Only their form.

use std::path::PathBuf;
use std::time::Duration;

use ark_video_batch::Amount;
use clap::{Args, Subcommand, ValueEnum};

use super::AccountArg;

/// Which journal, and which batch in it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Journal")]
pub(crate) struct JournalArgs {
    /// The journal: a file, or postgres://… for several machines [env: ARK_JOURNAL] [default: LIST.journal beside the list]
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) journal: Option<String>,
    /// The batch [default: the list's, or the only one of the journal]
    #[arg(long, value_name = "NAME")]
    pub(crate) batch: Option<String>,
}

/// A batch that exists.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BatchOf {
    /// The list that the batch was run from
    #[arg(value_name = "LIST")]
    pub(crate) list: Option<String>,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
}

/// Some of its shots.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShotsOf {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Only these shots, by the names that `batch status` shows; repeat, or separate with commas
    #[arg(long = "shot", value_name = "NAME", value_delimiter = ',')]
    pub(crate) shots: Vec<String>,
}

/// Running a list.
#[derive(Debug, Args)]
#[command(after_help = RUN_NOTES)]
pub(crate) struct BatchRunArgs {
    /// The list: TOML, JSON, or JSON lines
    #[arg(value_name = "LIST")]
    pub(crate) list: String,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    /// Take out shots that the list no longer has, if they were not sent
    #[arg(long, help_heading = "Journal")]
    pub(crate) drop_missing: bool,
    /// Use the journal although it is an earlier copy of the one that was used here: what was sent since is paid for again
    #[arg(long, help_heading = "Journal")]
    pub(crate) earlier_copy: bool,
    /// Use a new journal, or a copy, although an earlier one was used: what the records beside the videos name is taken over, the
    /// rest is sent, and paid for again if it was sent before
    #[arg(long, help_heading = "Journal")]
    pub(crate) new_journal: bool,
    /// Take prompts and requests out of the journal once their films are there
    #[arg(long, help_heading = "Journal")]
    pub(crate) forget_prompts: bool,
    /// Replace files that have the names of videos; without it, a list with such a shot is refused
    #[arg(long, help_heading = "Output")]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) money: MoneyArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

/// How much may be spent.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Money")]
pub(crate) struct MoneyArgs {
    /// The most that this batch may cost, all its runs together, such as 50CNY, 8USD or 5000000tokens
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cap: Option<Amount>,
    /// The most that all batches of the journal may cost on one day (UTC)
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cap_day: Option<Amount>,
    /// The most that shots with a tag may cost, in all batches of the journal; repeat for more
    #[arg(long, value_name = "TAG=AMOUNT", value_parser = tag_cap)]
    pub(crate) cap_tag: Vec<(String, Amount)>,
    /// Send nothing more when more than this share of the shots that ended has failed, such as 20%; judged from 10 on
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub(crate) stop_after_failures: Option<f64>,
}

/// How fast, and what to do about doubt.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct PaceArgs {
    /// Whose limits: a company's (10 at once and 600 a minute per model) or a person's (3 and 180) [default: company]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountArg>,
    /// Tasks of one model at once, for all runners of the journal: N, or MODEL=N; repeat for more
    #[arg(long, value_name = "N|MODEL=N", value_parser = concurrency)]
    pub(crate) concurrency: Vec<(Option<String>, u32)>,
    /// Creates a minute and model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) rpm: Option<u32>,
    /// Films that are fetched at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) downloads: u32,
    /// How long a runner may be silent before others take over what it had and its slots: 5s to 1h
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = lease)]
    pub(crate) lease: Duration,
    /// A create whose outcome is unknown and that is not found: hold it for a person, or send it again (a second bill is possible)
    #[arg(long, value_name = "WHAT", default_value = "hold")]
    pub(crate) on_unknown: OnUnknownArg,
    /// Put a tag into `safety_identifier`: a lost task is then found for certain (the vendor wants one value per end user there)
    #[arg(long)]
    pub(crate) tag_safety_identifier: bool,
}

/// What to do with a job that was looked for in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnUnknownArg {
    #[default]
    Hold,
    Resend,
}

/// How a batch stands.
#[derive(Debug, Args)]
pub(crate) struct BatchStatusArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Every shot, not only those that need somebody
    #[arg(long)]
    pub(crate) all: bool,
    /// Hold every row and every sum of the journal against each other
    #[arg(long)]
    pub(crate) audit: bool,
}

/// Bringing shots back.
#[derive(Debug, Args)]
pub(crate) struct BatchRetryArgs {
    #[command(flatten)]
    pub(crate) which: ShotsOf,
    /// In which state [default: failed and rejected]
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) only: Vec<RetryState>,
}

/// What can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetryState {
    Failed,
    Rejected,
    /// Paid for, and the film is lost: a retry pays again
    Gone,
    Dropped,
}

/// Giving up what was not sent.
#[derive(Debug, Args)]
pub(crate) struct BatchCancelArgs {
    #[command(flatten)]
    pub(crate) which: ShotsOf,
    /// Also take those out of the service's queue that wait there; free of charge
    #[arg(long)]
    pub(crate) queued: bool,
}

/// Approving drafts.
#[derive(Debug, Args)]
pub(crate) struct BatchApproveArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// The shots whose films are good
    #[arg(long = "shot", value_name = "NAME", value_delimiter = ',', required = true)]
    pub(crate) shots: Vec<String>,
}

/// Saying whose a video is.
#[derive(Debug, Args)]
#[command(after_help = ASSIGN_NOTES)]
pub(crate) struct BatchAssignArgs {
    /// The list that the batch was run from
    #[arg(value_name = "LIST")]
    pub(crate) list: String,
    /// The shot, by the name that `batch status` shows
    #[arg(value_name = "SHOT")]
    pub(crate) shot: String,
    /// Its task, by id, or the task's video in `unmatched/`
    #[arg(value_name = "TASK|FILE")]
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
}

const ASSIGN_NOTES: &str = "\
Where the answers of several creates were lost and their tasks cannot be distinguished, all their videos are fetched into
`unmatched/` beside the others while their links live, and `batch status` names the shots that they may belong to. Watch
them, and say whose each one is. What was assigned is no longer offered to other shots.

Examples:
  ark-video batch assign shots.toml boat films/unmatched/cgt-20261123134708-cjsy5.mp4
  ark-video batch assign shots.toml boat cgt-20261123134708-cjsy5";

/// Deciding about a shot that is held.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(crate) struct BatchResolveArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// The shot
    #[arg(long, value_name = "NAME")]
    pub(crate) shot: String,
    /// This task is its own
    #[arg(long, value_name = "ID", value_parser = super::values::task_id, group = "verdict")]
    pub(crate) adopt: Option<String>,
    /// No task was created: it may be sent again
    #[arg(long, group = "verdict")]
    pub(crate) not_created: bool,
    /// Send it again whatever may have been created: a second bill is possible
    #[arg(long, group = "verdict")]
    pub(crate) resend: bool,
}

/// Looking back.
#[derive(Debug, Args)]
pub(crate) struct BatchReportArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Write a page for a browser: videos, prompts, costs, reasons; one file, no scripts
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Put the films into the page, so that it can be sent to somebody
    #[arg(long, requires = "html")]
    pub(crate) embed: bool,
    /// Replace a page that exists
    #[arg(long, requires = "html")]
    pub(crate) overwrite: bool,
}

/// Taking rows out.
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

/// What is asked of costs.
#[derive(Debug, Subcommand)]
pub(crate) enum CostVerb {
    /// Say what a journal's tasks were estimated to cost and what they cost
    Report(CostReportArgs),
}

/// Adding up.
#[derive(Debug, Args)]
pub(crate) struct CostReportArgs {
    #[command(flatten)]
    pub(crate) of: BatchOf,
    /// Add up by this
    #[arg(long, default_value = "model")]
    pub(crate) by: CostBy,
    /// Multiply billed money by this: a discount, or a reseller's margin
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) factor: f64,
}

/// What to add up by.
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

/// Under 5 s a busy machine would be taken for a dead one.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = super::values::duration(text)?;
    let fits = (Duration::from_secs(5)..=Duration::from_secs(3600)).contains(&lease);
    fits.then_some(lease).ok_or_else(|| "write a time from 5s to 1h".to_owned())
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor >= 0.0);
    factor.ok_or_else(|| "write a factor such as 0.85".to_owned())
}

const RUN_NOTES: &str = "\
The whole list is checked first; nothing is sent if any of it is refused. Every shot is written into the journal before it is
sent, so after a crash the same command goes on: nothing is sent twice, nothing that is paid for is lost. Running a list
again does only what is missing or changed.
Ctrl-C once lets what is under way be written down and ends; twice ends at once, and loses nothing either.
With --json, one line per event and a summary at the end.
With --simulate, videos and journal go into the folder `simulated` beside the list: nothing of the real run is touched.

Examples:
  ark-video batch run shots.toml --cap 50CNY
  ark-video batch run shots.toml --simulate
  ark-video batch run shots.jsonl --journal postgres://ark@db/ark --account personal";

//! The flags of `generate`: a request, and what to do with it.

use std::time::Duration;

use ark_video_batch::Amount;
use clap::{Args, ValueHint};

use super::{RequestArgs, SaveArgs, TimingArgs};

/// When to ask before money is spent.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfirmArgs {
    /// Ask if it may cost more, such as 20CNY
    ///
    /// Without a terminal it is refused. Overrides `confirm_above` of the configuration file.
    #[arg(long, value_name = "AMOUNT", help_heading = "Checks", hide_short_help = true)]
    pub(crate) confirm_above: Option<Amount>,
    /// Do not ask for confirmation of the cost
    #[arg(short, long, help_heading = "Checks", hide_short_help = true)]
    pub(crate) yes: bool,
}

/// `generate`
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GenerateArgs {
    /// The command, where it is another one that makes a request: `extend`.
    #[arg(skip)]
    pub(crate) command: Option<&'static str>,
    /// Prompt, `@FILE` with one, or a JSON request
    ///
    /// A request is a file that ends in .json, or `-` for standard input. A text that may be a
    /// path, a command or a flag's value is rejected; -p marks it as the prompt.
    #[arg(value_name = "PROMPT|FILE.json|-", value_hint = ValueHint::FilePath)]
    pub(crate) input: Option<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,

    /// Print findings, cost and body; send nothing
    ///
    /// The exact body goes to standard output; with --json, everything in one document.
    #[arg(long, help_heading = "Checks", alias = "dryrun")]
    pub(crate) dry_run: bool,
    /// Send only if it costs at most this
    ///
    /// Compared with the upper end of the estimate: 3.50CNY, 2USD or 500000tokens.
    #[arg(long, value_name = "AMOUNT", help_heading = "Checks")]
    pub(crate) max_cost: Option<Amount>,
    #[command(flatten)]
    pub(crate) confirm: ConfirmArgs,
    /// Send it even if the checks reject it
    ///
    /// Their errors become warnings.
    #[arg(long, help_heading = "Checks")]
    pub(crate) force: bool,

    /// Make so many videos of the request
    ///
    /// Each is one task with one bill; `-o boat.mp4` saves them as boat-1.mp4, boat-2.mp4, …
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Task")]
    pub(crate) variants: Option<u32>,
    /// Make one video for each seed: 1,2,3
    ///
    /// `-o boat.mp4` saves them as boat-seed1.mp4, boat-seed2.mp4, …
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', conflicts_with_all = ["variants", "seed"], help_heading = "Task", hide_short_help = true)]
    pub(crate) seeds: Vec<u32>,
    /// Retry what was not sent, such as 5m
    ///
    /// Also requests rejected by a rate limit; nothing else is ever sent twice.
    #[arg(long, value_name = "TIME", value_parser = super::values::duration, help_heading = "Task")]
    pub(crate) retry: Option<Duration>,
    /// Put a unique tag into safety_identifier
    ///
    /// By it the task is found if the response is lost.
    #[arg(long, help_heading = "Task", hide_short_help = true)]
    pub(crate) tag: bool,
    /// Send the request without correlation marks
    ///
    /// Marks are values of execution_expires_after and, on 1.x, seed, by which a lost task is
    /// found. They cost nothing and are set only in fields that you left open.
    #[arg(long, help_heading = "Task", hide_short_help = true)]
    pub(crate) no_marks: bool,
    /// Print the task id and exit
    #[arg(long, conflicts_with_all = ["output", "output_dir", "no_download"], help_heading = "Waiting", aliases = ["async", "no-poll", "detach", "background"])]
    pub(crate) no_wait: bool,
    /// Wait for the task: the default
    #[arg(long, hide = true, conflicts_with = "no_wait", aliases = ["sync", "poll"])]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) timing: TimingArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    /// Wait, but do not download the video
    ///
    /// It is available for 24 hours.
    #[arg(long, conflicts_with_all = ["output", "output_dir"], help_heading = "Output")]
    pub(crate) no_download: bool,
}

//! The command-line flags and subcommands. Parsing only: their meaning is decided elsewhere.

mod batch;
mod batch_run;
mod candidates;
mod check;
mod clip;
mod definition;
pub(crate) mod flag_values;
mod generate;
mod help;
#[cfg(feature = "mcp")]
mod mcp;
mod reconcile;
mod request;
mod setup;
mod simulate;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use ark_video::model::{ServiceTier, TaskStatus};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use secrecy::SecretString;

pub(crate) use batch::{BatchArgs, BatchCheckArgs, BatchInitArgs, BatchVerb, FormatArg, ShotListArgs};
pub(crate) use batch_run::{
    BatchApproveArgs, BatchAssignArgs, BatchCancelArgs, BatchExportArgs, BatchOf, BatchPlanArgs,
    BatchReportArgs, BatchResolveArgs, BatchRetryArgs, BatchRunArgs, BatchStatusArgs, CostArgs, CostBy,
    CostReportArgs, CostVerb, JournalArgs, MoneyArgs, OnUnknownArg, PaceArgs, RetryState,
};
pub(crate) use check::{CheckArgs, EstimateArgs, RequestsArgs};
pub(crate) use clip::{ClipArgs, JoinedClipArgs, StorageArgs, StorageVerb};
pub(crate) use definition::{command, command_for, command_to_complete};
pub(crate) use generate::{ConfirmArgs, GenerateArgs};
pub(crate) use help::notes;
#[cfg(feature = "mcp")]
pub(crate) use mcp::McpArgs;
pub(crate) use reconcile::ReconcileArgs;
pub(crate) use request::RequestArgs;
pub(crate) use setup::{ConfigArgs, ConfigVerb, DoctorArgs, VersionArgs};
pub(crate) use simulate::{AccountArg, InlineMedia, SimulateArgs};
pub(crate) use values::task_id;

/// Make videos with Seedance on Volcengine Ark and BytePlus ModelArk. One request, at most one
/// bill; no bill without its video.
#[derive(Debug, Parser)]
#[command(name = "ark-video", version, propagate_version = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The global options.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use the built-in simulator: no key, no bill
    ///
    /// For generate, models, batch run and mcp: real responses and files, without configuration.
    #[arg(long, global = true)]
    pub(crate) simulate: bool,
    /// File with the API key; `-`: standard input
    #[arg(long, global = true, value_name = "PATH|-")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Base URL of the service, with its path
    ///
    /// Default: https://ark.cn-beijing.volces.com/api/v3.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Configuration file
    ///
    /// Default: ~/.config/ark-video/config.toml.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Profile of the configuration file
    ///
    /// It overrides the environment.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Overlay for the catalog of models and prices
    ///
    /// A newer schema/models.json, or some of its cells.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// Your bucket for local videos: s3://BUCKET/PREFIX
    ///
    /// Also tos://, gs:// and az://. Provider, region and endpoint come from the configuration
    /// file.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) storage: Option<String>,
    /// Proxy: an http, https or socks5 URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Trust the authorities in this PEM file too
    ///
    /// Besides those of the system.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Header for a gateway, with each API request
    ///
    /// Repeat for more. It is never logged, and never sent to the storage host.
    #[arg(long = "header", global = true, value_name = "NAME: VALUE", value_parser = secret)]
    pub(crate) headers: Vec<SecretString>,
    /// Allow plain http: the key is unencrypted
    #[arg(long, global = true)]
    pub(crate) insecure_http: bool,
    /// Print data and errors as JSON
    ///
    /// Data is JSON anyway if standard output is not a terminal.
    #[arg(long, global = true, conflicts_with_all = ["text", "quiet"])]
    pub(crate) json: bool,
    /// Print data as text, also into a pipe
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(crate) text: bool,
    /// Print only ids and paths, no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Create a task, wait for it, save its video
    #[command(visible_alias = "gen", alias = "+gen")]
    Generate(Box<GenerateArgs>),
    /// Make a video go on: the new part as a video of its own
    Extend(Box<JoinedClipArgs>),
    /// Change what is in a video
    Edit(Box<ClipArgs>),
    /// Start a new video with the last frame of another
    Continue(Box<JoinedClipArgs>),
    /// Check a request without sending it; reports all findings at once
    Check(Box<CheckArgs>),
    /// Estimate the cost of a request without sending it
    Estimate(Box<EstimateArgs>),
    /// Run a list of shots
    Batch(Box<BatchArgs>),
    /// Show the cost of a journal's tasks
    Cost(CostArgs),
    /// Show a task
    #[command(visible_alias = "status")]
    Get(TaskArgs),
    /// List the tasks of the last 7 days
    #[command(visible_alias = "ls")]
    List(ListArgs),
    /// Wait until tasks have ended
    Wait(WaitArgs),
    /// Save the videos of tasks that have succeeded
    Download(DownloadArgs),
    /// Search for the task of a create with an unknown outcome; sends nothing
    Reconcile(Box<ReconcileArgs>),
    /// Cancel a queued task; a running task cannot be stopped
    Cancel(TaskArgs),
    /// Delete the service's record of a finished task; its video can then no longer be fetched
    Forget(ForgetArgs),
    /// List the video models of this key, or without a key those of the catalog
    Models(ModelsArgs),
    /// Run a local simulator of the service, for tests in any language
    Simulate(Box<SimulateArgs>),
    /// Serve agents over the Model Context Protocol, within a budget
    #[cfg(feature = "mcp")]
    Mcp(Box<McpArgs>),
    /// Remove what was uploaded to your bucket
    Storage(StorageArgs),
    /// Check key, network, catalog and disk
    Doctor(DoctorArgs),
    /// Show the settings, or edit their file
    Config(ConfigArgs),
    /// Show the version
    Version(VersionArgs),
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the man pages to a folder
    Man {
        /// The folder; existing pages are replaced
        folder: PathBuf,
    },
}

/// One task.
#[derive(Debug, Args)]
pub(crate) struct TaskArgs {
    /// Task id, `cgt-…`
    #[arg(value_name = "ID", value_parser = values::task_id)]
    pub(crate) id: String,
}

/// Filters of the list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only tasks in this state: queued, running, succeeded, failed, cancelled
    #[arg(long, add = candidates::statuses())]
    pub(crate) status: Option<TaskStatus>,
    /// Only these tasks; repeat, or separate with commas
    #[arg(long = "ids", value_name = "ID", value_delimiter = ',')]
    pub(crate) ids: Vec<String>,
    /// Only tasks of this model (a name such as 2.5, or an id) or endpoint id
    #[arg(short, long, value_name = "NAME|ID", add = candidates::models())]
    pub(crate) model: Option<String>,
    /// Only tasks of this tier: default or flex
    #[arg(long, alias = "service-tier", add = candidates::tiers())]
    pub(crate) tier: Option<ServiceTier>,
    /// Tasks on a page, 1 to 500
    #[arg(short = 'n', long, alias = "page-size", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    /// Page, 1 to 500
    #[arg(long, alias = "page-num", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) page: u32,
}

/// Timeout and poll interval.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct TimingArgs {
    /// Stop waiting after this long, such as 30m
    ///
    /// The task goes on. Default: 30m, with tier flex 49h.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Fixed poll interval
    ///
    /// Default: 3 s at first, later 15 s.
    #[arg(long, value_name = "TIME", hide_short_help = true, value_parser = values::pace, alias = "interval")]
    pub(crate) poll_interval: Option<Duration>,
}

/// The output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct SaveArgs {
    /// Save the video here
    ///
    /// Default: <task id>.mp4 in the current folder.
    #[arg(short, long, value_name = "FILE", aliases = ["out", "outfile", "output-file", "dest", "download-to"])]
    pub(crate) output: Option<PathBuf>,
    /// Save it in this folder as <task id>.mp4
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "output", aliases = ["save-to", "save-dir", "out-dir", "outdir", "download-dir"])]
    pub(crate) output_dir: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Continue an earlier run of the same request
    ///
    /// Nothing is created or fetched twice. Its record is NAME.ark-video.json beside the video, or
    /// without -o in the state directory. =ID selects one of several.
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "overwrite")]
    pub(crate) resume: Option<String>,
    /// Write no record beside the video
    ///
    /// The record is NAME.ark-video.json: task, prompt, hashes.
    #[arg(long, hide_short_help = true)]
    pub(crate) no_sidecar: bool,
}

/// Waiting for tasks.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Task ids, `cgt-…`
    #[arg(value_name = "ID", value_parser = values::task_id, required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
    /// Wait for all tasks of the account that are queued or running now
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) timing: TimingArgs,
}

/// Saving videos.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// Task ids, `cgt-…`
    #[arg(value_name = "ID", value_parser = values::task_id, required_unless_present = "all_succeeded")]
    pub(crate) ids: Vec<String>,
    /// Save the videos of all succeeded tasks
    ///
    /// Those that can still be fetched (24 hours); existing files are skipped.
    #[arg(long, conflicts_with_all = ["ids", "output"])]
    pub(crate) all_succeeded: bool,
    /// Videos fetched at the same time
    #[arg(long, default_value_t = 4, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) at_once: u8,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
}

/// Deleting one task's record.
#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    #[command(flatten)]
    pub(crate) task: TaskArgs,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// How models are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelSort {
    Price,
}

/// Which models.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only models with this name, or whose id contains this text
    #[arg(add = candidates::models())]
    pub(crate) filter: Option<String>,
    /// Also models that do not make videos
    #[arg(long)]
    pub(crate) all: bool,
    /// List the catalog's models with resolutions and durations, without calling the service
    #[arg(long)]
    pub(crate) offline: bool,
    /// Sort by the price of a second of 720p
    ///
    /// Unknown prices come last.
    #[arg(long, value_name = "BY")]
    pub(crate) sort: Option<ModelSort>,
    /// Show the sources of a rule: --why 2.5 1080p
    ///
    /// What the catalog says about a field, a value or a row of a model or family, with source,
    /// date and confidence.
    #[arg(long, num_args = 2, add = candidates::models(), value_names = ["MODEL|FAMILY", "FIELD|VALUE"], conflicts_with_all = ["filter", "all"])]
    pub(crate) why: Option<Vec<String>>,
}

/// A value that no error message and no `Debug` shows; it is checked later.
fn secret(value: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command(None).debug_assert();
    }

    #[test]
    fn no_flag_takes_a_key_on_the_command_line() {
        for command in std::iter::once(&command(None)).chain(command(None).get_subcommands()) {
            let flags: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
            // The simulator's key is valid for the simulator only.
            let taken = flags.contains(&"api-key") && command.get_name() != "simulate";
            assert!(!taken, "{}: {flags:?}", command.get_name());
        }
    }
}

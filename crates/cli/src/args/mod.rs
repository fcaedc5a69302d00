//! The command line as it is typed. Only its form: what the words mean is decided elsewhere.

mod batch;
mod batch_run;
mod check;
pub(crate) mod flag_values;
mod generate;
mod reconcile;
mod request;
mod simulate;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use ark_video::model::{ServiceTier, TaskStatus};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use batch::{BatchArgs, BatchCheckArgs, BatchVerb};
pub(crate) use batch_run::{
    BatchApproveArgs, BatchAssignArgs, BatchCancelArgs, BatchExportArgs, BatchOf, BatchReportArgs,
    BatchResolveArgs, BatchRetryArgs, BatchRunArgs, BatchStatusArgs, CostArgs, CostBy, CostReportArgs,
    CostVerb, JournalArgs, MoneyArgs, OnUnknownArg, PaceArgs, RetryState,
};
pub(crate) use check::{CheckArgs, EstimateArgs, RequestsArgs};
pub(crate) use generate::GenerateArgs;
pub(crate) use reconcile::ReconcileArgs;
pub(crate) use request::RequestArgs;
pub(crate) use simulate::{AccountArg, InlineMedia, SimulateArgs};
pub(crate) use values::task_id;

use crate::exit::Exit;

/// Make videos with Seedance on Volcengine Ark and BytePlus ModelArk. One request, at most one bill; no bill without its video.
#[derive(Debug, Parser)]
#[command(name = "ark-video", version, after_help = after_help(), max_term_width = 110, propagate_version = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use the built-in simulator: real answers, real files, no key, no bill, no configuration
    #[arg(long, global = true)]
    pub(crate) simulate: bool,
    /// File that holds the API key and nothing else; `-` reads it from standard input
    #[arg(long, global = true, value_name = "PATH|-")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Address of the service, with any path prefix [default: https://ark.cn-beijing.volces.com/api/v3]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Configuration file [default: ~/.config/ark-video/config.toml]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Use this profile of the configuration file, before the environment
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Lay this file over the built-in catalog of models, limits and prices: a newer schema/models.json, or a few cells
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// Send everything through this proxy (http, https or socks5 URL)
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Allow plain http to other machines: the key can then be read on the way
    #[arg(long, global = true)]
    pub(crate) insecure_http: bool,
    /// Data and errors as JSON; data is JSON anyway when standard output is not a terminal
    #[arg(long, global = true, conflicts_with_all = ["text", "quiet"])]
    pub(crate) json: bool,
    /// Data as prose, also when standard output is not a terminal
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(crate) text: bool,
    /// Print only ids and paths; no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a task, wait for it, save its video
    #[command(visible_alias = "gen")]
    Generate(Box<GenerateArgs>),
    /// Say what is wrong with a request, all of it at once, without sending it
    Check(Box<CheckArgs>),
    /// Say what a request will cost, without sending it
    Estimate(Box<EstimateArgs>),
    /// Many shots from one list
    Batch(Box<BatchArgs>),
    /// What the tasks of a journal cost
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
    /// Look for the task of a create whose outcome is unknown; sends nothing twice
    Reconcile(Box<ReconcileArgs>),
    /// Take a task out of the queue; one that runs already cannot be stopped
    Cancel(TaskArgs),
    /// Delete the record of a task that has ended, and with it the way to its video
    Forget(ForgetArgs),
    /// List the video models that this key can see, or, without a key, all that we know of
    Models(ModelsArgs),
    /// Run the service on this machine, for tests in any language
    Simulate(Box<SimulateArgs>),
    /// Show which key, address and model are used, and where they come from
    Config,
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        shell: Shell,
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
    #[arg(long)]
    pub(crate) status: Option<TaskStatus>,
    /// Only these tasks; repeat, or separate with commas
    #[arg(long = "ids", value_name = "ID", value_delimiter = ',')]
    pub(crate) ids: Vec<String>,
    /// Only tasks of this model or endpoint id
    #[arg(short, long)]
    pub(crate) model: Option<String>,
    /// Only tasks of this tier: default or flex
    #[arg(long)]
    pub(crate) tier: Option<ServiceTier>,
    /// Tasks on a page, 1 to 500
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    /// Page, 1 to 500
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) page: u32,
}

/// How patiently to wait.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct PatienceArgs {
    /// Stop waiting after this long, such as 90s, 30m or 49h; the task goes on [default: 30m, with tier flex 49h]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Look at this fixed pace [default: every 3 s at first, later every 15 s]
    #[arg(long, value_name = "TIME", value_parser = values::pace)]
    pub(crate) poll_interval: Option<Duration>,
}

/// Where the video goes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct SaveArgs {
    /// Save the video here [default: <task id>.mp4 in the current folder]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Save the video as <task id>.mp4 in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Go on where an earlier run of the same request ended: creates nothing twice, fetches nothing twice. It is found by
    /// its record: NAME.ark-video.json beside the video, without -o in the state directory. =ID says which of several
    #[arg(long, value_name = "ID", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "overwrite")]
    pub(crate) resume: Option<String>,
    /// Do not write NAME.ark-video.json beside the video (task, prompt, hashes)
    #[arg(long)]
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
    pub(crate) patience: PatienceArgs,
}

/// Saving videos.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// Task ids, `cgt-…`
    #[arg(value_name = "ID", value_parser = values::task_id, required_unless_present = "all_succeeded")]
    pub(crate) ids: Vec<String>,
    /// Save the videos of all tasks of the account that have succeeded and can still be fetched (24 hours); those that
    /// are here already are left alone
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
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Which models.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only models whose id or name holds this text
    pub(crate) filter: Option<String>,
    /// Also models that do not make videos
    #[arg(long)]
    pub(crate) all: bool,
    /// List what the catalog knows, with resolutions and lengths; ask nobody
    #[arg(long)]
    pub(crate) offline: bool,
    /// Say what the catalog knows of a field, a value or a row of a model or family, who says so, when, and how sure it
    /// is: `--why 2.5 1080p`, `--why doubao-seedance-2-0-260128 duration`
    #[arg(long, num_args = 2, value_names = ["MODEL|FAMILY", "FIELD|VALUE"], conflicts_with_all = ["filter", "all"])]
    pub(crate) why: Option<Vec<String>>,
}

fn after_help() -> String {
    format!(
        "Key, address and model come from: flags, then the profile named by --profile, then the\n\
         environment, then the configuration file (api_key_file or api_key, base_url, model, proxy, and\n\
         the same under [profiles.NAME]).\n\n\
         Environment: ARK_API_KEY (else VOLCENGINE_ARK_API_KEY, BYTEPLUS_ARK_API_KEY, BYTEPLUS_API_KEY,\n\
         SEEDANCE_API_KEY), ARK_BASE_URL, ARK_REGION, ARK_PROFILE, ARK_STATE_DIR,\n\
         HTTPS_PROXY, NO_PROXY, NO_COLOR, CI.\n\n\
         Records of creates are kept for 30 days in ARK_STATE_DIR, else in $XDG_STATE_HOME/ark-video, else\n\
         ~/.local/state/ark-video (macOS: ~/Library/Application Support, Windows: %LOCALAPPDATA%).\n\n{}",
        Exit::help()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_flag_takes_a_key_on_the_command_line() {
        for command in std::iter::once(&Cli::command()).chain(Cli::command().get_subcommands()) {
            let flags: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
            // The simulator's key opens nothing but the simulator.
            let taken = flags.contains(&"api-key") && command.get_name() != "simulate";
            assert!(!taken, "{}: {flags:?}", command.get_name());
        }
    }
}

//! The flags of `mcp`.

use std::net::SocketAddr;
use std::path::PathBuf;

use ark_video_batch::Amount;
use clap::{Args, ValueHint};

use super::{AccountArg, values};

/// `mcp`
#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// Serve HTTP instead of standard input and output
    ///
    /// Default: 127.0.0.1:8788. Each request needs the bearer token of ARK_MCP_TOKEN, or else the
    /// one that is printed at the start.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8788")]
    pub(crate) http: Option<SocketAddr>,
    /// Folder for videos and input files; repeatable
    ///
    /// Agents reach no file outside of these. Videos go into the first. Default: the current
    /// folder.
    #[arg(long = "root", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) roots: Vec<PathBuf>,
    /// Journal: a file or a postgres:// URL
    ///
    /// Servers on one journal share its budgets and tasks. Default: mcp.journal in the state
    /// directory.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<String>,
    /// Let agents spend this much, such as 20CNY
    ///
    /// For this start of the server, for each session, and for each day (UTC) of all servers on the
    /// journal. Without it nothing can be created.
    #[arg(long, value_name = "AMOUNT", help_heading = "Money")]
    pub(crate) budget: Option<Amount>,
    /// Another budget for each day (UTC)
    ///
    /// Of the whole journal.
    #[arg(long, value_name = "AMOUNT", help_heading = "Money", requires = "budget")]
    pub(crate) budget_day: Option<Amount>,
    /// Another budget for each session
    #[arg(long, value_name = "AMOUNT", help_heading = "Money", requires = "budget")]
    pub(crate) budget_session: Option<Amount>,
    /// The most that one video may cost
    #[arg(long, value_name = "AMOUNT", help_heading = "Money", requires = "budget")]
    pub(crate) per_call: Option<Amount>,
    /// Ask the person if a video may cost more
    ///
    /// Where the client can ask. Overrides `confirm_above` of the configuration file.
    #[arg(long, value_name = "AMOUNT", help_heading = "Money", requires = "budget")]
    pub(crate) confirm_above: Option<Amount>,
    /// Rate limits of the account
    ///
    /// Per model: company (10 tasks at once, 600 creates a minute) or personal (3 and 180).
    #[arg(long, value_name = "ACCOUNT", default_value = "company")]
    pub(crate) account: AccountArg,
    /// With --simulate: how fast time runs, such as 60x
    #[arg(long, value_name = "FACTOR", default_value = "1x", value_parser = values::speed)]
    pub(crate) speed: f64,
    /// With --simulate: inject the faults of this plan (TOML or JSON)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) faults: Option<PathBuf>,
}

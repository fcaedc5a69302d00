//! The flags of `simulate`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ark_video_simulator::Dialect;
use clap::{Args, ValueEnum};

use super::values;

/// `simulate`
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Listen address
    ///
    /// Port 0 takes any free port. Default: 127.0.0.1:8787, with --audit any free port.
    #[arg(long)]
    pub(crate) addr: Option<SocketAddr>,
    /// Listen address of the status page
    ///
    /// Also of the ledger, the clock and the faults; needs no key.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub(crate) control_addr: SocketAddr,
    /// Path prefix of the API
    ///
    /// Default: /api/v3, or that of the dialect.
    #[arg(long, value_name = "PATH")]
    pub(crate) prefix: Option<String>,
    /// How fast time runs, such as 60x
    ///
    /// At 1x a task takes about 4 s.
    #[arg(long, default_value = "1x", value_parser = values::speed, value_name = "FACTOR")]
    pub(crate) speed: f64,
    /// Stop the clock
    ///
    /// Only POST /clock/advance on the control port moves it.
    #[arg(long, conflicts_with = "speed")]
    pub(crate) manual_clock: bool,
    /// Time that a task is queued
    #[arg(long, default_value = "1s", value_parser = values::duration, value_name = "TIME")]
    pub(crate) queued: Duration,
    /// Time that a task runs
    #[arg(long, default_value = "3s", value_parser = values::duration, value_name = "TIME")]
    pub(crate) running: Duration,
    /// Apply the limits of an account
    ///
    /// The documented rate limits, concurrency and queue. Default: no limits.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) rates: Option<AccountArg>,
    /// Inject the faults of this plan (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Choose an undocumented behaviour; repeatable
    ///
    /// One that the documents leave open, such as delete-cancelled=ok.
    #[arg(long = "switch", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) switches: Vec<(String, String)>,
    /// Check inline media, or accept all
    #[arg(long, default_value = "measure", value_name = "HOW")]
    pub(crate) media: InlineMedia,
    /// Fetch and measure media behind URLs
    ///
    /// From this machine and the storage alone, so that their checks and bills are exact. Default:
    /// nothing is fetched, and the length of reference videos is assumed.
    #[arg(long)]
    pub(crate) fetch_media: bool,
    #[arg(long, value_name = "NAME|FILE", help = dialect_help())]
    pub(crate) dialect: Option<String>,
    /// Send callbacks to other machines too
    #[arg(long)]
    pub(crate) callbacks_anywhere: bool,
    /// Save and restore all tasks in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Same seed, same ids and videos
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Accept every key
    ///
    /// Not only the one that is printed.
    #[arg(long, conflicts_with = "api_key")]
    pub(crate) any_key: bool,
    /// Accept this key [default: a random one]
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Origin of the links to files
    ///
    /// Such as https://sim.example. Default: the Host of the request.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Stop when standard input closes
    ///
    /// And so when the process that holds the other end has ended.
    #[arg(long, conflicts_with = "audit")]
    pub(crate) until_stdin_closes: bool,
    /// Run a command and report its bills
    ///
    /// The command after `--` reaches the simulator; then what it would have been billed is
    /// reported, and what twice.
    #[arg(long, requires = "command")]
    pub(crate) audit: bool,
    /// The command to audit, after `--`; it gets ARK_BASE_URL and ARK_API_KEY
    #[arg(last = true, requires = "audit", value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Account type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountArg {
    Company,
    Personal,
}

/// How media in data URLs are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InlineMedia {
    Measure,
    Ignore,
}

/// The help with the names of the built-in dialects.
fn dialect_help() -> String {
    let names: Vec<&str> = Dialect::all().iter().map(Dialect::name).collect();
    format!("Response format of a reseller: {}; or a JSON file", names.join(", "))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

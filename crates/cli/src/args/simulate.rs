//! The flags of `simulate`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ark_video_simulator::Dialect;
use clap::{Args, ValueEnum};

use super::values;

/// The simulator as a server.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8787, with --audit any free port]
    #[arg(long)]
    pub(crate) addr: Option<SocketAddr>,
    /// Where to listen for the status page, the ledger, the clock and the faults; it asks for no key
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    pub(crate) control_addr: SocketAddr,
    /// Where the API is mounted [default: /api/v3, or where the dialect has it]
    #[arg(long, value_name = "PATH")]
    pub(crate) prefix: Option<String>,
    /// How fast time runs, such as 60x; at 1x a task takes about 4 s
    #[arg(long, default_value = "1x", value_parser = values::speed, value_name = "FACTOR")]
    pub(crate) speed: f64,
    /// Let time stand still, but for POST /clock/advance on the control port
    #[arg(long, conflicts_with = "speed")]
    pub(crate) manual_clock: bool,
    /// How long a task waits before it runs
    #[arg(long, default_value = "1s", value_parser = values::duration, value_name = "TIME")]
    pub(crate) queued: Duration,
    /// How long a task runs
    #[arg(long, default_value = "3s", value_parser = values::duration, value_name = "TIME")]
    pub(crate) running: Duration,
    /// Keep the documented rates, slots and queue of an account [default: no limits]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) rates: Option<AccountArg>,
    /// Let things go wrong as this fault plan says (TOML or JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Decide what the documents leave open, such as delete-cancelled=ok; repeat for more
    #[arg(long = "switch", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) switches: Vec<(String, String)>,
    /// Measure inline media and refuse what the service would, or take them as they are
    #[arg(long, default_value = "measure", value_name = "HOW")]
    pub(crate) media: InlineMedia,
    #[arg(long, value_name = "NAME|FILE", help = dialect_help())]
    pub(crate) dialect: Option<String>,
    /// Call back to other machines too, not only to this one
    #[arg(long)]
    pub(crate) callbacks_anywhere: bool,
    /// Keep all tasks in this file from one run to the next
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Same seed, same ids and videos [default: a new one each time]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Accept every key, not only the one that is printed
    #[arg(long, conflicts_with = "api_key")]
    pub(crate) any_key: bool,
    /// Accept this key instead of one that is drawn at each start
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// What links to files start with, such as https://sim.example [default: the host that the client asked]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Run a command against the simulator, then tell what it would have paid, and for what twice
    #[arg(long, requires = "command")]
    pub(crate) audit: bool,
    /// The command to audit, after `--`; it gets ARK_BASE_URL and ARK_API_KEY
    #[arg(last = true, requires = "audit", value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Whose limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountArg {
    Company,
    Personal,
}

/// What is done with media in data URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InlineMedia {
    Measure,
    Ignore,
}

/// With the names, which are data.
fn dialect_help() -> String {
    let names: Vec<&str> = Dialect::all().iter().map(Dialect::name).collect();
    format!("Answer as a reseller does: {}; or as a JSON file of yours says", names.join(", "))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

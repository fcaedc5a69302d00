//! The flags of `check` and `estimate`: requests that are checked and never sent.

use clap::Args;

use super::RequestArgs;

/// `check`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = CHECK_NOTES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) requests: RequestsArgs,
    /// Report errors as warnings, and exit with 0
    #[arg(long, help_heading = "Checks")]
    pub(crate) force: bool,
}

/// `estimate`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = ESTIMATE_NOTES)]
pub(crate) struct EstimateArgs {
    #[command(flatten)]
    pub(crate) requests: RequestsArgs,
}

/// One request as `generate` takes it, or several files.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RequestsArgs {
    /// The prompt; or requests as JSON: files that end in .json, or `-` for standard input
    #[arg(value_name = "PROMPT|FILE.json|-")]
    pub(crate) inputs: Vec<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

const CHECK_NOTES: &str = "\
Needs no key and no network. Exit code 0: no errors (there may be warnings). 4: a request is rejected.
Each finding names its rule, the source document, and the code with which the service would reject the request.
With --json, one document per request: findings have rule, strength, pointer, origin, message, advice, source, date,
code and http.

Examples:
  ark-video check \"A kite over the sea --rs 720p\" -d 5
  ark-video check \"She turns\" --first-frame start.heic -m doubao-seedance-1-0-pro-250528
  ark-video check shots/*.json --resolution 1080p
  ark-video check request.json --catalog newer.json --json";

const ESTIMATE_NOTES: &str = "\
Needs no key and no network. The result is a range if something is unknown: a duration that the model picks, or the
duration of a video URL. Prices are dated list prices; override them with --catalog.

Examples:
  ark-video estimate \"A paper boat\" -d 5 -r 16:9 --resolution 1080p
  ark-video estimate shots/*.json --json";

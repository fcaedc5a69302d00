//! The flags of `check` and `estimate`: requests that are checked and never sent.

use clap::{Args, ValueHint};

use super::RequestArgs;

/// `check`
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) requests: RequestsArgs,
    /// Report errors as warnings, and exit with 0
    #[arg(long, help_heading = "Checks")]
    pub(crate) force: bool,
}

/// `estimate`
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EstimateArgs {
    #[command(flatten)]
    pub(crate) requests: RequestsArgs,
    /// Compare all models of the site, cheapest first
    #[arg(long, conflicts_with = "model")]
    pub(crate) all_models: bool,
}

/// One request as `generate` takes it, or several files.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RequestsArgs {
    /// Prompt, `@FILE` with one, or JSON requests
    ///
    /// Requests are files that end in .json, or `-` for standard input.
    #[arg(value_name = "PROMPT|FILE.json|-", value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<String>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
}

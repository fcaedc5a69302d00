//! The flags of `reconcile`: what to look for, and how long.

use std::path::PathBuf;

use clap::Args;

use super::values::{self, When};

/// What to look for.
#[derive(Debug, Clone, Args)]
#[command(after_help = NOTES)]
pub(crate) struct ReconcileArgs {
    /// Videos whose create was interrupted, their NAME.ark-video.json, or errors that --json printed; `-` for standard
    /// input
    #[arg(value_name = "FILE|-", required_unless_present = "since", conflicts_with = "since")]
    pub(crate) files: Vec<PathBuf>,
    /// Look for a task created since then: a time such as 2026-11-22T10:15:00Z, or how long ago, such as 20m
    #[arg(long, value_name = "TIME", value_parser = values::moment, requires = "model")]
    pub(crate) since: Option<When>,
    /// Created until then [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::moment, requires = "since")]
    pub(crate) until: Option<When>,
    /// Model id or endpoint id of the create
    #[arg(short, long, value_name = "ID", requires = "since")]
    pub(crate) model: Option<String>,
    /// Take one look now instead of making sure (which takes some ten minutes)
    #[arg(long)]
    pub(crate) once: bool,
    /// Nobody else creates tasks on this account: take a single task that fits for the one
    #[arg(long)]
    pub(crate) exclusive: bool,
    /// Tasks that are known to belong to something else; repeat, or separate with commas
    #[arg(long = "not", value_name = "ID", value_delimiter = ',')]
    pub(crate) others: Vec<String>,
}

const NOTES: &str = "\
Found: exit code 0, and the id. Not found, or several that may be the one: exit code 12. \"Not found\" is evidence, not
proof: nobody documents how soon a new task is listed. Sending again after it is your decision, and may be a second bill.

Examples:
  ark-video reconcile boat.mp4
  ark-video --json generate … 2> error.json; ark-video reconcile error.json
  ark-video reconcile --since 20m --model doubao-seedance-2-0-260128";

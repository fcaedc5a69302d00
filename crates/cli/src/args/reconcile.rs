//! The flags of `reconcile`: what to look for, and how long.

use std::path::PathBuf;

use clap::Args;

use super::values::{self, When};

/// `reconcile`
#[derive(Debug, Clone, Args)]
pub(crate) struct ReconcileArgs {
    /// Videos whose create was interrupted, their NAME.ark-video.json, or errors printed by --json;
    /// `-` for standard input
    #[arg(value_name = "FILE|-", required_unless_present = "since", conflicts_with = "since")]
    pub(crate) files: Vec<PathBuf>,
    /// Search for a task created since then: a time such as 2026-11-22T10:15:00Z, or a duration
    /// before now, such as 20m
    #[arg(long, value_name = "TIME", value_parser = values::time, requires = "model")]
    pub(crate) since: Option<When>,
    /// Created before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::time, requires = "since")]
    pub(crate) until: Option<When>,
    /// Model (a name such as 2.5, or an id) or endpoint id of the create
    #[arg(short, long, value_name = "NAME|ID", requires = "since", add = super::candidates::models())]
    pub(crate) model: Option<String>,
    /// Search once instead of repeatedly for about ten minutes
    #[arg(long)]
    pub(crate) once: bool,
    /// Only this program creates tasks on the account: accept a single matching task
    #[arg(long)]
    pub(crate) exclusive: bool,
    /// Tasks to exclude; repeat, or separate with commas
    #[arg(long = "not", value_name = "ID", value_delimiter = ',')]
    pub(crate) others: Vec<String>,
}

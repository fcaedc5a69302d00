//! The arguments of `extend`, `edit` and `continue`, and of `storage`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::{GenerateArgs, values};

/// `edit`: a video, and what `generate` takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ClipArgs {
    /// The video: a file, a URL, or the id of a task
    ///
    /// A file goes through your bucket (--storage). The video of a task of the last 24 hours needs
    /// no upload.
    #[arg(value_name = "VIDEO|TASK", value_hint = ValueHint::FilePath)]
    pub(crate) clip: String,
    #[command(flatten)]
    pub(crate) generate: GenerateArgs,
}

/// `extend` and `continue`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JoinedClipArgs {
    #[command(flatten)]
    pub(crate) clip: ClipArgs,
    /// Also save both videos as one
    ///
    /// Without encoding anything again: size and codecs of both must be the same, and the first one
    /// a file.
    #[arg(long, value_name = "FILE", help_heading = "Output", conflicts_with_all = ["variants", "seeds", "no_wait", "no_download"])]
    pub(crate) join: Option<PathBuf>,
}

/// `storage`
#[derive(Debug, Args)]
pub(crate) struct StorageArgs {
    #[command(subcommand)]
    pub(crate) verb: StorageVerb,
}

/// What to do with the bucket.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum StorageVerb {
    /// Remove what this command uploaded long ago
    Prune {
        /// Only what was uploaded longer ago, such as 30d
        #[arg(long, value_name = "TIME", value_parser = values::days)]
        older_than: Duration,
        /// List it only
        #[arg(long)]
        dry_run: bool,
    },
}

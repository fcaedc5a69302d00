//! The arguments of `doctor`, `config` and `version`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `doctor`
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Check this journal
    ///
    /// Default: ARK_JOURNAL, else *.journal in the current folder.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) journal: Option<String>,
    /// Check the disk of this folder
    ///
    /// Where videos will be saved. Default: the current folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
}

/// `config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) verb: Option<ConfigVerb>,
}

/// What to do with the configuration file.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ConfigVerb {
    /// Write a commented configuration file
    Init,
    /// Set a field of the file, or of a profile
    Set {
        /// The field, such as model or headers.NAME
        #[arg(value_name = "FIELD")]
        field: String,
        /// Its value; `-`: standard input
        #[arg(value_name = "VALUE|-")]
        value: String,
    },
    /// Print a field of the file; secrets are masked
    Get {
        /// The field, such as model or headers.NAME
        #[arg(value_name = "FIELD")]
        field: String,
    },
    /// Print the path of the configuration file
    Path,
}

/// `version`
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Also commit, dates of catalog and schema, target
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

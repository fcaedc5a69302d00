//! What tests need of the machine that they run on, and share: a PostgreSQL server, two S3 servers,
//! free ports, a small disk, a wrong clock, and how often something random is tried. Knows nothing
//! of what is tested. A test that needs one of these is ignored with the reason, and named for it
//! (`.._with_postgresql`, `.._with_s3`, `.._with_seaweedfs`, `.._on_a_small_disk`,
//! `.._with_ffmpeg`): `cargo xtask test` runs it where the machine has it and reports it where not.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![deny(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

pub mod ports;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod s3;
pub mod seaweedfs;
pub mod small_disk;
pub mod wrong_clock;

/// How often something random is tried: `quick`, or `whole` in `cargo xtask ci --all`.
#[must_use]
pub fn times(quick: usize, whole: usize) -> usize {
    if std::env::var_os("ARK_VIDEO_WHOLE_TESTS").is_some() { whole } else { quick }
}

/// A program: the one that CI installed into this folder of the repository, else that in the PATH.
fn program(installed: &str, name: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(installed);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(own)
        .chain(std::env::split_paths(&paths))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Runs one test of this program in a process of its own, and panics unless it passes.
fn run_again(command: &mut Command) {
    let ran = command.output().unwrap();
    let output = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    // A name that is no test's would pass too.
    assert!(ran.status.success() && output.contains("1 passed"), "{output}");
}

//! A disk that is really full: a test runs itself again where a small disk in memory is mounted,
//! which Linux allows to every user in a namespace of their own.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::run_again;

const VARIABLE: &str = "ARK_VIDEO_TEST_SMALL_DISK";

/// Where a disk of so many megabytes is, in the process that has one: there the test continues. In
/// any other process this runs the test `name` again in such a process, and returns `None` when
/// that passed.
///
/// # Panics
/// Where no such disk can be mounted, or the test failed on it.
#[must_use]
pub fn small_disk(megabytes: u32, name: &str) -> Option<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE) {
        return Some(folder.into());
    }
    let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$1\"");
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{mount} && exec \"$2\" --exact {name} --include-ignored --nocapture");
    let mut command = in_namespace(&script, folder.path());
    command.arg(env::current_exe().unwrap()).env("TMPDIR", folder.path());
    run_again(command.env(VARIABLE, folder.path()));
    None
}

/// A shell script in a mount namespace of its own, which may mount what it needs.
#[must_use]
pub fn in_namespace(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder);
    command
}

//! A disk that is really full, for tests: a test runs itself again where a small disk in memory is mounted, which Linux allows to
//! everybody in a namespace of their own. Elsewhere the test says what it leaves out.
#![allow(clippy::print_stdout, reason = "what is left out stands in the test's output")]

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const VARIABLE: &str = "ARK_VIDEO_TEST_SMALL_DISK";

/// Runs the test `inside` of this program with a disk of so many megabytes; `what` is not tested where that cannot be.
pub(crate) fn with_small_disk(megabytes: u32, inside: &str, what: &str) {
    let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$1\"");
    let folder = tempfile::tempdir().unwrap();
    let probe = in_namespace(&mount, folder.path()).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        let skipped = format!("skipped: {what}, because no small disk can be mounted here (unshare, mount)");
        println!("{skipped}");
        if let Some(log) = env::var_os("ARK_VIDEO_SKIPPED_LOG") {
            let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
            writeln!(log, "{skipped}").unwrap();
        }
        return;
    }
    let script = format!("{mount} && exec \"$2\" --exact {inside} --nocapture");
    let status = in_namespace(&script, folder.path())
        .arg(env::current_exe().unwrap())
        .env("TMPDIR", folder.path())
        .env(VARIABLE, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}

/// Where the small disk is, within such a run.
pub(crate) fn small_disk() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(PathBuf::from)
}

/// Runs a shell script where it may mount what it likes and nobody else sees it.
fn in_namespace(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder);
    command
}

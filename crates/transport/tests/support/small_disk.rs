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

/// Where a disk of so many megabytes is, in the process that has one: there the test goes on. In any other this runs the test
/// `name` again in such a process, and answers `None` when that has passed; `what` is not tested where that cannot be.
pub(crate) fn small_disk(megabytes: u32, name: &str, what: &str) -> Option<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE) {
        return Some(folder.into());
    }
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
        return None;
    }
    let script = format!("{mount} && exec \"$2\" --exact {name} --nocapture");
    let ran = in_namespace(&script, folder.path())
        .arg(env::current_exe().unwrap())
        .env("TMPDIR", folder.path())
        .env(VARIABLE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    // A name that is no test's would pass too.
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    None
}

/// Runs a shell script where it may mount what it likes and nobody else sees it.
fn in_namespace(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(folder);
    command
}

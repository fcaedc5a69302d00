//! `cargo xtask faults`: every fault of the simulator at every operation, with our client and with
//! the vendor's Python runtime, as docs/reference/faults.md. Only starts what does the work:
//! tests/it/faults and tests/python/faults.py.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const PAGE: &str = "docs/reference/faults.md";
const SCRIPT: &str = "tests/python/faults.py";
/// Where `.ci/run` installs the vendor's runtime.
const VENV: &str = "target/ci/venv";

/// Runs both and writes the page, or with `check` compares it. Gives the page, and what was left
/// out.
pub(crate) fn run(root: &Path, python: Option<&str>, check: bool) -> Result<String> {
    let left_out = match runtime(root, python)? {
        Some(python) => {
            theirs(root, &python, check)?;
            String::new()
        }
        None => format!(
            "skipped: the vendor's Python runtime is in no {VENV}, so its columns are those of its last run; \
             install .ci/requirements.txt there, or name another with --python\n"
        ),
    };
    ours(root, check)?;
    let page = fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    Ok(format!("{page}\n{left_out}"))
}

/// A Python that has the runtime; one that was asked for has to.
fn runtime(root: &Path, asked: Option<&str>) -> Result<Option<PathBuf>> {
    let usual = root.join(VENV).join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let python = asked.map_or(usual, PathBuf::from);
    let there = Command::new(&python)
        .args(["-c", "import volcenginesdkarkruntime"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|ended| ended.success());
    ensure!(
        there || asked.is_none(),
        "{} cannot import volcenginesdkarkruntime; install .ci/requirements.txt for it",
        python.display()
    );
    Ok(there.then_some(python))
}

fn theirs(root: &Path, python: &Path, check: bool) -> Result<()> {
    let mut build = Command::new(crate::cargo());
    let ended = build.current_dir(root).args(["build", "--locked", "-p", "ark-video-cli"]).status()?;
    ensure!(ended.success(), "the simulator cannot be built; see above");
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let simulator = folder.join("debug").join(format!("ark-video{}", std::env::consts::EXE_SUFFIX));
    let mut script = Command::new(python);
    script.current_dir(root).arg(SCRIPT).arg("--ark-video").arg(simulator).stdin(Stdio::null());
    if check {
        script.arg("--check");
    }
    let ended = script.status().with_context(|| python.display().to_string())?;
    ensure!(ended.success(), "{SCRIPT} did not end well; see above");
    Ok(())
}

fn ours(root: &Path, check: bool) -> Result<()> {
    let ended = Command::new(crate::cargo())
        .current_dir(root)
        .args(["test", "--locked", "-p", "ark-video-tests", "--test", "it", "faults::"])
        .env("ARK_VIDEO_FAULTS", if check { "check" } else { "write" })
        .status()?;
    ensure!(ended.success(), "a promise is broken, or {PAGE} is stale; see above");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_was_asked_for_must_have_the_runtime() {
        let root = tempfile::tempdir().expect("a folder");
        let nowhere = root.path().join("python");
        let error = runtime(root.path(), nowhere.to_str()).expect_err("there is none").to_string();
        assert!(error.contains("requirements.txt"), "{error}");
        assert_eq!(runtime(root.path(), None).expect("it may be missing"), None);
    }
}

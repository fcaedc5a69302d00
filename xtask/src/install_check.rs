//! The command as a user installs it: from the packages, into an empty root, and whether it runs.
//! Part of `cargo xtask release-check`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// The package that holds the command.
const COMMAND: &str = "ark-video-cli";

/// Installs the command from the unpacked packages below `packages`, and runs what the README does
/// first. The other crates are taken from their packages too, because no registry has them yet.
pub(crate) fn run(packages: &Path, names: &[&str], version: &str, example: &Path) -> Result<String> {
    let unpacked = |name: &str| packages.join(format!("{name}-{version}"));
    let root = TempDir::new().context("no temporary folder can be made")?;
    let mut install = Command::new(crate::cargo());
    install.args(["install", "--offline", "--debug", "--no-track", "--path"]).arg(unpacked(COMMAND));
    install.arg("--root").arg(root.path());
    for name in names.iter().filter(|name| **name != COMMAND) {
        let path = toml::Value::from(unpacked(name).display().to_string());
        install.arg("--config").arg(format!("patch.crates-io.{name}.path={path}"));
    }
    // Outside of the repository, so that its configuration and lock play no part.
    let status = install.current_dir(root.path()).stdin(Stdio::null()).status();
    ensure!(status.context("cargo could not be started")?.success(), "the command cannot be installed");
    let program: PathBuf = root.path().join("bin").join(format!("ark-video{}", std::env::consts::EXE_SUFFIX));
    let made = Command::new(&program)
        .args(["generate", "--simulate", "-o", "tea.mp4"])
        .arg(example)
        .env_clear()
        .env("ARK_STATE_DIR", root.path().join("state"))
        .current_dir(root.path())
        .output()
        .context("the installed command could not be started")?;
    ensure!(made.status.success(), "the installed command failed: {}", String::from_utf8_lossy(&made.stderr));
    let video = std::fs::read(root.path().join("tea.mp4")).context("the installed command saved no video")?;
    ensure!(video.get(4..8) == Some(b"ftyp"), "what the installed command saved is not an MP4 file");
    Ok(format!(
        "the command was installed from its packages into an empty root, and made a video of {} bytes",
        video.len()
    ))
}

/// Whether a name is free at the registry, as far as this machine can ask it.
pub(crate) fn registry(name: &str) -> String {
    let info = Command::new(crate::cargo()).args(["info", "--registry", "crates-io", name]).output();
    match info {
        Ok(info) if info.status.success() => format!("{name}: the registry has a crate of this name"),
        Ok(info) if String::from_utf8_lossy(&info.stderr).contains("could not find") => {
            format!("{name}: free at the registry")
        }
        _ => format!("{name}: not known whether it is free, the registry cannot be asked"),
    }
}

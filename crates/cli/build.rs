//! Finds out what `version --verbose` reports: commit, date of the schema, target. Changes no code,
//! and fails nowhere: outside of a checkout the answer is `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let root = Path::new(&manifest).join("../..");
    println!("cargo::rerun-if-env-changed=ARK_VIDEO_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    set("ARK_VIDEO_COMMIT", std::env::var("ARK_VIDEO_COMMIT").ok().or_else(|| commit(&root)));
    set("ARK_VIDEO_SCHEMA", schema(&root.join("schema/vendor/SOURCE.toml")));
    set("ARK_VIDEO_TARGET", std::env::var("TARGET").ok());
}

fn set(variable: &str, value: Option<String>) {
    println!("cargo::rustc-env={variable}={}", value.unwrap_or_else(|| "unknown".to_owned()));
}

/// The checked-out commit. Each change of it is a line in the log of HEAD.
fn commit(root: &Path) -> Option<String> {
    let git = |line: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(line).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let log = Path::new(&git(&["rev-parse", "--absolute-git-dir"])?).join("logs/HEAD");
    // Cargo runs this script again at each build if the file is missing.
    if log.exists() {
        println!("cargo::rerun-if-changed={}", log.display());
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// The newest `received = YYYY-MM-DD`.
fn schema(sources: &Path) -> Option<String> {
    println!("cargo::rerun-if-changed={}", sources.display());
    let text = std::fs::read_to_string(sources).ok()?;
    text.lines().filter_map(|line| Some(line.strip_prefix("received = ")?.trim().to_owned())).max()
}

//! `cargo xtask release-check`: what must hold before a release and needs more than a clone. Public
//! APIs against the last tag, what each package would hold and whether it builds, the changelog.
//! Publishes nothing; says what it skipped and why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::install_check;
use crate::packages::{Package, packages};

/// The largest file that a package may hold, in bytes.
const LARGEST: u64 = 512 << 10;

/// Runs every check; an error lists what is wrong.
pub(crate) fn run(root: &Path) -> Result<String> {
    let packages = packages(root)?;
    let mut said = Vec::new();
    let mut wrong = Vec::new();
    for package in &packages {
        let files = listed(root, &package.name)?;
        let faults = contents(package, &files);
        said.push(format!("{}: {} files in the package", package.name, files.len()));
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", package.name)));
    }
    match builds(root, &packages) {
        Ok(unpacked) => {
            said.push(format!("all {} packages build from what they hold", packages.len()));
            let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
            let example = root.join("schema/examples/requests/vendor-tea.json");
            match install_check::run(&unpacked, &names, &version(root)?, &example) {
                Ok(text) => said.push(text),
                Err(error) => wrong.push(format!("{error:#}")),
            }
            said.extend(names.iter().map(|name| install_check::registry(name)));
        }
        Err(error) => wrong.push(format!("{error:#}")),
    }
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    let tag = last_tag(root);
    wrong.extend(unreleased(&changelog));
    match (&tag, semver_checks(root)) {
        (None, _) => said.push("public APIs: skipped, there is no tag v* to compare with".to_owned()),
        (Some(tag), false) => said.push(format!(
            "public APIs against {tag}: skipped, cargo-semver-checks is not installed (`cargo install cargo-semver-checks --locked`)"
        )),
        (Some(tag), true) => {
            for package in packages.iter().filter(|package| package.library) {
                match compare(root, &package.name, tag) {
                    Ok(()) => said.push(format!("{}: its version fits its changes since {tag}", package.name)),
                    Err(error) => wrong.push(format!("{}: {error}", package.name)),
                }
            }
        }
    }
    match crate::public_api::run(root, true) {
        Ok(same) => said.push(same.trim_end().to_owned()),
        Err(error) => wrong.push(format!("{error:#}")),
    }
    said.push(readme(root)?);
    let report = said.join("\n") + "\n";
    if wrong.is_empty() {
        Ok(report)
    } else {
        bail!("{report}not ready for a release:\n{}", wrong.join("\n"))
    }
}

/// What `cargo package` would put in.
fn listed(root: &Path, name: &str) -> Result<Vec<String>> {
    let output = Command::new(crate::cargo())
        .args(["package", "--list", "--allow-dirty", "--offline", "--package", name])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "`cargo package --list` of {name} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// What is missing from a package, or should not be in it.
fn contents(package: &Package, files: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let has = |name: &str| files.iter().any(|file| file == name);
    for needed in ["Cargo.toml", "README.md"] {
        if !has(needed) {
            faults.push(format!("the package holds no {needed}"));
        }
    }
    if !has("src/lib.rs") && !has("src/main.rs") {
        faults.push("the package holds no source".to_owned());
    }
    for file in files {
        let path = package.folder.join(file);
        let hidden = file.split('/').any(|part| part.starts_with('.') && part != ".cargo_vcs_info.json");
        if hidden
            || file.ends_with(".snap.new")
            || file.starts_with("target/")
            || file.ends_with(".pem")
            || file.ends_with(".key")
        {
            faults.push(format!("{file} has no place in a package"));
        }
        let size = fs::metadata(&path).map_or(0, |data| data.len());
        if size > LARGEST {
            faults.push(format!("{file} has {size} bytes, more than {LARGEST}"));
        }
    }
    faults
}

/// Packs every crate and builds it from its package, as a user's cargo would: what lies outside of
/// it is missing then. Takes minutes. Works on a copy that may be published, because cargo resolves
/// the other crates among those only.
fn builds(root: &Path, packages: &[Package]) -> Result<PathBuf> {
    let copy = TempDir::new().context("no temporary folder can be made")?;
    for file in tracked(root)? {
        let target = copy.path().join(&file);
        // What was deleted and not yet committed is listed, too.
        if let Ok(bytes) = fs::read(root.join(&file)) {
            fs::create_dir_all(target.parent().unwrap_or(copy.path()))?;
            fs::write(target, bytes).with_context(|| format!("{file} cannot be copied"))?;
        }
    }
    let manifest = copy.path().join("Cargo.toml");
    fs::write(&manifest, publishable(&fs::read_to_string(&manifest)?)?)?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let names = packages.iter().flat_map(|package| ["--package", &package.name]);
    let status = Command::new(crate::cargo())
        .args(["package", "--offline", "--allow-dirty"])
        .args(names)
        .current_dir(copy.path())
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "a package does not build from what it holds; cargo says above which and why");
    Ok(target.join("package"))
}

/// The version that all crates share.
fn version(root: &Path) -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse().context("Cargo.toml")?;
    let version =
        manifest.get("workspace").and_then(|workspace| workspace.get("package")?.get("version")?.as_str());
    version.map(str::to_owned).context("Cargo.toml has no version of the workspace")
}

/// Every file of the repository that git knows or would take.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git could not be started")?;
    ensure!(output.status.success(), "`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a file name that is no UTF-8")?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

/// The workspace's manifest without its ban on publishing.
fn publishable(manifest: &str) -> Result<String> {
    let mut manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    manifest
        .get_mut("workspace")
        .and_then(|workspace| workspace.get_mut("package")?.as_table_mut())
        .context("Cargo.toml has no [workspace.package]")?
        .insert("publish".to_owned(), true.into());
    Ok(manifest.to_string())
}

/// Whether there is something to release.
fn unreleased(changelog: &str) -> Option<String> {
    let section =
        changelog.split("## [Unreleased]").nth(1).map(|rest| rest.split("\n## [").next().unwrap_or(""));
    match section {
        None => Some("CHANGELOG.md has no `## [Unreleased]`".to_owned()),
        Some(section) if !section.lines().any(|line| line.starts_with("- ")) => {
            Some("CHANGELOG.md says nothing under `## [Unreleased]`".to_owned())
        }
        Some(_) => None,
    }
}

fn last_tag(root: &Path) -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--tags", "--abbrev=0", "--match", "v*"])
        .current_dir(root)
        .output()
        .ok()?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !tag.is_empty()).then_some(tag)
}

fn semver_checks(root: &Path) -> bool {
    let version =
        Command::new(crate::cargo()).args(["semver-checks", "--version"]).current_dir(root).output();
    version.is_ok_and(|output| output.status.success())
}

fn compare(root: &Path, name: &str, tag: &str) -> Result<()> {
    let output = Command::new(crate::cargo())
        .args(["semver-checks", "--package", name, "--baseline-rev", tag])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("cargo could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "its public API changed more than its version since {tag}:\n{text}");
    Ok(())
}

/// The examples of the README are documentation tests; this says where, so that nobody has to
/// believe it.
fn readme(root: &Path) -> Result<String> {
    for entry in fs::read_dir(root.join("crates")).context("cannot list crates")?.flatten() {
        let library = entry.path().join("src/lib.rs");
        let text = fs::read_to_string(&library).unwrap_or_default();
        if text.contains("include_str!(\"../../../README.md\")") {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Ok(format!(
                "README.md: its examples are documentation tests of crates/{name} (`cargo xtask doctest`)"
            ));
        }
    }
    bail!("no crate compiles the examples of README.md: include it in the documentation of one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_may_be_published_and_nothing_else_differs() {
        let before =
            "[workspace]\nmembers = [\"a\"]\n[workspace.package]\nversion = \"1.0.0\"\npublish = false\n";
        let after: toml::Table = publishable(before).unwrap().parse().unwrap();
        let expected: toml::Table = before.replace("false", "true").parse().unwrap();
        assert_eq!(after, expected);
        assert!(publishable("[workspace]\n").is_err());
        let files = tracked(&crate::root()).unwrap();
        assert!(files.iter().any(|file| file == "crates/model/src/lib.rs") && files.len() > 300);
        assert!(!files.iter().any(|file| file.starts_with("target/")));
    }

    #[test]
    fn an_empty_changelog_and_odd_files_are_named() {
        assert_eq!(unreleased("# C\n"), Some("CHANGELOG.md has no `## [Unreleased]`".to_owned()));
        assert!(unreleased("## [Unreleased]\n\n## [0.1.0]\n- a\n").is_some());
        assert!(unreleased("## [Unreleased]\n\n- a\n").is_none());
        let package = Package {
            name: "x".to_owned(),
            folder: crate::root().join("crates/model"),
            library: true,
            documented: None,
        };
        let files =
            |names: &[&str]| contents(&package, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert!(files(&["Cargo.toml", "README.md", "src/lib.rs", ".cargo_vcs_info.json"]).is_empty());
        let faults = files(&["Cargo.toml", "src/lib.rs", ".env", "a.snap.new"]);
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}

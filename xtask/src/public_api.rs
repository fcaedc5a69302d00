//! `cargo xtask public-api`: what each library makes public, one file per crate in
//! `docs/reference/api/`, read from rustdoc's JSON. A change of an API is then a change of its
//! file, to be reviewed; `cargo xtask release-check` compares them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::packages::packages;

const FOLDER: &str = "docs/reference/api";

/// Writes the files, or with `check` reports those that would change.
pub(crate) fn run(root: &Path, check: bool) -> Result<String> {
    let mut differing = Vec::new();
    let mut names = 0;
    for package in packages(root)? {
        let Some(features) = &package.documented else { continue };
        let listing = listing(root, &package.name, features)?;
        let path = root.join(FOLDER).join(format!("{}.txt", package.name));
        names += listing.lines().count();
        if fs::read_to_string(&path).unwrap_or_default() != listing {
            differing.push(format!("{FOLDER}/{}.txt", package.name));
        }
        if !check {
            fs::create_dir_all(root.join(FOLDER)).context(FOLDER)?;
            fs::write(&path, listing).with_context(|| path.display().to_string())?;
        }
    }
    let listed = differing.join(", ");
    ensure!(
        !check || differing.is_empty(),
        "the public API is not what {listed} says: `cargo xtask public-api` writes it; review the difference"
    );
    Ok(format!("public APIs: {names} items; changed: {}\n", if listed.is_empty() { "none" } else { &listed }))
}

/// The items that a crate's documentation would show, a line each, in the features of docs.rs.
fn listing(root: &Path, name: &str, features: &[String]) -> Result<String> {
    // Apart from other builds: the variable below makes build scripts run again.
    let target = root.join("target/public-api");
    let status = Command::new(crate::cargo())
        .args(["rustdoc", "--quiet", "--offline", "--lib", "--package", name])
        .args(features)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .current_dir(root)
        // The format is not stable, and this compiler writes the one that is read below.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the documentation of {name} could not be made");
    let json = target.join("doc").join(format!("{}.json", name.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| json.display().to_string())?;
    let mut text = String::new();
    for item in api.items() {
        writeln!(text, "{item}")?;
    }
    Ok(text)
}

//! The packages in `crates/`, as their manifests describe them. Builds nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A crate that would be published.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) library: bool,
    /// The features that docs.rs shows it with, as options of cargo; `None` if it does not.
    pub(crate) documented: Option<Vec<String>>,
}

/// The crates under `crates/`, by their manifests.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(root.join("crates")).context("cannot list crates")? {
        let folder = entry?.path();
        let Ok(text) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = text.parse().with_context(|| folder.display().to_string())?;
        let name = manifest
            .get("package")
            .and_then(|p| p.get("name")?.as_str())
            .context("a manifest without a name")?
            .to_owned();
        let docs = manifest.get("package").and_then(|p| p.get("metadata")?.get("docs")?.get("rs"));
        let documented = docs.map(|docs| match docs.get("features").and_then(toml::Value::as_array) {
            Some(names) => {
                let names: Vec<&str> = names.iter().filter_map(toml::Value::as_str).collect();
                vec!["--features".to_owned(), names.join(",")]
            }
            None => vec!["--all-features".to_owned()],
        });
        packages.push(Package { name, library: folder.join("src/lib.rs").is_file(), folder, documented });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

//! Which version each crate should get for a set of changes. In 0.x a breaking change raises the
//! minor number; what is unproved counts as breaking, because a version that was too high harms
//! nobody.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Change, Class};

/// The crate that the schema generates.
const GENERATED_INTO: &str = "ark-video-model";

/// How far a version rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bump {
    None,
    Patch,
    Minor,
    Major,
}

impl Bump {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }

    /// What these changes ask of a crate at `version` whose public types they are.
    pub(crate) fn of(changes: &[Change], version: &str) -> Self {
        let stable = !version.starts_with("0.");
        match changes.iter().map(Change::worst).max() {
            None => Self::None,
            Some(Class::DocsOnly) => Self::Patch,
            Some(Class::Compatible) if stable => Self::Minor,
            Some(Class::Compatible) => Self::Patch,
            Some(Class::Unproved | Class::Breaking) if stable => Self::Major,
            Some(Class::Unproved | Class::Breaking) => Self::Minor,
        }
    }

    /// The version after it.
    pub(crate) fn apply(self, version: &str) -> String {
        let numbers: Vec<u64> =
            version.split(['.', '-', '+']).take(3).filter_map(|n| n.parse().ok()).collect();
        let [major, minor, patch] = numbers.as_slice() else { return version.to_owned() };
        match self {
            Self::None => version.to_owned(),
            Self::Patch => format!("{major}.{minor}.{}", patch + 1),
            Self::Minor => format!("{major}.{}.0", minor + 1),
            Self::Major => format!("{}.0.0", major + 1),
        }
    }
}

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Uses the generated types, directly or by way of another of ours.
    pub(crate) uses_types: bool,
    /// A command: nobody compiles against it.
    pub(crate) command: bool,
}

impl Member {
    /// What the changes ask of this crate.
    pub(crate) fn bump(&self, changes: &[Change]) -> Bump {
        let types = Bump::of(changes, &self.version);
        match (self.uses_types, self.command) {
            (false, _) => Bump::None,
            (true, true) => types.min(Bump::Patch),
            (true, false) => types,
        }
    }
}

/// The crates under `crates/`, from their manifests.
pub(crate) fn members(root: &Path) -> Result<Vec<Member>> {
    let read = |path: &Path| -> Result<toml::Table> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        text.parse().with_context(|| path.display().to_string())
    };
    let workspace = read(&root.join("Cargo.toml"))?;
    let shared = workspace
        .get("workspace")
        .and_then(|w| w.get("package")?.get("version")?.as_str())
        .context("Cargo.toml has no workspace.package.version")?
        .to_owned();
    let mut manifests = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("crates")).context("cannot list crates")? {
        let path = entry?.path().join("Cargo.toml");
        if path.is_file() {
            let manifest = read(&path)?;
            let package = manifest.get("package").context("a manifest without a package")?;
            let name = package.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
            let version = package.get("version").and_then(toml::Value::as_str).unwrap_or(&shared).to_owned();
            let uses: Vec<String> = manifest
                .get("dependencies")
                .and_then(toml::Value::as_table)
                .map(|t| t.keys().cloned().collect())
                .unwrap_or_default();
            let command = path.parent().is_some_and(|folder| folder.join("src/main.rs").is_file());
            manifests.insert(name, (version, uses, command));
        }
    }
    let uses_types = |name: &str| {
        let mut open = vec![name.to_owned()];
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = open.pop() {
            if name == GENERATED_INTO {
                return true;
            }
            if !seen.contains(&name) {
                open.extend(manifests.get(&name).map(|(_, uses, _)| uses.clone()).unwrap_or_default());
                seen.push(name);
            }
        }
        false
    };
    Ok(manifests
        .iter()
        .map(|(name, (version, _, command))| Member {
            name: name.clone(),
            version: version.clone(),
            uses_types: uses_types(name),
            command: *command,
        })
        .collect())
}

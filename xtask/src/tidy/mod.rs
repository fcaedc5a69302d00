//! `cargo xtask tidy`: checks the repository for what the compiler, clippy.toml and deny.toml
//! cannot check. Every rule is a function from data (texts, tables, graphs) to findings; only
//! `Repo::read` and `graph::tree` read the disk and start `cargo`. A finding has a location and
//! says what to do.

mod docs;
mod files;
mod graph;
mod manifests;
mod tables;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// One thing to fix: where it is and what to do about it. Line 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

/// The files of the repository, by path from its root with forward slashes.
#[derive(Debug, Default)]
pub(crate) struct Repo {
    /// All paths, including folders and binary files: the valid link targets.
    paths: BTreeSet<String>,
    /// The files that are text.
    texts: BTreeMap<String, String>,
}

impl Repo {
    /// Reads the tree below `root` without what git ignores: build output and foreign hidden
    /// folders.
    fn read(root: &Path) -> Result<Self, String> {
        let mut repo = Self::default();
        let mut open = vec![root.to_path_buf()];
        while let Some(folder) = open.pop() {
            let failed = |e: std::io::Error| format!("{} could not be read: {e}", folder.display());
            for entry in std::fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let kind = entry.file_type().map_err(failed)?;
                let foreign_folder = name == "target"
                    || name == "__pycache__"
                    || (name.starts_with('.')
                        && ![".cargo", ".ci", ".config", ".github"].contains(&name.as_str()));
                // In a worktree of git `.git` is a file, with a path of this machine.
                if kind.is_symlink() || name == ".git" || (kind.is_dir() && foreign_folder) {
                    continue;
                }
                let path = entry.path();
                let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                if kind.is_dir() {
                    open.push(path);
                } else if let Ok(text) = std::fs::read_to_string(&path) {
                    repo.texts.insert(relative.clone(), text);
                }
                repo.paths.insert(relative);
            }
        }
        Ok(repo)
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let mut repo = Self::default();
        for (path, text) in files {
            for (at, _) in path.match_indices('/') {
                repo.paths.insert(path[..at].to_owned());
            }
            repo.paths.insert((*path).to_owned());
            repo.texts.insert((*path).to_owned(), (*text).to_owned());
        }
        repo
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// Written by `cargo xtask codegen`; its rules are those of the generator.
fn is_generated(path: &str) -> bool {
    path.contains("/src/generated/")
}

/// Documents of other people, kept byte for byte.
fn is_vendored(path: &str) -> bool {
    path.starts_with("schema/vendor/")
}

/// Runs every rule over the repository at `root`.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let repo = Repo::read(root)?;
    let architecture =
        repo.text("ARCHITECTURE.md").ok_or("ARCHITECTURE.md is missing: tidy reads its tables")?;
    let mut findings = Vec::new();

    findings.extend(graph::trees(architecture, |package| graph::tree(root, package)));
    findings.extend(files::check(&repo));
    findings.extend(manifests::check(&repo, architecture));
    findings.extend(docs::check(&repo));
    findings.extend(vocabulary::check(&repo));

    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Prints the findings; fails when there is one. With `fix` it first writes what can be derived:
/// who uses which dependency.
pub(crate) fn run(root: &Path, fix: bool) -> Result<(), String> {
    if fix && let Some((path, text)) = manifests::with_users(&Repo::read(root)?) {
        std::fs::write(root.join(path), text).map_err(|e| format!("{path} could not be written: {e}"))?;
        println!("{path}: second column written");
    }
    let findings = check(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        n => Err(format!("tidy: {n} finding(s), listed above; `cargo xtask tidy` repeats this check")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = check(&crate::root()).expect("the repository can be read");
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
    }

    #[test]
    fn a_finding_names_file_and_line() {
        assert_eq!(Finding::new("a.rs", 3, "do this").to_string(), "a.rs:3: do this");
        assert_eq!(Finding::new("a.rs", 0, "do that").to_string(), "a.rs: do that");
    }

    #[test]
    fn reading_leaves_out_build_output_and_foreign_folders() {
        let repo = Repo::read(&crate::root()).expect("the repository can be read");
        assert!(repo.text("Cargo.toml").is_some() && repo.text(".cargo/config.toml").is_some());
        assert!(repo.paths.contains("xtask/src"));
        assert!(!repo.paths.iter().any(|p| p.starts_with("target") || p.starts_with(".git/")));
    }
}

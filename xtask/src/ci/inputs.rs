//! Whether the inputs of a CI job have changed: sources, manifests and lock files, or the schema
//! and what is generated from it, compared with the commit in `.ci/passed`. Runs no job.
//!
//! `cargo xtask ci --all` writes that file when everything passed on a clean tree; commit it with
//! the next change. A clone without the file or without that commit (a shallow clone) runs every
//! job.

use std::fs;

use super::shell::Shell;

const RECORD: &str = ".ci/passed";

/// What can change a job's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Dependency graphs, features and fences.
    Manifests,
    /// All Rust code of the root's workspace.
    Sources,
    /// The schema, its tool with what the tests of that read, and what is generated.
    Schema,
}

impl Inputs {
    fn name(self) -> &'static str {
        match self {
            Self::Manifests => "manifest",
            Self::Sources => "source or manifest",
            Self::Schema => "schema or generated file",
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Manifests => &["*Cargo.toml", "*Cargo.lock", "*clippy.toml", "deny.toml", "*build.rs"],
            Self::Sources => &["*.rs", "*Cargo.toml", "*Cargo.lock", "*clippy.toml", "crates/*.md"],
            Self::Schema => &[
                "schema",
                "xtask/schema-tool",
                "crates/model/src",
                "docs/guide",
                "docs/reference/fields.md",
                "docs/reference/errors.md",
                "docs/reference/examples.md",
                "*Cargo.lock",
            ],
        }
    }

    /// Why a job of these inputs need not run; none if it must.
    pub(super) fn unchanged(self, shell: &Shell) -> Option<String> {
        let commit = fs::read_to_string(shell.root().join(RECORD)).ok()?;
        let commit = commit.trim();
        let is_hash = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let range = ["diff", "--quiet", commit, "--"];
        let same = is_hash && shell.has("git", &[&range[..], self.files()].concat());
        same.then(|| format!("no {} has changed since {commit:.12}; --all runs it", self.name()))
    }
}

/// Records HEAD as the commit at which everything passed, unless the tree has uncommitted changes.
pub(super) fn record(shell: &Shell) -> Result<(), String> {
    let clean = shell.output("git", &["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    let Some(head) = shell.output("git", &["rev-parse", "HEAD"]).filter(|_| clean) else { return Ok(()) };
    fs::write(shell.root().join(RECORD), head)
        .map_err(|error| format!("{RECORD} could not be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("ark-video-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join(".ci")).expect("writable");
        folder
    }

    #[test]
    fn without_a_commit_to_compare_with_every_job_runs() {
        let folder = folder("inputs");
        let shell = Shell::new(folder.clone(), false).expect("writable");
        assert_eq!(Inputs::Manifests.unchanged(&shell), None);
        for record in ["", "HEAD", "0000000000000000000000000000000000000000"] {
            fs::write(folder.join(RECORD), record).expect("writable");
            assert_eq!(Inputs::Schema.unchanged(&shell), None, "{record}");
        }
        drop(shell);
        fs::remove_dir_all(&folder).expect("removable");
    }

    #[test]
    fn each_kind_of_input_is_compared_by_itself() {
        let folder = folder("inputs-git");
        let shell = Shell::new(folder.clone(), false).expect("writable");
        let git = |args: &[&str]| {
            let author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
            assert!(shell.has("git", &[&author[..], args].concat()), "{args:?}");
        };
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("writable");
            git(&["add", "."]);
        };
        git(&["init", "--quiet"]);
        write(".gitignore", "target\n.ci\n");
        write("Cargo.toml", "[workspace]\n");
        git(&["commit", "--quiet", "-m", "first"]);
        record(&shell).expect("writable");
        let all = [Inputs::Manifests, Inputs::Schema, Inputs::Sources];
        let unchanged = || all.map(|inputs| inputs.unchanged(&shell).is_some());
        assert_eq!(unchanged(), [true, true, true]);
        write("main.rs", "fn main() {}\n");
        assert_eq!(unchanged(), [true, true, false]);
        write("Cargo.toml", "[workspace]\nmembers = []\n");
        assert_eq!(unchanged(), [false, true, false]);
        fs::create_dir(folder.join("schema")).expect("writable");
        write("schema/models.json", "{}\n");
        assert_eq!(unchanged(), [false, false, false]);
        drop(shell);
        fs::remove_dir_all(&folder).expect("removable");
    }
}

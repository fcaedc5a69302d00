//! `schema/vendor`: documents exactly as they were received, one base for each operation and any
//! number of second sources, and `SOURCE.toml` with origin, publisher, edition, date and hash of
//! each. A document whose hash differs was edited, and is not the publisher's any more.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::import::{self, Imported, Operation, normal};

pub(crate) const FOLDER: &str = "schema/vendor";
pub(crate) const FILE: &str = "schema/vendor/SOURCE.toml";

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// What the overlays correct: one for an operation at most.
    Base,
    /// Evidence: it is compared, and nothing is generated from it.
    Source,
}

/// All that `SOURCE.toml` lists.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sources {
    #[serde(rename = "document")]
    pub(crate) documents: Vec<Source>,
}

/// Where a document of `schema/vendor` comes from.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its path in the folder: the operation's name and a file name.
    pub(crate) file: String,
    pub(crate) operation: Operation,
    pub(crate) role: Role,
    pub(crate) title: String,
    /// Who published it.
    pub(crate) publisher: String,
    /// The publisher's number of the edition; empty where there is none.
    pub(crate) edition: String,
    pub(crate) origin: String,
    /// The day, as `YYYY-MM-DD`.
    pub(crate) received: toml::value::Datetime,
    /// Of the bytes as they were received.
    pub(crate) sha256: String,
    /// The file of `schema/examples` that the document's own example is kept in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) example: Option<String>,
}

impl Sources {
    /// Reads `SOURCE.toml` of the repository at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let all: Self = toml::from_str(&text).context(FILE)?;
        for (index, document) in all.documents.iter().enumerate() {
            let plain = document
                .file
                .split_once('/')
                .is_some_and(|(folder, name)| folder == document.operation.as_str() && is_plain(name));
            ensure!(
                plain,
                "{FILE}: `{}` is not a plain file name in the folder of its operation, `{}/…`",
                document.file,
                document.operation
            );
            let twice = all.documents[..index].iter().any(|other| other.file == document.file);
            ensure!(!twice, "{FILE}: `{}` is listed twice", document.file);
            let rival = all.documents[..index].iter().find(|other| {
                document.role == Role::Base
                    && other.role == Role::Base
                    && other.operation == document.operation
            });
            if let Some(rival) = rival {
                anyhow::bail!(
                    "{FILE}: `{}` and `{}` are both the base of `{}`",
                    rival.file,
                    document.file,
                    document.operation
                );
            }
        }
        ensure!(all.base(Operation::Create).is_some(), "{FILE}: no document is the base of `create`");
        Ok(all)
    }

    /// `SOURCE.toml` that says this.
    pub(crate) fn render(&self) -> Result<String> {
        let head = "# What lies here was received as it is and is never edited; corrections are files of schema/overlay.";
        Ok(format!("{head}\n\n{}", toml::to_string(self).context(FILE)?))
    }

    pub(crate) fn base(&self, operation: Operation) -> Option<&Source> {
        self.documents.iter().find(|document| document.role == Role::Base && document.operation == operation)
    }
}

impl Source {
    /// The document's path from the root.
    pub(crate) fn path(&self) -> String {
        format!("{FOLDER}/{}", self.file)
    }

    /// What people call it.
    pub(crate) fn label(&self) -> String {
        let edition =
            if self.edition.is_empty() { String::new() } else { format!(", edition {}", self.edition) };
        format!("{} ({}{edition}, received {})", self.title, self.publisher, self.received)
    }

    /// The document, after its hash was compared.
    pub(crate) fn import(&self, root: &Path) -> Result<Imported> {
        let path = self.path();
        let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        let found = sha256(&bytes);
        ensure!(
            found == self.sha256,
            "{path} is not the document that was received: its sha256 is\n  {found}, and SOURCE.toml says\n  {}\n  Restore it (git \
             checkout -- {path}); corrections belong in schema/overlay. If this is a new edition, take it in with `cargo xtask \
             schema update FILE`, or give SOURCE.toml its hash, origin and date and run `cargo xtask codegen`.",
            self.sha256
        );
        import::read_as(&bytes, Some(self.operation)).with_context(|| path)
    }
}

/// The base documents of all operations.
pub(crate) struct Bases {
    pub(crate) create: Imported,
    pub(crate) others: Vec<Imported>,
    /// Examples that documents keep in the repository: path and value.
    pub(crate) examples: Vec<(String, Value)>,
}

impl Bases {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let sources = Sources::read(root)?;
        let mut create = None;
        let (mut others, mut examples) = (Vec::new(), Vec::new());
        for source in &sources.documents {
            if source.role == Role::Source && source.example.is_none() {
                continue;
            }
            let imported = source.import(root)?;
            if let (Some(path), Some(example)) = (&source.example, &imported.example) {
                examples.push((path.clone(), example.clone()));
            }
            match (source.role, source.operation) {
                (Role::Source, _) => {}
                (Role::Base, Operation::Create) => create = Some(imported),
                (Role::Base, _) => others.push(imported),
            }
        }
        let create = create.with_context(|| format!("{FILE}: no document is the base of `create`"))?;
        Ok(Self { create, others, examples })
    }

    /// The bases with one of them replaced.
    pub(crate) fn with(mut self, imported: Imported) -> Self {
        if imported.operation == Operation::Create {
            self.create = imported;
        } else {
            self.others.retain(|other| other.operation != imported.operation);
            self.others.push(imported);
        }
        self
    }

    /// What the overlays start from.
    pub(crate) fn document(&self) -> Value {
        normal::document(&self.create, &self.others)
    }
}

/// A name that stays in its folder on every system.
pub(crate) fn is_plain(name: &str) -> bool {
    let characters = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let reserved = ["con", "nul", "aux", "prn"]
        .contains(&name.split('.').next().unwrap_or("").to_ascii_lowercase().as_str());
    characters
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("..")
        && !name.ends_with('.')
        && name.len() <= 80
        && !reserved
        && !name.eq_ignore_ascii_case("SOURCE.toml")
}

/// The hash that `SOURCE.toml` keeps.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The document that describes the create.
pub(crate) fn document(root: &Path) -> Result<Imported> {
    let sources = Sources::read(root)?;
    let create = sources.base(Operation::Create).context("no document is the base of `create`")?;
    create.import(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        for name in ["create-task.apifox.txt", "openapi.yaml", "a"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "../x",
            "a/b",
            "a\\b",
            ".hidden",
            "a..b",
            "nul.txt",
            "SOURCE.toml",
            "a.",
            "日.txt",
            "a b",
            "-x",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let committed = Sources::read(&crate::root()).unwrap();
        assert_eq!(fs::read_to_string(crate::root().join(FILE)).unwrap(), committed.render().unwrap());
        let mut odd = committed;
        odd.documents[0].title = "a \"b\"\\\nc".to_owned();
        let again: Sources = toml::from_str(&odd.render().unwrap()).unwrap();
        assert_eq!(again.documents, odd.documents);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let root = tempfile::TempDir::new().unwrap();
        fs::create_dir_all(root.path().join(FOLDER)).unwrap();
        let mut committed = Sources::read(&crate::root()).unwrap();
        committed.documents.retain(|document| document.operation == Operation::Create);
        committed.documents.truncate(1);
        committed.documents[0].role = Role::Base;
        let refused = |change: &dyn Fn(&mut Vec<Source>)| {
            let mut sources = committed.clone();
            change(&mut sources.documents);
            fs::write(root.path().join(FILE), sources.render().unwrap()).unwrap();
            format!("{:#}", Sources::read(root.path()).unwrap_err())
        };
        let copy = |name: &str| Source { file: name.to_owned(), ..committed.documents[0].clone() };
        assert!(refused(&|all| all[0].file = "../x.txt".to_owned()).contains("not a plain file name"));
        assert!(refused(&|all| all[0].file = "get/x.txt".to_owned()).contains("`create/…`"));
        assert!(refused(&|all| all.push(all[0].clone())).contains("is listed twice"));
        assert!(refused(&|all| all.insert(0, copy("create/b.txt"))).contains("both the base of `create`"));
        assert!(
            refused(&|all| all.iter_mut().for_each(|one| one.role = Role::Source))
                .contains("no document is the base")
        );
    }
}

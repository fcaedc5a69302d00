//! `schema/vendor`: the one document that everything is generated from, as it was received, and `SOURCE.toml` with its title,
//! origin, date and hash. A document whose hash differs was edited, and is not the vendor's any more.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::import::{self, Imported};

pub(crate) const FOLDER: &str = "schema/vendor";
pub(crate) const FILE: &str = "schema/vendor/SOURCE.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    document: Vec<Source>,
}

/// Where a document of `schema/vendor` comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its name in the folder.
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) origin: String,
    /// The day, as `YYYY-MM-DD`.
    pub(crate) received: toml::value::Datetime,
    /// Of the bytes as they were received.
    pub(crate) sha256: String,
}

impl Source {
    /// Reads `SOURCE.toml` of the repository at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let table: Table = toml::from_str(&text).context(FILE)?;
        let [document] = table.document.as_slice() else {
            bail!("{FILE} lists {} documents, not one", table.document.len())
        };
        ensure!(is_plain(&document.file), "{FILE}: `{}` is no plain file name", document.file);
        Ok(document.clone())
    }

    /// `SOURCE.toml` that says this.
    pub(crate) fn render(&self) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        format!(
            "# What lies here was received as it is and is never edited; corrections are files of schema/overlay.\n\n\
             [[document]]\nfile = {}\ntitle = {}\norigin = {}\nreceived = {}\nsha256 = {}\n",
            text(&self.file),
            text(&self.title),
            text(&self.origin),
            self.received,
            text(&self.sha256),
        )
    }

    /// The document's path from the root.
    pub(crate) fn path(&self) -> String {
        format!("{FOLDER}/{}", self.file)
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

/// The vendor's document, after a look at its hash.
pub(crate) fn document(root: &Path) -> Result<Imported> {
    let source = Source::read(root)?;
    let path = source.path();
    let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
    let found = sha256(&bytes);
    ensure!(
        found == source.sha256,
        "{path} is not the document that was received: its sha256 is\n  {found}, and SOURCE.toml says\n  {}\n  Restore it (git \
         checkout -- {path}); corrections belong in schema/overlay. If this is a new edition, take it in with `cargo xtask \
         schema update FILE`, or give SOURCE.toml its hash, origin and date and run `cargo xtask codegen`.",
        source.sha256
    );
    import::read(&bytes).with_context(|| path)
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
        let committed = Source::read(&crate::root()).unwrap();
        assert_eq!(fs::read_to_string(crate::root().join(FILE)).unwrap(), committed.render());
        let odd = Source { title: "a \"b\"\\\nc".to_owned(), ..committed };
        let again: Table = toml::from_str(&odd.render()).unwrap();
        assert_eq!(again.document[0].title, odd.title);
    }
}

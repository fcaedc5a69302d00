//! Changes of files as data, and their way to the disk: all of them, or none. Also a copy of what
//! the generator reads, so that a plan is made without touching the repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tempfile::{NamedTempFile, TempDir};

/// New bytes by path from the root; `None` deletes.
pub(crate) type Files = BTreeMap<String, Option<Vec<u8>>>;

/// Writes every change, each by renaming a file that is complete. When one cannot be made, those
/// before it are taken back.
pub(crate) fn commit(root: &Path, files: &Files) -> Result<()> {
    let mut ready: Vec<(PathBuf, Option<NamedTempFile>)> = Vec::new();
    for (path, bytes) in files {
        let target = root.join(path);
        let staged = match bytes {
            None => None,
            Some(bytes) => {
                let folder = target.parent().ok_or_else(|| anyhow!("{path} lies in no folder"))?;
                fs::create_dir_all(folder).with_context(|| format!("cannot make the folder of {path}"))?;
                let mut file =
                    NamedTempFile::new_in(folder).with_context(|| format!("cannot write beside {path}"))?;
                file.write_all(bytes).with_context(|| format!("cannot write beside {path}"))?;
                readable(&file)?;
                Some(file)
            }
        };
        ready.push((target, staged));
    }
    let mut done: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (target, staged) in ready {
        let before = fs::read(&target).ok();
        let result = match staged {
            Some(file) => file.persist(&target).map(drop).map_err(|error| error.error),
            None if before.is_none() => Ok(()),
            None => fs::remove_file(&target),
        };
        if let Err(error) = result {
            let lost: Vec<String> = done
                .iter()
                .rev()
                .filter_map(|(path, bytes)| restore(path, bytes.as_deref()).err().map(|e| e.to_string()))
                .collect();
            let rest = if lost.is_empty() {
                "nothing was changed".to_owned()
            } else {
                format!("and this could not be taken back: {}; `git status` shows it", lost.join(", "))
            };
            return Err(anyhow!("{} cannot be changed: {error}; {rest}", target.display()));
        }
        done.push((target, before));
    }
    Ok(())
}

fn restore(path: &Path, bytes: Option<&[u8]>) -> Result<()> {
    match bytes {
        Some(bytes) => fs::write(path, bytes),
        None => fs::remove_file(path),
    }
    .with_context(|| path.display().to_string())
}

/// A temporary file is for its owner only; what replaces a file of the repository is for everybody.
#[cfg(unix)]
fn readable(file: &NamedTempFile) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).context("cannot set permissions")
}

#[cfg(not(unix))]
fn readable(_: &NamedTempFile) -> Result<()> {
    Ok(())
}

/// A copy of `schema/`, from which everything is generated.
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let stage = Self(TempDir::new().context("no temporary folder can be made")?);
        copy(&root.join("schema"), &stage.root().join("schema")).context("schema/ cannot be copied")?;
        Ok(stage)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn apply(&self, files: &Files) -> Result<()> {
        commit(self.root(), files)
    }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_none() {
        let folder = TempDir::new().unwrap();
        let root = folder.path();
        fs::write(root.join("a"), "old").unwrap();
        fs::write(root.join("gone"), "here").unwrap();
        let files = |paths: &[(&str, Option<&str>)]| -> Files {
            paths
                .iter()
                .map(|(path, text)| ((*path).to_owned(), text.map(|t| t.as_bytes().to_vec())))
                .collect()
        };
        commit(root, &files(&[("a", Some("new")), ("b/c", Some("made")), ("gone", None), ("never", None)]))
            .unwrap();
        assert_eq!(fs::read_to_string(root.join("a")).unwrap(), "new");
        assert_eq!(fs::read_to_string(root.join("b/c")).unwrap(), "made");
        assert!(!root.join("gone").exists());

        // A folder stands where the last file should go.
        fs::create_dir_all(root.join("z/full")).unwrap();
        let error =
            commit(root, &files(&[("a", Some("newer")), ("b/c", None), ("m", Some("x")), ("z", Some("x"))]))
                .unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(fs::read_to_string(root.join("a")).unwrap(), "new");
        assert_eq!(fs::read_to_string(root.join("b/c")).unwrap(), "made");
        assert!(!root.join("m").exists());
        let left: Vec<_> = fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "no temporary file is left: {left:?}");
    }
}

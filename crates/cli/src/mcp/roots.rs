//! The folders that agents may reach. Symbolic links are resolved before a path is compared.

use std::path::{Path, PathBuf};

use ark_video::files::read_bounded;

use super::error::ToolError;
use crate::exit::Exit;
use crate::failure::Failure;

/// What may stand before a file or a URL in a media field.
const KINDS: [&str; 3] = ["image:", "video:", "audio:"];
/// What the service fetches itself, and what is in the request.
const ADDRESSES: [&str; 4] = ["https://", "http://", "asset://", "data:"];

/// Existing folders, without links.
#[derive(Debug)]
pub(super) struct Roots(Vec<PathBuf>);

impl Roots {
    /// The folders; the current one if none is given.
    pub(super) fn open(given: &[PathBuf], cwd: &Path) -> Result<Self, Failure> {
        let given = if given.is_empty() { vec![PathBuf::from(".")] } else { given.to_vec() };
        let real = |path: PathBuf| {
            let folder = cwd.join(&path).canonicalize().ok().filter(|folder| folder.is_dir());
            folder.ok_or_else(|| {
                Failure::new(Exit::Usage, format!("--root {} is not a folder", path.display()))
            })
        };
        Ok(Self(given.into_iter().map(real).collect::<Result<_, _>>()?))
    }

    /// Where videos go.
    pub(super) fn first(&self) -> &Path {
        self.0.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// The real path of a regular file below one of the folders.
    pub(super) fn file(&self, path: &Path) -> Result<PathBuf, ToolError> {
        // The same answer for what is outside and for what is not there: it says nothing about
        // files that an agent may not reach.
        self.first()
            .join(path)
            .canonicalize()
            .ok()
            .filter(|real| self.0.iter().any(|root| real.starts_with(root)) && real.is_file())
            .ok_or_else(|| ToolError::new("outside_roots", "This is not a file below the given folders."))
    }

    /// A media field with the real path of its file; a URL as it is.
    pub(super) fn media(&self, text: &str) -> Result<String, ToolError> {
        let text = text.trim();
        let (kind, named) = match KINDS.into_iter().find(|kind| text.starts_with(kind)) {
            Some(kind) => text.split_at(kind.len()),
            None => ("", text),
        };
        if ADDRESSES.iter().any(|scheme| named.starts_with(scheme)) {
            return Ok(text.to_owned());
        }
        let real = self.file(Path::new(named.strip_prefix('@').unwrap_or(named)))?;
        let real = real.to_str().ok_or_else(|| ToolError::usage("The path is not UTF-8."))?;
        Ok(format!("{kind}@{real}"))
    }

    /// The bytes of a file below the folders.
    pub(super) fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, ToolError> {
        let real = self.file(path)?;
        read_bounded(&real, most).map_err(|error| {
            Failure::new(Exit::Input, format!("The file cannot be read: {}", crate::media::reason(&error)))
                .into()
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folders() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        for file in ["in/a.png", "in/sub/b.png", "secret.png"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(folder.path().join("secret.png"), inside.join("link.png")).unwrap();
        std::os::unix::fs::symlink(folder.path(), inside.join("up")).unwrap();
        std::os::unix::fs::symlink("a.png", inside.join("fine.png")).unwrap();
        let roots = Roots::open(std::slice::from_ref(&inside), folder.path()).unwrap();
        let real = inside.canonicalize().unwrap();
        for (named, expected) in [
            ("a.png", "@/a.png"),
            ("@sub/../a.png", "@/a.png"),
            ("fine.png", "@/a.png"),
            ("image:sub/b.png", "image:@/sub/b.png"),
        ] {
            assert_eq!(roots.media(named).unwrap(), expected.replace("@", &format!("@{}", real.display())));
        }
        let secret = folder.path().join("secret.png").display().to_string();
        let missing = ["link.png", "up/secret.png", "../secret.png", &secret, "missing.png", "sub", ""];
        let file_url = format!("file://{secret}");
        for named in missing.into_iter().chain([file_url.as_str(), "first:@a.png", "/etc/passwd", "a.png\0"])
        {
            assert!(roots.media(named).is_err(), "{named}");
        }
        for url in ["https://h/a.png", "video:https://h/a", "asset://1", "data:image/png;base64,AA"] {
            assert_eq!(roots.media(url).unwrap(), url);
        }
    }
}

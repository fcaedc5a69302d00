//! Turns media arguments of the command line into items of the request. File contents are not read
//! here: they are streamed from disk when sent. Sends nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::model::{ContentItem, check::MediaFacts};
use ark_video::{Attachments, transport::FileSource};
pub(crate) use ark_video_media::MediaRole as Role;
use ark_video_media::{MediaOrigin, MediaSpec, MediaSpecError};

use crate::exit::Exit;
use crate::failure::Failure;

/// An item of a request, with the facts of its media file.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedItem {
    pub(crate) item: ContentItem,
    /// Its name in messages: `--ref hero.mov`.
    pub(crate) name: String,
    pub(crate) facts: Option<MediaFacts>,
    /// Why its header was not readable, as a sentence.
    pub(crate) doubt: Option<String>,
}

/// Resolves an argument. `flag` is for messages; a local file is added to `files`.
pub(crate) fn resolve(
    name: &MediaSpec<'_>,
    flag: &str,
    place: Role,
    cwd: &Path,
    files: &mut Attachments,
) -> Result<ResolvedItem, Failure> {
    let medium = name.resolve(place, cwd).map_err(|error| unusable(flag, &error))?;
    let url = match &medium.origin {
        MediaOrigin::File { path, media_type } => {
            let source = FileSource::new(path).map_err(|source| {
                unusable(flag, &MediaSpecError::Unreadable { shown: name.to_string(), source })
            })?;
            files.source(media_type, Arc::new(source))
        }
        MediaOrigin::Address(address) => address.clone(),
        _ => return Err(Failure::new(Exit::Internal, format!("{flag}: {name} has no known origin"))),
    };
    let item = medium.item(&url);
    Ok(ResolvedItem { item, name: format!("{flag} {name}"), facts: medium.facts, doubt: medium.doubt })
}

fn unusable(flag: &str, error: &MediaSpecError) -> Failure {
    let failure = |exit, text: String| Failure::new(exit, text).hint(error.advice());
    match error {
        MediaSpecError::Unreadable { .. } => {
            failure(Exit::Input, format!("{flag}: {}", error.with_reason())).hint("nothing was sent")
        }
        MediaSpecError::Folder { .. } => failure(Exit::Input, format!("{flag}: {error}")),
        MediaSpecError::NotAnImage { .. } => failure(Exit::Request, format!("{flag} {error}")),
        _ => failure(Exit::Request, format!("{flag}: {error}")),
    }
}

/// Reads a file named by the user.
pub(crate) fn read_file(what: &str, shown: &str, cwd: &Path) -> Result<Vec<u8>, Failure> {
    let path: PathBuf = cwd.join(shown);
    if path.is_dir() {
        return Err(Failure::new(Exit::Input, format!("{what} {shown} is a folder, not a file")));
    }
    std::fs::read(path)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read {what} {shown}: {}", reason(&error))))
}

/// The operating system's message, without the error number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;

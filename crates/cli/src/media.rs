//! Images, videos and sounds as they are named on the command line, and what becomes of them in the request. A file's
//! content is not read here: it goes from the disk onto the wire. Sends nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::model::{ContentItem, MediaFacts};
use ark_video::{Attachments, FileSource};
pub(crate) use ark_video_media::MediaPlace as Place;
use ark_video_media::{MediaName, MediaOrigin, NameError};

use crate::exit::Exit;
use crate::failure::Failure;

/// An item of a request, and what is known of its medium.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) item: ContentItem,
    /// How messages call it: `--ref hero.mov`.
    pub(crate) name: String,
    pub(crate) facts: Option<MediaFacts>,
    /// Why its header told nothing, as a sentence.
    pub(crate) doubt: Option<String>,
}

/// Finds out what a name is. `flag` is what the user typed, for messages; a local file is noted in `files`.
pub(crate) fn look(
    name: &MediaName<'_>,
    flag: &str,
    place: Place,
    cwd: &Path,
    files: &mut Attachments,
) -> Result<Found, Failure> {
    let medium = name.look(place, cwd).map_err(|error| unusable(flag, &error))?;
    let url = match &medium.origin {
        MediaOrigin::File { path, media_type } => {
            let source = FileSource::new(path).map_err(|source| {
                unusable(flag, &NameError::Unreadable { shown: name.to_string(), source })
            })?;
            files.source(media_type, Arc::new(source))
        }
        MediaOrigin::Address(address) => address.clone(),
        _ => return Err(Failure::new(Exit::Internal, format!("{flag}: {name} is nowhere"))),
    };
    let item = medium.item(&url);
    Ok(Found { item, name: format!("{flag} {name}"), facts: medium.facts, doubt: medium.doubt })
}

fn unusable(flag: &str, error: &NameError) -> Failure {
    let failure = |exit, text: String| Failure::new(exit, text).hint(error.advice());
    match error {
        NameError::Unreadable { .. } => {
            failure(Exit::Input, format!("{flag}: {error}")).hint("nothing was sent")
        }
        NameError::Folder { .. } => failure(Exit::Input, format!("{flag}: {error}")),
        NameError::NoFrame { .. } => failure(Exit::Request, format!("{flag} {error}")),
        _ => failure(Exit::Request, format!("{flag}: {error}")),
    }
}

/// Reads a file that the user named, or says why not.
pub(crate) fn read_file(what: &str, shown: &str, cwd: &Path) -> Result<Vec<u8>, Failure> {
    let path: PathBuf = cwd.join(shown);
    if path.is_dir() {
        return Err(Failure::new(Exit::Input, format!("{what} {shown} is a folder, not a file")));
    }
    std::fs::read(path).map_err(|error| {
        Failure::new(Exit::Input, format!("{what} {shown} cannot be read: {}", reason(&error)))
    })
}

/// The system's reason, without the number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;

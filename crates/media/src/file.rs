//! Opens a local file. The only place of this crate that touches the file system.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place of this crate that opens a file"
)]

use std::fs::File;
use std::io;
use std::path::Path;

use ark_video_model::check::MediaFacts;

use crate::ProbeError;

/// Reads the facts of a local file.
///
/// # Errors
/// [`ProbeError::Open`] when there is no such file or it is a folder or a pipe; else as
/// [`probe`](crate::probe).
pub fn probe_file(path: &Path) -> Result<MediaFacts, ProbeError> {
    let failed = |source| ProbeError::Open { path: path.to_owned(), source };
    // Checked before opening: opening a pipe would block until it has a writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a folder or a device, not a file",
        )));
    }
    crate::probe(&mut File::open(path).map_err(failed)?)
}

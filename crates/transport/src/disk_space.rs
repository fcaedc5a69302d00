//! Room on a disk: looked for before a file is fetched, so that it rarely runs out in the middle.

use std::path::Path;

use crate::{SaveError, files::folder_of};

/// Room that stays free beside every file, in bytes: 64 MiB. A disk filled to its last byte fails
/// everybody.
pub const MARGIN: u64 = 64 << 20;

/// Whether the disk of `path` has at least 64 MiB free. Checked before a video is billed.
///
/// # Errors
/// [`SaveError::NoSpace`].
pub fn check_room(path: &Path) -> Result<(), SaveError> {
    check(path, 0)
}

/// Whether there is room for `needed` bytes more, beside the 64 MiB.
pub(crate) fn check(path: &Path, needed: u64) -> Result<(), SaveError> {
    let needed = needed.saturating_add(MARGIN);
    match available_space(folder_of(path)) {
        Ok(available) if available < needed => {
            Err(SaveError::NoSpace { path: path.to_owned(), needed, available })
        }
        // A system that does not report free space fails when the disk is full.
        _ => Ok(()),
    }
}

/// The free space of the disk that holds this folder, in bytes.
///
/// # Errors
/// The folder is missing, or the system does not report it.
#[cfg(not(unix))]
pub fn available_space(folder: &Path) -> std::io::Result<u64> {
    fs4::available_space(folder)
}

/// The free space of the disk that holds this folder, in bytes.
///
/// # Errors
/// The folder is missing, or the system does not report it.
#[cfg(unix)]
pub fn available_space(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_frsize.saturating_mul(disk.f_bavail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_checked_with_some_to_spare() {
        let file = tempfile::NamedTempFile::new().unwrap();
        check(file.path(), 1 << 20).unwrap();
        assert!(check_room(file.path()).is_ok());
        let error = check(file.path(), 1 << 60).unwrap_err();
        assert!(
            matches!(error, SaveError::NoSpace { needed, .. } if needed == (1 << 60) + MARGIN),
            "{error}"
        );
        assert!(!error.is_disk_full(), "there is room for others");
    }
}

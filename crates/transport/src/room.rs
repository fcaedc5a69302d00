//! Room on a disk: looked for and taken before a film is fetched, so that it cannot run out in the middle.

use std::{fs::File, io, path::Path};

use crate::{SaveError, files::folder_of};

/// Room that stays free beside every file, in bytes: 64 MiB. A disk filled to its last byte fails everybody.
pub const MARGIN: u64 = 64 << 20;

/// Whether there is any room at all where `path` is to be: 64 MiB. Worth asking before a film is paid for.
///
/// # Errors
/// [`SaveError::NoSpace`].
pub fn check_room(path: &Path) -> Result<(), SaveError> {
    look(path, 0)
}

/// Takes room for `needed` bytes behind the first `bytes` of a file, without making it longer: what is as long as the
/// file was fetched. Where the file system cannot do that, it is only seen whether there is room.
pub(crate) fn take(file: &File, path: &Path, bytes: u64, needed: u64) -> Result<(), SaveError> {
    match reserve(file, bytes, needed) {
        Ok(()) => look(path, 0),
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            // Where there is room by the count and a quota says no, the system's own word is better.
            look(path, needed).and(Err(SaveError::file("given room on the disk", path)(error)))
        }
        Err(_) => look(path, needed),
    }
}

fn look(path: &Path, needed: u64) -> Result<(), SaveError> {
    let needed = needed.saturating_add(MARGIN);
    match fs4::available_space(folder_of(path)) {
        Ok(available) if available < needed => {
            Err(SaveError::NoSpace { path: path.to_owned(), needed, available })
        }
        // A system that does not tell will say so when it is full.
        _ => Ok(()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn reserve(file: &File, bytes: u64, needed: u64) -> io::Result<()> {
    if needed == 0 {
        return Ok(());
    }
    let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, flags, bytes, needed).map_err(io::Error::from)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_without_making_the_file_longer() {
        let file = tempfile::NamedTempFile::new().unwrap();
        take(file.as_file(), file.path(), 0, 1 << 20).unwrap();
        assert_eq!(file.as_file().metadata().unwrap().len(), 0);
        assert!(check_room(file.path()).is_ok());
        let error = take(file.as_file(), file.path(), 0, 1 << 60).unwrap_err();
        assert!(
            matches!(error, SaveError::NoSpace { needed, .. } if needed == (1 << 60) + MARGIN),
            "{error}"
        );
        assert!(!error.is_disk_full(), "there is room for others");
    }
}

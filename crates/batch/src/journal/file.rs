//! The journal's file before SQLite sees it: what is there, on what kind of disk, with which
//! rights. And its copies.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ark_video::files::{Staged, create_private, is_own_file};

use super::Journal;
use super::error::{JournalErrorKind, StoreError};
use super::schema::APPLICATION_ID;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// File systems whose files several machines may write, where SQLite's log cannot be shared
/// (sqlite.org/wal.html).
const NETWORK: [&str; 16] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "glusterfs",
    "fuse.glusterfs",
    "lustre",
    "beegfs",
    "afs",
    "gpfs",
    "ncpfs",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.s3fs",
];

/// The file that a link leads to. SQLite follows links too, so that only there its companions, the
/// kind of disk and the high-water mark are the journal's own. What leads to no journal is refused
/// by [`prepare`].
pub(super) fn real(path: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    // An empty file is as good as a new journal, and may be anyone's.
    let is_link = is_link && fs::metadata(path).is_ok_and(|found| found.len() > 0);
    is_link.then(|| fs::canonicalize(path).ok()).flatten().unwrap_or_else(|| path.to_owned())
}

fn io_error(error: &io::Error, what: &str) -> StoreError {
    use JournalErrorKind::{Denied, Disk, Full, Missing};
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Full,
        _ => Disk,
    };
    StoreError::Reported(kind, format!("{what} ({error})"))
}

/// Makes the file if there is none and `create` says so; refuses what is no journal, unseen by
/// SQLite, which would change it.
pub(super) fn prepare(path: &Path, create: bool) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Some(kind) = network_disk(folder) {
        let what = format!("it is on a network file system ({kind}), where two machines would damage it");
        return Err(StoreError::Reported(JournalErrorKind::NetworkDisk, what));
    }
    refuse_planted(path)?;
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            Err(StoreError::Reported(JournalErrorKind::Foreign, "it is no file".to_owned()))
        }
        Ok(found) => {
            // Asked before and after, so that a program that closes the journal just now is not
            // taken for damage.
            let log = || fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
            let before = log();
            let found = fs::metadata(path).unwrap_or(found);
            let mut header = Vec::new();
            fs::File::open(path)
                .and_then(|file| file.take(100).read_to_end(&mut header))
                .map_err(|error| io_error(&error, "the file cannot be read"))?;
            // An empty file is as good as a new one, if it is the user's own.
            if header.is_empty()
                && let Err(error) = is_own_file(path)
            {
                return Err(StoreError::Reported(JournalErrorKind::Foreign, error.to_string()));
            }
            judge(&header, found.len(), before.max(log()))?;
            keep_private(path, &found);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            make_folder(folder).map_err(|error| io_error(&error, "its folder cannot be made"))?;
            match create_private(path) {
                // Another program made it just now; a link that leads nowhere is not followed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match is_own_file(path) {
                    Err(error) => Err(StoreError::Reported(JournalErrorKind::Foreign, error.to_string())),
                    Ok(_) => Ok(()),
                },
                made => made.map_err(|error| io_error(&error, "the file cannot be made")),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::Reported(JournalErrorKind::Missing, "there is none".to_owned()))
        }
        Err(error) => Err(io_error(&error, "the file cannot be seen")),
    }
}

/// What the first hundred bytes say (sqlite.org/fileformat2.html, 1.3). Empty is as good as new.
fn judge(header: &[u8], length: u64, log: u64) -> Result<(), StoreError> {
    if length == 0 {
        return Ok(());
    }
    let foreign = |what: &str| Err(StoreError::Reported(JournalErrorKind::Foreign, what.to_owned()));
    let number = |at: usize, bytes: usize| {
        header
            .get(at..at + bytes)
            .map(|part| part.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    if header.get(..16) != Some(MAGIC.as_slice()) {
        return foreign("the file is no SQLite database");
    }
    let (Some(size), Some(pages), Some(application)) = (number(16, 2), number(28, 4), number(68, 4)) else {
        return Err(StoreError::damaged("the file is cut off"));
    };
    // A journal whose first transaction is still in the log has one page and no mark yet.
    if application != APPLICATION_ID.unsigned_abs() && !(application == 0 && pages <= 1) {
        return foreign("the database belongs to another program");
    }
    let size = if size == 1 { 65_536 } else { size };
    if log == 0 && (size == 0 || length != pages * size) {
        return Err(StoreError::damaged("the file is cut off, or something was put behind its end"));
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// What SQLite keeps beside a database (sqlite.org/tempfiles.html); it opens whatever has these
/// names.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses what has a name that SQLite would write through: a link, a pipe, a second name of
/// another file. A journal that was copied by hard links has companions that were copied so too.
fn refuse_planted(path: &Path) -> Result<(), StoreError> {
    let copied = is_own_file(path).is_err();
    for ending in COMPANIONS {
        let companion = beside(path, ending);
        let Err(error) = is_own_file(&companion) else { continue };
        if !copied || !fs::symlink_metadata(&companion).is_ok_and(|found| found.is_file()) {
            let name = companion.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let what = format!("SQLite would write to {name}, which is not ours: {error}; move it away");
            return Err(StoreError::Reported(JournalErrorKind::Foreign, what));
        }
    }
    Ok(())
}

/// A file that others may read is closed to them; one that is not ours is left as it is.
#[cfg(unix)]
fn keep_private(path: &Path, found: &fs::Metadata) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = found.permissions().mode();
    if mode & 0o077 != 0 {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700));
    }
}

#[cfg(not(unix))]
fn keep_private(_: &Path, _: &fs::Metadata) {}

/// The kind of network file system that a folder is on, where that is known.
fn network_disk(folder: &Path) -> Option<String> {
    let existing = folder.ancestors().find_map(|part| {
        fs::canonicalize(if part.as_os_str().is_empty() { Path::new(".") } else { part }).ok()
    })?;
    let kind = match fs::read_to_string("/proc/self/mountinfo") {
        Ok(mounts) => kind_of_disk(&mounts, &existing)?.to_owned(),
        Err(_) if existing.to_string_lossy().starts_with(r"\\?\UNC\") => return Some("UNC".to_owned()),
        Err(_) => return None,
    };
    NETWORK.contains(&kind.as_str()).then_some(kind)
}

/// From Linux's table of mounts (proc(5)): the last of those with the longest path that holds it.
fn kind_of_disk<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let (mount, kind) = line.split_once(" - ")?;
            let at =
                mount.split(' ').nth(4)?.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
            path.starts_with(&at).then_some((at.len(), kind.split(' ').next()?))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

impl Journal {
    pub(super) async fn copy_to(&self, to: &Path) -> Result<bool, StoreError> {
        if self.inner.db.is_server() {
            return Ok(false);
        }
        let unkept = |error: io::Error| io_error(&error, "the copy cannot be kept");
        let staged = Staged::beside(to).map_err(unkept)?;
        let name = staged.path().to_str();
        let name = name.ok_or_else(|| StoreError::refused("the copy's path is not Unicode text"))?.to_owned();
        self.inner.db.all("VACUUM INTO $1", vec![name.into()]).await?;
        staged.replace(to).map_err(unkept)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_disk_is_that_of_its_mount() {
        let mounts = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
                      40 22 0:50 / /mnt/shots rw shared:9 - nfs4 server:/shots rw\n\
                      41 22 0:51 / /mnt/my\\040disk rw - fuse.sshfs me@host: rw\n";
        let kind = |path: &str| kind_of_disk(mounts, Path::new(path));
        assert_eq!(kind("/srv/me"), Some("ext4"));
        assert_eq!(kind("/mnt/shots/night"), Some("nfs4"));
        assert_eq!(kind("/mnt/shots2"), Some("ext4"));
        assert_eq!(kind("/mnt/my disk/a"), Some("fuse.sshfs"));
        assert!(NETWORK.contains(&"nfs4") && !NETWORK.contains(&"ext4"));
    }
}

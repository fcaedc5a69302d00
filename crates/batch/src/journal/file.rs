//! The journal's file before SQLite sees it: what is there, on what kind of disk, with which rights. And its copies.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::Journal;
use super::db::Db;
use super::error::{JournalErrorKind, Trouble};
use super::schema::APPLICATION_ID;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// File systems whose files several machines may write, where SQLite's log cannot be shared (sqlite.org/wal.html).
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

fn told(error: &io::Error, what: &str) -> Trouble {
    use JournalErrorKind::{Denied, Disk, Full, Missing};
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Full,
        _ => Disk,
    };
    Trouble::Said(kind, format!("{what} ({error})"))
}

/// Makes the file if there is none and `create` says so; refuses what is no journal, unseen by SQLite, which would change it.
pub(super) fn prepare(path: &Path, create: bool) -> Result<(), Trouble> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Some(kind) = network_disk(folder) {
        let what = format!("it is on a network file system ({kind}), where two machines would damage it");
        return Err(Trouble::Said(JournalErrorKind::NetworkDisk, what));
    }
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            Err(Trouble::Said(JournalErrorKind::Foreign, "it is no file".to_owned()))
        }
        Ok(found) => {
            // Asked before and after, so that a program that closes the journal just now is not taken for damage.
            let log = || fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
            let before = log();
            let found = fs::metadata(path).unwrap_or(found);
            let mut header = Vec::new();
            fs::File::open(path)
                .and_then(|file| file.take(100).read_to_end(&mut header))
                .map_err(|error| told(&error, "the file cannot be read"))?;
            judge(&header, found.len(), before.max(log()))?;
            keep_private(path, &found);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            make_folder(folder).map_err(|error| told(&error, "its folder cannot be made"))?;
            make_file(path).map_err(|error| told(&error, "the file cannot be made"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Trouble::Said(JournalErrorKind::Missing, "there is none".to_owned()))
        }
        Err(error) => Err(told(&error, "the file cannot be seen")),
    }
}

/// What the first hundred bytes say (sqlite.org/fileformat2.html, 1.3). Empty is as good as new.
fn judge(header: &[u8], length: u64, log: u64) -> Result<(), Trouble> {
    if length == 0 {
        return Ok(());
    }
    let foreign = |what: &str| Err(Trouble::Said(JournalErrorKind::Foreign, what.to_owned()));
    let number = |at: usize, bytes: usize| {
        header
            .get(at..at + bytes)
            .map(|part| part.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    if header.get(..16) != Some(MAGIC.as_slice()) {
        return foreign("the file is no SQLite database");
    }
    let (Some(size), Some(pages), Some(application)) = (number(16, 2), number(28, 4), number(68, 4)) else {
        return Err(Trouble::damaged("the file is cut off"));
    };
    // A journal whose first transaction is still in the log has one page and no mark yet.
    if application != APPLICATION_ID.unsigned_abs() && !(application == 0 && pages <= 1) {
        return foreign("the database belongs to another program");
    }
    let size = if size == 1 { 65_536 } else { size };
    if log == 0 && (size == 0 || length != pages * size) {
        return Err(Trouble::damaged("the file is cut off, or something was put behind its end"));
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

fn make_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
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

/// The kind of network file system that a folder is on, where that can be told.
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
    pub(super) async fn copy_to(&self, to: &Path) -> Result<bool, Trouble> {
        let Db::Sqlite { .. } = self.inner.db else { return Ok(false) };
        let part = beside(to, ".part");
        let name = part.to_str().ok_or_else(|| Trouble::refused("the copy's path is no Unicode text"))?;
        let written = async {
            let _ = fs::remove_file(&part);
            make_file(&part).map_err(|error| told(&error, "the copy cannot be made"))?;
            self.inner.db.all("VACUUM INTO $1", vec![name.into()]).await?;
            let kept =
                fs::File::open(&part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part, to));
            kept.map_err(|error| told(&error, "the copy cannot be kept"))
        };
        let written: Result<(), Trouble> = written.await;
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map(|()| true)
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

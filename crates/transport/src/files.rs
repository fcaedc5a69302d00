//! The one place that makes files and opens them again: what stands under a name that is about to
//! be used (a symbolic link, a pipe, a folder, a second name of another file) is never written
//! through. Decides nothing about what files hold.
#![expect(clippy::disallowed_types, reason = "the one place that makes files")]

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use tempfile::NamedTempFile;

/// What the names of files begin with that have not got their own name yet.
const PREFIX: &str = ".ark-video-";

/// A file that is written under a name that cannot be predicted, and then takes its own in one
/// step. It is readable by its owner only, and vanishes when dropped before that.
#[derive(Debug)]
pub struct Staged(NamedTempFile);

impl Staged {
    /// An empty file in the folder of `target`.
    ///
    /// # Errors
    /// The system said no.
    pub fn beside(target: &Path) -> io::Result<Self> {
        tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder_of(target)).map(Self)
    }

    /// Where it is for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Flushes it to the disk and gives it the name `target`, in place of whatever had that name; a
    /// link there is replaced, not followed.
    ///
    /// # Errors
    /// The system said no, for example because `target` is a folder. What was there stays.
    pub fn replace(self, target: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist(target).map(drop).map_err(|failed| failed.error)?;
        sync_folder(folder_of(target))
    }

    /// A file of this name. Only for one whose user holds a lock: what a killed process left under
    /// it is removed, where a name of its own would stay.
    pub(crate) fn named(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let name = path.file_name().unwrap_or_default();
        tempfile::Builder::new().prefix(name).rand_bytes(0).tempfile_in(folder_of(path)).map(Self)
    }

    /// As [`Self::replace`], if nothing has that name.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or the system said no.
    pub fn place_new(self, target: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist_noclobber(target).map(drop).map_err(|failed| failed.error)?;
        sync_folder(folder_of(target))
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Atomically replaces the file of this name with these bytes, also across a power cut. Only its
/// owner can read it.
///
/// # Errors
/// The system said no; what was there stays.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = Staged::beside(path)?;
    staged.write_all(bytes)?;
    staged.replace(path)
}

/// Makes an empty file that only its owner can read.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], also for a link that leads nowhere; or the system said no.
pub fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Makes a folder of ours, and those above it.
///
/// # Errors
/// A link stands under its name, also one to a folder; or the system said no.
pub fn create_own_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link"));
    }
    Ok(())
}

/// Makes a folder, and those above it, that only its owner can read. One that is there stays as it
/// is.
///
/// # Errors
/// The system refused it.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Reads a small file that anyone may have put there: never waits for the writer of a pipe, never
/// reads more than `most` bytes.
///
/// # Errors
/// It is not a regular file, is larger, or the system said no.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Opens a regular file for reading; never waits for the writer of a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, no_wait());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Whether a file of ours has this name: a regular file, reached by no link and with no second
/// name. `false` if nothing has it.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] with the reason if something else has the name, or the system
/// said no.
pub fn is_own_file(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) => judge(&found).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a file of ours for reading and writing, or makes it. Follows no link and waits for no
/// pipe.
///
/// # Errors
/// As [`is_own_file`]; also if it belongs to another user.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let mut new = options.clone();
    match new.create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    is_own_file(path)?;
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, no_follow() | no_wait());
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, OPEN_REPARSE_POINT);
    let file = options.open(path)?;
    // The opened file decides, not what was there before.
    let found = file.metadata()?;
    judge(&found)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Compared with a file that we make: some mounts show another owner for everything. A full
        // disk takes none.
        let ours = Staged::beside(path).and_then(|staged| staged.0.as_file().metadata());
        if ours.is_ok_and(|ours| ours.uid() != found.uid()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it belongs to another user"));
        }
    }
    Ok(file)
}

/// Puts these bytes into a file of ours in place of what is in it. Takes no room that the file has
/// not got already, and can leave half of it behind: for a disk that is full.
///
/// # Errors
/// As [`is_own_file`].
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open_own(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link itself.
#[cfg(windows)]
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

#[cfg(unix)]
fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

#[cfg(unix)]
fn no_wait() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

fn judge(found: &Metadata) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if found.is_symlink() {
        return refuse("it is a symbolic link");
    }
    if found.is_dir() {
        return refuse("it is a folder");
    }
    if !found.is_file() {
        return refuse("it is a pipe or a device");
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(found) > 1 {
        return refuse("the same file has a second name (a hard link)");
    }
    Ok(())
}

/// A name is on the disk when its folder is. Where folders cannot be opened, the system keeps their
/// order itself.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::TempDir;

    use super::*;

    type Plant = fn(&TempDir, &Path);

    /// Everything that can stand under a name and must not be written through.
    const PLANTS: [(&str, Plant); 5] = [
        ("a link that leads nowhere", |folder, path| symlink(folder.path().join("nowhere"), path).unwrap()),
        ("a link to a file", |folder, path| symlink(folder.path().join("victim"), path).unwrap()),
        ("a link to a folder", |folder, path| symlink(folder.path().join("other"), path).unwrap()),
        ("a second name", |folder, path| fs::hard_link(folder.path().join("victim"), path).unwrap()),
        ("a pipe", |_, path| {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }),
    ];

    fn planted(plant: Plant) -> (TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("victim"), "mine").unwrap();
        fs::create_dir(folder.path().join("other")).unwrap();
        let path = folder.path().join("name");
        plant(&folder, &path);
        (folder, path)
    }

    #[test]
    fn a_folder_of_ours_is_no_link() {
        for (what, plant) in PLANTS {
            let (folder, path) = planted(plant);
            assert!(create_own_folder(&path).is_err(), "{what}");
            unharmed(&folder);
            let free = folder.path().join("free/below");
            create_own_folder(&free).unwrap();
            create_own_folder(&free).unwrap();
        }
    }

    fn unharmed(folder: &TempDir) {
        assert_eq!(fs::read(folder.path().join("victim")).unwrap(), b"mine");
        assert!(!folder.path().join("nowhere").exists());
        assert_eq!(fs::read_dir(folder.path().join("other")).unwrap().count(), 0);
    }

    #[test]
    fn whatever_is_planted_under_a_name_is_replaced_and_not_written_through() {
        for (what, plant) in PLANTS {
            let (folder, path) = planted(plant);
            write_private(&path, b"ours").unwrap();
            unharmed(&folder);
            assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{what}");
            assert_eq!(fs::read(&path).unwrap(), b"ours", "{what}");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside it");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        fs::create_dir(&path).unwrap();
        write_private(&path, b"ours").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn whatever_is_planted_under_a_name_is_not_opened() {
        for (what, plant) in PLANTS {
            let (folder, path) = planted(plant);
            assert_eq!(open_own(&path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{what}");
            assert_eq!(create_private(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{what}");
            let place_new = Staged::beside(&path).unwrap().place_new(&path);
            assert_eq!(place_new.unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{what}");
            unharmed(&folder);
        }
    }

    #[test]
    fn a_file_of_ours_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        assert!(!is_own_file(&path).unwrap());
        open_own(&path).unwrap().write_all(b"half").unwrap();
        assert!(is_own_file(&path).unwrap());
        let mut text = String::new();
        open_own(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "half");
        assert!(is_own_file(folder.path()).unwrap_err().to_string().contains("folder"));
    }

    #[test]
    fn reading_waits_for_no_pipe_and_ends_at_a_bound() {
        let (_folder, path) = planted(PLANTS[4].1);
        assert_eq!(read_bounded(&path, 9).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        fs::write(&path, "123").unwrap();
        assert_eq!(read_bounded(&path, 3).unwrap(), b"123");
        assert_eq!(read_bounded(&path, 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read_bounded(folder.path(), 9).is_err());
    }
}

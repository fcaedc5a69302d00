//! Resume of downloads: `NAME.part` and its state file (docs/decisions/0008). What is resumed is
//! proved by its SHA-256, or in the end by the storage's checksum.
//!
//! Decides nothing about the network; what may be resumed is `ark_video_protocol::download`'s to
//! say.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use ark_video_protocol::download::{DownloadRefusal, Expected, Kept, Part};
use tempfile::TempPath;

use crate::{
    SaveError,
    checksum::{Sums, fingerprint},
    disk_space,
    error::is_full,
    files::{Staged, folder_of, open_own, open_regular, overwrite, read_bounded},
};

/// Largest state that is read, in bytes.
const LARGEST_STATE: u64 = 1 << 20;

/// An open `.part` file that nobody else writes. Dropping it keeps what can be resumed, and removes
/// what cannot.
pub(crate) struct PartFile {
    file: File,
    path: PathBuf,
    /// As it is now. On disk it speaks only of what earlier calls left.
    state: Part,
    sums: Sums,
    on_drop: OnDrop,
}

/// What becomes of the files when the part is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    /// They stay as they are, unless there is nothing in them.
    Leave,
    /// What can be resumed is kept, else they are removed.
    Keep,
    /// They have been dealt with.
    Done,
}

impl fmt::Debug for PartFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartFile")
            .field("path", &self.path)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl PartFile {
    /// Opens the part of `target`, takes its lock, and proves what it holds. Reads all of it: not
    /// for an async thread.
    pub(crate) fn open(target: &Path) -> Result<Self, SaveError> {
        let path = part_path(target);
        let file = locked(&path)?;
        let (state, sums) = (Part::new("", ""), Sums::new(false));
        let mut part = Self { file, state, sums, on_drop: OnDrop::Leave, path };
        let found = part.file.metadata().map_err(SaveError::file("read", &part.path))?.len();
        let text = match read_bounded(&state_path(&part.path), LARGEST_STATE) {
            Ok(text) => Some(text),
            Err(error) if is_no_state(&error) => None,
            Err(error) => return Err(SaveError::file("read", &state_path(&part.path))(error)),
        };
        match text.map(|text| serde_json::from_slice::<Part>(&text)) {
            None if found > 0 => {
                let why = "nothing beside it says what it is".to_owned();
                return Err(SaveError::Foreign { path: part.path.clone(), why });
            }
            Some(Ok(state)) => part.take_in(state, found)?,
            // Fetched from the start; what is there is replaced when the first new bytes come.
            None | Some(Err(_)) => {}
        }
        Ok(part)
    }

    /// Believes what the state says as far as the bytes that are there bear it out.
    fn take_in(&mut self, state: Part, found: u64) -> Result<(), SaveError> {
        let trusted = state.trusted(found);
        let mut sums = Sums::new(state.crc64.is_some());
        let read = |sums: &mut Sums, bytes| {
            sums.read(Read::take(&self.file, bytes)).map_err(SaveError::file("read", &self.path))
        };
        let proven = read(&mut sums, state.bytes.min(trusted))?;
        if proven > 0 && sums.sha256() != state.sha256 {
            return Ok(());
        }
        let bytes = proven + read(&mut sums, trusted - proven)?;
        if bytes > 0 {
            (self.state, self.sums) = (state, sums);
            self.state.bytes = bytes;
        }
        Ok(())
    }

    fn cut(&mut self, bytes: u64) -> Result<(), SaveError> {
        self.file
            .set_len(bytes)
            .and_then(|()| self.file.seek(SeekFrom::Start(bytes)))
            .map(drop)
            .map_err(SaveError::file("written", &self.path))
    }

    /// Forgets what is there, for good.
    pub(crate) fn discard(&mut self) -> Result<(), SaveError> {
        let (ranged, link) = (self.state.ranged, std::mem::take(&mut self.state.link));
        self.state = Part::new("", &link);
        self.state.ranged = ranged;
        self.sums = Sums::new(false);
        self.on_drop = OnDrop::Keep;
        self.cut(0)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.state.bytes
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.state.content_type.as_deref()
    }

    pub(crate) fn is_whole_of(&self, link: &str) -> bool {
        self.state.is_whole_of(link)
    }

    /// What it begins with.
    pub(crate) fn first_bytes(&self) -> Result<Vec<u8>, SaveError> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let read = file.rewind().and_then(|()| Read::take(&self.file, 512).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(SaveError::file("read", &self.path))
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The first bytes of what is there, at most `most`.
    pub(crate) fn start(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        Read::take(&mut file, most).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok(bytes)
    }

    /// SHA-256 of what is there.
    pub(crate) fn sha256(&self) -> String {
        self.sums.sha256()
    }

    /// Compares what is there, as the whole file, with the storage's checksum.
    pub(crate) fn verify_checksum(&self) -> Result<(), DownloadRefusal> {
        self.sums.verify(self.state.crc64)
    }

    /// What a request for this link may go on from.
    pub(crate) fn take_up(&mut self, link: &str) -> Result<Option<Kept>, DownloadRefusal> {
        let bytes = self.state.bytes;
        let kept = self.state.take_up(link, &fingerprint(link))?;
        if kept.is_some() {
            // A state that cannot be written means only that more is fetched again later.
            let _ = self.write_state(bytes);
        }
        Ok(kept)
    }

    /// The bytes from `from` on that are there already.
    pub(crate) fn bytes_from(&mut self, from: u64) -> Result<Vec<u8>, SaveError> {
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(from)).and_then(|_| {
            Read::take(&self.file, self.state.bytes.saturating_sub(from)).read_to_end(&mut bytes)
        });
        read.map(|_| bytes).map_err(SaveError::file("read", &self.path))
    }

    /// The file comes from its start.
    pub(crate) fn begin(&mut self, link: &str, expected: &Expected) -> Result<(), SaveError> {
        self.discard()?;
        self.state = Part::new(link, &fingerprint(link));
        self.state.crc64 = expected.crc64;
        self.sums = Sums::new(expected.crc64.is_some());
        self.describe(expected);
        self.check_room()?;
        // Without it, what is written next would be nobody's after a kill.
        self.write_state(0).map_err(SaveError::file("written", &state_path(&self.path)))
    }

    /// The file goes on where it ended.
    pub(crate) fn go_on(&mut self, expected: &Expected) -> Result<(), SaveError> {
        self.on_drop = OnDrop::Keep;
        self.describe(expected);
        self.cut(self.state.bytes)?;
        self.check_room()
    }

    fn describe(&mut self, expected: &Expected) {
        self.state.length = expected.length;
        self.state.etag.clone_from(&expected.etag);
        if expected.content_type.is_some() {
            self.state.content_type.clone_from(&expected.content_type);
        }
    }

    /// A disk that is too small is better known before than after.
    fn check_room(&self) -> Result<(), SaveError> {
        disk_space::check(&self.path, self.state.length.unwrap_or(0).saturating_sub(self.state.bytes))
    }

    /// Appends. If that fails, what was there before can still be resumed.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SaveError> {
        self.file.write_all(piece).map_err(SaveError::file("written", &self.path))?;
        self.sums.see(piece);
        self.state.bytes += piece.len() as u64;
        Ok(())
    }

    /// Makes the bytes last through a power cut, so that none can get the name that is not on the
    /// disk.
    pub(crate) async fn flush(&mut self) -> Result<(), SaveError> {
        let file = self.file.try_clone().map_err(SaveError::file("written", &self.path))?;
        let flushed = tokio::task::spawn_blocking(move || file.sync_all()).await;
        flushed
            .map_err(io::Error::other)
            .and_then(|flushed| flushed)
            .map_err(SaveError::file("written", &self.path))?;
        if self.state.length.is_some() {
            let _ = self.write_state(self.state.bytes);
        }
        Ok(())
    }

    /// Keeps what came to be looked at, and never resumes it.
    pub(crate) fn reject(mut self) {
        self.on_drop = OnDrop::Done;
        self.state.rejected = true;
        let _ = self.write_state(self.state.bytes);
    }

    /// Gives the file its name. If that fails, it stays whole as the part; if the same file has
    /// that name already, that is as good.
    pub(crate) fn place(mut self, target: &Path, overwrite: bool) -> Result<(), SaveError> {
        self.on_drop = OnDrop::Done;
        let part = TempPath::try_from_path(&self.path).map_err(SaveError::file("moved", &self.path))?;
        let moved = if overwrite { part.persist(target) } else { part.persist_noclobber(target) };
        if let Err(failed) = moved {
            // The file is whole and paid for: it stays, under its other name.
            let kept = failed.path.keep().unwrap_or_else(|failed| failed.path.to_path_buf());
            if failed.error.kind() != io::ErrorKind::AlreadyExists || !self.is_same(target) {
                self.state.length = Some(self.state.bytes);
                let _ = self.write_state(self.state.bytes);
                return Err(SaveError::file("moved to its final name (it is whole)", &kept)(failed.error));
            }
            let _ = fs::remove_file(&self.path);
        }
        remove_state(&self.path);
        // Makes the new name last through a power cut. Not every system can do this to a folder.
        let _ = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn is_same(&self, target: &Path) -> bool {
        let hashed = open_regular(target).and_then(hash);
        matches!(hashed, Ok((bytes, sha256)) if bytes == self.state.bytes && sha256 == self.sha256())
    }

    /// Writes the state, which speaks of that many bytes.
    fn write_state(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state.clone();
        state.bytes = bytes;
        state.sha256 = if bytes > 0 { self.sha256() } else { String::new() };
        let text = serde_json::to_vec(&state).map_err(io::Error::other)?;
        let write = || {
            let mut staged = Staged::named(&next_state_path(&self.path))?;
            staged.write_all(&text)?;
            staged.replace(&state_path(&self.path))
        };
        match write() {
            // In place there is room; half a state is none, and the download starts over.
            Err(error) if is_full(&error) => overwrite(&state_path(&self.path), &text),
            written => written,
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        let resumable = self.state.bytes > 0 && self.state.length.is_some();
        let is_empty = || self.file.metadata().is_ok_and(|found| found.len() == 0);
        match self.on_drop {
            OnDrop::Done => {}
            OnDrop::Leave if !is_empty() => {}
            OnDrop::Keep if resumable => {
                // A write that failed may have left more than was counted.
                let _ = self.file.set_len(self.state.bytes);
                let _ = self.write_state(self.state.bytes);
            }
            // Nothing that could be resumed. Gone while the lock is still held.
            _ => {
                remove_state(&self.path);
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}

/// Opens a file that is certain to be the one of that name, and locked for us alone.
fn locked(path: &Path) -> Result<File, SaveError> {
    let failed = || SaveError::file("opened", path);
    for _ in 0..10 {
        let file = match open_own(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(SaveError::Foreign { path: path.to_owned(), why: error.to_string() });
            }
            // Finished by another process between our two checks.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(path).is_dir() => continue,
            opened => opened.map_err(SaveError::file("created", path))?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SaveError::InUse { path: path.to_owned() }),
            // Some network file systems have no locks; then there is none.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
        // Between opening and locking another may have finished and renamed it: then this is the
        // finished file.
        match is_at(&file, path) {
            Ok(true) => return Ok(file),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed()(error)),
        }
    }
    Err(SaveError::InUse { path: path.to_owned() })
}

/// Whether the file of that name is this one.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (ours, there) = (file.metadata()?, fs::metadata(path)?);
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    Ok(same_file::Handle::from_file(file.try_clone()?)? == same_file::Handle::from_path(path)?)
}

/// Whether there is nothing that we could have written: nothing at all, or a pipe, a folder,
/// something large.
fn is_no_state(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, InvalidInput, IsADirectory, NotFound};
    matches!(error.kind(), NotFound | InvalidInput | FileTooLarge | IsADirectory)
}

/// Where the part of a file is.
pub(crate) fn part_path(target: &Path) -> PathBuf {
    beside(target, ".part")
}

fn state_path(part: &Path) -> PathBuf {
    beside(part, ".json")
}

/// The state while it is written.
fn next_state_path(part: &Path) -> PathBuf {
    beside(part, ".json.new")
}

fn remove_state(part: &Path) {
    let _ = fs::remove_file(state_path(part));
    let _ = fs::remove_file(next_state_path(part));
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Length and hash of all that follows.
pub(crate) fn hash(from: impl Read) -> io::Result<(u64, String)> {
    let mut sums = Sums::new(false);
    let bytes = sums.read(from)?;
    Ok((bytes, sums.sha256()))
}

//! `NAME.part` and its state beside it: what a download has so far. Survives `kill -9` at any moment without losing a byte
//! that was written, and a loss of power without taking a byte for fetched that was not (docs/decisions/0013).
//!
//! Decides nothing about the network; what may be taken up is `ark_video_protocol::download`'s to say.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use ark_video_protocol::download::{Content, DownloadRefusal, Expected, Kept, Part};
use same_file::Handle;
use tempfile::TempPath;

use crate::{
    SaveError,
    files::{folder_of, open_own, open_regular, read_bounded, write_private},
    room,
    sums::{Sums, fingerprint},
};

/// The state speaks of the bytes up to here after so many more, or so much time: what lies between may be fetched again
/// after a loss of power.
const EVERY_BYTES: u64 = 32 << 20;
const EVERY_TIME: Duration = Duration::from_secs(2);
/// Largest state that is read, in bytes.
const LARGEST_STATE: u64 = 1 << 20;

/// An open `.part` file that nobody else writes. Dropping it keeps what can be taken up, and removes what cannot.
pub(crate) struct PartFile {
    file: File,
    path: PathBuf,
    /// As it is now. On disk is a copy that speaks of the `proven` bytes only.
    state: Part,
    sums: Sums,
    proven: Proven,
    /// Bytes on their way to the disk, which the next state will speak of.
    flushing: Option<Flushing>,
    proven_at: Instant,
    /// Drop leaves everything as it is.
    untouched: bool,
}

/// A beginning of the file, and its SHA-256.
#[derive(Clone, Default)]
struct Proven {
    bytes: u64,
    sha256: String,
}

struct Flushing {
    upto: Proven,
    outcome: Arc<AtomicU8>,
}

const FLUSHED: u8 = 1;
const NOT_FLUSHED: u8 = 2;

impl fmt::Debug for PartFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartFile")
            .field("path", &self.path)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl PartFile {
    /// Opens the part of `target`, takes its lock, and proves what it holds. Reads all of it: not for an async thread.
    pub(crate) fn open(target: &Path, content: Content) -> Result<Self, SaveError> {
        let path = beside(target, ".part");
        let file = locked(&path)?;
        let mut part = Self {
            file,
            state: Part::new("", ""),
            sums: Sums::new(content, false),
            proven: Proven::default(),
            flushing: None,
            proven_at: Instant::now(),
            untouched: true,
            path,
        };
        let found = part.file.metadata().map_err(SaveError::file("looked at", &part.path))?.len();
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
            None => {}
            Some(Ok(state)) => part.take_in(state, found)?,
            Some(Err(_)) => part.restart()?,
        }
        part.untouched = false;
        Ok(part)
    }

    /// Believes what the state says as far as the bytes that are there bear it out.
    fn take_in(&mut self, state: Part, found: u64) -> Result<(), SaveError> {
        let boot = boot();
        let trusted = state.trusted(found, boot.as_deref());
        self.sums = self.sums.anew(state.crc64.is_some());
        let failed = SaveError::file("read", &self.path);
        let read = (|| {
            let proven = self.sums.read(io::Read::take(&self.file, state.bytes.min(trusted)))?;
            let holds = proven == 0 || self.sums.sha256() == state.sha256;
            let rest = if holds { self.sums.read(io::Read::take(&self.file, trusted - proven))? } else { 0 };
            Ok((holds, proven + rest))
        })();
        let (holds, bytes) = read.map_err(failed)?;
        if !holds || bytes == 0 {
            return self.restart();
        }
        self.proven = Proven { bytes: state.bytes, sha256: state.sha256.clone() };
        self.state = state;
        (self.state.bytes, self.state.boot) = (bytes, boot);
        self.cut(bytes)
    }

    fn cut(&mut self, bytes: u64) -> Result<(), SaveError> {
        self.file
            .set_len(bytes)
            .and_then(|()| self.file.seek(SeekFrom::Start(bytes)))
            .map(drop)
            .map_err(SaveError::file("written", &self.path))
    }

    /// Forgets what is there.
    pub(crate) fn restart(&mut self) -> Result<(), SaveError> {
        self.sums = self.sums.anew(false);
        (self.proven, self.flushing) = (Proven::default(), None);
        self.state.bytes = 0;
        (self.state.length, self.state.etag, self.state.content_type) = (None, None, None);
        self.state.crc64 = None;
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

    /// SHA-256 of what is there.
    pub(crate) fn sha256(&self) -> String {
        self.sums.sha256()
    }

    /// Judges what is there as the whole file.
    pub(crate) fn judge(&self) -> Result<(), DownloadRefusal> {
        self.sums.judge(self.state.crc64)
    }

    /// What a request for this link may go on from.
    pub(crate) fn take_up(&mut self, link: &str) -> Result<Option<Kept>, DownloadRefusal> {
        let kept = self.state.take_up(link, &fingerprint(link))?;
        if kept.is_some() {
            // A state that cannot be written means only that more is fetched again later.
            let _ = self.write_state();
        }
        Ok(kept)
    }

    /// The file comes from its start.
    pub(crate) fn begin(&mut self, link: &str, expected: &Expected) -> Result<(), SaveError> {
        self.restart()?;
        self.state = Part::new(link, &fingerprint(link));
        (self.state.boot, self.state.crc64) = (boot(), expected.crc64);
        self.sums = self.sums.anew(expected.crc64.is_some());
        self.describe(expected);
        self.take_room()?;
        // Without it, what is written next would be nobody's after a kill.
        self.write_state().map_err(SaveError::file("written", &state_path(&self.path)))
    }

    /// The file goes on where it ended.
    pub(crate) fn go_on(&mut self, expected: &Expected) -> Result<(), SaveError> {
        self.describe(expected);
        self.take_room()
    }

    fn describe(&mut self, expected: &Expected) {
        self.state.length = expected.length;
        self.state.etag.clone_from(&expected.etag);
        if expected.content_type.is_some() {
            self.state.content_type.clone_from(&expected.content_type);
        }
    }

    /// A disk that is too small is better known before than after.
    fn take_room(&self) -> Result<(), SaveError> {
        let needed = self.state.length.unwrap_or(0).saturating_sub(self.state.bytes);
        room::take(&self.file, &self.path, self.state.bytes, needed)
    }

    /// Appends. If that fails, what was there before can still be taken up.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SaveError> {
        self.file.write_all(piece).map_err(SaveError::file("written", &self.path))?;
        self.sums.see(piece);
        self.state.bytes += piece.len() as u64;
        match &self.flushing {
            Some(flushing) => match flushing.outcome.load(Ordering::Acquire) {
                FLUSHED => self.flushed(),
                NOT_FLUSHED => self.flushing = None,
                _ => {}
            },
            None if self.state.bytes - self.proven.bytes >= EVERY_BYTES
                || self.proven_at.elapsed() >= EVERY_TIME =>
            {
                self.begin_flush();
            }
            None => {}
        }
        Ok(())
    }

    /// Sends what is there to the disk, on another thread while more comes: the state may speak only of what a loss of
    /// power would leave, and the last flush has less to do.
    fn begin_flush(&mut self) {
        self.proven_at = Instant::now();
        let Ok(file) = self.file.try_clone() else { return };
        let outcome = Arc::new(AtomicU8::new(0));
        let upto = Proven { bytes: self.state.bytes, sha256: self.sha256() };
        self.flushing = Some(Flushing { upto, outcome: outcome.clone() });
        tokio::task::spawn_blocking(move || {
            let flushed = if file.sync_data().is_ok() { FLUSHED } else { NOT_FLUSHED };
            outcome.store(flushed, Ordering::Release);
        });
    }

    fn flushed(&mut self) {
        if let Some(flushing) = self.flushing.take() {
            self.proven = flushing.upto;
            let _ = self.write_state();
        }
    }

    /// Makes the bytes last through a power cut: the file is whole, and its length is known now if it was not before.
    pub(crate) async fn end(&mut self) -> Result<(), SaveError> {
        let file = self.file.try_clone().map_err(SaveError::file("written", &self.path))?;
        let flushed = tokio::task::spawn_blocking(move || file.sync_all()).await;
        flushed
            .map_err(io::Error::other)
            .and_then(|flushed| flushed)
            .map_err(SaveError::file("written", &self.path))?;
        self.state.length = Some(self.state.bytes);
        self.flushing = None;
        self.proven = Proven { bytes: self.state.bytes, sha256: self.sha256() };
        let _ = self.write_state();
        Ok(())
    }

    /// Gives the file its name. If that fails, the whole film stays as the part; if the same film has that name already,
    /// that is as good.
    pub(crate) fn place(mut self, target: &Path, overwrite: bool) -> Result<(), SaveError> {
        self.untouched = true;
        let part = TempPath::try_from_path(&self.path).map_err(SaveError::file("moved", &self.path))?;
        let moved = if overwrite { part.persist(target) } else { part.persist_noclobber(target) };
        if let Err(failed) = moved {
            // The film is whole and paid for: it stays, under its other name.
            let kept = failed.path.keep().unwrap_or_else(|failed| failed.path.to_path_buf());
            if failed.error.kind() != io::ErrorKind::AlreadyExists || !self.is_same(target) {
                return Err(SaveError::file("moved to its final name (it is whole)", &kept)(failed.error));
            }
            let _ = fs::remove_file(&self.path);
        }
        let _ = fs::remove_file(state_path(&self.path));
        // Makes the new name last through a power cut. Not every system can do this to a folder.
        let _ = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn is_same(&self, target: &Path) -> bool {
        let hashed = open_regular(target).and_then(hash);
        matches!(hashed, Ok((bytes, sha256)) if bytes == self.state.bytes && sha256 == self.sha256())
    }

    /// Writes the state aside and renames it, so that there is a whole one at any moment.
    fn write_state(&mut self) -> io::Result<()> {
        self.proven_at = Instant::now();
        let mut state = self.state.clone();
        Proven { bytes: state.bytes, sha256: state.sha256 } = self.proven.clone();
        let text = serde_json::to_vec(&state).map_err(io::Error::other)?;
        write_private(&state_path(&self.path), &text)
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.untouched {
            return;
        }
        if self.state.bytes > 0 && self.state.length.is_some() {
            // Gives back the room that was taken: nobody knows when this is taken up.
            let _ = self.file.set_len(self.state.bytes);
            if self.state.bytes > self.proven.bytes && self.file.sync_data().is_ok() {
                self.proven = Proven { bytes: self.state.bytes, sha256: self.sha256() };
                let _ = self.write_state();
            }
            return;
        }
        // Nothing that could be taken up. Gone while the lock is still held.
        let _ = fs::remove_file(state_path(&self.path));
        let _ = fs::remove_file(&self.path);
    }
}

/// What tells one run of the operating system from the next. `None` where it does not say.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Opens a file that is certain to be the one of that name, and locked for us alone.
fn locked(path: &Path) -> Result<File, SaveError> {
    let failed = || SaveError::file("opened", path);
    for _ in 0..10 {
        let file = match open_own(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(SaveError::Foreign { path: path.to_owned(), why: error.to_string() });
            }
            // Finished by another between our two looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(path).is_dir() => continue,
            opened => opened.map_err(SaveError::file("created", path))?,
        };
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(fs4::TryLockError::WouldBlock) => return Err(SaveError::InUse { path: path.to_owned() }),
            // Some network file systems have no locks; then there is none.
            Err(fs4::TryLockError::Error(_)) => return Ok(file),
        }
        // Between opening and locking another may have finished and renamed it: then this is the finished file.
        let ours = file.try_clone().and_then(Handle::from_file).map_err(failed())?;
        match Handle::from_path(path) {
            Ok(there) if there == ours => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed()(error)),
        }
    }
    Err(SaveError::InUse { path: path.to_owned() })
}

/// Whether there is nothing that we could have written: nothing at all, or a pipe, a folder, something large.
fn is_no_state(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, InvalidInput, IsADirectory, NotFound};
    matches!(error.kind(), NotFound | InvalidInput | FileTooLarge | IsADirectory)
}

fn state_path(part: &Path) -> PathBuf {
    beside(part, ".json")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Length and hash of all that follows.
pub(crate) fn hash(from: impl io::Read) -> io::Result<(u64, String)> {
    let mut sums = Sums::new(Content::Any, false);
    let bytes = sums.read(from)?;
    Ok((bytes, sums.sha256()))
}

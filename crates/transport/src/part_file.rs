//! `NAME.part` and its state beside it: what a download has so far. Survives `kill -9` at any moment: the state never
//! speaks of bytes that are not written, and a hash proves those that are.
//!
//! Decides nothing about the network; what may be taken up is `ark_video_protocol::download`'s to say.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ark_video_protocol::download::{DownloadRefusal, Expected, Kept, Part};
use same_file::Handle;
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use crate::SaveError;

/// The state is written after so many bytes, or so much time: what lies between is fetched again after a `kill -9`.
const EVERY_BYTES: u64 = 4 << 20;
const EVERY_TIME: Duration = Duration::from_secs(1);
/// Read at a time to prove what is there.
const PIECE: usize = 256 << 10;

/// An open `.part` file that nobody else writes. Dropping it keeps what can be taken up, and removes what cannot.
#[derive(Debug)]
pub(crate) struct PartFile {
    file: File,
    path: PathBuf,
    state: Part,
    hasher: Sha256,
    written: u64,
    written_at: Instant,
    /// Drop leaves everything as it is.
    untouched: bool,
}

impl PartFile {
    /// Opens the part of `target`, takes its lock, and proves what it holds. Reads all of it: not for an async thread.
    pub(crate) fn open(target: &Path) -> Result<Self, SaveError> {
        let path = beside(target, ".part");
        let file = locked(&path)?;
        let mut part = Self {
            file,
            state: Part::new("", ""),
            hasher: Sha256::new(),
            written: 0,
            written_at: Instant::now(),
            untouched: true,
            path,
        };
        let found = part.file.metadata().map_err(SaveError::file("looked at", &part.path))?.len();
        let text = match fs::read(state_path(&part.path)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(SaveError::file("read", &state_path(&part.path))(error)),
        };
        let Some(text) = text else {
            if found > 0 {
                return Err(SaveError::Foreign { path: part.path.clone() });
            }
            part.untouched = false;
            return Ok(part);
        };
        match serde_json::from_slice::<Part>(&text) {
            Ok(state) if state.bytes > 0 && state.bytes <= found => {
                if part.prove(state.bytes)? == state.sha256 {
                    part.written = state.bytes;
                    part.state = state;
                    part.cut(part.written)?;
                } else {
                    part.restart()?;
                }
            }
            _ => part.restart()?,
        }
        part.untouched = false;
        Ok(part)
    }

    /// Hashes the first `bytes` bytes.
    fn prove(&mut self, bytes: u64) -> Result<String, SaveError> {
        let mut rest = (&self.file).take(bytes);
        let mut piece = vec![0; PIECE];
        loop {
            match rest.read(&mut piece) {
                Ok(0) => return Ok(hex(&self.hasher.clone().finalize())),
                Ok(count) => self.hasher.update(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SaveError::file("read", &self.path)(error)),
            }
        }
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
        self.hasher = Sha256::new();
        (self.state.bytes, self.written) = (0, 0);
        (self.state.length, self.state.etag, self.state.content_type) = (None, None, None);
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
        hex(&self.hasher.clone().finalize())
    }

    /// What a request for this link may go on from.
    pub(crate) fn take_up(&mut self, link: &str) -> Result<Option<Kept>, DownloadRefusal> {
        let kept = self.state.take_up(link, &hex(&Sha256::digest(link)))?;
        if kept.is_some() {
            self.write_state();
        }
        Ok(kept)
    }

    /// The file comes from its start.
    pub(crate) fn begin(&mut self, link: &str, expected: &Expected) -> Result<(), SaveError> {
        self.restart()?;
        self.state = Part::new(link, &hex(&Sha256::digest(link)));
        self.describe(expected);
        self.room()?;
        self.write_state();
        Ok(())
    }

    /// The file goes on where it ended.
    pub(crate) fn go_on(&mut self, expected: &Expected) -> Result<(), SaveError> {
        self.describe(expected);
        self.room()
    }

    fn describe(&mut self, expected: &Expected) {
        self.state.length = expected.length;
        self.state.etag.clone_from(&expected.etag);
        if expected.content_type.is_some() {
            self.state.content_type.clone_from(&expected.content_type);
        }
    }

    /// A disk that is too small is better known before than after.
    fn room(&self) -> Result<(), SaveError> {
        let needed = self.state.length.unwrap_or(0).saturating_sub(self.state.bytes);
        match fs4::available_space(folder_of(&self.path)) {
            Ok(available) if available < needed => {
                Err(SaveError::NoSpace { path: self.path.clone(), needed, available })
            }
            _ => Ok(()),
        }
    }

    /// Appends. If that fails, the state still speaks of what was there before.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), SaveError> {
        self.file.write_all(piece).map_err(SaveError::file("written", &self.path))?;
        self.hasher.update(piece);
        self.state.bytes += piece.len() as u64;
        if self.state.bytes - self.written >= EVERY_BYTES || self.written_at.elapsed() >= EVERY_TIME {
            self.write_state();
        }
        Ok(())
    }

    /// The file is whole: its length is known now, if it was not before.
    pub(crate) fn end(&mut self) {
        self.state.length = Some(self.state.bytes);
        self.write_state();
    }

    /// Makes the bytes last through a power cut.
    pub(crate) async fn flush(&self) -> Result<(), SaveError> {
        let file = self.file.try_clone().map_err(SaveError::file("written", &self.path))?;
        let flushed = tokio::task::spawn_blocking(move || file.sync_all()).await;
        flushed
            .map_err(io::Error::other)
            .and_then(|flushed| flushed)
            .map_err(SaveError::file("written", &self.path))
    }

    /// Gives the file its name. If that fails, the whole film stays as the part.
    pub(crate) fn place(mut self, target: &Path, overwrite: bool) -> Result<(), SaveError> {
        self.untouched = true;
        let part = TempPath::try_from_path(&self.path).map_err(SaveError::file("moved", &self.path))?;
        let moved = if overwrite { part.persist(target) } else { part.persist_noclobber(target) };
        if let Err(failed) = moved {
            // The film is whole and paid for: it stays, under its other name.
            let kept = failed.path.keep().unwrap_or_else(|failed| failed.path.to_path_buf());
            return Err(SaveError::file("moved to its final name (it is whole)", &kept)(failed.error));
        }
        let _ = fs::remove_file(state_path(&self.path));
        // Makes the new name last through a power cut. Not every system can do this to a folder.
        let _ = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Writes the state aside and renames it, so that there is a whole one at any moment. What fails here only means
    /// that more is fetched again later.
    fn write_state(&mut self) {
        (self.written, self.written_at) = (self.state.bytes, Instant::now());
        self.state.sha256 = self.sha256();
        let path = state_path(&self.path);
        let aside = beside(&path, ".new");
        let written = serde_json::to_vec(&self.state)
            .map_err(io::Error::other)
            .and_then(|text| fs::write(&aside, text))
            .and_then(|()| fs::rename(&aside, &path));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.untouched {
            return;
        }
        if self.state.bytes > 0 && self.state.length.is_some() {
            if self.state.bytes > self.written {
                self.write_state();
            }
            return;
        }
        // Nothing that could be taken up. Gone while the lock is still held.
        let _ = fs::remove_file(state_path(&self.path));
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens a file that is certain to be the one of that name, and locked for us alone.
fn locked(path: &Path) -> Result<File, SaveError> {
    let failed = || SaveError::file("opened", path);
    for _ in 0..10 {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(SaveError::file("created", path))?;
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

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
pub(crate) fn hash(mut from: impl Read) -> io::Result<(u64, String)> {
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok((bytes, hex(&hasher.finalize()))),
            Ok(count) => {
                hasher.update(&piece[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

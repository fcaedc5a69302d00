//! The state directory: one record per create of `generate`, on disk before anything is sent.
//! `--resume` finds an earlier run by it, without a file name. Sends nothing and touches no video.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ark_video::files::{create_private, create_private_folder, is_own_file, read_bounded, write_private};
use ark_video::{
    BaseUrl,
    create::{Correlation, CorrelationsInUse},
    provenance::{Progress, Sidecar},
    transport::UnixMillis,
};
use serde::{Deserialize, Serialize};

/// The variable that names the state directory.
const VARIABLE: &str = "ARK_STATE_DIR";
/// How long a record is kept after its last change: longer than the 7 days for which the service
/// lists tasks.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a correlation mark is not reused: as long as the service lists tasks.
const MARKED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The suffix of the file that marks a create whose first byte was about to be sent.
const SENT: &str = "sent";
/// Digits of the hash in a record's id.
const DIGITS: usize = 12;
/// Largest record that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// The record of one create: its sidecar without the request, and where it was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) sidecar: Sidecar,
    /// When it was first written, in milliseconds since 1970.
    pub(crate) created_at: UnixMillis,
    /// Where it was sent.
    pub(crate) base_url: String,
    /// The file that was named with `-o`, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<PathBuf>,
    /// Where the video was saved, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) video: Option<PathBuf>,
    /// The boot id of the machine, if the system has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boot: Option<String>,
}

impl Record {
    /// Reads a file as a record; `None` if it is not one.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&read_bounded(path, LARGEST).ok()?).ok()
    }

    /// Writes it atomically.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        write_private(path, &text)
    }

    /// Whether it is unfinished: it may have been sent, and its video is not saved.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.sidecar.progress, Progress::Downloaded | Progress::Prepared)
    }
}

/// A record and its path.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) record: Record,
    /// Another process has claimed it.
    pub(crate) busy: bool,
}

/// An exclusive claim on a record, until it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) ordinal: u32,
    _lock: Arc<File>,
}

impl Claim {
    /// Marks that the first byte is about to be sent. Needs no fsync: after a kill the next command
    /// sees it, and after a power loss [`Claim::left_nothing`] does not rely on it.
    pub(crate) fn sent(&self) -> io::Result<()> {
        match create_private(&self.sent_path()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Removes the mark before another attempt.
    pub(crate) fn not_sent(&self) -> io::Result<()> {
        match fs::remove_file(self.sent_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Whether a command was killed after it wrote its record and before it sent anything. The
    /// missing mark is reliable only within one boot of the machine.
    pub(crate) fn left_nothing(&self, record: &Record) -> bool {
        record.sidecar.progress == Progress::Submitting
            && record.boot.is_some()
            && record.boot == boot()
            && self.sent_path().symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    fn sent_path(&self) -> PathBuf {
        self.path.with_extension(SENT)
    }
}

/// The boot id, if the system has one.
pub(crate) fn boot() -> Option<String> {
    let id = read_bounded(Path::new("/proc/sys/kernel/random/boot_id"), 100).ok()?;
    Some(String::from_utf8(id).ok()?.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The writable state directory.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    records: PathBuf,
    marks: PathBuf,
}

/// The path of the state directory: `ARK_STATE_DIR`, `$XDG_STATE_HOME/ark-video`, else the
/// platform's default.
pub(crate) fn state_dir(env: &BTreeMap<String, String>, cwd: &Path) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(named) = set(VARIABLE) {
        return Some(cwd.join(named));
    }
    let folder = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let usual = || {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            folder("HOME").map(|home| home.join("Library").join("Application Support"))
        } else {
            folder("HOME").map(|home| home.join(".local").join("state"))
        }
    };
    Some(folder("XDG_STATE_HOME").or_else(usual)?.join("ark-video"))
}

impl Store {
    /// Creates the state directory if needed, checks that it is writable, and removes old records.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    pub(crate) fn open(env: &BTreeMap<String, String>, cwd: &Path) -> Result<Self, String> {
        let folder = state_dir(env, cwd)
            .ok_or("no state directory: ARK_STATE_DIR, XDG_STATE_HOME and the home directory are not set")?;
        let store = Self { records: folder.join("records"), marks: folder.join("marks") };
        let made = [&store.records, &store.marks].into_iter().try_for_each(|folder| {
            create_private_folder(folder)?;
            // Only a write proves that it is writable.
            tempfile::Builder::new().prefix(".ark-video-").tempfile_in(folder).map(drop)
        });
        made.map_err(|error| {
            format!(
                "cannot write to the state directory {}: {}",
                folder.display(),
                crate::media::reason(&error)
            )
        })?;
        store.clean();
        Ok(store)
    }

    /// All records of an intent's hash, oldest first.
    ///
    /// # Errors
    /// The directory or a record cannot be read: an unfinished create cannot be ruled out.
    pub(crate) fn find(&self, hash: &str) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for ordinal in self.ordinals(hash)? {
            let id = id_of(hash, ordinal);
            let path = self.path(&id);
            let text = match read_bounded(&path, LARGEST) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(named(&path, &error)),
            };
            let record: Record = serde_json::from_slice(&text).map_err(|error| named(&path, &error))?;
            if record.sidecar.intent.as_ref().is_some_and(|intent| intent.hash == hash) {
                let busy = self.lock(&id)?.is_none();
                found.push(Entry { id, record, busy });
            }
        }
        Ok(found)
    }

    /// Claims the next free ordinal of a hash. The caller writes its record.
    ///
    /// # Errors
    /// An I/O error.
    pub(crate) fn claim_new(&self, hash: &str) -> io::Result<Claim> {
        let mut ordinal = self.ordinals(hash)?.into_iter().max().unwrap_or(0);
        loop {
            ordinal += 1;
            let id = id_of(hash, ordinal);
            match create_private(&self.lock_path(&id)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            // Another process that scans the records may lock it briefly; the next number is as
            // good.
            if let Some(claim) = self.claim(hash, ordinal)? {
                return Ok(claim);
            }
        }
    }

    /// Claims an existing record, unless another process has it.
    ///
    /// # Errors
    /// An I/O error.
    pub(crate) fn claim(&self, hash: &str, ordinal: u32) -> io::Result<Option<Claim>> {
        let id = id_of(hash, ordinal);
        let path = self.path(&id);
        let mut lock = self.lock(&id)?;
        for _ in 0..20 {
            if lock.is_some() {
                break;
            }
            // A process that only scans the records locks each briefly.
            std::thread::sleep(Duration::from_millis(5));
            lock = self.lock(&id)?;
        }
        Ok(lock.map(|lock| Claim { id, path, ordinal, _lock: Arc::new(lock) }))
    }

    /// The path of a record by its id.
    pub(crate) fn by_id(&self, id: &str) -> Option<PathBuf> {
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Some(self.path(id)).filter(|path| plain && path.is_file())
    }

    /// The correlation marks of creates of this model in the last 7 days.
    pub(crate) fn marks_in_use(&self, base_url: &str, model: &str, now: UnixMillis) -> CorrelationsInUse {
        let mut in_use = CorrelationsInUse::at(now);
        let start = mark_of(base_url, model);
        for entry in fs::read_dir(&self.marks).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let expiry = name.strip_prefix(&start).and_then(|rest| rest.parse().ok());
            if let (Some(expiry), Some(age)) = (expiry, age(&entry.path()).filter(|age| *age <= MARKED)) {
                let mut marks = Correlation::default();
                marks.expiry = Some(expiry);
                let age = UnixMillis::try_from(age.as_millis()).unwrap_or(UnixMillis::MAX);
                in_use.add(&marks, now.saturating_sub(age), false);
            }
        }
        in_use
    }

    /// Claims a correlation mark for a model: `false` if a create of the last 7 days has it.
    pub(crate) fn claim_mark(&self, base_url: &str, model: &str, expiry: i64) -> bool {
        let path = self.marks.join(format!("{}{expiry}", mark_of(base_url, model)));
        if age(&path).is_some_and(|age| age > MARKED) {
            let _ = fs::remove_file(&path);
        }
        match create_private(&path) {
            Ok(()) => true,
            Err(error) => error.kind() != io::ErrorKind::AlreadyExists,
        }
    }

    fn ordinals(&self, hash: &str) -> io::Result<Vec<u32>> {
        let start = format!("{}-", hash.get(..DIGITS).unwrap_or(hash));
        let mut ordinals = Vec::new();
        for entry in fs::read_dir(&self.records)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let number = name.strip_prefix(&start).and_then(|rest| rest.strip_suffix(".lock"));
            ordinals.extend(number.and_then(|number| number.parse::<u32>().ok()));
        }
        ordinals.sort_unstable();
        Ok(ordinals)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.records.join(format!("{id}.json"))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.records.join(format!("{id}.lock"))
    }

    /// `None` while another process has locked it.
    fn lock(&self, id: &str) -> io::Result<Option<File>> {
        let path = self.lock_path(id);
        match create_private(&path) {
            // Opening a pipe would block.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => drop(is_own_file(&path)?),
            made => made?,
        }
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            // On a file system without locks, concurrent runs are not detected.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Some(file)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn clean(&self) {
        for (folder, most) in [(&self.records, KEPT), (&self.marks, MARKED)] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if age(&path).is_none_or(|age| age <= most) {
                    continue;
                }
                // Files beside a record keep their first modification time: they are removed with
                // the record, not before.
                let ending = path.extension().unwrap_or_default();
                if ending == SENT && path.with_extension("json").exists() {
                    continue;
                }
                if ending == "lock" {
                    let record = path.with_extension("json");
                    let free = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
                    if record.exists() || !free {
                        continue;
                    }
                }
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// Whether a record's task can exist at this base URL. A task of a local service does not exist
/// elsewhere.
pub(crate) fn is_elsewhere(record: &Record, base_url: &str) -> bool {
    let local = |url: &str| BaseUrl::parse_allowing_insecure(url).is_ok_and(|base| base.is_loopback());
    !is_here(record, base_url) && !local(&record.base_url)
}

/// Whether a record's task is at this base URL.
pub(crate) fn is_here(record: &Record, base_url: &str) -> bool {
    record.base_url.trim_end_matches('/') == base_url.trim_end_matches('/')
}

/// The prefix of the files of a model's marks.
fn mark_of(base_url: &str, model: &str) -> String {
    let of = ark_video::provenance::canonical_hash(&serde_json::json!([base_url, model]));
    format!("{}-", of.get(..DIGITS).unwrap_or_default())
}

fn id_of(hash: &str, ordinal: u32) -> String {
    format!("{}-{ordinal}", hash.get(..DIGITS).unwrap_or(hash))
}

fn age(path: &Path) -> Option<Duration> {
    let changed = fs::symlink_metadata(path).ok()?.modified().ok()?;
    // A clock that was set back makes nothing older.
    Some(SystemTime::now().duration_since(changed).unwrap_or_default())
}

fn named(path: &Path, error: &impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("cannot read the record {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use ark_video::provenance::Intent;

    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef";

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn record(ordinal: u32) -> Record {
        let sidecar = Sidecar::new(Progress::Prepared).intent(Some(Intent::new(HASH).ordinal(ordinal)));
        Record {
            sidecar,
            created_at: 1,
            base_url: "https://h/api/v3".to_owned(),
            output: None,
            video: None,
            boot: None,
        }
    }

    #[test]
    fn the_state_directory_is_the_platforms_default() {
        let at = |pairs: &[(&str, &str)]| state_dir(&env(pairs), Path::new("/cwd"));
        let is = |path: &str| Some(PathBuf::from(path));
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[("HOME", ""), ("XDG_STATE_HOME", "relative")]), None);
        assert_eq!(at(&[("ARK_STATE_DIR", "/s"), ("XDG_STATE_HOME", "/x")]), is("/s"));
        assert_eq!(at(&[("ARK_STATE_DIR", "s")]), is("/cwd/s"));
        assert_eq!(at(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")]), is("/x/ark-video"));
        #[cfg(all(unix, not(target_os = "macos")))]
        assert_eq!(at(&[("HOME", "/h")]), is("/h/.local/state/ark-video"));
    }

    #[test]
    fn each_create_has_a_record_of_its_own_and_two_processes_never_share_one() {
        let folder = tempfile::tempdir().unwrap();
        let env = env(&[("ARK_STATE_DIR", folder.path().to_str().unwrap())]);
        let store = Store::open(&env, folder.path()).unwrap();
        let one = store.claim_new(HASH).unwrap();
        let two = Store::open(&env, folder.path()).unwrap().claim_new(HASH).unwrap();
        assert_eq!((one.ordinal, two.ordinal, one.id.as_str()), (1, 2, "0123456789ab-1"));
        record(1).write(&one.path).unwrap();
        assert!(store.find(HASH).unwrap()[0].busy);
        assert!(store.claim(HASH, 1).unwrap().is_none());
        drop((one, two));
        assert!(!store.find(HASH).unwrap()[0].busy);
        assert!(store.claim(HASH, 1).unwrap().is_some());
        assert_eq!(store.claim_new(HASH).unwrap().ordinal, 3, "a number is not reused");
        assert!(store.by_id("0123456789ab-1").is_some() && store.by_id("../records/x").is_none());
        assert!(store.find(&HASH.replace("def", "fed")).unwrap().is_empty(), "another hash with this start");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&store.records), mode(&store.path("0123456789ab-1"))), (0o700, 0o600));
        }
        fs::write(store.path("0123456789ab-1"), "{").unwrap();
        assert!(store.find(HASH).unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn a_mark_is_given_once_for_each_model() {
        let folder = tempfile::tempdir().unwrap();
        let env = env(&[("ARK_STATE_DIR", folder.path().to_str().unwrap())]);
        let store = Store::open(&env, folder.path()).unwrap();
        assert!(store.claim_mark("https://h", "m", 7));
        assert!(!Store::open(&env, folder.path()).unwrap().claim_mark("https://h", "m", 7));
        let in_use = store.marks_in_use("https://h", "m", jiff::Timestamp::now().as_millisecond());
        assert!(in_use.used_at(7).is_some() && in_use.len() == 1);
        assert!(store.claim_mark("https://h", "n", 7) && store.claim_mark("https://i", "m", 7));
        let old = SystemTime::now() - MARKED - Duration::from_secs(60);
        for entry in fs::read_dir(&store.marks).unwrap() {
            File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(old).unwrap();
        }
        assert!(store.claim_mark("https://h", "m", 7), "after 7 days it is free again");
    }

    #[test]
    fn records_are_kept_for_thirty_days_and_their_locks_as_long_as_they() {
        let folder = tempfile::tempdir().unwrap();
        let env = env(&[("ARK_STATE_DIR", folder.path().to_str().unwrap())]);
        let store = Store::open(&env, folder.path()).unwrap();
        let claim = store.claim_new(HASH).unwrap();
        record(1).write(&claim.path).unwrap();
        drop(claim);
        let set = |path: &Path, days: u64| {
            let at = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
            File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
        };
        set(&store.lock_path("0123456789ab-1"), 40);
        store.clean();
        assert_eq!(store.find(HASH).unwrap().len(), 1, "its record is younger");
        set(&store.path("0123456789ab-1"), 31);
        store.clean();
        store.clean();
        assert_eq!(fs::read_dir(&store.records).unwrap().count(), 0);
    }
}

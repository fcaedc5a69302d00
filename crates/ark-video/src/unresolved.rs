//! Where [`crate::create::Create::keep`] keeps its records: a trait, a store of files and one in
//! memory. Decides nothing about creates.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ark_video_protocol::{BaseUrl, reconcile::UnresolvedCreate};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    call::locked,
    files::{create_private_folder, read_bounded, write_private},
};

/// Largest record that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A create whose task has not reached its caller yet. Holds no key, prompt or media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateRecord {
    /// Its name in the store: letters, digits and `-`.
    pub key: String,
    /// The service that it was sent to.
    pub base_url: String,
    /// The task, once the service has named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// What to search for while it has not.
    pub search: UnresolvedCreate,
}

impl CreateRecord {
    pub(crate) fn new(key: &str, base_url: &BaseUrl, search: UnresolvedCreate) -> Self {
        Self { key: key.to_owned(), base_url: base_url.to_string(), task_id: None, search }
    }

    pub(crate) fn created(mut self, id: &str) -> Self {
        self.task_id = Some(id.to_owned());
        self
    }

    pub(crate) fn unresolved(mut self, search: UnresolvedCreate) -> Self {
        self.search = search;
        self
    }
}

/// A record that cannot be read. It is kept: a task that may be billed can be behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the record {key} cannot be read: {reason}")]
#[non_exhaustive]
pub struct DamagedRecord {
    /// Its name in the store.
    pub key: String,
    /// Why it cannot be read.
    pub reason: String,
}

impl DamagedRecord {
    /// A record of this name that cannot be read for this reason.
    #[must_use]
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

/// Keeps the records of creates. Its methods are called where a create is sent, so they must be
/// quick; they may block on a disk.
///
/// One process uses a store at a time: what another process is sending would be reconciled as if it
/// were lost.
pub trait UnresolvedStore: fmt::Debug + Send + Sync {
    /// Keeps a record, in place of an earlier one of its key. Must be durable when it returns.
    ///
    /// # Errors
    /// It cannot be kept. Before a create is sent, that means that it is not sent.
    fn put(&self, record: &CreateRecord) -> io::Result<()>;

    /// Removes a record; one that is not there is removed already.
    ///
    /// # Errors
    /// It cannot be removed. Its task is then found once more.
    fn remove(&self, key: &str) -> io::Result<()>;

    /// All records, the damaged ones too.
    ///
    /// # Errors
    /// The store cannot be read: what is in it is unknown.
    fn list(&self) -> io::Result<Vec<Result<CreateRecord, DamagedRecord>>>;
}

impl<S: UnresolvedStore + ?Sized> UnresolvedStore for Arc<S> {
    fn put(&self, record: &CreateRecord) -> io::Result<()> {
        (**self).put(record)
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        (**self).remove(key)
    }

    fn list(&self) -> io::Result<Vec<Result<CreateRecord, DamagedRecord>>> {
        (**self).list()
    }
}

/// Records in memory: they survive a dropped future, not the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<String, CreateRecord>>>);

impl MemoryStore {
    /// An empty store. Clones are the same store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl UnresolvedStore for MemoryStore {
    fn put(&self, record: &CreateRecord) -> io::Result<()> {
        locked(&self.0).insert(record.key.clone(), record.clone());
        Ok(())
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        locked(&self.0).remove(key);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<Result<CreateRecord, DamagedRecord>>> {
        Ok(locked(&self.0).values().cloned().map(Ok).collect())
    }
}

/// A folder with one file for each record, readable by its owner only, complete at any time, also
/// after a power cut.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// The store in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Store`]: the folder cannot be made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        create_private_folder(folder.as_ref()).map_err(Error::Store)?;
        Ok(Self { folder: folder.as_ref().to_owned() })
    }

    fn path(&self, key: &str) -> io::Result<PathBuf> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{key:?} is not a valid key")));
        }
        Ok(self.folder.join(format!("{key}.json")))
    }
}

impl UnresolvedStore for FileStore {
    fn put(&self, record: &CreateRecord) -> io::Result<()> {
        write_private(&self.path(&record.key)?, &serde_json::to_vec_pretty(record)?)
    }

    fn remove(&self, key: &str) -> io::Result<()> {
        match fs::remove_file(self.path(key)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn list(&self) -> io::Result<Vec<Result<CreateRecord, DamagedRecord>>> {
        let mut records = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some(key) = name.strip_suffix(".json").filter(|key| self.path(key).is_ok()) else { continue };
            let damaged = |reason: String| DamagedRecord::new(key, reason);
            let record = match read_bounded(&self.folder.join(&name), LARGEST) {
                Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(error.to_string())),
                // Its create has ended meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(damaged(error.to_string())),
            };
            let record = record.and_then(|record: CreateRecord| match record.key == key {
                true => Ok(record),
                false => Err(damaged("it is the record of another key".to_owned())),
            });
            records.insert(key.to_owned(), record);
        }
        Ok(records.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str) -> CreateRecord {
        let search = serde_json::from_str(r#"{"model":"m","window":{"from":0,"to":1}}"#).unwrap();
        CreateRecord::new(key, &BaseUrl::parse(BaseUrl::VOLCENGINE).unwrap(), search)
    }

    fn keeps_and_gives_back(store: &dyn UnresolvedStore) {
        let (one, two) = (record("b-1"), record("a-2").created("cgt-2"));
        store.put(&one).unwrap();
        store.put(&two).unwrap();
        store.put(&one.clone().created("cgt-1")).unwrap();
        assert_eq!(store.list().unwrap(), [Ok(two), Ok(one.clone().created("cgt-1"))]);
        store.remove("a-2").unwrap();
        store.remove("a-2").unwrap();
        assert_eq!(store.list().unwrap(), [Ok(one.created("cgt-1"))]);
    }

    #[test]
    fn each_store_gives_back_what_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        keeps_and_gives_back(&MemoryStore::new());
        keeps_and_gives_back(&FileStore::open(folder.path().join("a/b")).unwrap());
        keeps_and_gives_back(&Arc::new(MemoryStore::new()));
    }

    #[test]
    fn a_damaged_record_is_reported_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        store.put(&record("good")).unwrap();
        for (name, text) in
            [("cut.json", "{"), ("other.json", r#"{"key":"x"}"#), (".ark-video-1", ""), ("n.txt", "")]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("folder.json")).unwrap();
        for _ in 0..2 {
            let listed = store.list().unwrap();
            let keys: Vec<_> =
                listed.iter().map(|record| record.as_ref().map_err(|damaged| &*damaged.key)).collect();
            assert!(matches!(keys[..], [Err("cut"), Err("folder"), Ok(_), Err("other")]), "{listed:?}");
        }
    }

    #[test]
    fn a_key_never_leaves_the_folder_and_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("s")).unwrap();
        for key in ["", "..", "../x", "a/b", "a.b", "é"] {
            assert!(store.put(&record(key)).is_err() && store.remove(key).is_err(), "{key}");
        }
        store.put(&record("k")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&store.folder), mode(&store.path("k").unwrap())), (0o700, 0o600));
        }
    }
}

//! Records of unfinished uploads, one small file each, by which a killed upload is resumed: the
//! store's upload id and the parts that it has. Holds no key.
#![expect(clippy::disallowed_methods, reason = "records are listed and removed here, and made by transport")]

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ark_video_transport::{create_private_folder, read_bounded, write_private};
use serde::{Deserialize, Serialize};

/// Largest record that is read, in bytes.
const LARGEST: u64 = 1 << 20;
const ENDING: &str = "upload.json";

/// An upload that has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    /// The object that is to be, `s3://bucket/key`.
    pub(crate) object: String,
    pub(crate) upload_id: String,
    pub(crate) part_bytes: usize,
    /// The store's ids of the parts that it has, by their index.
    #[serde(default)]
    pub(crate) parts: BTreeMap<usize, String>,
}

/// The folder of the records; without one nothing is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records(pub(crate) Option<PathBuf>);

impl Records {
    pub(crate) fn keeps(&self) -> bool {
        self.0.is_some()
    }

    /// The record of an upload of these bytes to this object.
    pub(crate) fn read(&self, sha256: &str, object: &str) -> Option<Unfinished> {
        let text = read_bounded(&self.path(sha256)?, LARGEST).ok()?;
        serde_json::from_slice(&text).ok().filter(|found: &Unfinished| found.object == object)
    }

    pub(crate) fn write(&self, sha256: &str, unfinished: &Unfinished) -> io::Result<()> {
        let Some(path) = self.path(sha256) else { return Ok(()) };
        create_private_folder(path.parent().unwrap_or(Path::new("")))?;
        write_private(&path, &serde_json::to_vec(unfinished).map_err(io::Error::other)?)
    }

    /// Removes a record. One that stays is harmless: the object is searched for first.
    pub(crate) fn remove(&self, sha256: &str) {
        if let Some(path) = self.path(sha256) {
            let _ = fs::remove_file(path);
        }
    }

    /// All records with the hash that they are for, and when they were written.
    pub(crate) fn all(&self) -> Vec<(String, Unfinished, Option<std::time::SystemTime>)> {
        let entries = self.0.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let records = entries.into_iter().flatten().flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let sha256 = name.strip_suffix(ENDING)?.strip_suffix('.')?.to_owned();
            let text = read_bounded(&entry.path(), LARGEST).ok()?;
            let changed = entry.metadata().ok().and_then(|metadata| metadata.modified().ok());
            Some((sha256, serde_json::from_slice(&text).ok()?, changed))
        });
        records.collect()
    }

    fn path(&self, sha256: &str) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("{sha256}.{ENDING}")))
    }
}

//! The high-water mark: what is kept beside a journal's file of how far it was. By it a journal is
//! known that was deleted, emptied or rolled back to an earlier copy, which knows nothing of what
//! was sent since and would send it again.

use std::path::{Path, PathBuf};

use ark_video::files::{read_bounded, write_private};
use serde::{Deserialize, Serialize};

use crate::Job;

use super::error::{ErrorContext, StoreError};
use super::{Journal, JournalError};

/// Largest mark that is read, in bytes.
const LARGEST: u64 = 4096;

/// How far a journal was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Its id; empty in a mark of an earlier version.
    #[serde(default)]
    journal: String,
    /// When its first batch was planned.
    began: i64,
    /// All changes of all rows; rows are never deleted, so this only grows.
    changes: i64,
    /// The row that was sent last, and its changes: a journal that is older than that lacks a
    /// create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<(String, i64)>,
    /// Nothing of it was ever sent: it may be lost without a loss.
    #[serde(default)]
    unsent: bool,
}

/// What the mark beside a journal says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HighWater {
    /// Nothing speaks against it.
    Reached,
    /// It lacks so many changes of rows: it is an earlier copy.
    Earlier(i64),
    /// Another journal was used in this place before.
    Other,
    /// The mark is there and cannot be read; why.
    Unreadable(String),
}

fn path_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".seen");
    PathBuf::from(name)
}

fn read(journal: &Path) -> Result<Option<Mark>, String> {
    let path = path_of(journal);
    match read_bounded(&path, LARGEST) {
        Ok(text) => {
            serde_json::from_slice(&text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The id of the journal that was used at this path last, if the mark beside it says so.
pub(super) fn id_at(journal: &Path) -> Option<String> {
    read(journal).ok()?.map(|mark| mark.journal).filter(|id| !id.is_empty())
}

fn write(journal: &Path, mark: &Mark) {
    // A file that cannot be written costs only the notice.
    let _ = write_private(&path_of(journal), &serde_json::to_vec(mark).unwrap_or_default());
}

impl Journal {
    /// What the mark says of this journal.
    pub(crate) async fn high_water(&self) -> Result<HighWater, JournalError> {
        let Some(path) = self.file() else { return Ok(HighWater::Reached) };
        let known = match read(&path) {
            Ok(Some(known)) => known,
            Ok(None) => return Ok(HighWater::Reached),
            Err(why) => return Ok(HighWater::Unreadable(why)),
        };
        let now = self.mark().await?;
        let same = if known.journal.is_empty() {
            now.as_ref().is_some_and(|now| now.began == known.began)
        } else {
            known.journal == self.id()
        };
        let mut lacking = known.changes - now.map_or(0, |now| now.changes);
        if let Some((key, seq)) = known.sent.filter(|_| same && lacking <= 0) {
            lacking = seq - self.job(&key).await?.map_or(0, |job| job.seq);
        }
        Ok(match (same, lacking) {
            (false, _) if known.unsent => HighWater::Reached,
            (false, _) => HighWater::Other,
            (true, ..=0) => HighWater::Reached,
            (true, lacking) => HighWater::Earlier(lacking),
        })
    }

    /// Writes down how far it is.
    pub(crate) async fn set_high_water(&self) -> Result<(), JournalError> {
        if let Some(path) = self.file()
            && let Some(mut mark) = self.mark().await?
        {
            mark.sent = self.known_mark(&path).and_then(|known| known.sent);
            write(&path, &mark);
        }
        Ok(())
    }

    /// Writes down that this row is about to be sent. Cheap: one small file before each create, for
    /// the death right after it.
    pub(crate) fn raise_high_water(&self, job: &Job) {
        if let Some(path) = self.file()
            && let Some(mut mark) = self.known_mark(&path)
        {
            (mark.sent, mark.unsent) = (Some((job.key.clone(), job.seq)), false);
            write(&path, &mark);
        }
    }

    /// The mark that is there, if it is this journal's.
    fn known_mark(&self, path: &Path) -> Option<Mark> {
        read(path).ok().flatten().filter(|mark| mark.journal == self.id())
    }

    fn file(&self) -> Option<PathBuf> {
        self.is_file().then(|| PathBuf::from(self.place()))
    }

    async fn mark(&self) -> Result<Option<Mark>, JournalError> {
        let context = ErrorContext { what: "Reading how far the journal is", so: "" };
        self.with_retry(context, || async {
            let sql = "SELECT (SELECT min(created_at) FROM ark_batch) AS began, \
                       CAST(coalesce(sum(seq), 0) AS BIGINT) AS changes, \
                       CAST(coalesce(sum(CASE WHEN token <> '' THEN 1 ELSE 0 END), 0) AS BIGINT) AS attempted FROM ark_job";
            let row = self.inner.db.one(sql, Vec::new()).await?;
            let Some(row) = row else { return Ok(None) };
            let Ok(began) = row.int("began") else { return Ok(None) };
            let (changes, unsent) = (row.int("changes")?, row.int("attempted")? == 0);
            Ok::<_, StoreError>(Some(Mark { journal: self.id(), began, changes, sent: None, unsent }))
        })
        .await
    }
}

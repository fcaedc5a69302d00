//! What is kept beside a journal's file of how far it was: by that an earlier copy is told that was put in its place. It knows
//! nothing of what was sent since, and would send it again.

use std::path::PathBuf;

use ark_video::files::{read_bounded, write_private};
use serde::{Deserialize, Serialize};

use super::error::{Doing, Trouble};
use super::{Journal, JournalError};

/// How far a journal was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// When its first batch was planned: another journal in the same place has another.
    began: i64,
    /// All changes of all rows; rows are never deleted, so this only grows.
    changes: i64,
}

impl Journal {
    /// Whether the file is an earlier copy of what was used in this place before. How many changes it lacks.
    pub(crate) async fn lacks(&self) -> Result<Option<i64>, JournalError> {
        let Some(path) = self.witness_path() else { return Ok(None) };
        let known =
            read_bounded(&path, 4096).ok().and_then(|text| serde_json::from_slice::<Mark>(&text).ok());
        let now = self.mark().await?;
        Ok(known.and_then(|known| {
            let lacking = known.changes - now?.changes;
            (lacking > 0 && now?.began == known.began).then_some(lacking)
        }))
    }

    /// Writes down how far it is. A file that cannot be written costs only the notice.
    pub(crate) async fn witness(&self) -> Result<(), JournalError> {
        if let (Some(path), Some(mark)) = (self.witness_path(), self.mark().await?) {
            let _ = write_private(&path, &serde_json::to_vec(&mark).unwrap_or_default());
        }
        Ok(())
    }

    fn witness_path(&self) -> Option<PathBuf> {
        self.is_file().then(|| PathBuf::from(format!("{}.seen", self.place())))
    }

    async fn mark(&self) -> Result<Option<Mark>, JournalError> {
        let doing = Doing { what: "Looking how far the journal is", so: "" };
        let look = async {
            let sql = "SELECT (SELECT min(created_at) FROM ark_batch) AS began, coalesce(sum(seq), 0) AS changes FROM ark_job";
            let row = self.inner.db.one(sql, Vec::new()).await?;
            let Some(row) = row else { return Ok(None) };
            let Ok(began) = row.int("began") else { return Ok(None) };
            Ok::<_, Trouble>(Some(Mark { began, changes: row.int("changes")? }))
        };
        look.await.map_err(|trouble| self.told(doing, trouble))
    }
}

//! Which journal this is: an id that is drawn once and copied with the file, the place where it was
//! used last, and the list that each batch was planned from. Small facts beside the rows; sends
//! nothing.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use ark_video::transport::Random;

use crate::list::hex;
use crate::{Planned, PlannedJobs};

use super::db::{Db, Tx, Value};
use super::error::{ErrorContext, JournalErrorKind, StoreError};
use super::plan::{CHUNK, hash_of, names_of, same_video};
use super::schema::{JOB, META};
use super::{BatchRow, Journal, JournalError, rows};

const ID: &str = "id";
const PLACE: &str = "place";

/// What a list from standard input is called.
const STDIN: &str = "-";

const CONTEXT: ErrorContext =
    ErrorContext { what: "Comparing the list with the batch", so: "Nothing was sent." };

fn list_key(batch: &str) -> String {
    format!("list:{batch}")
}

async fn fact(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.one(META.select("WHERE key = $1"), vec![key.into()]).await? else { return Ok(None) };
    META.verify_checksum(&row)?;
    Ok(Some(row.text("value")?))
}

fn drawn(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    hex(&bytes)
}

/// The id of a journal; one of an earlier version gets its own now.
pub(super) async fn id_of(db: &Db, random: &dyn Random) -> Result<String, StoreError> {
    let mut tx = db.snapshot().await?;
    if let Some(id) = fact(&mut tx, ID).await? {
        return Ok(id);
    }
    drop(tx);
    let mut tx = db.write().await?;
    let values: Vec<Value> = vec![ID.into(), drawn(random).into()];
    tx.execute(META.insert_missing(1), META.with_checksum(values)).await?;
    let id = fact(&mut tx, ID).await?.ok_or(sqlx::Error::RowNotFound)?;
    tx.commit().await?;
    Ok(id)
}

/// A path by which the same file is known again, however it was named.
fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether something is at a path. What cannot be seen counts as there.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    id(one).is_some_and(|one| Some(one) == id(other))
}

#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    absolute(one) == absolute(other)
}

impl Journal {
    /// What distinguishes this journal from every other one; a copy of its file has the same.
    #[must_use]
    pub fn id(&self) -> String {
        self.inner.id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the file that this one is a copy of still is. A file that was moved is no copy.
    pub(crate) async fn original(&self) -> Result<Option<PathBuf>, JournalError> {
        let context =
            ErrorContext { what: "Reading where the journal was used last", so: "Nothing was sent." };
        let before = self
            .with_retry(context, || async { fact(&mut self.inner.db.snapshot().await?, PLACE).await })
            .await?;
        let Some(before) = before.filter(|_| self.is_file()).map(PathBuf::from) else { return Ok(None) };
        let here = absolute(Path::new(self.place()));
        if before == here || !is_there(&before) || is_same_file(&before, &here) {
            return Ok(None);
        }
        // Another journal may have taken that place since.
        let other = super::high_water::id_at(&before).is_some_and(|id| id != self.id());
        Ok((!other).then_some(before))
    }

    /// Makes a copy a journal of its own: the file that it was copied from is another one from now
    /// on. What was sent from here on has the new id.
    pub(crate) async fn separate(&self, random: &dyn Random) -> Result<(), JournalError> {
        if self.original().await?.is_none() {
            return Ok(());
        }
        let id = drawn(random);
        let context = ErrorContext { what: "Making the copy a journal of its own", so: "Nothing was sent." };
        self.with_retry(context, || self.set_fact(ID, &id)).await?;
        *self.inner.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
        Ok(())
    }

    /// Writes down that it is used where it is.
    pub(crate) async fn used_here(&self) -> Result<(), JournalError> {
        if !self.is_file() {
            return Ok(());
        }
        let here = absolute(Path::new(self.place())).display().to_string();
        let context =
            ErrorContext { what: "Writing down where the journal is used", so: "Nothing was sent." };
        self.with_retry(context, || self.set_fact(PLACE, &here)).await
    }

    /// Whether a batch was planned from the list in this file.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn is_planned_from(&self, batch: &str, list: &Path) -> Result<bool, JournalError> {
        let key = list_key(batch);
        let before =
            self.with_retry(CONTEXT, || async { fact(&mut self.inner.db.snapshot().await?, &key).await });
        Ok(before.await?.is_some_and(|before| Path::new(&before) == absolute(list)))
    }

    /// Whether a list may be planned as this batch: it is new, or the list is the one that was
    /// planned before, edited or moved. `list` is its file; `-` for standard input.
    ///
    /// # Errors
    ///
    /// [`JournalErrorKind::OtherList`] if it is another list, and when the journal cannot be read.
    pub async fn same_list(
        &self,
        batch: &str,
        list: &Path,
        jobs: &(impl PlannedJobs + ?Sized),
    ) -> Result<(), JournalError> {
        self.with_retry(CONTEXT, || async {
            let row =
                self.inner.db.one(super::schema::BATCH.select("WHERE name = $1"), vec![batch.into()]).await?;
            let Some(row) = row.as_ref().map(super::batches::read).transpose()? else { return Ok(()) };
            self.compare_list(&row, list, jobs, &hash_of(&names_of(jobs))).await
        })
        .await
    }

    /// Two lists of one name must not replace each other's shots. A list is known again by its
    /// place; one that was moved, or is on another machine, by a shot that both have.
    pub(super) async fn compare_list(
        &self,
        batch: &BatchRow,
        list: &Path,
        jobs: &(impl PlannedJobs + ?Sized),
        list_hash: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.inner.db.snapshot().await?;
        let Some(before) = fact(&mut tx, &list_key(&batch.name)).await? else { return Ok(()) };
        let place = fact(&mut tx, PLACE).await?;
        drop(tx);
        let here = absolute(list);
        if Path::new(&before) == here || batch.list_hash == list_hash {
            return Ok(());
        }
        // The journal went with its list, both moved or both copied: nothing else is in it.
        if let Some(place) = place.filter(|_| self.is_file()) {
            let now = absolute(Path::new(self.place()));
            let beside = |list: &Path, journal: &Path| {
                journal.parent().and_then(|folder| list.strip_prefix(folder).ok()).map(Path::to_owned)
            };
            let was = beside(Path::new(&before), Path::new(&place));
            if Path::new(&place) != now && was.is_some() && was == beside(&here, &now) {
                return Ok(());
            }
        }
        if before == STDIN || !is_there(Path::new(&before)) {
            let mut jobs = jobs.planned();
            loop {
                let chunk: Vec<Planned> = jobs.by_ref().take(CHUNK).collect();
                if chunk.is_empty() {
                    break;
                }
                let mut values = vec![batch.name.as_str().into()];
                let names = rows::one_of("name", chunk.iter().map(|job| job.name.as_str()), &mut values);
                let sql = JOB.select(&format!("WHERE batch = $1 AND {names}"));
                for row in self.inner.db.all(sql, values).await? {
                    let old = rows::job(&row)?.planned;
                    if chunk.iter().any(|new| new.name == old.name && same_video(&old, new)) {
                        return Ok(());
                    }
                }
            }
        }
        let before = if before == STDIN { "standard input".to_owned() } else { before };
        Err(StoreError::Reported(
            JournalErrorKind::OtherList,
            format!("the batch {} was planned from another list, {before}", batch.name),
        ))
    }

    /// Writes down which list a batch is planned from.
    pub(super) async fn remember_list(&self, batch: &str, list: &Path) -> Result<(), StoreError> {
        self.set_fact(&list_key(batch), &absolute(list).display().to_string()).await
    }

    async fn set_fact(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let mut tx = self.inner.db.write().await?;
        if fact(&mut tx, key).await?.as_deref() != Some(value) {
            tx.execute(META.upsert(1), META.with_checksum(vec![key.into(), value.into()])).await?;
        }
        Ok(tx.commit().await?)
    }
}

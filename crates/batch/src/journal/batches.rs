//! The batches of a journal: what was planned last, paused or not.

use serde_json::Value as Json;

use super::db::{Row, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::BATCH;
use super::{BatchRow, Journal, JournalError, claims};

pub(super) fn read(row: &Row) -> Result<BatchRow, StoreError> {
    BATCH.verify_checksum(row)?;
    let name = row.text("name")?;
    let options = serde_json::from_str(&row.text("options")?)
        .map_err(|_| StoreError::damaged(format!("the options of the batch {name} are no JSON")))?;
    Ok(BatchRow {
        name,
        list_hash: row.text("list_hash")?,
        paused: row.int("paused")? != 0,
        reason: row.maybe_text("reason")?,
        options,
        created_at: row.int("created_at")?,
    })
}

fn with_checksum(batch: &BatchRow) -> Vec<Value> {
    BATCH.with_checksum(vec![
        batch.name.as_str().into(),
        batch.list_hash.as_str().into(),
        i64::from(batch.paused).into(),
        batch.reason.clone().into(),
        batch.options.to_string().into(),
        batch.created_at.into(),
    ])
}

pub(super) async fn is_paused(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let row = tx.one(BATCH.select("WHERE name = $1"), vec![name.into()]).await?;
    Ok(row.as_ref().map(read).transpose()?.is_some_and(|batch| batch.paused))
}

impl Journal {
    /// A batch, if the journal has it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn batch(&self, name: &str) -> Result<Option<BatchRow>, JournalError> {
        let context = ErrorContext { what: "Reading a batch", so: "" };
        self.with_retry(context, || async {
            let row = self.inner.db.one(BATCH.select("WHERE name = $1"), vec![name.into()]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// All batches, by name.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn batches(&self) -> Result<Vec<BatchRow>, JournalError> {
        let context = ErrorContext { what: "Reading the batches", so: "" };
        self.with_retry(context, || async {
            let rows = self.inner.db.all(BATCH.select("ORDER BY name"), Vec::new()).await?;
            rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()
        })
        .await
    }

    /// Sends nothing more of a batch; what runs is still waited for and fetched. `false` if there
    /// is no such batch.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn pause(&self, name: &str, reason: &str) -> Result<bool, JournalError> {
        let reason = Some(reason.to_owned());
        self.change_batch(name, |batch| (batch.paused, batch.reason) = (true, reason.clone())).await
    }

    /// Lets a paused batch go on. `false` if there is no such batch.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn resume(&self, name: &str) -> Result<bool, JournalError> {
        self.change_batch(name, |batch| (batch.paused, batch.reason) = (false, None)).await
    }

    /// Keeps what a run was started with. `false` if there is no such batch.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn keep_options(&self, name: &str, options: Json) -> Result<bool, JournalError> {
        self.change_batch(name, |batch| batch.options = options.clone()).await
    }

    async fn change_batch(&self, name: &str, edit: impl Fn(&mut BatchRow)) -> Result<bool, JournalError> {
        let context = ErrorContext { what: "Changing a batch", so: "It is as it was." };
        self.with_retry(context, || async {
            let mut tx = self.inner.db.write().await?;
            let rows = tx.all_locked(BATCH.select("WHERE name = $1"), vec![name.into()]).await?;
            let Some(row) = rows.first() else { return Ok(false) };
            let mut batch = read(row)?;
            edit(&mut batch);
            tx.execute(BATCH.upsert(1), with_checksum(&batch)).await?;
            claims::notify(&mut tx).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Makes the batch if it is new, and writes down which list was planned.
    pub(super) async fn note_list(&self, name: &str, list_hash: &str) -> Result<(), StoreError> {
        let new = BatchRow {
            name: name.to_owned(),
            list_hash: list_hash.to_owned(),
            paused: false,
            reason: None,
            options: Json::Object(serde_json::Map::new()),
            created_at: self.now(),
        };
        let mut tx = self.inner.db.write().await?;
        tx.execute(BATCH.insert_missing(1), with_checksum(&new)).await?;
        let rows = tx.all_locked(BATCH.select("WHERE name = $1"), vec![name.into()]).await?;
        if let Some(mut batch) =
            rows.first().map(read).transpose()?.filter(|batch| batch.list_hash != list_hash)
        {
            list_hash.clone_into(&mut batch.list_hash);
            tx.execute(BATCH.upsert(1), with_checksum(&batch)).await?;
        }
        Ok(tx.commit().await?)
    }
}

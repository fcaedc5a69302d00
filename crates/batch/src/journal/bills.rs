//! Tasks of a job beside its own: a second bill that a late answer revealed, or the task of an
//! attempt before a retry.

use ark_video::transport::UnixMillis;

use super::db::{Row, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::{BILL, JOB};
use super::{Bill, BillKind, Journal, JournalError, rows};

fn kind_text(kind: BillKind) -> &'static str {
    match kind {
        BillKind::Extra => "extra",
        BillKind::Earlier => "earlier",
    }
}

fn read(row: &Row) -> Result<Bill, StoreError> {
    BILL.verify_checksum(row)?;
    let kind = match row.text("kind")?.as_str() {
        "extra" => BillKind::Extra,
        "earlier" => BillKind::Earlier,
        other => return Err(StoreError::damaged(format!("a bill is of the kind {other:?}, which is none"))),
    };
    Ok(Bill {
        task_id: row.text("task_id")?,
        key: row.text("key")?,
        attempt: u32::try_from(row.int("attempt")?).unwrap_or_default(),
        kind,
        found_at: row.int("found_at")?,
        reason: row.text("reason")?,
    })
}

pub(super) async fn keep(tx: &mut Tx, bill: &Bill) -> Result<(), StoreError> {
    let values: Vec<Value> = vec![
        bill.task_id.as_str().into(),
        bill.key.as_str().into(),
        i64::from(bill.attempt).into(),
        kind_text(bill.kind).into(),
        bill.found_at.into(),
        bill.reason.as_str().into(),
    ];
    tx.execute(BILL.insert_missing(1), BILL.with_checksum(values)).await?;
    Ok(())
}

/// Takes a task off the bills because it has become a job's own.
pub(super) async fn forget(tx: &mut Tx, task_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM ark_bill WHERE task_id = $1", vec![task_id.into()]).await?;
    Ok(())
}

pub(super) async fn knows(tx: &mut Tx, task_id: &str) -> Result<bool, StoreError> {
    let row = tx.one(BILL.select("WHERE task_id = $1"), vec![task_id.into()]).await?;
    Ok(row.as_ref().map(read).transpose()?.is_some())
}

impl Journal {
    /// Tasks beside the jobs' own, oldest first.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn bills(&self) -> Result<Vec<Bill>, JournalError> {
        let context = ErrorContext { what: "Reading the bills", so: "" };
        self.with_retry(context, || async {
            let rows = self.inner.db.all(BILL.select("ORDER BY found_at, task_id"), Vec::new()).await?;
            rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()
        })
        .await
    }

    /// All task ids of a model that the journal knows and that may have been created at `since` or
    /// later, in milliseconds since 1970: what a search for a lost task has to leave out. Bills are
    /// in it whatever their model.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub(crate) async fn owned_task_ids(
        &self,
        model: &str,
        since: UnixMillis,
    ) -> Result<Vec<String>, JournalError> {
        let context = ErrorContext { what: "Reading the known task ids", so: "Nothing was adopted." };
        self.with_retry(context, || async {
            let mut owned: Vec<String> = self
                .inner
                .db
                .all(BILL.select(""), Vec::new())
                .await?
                .iter()
                .map(|row| Ok(read(row)?.task_id))
                .collect::<Result<_, StoreError>>()?;
            let mut after = String::new();
            loop {
                let sql = JOB.select(
                    "WHERE model = $1 AND key > $2 AND task_id IS NOT NULL AND (created_at IS NULL OR created_at >= $3) \
                     ORDER BY key LIMIT 500",
                );
                let page =
                    self.inner.db.all(sql, vec![model.into(), after.as_str().into(), since.into()]).await?;
                for row in &page {
                    let job = rows::job(row)?;
                    owned.extend(job.task_id);
                    after = job.key;
                }
                if page.len() < 500 {
                    return Ok(owned);
                }
            }
        })
        .await
    }
}

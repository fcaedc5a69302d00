//! Which runners work on the journal, and which are still alive. For the decision whose half-done
//! work is whose; no promise hangs on it, because compare-and-set decides each move, also of a
//! runner that was wrongly thought dead.

use std::time::Duration;

use ark_video::transport::UnixMillis;

use super::db::{Row, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::RUNNER;
use super::{Journal, JournalError, RunnerRow};

const CONTEXT: ErrorContext = ErrorContext { what: "Writing down that a runner is alive", so: "" };

fn read(row: &Row) -> Result<RunnerRow, StoreError> {
    RUNNER.verify_checksum(row)?;
    Ok(RunnerRow {
        id: row.text("id")?,
        host: row.text("host")?,
        pid: u32::try_from(row.int("pid")?).unwrap_or_default(),
        started_at: row.int("started_at")?,
        seen_at: row.int("seen_at")?,
        stopping: row.int("stopping")? != 0,
    })
}

fn with_checksum(runner: &RunnerRow) -> Vec<Value> {
    RUNNER.with_checksum(vec![
        runner.id.as_str().into(),
        runner.host.as_str().into(),
        i64::from(runner.pid).into(),
        runner.started_at.into(),
        runner.seen_at.into(),
        i64::from(runner.stopping).into(),
    ])
}

impl Journal {
    /// A runner begins. Its row says when, by the journal's clock.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn runner_started(
        &self,
        id: &str,
        host: &str,
        pid: u32,
    ) -> Result<RunnerRow, JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            let now = self.shared_now(&mut tx).await?;
            let runner = RunnerRow {
                id: id.to_owned(),
                host: host.to_owned(),
                pid,
                started_at: now,
                seen_at: now,
                stopping: false,
            };
            self.keep_runner(tx, &runner).await?;
            Ok(runner)
        })
        .await
    }

    /// It is still there. Returns its row as it is now.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn runner_seen(&self, runner: &RunnerRow) -> Result<RunnerRow, JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            let seen_at = self.shared_now(&mut tx).await?;
            let runner = RunnerRow { seen_at, ..runner.clone() };
            self.keep_runner(tx, &runner).await?;
            Ok(runner)
        })
        .await
    }

    async fn keep_runner(&self, mut tx: Tx, runner: &RunnerRow) -> Result<(), StoreError> {
        tx.execute(RUNNER.upsert(1), with_checksum(runner)).await?;
        Ok(tx.commit().await?)
    }

    /// It ends in order.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn runner_ended(&self, id: &str) -> Result<(), JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            tx.execute("DELETE FROM ark_runner WHERE id = $1", vec![id.into()]).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// The runners that were heard of `within` this time. One whose time lies that far ahead counts
    /// as dead too: a clock was put back since.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub(crate) async fn runners_alive(&self, within: Duration) -> Result<Vec<RunnerRow>, JournalError> {
        let context = ErrorContext { what: "Reading which runners are alive", so: "" };
        self.with_retry(context, || async {
            let mut tx = self.inner.db.snapshot().await?;
            let now = self.shared_now(&mut tx).await?;
            let rows = tx.all(RUNNER.select("ORDER BY started_at, id"), Vec::new()).await?;
            let runners: Vec<_> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
            let within = UnixMillis::try_from(within.as_millis()).unwrap_or(UnixMillis::MAX);
            let is_alive = |runner: &RunnerRow| now.abs_diff(runner.seen_at) <= within.unsigned_abs();
            Ok(runners.into_iter().filter(is_alive).collect())
        })
        .await
    }

    /// Forgets runners that were not heard of for that long.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) async fn forget_runners(&self, longer: Duration) -> Result<(), JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            let now = self.shared_now(&mut tx).await?;
            let longer = UnixMillis::try_from(longer.as_millis()).unwrap_or(UnixMillis::MAX);
            let sql = "DELETE FROM ark_runner WHERE seen_at < $1";
            tx.execute(sql, vec![now.saturating_sub(longer).into()]).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}

//! Which runners work on the journal, and which are still alive. For the decision whose half-done work is whose; no promise
//! hangs on it, because a row is moved by compare-and-set whoever is thought dead.

use std::time::Duration;

use ark_video::UnixMillis;

use super::db::{Row, Tx, Value};
use super::error::{Doing, Trouble};
use super::schema::RUNNER;
use super::{Journal, JournalError, RunnerRow};

const DOING: Doing = Doing { what: "Writing down that a runner is alive", so: "" };

fn read(row: &Row) -> Result<RunnerRow, Trouble> {
    RUNNER.checked(row)?;
    Ok(RunnerRow {
        id: row.text("id")?,
        host: row.text("host")?,
        pid: u32::try_from(row.int("pid")?).unwrap_or_default(),
        started_at: row.int("started_at")?,
        seen_at: row.int("seen_at")?,
        stopping: row.int("stopping")? != 0,
    })
}

fn sealed(runner: &RunnerRow) -> Vec<Value> {
    RUNNER.sealed(vec![
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
    pub async fn runner_started(&self, id: &str, host: &str, pid: u32) -> Result<RunnerRow, JournalError> {
        let start = async {
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
        };
        start.await.map_err(|trouble| self.told(DOING, trouble))
    }

    /// It is still there. Returns its row as it is now.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn runner_seen(&self, runner: &RunnerRow) -> Result<RunnerRow, JournalError> {
        let see = async {
            let mut tx = self.inner.db.write().await?;
            let seen_at = self.shared_now(&mut tx).await?;
            let runner = RunnerRow { seen_at, ..runner.clone() };
            self.keep_runner(tx, &runner).await?;
            Ok(runner)
        };
        see.await.map_err(|trouble| self.told(DOING, trouble))
    }

    async fn keep_runner(&self, mut tx: Tx, runner: &RunnerRow) -> Result<(), Trouble> {
        tx.execute(RUNNER.upsert(1), sealed(runner)).await?;
        Ok(tx.commit().await?)
    }

    /// It ends in order.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn runner_ended(&self, id: &str) -> Result<(), JournalError> {
        let end = async {
            let mut tx = self.inner.db.write().await?;
            tx.execute("DELETE FROM ark_runner WHERE id = $1", vec![id.into()]).await?;
            Ok(tx.commit().await?)
        };
        end.await.map_err(|trouble| self.told(DOING, trouble))
    }

    /// The runners that were heard of `within` this time. One whose time lies that far ahead counts as dead too: a clock was
    /// put back since.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub async fn runners_alive(&self, within: Duration) -> Result<Vec<RunnerRow>, JournalError> {
        let doing = Doing { what: "Reading which runners are alive", so: "" };
        let look = async {
            let mut tx = self.inner.db.snapshot().await?;
            let now = self.shared_now(&mut tx).await?;
            let rows = tx.all(RUNNER.select("ORDER BY started_at, id"), Vec::new()).await?;
            let runners: Vec<_> = rows.iter().map(read).collect::<Result<_, Trouble>>()?;
            let within = UnixMillis::try_from(within.as_millis()).unwrap_or(UnixMillis::MAX);
            let is_alive = |runner: &RunnerRow| now.abs_diff(runner.seen_at) <= within.unsigned_abs();
            Ok(runners.into_iter().filter(is_alive).collect())
        };
        look.await.map_err(|trouble| self.told(doing, trouble))
    }

    /// Forgets runners that were not heard of for that long.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn forget_runners(&self, longer: Duration) -> Result<(), JournalError> {
        let forget = async {
            let mut tx = self.inner.db.write().await?;
            let now = self.shared_now(&mut tx).await?;
            let longer = UnixMillis::try_from(longer.as_millis()).unwrap_or(UnixMillis::MAX);
            let sql = "DELETE FROM ark_runner WHERE seen_at < $1";
            tx.execute(sql, vec![now.saturating_sub(longer).into()]).await?;
            Ok(tx.commit().await?)
        };
        forget.await.map_err(|trouble| self.told(DOING, trouble))
    }
}

//! The journal as a queue: which runner works on which row. A claim is a lease that lasts as long
//! as its runner is seen (`runners`), and a hint: it spares two runners the same work. What is sent
//! is decided by the compare-and-set of `moves` alone.
//!
//! The column `claim` holds the runner's id; nothing: the row is free; `~` and a name: the intent
//! waits for the job of that name.

use std::time::Duration;

use tokio::sync::Notify;

use crate::{Job, State};

use super::db::{Db, Tx, Value};
use super::error::{ErrorContext, StoreError};
use super::schema::JOB;
use super::{Journal, JournalError, rows};

/// Before the name of the job that an intent waits for. No runner's id begins with it, and it sorts
/// behind all of them.
const WAITS: &str = "~";

/// On which channel PostgreSQL says that there may be something to claim.
const CHANNEL: &str = "ark_video_journal";

const CONTEXT: ErrorContext = ErrorContext { what: "Claiming jobs", so: "Nothing was sent because of it." };

/// What a runner goes on with when the runner that began it is gone. A held job may have videos to
/// fetch.
const ON_THEIR_WAY: [State; 6] =
    [State::Submitting, State::Unknown, State::Submitted, State::Finished, State::Downloaded, State::Held];

/// A list of texts that `column` is none of; pushes the values.
fn none_of(column: &str, texts: &[String], values: &mut Vec<Value>) -> String {
    format!("NOT ({})", rows::one_of(column, texts.iter().map(String::as_str), values))
}

fn of_batches(batches: &[String], values: &mut Vec<Value>) -> String {
    rows::one_of("batch", batches.iter().map(String::as_str), values)
}

/// Skips rows that another runner is just claiming.
fn skip_locked(tx: &Tx) -> &'static str {
    if tx.is_server() { " FOR UPDATE SKIP LOCKED" } else { "" }
}

/// Gives a row back: the next runner that asks takes it. For moves by others than the runner that
/// works on it.
pub(super) async fn free(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE ark_job SET claim = '' WHERE key = $1", vec![key.into()]).await?;
    notify(tx).await
}

/// Lets the intents go that wait for this job.
pub(super) async fn free_followers(tx: &mut Tx, job: &Job) -> Result<(), StoreError> {
    let sql = "UPDATE ark_job SET claim = '' WHERE state = 'intent' AND batch = $1 AND claim = $2";
    let marker = format!("{WAITS}{}", job.planned.name);
    match tx.execute(sql, vec![job.batch.as_str().into(), marker.into()]).await? {
        0 => Ok(()),
        _ => notify(tx).await,
    }
}

/// Wakes the runners of other processes when the transaction is committed. Those of an SQLite file
/// ask by themselves.
pub(super) async fn notify(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.is_server() {
        tx.execute(format!("NOTIFY {CHANNEL}"), Vec::new()).await?;
    }
    Ok(())
}

impl Journal {
    /// Wakes a runner when another process notifies, where the database can do that; ends when the
    /// connection does.
    pub(crate) async fn listen(&self, wake: &Notify) -> Result<(), JournalError> {
        let ended: Result<(), sqlx::Error> = match &self.inner.db {
            // Its runners ask once a second.
            Db::Sqlite { .. } => {
                let _ = wake;
                std::future::pending().await
            }
            #[cfg(feature = "postgres")]
            Db::Postgres(pool) => super::server::listen(pool, CHANNEL, wake).await,
        };
        ended.map_err(|error| self.to_error(CONTEXT, error.into()))
    }

    /// The models of intents that are free. Reads as many rows as there are models.
    pub(crate) async fn models_to_claim(&self, batches: &[String]) -> Result<Vec<String>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let sql = "SELECT model FROM ark_job WHERE state = 'intent' AND batch = $1 AND claim = '' \
                       AND model > $2 ORDER BY model LIMIT 1";
            let mut models = Vec::new();
            for batch in &self.not_paused(batches).await? {
                let mut last = String::new();
                while let Some(row) =
                    self.inner.db.one(sql, vec![batch.as_str().into(), last.as_str().into()]).await?
                {
                    last = row.text("model")?;
                    models.push(last.clone());
                }
            }
            models.sort_unstable();
            models.dedup();
            Ok(models)
        })
        .await
    }

    async fn not_paused(&self, batches: &[String]) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for batch in batches {
            let sql = "SELECT name FROM ark_batch WHERE name = $1 AND paused <> 0";
            if self.inner.db.one(sql, vec![batch.as_str().into()]).await?.is_none() {
                found.push(batch.clone());
            }
        }
        Ok(found)
    }

    /// Claims free intents of a model, at most `limit`: the highest priority first, then by their
    /// place in the list.
    pub(crate) async fn claim_intents(
        &self,
        runner: &str,
        batches: &[String],
        model: &str,
        limit: usize,
    ) -> Result<Vec<Job>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let batches = self.not_paused(batches).await?;
            let mut tx = self.inner.db.write().await?;
            let sql = format!(
                "SELECT key, priority, place FROM ark_job WHERE state = 'intent' AND batch = $1 AND claim = '' \
                 AND model = $2 ORDER BY priority DESC, place, key LIMIT {limit}{}",
                skip_locked(&tx)
            );
            let mut found = Vec::new();
            for batch in &batches {
                for row in tx.all(sql.as_str(), vec![batch.as_str().into(), model.into()]).await? {
                    found.push((-row.int("priority")?, row.int("place")?, row.text("key")?));
                }
            }
            found.sort_unstable();
            found.truncate(limit);
            if found.is_empty() {
                return Ok(Vec::new());
            }
            let mut values = vec![runner.into()];
            let keys = rows::one_of("key", found.iter().map(|(.., key)| key.as_str()), &mut values);
            let sql = format!("UPDATE ark_job SET claim = $1 WHERE {keys} {}", JOB.returning());
            let rows = tx.all(sql, values).await?;
            let mut jobs = rows.iter().map(rows::job).collect::<Result<Vec<_>, _>>()?;
            tx.commit().await?;
            jobs.sort_by_key(|job| (-job.planned.priority, job.planned.place, job.key.clone()));
            Ok(jobs)
        })
        .await
    }

    /// Claims rows that are on their way, or held, and that no living runner works on; frees the
    /// intents of dead runners.
    pub(crate) async fn claim_orphans(
        &self,
        runner: &str,
        batches: &[String],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, JournalError> {
        let alive = self.runners_alive(lease).await?;
        let mut alive: Vec<_> = alive.into_iter().map(|runner| runner.id).collect();
        // It may have been silent for too long itself, and is not dead.
        alive.push(runner.to_owned());
        self.with_retry(CONTEXT, || async {
            let mut values = Vec::new();
            let intents = format!(
                "state = 'intent' AND {} AND claim > '' AND claim < '{WAITS}' AND {}",
                of_batches(batches, &mut values),
                none_of("claim", &alive, &mut values)
            );
            let any = format!("SELECT key FROM ark_job WHERE {intents} LIMIT 1");
            if self.inner.db.one(any, values.clone()).await?.is_some() {
                let mut tx = self.inner.db.write().await?;
                tx.execute(format!("UPDATE ark_job SET claim = '' WHERE {intents}"), values).await?;
                tx.commit().await?;
            }
            let mut values = Vec::new();
            let orphans = format!(
                "SELECT key FROM ark_job WHERE {} AND {} AND {} ORDER BY key LIMIT {limit}",
                rows::states("state", &ON_THEIR_WAY, &mut values),
                of_batches(batches, &mut values),
                none_of("claim", &alive, &mut values)
            );
            if self.inner.db.one(orphans.as_str(), values.clone()).await?.is_none() {
                return Ok(Vec::new());
            }
            values.push(runner.into());
            let mut tx = self.inner.db.write().await?;
            let sql = format!(
                "UPDATE ark_job SET claim = ${} WHERE key IN ({orphans}{}) {}",
                values.len(),
                skip_locked(&tx),
                JOB.returning()
            );
            let rows = tx.all(sql, values).await?;
            let jobs = rows.iter().map(rows::job).collect::<Result<Vec<_>, _>>()?;
            tx.commit().await?;
            Ok(jobs)
        })
        .await
    }

    /// Whether another runner is at an open job of these batches: its end, or its runner's, is
    /// worth waiting for.
    pub(crate) async fn has_others(&self, runner: &str, batches: &[String]) -> Result<bool, JournalError> {
        self.with_retry(CONTEXT, || async {
            let open: Vec<_> = State::ALL.into_iter().filter(|state| state.is_open()).collect();
            let mut values = vec![runner.into()];
            let sql = format!(
                "SELECT key FROM ark_job WHERE {} AND {} AND claim > '' AND claim < '{WAITS}' AND claim <> $1 LIMIT 1",
                rows::states("state", &open, &mut values),
                of_batches(batches, &mut values)
            );
            Ok(self.inner.db.one(sql, values).await?.is_some())
        })
        .await
    }

    /// The job as it is now, if this runner still has it.
    pub(crate) async fn claimed(&self, runner: &str, key: &str) -> Result<Option<Job>, JournalError> {
        self.with_retry(CONTEXT, || async {
            let sql = JOB.select("WHERE key = $1 AND claim = $2");
            let row = self.inner.db.one(sql, vec![key.into(), runner.into()]).await?;
            row.as_ref().map(rows::job).transpose()
        })
        .await
    }

    /// Gives a claim back: this runner does not go on with it.
    pub(crate) async fn release(&self, runner: &str, key: &str) -> Result<(), JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            let sql = "UPDATE ark_job SET claim = '' WHERE key = $1 AND claim = $2";
            tx.execute(sql, vec![key.into(), runner.into()]).await?;
            notify(&mut tx).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Lets an intent wait until the job that it follows is settled. `false` if that is so already,
    /// or the claim is lost.
    pub(crate) async fn wait_for(
        &self,
        runner: &str,
        job: &Job,
        followed: &str,
    ) -> Result<bool, JournalError> {
        self.with_retry(CONTEXT, || async {
            let mut tx = self.inner.db.write().await?;
            // Who settles it locks its row too: either this sees the end, or that sees who waits.
            let sql = JOB.select("WHERE batch = $1 AND name = $2 ORDER BY key");
            let mut newest: Option<Job> = None;
            for row in tx.all_locked(sql, vec![job.batch.as_str().into(), followed.into()]).await? {
                let found = rows::job(&row)?;
                if !found.superseded && newest.as_ref().is_none_or(|newest| newest.revision < found.revision)
                {
                    newest = Some(found);
                }
            }
            if newest.is_some_and(|newest| newest.state == State::Settled) {
                return Ok(false);
            }
            let sql = "UPDATE ark_job SET claim = $1 WHERE key = $2 AND claim = $3 AND state = 'intent'";
            let marker = format!("{WAITS}{followed}");
            let waits =
                tx.execute(sql, vec![marker.into(), job.key.as_str().into(), runner.into()]).await? > 0;
            tx.commit().await?;
            Ok(waits)
        })
        .await
    }
}

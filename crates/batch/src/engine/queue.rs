//! The queue: apalis, on either store, and the only file that names it. It carries keys of jobs, leases them to one runner at
//! a time and hands on what a dead runner held. It decides nothing; the journal does.
//!
//! | trap of apalis 1.0 | here |
//! |---|---|
//! | `setup()` on SQLite switches `synchronous` off | [`Queue::prepare`] runs the migrations and nothing else |
//! | the heartbeat is also the idle poll, 30 s by default | 1 s |
//! | a second push of an entry fails on PostgreSQL | counts as pushed |
//! | a worker's name stays taken until its heartbeat is old | each [`Queue::work`] draws its own |
//! | an error of the database ends the worker, and drops its handlers in the middle | handlers are told a key and spawn; see `supervise` |
//! | orphans wait for 60 s or 300 s | 15 s |
//! | while part of a fetched batch waits for a free handler, no heartbeat is sent | one entry is fetched at a time |
//! | arguments lie readable in its table | only keys are in there |

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{
    BoxDynError, Task, TaskBuilder, TaskSink, TaskSinkError, WorkerBuilder, WorkerBuilderExt,
};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use ark_video::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

use crate::{Job, Journal};

/// How often a worker says that it is alive, and looks for entries when it has nothing to do.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Heartbeats that a worker may miss before its entries go to others, unless said otherwise.
const MISSED: usize = 15;
/// Entries that are pushed in one statement.
const CHUNK: usize = 500;

/// What is done with each key.
pub(crate) type Handler = Arc<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>;

/// Where the queue lies: in the journal's own database.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Store {
    pub(crate) fn of(journal: &Journal) -> Option<Self> {
        let sqlite = journal.sqlite_pool().map(|pool| Self::Sqlite(pool.clone()));
        sqlite.or_else(|| journal.postgres_pool().map(|pool| Self::Postgres(pool.clone())))
    }
}

/// The queue of a journal.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    store: Store,
    /// Heartbeats that a worker may miss.
    missed: usize,
}

/// A key on its way to a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) model: String,
    pub(crate) key: String,
    round: u32,
    /// Larger comes first; never below 0.
    order: usize,
}

impl Entry {
    pub(crate) fn of(job: &Job) -> Self {
        /// Priorities beyond this count as this.
        const MOST: i64 = 1000;
        /// Places beyond this are all last.
        const PLACES: i64 = 1_000_000;
        let priority = job.planned.priority.clamp(-MOST, MOST) + MOST;
        let place = job.planned.place.clamp(0, PLACES - 1);
        let order = priority * PLACES + (PLACES - 1 - place);
        Self {
            model: job.model().to_owned(),
            key: job.key.clone(),
            round: job.round,
            // At most 2,001,000,000, which PostgreSQL's integer holds.
            order: usize::try_from(order).unwrap_or_default(),
        }
    }

    /// Its name within its queue: the same entry is never there twice.
    pub(crate) fn name(&self) -> String {
        format!("{}#{}", self.key, self.round)
    }

    fn task(&self) -> Task<String> {
        TaskBuilder::new(self.key.clone()).idempotency_key(self.name()).priority(self.order).build()
    }
}

/// The queue's database did not do what was asked of it. Nothing is lost: the journal knows all jobs.
#[derive(Debug)]
pub(crate) struct QueueError(String);

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the queue in the journal's database failed: {}", self.0)
    }
}

impl std::error::Error for QueueError {}

fn failed(error: impl fmt::Display) -> QueueError {
    QueueError(error.to_string())
}

fn name_of(model: &str) -> String {
    format!("ark:{model}")
}

impl Queue {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, missed: MISSED }
    }

    /// After how long entries of a worker that is not heard of go to others, in whole heartbeats.
    pub(crate) fn orphans_after(self, time: Duration) -> Self {
        let missed = usize::try_from(time.as_secs() / HEARTBEAT.as_secs()).unwrap_or(MISSED);
        Self { missed: missed.max(1), ..self }
    }

    /// Makes its tables where they are missing.
    pub(crate) async fn prepare(&self) -> Result<(), QueueError> {
        // Another program of ours may be newer and know more migrations.
        match &self.store {
            Store::Sqlite(pool) => {
                SqliteStorage::migrations().set_ignore_missing(true).run(pool).await.map_err(failed)
            }
            Store::Postgres(pool) => {
                PostgresStorage::migrations().set_ignore_missing(true).run(pool).await.map_err(failed)
            }
        }
    }

    /// Takes everything out. Only for a journal that no runner is at: the journal fills it anew.
    pub(crate) async fn empty(&self) -> Result<(), QueueError> {
        match &self.store {
            Store::Sqlite(pool) => {
                sqlx::query("DELETE FROM Jobs").execute(pool).await.map_err(failed)?;
                sqlx::query("DELETE FROM Workers").execute(pool).await.map_err(failed)?;
            }
            Store::Postgres(pool) => {
                sqlx::query("DELETE FROM apalis.jobs").execute(pool).await.map_err(failed)?;
                sqlx::query("DELETE FROM apalis.workers").execute(pool).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Puts entries in; those that are or were there already stay as they are.
    pub(crate) async fn push(&self, model: &str, entries: &[Entry]) -> Result<(), QueueError> {
        for chunk in entries.chunks(CHUNK) {
            match &self.store {
                Store::Sqlite(pool) => push(&mut self.sqlite(pool, model), chunk).await.map_err(failed)?,
                Store::Postgres(pool) => {
                    let mut storage = self.postgres(pool, model);
                    match push(&mut storage, chunk).await {
                        Err(error) if is_duplicate(&error) => {}
                        done => {
                            done.map_err(failed)?;
                            continue;
                        }
                    }
                    // One of them was there, so none of them went in.
                    for entry in chunk {
                        match push(&mut storage, std::slice::from_ref(entry)).await {
                            Err(error) if is_duplicate(&error) => {}
                            done => done.map_err(failed)?,
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Which of these entries, by their names, are waiting for a handler or with one.
    pub(crate) async fn holds(&self, names: &[String]) -> Result<HashSet<String>, QueueError> {
        self.having(names, "'Pending', 'Queued', 'Running'").await
    }

    /// Which of these entries, by their names, nobody has taken yet.
    pub(crate) async fn waiting(&self, names: &[String]) -> Result<HashSet<String>, QueueError> {
        self.having(names, "'Pending'").await
    }

    async fn having(&self, names: &[String], status: &'static str) -> Result<HashSet<String>, QueueError> {
        let found: Vec<(String,)> = match &self.store {
            Store::Sqlite(pool) => {
                let names = serde_json::to_string(names).map_err(failed)?;
                let sql = format!(
                    "SELECT idempotency_key FROM Jobs WHERE status IN ({status})
                     AND idempotency_key IN (SELECT value FROM json_each(?1))"
                );
                sqlx::query_as(AssertSqlSafe(sql)).bind(names).fetch_all(pool).await.map_err(failed)?
            }
            Store::Postgres(pool) => {
                let sql = format!(
                    "SELECT idempotency_key FROM apalis.jobs WHERE status IN ({status})
                     AND idempotency_key = ANY($1)"
                );
                sqlx::query_as(AssertSqlSafe(sql)).bind(names).fetch_all(pool).await.map_err(failed)?
            }
        };
        Ok(found.into_iter().map(|(name,)| name).collect())
    }

    /// Whether no entry is waiting for a handler or with one.
    pub(crate) async fn is_empty(&self) -> Result<bool, QueueError> {
        let found: Option<(String,)> = match &self.store {
            Store::Sqlite(pool) => {
                let any = "SELECT id FROM Jobs WHERE status IN ('Pending', 'Queued', 'Running') LIMIT 1";
                sqlx::query_as(any).fetch_optional(pool).await.map_err(failed)?
            }
            Store::Postgres(pool) => {
                let any =
                    "SELECT id FROM apalis.jobs WHERE status IN ('Pending', 'Queued', 'Running') LIMIT 1";
                sqlx::query_as(any).fetch_optional(pool).await.map_err(failed)?
            }
        };
        Ok(found.is_none())
    }

    /// Hands the entries of a model to the handler, so many at once, until the database fails. What a handler leaves unfinished
    /// when this is dropped goes to another worker once this one's heartbeat is old.
    pub(crate) fn work(
        &self,
        model: &str,
        worker: &str,
        at_once: usize,
        handler: Handler,
    ) -> BoxFuture<'static, Result<(), QueueError>> {
        let handle = move |key: String| {
            let handled = handler(key);
            async move {
                handled.await;
                Ok::<(), BoxDynError>(())
            }
        };
        // No layer that repeats: the journal decides what is done again.
        match &self.store {
            Store::Sqlite(pool) => {
                let worker = WorkerBuilder::new(worker)
                    .backend(self.sqlite(pool, model))
                    .concurrency(at_once)
                    .build(handle);
                run(worker.stream())
            }
            Store::Postgres(pool) => {
                let worker = WorkerBuilder::new(worker)
                    .backend(self.postgres(pool, model))
                    .concurrency(at_once)
                    .build(handle);
                run(worker.stream())
            }
        }
    }

    fn sqlite(&self, pool: &SqlitePool, model: &str) -> SqliteStorage<String> {
        let config = apalis_sqlite::Config::default()
            .queue(name_of(model))
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(self.missed)
            .lock_tasks(false);
        SqliteStorage::new(pool).with_config(config)
    }

    fn postgres(&self, pool: &PgPool, model: &str) -> PostgresStorage<String> {
        let config = apalis_postgres::Config::default()
            .queue(name_of(model))
            .batch_size(1)
            .heartbeat_interval(HEARTBEAT)
            .missed_heartbeats(self.missed)
            .lock_tasks(false);
        PostgresStorage::new(pool).with_config(config)
    }
}

/// Outside of any async function, because there the compiler forgets how long the types of a worker live.
fn run<S, T, E>(events: S) -> BoxFuture<'static, Result<(), QueueError>>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: fmt::Display + Send + 'static,
{
    Box::pin(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            event.map_err(failed)?;
        }
        Ok(())
    })
}

async fn push<S, Kind>(storage: &mut S, entries: &[Entry]) -> Result<(), TaskSinkError<S::Error>>
where
    S: TaskSink<String, Kind>,
{
    let tasks: Vec<_> = entries.iter().map(Entry::task).collect();
    storage.push_all(&mut stream::iter(tasks)).await
}

fn is_duplicate(error: &TaskSinkError<apalis_postgres::Error>) -> bool {
    matches!(error, TaskSinkError::PushError(apalis_postgres::Error::Database(error))
        if error.as_database_error().is_some_and(|error| error.is_unique_violation()))
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

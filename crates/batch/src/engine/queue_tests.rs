//! The traps of apalis, each shown: what it would do by itself, or what it does because we ask for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apalis_sqlite::SqliteStorage;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::mpsc;

use super::*;
#[allow(clippy::duplicate_mod, reason = "the journal's tests have it too, for themselves")]
#[path = "../../tests/support/postgres.rs"]
mod server;

const MODEL: &str = "model";

async fn sqlite_of(folder: &tempfile::TempDir, connections: u32) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("queue.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10));
    SqlitePoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .connect_with(options)
        .await
        .unwrap()
}

async fn synchronous(pool: &SqlitePool) -> Vec<i64> {
    let mut connections = Vec::new();
    let mut levels = Vec::new();
    for _ in 0..4 {
        let mut connection = pool.acquire().await.unwrap();
        let (level,): (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        levels.push(level);
        connections.push(connection);
    }
    levels
}

async fn queue() -> (tempfile::TempDir, Queue, SqlitePool) {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite_of(&folder, 1).await;
    let queue = Queue::new(Store::Sqlite(pool.clone()));
    queue.prepare().await.unwrap();
    (folder, queue, pool)
}

fn entry(key: &str, round: u32) -> Entry {
    Entry { model: MODEL.to_owned(), key: key.to_owned(), round, order: 0 }
}

/// A handler that tells its keys and returns.
fn teller() -> (Handler, mpsc::UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let handler: Handler = Arc::new(move |key| {
        tell.send(key).unwrap();
        Box::pin(async {})
    });
    (handler, told)
}

async fn within<F: Future>(seconds: u64, future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.expect("it takes too long")
}

#[tokio::test]
async fn setup_would_switch_syncing_off_and_prepare_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite_of(&folder, 4).await;
    Queue::new(Store::Sqlite(pool.clone())).prepare().await.unwrap();
    assert_eq!(synchronous(&pool).await, [2; 4]);
    SqliteStorage::setup(&pool).await.unwrap();
    assert!(synchronous(&pool).await.contains(&0), "the trap is gone: say so in docs/decisions/0020");
}

#[tokio::test]
async fn an_idle_worker_finds_new_entries_within_two_heartbeats_of_a_second() {
    let (_folder, queue, _) = queue().await;
    let (handler, mut told) = teller();
    let worker = tokio::spawn(queue.work(MODEL, "w", 4, handler));
    queue.push(MODEL, &[entry("a", 0)]).await.unwrap();
    within(20, told.recv()).await.unwrap();
    // Acknowledged, so that the worker is idle now.
    until_empty(&queue).await;
    let pushed = Instant::now();
    queue.push(MODEL, &[entry("b", 0)]).await.unwrap();
    assert_eq!(within(20, told.recv()).await.unwrap(), "b");
    assert!(pushed.elapsed() < Duration::from_secs(10), "the default of 30 s is at work");
    worker.abort();
}

async fn until_empty(queue: &Queue) {
    let empty = async {
        while !queue.is_empty().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(20, empty).await;
}

async fn pushed_twice(queue: &Queue) {
    queue.push(MODEL, &[entry("a", 0)]).await.unwrap();
    queue.push(MODEL, &[entry("b", 0), entry("a", 0), entry("c", 0)]).await.unwrap();
    queue.push(MODEL, &[entry("a", 1)]).await.unwrap();
    let (handler, mut told) = teller();
    let worker = tokio::spawn(queue.work(MODEL, "w", 4, handler));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(within(20, told.recv()).await.unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["a", "a", "b", "c"], "once for each round");
    let names = ["a#0", "b#0", "a#1", "z#0"].map(str::to_owned);
    until_empty(queue).await;
    assert_eq!(queue.holds(&names).await.unwrap(), HashSet::new());
    queue.push(MODEL, &[entry("a", 1), entry("z", 0)]).await.unwrap();
    assert_eq!(
        within(20, told.recv()).await.unwrap(),
        "z",
        "what is done is not brought back by a second push"
    );
    worker.abort();
}

#[tokio::test]
async fn an_entry_that_is_pushed_twice_is_there_once() {
    let (_folder, queue, _) = queue().await;
    pushed_twice(&queue).await;
}

#[tokio::test]
async fn an_entry_that_is_pushed_twice_is_there_once_on_a_server() {
    let Some(server) = server::Server::start("a queue") else { return };
    let pool = PgPool::connect(&server.database("queue").await).await.unwrap();
    let queue = Queue::new(Store::Postgres(pool.clone()));
    queue.prepare().await.unwrap();
    let doubled = [entry("x", 0), entry("x", 0)];
    let raw = push(&mut queue.postgres(&pool, MODEL), &doubled).await.unwrap_err();
    assert!(is_duplicate(&raw), "the trap is gone: say so in docs/decisions/0020");
    pushed_twice(&queue).await;
    queue.empty().await.unwrap();
}

#[tokio::test]
async fn a_name_stays_taken_so_each_worker_has_its_own() {
    let (_folder, queue, _) = queue().await;
    let (handler, mut told) = teller();
    let first = tokio::spawn(queue.work(MODEL, "same", 1, handler.clone()));
    queue.push(MODEL, &[entry("a", 0)]).await.unwrap();
    within(20, told.recv()).await.unwrap();
    first.abort();
    assert!(first.await.is_err());
    assert!(
        within(20, queue.work(MODEL, "same", 1, handler.clone())).await.is_err(),
        "its heartbeat is young"
    );
    let other = tokio::spawn(queue.work(MODEL, "other", 1, handler));
    queue.push(MODEL, &[entry("b", 0)]).await.unwrap();
    assert_eq!(within(20, told.recv()).await.unwrap(), "b");
    other.abort();
}

#[tokio::test]
async fn an_error_of_the_database_ends_a_worker() {
    let (_folder, queue, pool) = queue().await;
    let (handler, mut told) = teller();
    let worker = tokio::spawn(queue.work(MODEL, "w", 1, handler));
    queue.push(MODEL, &[entry("a", 0)]).await.unwrap();
    within(20, told.recv()).await.unwrap();
    sqlx::query("DROP TABLE Jobs").execute(&pool).await.unwrap();
    let error = within(20, worker).await.unwrap().unwrap_err().to_string();
    assert!(error.contains("queue"), "{error}");
}

#[tokio::test]
async fn what_a_dead_worker_held_goes_to_another_within_half_a_minute() {
    let (_folder, queue, pool) = queue().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler: Handler = Arc::new(move |key| {
        tell.send(key).unwrap();
        Box::pin(std::future::pending())
    });
    let dead = tokio::spawn(queue.work(MODEL, "dead", 1, handler));
    queue.push(MODEL, &[entry("a", 0)]).await.unwrap();
    within(20, told.recv()).await.unwrap();
    dead.abort();
    // As if it had died 14 seconds ago.
    sqlx::query("UPDATE Workers SET last_seen = last_seen - 14").execute(&pool).await.unwrap();
    assert!(queue.holds(&["a#0".to_owned()]).await.unwrap().contains("a#0"));
    let (handler, mut told) = teller();
    let alive = tokio::spawn(queue.work(MODEL, "alive", 1, handler));
    assert_eq!(within(30, told.recv()).await.unwrap(), "a");
    alive.abort();
}

#[tokio::test]
async fn nothing_but_keys_is_in_its_tables() {
    let (_folder, queue, pool) = queue().await;
    queue.push(MODEL, &[entry("night/shot-1", 0)]).await.unwrap();
    let (job, name): (Vec<u8>, String) =
        sqlx::query_as("SELECT job, idempotency_key FROM Jobs").fetch_one(&pool).await.unwrap();
    assert_eq!((job.as_slice(), name.as_str()), (b"\"night/shot-1\"".as_slice(), "night/shot-1#0"));
}

#[tokio::test]
async fn higher_priority_comes_first_and_then_the_place_in_the_list() {
    let (_folder, queue, _) = queue().await;
    let shots = [("late", 0, 7), ("first", 5, 9), ("early", 0, 2), ("last", -5, 0)].map(|(key, priority, place)| {
        let planned = serde_json::json!({"name": key, "place": place, "priority": priority, "request": {"model": MODEL},
            "request_hash": "", "output": "a.mp4"});
        let job = serde_json::json!({"key": key, "batch": "b", "planned": planned, "revision": 1, "state": "intent", "seq": 0,
            "changed_at": 0, "attempt": null, "task_id": null, "created_at": null, "task": null, "settled": null, "files": [],
            "reason": null, "approved": false, "superseded": false, "round": 0});
        Entry::of(&serde_json::from_value(job).unwrap())
    });
    queue.push(MODEL, &shots).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (tell, mut told) = mpsc::unbounded_channel();
    let seen = order.clone();
    let handler: Handler = Arc::new(move |key| {
        seen.lock().unwrap().push(key);
        tell.send(()).unwrap();
        Box::pin(async {})
    });
    let worker = tokio::spawn(queue.work(MODEL, "w", 1, handler));
    for _ in 0..4 {
        within(20, told.recv()).await.unwrap();
    }
    worker.abort();
    assert_eq!(*order.lock().unwrap(), ["first", "early", "late", "last"]);
}

/// Whether a worker whose handlers never return says that it is alive, with more entries at hand than handlers.
async fn beats_with_its_hands_full(
    pool: &SqlitePool,
    worker: BoxFuture<'static, Result<(), QueueError>>,
    mut told: mpsc::UnboundedReceiver<String>,
) -> bool {
    let worker = tokio::spawn(worker);
    for _ in 0..2 {
        within(20, told.recv()).await.unwrap();
    }
    sqlx::query("UPDATE Workers SET last_seen = 0").execute(pool).await.unwrap();
    let beat = async {
        loop {
            let (seen,): (i64,) =
                sqlx::query_as("SELECT last_seen FROM Workers").fetch_one(pool).await.unwrap();
            if seen > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let beats = tokio::time::timeout(HEARTBEAT * 4, beat).await.is_ok();
    worker.abort();
    sqlx::query("DELETE FROM Workers").execute(pool).await.ok();
    beats
}

#[tokio::test]
async fn a_worker_with_its_hands_full_says_that_it_is_alive_because_it_fetches_one_by_one() {
    let many: Vec<_> = (0..20).map(|number| entry(&number.to_string(), 0)).collect();
    let busy = || {
        let (tell, told) = mpsc::unbounded_channel();
        let handler: Handler = Arc::new(move |key| {
            tell.send(key).unwrap();
            Box::pin(std::future::pending())
        });
        (handler, told)
    };
    let (_folder, ours, pool) = queue().await;
    ours.push(MODEL, &many).await.unwrap();
    let (handler, told) = busy();
    assert!(beats_with_its_hands_full(&pool, ours.work(MODEL, "busy", 2, handler), told).await);

    let (_folder, theirs, pool) = queue().await;
    theirs.push(MODEL, &many).await.unwrap();
    let (handler, told) = busy();
    let handle = move |key: String| {
        let handled = handler(key);
        async move {
            handled.await;
            Ok::<(), BoxDynError>(())
        }
    };
    let config = apalis_sqlite::Config::default().queue(name_of(MODEL)).heartbeat_interval(HEARTBEAT);
    let storage = SqliteStorage::<String>::new(&pool).with_config(config);
    let worker = WorkerBuilder::new("busy").backend(storage).concurrency(2).build(handle);
    let beats = beats_with_its_hands_full(&pool, run(worker.stream()), told).await;
    assert!(!beats, "the trap of fetching ten at once is gone: say so in docs/decisions/0020");
}

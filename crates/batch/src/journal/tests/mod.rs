//! The journal's promises, on SQLite each by itself and on PostgreSQL one after the other on one
//! server.

/// Runs each of these promises on SQLite; `postgres` runs them on the other store.
macro_rules! on_sqlite {
    ($($name:ident)*) => {
        $(mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                let place = super::TestJournal::new();
                super::$name(place.open().await).await;
            }
        })*
    };
}

mod claims;
mod correlations;
mod damage;
mod disk;
mod life;
mod money;
mod plan;
mod property;
mod server;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ark_video::transport::{BoxFuture, Clock, UnixMillis};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Attempt, CasOutcome, Cost, Job, Journal, JournalAt, JournalError, OpenOptions, PlanOptions, Planned,
    SlotRequest, State, Submitting,
};

pub(super) const MODEL: &str = "seedance-2";
pub(super) const DAY: &str = "2026-11-23";

/// A clock that only a test moves.
#[derive(Debug)]
pub(super) struct TestClock(AtomicI64);

impl TestClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_790_000_000_000)))
    }

    pub(super) fn pass(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        self.0.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

pub(super) struct TestJournal {
    pub(super) folder: TempDir,
    pub(super) clock: Arc<TestClock>,
}

impl TestJournal {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: TestClock::new() }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("night.sqlite")
    }

    pub(super) async fn try_open(&self) -> Result<Journal, JournalError> {
        let options = OpenOptions { clock: self.clock.clone(), ..OpenOptions::default() };
        Journal::open(&JournalAt::File(self.path()), options).await
    }

    pub(super) async fn open(&self) -> Journal {
        self.try_open().await.unwrap()
    }
}

pub(super) fn planned(name: &str) -> Planned {
    Planned {
        name: name.to_owned(),
        place: 0,
        request: json!({ "model": MODEL, "content": [{ "type": "text", "text": "secret prompt" }] }),
        request_hash: format!("hash of {name}"),
        inputs: Vec::new(),
        after: None,
        output: format!("{name}.mp4").into(),
        tags: vec!["intro".to_owned()],
        priority: 0,
        estimate: Some(cost(100)),
    }
}

pub(super) fn cost(tokens: u64) -> Cost {
    Cost { tokens, micros: tokens * 1_000, currency: "CNY".to_owned() }
}

pub(super) fn attempt(token: &str) -> Attempt {
    Attempt {
        token: token.to_owned(),
        runner: "runner".to_owned(),
        reserved: cost(100),
        day: DAY.to_owned(),
        ..Attempt::default()
    }
}

pub(super) fn slot() -> SlotRequest {
    SlotRequest { model: MODEL.to_owned(), ceiling: 10 }
}

pub(super) async fn plan_of(journal: &Journal, names: &[&str]) -> Vec<Job> {
    let list: Vec<_> = names.iter().map(|name| planned(name)).collect();
    journal.plan("b", &list, PlanOptions::default()).await.unwrap();
    let mut jobs = Vec::new();
    for name in names {
        jobs.push(journal.job(&format!("b/{name}")).await.unwrap().unwrap());
    }
    jobs
}

#[track_caller]
pub(super) fn done(moved: Result<CasOutcome, JournalError>) -> Job {
    match moved.unwrap() {
        CasOutcome::Done(job) => job,
        CasOutcome::Conflict(found) => panic!("stale: {found:?}"),
    }
}

pub(super) async fn submit(journal: &Journal, job: &Job, token: &str) -> Job {
    match journal.submitting(job, attempt(token), &slot()).await.unwrap() {
        Submitting::Done(job) => job,
        other => panic!("{other:?}"),
    }
}

/// A job that has gone all the way to this state.
pub(super) async fn bring(journal: &Journal, job: &Job, state: State, task: &str) -> Job {
    let job = submit(journal, job, &format!("token of {task}")).await;
    if state == State::Submitting {
        return job;
    }
    if matches!(state, State::Unknown | State::Held) {
        let job = done(journal.unknown(&job, None, "timed out").await);
        return if state == State::Held { done(journal.held(&job, "not found", &[]).await) } else { job };
    }
    let job = done(journal.submitted(&job, task, Some(1)).await);
    match state {
        State::Submitted => return job,
        State::Failed => return done(journal.failed(&job, &json!({}), "moderated").await),
        State::Gone => return done(journal.gone(&job, None, "no longer there").await),
        _ => {}
    }
    let job = done(journal.finished(&job, &json!({ "status": "succeeded" })).await);
    if state == State::Finished {
        return job;
    }
    let job = done(journal.downloaded(&job, Vec::new()).await);
    if state == State::Downloaded { job } else { done(journal.settled(&job, Some(cost(80))).await) }
}

/// The writing connection of an SQLite journal.
#[track_caller]
pub(super) fn writer(journal: &Journal) -> &sqlx::SqlitePool {
    match &journal.inner.db {
        super::Db::Sqlite { writer, .. } => writer,
        super::Db::Postgres(_) => panic!("a journal on a server"),
    }
}

#[track_caller]
pub(super) fn clean(findings: &[crate::Finding]) {
    assert!(findings.is_empty(), "{findings:?}");
}

//! What runners share: permits, who is alive, one file in two processes' hands, the settings that
//! durability hangs on.

use super::*;
use crate::journal::Permit;

#[tokio::test]
async fn permits_come_at_the_agreed_rate() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let start = place.clock.now();
    assert_eq!(journal.take_permit("list", 1.0, 1).await.unwrap(), Permit::Ready(1));
    assert_eq!(journal.take_permit("list", 1.0, 1).await.unwrap(), Permit::At(start + 1_000));
    assert_eq!(journal.take_permit("get", 20.0, 5).await.unwrap(), Permit::Ready(5));
    assert_eq!(journal.take_permit("get", 20.0, 1).await.unwrap(), Permit::At(start + 250));
    place.clock.pass(250);
    assert_eq!(journal.take_permit("get", 20.0, 1).await.unwrap(), Permit::Ready(1));
    assert_eq!(journal.take_permit("list", 1.0, 1).await.unwrap(), Permit::At(start + 1_000));
    // A clock that was put back by a day stops nobody for a day.
    place.clock.pass(-86_400_000);
    assert_eq!(journal.take_permit("list", 1.0, 1).await.unwrap(), Permit::Ready(1));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(journal.take_permit("list", rate, 1).await.is_err() || rate == f64::INFINITY);
    }
}

pub(super) async fn permits_are_shared(journal: Journal) {
    let (one, other) = (journal.clone(), journal);
    assert_eq!(one.take_permit("list", 0.01, 1).await.unwrap(), Permit::Ready(1));
    assert!(matches!(other.take_permit("list", 0.01, 1).await.unwrap(), Permit::At(_)));
}

#[tokio::test]
async fn a_runner_is_alive_while_it_is_heard_of() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let within = Duration::from_secs(15);
    let runner = journal.runner_started("host-1-aa", "host", 1).await.unwrap();
    place.clock.pass(15_000);
    assert_eq!(journal.runners_alive(within).await.unwrap(), std::slice::from_ref(&runner));
    place.clock.pass(1);
    assert_eq!(journal.runners_alive(within).await.unwrap(), []);
    let runner = journal.runner_seen(&runner).await.unwrap();
    assert_eq!(journal.runners_alive(within).await.unwrap(), [runner]);
    place.clock.pass(-86_400_000);
    assert_eq!(journal.runners_alive(within).await.unwrap(), [], "a clock was put back");
    place.clock.pass(172_800_000);
    journal.forget_runners(Duration::from_secs(3_600)).await.unwrap();
    assert_eq!(journal.runners_alive(Duration::from_secs(999_999)).await.unwrap(), []);
}

pub(super) async fn runners_come_and_go(journal: Journal) {
    let runner = journal.runner_started("host-1-aa", "host", 1).await.unwrap();
    journal.runner_started("host-2-bb", "host", 2).await.unwrap();
    let runner = journal.runner_seen(&crate::journal::RunnerRow { stopping: true, ..runner }).await.unwrap();
    journal.runner_ended("host-2-bb").await.unwrap();
    assert_eq!(journal.runners_alive(Duration::from_secs(15)).await.unwrap(), [runner]);
}

#[tokio::test]
async fn every_connection_waits_for_the_disk() {
    let place = TestJournal::new();
    let journal = place.open().await;
    let super::super::Db::Sqlite { writer, readers } = &journal.inner.db else { panic!() };
    for pool in [writer, readers] {
        let mut connections = Vec::new();
        for _ in 0..pool.options().get_max_connections() {
            connections.push(pool.acquire().await.unwrap());
        }
        for connection in &mut connections {
            let mut pragma = async |name: &str| -> String {
                let sql = sqlx::AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
                sqlx::query_scalar(sql).fetch_one(&mut **connection).await.unwrap()
            };
            assert_eq!(pragma("synchronous").await, "2");
            assert_eq!(pragma("journal_mode").await, "wal");
            let sql = "SELECT timeout FROM pragma_busy_timeout";
            let timeout: i64 = sqlx::query_scalar(sql).fetch_one(&mut **connection).await.unwrap();
            assert_eq!(timeout, 10_000);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_use_one_file() {
    for _ in 0..20 {
        let place = TestJournal::new();
        let (one, other) = tokio::join!(place.open(), place.open());
        one.close().await;
        clean(&other.audit().await.unwrap());
    }
    let place = TestJournal::new();
    let (one, other) = tokio::join!(place.open(), place.open());
    let list: Vec<_> = (0..40).map(|number| planned(&format!("{number}"))).collect();
    one.plan("b", &list, PlanOptions::default()).await.unwrap();
    let mut tasks = Vec::new();
    for journal in [one.clone(), other.clone()] {
        for planned in &list {
            let (journal, key) = (journal.clone(), format!("b/{}", planned.name));
            tasks.push(tokio::spawn(async move {
                let job = journal.job(&key).await.unwrap().unwrap();
                if job.state != State::Intent {
                    return 0;
                }
                let request = SlotRequest { model: MODEL.to_owned(), ceiling: 100 };
                match journal.submitting(&job, attempt("t"), &request).await.unwrap() {
                    Submitting::Done(_) => 1,
                    Submitting::Conflict(_) => 0,
                    other => panic!("{other:?}"),
                }
            }));
        }
    }
    let mut sent = 0;
    for task in tasks {
        sent += task.await.unwrap();
    }
    assert_eq!(sent, 40);
    assert_eq!(other.slots(MODEL).await.unwrap().running, 40);
    clean(&other.audit().await.unwrap());
}

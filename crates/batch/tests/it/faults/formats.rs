//! A journal of an earlier format, as that version left it when its runner was killed: it opens and
//! goes on.

use std::time::Duration;

use ark_video_batch::{EventKind, PlanOptions, RunError, Runner, State};
use sqlx::Connection as _;

use crate::faults::test_env::TestEnv;
use crate::support::worker::BATCH;

/// Format 1, with the tables of the queue that it had: two shots settled, one each rejected, held,
/// submitted, of unknown end and about to be sent, two intents.
const FORMAT_1: &[u8] = include_bytes!("../../fixtures/format-1.sqlite");

async fn test_env() -> TestEnv {
    let env = TestEnv::new().await;
    std::fs::create_dir(env.path("journal")).unwrap();
    std::fs::write(&env.orders.journal, FORMAT_1).unwrap();
    env
}

async fn query(env: &TestEnv, sql: &'static str) -> Vec<String> {
    let mut connection =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", env.orders.journal)).await.unwrap();
    let found = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found
}

async fn foreign_tables(env: &TestEnv) -> Vec<String> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 4) <> 'ark_' ORDER BY name";
    query(env, sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_of_format_1_goes_on_where_its_version_left_it() {
    let mut env = test_env().await;
    let journal = env.journal().await;
    assert_eq!(journal.audit().await.unwrap(), []);
    // Its runner still lives: what may be its queue is left alone.
    env.passes(Duration::from_secs(80));
    let on_event = |event: &EventKind, handle: &ark_video_batch::RunnerHandle| {
        if let EventKind::Started { others, .. } = event {
            assert_eq!(*others, 1);
            handle.stop_now();
        }
    };
    env.run_until(&journal, env.options(), on_event).await;
    assert_eq!(foreign_tables(&env).await, ["Jobs", "Workers", "_sqlx_migrations"]);

    env.passes(Duration::from_secs(600));
    journal.plan(BATCH, &env.shots(9), PlanOptions::default()).await.unwrap();
    let ended = env.run(&journal).await;
    // What was on its way is unknown to this service: searched for, waited for, and not sent again.
    let expected = [(State::Settled, 4), (State::Held, 3), (State::Rejected, 1), (State::Gone, 1)];
    assert_eq!(ended.summary.counts, expected.into());
    assert_eq!(env.simulator.ledger().accepted, 2, "only the intents were sent");
    assert_eq!(foreign_tables(&env).await, Vec::<String>::new());
    assert_eq!(journal.audit().await.unwrap(), []);
    journal.close().await;
    assert_eq!(env.journal().await.counts(None).await.unwrap(), expected.into());
    let versions = "SELECT CAST(version AS TEXT) FROM ark_migration ORDER BY version";
    assert_eq!(query(&env, versions).await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_of_format_1_stays_where_it_is_and_nothing_is_sent() {
    let mut env = test_env().await;
    let damage = "UPDATE ark_job SET body = replace(body, 'paper boat', 'paper boar') WHERE name = 'shot-000007' \
                  RETURNING body";
    let damaged = query(&env, damage).await;
    env.passes(Duration::from_secs(600));
    let journal = env.journal().await;
    let error = journal.job("night/shot-000007").await.unwrap_err();
    assert!(error.to_string().contains("shot-000007"), "{error}");
    assert_eq!(journal.job("night/shot-000008").await.unwrap().unwrap().state, State::Intent);
    let client = env.orders.client(env.clock());
    let (_events, _handle, run) =
        Runner::new(client, journal.clone(), env.options()).run(&[BATCH.to_owned()]);
    assert!(matches!(run.await, Err(RunError::Damaged(findings)) if findings.len() == 1));
    assert_eq!(env.simulator.ledger().accepted, 0);
    let kept = "SELECT body FROM ark_job WHERE name = 'shot-000007'";
    assert_eq!(query(&env, kept).await, damaged);
}

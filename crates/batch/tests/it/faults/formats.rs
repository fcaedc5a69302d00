//! A journal of an earlier format, as that version left it when its runner was killed: it opens and
//! goes on.

use std::time::Duration;

use ark_video_batch::{EventKind, PlanOptions, RunError, Runner, State};
use sqlx::Connection as _;

use crate::faults::world::World;
use crate::support::worker::BATCH;

/// Format 1, with the tables of the queue that it had: two shots settled, one each rejected, held,
/// submitted, of unknown end and about to be sent, two intents.
const FORMAT_1: &[u8] = include_bytes!("../../fixtures/format-1.sqlite");

async fn world() -> World {
    let world = World::new().await;
    std::fs::create_dir(world.path("journal")).unwrap();
    std::fs::write(&world.orders.journal, FORMAT_1).unwrap();
    world
}

async fn query(world: &World, sql: &'static str) -> Vec<String> {
    let mut connection =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", world.orders.journal)).await.unwrap();
    let found = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found
}

async fn foreign_tables(world: &World) -> Vec<String> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 4) <> 'ark_' ORDER BY name";
    query(world, sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_of_format_1_goes_on_where_its_version_left_it() {
    let mut world = world().await;
    let journal = world.journal().await;
    assert_eq!(journal.audit().await.unwrap(), []);
    // Its runner still lives: what may be its queue is left alone.
    world.passes(Duration::from_secs(80));
    let on_event = |event: &EventKind, handle: &ark_video_batch::RunnerHandle| {
        if let EventKind::Started { others, .. } = event {
            assert_eq!(*others, 1);
            handle.stop_now();
        }
    };
    world.run_until(&journal, world.options(), on_event).await;
    assert_eq!(foreign_tables(&world).await, ["Jobs", "Workers", "_sqlx_migrations"]);

    world.passes(Duration::from_secs(600));
    journal.plan(BATCH, &world.shots(9), PlanOptions::default()).await.unwrap();
    let ended = world.run(&journal).await;
    // What was on its way is unknown to this service: searched for, waited for, and not sent again.
    let expected = [(State::Settled, 4), (State::Held, 3), (State::Rejected, 1), (State::Gone, 1)];
    assert_eq!(ended.summary.counts, expected.into());
    assert_eq!(world.simulator.ledger().accepted, 2, "only the intents were sent");
    assert_eq!(foreign_tables(&world).await, Vec::<String>::new());
    assert_eq!(journal.audit().await.unwrap(), []);
    journal.close().await;
    assert_eq!(world.journal().await.counts(None).await.unwrap(), expected.into());
    let versions = "SELECT CAST(version AS TEXT) FROM ark_migration ORDER BY version";
    assert_eq!(query(&world, versions).await, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_of_format_1_stays_where_it_is_and_nothing_is_sent() {
    let mut world = world().await;
    let damage = "UPDATE ark_job SET body = replace(body, 'paper boat', 'paper boar') WHERE name = 'shot-000007' \
                  RETURNING body";
    let damaged = query(&world, damage).await;
    world.passes(Duration::from_secs(600));
    let journal = world.journal().await;
    let error = journal.job("night/shot-000007").await.unwrap_err();
    assert!(error.to_string().contains("shot-000007"), "{error}");
    assert_eq!(journal.job("night/shot-000008").await.unwrap().unwrap().state, State::Intent);
    let client = world.orders.client(world.clock());
    let (_events, _handle, run) =
        Runner::new(client, journal.clone(), world.options()).run(&[BATCH.to_owned()]);
    assert!(matches!(run.await, Err(RunError::Damaged(findings)) if findings.len() == 1));
    assert_eq!(world.simulator.ledger().accepted, 0);
    let kept = "SELECT body FROM ark_job WHERE name = 'shot-000007'";
    assert_eq!(query(&world, kept).await, damaged);
}

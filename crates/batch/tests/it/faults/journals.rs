//! F08, F09, F11, F18: journals that are shared, full, gone for a while, or damaged.

use std::process::Command;
use std::time::Duration;

use ark_video_batch::{EventKind, JournalErrorKind, RunError, Runner};
use sqlx::Connection as _;

use crate::faults::test_env::{TestEnv, count, is_submitting, works};
use crate::support::worker::{BATCH, Orders};
use ark_video_test_support::postgres::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f08_two_runners_on_one_journal() {
    let env = TestEnv::new().await;
    let journal = env.planned(30).await;
    let second = env.journal().await;
    let (one, other) = tokio::join!(env.run(&journal), env.run(&second));
    assert_eq!((one.summary.left(), other.summary.left()), (0, 0));
    let claims = |which: fn(&EventKind) -> bool| count(&one.events, which) + count(&other.events, which);
    assert_eq!(claims(is_submitting), 30, "each was claimed once");
    assert_eq!(claims(|event| matches!(event, EventKind::Settled { .. })), 30, "and ended once");
    env.holds(env.check(&journal).await, 30);
    assert_eq!(env.simulator.ledger().accepted, 30);
    let joined = |event: &EventKind| matches!(event, EventKind::Started { others: 1, .. });
    assert!(count(&one.events, joined) + count(&other.events, joined) >= 1, "the second says that it joins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f09_disk_full_under_the_journal() {
    let mut env = TestEnv::new().await.resending();
    env.planned(200).await.close().await;
    // No file may grow beyond 2 MB, as on a disk without room: the journal's log does. The videos
    // are smaller.
    let mut program = Command::new("sh");
    program.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""]);
    program.arg(std::env::current_exe().unwrap());
    let orders = Orders { ends_when: Some("nothing is sent meanwhile".to_owned()), ..env.orders.clone() };
    let ended = tokio::task::spawn_blocking(move || works(program, &orders)).await.unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(text.contains("nothing is sent meanwhile"), "{text}");
    let accepted = env.simulator.ledger().accepted;
    assert!((1..200).contains(&accepted), "creates stand still while it is full: {accepted}");
    env.passes(Duration::from_secs(600));
    let journal = env.journal().await;
    env.settles(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn f11_database_restarts_in_mid_run_with_postgresql() {
    let mut server = Server::start();
    let mut env = TestEnv::new().await;
    env.orders.journal = server.database("restarts").await;
    let journal = env.planned(60).await;
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let killer = std::thread::spawn(move || {
        let crashes = receiver.iter().filter(|()| server.crash()).count();
        (crashes, server)
    });
    let mut settled = 0;
    let ended = env
        .run_until(&journal, env.options(), |event, _| {
            if matches!(event, EventKind::Settled { .. }) {
                settled += 1;
                if settled == 5 || settled == 20 {
                    sender.send(()).unwrap();
                }
            }
        })
        .await;
    assert_eq!(ended.summary.left(), 0, "{:?}", ended.summary);
    let journal = env.journal().await;
    env.holds(env.check(&journal).await, 60);
    assert_eq!(env.simulator.ledger().accepted, 60);
    // The server ends with the thread that started it.
    drop(sender);
    let (crashes, _server) = killer.join().unwrap();
    assert_eq!(crashes, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_damaged_journal() {
    let env = TestEnv::new().await;
    let journal = env.planned(5).await;
    let copy = env.path("copy.sqlite");
    assert!(journal.backup(&copy).await.unwrap());
    // A bit flips in a row, which SQLite does not notice.
    let mut connection =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", env.orders.journal)).await.unwrap();
    let sql =
        "UPDATE ark_job SET body = replace(body, 'paper boat', 'paper boar') WHERE name = 'shot-000003'";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let run = |journal| {
        let client = env.orders.client(env.clock());
        let (_events, _handle, run) = Runner::new(client, journal, env.options()).run(&[BATCH.to_owned()]);
        run
    };
    let refused = run(journal.clone()).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("shot-000003") && text.contains("nothing was sent"), "{text}");
    assert!(text.contains("Put the last copy of it back"), "{text}");
    assert!(!text.contains("boar"), "no prompt is shown: {text}");
    assert!(matches!(refused, RunError::Damaged(_)));
    journal.close().await;
    // Cut off in the middle.
    let whole = std::fs::read(&env.orders.journal).unwrap();
    std::fs::write(&env.orders.journal, &whole[..whole.len() / 2]).unwrap();
    let options =
        ark_video_batch::OpenOptions { clock: env.clock(), ..ark_video_batch::OpenOptions::default() };
    let error = ark_video_batch::Journal::open(&env.orders.at(), options).await.unwrap_err();
    assert_eq!(error.kind(), JournalErrorKind::Damaged, "{error}");
    assert_eq!(env.simulator.ledger().accepted, 0);
    // The last copy, put back, goes on.
    std::fs::rename(&copy, &env.orders.journal).unwrap();
    let journal = env.journal().await;
    let earlier = env.path("earlier.sqlite");
    assert!(journal.backup(&earlier).await.unwrap());
    env.settles(&journal).await;
    journal.close().await;
    // A copy from before the sends, put back where their records are gone too, would pay for
    // everything again: that is said, and nothing is sent.
    std::fs::rename(&earlier, &env.orders.journal).unwrap();
    for rest in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{rest}", env.orders.journal));
    }
    for found in std::fs::read_dir(env.path("videos")).unwrap() {
        let path = found.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let refused = run(env.journal().await).await.unwrap_err();
    assert!(matches!(refused, RunError::Earlier { .. }), "{refused}");
    assert!(refused.to_string().contains("nothing was sent"), "{refused}");
    assert_eq!(env.simulator.ledger().accepted, 5);
}

//! The same on PostgreSQL, and what happens when its server goes away.

use ark_video_batch::{EventKind, JournalAt, LostCause, RunError, Runner, State};
use ark_video_test_support::postgres::Server;

use crate::runs::test_env::{BATCH, TestEnv};

async fn on(server: &Server, name: &str) -> TestEnv {
    TestEnv::new().await.on(JournalAt::Postgres(server.database(name).await.into()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn a_batch_ends_with_postgresql() {
    let server = Server::start();
    let env = on(&server, "whole").await;
    let journal = env.planned(40).await;
    let ended = env.run(&journal, env.options()).await;
    env.all_settled(&journal, &ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn a_dropped_database_is_no_new_journal_with_postgresql() {
    let server = Server::start();
    let mut env = on(&server, "dropped").await;
    let journal = env.planned(5).await;
    let ended = env.run(&journal, env.options()).await;
    env.all_settled(&journal, &ended).await;
    journal.close().await;
    for (gone, database) in [(false, "dropped"), (true, "another")] {
        env = env.on(JournalAt::Postgres(server.database(database).await.into()));
        let journal = env.planned(5).await;
        if gone {
            std::fs::remove_file(env.path("videos/shot-0003.mp4.ark-video.json")).unwrap();
            std::fs::remove_file(env.path("videos/shot-0003.mp4")).unwrap();
            let runner = Runner::new(env.client(), journal.clone(), env.options());
            let refused = runner.run(&[BATCH.to_owned()]).2.await.unwrap_err();
            let RunError::Lost(lost) = refused else { panic!("{refused}") };
            assert_eq!((lost.cause, lost.count, lost.recorded), (LostCause::Records, 1, 4));
        } else {
            let ended = env.run(&journal, env.options()).await;
            assert_eq!(ended.summary.counts, [(State::Settled, 5)].into());
        }
        assert_eq!(env.simulator.ledger().accepted, 5, "{database}");
        journal.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL (initdb, postgres): `cargo xtask test` runs it where it is installed"]
async fn a_server_that_is_killed_and_comes_back_costs_time_and_nothing_else_with_postgresql() {
    let mut server = Server::start();
    let env = on(&server, "killed").await;
    let journal = env.planned(100).await;
    // In a thread that outlives the test: a server ends with the thread that started it.
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let (done, crashed) = std::sync::mpsc::channel();
    let killer =
        std::thread::spawn(move || receiver.iter().for_each(|()| done.send(server.crash()).unwrap()));
    let mut settled = 0;
    let ended = env
        .run_until(&journal, env.options(), |event, _| {
            if matches!(event, EventKind::Settled { .. }) {
                settled += 1;
                if settled == 5 || settled == 20 {
                    sender.send(()).unwrap();
                    assert!(crashed.recv().unwrap());
                }
            }
        })
        .await;
    assert_eq!(settled, 100, "{:#?}", ended.summary);
    assert!(ended.events.iter().any(|event| matches!(event, EventKind::Warning { .. })));
    // Connections of before the last kill may still be in the old journal's hands.
    env.all_settled(&env.journal().await, &ended).await;
    drop(sender);
    killer.join().unwrap();
}

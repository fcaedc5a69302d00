//! F14, F25, F27: runs that are ended by the service or by a person, and callbacks, which a batch
//! does not need.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use ark_video_batch::{EventKind, PlanOptions, State, StopCause};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule};
use serde_json::json;

use crate::faults::test_env::{TestEnv, at_create, count, is_submitting};
use crate::support::status;
use crate::support::worker::BATCH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_no_quota_or_key_revoked_in_mid_run() {
    let refuse = |code: &str| Effect::Refuse { code: code.to_owned(), message: None };
    for (effect, cause) in [
        (refuse("QuotaExceeded"), StopCause::Account),
        (status(401, false), StopCause::Key),
        (refuse("AccountOverdueError"), StopCause::Account),
    ] {
        let env = TestEnv::new().await;
        let journal = env.planned(40).await;
        let mut submitted = 0;
        let mut options = env.options();
        options.concurrency = 5;
        let ended = env
            .run_until(&journal, options, |event, _| {
                if matches!(event, EventKind::Submitted { .. }) {
                    submitted += 1;
                    if submitted == 8 {
                        env.simulator.add_fault(at_create(effect.clone())).unwrap();
                    }
                }
            })
            .await;
        let stopped = ended.summary.stopped.as_ref().unwrap();
        assert_eq!(stopped.cause, cause, "{}", stopped.reason);
        assert_eq!(
            count(&ended.events, |event| matches!(event, EventKind::Stopped { .. })),
            1,
            "one message"
        );
        let counts = &ended.summary.counts;
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [State::Intent, State::Settled], "{counts:?}");
        assert_eq!(
            env.simulator.ledger().accepted as u64,
            counts[&State::Settled],
            "all that ran was fetched"
        );
        env.simulator.set_faults(FaultPlan::new()).unwrap();
        env.settles(&journal).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f25_callbacks_that_storm_come_late_or_never() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/{{}}", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let mut heard = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut first = [0; 4096];
            let read = stream.read(&mut first).unwrap_or_default();
            if first[..read].starts_with(b"END") {
                return heard;
            }
            heard += usize::from(read > 0);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
        heard
    });
    let at = |effect, every| FaultRule::new(effect).at(FaultPoint::Callback).every(every);
    let env = TestEnv::under([
        at(Effect::CallbackTwice, 2),
        at(Effect::CallbackLate { millis: 20_000 }, 3),
        at(Effect::CallbackLost, 5),
    ])
    .await;
    let journal = env.journal().await;
    let mut shots = env.shots(10);
    for shot in &mut shots {
        shot.request["callback_url"] = json!(address.replace("{}", &shot.name));
    }
    journal.plan(BATCH, &shots, PlanOptions::default()).await.unwrap();
    // Whatever comes of the callbacks: the batch asks by itself, and believes nobody else.
    let ended = env.settles(&journal).await;
    assert_eq!(count(&ended.events, is_submitting), 10);
    let polls: u32 = env.simulator.ledger().entries.iter().map(|entry| entry.polls).sum();
    assert!(polls <= 200, "{polls} polls of 10 tasks");
    let target = address.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    std::net::TcpStream::connect(target).unwrap().write_all(b"END").unwrap();
    assert!(heard.join().unwrap() > 0, "no callback came at all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_ctrl_c_once_twice() {
    // Once: what is being sent gets its answer written down, nothing new begins.
    let env = TestEnv::new().await;
    let journal = env.planned(30).await;
    let mut sent = 0;
    let ended = env
        .run_until(&journal, env.options(), |event, handle| {
            sent += usize::from(is_submitting(event));
            if sent == 8 {
                handle.drain();
            }
        })
        .await;
    let counts = &ended.summary.counts;
    assert!(!counts.contains_key(&State::Submitting) && !counts.contains_key(&State::Unknown), "{counts:?}");
    assert!(counts[&State::Intent] >= 10, "{counts:?}");
    env.settles(&journal).await;
    // Twice: it ends at once, and the next run finds out what was sent.
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(30).await;
    let mut sent = 0;
    env.run_until(&journal, env.options(), |event, handle| {
        sent += usize::from(is_submitting(event));
        if sent == 8 {
            handle.drain();
            handle.stop_now();
        }
    })
    .await;
    env.passes(std::time::Duration::from_secs(600));
    let journal = env.journal().await;
    env.settles(&journal).await;
}

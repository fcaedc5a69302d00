//! F22, F26: clocks that jump, and tasks that vanish with time.

use std::time::Duration;

use ark_video_batch::{CrashPoint, EventKind, State};

use crate::faults::test_env::{TestEnv, count, is_submitting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_clock_jumps() {
    const HOUR: i64 = 3_600_000;
    for jump in [2 * HOUR, -2 * HOUR, 30 * HOUR, -24 * HOUR] {
        let env = TestEnv::new().await;
        let journal = env.planned(12).await;
        let mut options = env.options();
        options.concurrency = 4;
        let mut settled = 0;
        let ended = env
            .run_until(&journal, options, |event, _| {
                if matches!(event, EventKind::Settled { .. }) {
                    settled += 1;
                    if settled == 3 {
                        env.wall_clock_jumps(jump);
                    }
                }
            })
            .await;
        assert_eq!(ended.summary.counts, [(State::Settled, 12)].into(), "{jump}");
        env.holds(env.check(&journal).await, 12);
        assert_eq!(env.simulator.ledger().accepted, 12, "{jump}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_task_vanishes() {
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(5).await;
    env.dies_at(CrashPoint::AfterSubmitted).await;
    let sent = env.jobs(&journal).await.iter().filter(|job| job.task_id.is_some()).count();
    assert!(sent >= 1);
    let accepted = env.simulator.ledger().accepted;
    // The service forgets tasks after seven days.
    env.passes(Duration::from_secs(8 * 86_400));
    let ended = env.run(&journal).await;
    let gone = ended.summary.counts[&State::Gone];
    assert!(gone >= 1 && ended.summary.left() == 0, "{:?}", ended.summary);
    for job in env.jobs(&journal).await.into_iter().filter(|job| job.state == State::Gone) {
        assert!(job.reason.unwrap().contains("no longer knows its task"));
    }
    let again = env.run(&journal).await;
    assert_eq!(count(&again.events, is_submitting), 0, "what is gone is not made again by itself");
    let creates = count(&ended.events, is_submitting);
    assert_eq!(env.simulator.ledger().accepted, accepted + creates);
}

//! Runs that go well.

use ark_video_batch::{EventKind, State};

use crate::runs::test_env::{TestEnv, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_ends_with_a_film_and_one_bill_for_each_job() {
    let env = TestEnv::new().await;
    let journal = env.planned(60).await;
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 60)].into());
    assert_eq!((ended.summary.left(), ended.summary.stopped), (0, None));
    env.check(&journal).await;
    for which in [
        |event: &EventKind| matches!(event, EventKind::Submitting { attempt: 1 }),
        |event: &EventKind| matches!(event, EventKind::Submitted { found: false, .. }),
        |event: &EventKind| matches!(event, EventKind::Finished),
        |event: &EventKind| matches!(event, EventKind::Downloaded { .. }),
        |event: &EventKind| matches!(event, EventKind::Settled { .. }),
    ] {
        assert_eq!(count(&ended.events, which), 60);
    }
}

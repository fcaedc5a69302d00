//! Caps hold before the network is touched.

use ark_video_batch::{Amount, Cap, Scope, State};

use crate::runs::test_env::{BATCH, TestEnv};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_cap_leaves_room_for_waits_for_a_person() {
    let env = TestEnv::new().await;
    let journal = env.planned(20).await;
    // Five at their estimate at once; what they cost in the end is less, so that more follow.
    let cap = Cap { scope: Scope::Batch(BATCH.to_owned()), amount: Amount::Tokens(500_000) };
    journal.set_caps(&[cap]).await.unwrap();
    let ended = env.run(&journal, env.options()).await;
    let counts = ended.summary.counts;
    assert_eq!(counts[&State::Settled] + counts[&State::OverBudget], 20, "{counts:?}");
    assert!(counts[&State::Settled] >= 5 && counts[&State::OverBudget] > 0, "{counts:?}");
    assert!(env.simulator.ledger().tokens <= 500_000);
    let parked = env.jobs(&journal).await.into_iter().find(|job| job.state == State::OverBudget).unwrap();
    let reason = parked.reason.unwrap();
    assert!(reason.contains("500,000 tokens") && reason.contains("batch night"), "{reason}");
    env.check(&journal).await;
}

//! Caps hold before the network is touched.

use ark_video_batch::{Amount, Cap, Scope, State};

use crate::runs::world::{BATCH, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_cap_leaves_room_for_waits_for_a_person() {
    let world = World::new().await;
    let journal = world.planned(20).await;
    // Five at their estimate at once; what they cost in the end is less, so that more follow.
    let cap = Cap { scope: Scope::Batch(BATCH.to_owned()), amount: Amount::Tokens(500_000) };
    journal.set_caps(&[cap]).await.unwrap();
    let ended = world.run(&journal, world.options()).await;
    let counts = ended.summary.counts;
    assert_eq!(counts[&State::Settled] + counts[&State::OverBudget], 20, "{counts:?}");
    assert!(counts[&State::Settled] >= 5 && counts[&State::OverBudget] > 0, "{counts:?}");
    assert!(world.simulator.ledger().tokens <= 500_000);
    let parked = world.jobs(&journal).await.into_iter().find(|job| job.state == State::OverBudget).unwrap();
    let reason = parked.reason.unwrap();
    assert!(reason.contains("500000 tokens") && reason.contains("batch night"), "{reason}");
    world.check(&journal).await;
}

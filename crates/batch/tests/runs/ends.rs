//! Runs that go well.

use ark_video_batch::{EventKind, State};

use crate::world::{World, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_ends_with_a_film_and_one_bill_for_each_job() {
    let world = World::new().await;
    let journal = world.planned(60).await;
    let ended = world.run(&journal, world.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 60)].into());
    assert_eq!((ended.summary.left(), ended.summary.stopped), (0, None));
    world.check(&journal).await;
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

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS")).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zz_temp_big() {
    let world = World::new().await;
    println!("start {}", memory());
    let began = std::time::Instant::now();
    let journal = world.planned(5000).await;
    println!("planned {} {:?}", memory(), began.elapsed());
    let mut options = world.options();
    options.concurrency = 100;
    let runner = ark_video_batch::Runner::new(world.client(), journal.clone(), options);
    let (events, _h, run) = runner.run(&["night".to_owned()]);
    drop(events);
    let summary = run.await.unwrap();
    println!("ran {} {:?} {:?}", memory(), began.elapsed(), summary);
}

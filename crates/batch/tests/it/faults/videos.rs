//! F10, F23, F24: videos that cannot be fetched, or not in one go.

use std::time::Duration;

use ark_video_batch::{EventKind, State};
use ark_video_simulator::{Effect, FaultPoint, FaultRule};
use ark_video_test_support::small_disk::in_namespace;

use crate::faults::test_env::{TestEnv, count, is_submitting, works};
use crate::support::worker::Orders;

fn at_file(effect: Effect) -> FaultRule {
    FaultRule::new(effect).at(FaultPoint::File)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a small disk (unshare, mount): `cargo xtask test` runs it where it can"]
async fn f10_disk_full_under_the_videos_on_a_small_disk() {
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(100).await;
    let videos = env.path("videos");
    std::fs::create_dir(&videos).unwrap();
    // Little more than the 64 MiB that a create asks for, so that the disk fills while the batch
    // runs. The disk goes with its namespace: what was saved on it is kept beside.
    let kept = env.path("kept");
    std::fs::create_dir(&kept).unwrap();
    let script = "mount -t tmpfs -o size=72m none \"$1\" && disk=$1 && kept=$2 && shift 2 && \"$@\"; code=$?; cp -p \"$disk\"/* \"$kept\"; exit $code";
    let mut program = in_namespace(script, &videos);
    program.arg(&kept).arg(std::env::current_exe().unwrap());
    let orders: Orders = env.orders.clone();
    let ended = tokio::task::spawn_blocking(move || works(program, &orders)).await.unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(text.contains("DiskFull"), "the run says why it stops: {text}");
    assert_eq!(ended.status.code(), Some(2), "and that something is left");
    let accepted = env.simulator.ledger().accepted;
    assert!((1..100).contains(&accepted), "creates stop: {accepted}");
    for entry in std::fs::read_dir(&kept).unwrap() {
        let saved = entry.unwrap().path();
        std::fs::copy(&saved, videos.join(saved.file_name().unwrap())).unwrap();
    }
    env.passes(Duration::from_secs(600));
    env.settles(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_link_expired() {
    // One dead link: a fresh one is asked for, and does.
    let env = TestEnv::under([at_file(Effect::DeadLink).hits(1)]).await;
    let journal = env.planned(4).await;
    let ended = env.settles(&journal).await;
    assert_eq!(count(&ended.events, is_submitting), 4);
    // All links of one video are dead: it is gone, with its bill, and not made again.
    let env = TestEnv::under([at_file(Effect::DeadLink).tag("shot-000002")]).await.resending();
    let journal = env.planned(4).await;
    let (mut settled, mut dead) = (0, false);
    let ended = env
        .run_until(&journal, env.options(), |event, _| {
            settled += usize::from(matches!(event, EventKind::Settled { .. }));
            let is_about_it =
                matches!(event, EventKind::Warning { reason } if reason.contains("tried again"));
            if settled >= 3 && is_about_it && !std::mem::replace(&mut dead, true) {
                // It is asked for until the day is over on which any link could work.
                env.passes_here(Duration::from_secs(25 * 3600));
            }
        })
        .await;
    assert_eq!(ended.summary.counts, [(State::Settled, 3), (State::Gone, 1)].into());
    assert_eq!(env.simulator.ledger().accepted, 4);
    let gone = env.jobs(&journal).await.into_iter().find(|job| job.state == State::Gone).unwrap();
    assert!(gone.reason.is_some_and(|reason| !reason.is_empty()));
    assert!(gone.settled.is_some_and(|cost| cost.tokens > 0), "it was billed");
    let again = env.run(&journal).await;
    assert_eq!(count(&again.events, is_submitting), 0);
    assert_eq!(env.simulator.ledger().accepted, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f24_cut_download_wrong_length_changed_file() {
    for effect in [
        Effect::HalfDownload,
        Effect::WrongLength { by: 1000 },
        Effect::WrongLength { by: -1000 },
        Effect::ChangedFile,
        Effect::NoRanges,
        Effect::Early400,
        status_416(),
    ] {
        let env = TestEnv::under([at_file(effect).hits(2)]).await;
        let journal = env.planned(3).await;
        env.settles(&journal).await;
    }
    // A resume that meets another file, or a host that knows no ranges.
    for effect in [Effect::ChangedFile, Effect::NoRanges] {
        let env = TestEnv::under([at_file(Effect::HalfDownload).hits(1), at_file(effect)]).await;
        let journal = env.planned(3).await;
        env.settles(&journal).await;
    }
}

fn status_416() -> Effect {
    crate::support::status(416, false)
}

//! Storage faults during a download: under the final name there is the right video or nothing, and
//! a second call completes it.

use std::path::Path;

use ark_video::{DownloadOptions, IfExists, Output, TaskHandle};
use ark_video_simulator::FaultPoint;

use super::{
    cell::{Run, error_name},
    rows::{Asks, Often, Row},
    test_env::{TestEnv, small},
};

/// Both ways with one task: rendering its video is most of the work.
pub(super) async fn both(row: &Row, place: FaultPoint) -> [Run; 2] {
    let env = TestEnv::new().await;
    let mut request = small("A paper boat.");
    request.return_last_frame = (row.asks == Asks::LastFrame).then_some(true);
    let task = env.ended_with(&request).await;
    let folder = tempfile::tempdir().unwrap();
    let right = task.download(folder.path().join("before.mp4")).options(options()).await.unwrap().sha256;
    let path = |name: &str| folder.path().join(name);
    [
        run((row, place, Often::Once), &env, &task, &path("once.mp4"), &right).await,
        run((row, place, Often::Always), &env, &task, &path("always.mp4"), &right).await,
    ]
}

fn options() -> DownloadOptions {
    DownloadOptions::new().existing(IfExists::Keep)
}

async fn run(
    (row, place, often): (&Row, FaultPoint, Often),
    env: &TestEnv,
    task: &TaskHandle,
    path: &Path,
    right: &str,
) -> Run {
    let mut run = Run::default();
    let before = env.simulator.ledger();
    env.inject(row.rule(place, often));
    match env.with_fault(row).task(task.id()).download(path).options(options()).await {
        Ok(video) => {
            run.check(video.sha256 == right, || "a wrong video under the final name".to_owned());
            run.outcome = "saved".to_owned();
        }
        Err(error) => {
            run.check(!path.exists(), || format!("{error}, and yet there is a file"));
            run.check(error.task_id().is_some(), || format!("the id is lost: {error}"));
            run.outcome = error_name(&error);
            if row.asks == Asks::LastFrame {
                let frame = path.with_extension("png");
                let saved = task.download(&frame).options(options().output(Output::LastFrame)).await;
                run.check(saved.is_ok(), || format!("the last frame is not saved either: {saved:?}"));
                run.outcome += ", its last frame is";
            }
        }
    }
    env.heal(&mut run);
    let again = task.download(path).options(options()).await.map(|video| video.sha256);
    run.check(again.as_ref().is_ok_and(|video| *video == right), || format!("afterwards: {again:?}"));
    let after = env.simulator.ledger();
    run.check((after.accepted, after.billed) == (before.accepted, before.billed), || {
        "fetching was billed".to_owned()
    });
    run
}

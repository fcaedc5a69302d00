//! A store that cannot be reached: its shots wait, all others go on, and nothing is billed for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ark_video::{
    media_store::{MediaStore, SignedUrl, StorageError, StorageErrorKind, StoredMedia, UploadProgress},
    transport::{BodySource, BoxFuture},
};
use ark_video_batch::{EventKind, InputFile, Planned, State};
use serde_json::json;

use crate::runs::test_env::{TestEnv, count};

/// Of the file `abc`.
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Cannot be reached that often.
#[derive(Debug)]
struct Unreachable(AtomicUsize);

impl MediaStore for Unreachable {
    fn put<'a>(
        &'a self,
        source: Arc<dyn BodySource>,
        _: &'a str,
        _: UploadProgress<'a>,
    ) -> BoxFuture<'a, Result<StoredMedia, StorageError>> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        Box::pin(async move {
            let object = format!("s3://b/{SHA256}.mp4");
            left.map_or(Ok(StoredMedia::new(object, SHA256, source.length())), |_| {
                Err(StorageError::new(StorageErrorKind::Unreachable, "the storage s3://b cannot be reached"))
            })
        })
    }

    fn sign<'a>(&'a self, _: &'a StoredMedia, _: Duration) -> BoxFuture<'a, Result<SignedUrl, StorageError>> {
        Box::pin(async { Ok(SignedUrl::new("https://b.example/a.mp4?signature=secret")) })
    }
}

fn with_video(env: &TestEnv, number: usize) -> Planned {
    let mut shot = env.shot(number);
    let path = env.path("clip.mp4");
    std::fs::write(&path, "abc").unwrap();
    let video = json!({"type": "video_url", "video_url": {"url": path}, "role": "reference_video"});
    shot.request["content"].as_array_mut().unwrap().push(video);
    shot.inputs.push(InputFile { content: 1, path, bytes: 3, sha256: SHA256.to_owned() });
    shot
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shots_wait_for_a_store_that_cannot_be_reached_and_go_on_when_it_is_back() {
    let env = TestEnv::new().await;
    let journal = env.journal().await;
    env.plan(&journal, &[with_video(&env, 0), with_video(&env, 1), env.shot(2)]).await;
    let options = env.options().media_store(Arc::new(Unreachable(AtomicUsize::new(5))));
    let mut sent = 0;
    let ended = env
        .run_until(&journal, options, |event, _| match event {
            EventKind::Warning { reason } => {
                assert!(env.simulator.ledger().accepted <= 1, "only the shot without a file was sent");
                assert_eq!(
                    reason,
                    "the storage s3://b cannot be reached; nothing was sent, nothing is billed. Check the endpoint and the network, then run it again."
                );
            }
            EventKind::Submitting { .. } => sent += 1,
            _ => {}
        })
        .await;
    assert_eq!((count(&ended.events, |event| matches!(event, EventKind::Warning { .. })), sent), (5, 3));
    env.all_settled(&journal, &ended).await;
    for (name, objects) in [("shot-0000", 1), ("shot-0001", 1), ("shot-0002", 0)] {
        let job = env.job(&journal, name).await;
        assert_eq!((job.state, job.attempt.unwrap().objects.len()), (State::Settled, objects), "{name}");
    }
}

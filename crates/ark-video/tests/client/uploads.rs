//! Files that went to a store: what is sent has URLs signed right before it, however long it
//! waited.

use std::{sync::Arc, time::Duration};

use ark_video::{
    Attachments, Error, RateLimits, RetryOptions,
    media_store::{
        MediaStore, SignedUrl, StorageError, StorageErrorKind, StoredMedia, UploadProgress, Uploads,
    },
    model::{CreateTaskRequest, ReferenceToVideo},
    transport::{BodySource, BoxFuture, Clock},
};

use crate::test_env::{TestEnv, answer};

/// Signs with the second of the test, for at most 7 days.
#[derive(Debug)]
struct TimedStore(Arc<TestEnv>);

impl MediaStore for TimedStore {
    fn put<'a>(
        &'a self,
        source: Arc<dyn BodySource>,
        _: &'a str,
        _: UploadProgress<'a>,
    ) -> BoxFuture<'a, Result<StoredMedia, StorageError>> {
        Box::pin(async move { Ok(StoredMedia::new("s3://b/ab.mp4", "ab", source.length())) })
    }

    fn sign<'a>(
        &'a self,
        _: &'a StoredMedia,
        life: Duration,
    ) -> BoxFuture<'a, Result<SignedUrl, StorageError>> {
        let url = format!(
            "https://b.example/ab.mp4?signed={};for={}",
            self.0.monotonic().as_secs(),
            life.as_secs()
        );
        let signed = match life.as_secs() {
            0..=604_800 => Ok(SignedUrl::new(url)),
            _ => Err(StorageError::new(StorageErrorKind::LinkTooLong, "it signs for 7 days at most")),
        };
        Box::pin(async move { signed })
    }
}

async fn uploaded(store: &TimedStore, life: Option<i64>) -> (Attachments, CreateTaskRequest, Uploads) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    std::fs::write(&path, b"a video").unwrap();
    let mut files = Attachments::new();
    let clip = files.video(&path, "mp4").unwrap();
    let mut request = ReferenceToVideo::new("m").video(clip).build();
    request.execution_expires_after = life;
    let uploads = files.upload(&request, store, &|_| {}).await.unwrap();
    (files, request, uploads)
}

#[tokio::test]
async fn a_url_is_signed_again_for_each_send_and_after_each_wait() {
    let env = TestEnv::new(|number, _| match number {
        0 => {
            let mut busy = answer(
                429,
                r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"slow down"}}"#,
            )?;
            busy.headers_mut().insert("retry-after", "90".parse().unwrap());
            Ok(busy)
        }
        _ => answer(200, r#"{"id":"cgt-1"}"#),
    });
    let client = env.builder().limits(RateLimits::company().create_per_minute(1.0)).build().unwrap();
    let store = Arc::new(TimedStore(env.clone()));
    let (files, request, uploads) = uploaded(&store, Some(3600)).await;
    for _ in 0..2 {
        let create = client.create(&request).files(files.clone()).retry(RetryOptions::default());
        let prepared = create.uploads(uploads.clone(), store.clone()).prepare();
        let shown = format!("{prepared:?} {:?}", prepared.record());
        assert!(!shown.contains("signed="), "{shown}");
        prepared.await.unwrap();
    }
    assert_eq!(env.sent().len(), 3);
    for sent in env.sent() {
        let body = String::from_utf8(sent.request.body().to_vec()).unwrap();
        assert!(body.contains(&format!("?signed={};for=7200", sent.second)), "{} {body}", sent.second);
    }
    assert!(env.seconds()[1] >= 90 && env.seconds()[2] > env.seconds()[1], "{:?}", env.seconds());
}

#[tokio::test]
async fn without_a_url_nothing_is_sent() {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let store = Arc::new(TimedStore(env.clone()));
    let (files, request, uploads) = uploaded(&store, Some(691_200)).await;
    let refused = env.client().create(&request).files(files).uploads(uploads, store).await.unwrap_err();
    assert!(matches!(refused, Error::Request(_)), "{refused:?}");
    let said = "it signs for 7 days at most; nothing was sent. Lower `execution_expires_after`.";
    assert!(refused.message().contains(said), "{refused}");
    assert!(env.sent().is_empty());
}

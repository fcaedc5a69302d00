//! Files inside a request: the same bytes on the wire as with data in memory, and nothing sent when
//! they cannot be.

use ark_video::{
    Attachments, Error,
    model::{AudioSource, CreateTaskRequest, FirstAndLastFrame, ImageSource, ImageToVideo, ReferenceToVideo},
    transport::FileSource,
};
use proptest::prelude::*;

use crate::test_env::TestEnv;

async fn sent(request: &CreateTaskRequest, files: Attachments) -> String {
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    env.client().create(request).files(files).await.unwrap();
    String::from_utf8(env.sent()[0].request.body().to_vec()).unwrap()
}

#[tokio::test]
async fn a_file_is_sent_as_the_same_bytes_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let (cat, song) = (folder.path().join("cat"), folder.path().join("song"));
    std::fs::write(&cat, b"\x89PNG and more").unwrap();
    std::fs::write(&song, b"RIFF").unwrap();
    let mut files = Attachments::new();
    let by_file = ReferenceToVideo::new("m")
        .image(files.image(&cat, "PNG").unwrap())
        .audio(files.audio(&song, "wav").unwrap())
        .build();
    let by_data = ReferenceToVideo::new("m")
        .image(ImageSource::data("PNG", b"\x89PNG and more"))
        .audio(AudioSource::data("wav", b"RIFF"))
        .build();
    assert!(!format!("{by_file:?}{files:?}").contains("PNG and"), "{by_file:?}");
    assert_eq!(files.body(&by_file).unwrap().length(), serde_json::to_string(&by_data).unwrap().len() as u64);
    assert_eq!(sent(&by_file, files).await, sent(&by_data, Attachments::new()).await);
}

#[tokio::test]
async fn one_file_can_stand_in_two_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loop.png");
    std::fs::write(&path, b"loop").unwrap();
    let mut files = Attachments::new();
    let image = files.image(&path, "png").unwrap();
    let request = FirstAndLastFrame::new("m", image.clone(), image).build();
    let body = sent(&request, files).await;
    assert_eq!(body.matches("data:image/png;base64,bG9vcA==").count(), 2);
}

#[tokio::test]
async fn without_its_file_or_too_large_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.png");
    std::fs::File::create(&path).unwrap().set_len(50 << 20).unwrap();
    let mut files = Attachments::new();
    let request = ImageToVideo::new("m", files.image(&path, "png").unwrap()).build();
    let env = TestEnv::always(200, r#"{"id":"cgt-1"}"#);
    let forgotten = env.client().create(&request).await.unwrap_err();
    assert!(forgotten.message().contains("attachments"), "{forgotten}");
    let huge = env.client().create(&request).files(files).await.unwrap_err();
    assert!(matches!(huge, Error::Request(_)) && huge.message().contains("64 MiB"), "{huge}");
    assert!(env.sent().is_empty());
    assert!(Attachments::new().image(folder.path().join("none"), "png").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_files_the_body_is_that_of_the_in_memory_form(
        files in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..4),
        prompt in "\\PC{0,20}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut attached = Attachments::new();
        let (mut by_file, mut by_data) = (ReferenceToVideo::new(prompt.as_str()), ReferenceToVideo::new(prompt.as_str()));
        for (at, bytes) in files.iter().enumerate() {
            let path = folder.path().join(at.to_string());
            std::fs::write(&path, bytes).unwrap();
            let source = std::sync::Arc::new(FileSource::new(&path).unwrap());
            by_file = by_file.image(attached.source("image/webp", source));
            by_data = by_data.image(ImageSource::data("webp", bytes));
        }
        let body = attached.body(&by_file.build()).unwrap();
        let expected = serde_json::to_vec(&by_data.build()).unwrap();
        prop_assert_eq!(body.length(), expected.len() as u64);
        prop_assert_eq!(body.read().unwrap(), expected);
    }
}

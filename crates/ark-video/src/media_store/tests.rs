//! Uploads with a store that keeps names: order, hash, records, and what is never sent.

use std::sync::{Arc, Mutex};

use ark_video_model::{ReferenceToVideo, VideoSource};
use ark_video_transport::{BodySource, BoxFuture};
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    Error,
    error::RequestError,
    provenance::{Provenance, hex, intent_hash},
};

#[derive(Debug, Default)]
struct Names(Mutex<Vec<String>>);

impl MediaStore for Names {
    fn put<'a>(
        &'a self,
        source: Arc<dyn BodySource>,
        media_type: &'a str,
        progress: UploadProgress<'a>,
    ) -> BoxFuture<'a, Result<StoredMedia, StorageError>> {
        self.0.lock().unwrap().push(format!("{} {media_type}", source.length()));
        progress(source.length());
        let mut bytes = Vec::new();
        source.open().unwrap().read_to_end(&mut bytes).unwrap();
        let sha256 = hex(&Sha256::digest(&bytes));
        let media = StoredMedia::new(format!("s3://b/{}", &sha256[..4]), sha256, source.length());
        Box::pin(async move { Ok(media) })
    }

    fn sign<'a>(
        &'a self,
        media: &'a StoredMedia,
        life: Duration,
    ) -> BoxFuture<'a, Result<SignedUrl, StorageError>> {
        let name = media.object.trim_start_matches("s3://b/");
        let url = format!("https://b.example/{name}?X-Amz-Signature=secret&for={}", life.as_secs());
        Box::pin(async move { Ok(SignedUrl::new(url)) })
    }
}

fn files(folder: &std::path::Path) -> (Attachments, CreateTaskRequest) {
    let mut files = Attachments::new();
    let of = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let clip = files.video(of("clip.mp4", b"abc"), "mp4").unwrap();
    let image = files.image(of("a.png", b"image"), "png").unwrap();
    let second = files.video(of("b.mov", b"abcd"), "MOV").unwrap();
    let request = ReferenceToVideo::new("m").video(clip).image(image).video(second).build();
    (files, request)
}

#[tokio::test]
async fn a_video_is_uploaded_and_its_url_is_in_the_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (attached, request) = files(folder.path());
    let refused = attached.body(&request).unwrap_err();
    assert!(matches!(refused, Error::Request(RequestError::NotUploaded)), "{refused}");
    let (store, seen) = (Names::default(), Mutex::new(Vec::new()));
    assert_eq!(attached.bytes_to_upload(&request), 7);
    let uploads = attached.upload(&request, &store, &|bytes| seen.lock().unwrap().push(bytes)).await.unwrap();
    assert_eq!(*store.0.lock().unwrap(), ["3 video/mp4", "4 video/mov"]);
    assert_eq!(seen.into_inner().unwrap(), [3, 7]);
    let mut signed = uploads.sign(&request, &store).await.unwrap();
    let body = String::from_utf8(attached.body(&signed).unwrap().read().unwrap().to_vec()).unwrap();
    assert_eq!(body.matches("X-Amz-Signature=secret&for=262800").count(), 2, "{body}");
    assert!(body.contains("data:image/png;base64,aW1hZ2U="), "{body}");
    assert!(!format!("{signed:?} {uploads:?}").contains("secret"));
    // The intent is that of the bytes, however they are sent, and signing again changes nothing.
    let hash = intent_hash(&request, &attached).unwrap();
    assert_eq!(intent_hash(&request, &attached).unwrap(), hash);
    let (others, same) = files(folder.path());
    assert_eq!(intent_hash(&same, &others).unwrap(), hash);
    let mut taken = Provenance::of(&request, &attached).unwrap();
    taken.uploaded(&uploads);
    let text = serde_json::to_string(&taken).unwrap();
    assert!(!text.contains("secret") && !text.contains("ark-video.invalid"), "{text}");
    assert_eq!(taken.inputs[0].object.as_deref(), Some("s3://b/ba78"));
    assert_eq!((taken.inputs[1].object.as_deref(), taken.inputs[0].media_type.as_str()), (None, "video/mp4"));
    assert_eq!(taken.inputs[0].name.as_deref(), Some("clip.mp4"));
    signed.execution_expires_after = Some(3600);
    let shorter = uploads.sign(&signed, &store).await.unwrap();
    assert!(serde_json::to_string(&shorter).unwrap().contains("for=7200"));
}

#[test]
fn the_largest_files_go_to_the_store_when_the_body_would_be_too_large() {
    #[derive(Debug)]
    struct Long(u64);
    impl BodySource for Long {
        fn name(&self) -> String {
            "long".to_owned()
        }
        fn length(&self) -> u64 {
            self.0
        }
        fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send + Sync>> {
            Ok(Box::new(std::io::empty()))
        }
    }
    for (sizes, hosted) in [(vec![20, 20], 0), (vec![29, 20, 10], 1), (vec![10, 29, 29, 29], 2), (vec![1], 0)]
    {
        let mut files = Attachments::new();
        let mut request = ReferenceToVideo::new("m");
        for megabytes in &sizes {
            let source = files.source("image/png", Arc::new(Long(megabytes << 20)));
            request = request.image(ark_video_model::ImageSource::from(source));
        }
        let mut request = request.build();
        assert_eq!(files.host(&mut request), hosted, "{sizes:?}");
        assert_eq!(files.host(&mut request), hosted, "twice is once");
        let largest = sizes.iter().rposition(|size| size == sizes.iter().max().unwrap()).unwrap();
        let (_, url) = request.content[largest].media().unwrap();
        assert_eq!(is_hosted(url), hosted > 0);
    }
    let mut files = Attachments::new();
    let inline = files.source("video/mp4", Arc::new(Long(3)));
    let mut request = ReferenceToVideo::new("m").video(VideoSource::from(inline)).build();
    assert_eq!(files.host(&mut request), 1);
}

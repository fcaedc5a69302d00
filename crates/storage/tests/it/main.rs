//! The store against two S3 servers that verify signatures: content, resume, memory, errors, and
//! that nothing secret is shown.
#![allow(clippy::unwrap_used, reason = "tests")]

mod refusals;
mod settings;
mod uploads;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ark_video_protocol::{Endpoint, SendError, download::AddressPolicy};
use ark_video_storage::{Provider, Storage, StorageSettings};
use ark_video_test_support::s3::{ACCESS_KEY, SECRET_KEY};
use ark_video_transport::{
    AnswerBody, BoxFuture, FileSource, HttpTransport, MediaStore, RequestBody, StorageError, StoredMedia,
    Transport,
};
use bytes::Bytes;
use http::{Request, Response};

const MIB: u64 = 1 << 20;

/// Counts what is sent in bodies.
#[derive(Debug, Default)]
struct Counting {
    inner: HttpTransport,
    bytes: AtomicU64,
}

impl Transport for Counting {
    fn send(
        &self,
        endpoint: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        self.bytes.fetch_add(request.body().length(), Ordering::Relaxed);
        self.inner.send(endpoint, request)
    }

    fn open(
        &self,
        request: Request<()>,
        reach: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        self.inner.open(request, reach)
    }
}

fn settings(endpoint: &str, folder: &Path) -> StorageSettings {
    StorageSettings::new("s3://bucket/clips")
        .provider(Provider::Minio)
        .endpoint(endpoint)
        .keys(ACCESS_KEY.to_owned().into(), SECRET_KEY.to_owned().into(), None)
        .unfinished(folder.join("unfinished"))
}

fn open(settings: &StorageSettings) -> (Storage, Arc<Counting>) {
    let transport = Arc::new(Counting::default());
    (Storage::open(settings, &|_| None, transport.clone()).unwrap(), transport)
}

/// A file whose content no other file has, written piece by piece.
fn file(folder: &Path, name: &str, bytes: u64) -> PathBuf {
    let path = folder.join(name);
    let mut file = fs::File::create(&path).unwrap();
    let mut state = bytes | 1;
    let mut left = bytes;
    while left > 0 {
        let mut piece = Vec::with_capacity(1 << 16);
        while piece.len() < (1 << 16) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            piece.extend_from_slice(&state.to_le_bytes());
        }
        piece.truncate(usize::try_from(left.min(1 << 16)).unwrap());
        file.write_all(&piece).unwrap();
        left -= piece.len() as u64;
    }
    path
}

async fn put(storage: &Storage, path: &Path) -> Result<StoredMedia, StorageError> {
    storage.put(Arc::new(FileSource::new(path).unwrap()), "video/mp4", &|_| {}).await
}

fn curl(url: &str) -> (String, Vec<u8>) {
    let output = Command::new("curl").args(["-sS", "-w", "\n%{http_code}", url]).output().unwrap();
    let text = output.stdout;
    let at = text.iter().rposition(|byte| *byte == b'\n').unwrap();
    (String::from_utf8(text[at + 1..].to_vec()).unwrap(), text[..at].to_vec())
}

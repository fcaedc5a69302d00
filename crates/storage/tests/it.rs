//! The store against an S3 server that verifies signatures: content, resume, memory, errors, and
//! that nothing secret is shown.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use ark_video_protocol::{Endpoint, SendError, download::AddressPolicy};
use ark_video_storage::{Provider, Storage, StorageSettings};
use ark_video_test_support::s3::{ACCESS_KEY, SECRET_KEY, Server};
use ark_video_transport::{
    AnswerBody, BoxFuture, FileSource, HttpTransport, MediaStore, RequestBody, StorageError,
    StorageErrorKind as Kind, StoredMedia, Transport,
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

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_file_goes_up_once_and_comes_down_by_its_url_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let (storage, transport) = open(&settings(&server.endpoint(), folder.path()));
    for (name, bytes) in [("small.mp4", 5_000), ("exact.mp4", 6 * MIB), ("parts.mp4", 17 * MIB + 3)] {
        let path = file(folder.path(), name, bytes);
        let seen = AtomicU64::new(0);
        let source = Arc::new(FileSource::new(&path).unwrap());
        let progress = |bytes| assert!(seen.fetch_max(bytes, Ordering::Relaxed) <= bytes);
        let stored = storage.put(source, "video/mp4", &progress).await.unwrap();
        assert_eq!((stored.sent, stored.bytes, seen.into_inner()), (bytes, bytes, bytes), "{name}");
        let url = storage.sign(&stored, Duration::from_secs(60)).await.unwrap();
        let (status, body) = curl(url.expose());
        assert_eq!((status.as_str(), body == fs::read(&path).unwrap()), ("200", true), "{name}");
        // Another process, which knows nothing of the first, and another name of the same bytes.
        let copy = folder.path().join("copy.mp4");
        fs::copy(&path, &copy).unwrap();
        transport.bytes.store(0, Ordering::Relaxed);
        let (other, others) = open(&settings(&server.endpoint(), folder.path()));
        let again = put(&other, &copy).await.unwrap();
        assert_eq!((again.sent, &again.object), (0, &stored.object));
        assert_eq!(put(&storage, &path).await.unwrap().sent, 0);
        let sent = [&transport, &others].map(|transport| transport.bytes.load(Ordering::Relaxed));
        assert_eq!(sent, [0, 0], "{name}");
    }
    assert_eq!(server.objects("bucket").len(), 3);
    assert_eq!(fs::read_dir(folder.path().join("unfinished")).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_url_ends_when_it_says_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let (storage, _) = open(&settings(&server.endpoint(), folder.path()));
    let stored = put(&storage, &file(folder.path(), "a.mp4", 1000)).await.unwrap();
    let url = storage.sign(&stored, Duration::from_secs(2)).await.unwrap();
    let started = SystemTime::now();
    assert_eq!(curl(url.expose()).0, "200");
    while started.elapsed().unwrap() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(curl(url.expose()).0, "403");
    let unsigned = url.to_string();
    assert_eq!(curl(&unsigned).0, "403");
    let week = storage.sign(&stored, Duration::from_secs(7 * 24 * 60 * 60)).await;
    assert!(week.is_ok());
    let refused = storage.sign(&stored, Duration::from_secs(7 * 24 * 60 * 60 + 1)).await.unwrap_err();
    assert_eq!(refused.kind, Kind::LinkTooLong);
    assert_eq!(
        refused.to_string(),
        "a URL of s3://bucket can be valid for at most 7 days, and the task may need it for 169 h"
    );
}

/// Runs `child` in a process of its own; gives it and the lines that it prints.
fn child(
    part: &str,
    endpoint: &str,
    folder: &Path,
) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "uploads_in_a_process_of_its_own_child", "--include-ignored", "--nocapture"])
        .env("STORAGE_CHILD", part)
        .env("STORAGE_ENDPOINT", endpoint)
        .env("STORAGE_FOLDER", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn line(lines: &mut BufReader<std::process::ChildStdout>, start: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended before it wrote {start}");
        if let Some(at) = line.find(start) {
            return line[at + start.len()..].trim().to_owned();
        }
    }
}

/// A line of the process's status in bytes: `VmRSS` is in memory, `VmHWM` the most that was.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
#[ignore = "a process that other tests start"]
async fn uploads_in_a_process_of_its_own_child() {
    let Ok(part) = std::env::var("STORAGE_CHILD") else { return };
    let folder = PathBuf::from(std::env::var_os("STORAGE_FOLDER").unwrap());
    let endpoint = std::env::var("STORAGE_ENDPOINT").unwrap();
    let (storage, _) = open(&settings(&endpoint, &folder));
    let stop_at: u64 = part.parse().unwrap();
    // A small one first: connections, TLS and buffers are not the upload's.
    put(&storage, &file(&folder, "first.mp4", 1000)).await.unwrap();
    println!("idle {}", memory("VmRSS"));
    let progress = |bytes: u64| {
        if bytes >= stop_at {
            println!("reached {bytes}");
            std::thread::park();
        }
    };
    let source = Arc::new(FileSource::new(folder.join("large.mp4")).unwrap());
    storage.put(source, "video/mp4", &progress).await.unwrap();
    println!("peak {}", memory("VmHWM"));
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_killed_upload_is_resumed_and_leaves_one_object_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let path = file(folder.path(), "large.mp4", 40 * MIB + 1);
    let (mut process, mut lines) = child(&(12 * MIB).to_string(), &server.endpoint(), folder.path());
    let reached: u64 = line(&mut lines, "reached ").parse().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(server.objects("bucket").len(), 1, "only the small one");
    let (storage, transport) = open(&settings(&server.endpoint(), folder.path()));
    let stored = put(&storage, &path).await.unwrap();
    assert_eq!(stored.sent, 40 * MIB + 1 - reached, "the parts that were there are not sent again");
    assert!(transport.bytes.load(Ordering::Relaxed) < 40 * MIB + 4096 - reached);
    let objects = server.objects("bucket");
    assert_eq!(objects.len(), 2);
    let large = objects.iter().find(|(key, _)| stored.object.ends_with(key.as_str())).unwrap();
    assert!(fs::read(&large.1).unwrap() == fs::read(&path).unwrap());
    assert_eq!(fs::read_dir(folder.path().join("unfinished")).unwrap().count(), 0);
    // The store forgot an upload that a record still names: it starts again.
    fs::write(&path, vec![7; 9 << 20]).unwrap();
    let hash = {
        let bare = settings(&server.endpoint(), folder.path());
        let (lone, _) = open(&bare);
        put(&lone, &path).await.unwrap().sha256
    };
    let object = format!("s3://bucket/clips/{}/{hash}.mp4", &hash[..2]);
    fs::remove_file(server.objects("bucket").into_iter().find(|(key, _)| object.ends_with(key)).unwrap().1)
        .unwrap();
    let stale = format!(
        r#"{{"object":"{object}","upload_id":"5e6b8f7c-0000-4000-8000-000000000000","part_bytes":6291456,"parts":{{"0":"\"x\""}}}}"#
    );
    fs::write(folder.path().join("unfinished").join(format!("{hash}.upload.json")), stale).unwrap();
    let (storage, _) = open(&settings(&server.endpoint(), folder.path()));
    assert_eq!(put(&storage, &path).await.unwrap().sent, 9 * MIB);
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_large_file_takes_little_memory_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let path = file(folder.path(), "large.mp4", 190_000_000);
    let (mut process, mut lines) = child(&u64::MAX.to_string(), &server.endpoint(), folder.path());
    let idle: u64 = line(&mut lines, "idle ").parse().unwrap();
    let peak: u64 = line(&mut lines, "peak ").parse().unwrap();
    assert!(process.wait().unwrap().success());
    println!("{} KB over idle", (peak - idle) / 1000);
    assert!(peak - idle <= 24_000_000, "{} bytes over idle", peak - idle);
    let large = server
        .objects("bucket")
        .into_iter()
        .find(|(_, path)| path.metadata().unwrap().len() > 10_000)
        .unwrap();
    assert!(same(&large.1, &path));
}

fn same(one: &Path, other: &Path) -> bool {
    let open = |path| BufReader::with_capacity(1 << 20, fs::File::open(path).unwrap());
    let (mut one, mut other) = (open(one), open(other));
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = one.read(&mut a).unwrap();
        if count == 0 {
            return other.read(&mut b).unwrap() == 0;
        }
        other.read_exact(&mut b[..count]).unwrap();
        if a[..count] != b[..count] {
            return false;
        }
    }
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn each_failure_has_one_clear_message_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let path = file(folder.path(), "a.mp4", 1000);
    let large = file(folder.path(), "b.mp4", 9 * MIB);
    let good = settings(&server.endpoint(), folder.path());
    let key = |access: &str, secret: &str| {
        good.clone().keys(access.to_owned().into(), secret.to_owned().into(), None)
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (settings, kind, text) in [
        (key("AKIAWRONG", SECRET_KEY), Kind::WrongKey, "the storage s3://bucket does not accept the key ("),
        (
            key(ACCESS_KEY, "wrong-secret"),
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (SignatureDoesNotMatch)",
        ),
        (
            good.clone().endpoint(format!("http://{closed}")),
            Kind::Unreachable,
            "the storage s3://bucket cannot be reached: ",
        ),
    ] {
        let (storage, _) = open(&settings);
        for path in [&path, &large] {
            let error = put(&storage, path).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.to_string().starts_with(text), "{error}");
            assert!(!error.advice().is_empty());
            let shown = format!("{error} {error:?} {storage:?} {settings:?}");
            for secret in [ACCESS_KEY, SECRET_KEY, "AKIAWRONG", "wrong-secret", "X-Amz", "Signature="] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
    assert!(server.objects("bucket").is_empty());
}

/// Answers every request with one refusal, as the stores write it; a HEAD has no body.
#[derive(Debug)]
struct Refusing(u16, &'static str, AtomicU64);

impl Transport for Refusing {
    fn send(
        &self,
        _: Endpoint,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, SendError>> {
        self.2.fetch_add(1, Ordering::Relaxed);
        let code = self.1;
        let text = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><AWSAccessKeyId>{ACCESS_KEY}</AWSAccessKeyId><SignatureProvided>5ec2e7</SignatureProvided></Error>"
        );
        let body = if request.method() == http::Method::HEAD { String::new() } else { text };
        let status = if request.method() == http::Method::HEAD && self.0 == 507 { 404 } else { self.0 };
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(async move { Ok(answer) })
    }

    fn open(
        &self,
        _: Request<()>,
        _: AddressPolicy,
    ) -> BoxFuture<'_, Result<Response<Box<dyn AnswerBody>>, SendError>> {
        unreachable!()
    }
}

#[tokio::test]
async fn each_refusal_of_a_store_has_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (file(folder.path(), "a.mp4", 1000), file(folder.path(), "b.mp4", 7 * MIB));
    for (status, code, kind, message) in [
        (404, "NoSuchBucket", Kind::NoBucket, "the bucket s3://bucket does not exist (NoSuchBucket)"),
        (
            403,
            "AccessDenied",
            Kind::NoRights,
            "these credentials have no rights for it in s3://bucket (AccessDenied)",
        ),
        (
            403,
            "InvalidAccessKeyId",
            Kind::WrongKey,
            "the storage s3://bucket does not accept the key (InvalidAccessKeyId)",
        ),
        (
            403,
            "RequestTimeTooSkewed",
            Kind::ClockSkew,
            "the clock of this machine differs too much from that of s3://bucket (RequestTimeTooSkewed)",
        ),
        (507, "XMinioStorageFull", Kind::Full, "the storage s3://bucket is full (XMinioStorageFull)"),
        (403, "QuotaExceeded", Kind::Full, "the storage s3://bucket is full (QuotaExceeded)"),
    ] {
        let transport = Arc::new(Refusing(status, code, AtomicU64::new(0)));
        let settings = settings("http://127.0.0.1:9", folder.path());
        let storage = Storage::open(&settings, &|_| None, transport.clone()).unwrap();
        for path in [&small, &large] {
            let error = put(&storage, path).await.unwrap_err();
            assert_eq!((error.kind, error.to_string().as_str()), (kind, message));
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(source, format!("the store answered {status} {code}"));
            let shown = format!("{error:?} {}", serde_json::to_string(&error).unwrap());
            assert!(!shown.contains(ACCESS_KEY) && !shown.contains("5ec2e7"), "{shown}");
        }
    }
}

#[tokio::test]
#[ignore = "needs s3s-fs and a small disk that may be mounted"]
async fn a_full_store_says_so_with_s3_on_a_small_disk() {
    let (server, folder) = (Server::on_a_small_disk(), tempfile::tempdir().unwrap());
    let (storage, _) = open(&settings(&server.endpoint(), folder.path()));
    let error = put(&storage, &file(folder.path(), "a.mp4", 20 * MIB)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the storage s3://bucket could not keep the file (500 InternalError); its disk may be full"
    );
    let small = put(&storage, &file(folder.path(), "b.mp4", 1000)).await;
    assert!(small.is_err() || small.is_ok_and(|stored| stored.sent == 1000));
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn only_old_objects_of_ours_are_pruned_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    let (storage, _) = open(&settings(&server.endpoint(), folder.path()));
    let stored = put(&storage, &file(folder.path(), "a.mp4", 1000)).await.unwrap();
    let bucket = server.objects("bucket")[0].1.clone();
    let bucket = bucket.ancestors().nth(3).unwrap();
    fs::write(bucket.join("clips/notes.txt"), "of the user").unwrap();
    fs::create_dir(bucket.join("other")).unwrap();
    fs::write(bucket.join("other/a.mp4"), "of the user").unwrap();
    let later = SystemTime::now() + Duration::from_secs(60);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    assert!(storage.prune(hour_ago, false).await.unwrap().is_empty());
    for dry_run in [true, false] {
        let pruned = storage.prune(later, dry_run).await.unwrap();
        assert_eq!(pruned.iter().map(|one| &one.object).collect::<Vec<_>>(), [&stored.object]);
        assert_eq!(server.objects("bucket").len(), if dry_run { 3 } else { 2 });
    }
    assert_eq!(
        open(&settings(&server.endpoint(), folder.path())).0.prune(later, false).await.unwrap().len(),
        0
    );
}

#[tokio::test]
async fn a_signed_url_has_the_form_of_its_service() {
    let own = |url: &str| {
        StorageSettings::new(url).keys("AKIA1".to_owned().into(), "c2VjcmV0".to_owned().into(), None)
    };
    let r2 = "https://acc.r2.cloudflarestorage.com";
    for (settings, start) in [
        (own("s3://b/p"), "https://b.s3.us-east-1.amazonaws.com/p/ab/"),
        (own("s3://b").region("eu-central-1"), "https://b.s3.eu-central-1.amazonaws.com/ab/"),
        (own("tos://b/p"), "https://b.tos-s3-cn-beijing.volces.com/p/ab/"),
        (
            own("s3://b/p").provider(Provider::ByteplusTos),
            "https://b.tos-s3-ap-southeast-1.bytepluses.com/p/ab/",
        ),
        (own("s3://b/p").provider(Provider::R2).endpoint(r2), "https://acc.r2.cloudflarestorage.com/b/p/ab/"),
        (own("s3://b/p").endpoint("http://127.0.0.1:9000/"), "http://127.0.0.1:9000/b/p/ab/"),
        (own("s3://b.c/p").path_style(true), "https://s3.us-east-1.amazonaws.com/b.c/p/ab/"),
        (own("az://account/container/p"), "https://account.blob.core.windows.net/container/p/ab/"),
    ] {
        let storage = Storage::open(&settings, &|_| None, Arc::new(HttpTransport::new())).unwrap();
        let hash = "ab".repeat(32);
        let object = format!("{}/ab/{hash}.mp4", storage.url());
        let media = StoredMedia::new(object, &hash, 1);
        let url = storage.sign(&media, Duration::from_secs(60)).await.unwrap();
        assert!(url.expose().starts_with(&format!("{start}{hash}.mp4?")), "{}", url.expose());
        let shown = format!("{url} {url:?} {storage:?} {settings:?}");
        assert!(!shown.contains('?') && !shown.contains("AKIA1") && !shown.contains("c2VjcmV0"), "{shown}");
    }
}

#[test]
fn settings_that_name_no_store_are_refused() {
    let open = |settings: StorageSettings| {
        Storage::open(&settings, &|_| None, Arc::new(HttpTransport::new())).unwrap_err().to_string()
    };
    for (url, part) in [
        ("bucket", "has no scheme"),
        ("file:///tmp/x", "the service cannot fetch from it"),
        ("ftp://b", "unknown scheme"),
        ("s3://", "names no bucket"),
        ("az://account", "names no bucket"),
        ("s3://b/p?key=SECRET", "has a query or credentials"),
        ("s3://key:SECRET@b/p", "has a query or credentials"),
        ("s3://b:c/p", "not a valid name"),
        ("s3://b", "there are no credentials for the storage (aws)"),
        ("gs://b", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://a/b", "AZURE_STORAGE_ACCOUNT_KEY"),
    ] {
        let error = open(StorageSettings::new(url));
        assert!(error.contains(part) && !error.contains("SECRET"), "{url}: {error}");
    }
    let keys = |url| StorageSettings::new(url).keys("a".to_owned().into(), "b".to_owned().into(), None);
    assert!(open(keys("s3://b").provider(Provider::R2)).contains("r2 needs its endpoint"));
    assert!(open(keys("s3://b").endpoint("host:9000")).contains("not a URL such as"));
}

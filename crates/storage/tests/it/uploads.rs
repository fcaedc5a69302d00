//! Files into a bucket: once, resumed after a kill, in little memory; down again by their URLs; and
//! removed.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use ark_video_storage::Storage;
use ark_video_test_support::{s3::Server, seaweedfs::SeaweedFs};
use ark_video_transport::{FileSource, MediaStore as _, StorageErrorKind as Kind, StoredMedia};

use crate::{MIB, curl, file, open, put, settings};

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_file_goes_up_once_and_comes_down_by_its_url_with_s3() {
    let server = Server::start();
    server.bucket("bucket");
    must_go_up_once(&server.endpoint()).await;
    assert_eq!(server.objects("bucket").len(), 3);
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_url_ends_when_it_says_with_s3() {
    let server = Server::start();
    server.bucket("bucket");
    must_end_in_time(&server.endpoint()).await;
}

#[tokio::test]
#[ignore = "needs SeaweedFS"]
async fn another_server_keeps_files_and_signs_urls_with_seaweedfs() {
    let server = SeaweedFs::start();
    must_go_up_once(&server.endpoint()).await;
    assert_eq!(server.objects().len(), 3);
    must_end_in_time(&server.endpoint()).await;
    must_be_resumed(&server.endpoint()).await;
    assert_eq!(server.objects().len(), 5);
}

async fn must_go_up_once(endpoint: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (storage, transport) = open(&settings(endpoint, folder.path()));
    for (name, bytes) in [("small.mp4", 5_000), ("exact.mp4", 6 * MIB), ("parts.mp4", 17 * MIB + 3)] {
        let path = file(folder.path(), name, bytes);
        let seen = AtomicU64::new(0);
        let source = Arc::new(FileSource::new(&path).unwrap());
        let progress = |bytes| assert!(seen.fetch_max(bytes, Ordering::Relaxed) <= bytes);
        let stored = storage.put(source, "video/mp4", &progress).await.unwrap();
        assert_eq!((stored.sent, stored.bytes, seen.into_inner()), (bytes, bytes, bytes), "{name}");
        must_come_down(&storage, &stored, &path).await;
        // Another process, which knows nothing of the first, and another name of the same bytes.
        let copy = folder.path().join("copy.mp4");
        fs::copy(&path, &copy).unwrap();
        transport.bytes.store(0, Ordering::Relaxed);
        let (other, others) = open(&settings(endpoint, folder.path()));
        let again = put(&other, &copy).await.unwrap();
        assert_eq!((again.sent, &again.object), (0, &stored.object));
        assert_eq!(put(&storage, &path).await.unwrap().sent, 0);
        let sent = [&transport, &others].map(|transport| transport.bytes.load(Ordering::Relaxed));
        assert_eq!(sent, [0, 0], "{name}");
    }
    assert_eq!(fs::read_dir(folder.path().join("unfinished")).unwrap().count(), 0);
}

async fn must_come_down(storage: &Storage, stored: &StoredMedia, path: &Path) {
    let url = storage.sign(stored, Duration::from_secs(60)).await.unwrap();
    let (status, body) = curl(url.expose());
    assert_eq!((status.as_str(), body == fs::read(path).unwrap()), ("200", true), "{}", stored.object);
}

async fn must_end_in_time(endpoint: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (storage, _) = open(&settings(endpoint, folder.path()));
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
        .args([
            "--exact",
            "uploads::uploads_in_a_process_of_its_own_child",
            "--include-ignored",
            "--nocapture",
        ])
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

/// A killed upload goes on where it was.
async fn must_be_resumed(endpoint: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "large.mp4", 40 * MIB + 1);
    let (mut process, mut lines) = child(&(12 * MIB).to_string(), endpoint, folder.path());
    let reached: u64 = line(&mut lines, "reached ").parse().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let (storage, transport) = open(&settings(endpoint, folder.path()));
    let stored = put(&storage, &path).await.unwrap();
    assert_eq!(stored.sent, 40 * MIB + 1 - reached, "the parts that were there are not sent again");
    assert!(transport.bytes.load(Ordering::Relaxed) < 40 * MIB + 4096 - reached);
    must_come_down(&storage, &stored, &path).await;
    assert_eq!(fs::read_dir(folder.path().join("unfinished")).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "needs s3s-fs"]
async fn a_killed_upload_is_resumed_and_leaves_one_object_with_s3() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    server.bucket("bucket");
    must_be_resumed(&server.endpoint()).await;
    assert_eq!(server.objects("bucket").len(), 2, "it, and the small one of the child");
    // The store forgot an upload that a record still names: it starts again.
    let path = folder.path().join("forgotten.mp4");
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
    let (storage, transport) = open(&settings(&server.endpoint(), folder.path()));
    assert_eq!(put(&storage, &path).await.unwrap().sent, 9 * MIB);
    let sent = transport.bytes.load(Ordering::Relaxed);
    assert!(sent < 9 * MIB + 4096, "no part is sent to what the store forgot: {sent} bytes");
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

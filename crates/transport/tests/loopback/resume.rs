//! A download that broke off goes on where it ended, proves what it kept, and starts over where
//! nothing is proven.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ark_video_protocol::download::{DownloadRefusal, MAX_RANGED, Part};
use ark_video_transport::SaveError;
use tempfile::TempDir;

use crate::{
    save::{fetch, names, options},
    server::{Server, read_request},
};

const LENGTH: usize = 900_000;
/// Bytes that are fetched again to be compared.
const OVERLAP: usize = 4096;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|at| (at * 7 + at / 4096) as u8).collect()
}

/// How a storage behaves.
#[derive(Clone)]
struct Habits {
    content: Arc<Mutex<Vec<u8>>>,
    etag: Option<&'static str>,
    ranges: bool,
    /// Connections break after so many bytes of body, each in turn; later ones do not.
    cuts: Arc<Mutex<Vec<usize>>>,
    /// What was really sent: start and end.
    sent: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Habits {
    fn new(cuts: &[usize]) -> Self {
        let cuts = Arc::new(Mutex::new(cuts.iter().rev().copied().collect()));
        Self {
            content: Arc::new(Mutex::new(content())),
            etag: Some("\"one\""),
            ranges: true,
            cuts,
            sent: Arc::default(),
        }
    }

    fn serve(&self) -> Server {
        let habits = self.clone();
        Server::raw(move |mut stream, seen| {
            let Some(request) = read_request(&stream, seen) else { return };
            let header = |name: &str| {
                let line = request.lines().find(|line| line.to_lowercase().starts_with(name))?;
                Some(line[name.len()..].trim().to_owned())
            };
            let content = habits.content.lock().unwrap().clone();
            let total = content.len();
            let start =
                header("range: bytes=").and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
            let holds = header("if-range:").is_none_or(|tag| Some(tag.as_str()) == habits.etag);
            let start = start.filter(|_| habits.ranges && holds);
            let etag = habits.etag.map(|etag| format!("ETag: {etag}\r\n")).unwrap_or_default();
            let head = match start {
                Some(start) if start >= total => {
                    let head = format!(
                        "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\n\r\n"
                    );
                    let _ = stream.write_all(head.as_bytes());
                    return;
                }
                Some(start) => {
                    format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}\r\n", total - 1)
                }
                None => "200 OK\r\n".to_owned(),
            };
            let start = start.unwrap_or(0);
            let end = habits.cuts.lock().unwrap().pop().map_or(total, |cut| total.min(start + cut));
            let head = format!(
                "HTTP/1.1 {head}{etag}Content-Type: video/mp4\r\nContent-Length: {}\r\n\r\n",
                total - start
            );
            habits.sent.lock().unwrap().push((start, end));
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&content[start..end]);
        })
    }

    fn sent(&self) -> Vec<(usize, usize)> {
        self.sent.lock().unwrap().clone()
    }
}

fn target() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    (folder, path)
}

fn state(path: &Path) -> Part {
    serde_json::from_slice(&fs::read(path.with_file_name("tea.mp4.part.json")).unwrap()).unwrap()
}

fn change_state(path: &Path, change: impl FnOnce(&mut Part)) {
    let mut part = state(path);
    change(&mut part);
    fs::write(path.with_file_name("tea.mp4.part.json"), serde_json::to_vec(&part).unwrap()).unwrap();
}

#[tokio::test]
async fn three_breaks_fetch_again_only_what_is_compared() {
    let (folder, path) = target();
    let habits = Habits::new(&[100_000, 300_000 + OVERLAP, 5000]);
    let server = habits.serve();
    for _ in 0..3 {
        let error = fetch(&server.url("/a.mp4?sig=1"), &path, &options()).await.unwrap_err();
        assert!(matches!(error, SaveError::Send(_)), "{error}");
    }
    let saved = fetch(&server.url("/a.mp4?sig=2"), &path, &options()).await.unwrap();
    assert_eq!((saved.bytes, saved.resumed_at), (LENGTH as u64, 400_000 + 5000 - OVERLAP as u64));
    assert!(fs::read(&path).unwrap() == content());
    assert_eq!(names(&folder), ["tea.mp4"]);
    let (third, last) = (400_000 - OVERLAP, 400_000 + 5000 - 2 * OVERLAP);
    assert_eq!(
        habits.sent(),
        [(0, 100_000), (100_000 - OVERLAP, 400_000), (third, third + 5000), (last, LENGTH)]
    );
    assert!(server.requests()[1].contains("if-range: \"one\"\r\n"), "{}", server.requests()[1]);
}

/// Leaves what a process leaves that was killed after 500,000 bytes, of which the state speaks of
/// 450,000; `change` has a hand in it. Gives where the range begins that the next process asks for.
async fn resumed(change: impl FnOnce(&mut Vec<u8>, &mut Part)) -> usize {
    let (_folder, path) = target();
    let habits = Habits::new(&[500_000]);
    let server = habits.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    let part = path.with_file_name("tea.mp4.part");
    let (mut bytes, mut left) = (fs::read(&part).unwrap(), state(&path));
    (left.bytes, left.sha256) = (450_000, sha256(&bytes[..450_000]));
    change(&mut bytes, &mut left);
    fs::write(&part, bytes).unwrap();
    change_state(&path, |state| *state = left);
    let _ = fetch(&server.url("/a.mp4"), &path, &options()).await;
    let _ = fetch(&server.url("/a.mp4"), &path, &options()).await;
    assert!(fs::read(&path).unwrap() == content());
    habits.sent()[1].0
}

#[tokio::test]
async fn after_a_kill_or_a_power_cut_only_what_is_proved_counts() {
    assert_eq!(resumed(|_, _| {}).await, 450_000 - OVERLAP);
    let nothing = |_: &mut Vec<u8>, state: &mut Part| (state.bytes, state.sha256) = (0, sha256(b""));
    assert_eq!(resumed(nothing).await, 0);
    // The length may have lasted and the bytes not: the end reads as zeros.
    assert_eq!(resumed(|bytes, _| bytes[460_000..].fill(0)).await, 450_000 - OVERLAP);
    assert_eq!(resumed(|bytes, _| bytes.truncate(450_000)).await, 450_000 - OVERLAP);
    assert_eq!(resumed(|bytes, _| bytes[400_000..].fill(0)).await, 0);
    assert_eq!(resumed(|bytes, _| bytes.truncate(400_000)).await, 0);
    assert_eq!(resumed(|_, state| state.rejected = true).await, 0);
}

#[tokio::test]
async fn where_the_storage_gives_a_checksum_it_decides_about_what_a_kill_left() {
    let sum = |state: &mut Part| {
        let mut digest = crc64fast::Digest::new();
        digest.write(&content());
        state.crc64 = Some(digest.sum64());
    };
    assert_eq!(resumed(|_, state| sum(state)).await, 500_000 - OVERLAP);
    // Found out at the end, and then fetched from the start.
    let hole = |bytes: &mut Vec<u8>, state: &mut Part| {
        bytes[460_000..470_000].fill(0);
        sum(state);
    };
    assert_eq!(resumed(hole).await, 500_000 - OVERLAP);
}

#[tokio::test]
async fn a_rest_that_belongs_to_other_bytes_is_noticed_where_it_overlaps() {
    let (folder, path) = target();
    let mut habits = Habits::new(&[500_000]);
    habits.etag = None;
    let server = habits.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    habits.content.lock().unwrap().rotate_left(1000);
    let error = fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::Changed)), "{error}");
    assert!(names(&folder).is_empty());
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap();
    assert!(fs::read(&path).unwrap() == *habits.content.lock().unwrap());
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_was_damaged_on_disk_is_fetched_from_the_start() {
    let (_folder, path) = target();
    let habits = Habits::new(&[500_000, LENGTH, 500_000, LENGTH, 500_000]);
    let server = habits.serve();
    let damages: [&dyn Fn(&Path); 3] = [
        &|path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[3] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        &|path| fs::write(path, b"short").unwrap(),
        &|path| fs::write(path.with_extension("part.json"), b"{").unwrap(),
    ];
    for damage in damages {
        fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
        damage(&path.with_file_name("tea.mp4.part"));
        fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap();
        assert!(fs::read(&path).unwrap() == content());
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(habits.sent().iter().filter(|(start, _)| *start == 0).count(), 6);
}

#[tokio::test]
async fn another_file_or_a_storage_without_ranges_starts_over() {
    let (folder, path) = target();
    let mut habits = Habits::new(&[500_000]);
    fetch(&habits.serve().url("/a.mp4"), &path, &options()).await.unwrap_err();
    let reversed: Vec<u8> = content().into_iter().rev().collect();
    *habits.content.lock().unwrap() = reversed.clone();
    habits.etag = Some("\"two\"");
    let saved = fetch(&habits.serve().url("/a.mp4"), &path, &options()).await.unwrap();
    assert!(fs::read(&path).unwrap() == reversed && saved.bytes == LENGTH as u64);
    assert_eq!((habits.sent()[1], names(&folder)), ((0, LENGTH), vec!["tea.mp4".to_owned()]));
    fs::remove_file(&path).unwrap();

    let mut plain = Habits::new(&[500_000]);
    (plain.ranges, plain.etag) = (false, None);
    let server = plain.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap();
    assert_eq!(plain.sent(), [(0, 500_000), (0, LENGTH)]);
}

#[tokio::test]
async fn without_a_tag_a_shorter_file_than_before_is_noticed_and_begun_anew() {
    let (folder, path) = target();
    let mut habits = Habits::new(&[500_000]);
    habits.etag = None;
    let server = habits.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    habits.content.lock().unwrap().truncate(400_000);
    let error = fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::Changed)), "{error}");
    assert!(names(&folder).is_empty(), "nothing is left that could be taken up");
    assert_eq!(fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap().bytes, 400_000);
}

#[tokio::test]
async fn a_whole_part_gets_its_name_without_another_request() {
    let (folder, path) = target();
    let habits = Habits::new(&[]);
    let server = habits.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap();
    // As if killed just before the renaming.
    fs::rename(&path, path.with_file_name("tea.mp4.part")).unwrap();
    let mut part = Part::new(&server.url("/a.mp4"), "");
    (part.bytes, part.length, part.sha256) = (LENGTH as u64, Some(LENGTH as u64), sha256(&content()));
    fs::write(path.with_file_name("tea.mp4.part.json"), serde_json::to_vec(&part).unwrap()).unwrap();
    let saved = fetch(&server.url("/a.mp4?sig=9"), &path, &options()).await.unwrap();
    assert_eq!(
        (saved.resumed_at, server.connections(), names(&folder)),
        (LENGTH as u64, 1, vec!["tea.mp4".to_owned()])
    );
    // The complete part file of another video is not used for this one.
    fs::rename(&path, path.with_file_name("tea.mp4.part")).unwrap();
    fs::write(path.with_file_name("tea.mp4.part.json"), serde_json::to_vec(&part).unwrap()).unwrap();
    assert_eq!(fetch(&server.url("/b.mp4"), &path, &options()).await.unwrap().resumed_at, LENGTH as u64);
    assert_eq!(habits.sent(), [(0, LENGTH), (0, LENGTH)]);
}

#[tokio::test]
async fn a_link_is_not_taken_up_for_ever() {
    let (_folder, path) = target();
    let habits = Habits::new(&[1000]);
    let server = habits.serve();
    fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    change_state(&path, |part| part.ranged = MAX_RANGED);
    let error = fetch(&server.url("/a.mp4"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::TooManyRanges)), "{error}");
    assert_eq!((server.connections(), state(&path).bytes), (1, 1000));
    fetch(&server.url("/a.mp4?fresh"), &path, &options()).await.unwrap();
}

#[tokio::test]
async fn two_at_the_same_name_do_not_write_into_each_other() {
    let (folder, path) = target();
    let server = Server::hanging_after("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let (started, ready) = tokio::sync::oneshot::channel();
    let (link, first) = (server.url("/a"), path.clone());
    let running = tokio::spawn(async move {
        let mut started = Some(started);
        let mut on_progress = |progress: ark_video_transport::SaveProgress| {
            if let Some(started) = started.take_if(|_| progress.bytes > 0) {
                let _ = started.send(());
            }
        };
        let transport = ark_video_transport::HttpTransport::new();
        ark_video_transport::save(&transport, &link, &first, &options(), &mut on_progress).await
    });
    ready.await.unwrap();
    let error = fetch(&server.url("/a"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::InUse { .. }), "{error}");
    assert_eq!(server.connections(), 1);
    running.abort();
    let _ = running.await;
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
    let habits = Habits::new(&[]);
    fetch(&habits.serve().url("/a"), &path, &options()).await.unwrap();
}

#[tokio::test]
async fn a_part_that_is_not_ours_is_left_alone() {
    let (folder, path) = target();
    fs::write(path.with_file_name("tea.mp4.part"), "of a browser").unwrap();
    let habits = Habits::new(&[]);
    let server = habits.serve();
    let error = fetch(&server.url("/a"), &path, &options()).await.unwrap_err();
    assert!(
        matches!(error, SaveError::Foreign { .. }) && error.to_string().contains("move it away"),
        "{error}"
    );
    assert_eq!((server.connections(), names(&folder)), (0, vec!["tea.mp4.part".to_owned()]));
    fs::write(path.with_file_name("tea.mp4.part"), "").unwrap();
    fetch(&server.url("/a"), &path, &options()).await.unwrap();
}

#[tokio::test]
async fn the_signature_is_not_on_disk() {
    let (_folder, path) = target();
    let habits = Habits::new(&[1000]);
    fetch(&habits.serve().url("/a.mp4?X-Tos-Signature=secret"), &path, &options()).await.unwrap_err();
    let text = fs::read_to_string(path.with_file_name("tea.mp4.part.json")).unwrap();
    assert!(!text.contains("secret") && text.contains("/a.mp4\""), "{text}");
}

#[tokio::test]
async fn a_disk_that_is_too_small_is_told_before_it_is_full() {
    let (folder, path) = target();
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 1000000000000000000\r\n\r\nfilm";
    let server = Server::hanging_after(head);
    let mut large = options();
    large.max_bytes = u64::MAX;
    let error = fetch(&server.url("/a.mp4"), &path, &large).await.unwrap_err();
    assert!(matches!(error, SaveError::NoSpace { .. }) && !error.is_disk_full(), "{error}");
    assert!(error.to_string().contains("more bytes are needed"), "{error}");
    assert!(names(&folder).is_empty());
}

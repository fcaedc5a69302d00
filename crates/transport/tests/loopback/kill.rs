//! `kill -9` in the middle of a download, for real: this test runs itself as another process.
//!
//! The kill_points are drawn in bytes, not in seconds: the server says when so many have gone out.
//! It never has more than a window on its way that the process has not written to have written, as
//! a network would, so that what is sent twice can be written from what is lost.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
};

use ark_video_transport::{HttpTransport, SaveProgress, save};
use sha2::{Digest, Sha256};

use crate::{
    save::{names, options},
    server::{Server, read_request},
};

const LENGTH: u64 = 40_000_000;
const KILLS: usize = 20;
const PIECE: u64 = 64 << 10;
/// Most bytes on their way at a time.
const WINDOW: u64 = 256 << 10;
/// Bytes that are fetched again to be compared.
const OVERLAP: u64 = 4096;

/// The test that a process begins as whose download is killed.
const NAME: &str = "kill::killed_at_twenty_moments_a_download_without_a_checksum_starts_over_and_ends_whole";

/// In the killed process: downloads, and reports every byte that it has written. `false` in any
/// other.
async fn is_child() -> bool {
    let [Ok(link), Ok(path), Ok(reporter)] =
        ["LINK", "PATH", "REPORTER"].map(|name| env::var(format!("ARK_VIDEO_TEST_{name}")))
    else {
        return false;
    };
    let mut reporter = TcpStream::connect(reporter).unwrap();
    reporter.set_nodelay(true).unwrap();
    let mut written = |progress: SaveProgress| reporter.write_all(&progress.bytes.to_le_bytes()).unwrap();
    save(&HttpTransport::new(), &link, &PathBuf::from(path), &options(), &mut written).await.unwrap();
    true
}

fn start(link: &str, path: &Path, reporter: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env("ARK_VIDEO_TEST_LINK", link)
        .env("ARK_VIDEO_TEST_PATH", path)
        .env("ARK_VIDEO_TEST_REPORTER", reporter)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One process: where its request started, how much was sent to it, how much it reported as
/// written.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    start: u64,
    sent: u64,
    written: u64,
}

#[derive(Default)]
struct State {
    runs: Vec<Run>,
    /// The process of the last run is alive, according to its connection.
    alive: bool,
}

#[derive(Default)]
struct Log {
    state: Mutex<State>,
    news: Condvar,
}

impl Log {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.news.notify_all();
    }

    /// Receives the reports of the processes, one after the other.
    fn listen(self: Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                self.change(|state| {
                    state.alive = true;
                    state.runs.push(Run::default());
                });
                let mut bytes = [0; 8];
                while stream.read_exact(&mut bytes).is_ok() {
                    self.change(|state| state.runs.last_mut().unwrap().written = u64::from_le_bytes(bytes));
                }
                self.change(|state| state.alive = false);
            }
        });
        address
    }

    /// Waits until more may be sent; false when nobody is there to read it.
    fn may_send(&self, sent: u64) -> bool {
        let state = self.state.lock().unwrap();
        let wait =
            |state: &mut State| state.alive && sent + PIECE > state.runs.last().unwrap().written + WINDOW;
        self.news.wait_while(state, wait).unwrap().alive
    }

    fn wait_for_death(&self) {
        drop(self.news.wait_while(self.state.lock().unwrap(), |state| state.alive).unwrap());
    }
}

/// Sorted, so that each process gets further than the one before.
fn kill_points() -> (u64, Vec<u64>) {
    let seed = env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(fastrand::u64(..));
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut kill_points: Vec<u64> = (0..KILLS).map(|_| chance.u64(1..LENGTH)).collect();
    kill_points.sort_unstable();
    (seed, kill_points)
}

fn content() -> Vec<u8> {
    (0..LENGTH / 8).flat_map(|word| (word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()).collect()
}

/// Serves the content in pieces, and signals the kill point of this run.
fn serve(
    content: Vec<u8>,
    sum: bool,
    log: Arc<Log>,
    kill_points: Vec<u64>,
    reached: mpsc::Sender<()>,
) -> Server {
    let mut digest = crc64fast::Digest::new();
    digest.write(&content);
    let sum = if sum { format!("X-Tos-Hash-Crc64ecma: {}\r\n", digest.sum64()) } else { String::new() };
    let reached = Mutex::new(reached);
    Server::raw(move |mut stream, requests| {
        let Some(request) = read_request(&stream, requests) else { return };
        let range = request
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let start = range.map_or(0, |range| range.trim_end_matches('-').parse::<u64>().unwrap());
        let mut turn = 0;
        log.change(|state| {
            turn = state.runs.len() - 1;
            state.runs[turn] = Run { start, sent: start, written: start };
        });
        let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: \"e\"\r\n{sum}Content-Length: {}\r\nContent-Range: bytes {start}-{}/{LENGTH}\r\n\r\n",
            LENGTH - start,
            LENGTH - 1
        );
        let _ = stream.write_all(head.as_bytes());
        let end = kill_points.get(turn).copied().unwrap_or(LENGTH);
        let mut sent = start;
        while sent < end && log.may_send(sent) {
            let next = end.min(sent + PIECE);
            if stream.write_all(&content[sent as usize..next as usize]).is_err() {
                break;
            }
            sent = next;
            log.change(|state| state.runs[turn].sent = sent);
        }
        if end < LENGTH {
            let _ = reached.lock().unwrap().send(());
            // Until the process is gone.
            let _ = stream.read(&mut [0]);
        }
    })
}

/// Kills a download at each of the kill_points, and lets the last one end: what the processes did.
#[expect(clippy::print_stdout, reason = "a failure is repeated by the seed")]
fn killed(sum: bool) -> Vec<Run> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let (seed, kill_points) = kill_points();
    println!("killed after these bytes (KILL_SEED={seed}): {kill_points:?}");
    let content = content();
    let expected = Sha256::digest(&content);
    let log = Arc::new(Log::default());
    let reporter = log.clone().listen();
    let (reached, written) = mpsc::channel();
    let server = serve(content, sum, log.clone(), kill_points, reached);
    let link = server.url("/a.mp4");
    for _ in 0..KILLS {
        let mut process = start(&link, &path, &reporter);
        written.recv().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        log.wait_for_death();
        assert!(!path.exists(), "nothing has the name before it is whole");
        // As a kill in the middle of writing the state leaves it.
        fs::write(folder.path().join("tea.mp4.part.json.new"), "{").unwrap();
    }
    assert!(start(&link, &path, &reporter).wait().unwrap().success());
    assert_eq!(Sha256::digest(fs::read(&path).unwrap()), expected);
    assert_eq!(names(&folder), ["tea.mp4"]);
    let runs = log.state.lock().unwrap().runs.clone();
    assert_eq!(runs.len(), KILLS + 1);
    runs
}

#[test]
fn killed_at_twenty_moments_a_download_ends_whole_and_goes_on_where_the_storage_gives_a_checksum() {
    let runs = killed(true);
    let again: Vec<u64> = runs.windows(2).map(|pair| pair[0].sent - pair[1].start).collect();
    println!(
        "sent twice: {} of {LENGTH} bytes, at most {} for one kill (a window of {WINDOW})",
        again.iter().sum::<u64>(),
        again.iter().max().unwrap()
    );
    for (pair, again) in runs.windows(2).zip(again) {
        assert!(pair[1].start + OVERLAP >= pair[0].written, "what was written is fetched again: {pair:?}");
        assert!(again <= WINDOW + OVERLAP, "{again} bytes were sent twice: {pair:?}");
    }
}

#[tokio::test]
async fn killed_at_twenty_moments_a_download_without_a_checksum_starts_over_and_ends_whole() {
    if is_child().await {
        return;
    }
    assert!(killed(false).iter().all(|run| run.start == 0));
}

//! `kill -9` in the middle of a download, for real: this test runs itself as another process.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

use ark_video_transport::{HttpTransport, save};
use sha2::{Digest, Sha256};

use crate::{
    save::{names, options},
    server::{Server, read_request},
};

const FILM: usize = 26_000_000;
/// What a process fetches before it is killed: more than what may be fetched twice.
const STEPS: [usize; 4] = [4_400_000, 5_100_000, 4_800_000, 6_000_001];
/// The state is written at least every 4 MiB.
const CHUNK: usize = 4 << 20;

#[tokio::test]
async fn child() {
    let (Ok(link), Ok(path)) = (env::var("ARK_VIDEO_TEST_LINK"), env::var("ARK_VIDEO_TEST_PATH")) else {
        return;
    };
    save(&HttpTransport::new(), &link, &PathBuf::from(path), &options(), &mut |_| {}).await.unwrap();
}

fn start(link: &str, path: &std::path::Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env("ARK_VIDEO_TEST_LINK", link)
        .env("ARK_VIDEO_TEST_PATH", path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_moment_a_download_ends_whole_and_fetches_next_to_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let film: Vec<u8> =
        b"a film of no great length, again and again; ".repeat(FILM / 44 + 1)[..FILM].to_vec();
    let expected = Sha256::digest(&film);
    let starts = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel();
    let (seen, tell) = (starts.clone(), Mutex::new(tell));
    let server = Server::raw(move |mut stream, requests| {
        let Some(request) = read_request(&stream, requests) else { return };
        let range = request
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let start = range.map_or(0, |range| range.trim_end_matches('-').parse::<usize>().unwrap());
        let turn = {
            let mut starts = seen.lock().unwrap();
            starts.push(start);
            starts.len() - 1
        };
        let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: \"e\"\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{FILM}\r\n\r\n",
            FILM - start,
            FILM - 1
        );
        let _ = stream.write_all(head.as_bytes());
        match STEPS.get(turn) {
            None => drop(stream.write_all(&film[start..])),
            Some(step) => {
                let _ = stream.write_all(&film[start..start + step]);
                let _ = tell.lock().unwrap().send(());
                // Until the process is gone.
                let _ = std::io::Read::read(&mut stream, &mut [0]);
            }
        }
    });
    let link = server.url("/a.mp4");
    for _ in STEPS {
        let mut child = start(&link, &path);
        told.recv().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!path.exists());
    }
    assert!(start(&link, &path).wait().unwrap().success());
    assert_eq!(Sha256::digest(fs::read(&path).unwrap()), expected);
    assert_eq!(names(&folder), ["tea.mp4"]);
    let starts = starts.lock().unwrap().clone();
    assert_eq!(starts.len(), STEPS.len() + 1);
    for (turn, step) in STEPS.iter().enumerate() {
        let reached = starts[turn] + step;
        let again = reached - starts[turn + 1];
        // What was still on its way when the process died counts as fetched, too.
        assert!(again <= CHUNK + (4 << 20), "{again} bytes were fetched twice: {starts:?}");
    }
}

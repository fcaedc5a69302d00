//! A disk that fills up in the middle of a download, for real: this test runs itself again where a
//! small disk in memory is mounted, which Linux allows to everybody in a namespace of their own.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{Arc, Mutex, mpsc},
};

use ark_video_transport::{HttpTransport, MARGIN, SaveError, SaveProgress, save};

use ark_video_test_support::small_disk::small_disk;

use crate::{
    save::{fetch, options},
    server::{Server, read_request},
};

const LENGTH: usize = 4 << 20;
const HALF: usize = LENGTH / 2;

/// Serves half of the content, and the rest after a signal; records where each request starts.
fn serve(go_on: mpsc::Receiver<()>, starts: Arc<Mutex<Vec<usize>>>) -> Server {
    let go_on = Mutex::new(go_on);
    Server::raw(move |mut stream, seen| {
        let Some(request) = read_request(&stream, seen) else { return };
        let range = request.lines().find_map(|line| line.strip_prefix("range: bytes=").map(str::to_owned));
        let start = range.map_or(0, |range| range.trim_end_matches('-').parse::<usize>().unwrap());
        starts.lock().unwrap().push(start);
        let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: \"e\"\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{LENGTH}\r\n\r\n",
            LENGTH - start,
            LENGTH - 1
        );
        stream.write_all(head.as_bytes()).unwrap();
        if start == 0 {
            stream.write_all(&[7; HALF]).unwrap();
            go_on.lock().unwrap().recv().unwrap();
        }
        let _ = stream.write_all(&vec![7; if start == 0 { LENGTH - HALF } else { LENGTH - start }]);
    })
}

/// Another program fills the disk.
fn fill(folder: &Path) {
    let mut filler = File::create(folder.join("filler")).unwrap();
    while filler.write_all(&[1; 4096]).is_ok() {}
}

#[tokio::test]
#[ignore = "needs a small disk (unshare, mount): `cargo xtask test` runs it where it can"]
async fn a_full_disk_ends_the_download_and_keeps_what_came_on_a_small_disk() {
    let name = "full::a_full_disk_ends_the_download_and_keeps_what_came_on_a_small_disk";
    let Some(folder) = small_disk(72, name) else { return };
    let folder = Path::new(&folder);
    let path = folder.join("tea.mp4");
    let (resume, go_on) = mpsc::channel();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let server = serve(go_on, starts.clone());
    let mut resume = Some(resume);
    let mut on_progress = |progress: SaveProgress| {
        if let Some(resume) = resume.take_if(|_| progress.bytes == HALF as u64) {
            fill(folder);
            resume.send(()).unwrap();
        }
    };
    let link = server.url("/a.mp4");
    let error = save(&HttpTransport::new(), &link, &path, &options(), &mut on_progress).await.unwrap_err();
    assert!(matches!(error, SaveError::File { action: "written", .. }) && error.is_disk_full(), "{error}");
    let part = folder.join("tea.mp4.part");
    let kept = fs::metadata(&part).unwrap().len();
    assert!(kept >= HALF as u64 && !path.exists(), "{kept}");
    // While it is full, nothing is asked for.
    for name in ["tea.mp4", "other.mp4"] {
        let error = fetch(&link, &folder.join(name), &options()).await.unwrap_err();
        assert!(matches!(error, SaveError::NoSpace { needed: MARGIN, .. }), "{error}");
    }
    assert_eq!(server.connections(), 1);
    fs::remove_file(folder.join("filler")).unwrap();
    let saved = fetch(&link, &path, &options()).await.unwrap();
    assert_eq!((saved.bytes, saved.resumed_at), (LENGTH as u64, kept));
    assert_eq!(*starts.lock().unwrap(), [0, kept as usize - 4096]);
    assert!(fs::read(&path).unwrap() == [7; LENGTH] && !part.exists());
    // What there is no room for is not started.
    let mut large = options();
    large.max_bytes = u64::MAX;
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\nfilm";
    let server = Server::hanging_after(head);
    let error = fetch(&server.url("/b.mp4"), &folder.join("b.mp4"), &large).await.unwrap_err();
    assert!(matches!(error, SaveError::NoSpace { .. }), "{error}");
    assert!(!folder.join("b.mp4.part").exists());
}

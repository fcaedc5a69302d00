//! A download in one go: the final name holds the whole file or nothing, and the key stays at home.
//! Going on after a break is in `resume.rs`.

use std::{fs, io::Write, path::Path};

use ark_video_protocol::download::{AddressPolicy, DownloadRefusal, InsecureHttp, UrlPolicy};
use ark_video_transport::{HttpTransport, SaveError, SaveOptions, SaveProgress, Saved, Timeouts, save};
use tempfile::TempDir;

use crate::server::{Server, read_request, whole};

const MP4: &str = "Content-Type: video/mp4\r\n";

pub(crate) fn options() -> SaveOptions {
    let mut options = SaveOptions::default();
    options.rules = UrlPolicy::new(InsecureHttp::Loopback, AddressPolicy::Loopback);
    options
}

pub(crate) async fn fetch(link: &str, path: &Path, options: &SaveOptions) -> Result<Saved, SaveError> {
    save(&HttpTransport::new(), link, path, options, &mut |_| {}).await
}

pub(crate) fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_arrives_whole_and_progress_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = Server::answering(whole("200 OK", MP4, &"v".repeat(200_000)));
    let mut reports = Vec::new();
    let mut on_progress = |progress: SaveProgress| reports.push((progress.bytes, progress.total));
    let saved = save(&HttpTransport::new(), &server.url("/a?X=1"), &path, &options(), &mut on_progress)
        .await
        .unwrap();
    assert_eq!(
        (saved.bytes, saved.content_type.as_deref(), saved.resumed_at),
        (200_000, Some("video/mp4"), 0)
    );
    assert_eq!(saved.sha256, "87ad142abc83b0fd4f5985677479dbcefb7e94f809ca76257c9e27be597f321f");
    assert_eq!(fs::read(&path).unwrap(), "v".repeat(200_000).into_bytes());
    assert_eq!(names(&folder), ["tea.mp4"]);
    assert_eq!((reports[0], *reports.last().unwrap()), ((0, Some(200_000)), (200_000, Some(200_000))));
    assert!(reports.is_sorted());
    let [seen] = server.requests().try_into().unwrap();
    let seen = seen.to_lowercase();
    assert!(seen.starts_with("get /a?x=1 ") && seen.contains("accept-encoding: identity\r\n"), "{seen}");
    assert!(!seen.contains("authorization") && !seen.contains("cookie"), "{seen}");
}

#[tokio::test]
async fn a_file_without_a_length_is_whole_when_its_last_chunk_came() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let head = format!("HTTP/1.1 200 OK\r\n{MP4}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    let server = Server::answering(format!("{head}0\r\n\r\n"));
    assert_eq!(fetch(&server.url("/"), &path, &options()).await.unwrap().bytes, 5);
    let cut = Server::answering(head);
    let path = folder.path().join("b.mp4");
    assert!(matches!(fetch(&cut.url("/"), &path, &options()).await, Err(SaveError::Send(_))));
    assert_eq!(
        names(&folder),
        ["a.mp4", "b.mp4.part", "b.mp4.part.json"],
        "it may be all there will ever be"
    );
}

#[tokio::test]
async fn half_a_file_stays_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = Server::answering(format!(
        "HTTP/1.1 200 OK\r\n{MP4}Content-Length: 100000\r\n\r\n{}",
        "v".repeat(50_000)
    ));
    assert!(matches!(fetch(&server.url("/"), &path, &options()).await, Err(SaveError::Send(_))));
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
}

#[tokio::test]
async fn a_storage_that_falls_silent_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::hanging_after("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let stall = Timeouts::new().download_stall(std::time::Duration::from_millis(200));
    let transport = HttpTransport::builder().timeouts(stall).build().unwrap();
    let path = folder.path().join("a");
    let error = save(&transport, &server.url("/"), &path, &options(), &mut |_| {}).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("sent nothing for 0.2 s"), "{error}: {cause}");
    assert_eq!(names(&folder), ["a.part", "a.part.json"]);
}

#[tokio::test]
async fn a_download_that_is_dropped_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = Server::hanging_after("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let (started, ready) = tokio::sync::oneshot::channel();
    let (link, target) = (server.url("/"), path.clone());
    let download = tokio::spawn(async move {
        let mut started = Some(started);
        let mut on_progress = |progress: SaveProgress| {
            if let Some(started) = started.take_if(|_| progress.bytes > 0) {
                let _ = started.send(());
            }
        };
        save(&HttpTransport::new(), &link, &target, &options(), &mut on_progress).await
    });
    ready.await.unwrap();
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
    download.abort();
    assert!(download.await.unwrap_err().is_cancelled());
    assert_eq!(fs::read(folder.path().join("tea.mp4.part")).unwrap(), b"half");
    let state = fs::read_to_string(folder.path().join("tea.mp4.part.json")).unwrap();
    assert!(state.contains(r#""bytes":4"#), "{state}");
}

#[tokio::test]
async fn an_existing_file_is_replaced_only_when_asked_and_only_by_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    fs::write(&path, "mine").unwrap();
    let server = Server::answering(whole("200 OK", MP4, "new"));
    assert!(matches!(fetch(&server.url("/"), &path, &options()).await, Err(SaveError::Exists { .. })));
    assert_eq!(server.connections(), 0);
    let mut replace = options();
    replace.overwrite = true;
    let cut = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnew");
    fetch(&cut.url("/"), &path, &replace).await.unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    fetch(&server.url("/"), &path, &replace).await.unwrap();
    assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"new".to_vec(), vec!["tea.mp4".to_owned()]));
}

#[tokio::test]
async fn a_file_that_appears_meanwhile_is_not_replaced_and_ours_is_kept_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let target = path.clone();
    let server = Server::raw(move |mut stream, seen| {
        read_request(&stream, seen);
        fs::write(&target, "theirs").unwrap();
        let _ = stream.write_all(whole("200 OK", MP4, "ours").as_bytes());
    });
    let error = fetch(&server.url("/"), &path, &options()).await.unwrap_err();
    assert!(error.to_string().contains("tea.mp4.part"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    assert_eq!(fs::read(folder.path().join("tea.mp4.part")).unwrap(), b"ours");
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_told_before_anything_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::answering(whole("200 OK", MP4, "new"));
    let link = server.url("/");
    for target in [folder.path().to_owned(), folder.path().join("sub/"), "/".into(), "".into()] {
        let error = fetch(&link, &target, &options()).await.unwrap_err();
        assert!(matches!(error, SaveError::Folder { .. }), "{error}");
    }
    let error = fetch(&link, &folder.path().join("missing/tea.mp4"), &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::File { action: "created", .. }), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn redirects_are_judged_like_the_link_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let target = Server::answering(whole("200 OK", MP4, "content"));
    let redirect = |to: &str| Server::answering(whole("302 Found", &format!("Location: {to}\r\n"), ""));
    let good = redirect(&target.url("/b"));
    assert_eq!(fetch(&good.url("/a"), &path, &options()).await.unwrap().bytes, 7);
    let path = folder.path().join("other.mp4");
    for to in ["ftp://h/a", "file:///etc/passwd", "http://h.example/a"] {
        let error = fetch(&redirect(to).url("/a"), &path, &options()).await.unwrap_err();
        assert!(matches!(error, SaveError::Refused(DownloadRefusal::Link { .. })), "{to}: {error}");
    }
    let ring = redirect("/again");
    let error = fetch(&ring.url("/a"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::TooManyRedirects)), "{error}");
    assert_eq!(ring.requests().len(), 4);
}

#[tokio::test]
async fn what_is_not_the_file_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    for (answer, reason) in [
        (whole("403 Forbidden", "", "<xml/>"), "expired"),
        (whole("404 Not Found", "", ""), "expired"),
        (whole("500 Oops", "", ""), "500"),
        (whole("200 OK", "Content-Type: text/html\r\n", "<html>"), "a page"),
        (whole("200 OK", MP4, "<?xml version=\"1.0\"?><Error/>"), "a page"),
        (whole("200 OK", "Content-Type: multipart/byteranges\r\n", "--x"), "multipart"),
        (whole("200 OK", "", ""), "empty"),
        (whole("206 Partial Content", "Content-Range: bytes 1-4/5\r\n", "part"), "206"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n<\r\n5\r\nhtml>\r\n0\r\n\r\n"
                .to_owned(),
            "a page",
        ),
        (whole("200 OK", MP4, &"v".repeat(101)), "more than the 100"),
    ] {
        let mut small = options();
        small.max_bytes = 100;
        let error = fetch(&Server::answering(answer).url("/"), &path, &small).await.unwrap_err();
        assert!(
            matches!(error, SaveError::Refused(_)) && error.to_string().contains(reason),
            "{reason}: {error}"
        );
    }
    assert!(names(&folder).is_empty());
}

#[tokio::test]
async fn without_a_length_and_a_mark_nothing_gets_the_name_and_what_came_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = Server::answering(format!("HTTP/1.0 200 OK\r\n{MP4}\r\nvideo"));
    let error = fetch(&server.url("/"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::Incomplete { .. })), "{error}");
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
    assert_eq!(fs::read(folder.path().join("tea.mp4.part")).unwrap(), b"video");
    let server = Server::answering(whole("200 OK", MP4, "again"));
    assert_eq!(fetch(&server.url("/"), &path, &options()).await.unwrap().resumed_at, 0);
    assert!(!server.requests()[0].contains("range:"), "{}", server.requests()[0]);
    assert_eq!((fs::read(&path).unwrap(), names(&folder)), (b"again".to_vec(), vec!["tea.mp4".to_owned()]));
}

#[tokio::test]
async fn a_part_that_was_kept_stays_until_something_comes_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = Server::answering(format!("HTTP/1.0 200 OK\r\n{MP4}\r\nvideo"));
    fetch(&server.url("/"), &path, &options()).await.unwrap_err();
    let gone = Server::answering(whole("404 Not Found", "", ""));
    fetch(&gone.url("/"), &path, &options()).await.unwrap_err();
    assert_eq!(fs::read(folder.path().join("tea.mp4.part")).unwrap(), b"video");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_body_that_came_as_gzip_is_decoded_as_far_as_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let video: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let zipped = gzip(&video);
    for (name, answer, bytes) in [
        ("plain", encoded("gzip", &zipped), Ok(&video[..])),
        ("old name", encoded("X-GZIP", &zipped), Ok(&video[..])),
        ("two members", encoded("gzip", &[gzip(&video[..9]), gzip(&video[9..])].concat()), Ok(&video[..])),
        ("mislabelled", encoded("gzip", &video), Ok(&video[..])),
        ("one byte", encoded("gzip", b"v"), Ok(&b"v"[..])),
        ("unknown", encoded("br", b"brotli?"), Ok(&b"brotli?"[..])),
        ("cut short", encoded("gzip", &zipped[..zipped.len() - 1]), Err("cut short")),
        ("damaged", encoded("gzip", &[&zipped[..200], &zipped[201..]].concat()), Err("damaged")),
        ("a bomb", encoded("gzip", &gzip(&vec![0; 80 << 20])), Err("more than the")),
        ("a page", encoded("gzip", &gzip(b"<html>sorry</html>")), Err("a page")),
        ("empty", encoded("gzip", &gzip(b"")), Err("empty")),
    ] {
        let path = folder.path().join(name);
        let saved = fetch(&Server::answering(answer).url("/"), &path, &options()).await;
        match bytes {
            Ok(bytes) => {
                saved.unwrap();
                assert!(fs::read(&path).unwrap() == bytes, "{name}");
            }
            Err(reason) => {
                let error = saved.unwrap_err().to_string();
                assert!(error.contains(reason) && !path.exists(), "{name}: {error}");
            }
        }
    }
}

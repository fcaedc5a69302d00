//! What came whole and is wrong anyway: corrupted in transit. It never gets the name, and is kept.

use std::{fs, io::Write, sync::Mutex};

use ark_video_protocol::download::DownloadRefusal;
use ark_video_transport::SaveError;

use crate::{
    save::{fetch, names, options},
    server::{Server, read_request, whole},
};

/// CRC-64 of "123456789".
const SUM: &str = "X-Tos-Hash-Crc64ecma: 11051210869376104954\r\n";

/// Gives these answers, one after the other.
fn answering(answers: &[String]) -> Server {
    let answers: Vec<String> = answers.iter().rev().cloned().collect();
    let answers = Mutex::new(answers);
    Server::raw(move |mut stream, seen| {
        if read_request(&stream, seen).is_some() {
            let answer = answers.lock().unwrap().pop().unwrap();
            let _ = stream.write_all(answer.as_bytes());
        }
    })
}

#[tokio::test]
async fn a_film_with_another_checksum_is_not_named_and_fetched_again_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let server = answering(&[whole("200 OK", SUM, "12345-789"), whole("200 OK", SUM, "123456789")]);
    let error = fetch(&server.url("/a"), &path, &options()).await.unwrap_err();
    assert!(matches!(error, SaveError::Refused(DownloadRefusal::ChecksumMismatch)), "{error}");
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
    let saved = fetch(&server.url("/a"), &path, &options()).await.unwrap();
    assert_eq!((saved.resumed_at, fs::read(&path).unwrap()), (0, b"123456789".to_vec()));
    assert!(!server.requests()[1].contains("range:"), "{}", server.requests()[1]);
}

#[tokio::test]
async fn a_checksum_counts_over_what_an_earlier_call_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let cut = format!("HTTP/1.1 200 OK\r\nETag: \"e\"\r\n{SUM}Content-Length: 9\r\n\r\n1234");
    // What a range says of itself is not believed: it may mean the range.
    let rest = |body: &str| {
        let headers = "Content-Range: bytes 0-8/9\r\nX-Tos-Hash-Crc64ecma: 7\r\n";
        whole("206 Partial Content", headers, body)
    };
    for (body, good) in [("123456789", true), ("12345678-", false)] {
        let path = folder.path().join(body);
        let server = answering(&[cut.clone(), rest(body)]);
        fetch(&server.url("/a"), &path, &options()).await.unwrap_err();
        let saved = fetch(&server.url("/a"), &path, &options()).await;
        assert_eq!((saved.is_ok(), path.exists()), (good, good), "{saved:?}");
    }
}

#[tokio::test]
async fn the_same_film_under_that_name_is_as_good_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let target = path.clone();
    let server = Server::raw(move |mut stream, seen| {
        read_request(&stream, seen);
        fs::write(&target, "the video").unwrap();
        let _ = stream.write_all(whole("200 OK", "", "the video").as_bytes());
    });
    assert_eq!(fetch(&server.url("/"), &path, &options()).await.unwrap().bytes, 9);
    assert_eq!(names(&folder), ["tea.mp4"]);
}

//! From a task to a file: what is asked of whom, and that nobody but the API sees the key.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use ark_video::{
    Client, DownloadOptions, Error, IfExists, Output,
    model::{Task, TextToVideo},
    provenance::{FileFacts, Progress, Provenance, Sidecar},
};
use futures_util::StreamExt;
use http::{HeaderValue, Request, Response, header};

use crate::test_env::{KEY, TestEnv, VideoResponse, answer, task};

const DONE: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"https://tos.example/a.mp4?X-Tos-Date=20261122T021700Z&X-Tos-Expires=86400","last_frame_url":"https://tos.example/a.png"}}"#;

/// The smallest video, in two pieces.
const PIECES: [&str; 2] = ["\0\0\0\x08ftyp\0\0\0\x08moov", "\0\0\0\x0dmdathello"];
const LENGTH: u64 = 29;

fn bytes() -> Vec<u8> {
    PIECES.concat().into_bytes()
}

fn video(_: usize, _: &Request<()>) -> VideoResponse {
    let mut answer = Response::new(PIECES.to_vec());
    answer.headers_mut().insert(header::CONTENT_LENGTH, LENGTH.into());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    answer
}

/// Breaks off each time, wherever it begins.
fn cut_video(number: usize, request: &Request<()>) -> VideoResponse {
    video(number, request).map(|_| vec![PIECES[0], "<cut>"])
}

fn test_env(body: &'static str, storage: fn(usize, &Request<()>) -> VideoResponse) -> Arc<TestEnv> {
    TestEnv::with_storage(move |_, _| answer(200, body), storage)
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_film_is_fetched_from_a_fresh_link_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let env = test_env(DONE, video);
    let mut reports = Vec::new();
    let handle = env.client().task("cgt-1");
    let video = handle
        .download(&path)
        .progress(|progress| reports.push((progress.bytes, progress.total)))
        .await
        .unwrap();
    assert_eq!((video.bytes, video.task.id.as_str(), fs::read(&path).unwrap()), (LENGTH, "cgt-1", bytes()));
    assert_eq!(video.link_expires_at, Some((1_795_313_820 + 86_400) * 1000));
    assert_eq!(reports, [0, 16, LENGTH].map(|bytes| (bytes, Some(LENGTH))));
    assert_eq!(env.lines(), ["GET /v3/contents/generations/tasks/cgt-1"]);
    let [opened] = env.opened().try_into().unwrap();
    assert_eq!(opened.uri().host(), Some("tos.example"));
    let mut names: Vec<_> = opened.headers().keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["accept", "accept-encoding", "user-agent"]);
    assert!(!format!("{opened:?}").contains(KEY));
}

#[tokio::test]
async fn the_last_frame_is_another_output_and_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let options = DownloadOptions::new().output(Output::LastFrame);
    let path = folder.path().join("last.png");
    let with = test_env(DONE, |_, _| {
        let mut answer = Response::new(vec!["RIFF....WEBPVP8 "]);
        answer.headers_mut().insert(header::CONTENT_LENGTH, 16.into());
        answer
    });
    with.client().task("cgt-1").download(&path).options(options.clone().overwrite(true)).await.unwrap();
    assert_eq!(with.opened()[0].uri(), "https://tos.example/a.png");
    let without = test_env(
        r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"https://h/a","last_frame_url":""}}"#,
        video,
    );
    let error = without
        .client()
        .task("cgt-1")
        .download(folder.path().join("b.png"))
        .options(options)
        .await
        .unwrap_err();
    assert!(error.message().contains("return_last_frame") && without.opened().is_empty(), "{error}");
}

#[tokio::test]
async fn a_film_that_never_ends_is_kept_as_a_part_and_says_until_when_it_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let env = test_env(DONE, cut_video);
    let error = env.client().task("cgt-1").download(folder.path().join("tea.mp4")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "The result of task cgt-1 is not saved: the download failed: the connection broke off. It can be downloaded again until 2026-11-23T02:17:00Z, at no cost."
    );
    assert!(error.is_retryable() && error.task_id() == Some("cgt-1"));
    assert_eq!(env.opened().len(), 6, "no try gets further than the first");
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"]);
}

#[tokio::test]
async fn what_is_no_film_does_not_get_its_name_and_is_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let env = test_env(DONE, |_, _| {
        let mut answer = Response::new(vec!["hello there"]);
        answer.headers_mut().insert(header::CONTENT_LENGTH, 11.into());
        answer
    });
    let path = folder.path().join("tea.mp4");
    let error = env.client().task("cgt-1").download(&path).await.unwrap_err();
    assert!(error.message().contains("not a valid video file: not recognised"), "{error}");
    assert_eq!((env.opened().len(), error.is_retryable()), (1, false));
    assert_eq!(names(&folder), ["tea.mp4.part", "tea.mp4.part.json"], "no sidecar either");
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    fs::write(&path, "mine").unwrap();
    let env = test_env(DONE, video);
    let error = env.client().task("cgt-1").download(&path).await.unwrap_err();
    assert!(matches!(error, Error::Download(_)) && !error.is_retryable(), "{error}");
    assert!(env.sent().is_empty() && fs::read(&path).unwrap() == b"mine");
}

#[tokio::test]
async fn a_task_without_a_result_is_told_apart_from_a_failed_download() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let of = |status: &'static str| {
        let path = path.clone();
        async move {
            let env = TestEnv::new(move |_, _| task(status));
            env.client().task("cgt-1").download(&path).await.unwrap_err()
        }
    };
    assert!(matches!(of("running").await, Error::NotPossible(_)));
    assert!(matches!(of("failed").await, Error::TaskEnded(_)));
}

#[tokio::test]
async fn a_task_that_succeeded_without_a_link_is_asked_for_two_minutes_and_is_billed() {
    let folder = tempfile::tempdir().unwrap();
    for content in [
        "",
        r#","content":null"#,
        r#","content":{}"#,
        r#","content":{"video_url":5}"#,
        r#","content":{"video_url":""}"#,
    ] {
        let body = format!(r#"{{"id":"cgt-1","model":"m","status":"succeeded"{content}}}"#);
        let none = TestEnv::new(move |_, _| {
            let mut answer = answer(200, body.clone())?;
            answer.headers_mut().insert("x-request-id", HeaderValue::from_static("req-7"));
            Ok(answer)
        });
        let path = folder.path().join("never.mp4");
        let error = none.client().task("cgt-1").download(&path).await.unwrap_err();
        assert_eq!(
            error.message(),
            "Task cgt-1 has succeeded and is billed, but there is nothing to download: the service gives no link to its video. \
             Contact the service's support with: task cgt-1, request req-7."
        );
        assert_eq!((error.request_id(), error.task_id()), (Some("req-7"), Some("cgt-1")));
        assert_eq!((none.seconds().last(), names(&folder).len()), (Some(&120), 0), "{content}");
    }
    let late = TestEnv::with_storage(
        |number, _| {
            answer(200, if number < 4 { r#"{"id":"cgt-1","model":"m","status":"succeeded"}"# } else { DONE })
        },
        video,
    );
    late.client().task("cgt-1").download(folder.path().join("late.mp4")).await.unwrap();
    assert_eq!(late.seconds(), [0, 2, 6, 14, 30]);
}

/// What a storage may answer, and what has to come of it.
#[derive(Debug, PartialEq)]
enum Outcome {
    Saved,
    /// Not under its name; what came is kept as `.part`.
    Kept,
    /// Neither.
    Nothing,
}

#[tokio::test]
async fn the_bytes_decide_what_gets_the_name_and_labels_do_not() {
    use Outcome::{Kept, Nothing, Saved};
    const OPEN: [&str; 2] = ["\0\0\0\x08ftyp\0\0\0\x08moov", "\0\0\0\0mdathello"];
    const FRAGMENTS: [&str; 2] = ["\0\0\0\x08ftyp\0\0\0\x08moov", "\0\0\0\x08moof\0\0\0\x09mdatx"];
    let video = PIECES.to_vec();
    let mp4 = ("content-type", "video/mp4");
    let length = ("content-length", "29");
    let chunked = ("transfer-encoding", "chunked");
    /// What it is, status, headers, pieces of the body, what comes of it.
    type Case<'a> = (&'a str, u16, Vec<(&'static str, &'a str)>, Vec<&'static str>, Outcome);
    let cases: Vec<Case<'_>> = vec![
        ("honest", 200, vec![mp4, length], video.clone(), Saved),
        ("without a length", 200, vec![mp4], video.clone(), Saved),
        ("without a length, cut in a box", 200, vec![mp4], vec![PIECES[0], "\0\0\0\x0dmdathell"], Kept),
        ("without a length, cut in a header", 200, vec![mp4], vec![PIECES[0], "\0\0\0"], Kept),
        ("without a length, cut between boxes", 200, vec![mp4], vec![PIECES[0]], Kept),
        ("without a length, too long", 200, vec![mp4], vec![PIECES[0], PIECES[1], "x"], Kept),
        (
            "without a length, broken off at its end",
            200,
            vec![mp4],
            vec![PIECES[0], PIECES[1], "<cut>"],
            Saved,
        ),
        ("without a length, broken off", 200, vec![mp4], vec![PIECES[0], "<cut>"], Kept),
        ("without a length, nothing", 200, vec![mp4], vec![], Nothing),
        ("without a length, a page", 200, vec![mp4], vec!["<html>sorry</html>"], Nothing),
        ("in chunks", 200, vec![mp4, chunked], video.clone(), Saved),
        ("in chunks, cut between boxes", 200, vec![mp4, chunked], vec![PIECES[0]], Kept),
        ("in chunks, nothing", 200, vec![mp4, chunked], vec![], Nothing),
        ("a last box without end, with a length", 200, vec![("content-length", "29")], OPEN.to_vec(), Saved),
        ("a last box without end, in chunks", 200, vec![chunked], OPEN.to_vec(), Saved),
        ("a last box without end, without a length", 200, vec![], OPEN.to_vec(), Kept),
        ("fragments, in chunks", 200, vec![chunked], FRAGMENTS.to_vec(), Saved),
        ("fragments, without a length", 200, vec![], FRAGMENTS.to_vec(), Kept),
        (
            "as the whole range",
            206,
            vec![mp4, length, ("content-range", "bytes 0-28/29")],
            video.clone(),
            Saved,
        ),
        (
            "as a range without a length",
            206,
            vec![mp4, ("content-range", "bytes 0-28/29")],
            video.clone(),
            Saved,
        ),
        (
            "as a range from the middle",
            206,
            vec![mp4, ("content-range", "bytes 4-28/29")],
            video.clone(),
            Nothing,
        ),
        (
            "as a range of unknown total",
            206,
            vec![mp4, ("content-range", "bytes 0-28/*")],
            video.clone(),
            Saved,
        ),
        ("as a range that is not named", 206, vec![mp4, length], video.clone(), Saved),
        ("labelled text", 200, vec![("content-type", "text/plain"), length], video.clone(), Saved),
        ("labelled text, without a length", 200, vec![("content-type", "text/plain")], video.clone(), Saved),
        (
            "labelled octets",
            200,
            vec![("content-type", "application/octet-stream"), length],
            video.clone(),
            Saved,
        ),
        (
            "labelled a page",
            200,
            vec![("content-type", "text/html; charset=utf-8"), length],
            video.clone(),
            Saved,
        ),
        ("labelled JSON", 200, vec![("content-type", "application/json"), length], video.clone(), Saved),
        ("not labelled", 200, vec![length], video.clone(), Saved),
        ("said to be gzip", 200, vec![mp4, length, ("content-encoding", "gzip")], video.clone(), Saved),
        ("said to be brotli", 200, vec![mp4, ("content-encoding", "br")], video.clone(), Saved),
        ("in an unknown encoding", 200, vec![mp4, ("content-encoding", "br")], vec!["what is this?"], Kept),
        (
            "a page",
            200,
            vec![("content-type", "text/html"), ("content-length", "18")],
            vec!["<html>sorry</html>"],
            Nothing,
        ),
        ("a page as a video", 200, vec![mp4, ("content-length", "18")], vec!["<html>sorry</html>"], Nothing),
        ("a page as a video, in pieces", 200, vec![mp4, chunked], vec!["<", "html>sorry</html>"], Nothing),
        ("JSON as a video", 200, vec![mp4, ("content-length", "13")], vec!["{\"error\":\"x\"}"], Nothing),
        (
            "XML as a video",
            200,
            vec![mp4, ("content-length", "24")],
            vec!["<?xml version=\"1.0\"?><E/>"],
            Nothing,
        ),
        ("text as a video", 200, vec![mp4, ("content-length", "11")], vec!["hello there"], Kept),
        (
            "an image as a video",
            200,
            vec![mp4, ("content-length", "16")],
            vec!["RIFF\x08\0\0\0WEBPVP8 "],
            Kept,
        ),
        (
            "shorter than it says",
            200,
            vec![mp4, ("content-length", "20")],
            vec![PIECES[0], "\0\0\0\x0d"],
            Kept,
        ),
        ("empty", 200, vec![mp4, ("content-length", "0")], vec![], Nothing),
        ("no content", 204, vec![], vec![], Nothing),
    ];
    for (name, status, headers, pieces, outcome) in cases {
        let folder = tempfile::tempdir().unwrap();
        let headers: Vec<(&'static str, HeaderValue)> =
            headers.into_iter().map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).collect();
        let env = TestEnv::with_storage(
            |_, _| answer(200, DONE),
            move |_, _| {
                let mut answer = Response::new(pieces.clone());
                *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                answer.headers_mut().extend(
                    headers.iter().cloned().map(|(name, value)| (http::HeaderName::from_static(name), value)),
                );
                answer
            },
        );
        let path = folder.path().join("a.mp4");
        let options = DownloadOptions::new().sidecar(false);
        let done = env.client().task("cgt-1").download(&path).options(options).await.map(|_| ());
        let expected: &[&str] = match outcome {
            Saved => &["a.mp4"],
            Kept => &["a.mp4.part", "a.mp4.part.json"],
            Nothing => &[],
        };
        assert_eq!(names(&folder), expected, "{name}: {done:?}");
        assert_eq!(done.is_ok(), outcome == Saved, "{name}: {done:?}");
        assert!(env.opened().len() <= 6, "{name}: {}", env.opened().len());
    }
}

#[tokio::test]
async fn plain_http_is_taken_only_from_where_the_api_is() {
    const PLAIN: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"http://127.0.0.1:9/a.mp4"}}"#;
    const FAR: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"http://tos.example/a.mp4"}}"#;
    let folder = tempfile::tempdir().unwrap();
    let target = |name: &str| folder.path().join(name);
    let fetch = |client: Client, name: &str| {
        let path = target(name);
        async move { client.task("cgt-1").download(&path).await }
    };
    let near = test_env(PLAIN, video);
    assert!(fetch(near.client(), "a").await.is_err() && near.opened().is_empty());
    assert!(fetch(near.client_at("http://127.0.0.1:9/v3"), "b").await.is_ok());
    let far = test_env(FAR, video);
    assert!(fetch(far.client_at("http://127.0.0.1:9/v3"), "c").await.is_err() && far.opened().is_empty());
}

/// A storage that serves the rest of the video after a range, and disconnects after some bytes.
fn bit_by_bit(number: usize, request: &Request<()>) -> VideoResponse {
    let range = request.headers().get("range").map(|range| range.to_str().unwrap());
    let start: usize =
        range.map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
    let length = usize::try_from(LENGTH).unwrap();
    let (first, second) = (PIECES[0], PIECES[1]);
    assert_eq!(start, 0, "so short a file comes again to be compared");
    let all = [first, second].concat();
    let rest: &'static str = all.leak();
    let piece = &rest[..rest.len().min(7 * (number + 1))];
    let mut answer = Response::new(vec![piece]);
    if start + piece.len() < length {
        answer.body_mut().push("<cut>");
    }
    if range.is_some() {
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {start}-{}/{length}", length - 1);
        answer.headers_mut().insert("content-range", range.parse().unwrap());
    }
    answer.headers_mut().insert("content-length", (length - start).into());
    answer
}

#[tokio::test]
async fn breaks_are_taken_up_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let env = test_env(DONE, bit_by_bit);
    let video = env.client().task("cgt-1").download(&path).await.unwrap();
    assert_eq!((video.bytes, fs::read(&path).unwrap()), (LENGTH, bytes()));
    assert_eq!(video.sha256, HASH);
    assert_eq!((env.opened().len(), env.lines().len()), (5, 1), "one get of the task is enough");
    assert_eq!(names(&folder), ["tea.mp4", "tea.mp4.ark-video.json"]);
}

const HASH: &str = "5ef95f2e458cfe64700a8da0387d040c7205c410d2948f12cfa6d204a4e40a9a";

fn dead(status: u16) -> VideoResponse {
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
    answer
}

fn linked(link: &str) -> String {
    format!(r#"{{"id":"cgt-1","model":"m","status":"succeeded","content":{{"video_url":"{link}"}}}}"#)
}

#[tokio::test]
async fn a_dead_link_is_refreshed_once_by_asking_for_the_task() {
    let folder = tempfile::tempdir().unwrap();
    for status in [403, 404, 410] {
        let env = TestEnv::with_storage(
            |number, _| answer(200, linked(&format!("https://tos.example/a.mp4?sig={number}"))),
            move |number, request| if number == 0 { dead(status) } else { video(number, request) },
        );
        let path = folder.path().join(format!("{status}.mp4"));
        env.client().task("cgt-1").download(&path).await.unwrap();
        assert_eq!(env.opened()[1].uri().query(), Some("sig=1"));
    }
    // The same link again and again: nothing will come of it.
    let env = TestEnv::with_storage(|_, _| answer(200, DONE), |_, _| dead(403));
    let path = folder.path().join("never.mp4");
    let error = env.client().task("cgt-1").download(&path).await.unwrap_err();
    assert_eq!((env.opened().len(), env.sent().len()), (3, 4));
    assert!(error.message().contains("403") && error.task_id() == Some("cgt-1"), "{error}");
}

#[tokio::test]
async fn an_early_400_passes_with_time() {
    let folder = tempfile::tempdir().unwrap();
    let env = TestEnv::with_storage(
        |_, _| answer(200, DONE),
        |number, request| if number < 3 { dead(400) } else { video(number, request) },
    );
    let path = folder.path().join("tea.mp4");
    env.client().task("cgt-1").download(&path).await.unwrap();
    // Half of 1, 2 and 4 s passed between the polls.
    assert_eq!(env.seconds(), [0, 0, 1, 3]);
}

#[tokio::test]
async fn the_sidecar_tells_where_the_film_comes_from_and_keeps_what_was_known_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let request = TextToVideo::new("m", "A boat.").build();
    let provenance = Provenance::of(&request, &ark_video::Attachments::new()).unwrap();
    Sidecar::new(Progress::Submitting)
        .provenance(Some(provenance.clone()))
        .submitted("cgt-1")
        .write(&path)
        .unwrap();
    test_env(DONE, video).client().task("cgt-1").download(&path).await.unwrap();
    let sidecar = Sidecar::read(&path).unwrap().unwrap();
    assert_eq!((sidecar.progress, sidecar.task_id.as_deref()), (Progress::Downloaded, Some("cgt-1")));
    assert_eq!(sidecar.provenance, Some(provenance));
    let FileFacts { name, bytes, sha256, .. } = sidecar.file.unwrap();
    assert_eq!((name.as_str(), bytes, sha256.as_str()), ("tea.mp4", LENGTH, HASH));
    let text = fs::read_to_string(Sidecar::path_of(&path)).unwrap();
    assert!(!text.contains("X-Tos") && !text.contains(KEY), "{text}");
    let plain = folder.path().join("plain.mp4");
    let options = DownloadOptions::new().sidecar(false);
    test_env(DONE, video).client().task("cgt-1").download(&plain).options(options).await.unwrap();
    assert!(!Sidecar::path_of(&plain).exists());
}

#[tokio::test]
async fn a_download_that_is_done_can_be_repeated_at_no_cost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let keep = DownloadOptions::new().existing(IfExists::Keep);
    let again = async |path: &Path| {
        let env = test_env(DONE, video);
        let done = env.client().task("cgt-1").download(path).options(keep.clone()).await;
        (done.map(|video| video.resumed_at), env.opened().len())
    };
    assert!(matches!(again(&path).await, (Ok(0), 1)));
    assert!(matches!(again(&path).await, (Ok(LENGTH), 0)));
    fs::write(&path, "jello").unwrap();
    let (refused, opened) = again(&path).await;
    assert!(refused.is_err() && opened == 0, "a file that is not ours is left alone");
    assert_eq!(fs::read(&path).unwrap(), b"jello");
}

#[tokio::test]
async fn of_many_the_one_whose_link_dies_first_is_fetched_first() {
    let folder = tempfile::tempdir().unwrap();
    let env = test_env(DONE, video);
    let (client, reports) = (env.client(), Arc::new(Mutex::new(Vec::new())));
    let job = |id: &str, updated_at: i64| {
        let json = format!(
            r#"{{"id":"{id}","model":"m","status":"succeeded","updated_at":{updated_at},"content":{{"video_url":"https://tos.example/{id}"}}}}"#
        );
        let task: Task = serde_json::from_str(&json).unwrap();
        let (seen, id) = (reports.clone(), id.to_owned());
        let path = folder.path().join(format!("{id}.mp4"));
        let on_progress = move |progress: ark_video::download::SaveProgress| {
            seen.lock().unwrap().push((id.clone(), progress.bytes));
        };
        client.task(&task.id).download(path).from_task(task).progress(on_progress)
    };
    let jobs = vec![job("late", 3000), job("early", 1000), job("middle", 2000)];
    let done: Vec<_> = client.download_all(jobs, 1).collect().await;
    let order: Vec<&str> = done.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(order, ["early", "middle", "late"]);
    assert!(done.iter().all(|(_, video)| video.is_ok()) && env.sent().is_empty(), "their links are known");
    assert_eq!(reports.lock().unwrap()[0], ("early".to_owned(), 0));
}

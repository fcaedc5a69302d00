//! From a task to a file: what is asked of whom, and that nobody but the API sees the key.

use std::{fs, sync::Arc};

use ark_video::{Client, DownloadOptions, Error, Output};
use http::{HeaderValue, Response, header};

use crate::world::{KEY, World, answer, task};

const DONE: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"https://tos.example/a.mp4?X-Tos-Date=20261122T021700Z&X-Tos-Expires=86400","last_frame_url":"https://tos.example/a.png"}}"#;

fn film() -> Response<Vec<&'static str>> {
    let mut answer = Response::new(vec!["he", "llo"]);
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    answer
}

fn cut_film() -> Response<Vec<&'static str>> {
    film().map(|_| vec!["he", "<cut>"])
}

fn world(body: &'static str, storage: fn() -> Response<Vec<&'static str>>) -> Arc<World> {
    World::with_storage(move |_, _| answer(200, body), storage)
}

#[tokio::test]
async fn the_film_is_fetched_from_a_fresh_link_without_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let world = world(DONE, film);
    let mut told = Vec::new();
    let handle = world.client().task("cgt-1");
    let film = handle
        .download_with(&path, DownloadOptions::default(), |progress| {
            told.push((progress.bytes, progress.total))
        })
        .await
        .unwrap();
    assert_eq!(
        (film.bytes, film.task.id.as_str(), fs::read(&path).unwrap()),
        (5, "cgt-1", b"hello".to_vec())
    );
    assert_eq!(film.link_expires_at, Some(1_795_313_820 + 86_400));
    assert_eq!(told, [(0, Some(5)), (2, Some(5)), (5, Some(5))]);
    assert_eq!(world.lines(), ["GET /v3/contents/generations/tasks/cgt-1"]);
    let [opened] = world.opened().try_into().unwrap();
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
    let with = world(DONE, film);
    with.client().task("cgt-1").download(&path, options.clone().overwrite(true)).await.unwrap();
    assert_eq!(with.opened()[0].uri(), "https://tos.example/a.png");
    let without = world(
        r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"https://h/a","last_frame_url":""}}"#,
        film,
    );
    let error =
        without.client().task("cgt-1").download(&folder.path().join("b.png"), options).await.unwrap_err();
    assert!(error.to_string().contains("return_last_frame") && without.opened().is_empty(), "{error}");
}

#[tokio::test]
async fn a_cut_film_leaves_no_file_and_says_until_when_it_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let error = world(DONE, cut_film)
        .client()
        .task("cgt-1")
        .download(&folder.path().join("tea.mp4"), DownloadOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "The result of task cgt-1 is not saved: the download failed: the connection broke off. It can be fetched again until 2026-11-23T02:17:00Z, at no cost."
    );
    assert!(error.is_retryable() && error.task_id() == Some("cgt-1"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    fs::write(&path, "mine").unwrap();
    let world = world(DONE, film);
    let error = world.client().task("cgt-1").download(&path, DownloadOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::Download(_)) && !error.is_retryable(), "{error}");
    assert!(world.sent().is_empty() && fs::read(&path).unwrap() == b"mine");
}

#[tokio::test]
async fn a_task_without_a_result_is_told_apart_from_a_failed_download() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea.mp4");
    let of = |status: &'static str| {
        let path = path.clone();
        async move {
            let world = World::new(move |_, _| task(status));
            world.client().task("cgt-1").download(&path, DownloadOptions::default()).await.unwrap_err()
        }
    };
    assert!(matches!(of("running").await, Error::NotPossible(_)));
    assert!(matches!(of("failed").await, Error::TaskEnded(_)));
    assert!(matches!(of("succeeded").await, Error::Download(_)), "no link");
}

#[tokio::test]
async fn plain_http_is_taken_only_from_where_the_api_is() {
    const PLAIN: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"http://127.0.0.1:9/a.mp4"}}"#;
    const FAR: &str = r#"{"id":"cgt-1","model":"m","status":"succeeded","content":{"video_url":"http://tos.example/a.mp4"}}"#;
    let folder = tempfile::tempdir().unwrap();
    let target = |name: &str| folder.path().join(name);
    let fetch = |client: Client, name: &str| {
        let path = target(name);
        async move { client.task("cgt-1").download(&path, DownloadOptions::default()).await }
    };
    let near = world(PLAIN, film);
    assert!(fetch(near.client(), "a").await.is_err() && near.opened().is_empty());
    assert!(fetch(near.client_at("http://127.0.0.1:9/v3"), "b").await.is_ok());
    let far = world(FAR, film);
    assert!(fetch(far.client_at("http://127.0.0.1:9/v3"), "c").await.is_err() && far.opened().is_empty());
}

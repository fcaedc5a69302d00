//! The simulator on a real socket, with an HTTP client of twenty lines.

mod callbacks;
mod control;
mod wire;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::Options;

/// An answer: status, head, body.
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn send(simulator: &Simulator, method: &str, path: &str, headers: &str, body: &[u8]) -> Got {
    at(simulator.addr(), method, path, headers, body).await
}

async fn at(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Got {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    Got { status: head[9..12].parse().unwrap(), head, body: answer[end..].to_vec() }
}

async fn api(simulator: &Simulator, method: &str, path: &str, body: &Value) -> Got {
    let path = format!("/api/v3{path}");
    let key = format!("authorization: Bearer {}\r\n", simulator.api_key());
    send(simulator, method, &path, &key, body.to_string().as_bytes()).await
}

fn smallest() -> Value {
    json!({
        "model": "doubao-seedance-1-0-pro-250528", "content": [{ "type": "text", "text": "A paper boat." }],
        "resolution": "480p", "ratio": "1:1", "frames": 29, "return_last_frame": true,
    })
}

/// Creates a task and asks for it until it has succeeded.
async fn succeed(simulator: &Simulator, body: &Value) -> Value {
    let created = api(simulator, "POST", "/contents/generations/tasks", body).await;
    assert_eq!(created.status, 200, "{}", created.json());
    let path = format!("/contents/generations/tasks/{}", created.json()["id"].as_str().unwrap());
    loop {
        let task = api(simulator, "GET", &path, &json!({})).await.json();
        match task["status"].as_str().unwrap() {
            "queued" | "running" => tokio::task::yield_now().await,
            "succeeded" => return task,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_film_is_made_and_fetched_over_a_socket() {
    let simulator = Simulator::builder().speed(1000.0).seed(1).start().await.unwrap();
    assert_eq!(simulator.base_url(), format!("http://{}/api/v3", simulator.addr()));
    let task = succeed(&simulator, &smallest()).await;
    let origin = format!("http://{}", simulator.addr());
    let path = |key: &str| task["content"][key].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    let video = send(&simulator, "GET", &path("video_url"), "", b"").await;
    assert_eq!((video.status, &video.body[4..8]), (200, &b"ftyp"[..]));
    assert!(
        video.head.contains("content-type: video/mp4")
            && video.head.contains(&format!("content-length: {}", video.body.len()))
    );
    let part = send(&simulator, "GET", &path("video_url"), "range: bytes=4-7\r\n", b"").await;
    assert_eq!((part.status, &part.body[..]), (206, &b"ftyp"[..]));
    assert!(part.head.contains(&format!("content-range: bytes 4-7/{}", video.body.len())));
    assert_eq!(send(&simulator, "HEAD", &path("video_url"), "", b"").await.status, 403);
    let frame = send(&simulator, "GET", &path("last_frame_url"), "", b"").await;
    assert_eq!((frame.status, &frame.body[..2]), (200, &[0xff, 0xd8][..]));
    let bills = simulator.bills();
    assert_eq!((bills.len(), bills[0].tokens), (1, 29 * 640 * 640 / 1024));
    simulator.shutdown().await;
}

#[tokio::test]
async fn its_own_key_is_the_only_one_unless_told_otherwise() {
    let simulator = Simulator::start().await.unwrap();
    assert_eq!(api(&simulator, "GET", "/models", &json!({})).await.status, 200);
    let other = "authorization: Bearer other\r\n";
    let refused = send(&simulator, "GET", "/api/v3/models", other, b"").await;
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].as_str()),
        (401, Some("AuthenticationError"))
    );
    assert!(refused.head.contains("x-error-code: authn_missorinvalidauthorizationheader"));
    assert_ne!(Simulator::start().await.unwrap().seed(), simulator.seed(), "a new run each time");
    assert_eq!(Simulator::builder().options(Options::default().seed(7)).start().await.unwrap().seed(), 7);
    let open = Simulator::builder().any_key().prefix("volc/v1/").start().await.unwrap();
    assert!(open.base_url().ends_with("/volc/v1"));
    assert_eq!(send(&open, "GET", "/volc/v1/models", other, b"").await.status, 200);
}

#[tokio::test]
async fn the_document_of_the_api_takes_no_key() {
    let simulator = Simulator::start().await.unwrap();
    let document = send(&simulator, "GET", "/openapi.json", "", b"").await;
    assert!(document.status == 200 && document.head.contains("content-type: application/json"));
    assert!(document.json()["paths"]["/contents/generations/tasks"]["post"].is_object());
    // Any other method is the service's business, as on every path that it does not have.
    assert_eq!(send(&simulator, "POST", "/openapi.json", "", b"").await.status, 401);
    let key = format!("authorization: Bearer {}\r\n", simulator.api_key());
    let refused = send(&simulator, "POST", "/openapi.json", &key, b"").await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!("ResourceNotFound")));
}

#[tokio::test]
async fn what_is_assumed_is_told_to_the_hook() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let builder = Simulator::builder().on_note(move |note| hears.lock().unwrap().push(note.text.clone()));
    let simulator = builder.start().await.unwrap();
    let video = json!({ "type": "video_url", "video_url": { "url": "https://x.example/v.mp4" }, "role": "reference_video" });
    let body = json!({ "model": "doubao-seedance-2-0-260128", "content": [video] });
    assert_eq!(api(&simulator, "POST", "/contents/generations/tasks", &body).await.status, 200);
    let heard = heard.lock().unwrap();
    assert!(heard.len() == 1 && heard[0].starts_with("assumed 5 s for video 1"), "{heard:?}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_read_to_its_end_and_refused() {
    let simulator = Simulator::start().await.unwrap();
    let key = format!("authorization: Bearer {}\r\n", simulator.api_key());
    let refused =
        send(&simulator, "POST", "/api/v3/contents/generations/tasks", &key, &vec![b' '; (64 << 20) + 1])
            .await;
    assert_eq!(refused.status, 413, "{}", refused.head);
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("67108864 bytes"));
}

#[tokio::test]
async fn half_a_request_makes_no_task() {
    let simulator = Simulator::start().await.unwrap();
    let body = smallest().to_string();
    let mut stream = TcpStream::connect(simulator.addr()).await.unwrap();
    let key = simulator.api_key();
    let head = format!(
        "POST /api/v3/contents/generations/tasks HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    // The whole JSON, but not the end of the body.
    stream.write_all(format!("{head}{:x}\r\n{body}\r\n", body.len()).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let list = api(&simulator, "GET", "/contents/generations/tasks", &json!({})).await;
    assert_eq!(list.json(), json!({ "total": 0, "items": [] }));
}

#[tokio::test]
async fn after_a_shutdown_nobody_listens() {
    let simulator = Simulator::start().await.unwrap();
    let addr = simulator.addr();
    // An idle connection does not hold it up.
    let _idle = TcpStream::connect(addr).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), simulator.shutdown()).await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let simulator = Simulator::start().await.unwrap();
    let error = Simulator::builder().addr(simulator.addr()).start().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}", simulator.addr())), "{error}");
}

#[tokio::test]
async fn a_film_is_rendered_once_for_all_who_ask() {
    let mut service = Service::new(Options::default());
    let mut ask = |now, method: &str, path: &str, body: String| {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", "Bearer k")
            .body(body.into());
        service.handle(now, request.unwrap())
    };
    let tasks = "/api/v3/contents/generations/tasks";
    ask(0, "POST", tasks, smallest().to_string());
    let crate::Reply::Answer(list) = ask(4000, "GET", tasks, String::new()) else { panic!() };
    let list: Value = serde_json::from_slice(list.body()).unwrap();
    let link = list["items"][0]["content"]["video_url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://127.0.0.1")
        .unwrap()
        .to_owned();
    let crate::Reply::Render(job) = ask(4000, "GET", &link, String::new()) else { panic!() };
    let videos = Videos::default();
    let (first, second) = tokio::join!(videos.get(&job), videos.get(&job));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.as_ptr(), second.as_ptr(), "the same bytes, not equal ones");
}

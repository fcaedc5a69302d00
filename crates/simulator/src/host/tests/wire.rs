//! Faults of the connection as a client meets them: byte by byte on a raw socket.

use std::io::ErrorKind;

use super::*;
use crate::{Effect, FaultRule, Place};

/// Sends a create and gives every byte that comes back, and how the connection ended.
async fn create(simulator: &Simulator, prompt: &str) -> (String, Result<(), ErrorKind>) {
    let body =
        json!({ "model": "doubao-seedance-2-0-260128", "content": [{ "type": "text", "text": prompt }] })
            .to_string();
    let head = format!(
        "POST /api/v3/contents/generations/tasks HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        simulator.api_key(),
        body.len()
    );
    exchange(simulator, &format!("{head}{body}")).await
}

async fn exchange(simulator: &Simulator, request: &str) -> (String, Result<(), ErrorKind>) {
    let mut stream = TcpStream::connect(simulator.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let ended = loop {
        match stream.read(&mut buffer).await {
            Ok(0) => break Ok(()),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => break Err(error.kind()),
        }
    };
    (String::from_utf8_lossy(&answer).into_owned(), ended)
}

#[tokio::test]
async fn a_connection_is_closed_or_reset_without_a_byte() {
    let simulator = Simulator::start().await.unwrap();
    assert_eq!(create(&simulator, "[[fault:drop_before_accept]]").await, (String::new(), Ok(())));
    assert_eq!(simulator.ledger().accepted, 0);
    assert_eq!(create(&simulator, "[[fault:accept_then_drop]]").await, (String::new(), Ok(())));
    assert_eq!(simulator.ledger().accepted, 1);
    let (bytes, ended) = create(&simulator, "[[fault:accept_then_drop reset=true]]").await;
    assert_eq!((bytes, ended), (String::new(), Err(ErrorKind::ConnectionReset)));
    assert_eq!(create(&simulator, "[[fault:hang_after_accept seconds=0]]").await, (String::new(), Ok(())));
    assert_eq!(simulator.ledger().accepted, 3);
    simulator.shutdown().await;
}

#[tokio::test]
async fn answers_break_off_drip_or_are_no_http() {
    let simulator = Simulator::start().await.unwrap();
    let (half, ended) = create(&simulator, "[[fault:half_answer]]").await;
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 33") && ended.is_ok(),
        "{half}"
    );
    assert!(body.starts_with(r#"{"id":"cgt-"#) && body.len() == 16, "{body}");
    assert_eq!(create(&simulator, "[[fault:half_head]]").await.0, "HTTP/1.1 20");
    assert!(!create(&simulator, "[[fault:garbage]]").await.0.starts_with("HTTP"));
    let (dripped, _) = create(&simulator, "[[fault:slow_drip bytes=7 millis=0 head=true]]").await;
    let (_, body) = dripped.split_once("\r\n\r\n").unwrap();
    assert!(serde_json::from_str::<Value>(body).unwrap()["id"].is_string(), "{dripped}");
    let (late, _) = create(&simulator, "[[fault:delay millis=1]] [[fault:status status=500]]").await;
    assert!(late.starts_with("HTTP/1.1 200"), "the first fault counts: {late}");
    assert_eq!(simulator.ledger().accepted, 5);
}

#[tokio::test]
async fn files_come_cut_or_with_a_wrong_length() {
    let simulator = Simulator::builder().manual_clock().start().await.unwrap();
    let created = api(&simulator, "POST", "/contents/generations/tasks", &smallest()).await.json();
    simulator.advance(Duration::from_secs(4));
    let path = format!("/contents/generations/tasks/{}", created["id"].as_str().unwrap());
    let task = api(&simulator, "GET", &path, &json!({})).await.json();
    let link = task["content"]["video_url"].as_str().unwrap();
    let path = link.strip_prefix(&format!("http://{}", simulator.addr())).unwrap();
    let whole = send(&simulator, "GET", path, "", b"").await.body.len();
    let fetched = async |effect| {
        simulator.fail_next(effect).unwrap();
        let got = send(&simulator, "GET", path, "", b"").await;
        let announced =
            got.head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap().parse::<usize>();
        (announced.unwrap(), got.body.len())
    };
    assert_eq!(fetched(Effect::HalfDownload).await, (whole, whole / 2));
    assert_eq!(fetched(Effect::WrongLength { by: 10 }).await, (whole + 10, whole));
    assert_eq!(fetched(Effect::WrongLength { by: -10 }).await, (whole - 10, whole));
    simulator
        .add_fault(FaultRule::new(Effect::DropBeforeAccept { reset: false }).at(Place::File).hits(1))
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(exchange(&simulator, &request).await, (String::new(), Ok(())));
    assert_eq!(send(&simulator, "GET", path, "", b"").await.body.len(), whole);
}

#[tokio::test]
async fn silence_ends_with_the_simulator() {
    let simulator = Simulator::start().await.unwrap();
    let silent = create(&simulator, "[[fault:hang_after_accept]]");
    let stopping = async {
        while simulator.ledger().accepted == 0 {
            tokio::task::yield_now().await;
        }
        simulator.stop.send_replace(true);
    };
    let (silent, ()) =
        tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(silent, stopping) })
            .await
            .unwrap();
    assert_eq!(silent, (String::new(), Ok(())));
}

//! Faults of the connection as a client meets them: byte by byte on a raw socket.

use std::io::ErrorKind;

use super::*;
use crate::{Effect, FaultPoint, FaultRule};

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
        .add_fault(FaultRule::new(Effect::DropBeforeAccept { reset: false }).at(FaultPoint::File).hits(1))
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

/// Half a head, half a body, on either port: the connection ends; one that waits between two
/// requests stays.
#[tokio::test]
async fn a_half_sent_request_is_given_up_after_a_while() {
    let builder = Simulator::builder().request_timeout(Duration::from_millis(50));
    let builder = builder.control(SocketAddr::from(([127, 0, 0, 1], 0)));
    let simulator = builder.start().await.unwrap();
    let control: SocketAddr =
        simulator.control_url().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let mut idle = TcpStream::connect(simulator.addr()).await.unwrap();
    let ask = format!("GET /openapi.json HTTP/1.1\r\nhost: {}\r\n\r\n", simulator.addr());
    let mut buffer = vec![0; 1 << 20];
    idle.write_all(ask.as_bytes()).await.unwrap();
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    for (addr, start) in [
        (simulator.addr(), "POST /api/v3/contents/generations/tasks HT"),
        (
            simulator.addr(),
            "POST /api/v3/contents/generations/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
        ),
        (control, "GET /sta"),
        (control, "POST /clock/advance HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{"),
    ] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{start} is waited for without end");
    }
    assert_eq!(simulator.ledger().accepted, 0);
    // What is left of the first answer comes before the second.
    idle.write_all(ask.as_bytes()).await.unwrap();
    assert!(idle.read(&mut buffer).await.unwrap() > 0, "a connection between two requests was closed");
}

/// A video counts as delivered once all its bytes went out, in one answer or in several.
#[tokio::test]
async fn only_a_whole_video_counts_as_delivered() {
    let simulator = Simulator::builder().speed(1000.0).seed(1).start().await.unwrap();
    let task = succeed(&simulator, &smallest()).await;
    let origin = format!("http://{}", simulator.addr());
    let path = task["content"]["video_url"].as_str().unwrap().strip_prefix(&origin).unwrap().to_owned();
    let open = || simulator.ledger().never_downloaded.len();
    let head = |range: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{range}\r\n");
    simulator.fail_next(Effect::HalfDownload).unwrap();
    let (half, _) = exchange_bytes(&simulator, &head("")).await;
    assert_eq!(open(), 1, "half a file");
    let (_, _) = exchange_bytes(&simulator, &head("range: bytes=0-0\r\n")).await;
    assert_eq!(open(), 1, "one byte");
    // A client that leaves in the middle.
    let mut stream = TcpStream::connect(simulator.addr()).await.unwrap();
    stream.write_all(head("range: bytes=1000-\r\n").as_bytes()).await.unwrap();
    let _ = stream.read(&mut [0; 100]).await.unwrap();
    drop(stream);
    assert_eq!(open(), 1, "a part in the middle");
    let (_, ended) = exchange_bytes(&simulator, &head(&format!("range: bytes={}-\r\n", half - 200))).await;
    ended.unwrap();
    let shutdown = simulator.ledger().never_downloaded;
    assert!(shutdown.is_empty(), "resumed to its end: {shutdown:?}");
}

/// How many bytes of body came.
async fn exchange_bytes(simulator: &Simulator, request: &str) -> (usize, Result<(), ErrorKind>) {
    let mut stream = TcpStream::connect(simulator.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer).await.map(drop).map_err(|error| error.kind());
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    (answer.len() - head, ended)
}

/// A client in a container or on another machine reaches the simulator under another name.
#[tokio::test]
async fn links_start_with_the_host_that_was_asked() {
    let simulator = Simulator::builder().speed(1000.0).seed(1).start().await.unwrap();
    let own = format!("http://{}", simulator.addr());
    let id = succeed(&simulator, &smallest()).await["id"].as_str().unwrap().to_owned();
    let fixed = Simulator::builder().origin("https://sim.example/").speed(1000.0).start().await.unwrap();
    let other = succeed(&fixed, &smallest()).await["id"].as_str().unwrap().to_owned();
    for (simulator, id, host, starts) in [
        (&simulator, &id, "sim:8787", "http://sim:8787/files/"),
        (&simulator, &id, "sim.example", "http://sim.example/files/"),
        (&simulator, &id, "[fd00::7]:8787", "http://[fd00::7]:8787/files/"),
        (&simulator, &id, "a b", &*format!("{own}/files/")),
        (&simulator, &id, "user@evil.example", &*format!("{own}/files/")),
        (&simulator, &id, "evil.example/x?", &*format!("{own}/files/")),
        (&fixed, &other, "sim:8787", "https://sim.example/files/"),
    ] {
        for path in ["", &*format!("/{id}")] {
            let key = simulator.api_key();
            let request = format!(
                "GET /api/v3/contents/generations/tasks{path} HTTP/1.0\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\r\n"
            );
            let (answer, _) = exchange(simulator, &request).await;
            assert!(answer.contains(&format!("\"video_url\":\"{starts}")), "{host}: {answer}");
        }
    }
    // A link that was given out under another name leads to the same file.
    let task = api(&simulator, "GET", &format!("/contents/generations/tasks/{id}"), &json!({})).await.json();
    assert!(task["content"]["video_url"].as_str().unwrap().starts_with(&own));
}

//! Callbacks over a real socket: what arrives, and what becomes of one that is not taken.

use tokio::net::TcpListener;

use super::*;

/// Takes callbacks one by one, answering with these statuses in turn, the last for ever.
fn receiver(
    listener: TcpListener,
    statuses: Vec<u16>,
) -> tokio::sync::mpsc::UnboundedReceiver<(String, Value)> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut bytes = Vec::new();
            let (head, body) = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                bytes.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break (head.to_owned(), body);
                }
            };
            let status = statuses.get(number).or(statuses.last()).unwrap();
            let _ = stream
                .write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())
                .await;
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn called(simulator: &Simulator, url: &str) -> String {
    let mut body = smallest();
    body["callback_url"] = url.into();
    let created = api(simulator, "POST", "/contents/generations/tasks", &body).await;
    created.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_change_is_posted_and_an_end_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=1", listener.local_addr().unwrap());
    let mut heard = receiver(listener, vec![200, 200, 500, 204]);
    let simulator = Simulator::builder().manual_clock().start().await.unwrap();
    let id = called(&simulator, &url).await;
    let (head, queued) = heard.recv().await.unwrap();
    assert!(
        head.starts_with("POST /hook?token=1 HTTP/1.1") && head.contains("content-type: application/json"),
        "{head}"
    );
    assert_eq!((queued["id"].as_str(), queued["status"].as_str()), (Some(&*id), Some("queued")));
    simulator.advance(Duration::from_secs(1));
    assert_eq!(heard.recv().await.unwrap().1["status"], "running");
    simulator.advance(Duration::from_secs(3));
    let refused = heard.recv().await.unwrap().1;
    assert!(refused["content"]["video_url"].is_string(), "{refused}");
    // The next try is five seconds away, on the simulator's clock.
    while simulator.callback_counts().tries < 3 {
        tokio::task::yield_now().await;
    }
    loop {
        simulator.advance(Duration::from_secs(5));
        if let Ok(again) = heard.try_recv() {
            assert_eq!(again.1, refused);
            break;
        }
        tokio::task::yield_now().await;
    }
    while simulator.callback_counts().received < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(simulator.callback_counts().planned, 3);
}

#[tokio::test]
async fn nobody_needs_to_ask_for_callbacks_to_come() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut heard = receiver(listener, vec![200]);
    let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
    called(&simulator, &url).await;
    for expected in ["queued", "running", "succeeded"] {
        let next = tokio::time::timeout(Duration::from_secs(30), heard.recv()).await.unwrap().unwrap();
        assert_eq!(next.1["status"], expected);
    }
}

#[tokio::test]
async fn what_cannot_be_called_is_told() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&notes);
    let builder = Simulator::builder()
        .manual_clock()
        .on_note(move |note| hears.lock().unwrap().push(note.text.clone()));
    let simulator = builder.start().await.unwrap();
    called(&simulator, "https://127.0.0.1/").await;
    called(&simulator, "http://media.example/").await;
    while notes.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut notes = notes.lock().unwrap().clone();
    notes.sort();
    assert!(notes[0].contains("media.example is another machine"), "{notes:?}");
    assert!(notes[1].contains("plain http only"), "{notes:?}");
}

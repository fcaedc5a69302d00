//! The control port: what it shows, what it moves, whom it does not talk to.

use super::*;

async fn test_env() -> (Simulator, SocketAddr) {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let builder = Simulator::builder().manual_clock().begins_at(1_795_313_730_000).seed(1).control(loopback);
    let simulator = builder.start().await.unwrap();
    let control = simulator.control_url().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    (simulator, control)
}

async fn ask(control: SocketAddr, method: &str, path: &str, body: &Value) -> Got {
    at(control, method, path, "content-type: application/json\r\n", body.to_string().as_bytes()).await
}

#[tokio::test]
async fn time_bills_and_films_are_shown_and_moved() {
    let (simulator, control) = test_env().await;
    let created = api(&simulator, "POST", "/contents/generations/tasks", &smallest()).await.json();
    let id = created["id"].as_str().unwrap();
    assert_eq!(id, "cgt-20261122101530-2a214", "seed and start time decide everything");
    let moved = ask(control, "POST", "/clock/advance", &json!({ "seconds": 4 })).await;
    assert_eq!(moved.json(), json!({ "now": 1_795_313_734_000_i64 }));
    assert_eq!(ask(control, "GET", "/clock", &Value::Null).await.json(), moved.json());
    let bills = ask(control, "GET", "/bills", &Value::Null).await.json();
    assert_eq!((&bills[0]["task_id"], &bills[0]["tokens"]), (&json!(id), &json!(11_600)));
    assert_eq!(bills[0]["price"], json!({ "currency": "CNY", "amount": "0.174" }));
    let state = ask(control, "GET", "/state", &Value::Null).await.json();
    assert_eq!(state["tasks"][0]["task"]["status"], "succeeded");
    assert_eq!(state["tasks"][0]["entry"]["looks"], 0, "the page does not count as a poll");
    assert_eq!(state["base_url"], simulator.base_url());
    let video = at(control, "GET", &format!("/video/{id}"), "range: bytes=4-7\r\n", b"").await;
    assert_eq!((video.status, &video.body[..]), (206, &b"ftyp"[..]));
    assert_eq!(at(control, "GET", &format!("/last-frame/{id}"), "", b"").await.body[..2], [0xff, 0xd8]);
    let ledger = ask(control, "GET", "/ledger", &Value::Null).await.json();
    assert_eq!((&ledger["never_seen"][0], &ledger["never_downloaded"][0]), (&json!(id), &json!(id)));
    assert_eq!(ask(control, "POST", "/reset", &Value::Null).await.json(), json!({}));
    assert_eq!(ask(control, "GET", "/bills", &Value::Null).await.json(), json!([]));
    assert_eq!(at(control, "GET", &format!("/video/{id}"), "", b"").await.status, 404);
}

#[tokio::test]
async fn faults_are_set_added_and_counted() {
    let (simulator, control) = test_env().await;
    let plan = json!({ "rules": [{ "name": "lists", "when": { "endpoint": "list" }, "effect": { "fault": "null_items" } }] });
    assert_eq!(ask(control, "PUT", "/faults", &plan).await.status, 200);
    let rule = json!({ "effect": { "fault": "status", "status": 503 }, "when": { "endpoint": "models" }, "hits": 1 });
    assert_eq!(ask(control, "POST", "/faults", &rule).await.status, 200);
    assert_eq!(api(&simulator, "GET", "/models", &json!({})).await.status, 503);
    assert_eq!(api(&simulator, "GET", "/models", &json!({})).await.status, 200);
    assert_eq!(
        api(&simulator, "GET", "/contents/generations/tasks", &json!({})).await.json()["items"],
        Value::Null
    );
    let counts = ask(control, "GET", "/faults", &Value::Null).await.json();
    assert_eq!(
        counts,
        json!([{ "name": "status", "fitted": 2, "struck": 1 }, { "name": "lists", "fitted": 1, "struck": 1 }])
    );
    let bad =
        ask(control, "PUT", "/faults", &json!({ "rules": [{ "effect": { "fault": "explode" } }] })).await;
    assert!(bad.status == 400 && bad.json()["error"].as_str().unwrap().contains("explode"));
    assert_eq!(ask(control, "POST", "/clock/advance", &json!({ "hours": 1 })).await.status, 400);
    assert_eq!(ask(control, "GET", "/nowhere", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn the_page_and_the_document_need_nothing_from_elsewhere() {
    let (_simulator, control) = test_env().await;
    let page = ask(control, "GET", "/", &Value::Null).await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.head.contains("content-type: text/html; charset=utf-8"));
    assert!(
        !text.contains("https://") && !text.contains("http://") && !text.contains("src=\"//"),
        "self-contained"
    );
    let document = ask(control, "GET", "/openapi.json", &Value::Null).await.json();
    assert!(document["openapi"].is_string());
}

#[tokio::test]
async fn pages_from_elsewhere_are_not_talked_to() {
    let (simulator, control) = test_env().await;
    let port = control.port();
    for (hosts, origin, status) in [
        (&[format!("127.0.0.1:{port}")][..], Some(format!("http://127.0.0.1:{port}")), 200),
        (&[format!("localhost:{port}")], Some(format!("http://localhost:{port}")), 200),
        (&[format!("127.0.0.1:{port}")], None, 200),
        (&[format!("[::1]:{port}")], None, 200),
        (&["192.0.2.7".to_owned()], None, 200),
        (&[format!("127.0.0.1:{port}")], Some("https://evil.example".to_owned()), 403),
        (&[format!("127.0.0.1:{port}")], Some("null".to_owned()), 403),
        (&[format!("evil.example:{port}")], Some(format!("http://evil.example:{port}")), 403),
        // DNS rebinding: a browser sends no Origin with a plain GET.
        (&[format!("evil.example:{port}")], None, 403),
        (&[format!("127.0.0.1.evil.example:{port}")], None, 403),
        (&[format!("localhost.evil.example:{port}")], None, 403),
        (&[format!("localhost@evil.example:{port}")], None, 403),
        (&[format!("evil.example@127.0.0.1:{port}")], None, 403),
        (&["localhost".to_owned(), "evil.example".to_owned()], None, 403),
        (&[String::new()], None, 403),
        (&[], None, 403),
    ] {
        for path in ["/", "/state", "/ledger", "/bills", "/clock", "/openapi.json", "/video/cgt-1"] {
            // HTTP/1.0, so that a request without a host is one.
            let hosts: String = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
            let origin = origin.as_ref().map(|origin| format!("origin: {origin}\r\n")).unwrap_or_default();
            let mut stream = TcpStream::connect(control).await.unwrap();
            let request = format!("GET {path} HTTP/1.0\r\n{hosts}{origin}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let refused = answer.split(' ').nth(1) == Some("403");
            assert_eq!(refused, status == 403, "{path} {hosts}{origin}: {answer}");
        }
    }
    assert_eq!(simulator.ledger().accepted, 0);
    assert_eq!(Simulator::start().await.unwrap().control_url(), None, "no port that nobody asked for");
}

/// A client that corrects its clock by ours must come to the time that our tasks are dated by.
#[tokio::test]
async fn the_date_of_an_answer_is_that_of_its_own_clock() {
    let simulator = Simulator::builder().manual_clock().begins_at(1_795_313_730_000).start().await.unwrap();
    let date = async || {
        let answer = api(&simulator, "GET", "/models", &json!({})).await;
        answer.head.lines().filter(|line| line.starts_with("date: ")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(date().await, "date: sun, 22 nov 2026 02:15:30 gmt");
    simulator.advance(Duration::from_secs(86_400));
    assert_eq!(date().await, "date: mon, 23 nov 2026 02:15:30 gmt");
}

#[tokio::test]
async fn the_page_has_fifty_tasks_at_a_time_with_prompt_request_and_faults() {
    let (simulator, control) = test_env().await;
    let mut ids = Vec::new();
    for at in 0..51 {
        let mut body = smallest();
        body["content"][0]["text"] = json!(format!("Boat {at}. {}", "é".repeat(500)));
        let created = api(&simulator, "POST", "/contents/generations/tasks", &body).await.json();
        ids.push(created["id"].as_str().unwrap().to_owned());
    }
    let rule =
        json!({ "effect": { "fault": "status", "status": 503 }, "when": { "endpoint": "get" }, "hits": 1 });
    assert_eq!(ask(control, "POST", "/faults", &rule).await.status, 200);
    let path = format!("/contents/generations/tasks/{}", ids[50]);
    assert_eq!(api(&simulator, "GET", &path, &Value::Null).await.status, 503);
    let first = ask(control, "GET", "/state", &Value::Null).await.json();
    assert_eq!((&first["pages"], &first["task_count"]), (&json!(2), &json!(51)));
    assert_eq!(first["tasks"].as_array().unwrap().len(), 50);
    let newest = &first["tasks"][0];
    assert_eq!(
        (&newest["task"]["id"], &newest["details"]["faults"]),
        (&json!(ids[50]), &json!(["get: status"]))
    );
    let prompt = newest["details"]["prompt"].as_str().unwrap();
    assert!(prompt.starts_with("Boat 50. ") && prompt.ends_with("é… (1009 bytes)"), "{prompt}");
    assert_eq!(newest["details"]["request"]["content"][0]["text"], json!(prompt));
    let second = ask(control, "GET", "/state?page=1", &Value::Null).await.json();
    assert_eq!(second["tasks"][0]["task"]["id"], json!(ids[0]));
    assert_eq!(second["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(ask(control, "GET", "/state?page=x", &Value::Null).await.status, 400);
    ask(control, "POST", "/reset", &Value::Null).await;
    assert_eq!(ask(control, "GET", "/state", &Value::Null).await.json()["tasks"], json!([]));
    api(&simulator, "POST", "/contents/generations/tasks", &smallest()).await;
    let after = ask(control, "GET", "/state", &Value::Null).await.json();
    assert!(after["tasks"][0]["details"]["prompt"].is_string(), "a reset keeps the page as it was: {after}");
}

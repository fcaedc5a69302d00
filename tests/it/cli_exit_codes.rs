//! Every way the service can answer has its exit code. The answers come from a bare socket, so that they can be as wrong
//! as in life.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use crate::cli::Shell;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives each connection the same answer, and closes.
async fn answering(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !(request.windows(4).any(|end| end == b"\r\n\r\n") && whole(&request)) {
                if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _ = connection.write_all(answer.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    format!("http://{address}/api/v3")
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn vendor(status: &str, code: &str) -> String {
    http(
        status,
        &format!(
            r#"{{"error":{{"code":"{code}","message":"The words of the service.","param":"","type":"X"}}}}"#
        ),
    )
}

fn task(status: &str, more: &str) -> String {
    http("200 OK", &format!(r#"{{"id":"cgt-1","model":"m","status":"{status}"{more}}}"#))
}

async fn ends(line: &[&str], answer: String, code: u8, kind: &str) {
    let shell = Shell::new()
        .set("ARK_API_KEY", "a-key-of-nobody")
        .set("ARK_BASE_URL", &answering(answer.clone()).await);
    let ran = shell.run(&[&["--json"], line].concat()).await;
    let error: serde_json::Value = serde_json::from_str(ran.stderr.lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{line:?} {answer}: {} {}", ran.stdout, ran.stderr));
    assert_eq!((ran.code, error["kind"].as_str()), (code, Some(kind)), "{line:?} {answer}: {error}");
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_create() {
    let line = ["generate", "A cat."];
    let cases = [
        (vendor("400 Bad Request", "InvalidParameter"), 8, "refused"),
        (vendor("401 Unauthorized", "AuthenticationError"), 8, "refused"),
        (vendor("403 Forbidden", "AccountOverdueError"), 8, "refused"),
        (vendor("429 Too Many Requests", "RateLimitExceeded.EndpointRPMExceeded"), 9, "throttled"),
        (vendor("429 Too Many Requests", "SetLimitExceeded"), 9, "throttled"),
        (vendor("500 Internal Server Error", "InternalServiceError"), 12, "outcome_unknown"),
        (http("502 Bad Gateway", "<html>"), 12, "outcome_unknown"),
        (http("200 OK", "{}"), 12, "outcome_unknown"),
        (String::new(), 12, "outcome_unknown"),
    ];
    for (answer, code, kind) in cases {
        ends(&line, answer, code, kind).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_question() {
    let failed = r#","error":{"code":"OutputVideoSensitiveContentDetected","message":"No."}"#;
    let cases: [(&[&str], String, u8, &str); 8] = [
        (&["get", "cgt-1"], vendor("404 Not Found", "ResourceNotFound"), 8, "refused"),
        (&["get", "cgt-1"], vendor("500 Internal Server Error", "InternalServiceError"), 13, "result"),
        (&["list"], http("200 OK", "no json"), 13, "result"),
        (&["cancel", "cgt-1"], task("running", ""), 8, "refused"),
        (&["wait", "cgt-1", "--poll-interval", "200ms"], task("failed", failed), 10, "task_ended"),
        (&["wait", "cgt-1", "--poll-interval", "200ms"], task("expired", ""), 10, "task_ended"),
        (&["wait", "cgt-1", "--timeout", "1ms"], task("running", ""), 11, "still_running"),
        (
            &["download", "cgt-1"],
            task("succeeded", r#","content":{"video_url":"http://127.0.0.1:1/gone.mp4"}"#),
            13,
            "result",
        ),
    ];
    for (line, answer, code, kind) in cases {
        ends(line, answer, code, kind).await;
    }
}

//! Every way the service can answer has its exit code. The answers come from a bare socket, so that
//! they can be as wrong as in life.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use crate::cli::Shell;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives each connection the same answer, and closes.
async fn answering(answer: String) -> String {
    serving(move |_, _| answer.clone()).await
}

/// A server that answers by the request's first line and the number of requests with the same
/// method before it.
async fn serving(answers: impl Fn(&str, usize) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !(request.windows(4).any(|end| end == b"\r\n\r\n") && whole(&request)) {
                if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let line = request.lines().next().unwrap_or_default();
            let before = seen.entry(line.split(' ').next().unwrap_or_default().to_owned()).or_default();
            let answer = answers(line, *before);
            *before += 1;
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
            r#"{{"error":{{"code":"{code}","message":"A message of the service.","param":"","type":"X"}}}}"#
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
        (vendor("401 Unauthorized", "AuthenticationError"), 18, "authentication"),
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
async fn a_batch_whose_key_is_rejected_ends_as_a_create_does() {
    let base = answering(vendor("401 Unauthorized", "AuthenticationError")).await;
    let shell = Shell::new().set("ARK_API_KEY", "a-key-of-nobody").set("ARK_BASE_URL", &base);
    let list = "[[shots]]\nname = \"a\"\nmodel = \"mini\"\nprompt = \"A cat.\"\n";
    std::fs::write(shell.folder.path().join("l.toml"), list).unwrap();
    let ran = shell.run(&["batch", "run", "l.toml"]).await;
    assert_eq!(ran.code, 18, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_question() {
    let failed = r#","error":{"code":"OutputVideoSensitiveContentDetected","message":"No."}"#;
    let cases: [(&[&str], String, u8, &str); 10] = [
        (&["list"], vendor("401 Unauthorized", "AuthenticationError"), 18, "authentication"),
        (&["models"], vendor("401 Unauthorized", "AuthenticationError"), 18, "authentication"),
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

/// What a service may say to the first question for a task that it has just created.
fn refusals() -> Vec<(&'static str, String)> {
    vec![
        ("404", vendor("404 Not Found", "ResourceNotFound")),
        ("404 page", http("404 Not Found", "<html>")),
        ("401", vendor("401 Unauthorized", "AuthenticationError")),
        ("403", vendor("403 Forbidden", "AccessDenied")),
        ("403 page", http("403 Forbidden", "<html>")),
        ("429", vendor("429 Too Many Requests", "AccountRateLimitExceeded")),
        ("429 quota", vendor("429 Too Many Requests", "SetLimitExceeded")),
        ("429 bare", http("429 Too Many Requests", "")),
        ("400", vendor("400 Bad Request", "InvalidParameter")),
        ("302", http("302 Found", "")),
        ("another task", task("succeeded", "").replace("cgt-1", "CGT-1")),
        ("nothing", String::new()),
    ]
}

const QUICK: [&str; 4] = ["--poll-interval", "200ms", "--timeout", "1s"];

async fn run_at(base: &str, line: &[&str]) -> (u8, serde_json::Value, String) {
    let shell = Shell::new().set("ARK_API_KEY", "a-key-of-nobody").set("ARK_BASE_URL", base);
    let ran = shell.run(&[&["--json"], line].concat()).await;
    let error = serde_json::from_str(ran.stderr.lines().last().unwrap_or_default()).unwrap_or_default();
    (ran.code, error, ran.stderr)
}

/// Rule: once a task exists, no exit code and no message says that nothing was created.
#[tokio::test(flavor = "multi_thread")]
async fn once_a_task_exists_the_exit_code_follows_it() {
    // Side by side, because each waits most of the time.
    let each = refusals().into_iter().map(|(name, refusal)| Box::pin(after_the_create(name, refusal)));
    futures_util::future::join_all(each).await;
}

/// Each command that meets the refusal when its task exists.
async fn after_the_create(name: &str, refusal: String) {
    let generate = [&["generate", "A cat.", "--no-download"][..], &QUICK].concat();
    let wait = [&["wait", "cgt-1"][..], &QUICK].concat();
    let many = ["wait", "cgt-1", "cgt-2", "--timeout", "1s"];
    let download = ["download", "cgt-1", "-o", "a.mp4"];
    // What may pass is asked for several times by `download`: seconds or minutes, and nothing
    // new.
    let passes = matches!(name, "429" | "429 bare" | "nothing");
    let lines = [&generate[..], &many, &wait, &download];
    for line in &lines[..if passes { 3 } else { 4 }] {
        let line = *line;
        let refusal = refusal.clone();
        let base = serving(move |request, _| match request.starts_with("POST") {
            true => http("200 OK", r#"{"id":"cgt-1"}"#),
            false => refusal.clone(),
        })
        .await;
        let (code, error, said) = run_at(&base, line).await;
        assert!([11, 13].contains(&code), "{name} {line:?}: {code} {said}");
        let lower = said.to_lowercase();
        for word in ["nothing was created", "nothing was sent", "nothing is billed"] {
            assert!(!lower.contains(word), "{name} {line:?}: {said}");
        }
        assert!(said.contains("cgt-1"), "{name} {line:?}: {said}");
        if line != many {
            assert_eq!(error["task_id"], "cgt-1", "{name} {line:?}: {said}");
            assert!(error["suggestion"].as_str().unwrap().contains("cgt-1"), "{name} {line:?}: {said}");
        }
    }
    // Said once, it is borne.
    let base = serving(move |request, before| match (request.starts_with("POST"), before) {
        (true, _) => http("200 OK", r#"{"id":"cgt-1"}"#),
        (_, 0) => refusal.clone(),
        _ => task("succeeded", ""),
    })
    .await;
    let line = ["generate", "A cat.", "--no-download", "--poll-interval", "200ms", "--timeout", "20s"];
    let (code, _, said) = run_at(&base, &line).await;
    assert_eq!(code, 0, "{name}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_fits_in_no_path_is_a_bill_all_the_same() {
    let long = "x".repeat(5_000);
    for (id, shown) in [
        ("..", r#"\"..\""#),
        (".", r#"\".\""#),
        ("", "no task id"),
        ("a/b", r#"\"a/b\""#),
        (r"a\\b", "a\\\\\\\\b"),
        (r"a\u0000", "a\\\\0"),
        (r"\u001b[2J", "u{1b}[2J"),
        (r"a\nb", "a\\\\nb"),
        (&long, "(5000 bytes)"),
    ] {
        let answer = http("200 OK", &format!(r#"{{"id":"{id}"}}"#));
        let base = answering(answer).await;
        let (code, error, said) = run_at(&base, &["generate", "A cat."]).await;
        assert_eq!((code, &error["kind"]), (12, &"outcome_unknown".into()), "{id}: {said}");
        assert!(said.contains(shown), "{shown}: {said}");
        assert!(said.contains("do not send it again") && said.contains("reconcile"), "{said}");
        assert!(
            !said.trim_end().contains(|c: char| c.is_control() && c != '\n') && said.len() < 4_000,
            "{said}"
        );
    }
}

/// A stranger's video was saved with exit code 0.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_task_is_an_error_with_both_ids() {
    for other in ["CGT-1", "cgt-2", "cgt-11", ".."] {
        let stranger = task("succeeded", r#","content":{"video_url":"http://127.0.0.1:1/a.mp4"}"#);
        let stranger = stranger.replace("cgt-1", other);
        let lists = http("200 OK", &format!(r#"{{"total":1,"items":[{{"id":"{other}"}}]}}"#));
        for line in [
            &["generate", "A cat.", "-o", "a.mp4", "--poll-interval", "200ms"][..],
            &["wait", "cgt-1", "--poll-interval", "200ms"],
            &["download", "cgt-1", "-o", "a.mp4"],
            &["get", "cgt-1"],
            &["list", "--ids", "cgt-1"],
        ] {
            let (stranger, lists) = (stranger.clone(), lists.clone());
            let base = serving(move |request, _| {
                if request.starts_with("POST") {
                    http("200 OK", r#"{"id":"cgt-1"}"#)
                } else if request.contains("/tasks/") {
                    // The length differs with the id.
                    let body = stranger.split_once("\r\n\r\n").unwrap().1;
                    http("200 OK", body)
                } else {
                    lists.clone()
                }
            })
            .await;
            let (code, _, said) = run_at(&base, line).await;
            assert_eq!(code, 13, "{line:?}: {said}");
            assert!(
                said.contains(&format!(r#"\"{other}\""#)) && said.contains(r#"\"cgt-1\""#),
                "{line:?}: {said}"
            );
        }
    }
}

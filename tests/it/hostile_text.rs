//! Hostile text in every field that the service sends and a command prints: nothing of it acts on a terminal, forges a
//! line, breaks out of a command in a hint, or becomes a tag of the page.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::cli::{Ran, Shell};

/// What no text of a service may do: move the cursor, set the title, ring, turn the direction, end a line, be a command,
/// be a tag.
fn hostile(word: &str) -> String {
    format!(
        "{word}\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1A\0\r\nerror: forged\u{202e}\u{2066}\u{200f}\u{feff}; touch PWNED $(PWNED) `PWNED` <b onclick=x>'\"{}",
        "x".repeat(5_000)
    )
}

fn task(id: &str, status: &str) -> Value {
    let mut task = json!({
        "id": id, "model": hostile("m"), "status": status, "created_at": 1_790_000_000, "updated_at": 1_790_000_001,
        "resolution": hostile("720p"), "ratio": hostile("16:9"), "duration": 5, "service_tier": hostile("default"),
        "output_format": hostile("mp4"), "safety_identifier": hostile("who"), hostile("field"): hostile("value"),
    });
    match status {
        "failed" => task["error"] = json!({ "code": hostile("Bad"), "message": hostile("no") }),
        "succeeded" => {
            task["content"] = json!({ "video_url": format!("http://127.0.0.1:9/{}", hostile("v")), "last_frame_url": hostile("l") });
            task["usage"] = json!({ "completion_tokens": 1, "total_tokens": 1 });
        }
        _ => {}
    }
    task
}

/// The answer to the next requests: status, and the body by method and path.
type Answer = fn(&str, &str) -> (u16, Value);

fn accepted(method: &str, path: &str, id: &str, status: &str) -> (u16, Value) {
    match (method, path) {
        ("POST", _) => (200, json!({ "id": id })),
        ("GET", "/api/v3/models") => (
            200,
            json!({ "object": "list", "data": [{ "id": hostile("m"), "name": hostile("n"),
            "status": hostile("s"), "domain": "VideoGeneration", "task_type": [hostile("t")] }] }),
        ),
        ("GET", path) if path.contains("tasks?") => {
            (200, json!({ "total": 2, "items": [task(id, status), task(&hostile("cgt-2"), "failed")] }))
        }
        ("GET", _) => (200, task(id, status)),
        _ => (200, json!({})),
    }
}

const ANSWERS: [(&str, Answer); 7] = [
    ("running", |method, path| accepted(method, path, "cgt-1", "running")),
    ("failed", |method, path| accepted(method, path, "cgt-1", "failed")),
    ("succeeded", |method, path| accepted(method, path, "cgt-1", "succeeded")),
    ("an unknown state", |method, path| accepted(method, path, "cgt-1", "pau\u{1b}[2Jsed")),
    ("another id", |method, path| accepted(method, path, &hostile("cgt-1"), "running")),
    ("refused", |_, _| {
        let error = json!({ "code": hostile("InvalidParameter"), "message": hostile("no"), "param": hostile("content[0]"), "type": hostile("BadRequest") });
        (400, json!({ "error": error, "request_id": hostile("02") }))
    }),
    ("refused in another form", |_, _| {
        (404, json!({ "code": hostile("x"), "message": hostile("no"), "detail": hostile("d") }))
    }),
];

const LINES: &[&[&str]] = &[
    &["get", "cgt-1"],
    &["list"],
    &["wait", "cgt-1", "--timeout", "0s"],
    &["wait", "cgt-1", "cgt-2", "--timeout", "0s"],
    &["download", "cgt-1", "-o", "d.mp4"],
    &["cancel", "cgt-1"],
    &["forget", "cgt-1", "--yes"],
    &["models"],
    &["generate", "A cat runs", "--no-wait"],
    &["generate", "A cat runs", "--timeout", "0s", "--no-download"],
    &["reconcile", "--since", "20m", "--model", "doubao-seedance-2-0-260128", "--once"],
];

/// A service that gives one answer at a time, on this machine.
struct Service {
    base_url: String,
    answer: Arc<Mutex<Answer>>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/api/v3", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(ANSWERS[0].1));
        let current = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let current = Arc::clone(&current);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut buffer = [0; 4096];
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(count) if count > 0 => head.extend(&buffer[..count]),
                            _ => return,
                        }
                    }
                    let text = String::from_utf8_lossy(&head).into_owned();
                    let mut words = text.split(' ');
                    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                    let (status, body) = (*current.lock().unwrap())(method, path);
                    let body = body.to_string();
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { base_url, answer }
    }
}

fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What of a line a shell would act on: everything outside of single quotes.
fn outside_quotes(line: &str) -> String {
    line.replace("'\\''", "").split('\'').step_by(2).collect()
}

fn must_be_harmless(what: &str, ran: &Ran, form: &str) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let raw = text.chars().find(|c| acts(*c));
        assert_eq!(raw, None, "{what}: raw in {stream}");
        for line in text.lines() {
            assert!(!line.starts_with("error: forged"), "{what}: a forged line in {stream}");
            if line.starts_with("hint: ") {
                assert!(!outside_quotes(line).contains("PWNED"), "{what}: {line}");
            }
            if form == "--json" && line.starts_with('{') {
                let read: Result<Value, _> = serde_json::from_str(line);
                assert!(read.is_ok(), "{what}: no JSON in {stream}: {line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_an_answer_acts_on_a_terminal_or_a_shell() {
    let service = Service::start().await;
    let shell = Shell::new().set("ARK_BASE_URL", &service.base_url).set("ARK_API_KEY", "a-key-of-nobody");
    let mut printed = 0;
    for (answer, give) in ANSWERS {
        *service.answer.lock().unwrap() = give;
        // A link that cannot be fetched is asked for again, for minutes; and one look at the list takes seconds.
        let slow = |verb: &str| match verb {
            "download" => answer == "succeeded",
            "reconcile" => answer != "another id",
            _ => false,
        };
        let lines = LINES.iter().filter(|line| !slow(line[0]));
        for line in lines {
            for form in ["--text", "--json", "--quiet"] {
                let line: Vec<&str> = line.iter().copied().chain([form]).collect();
                let ran = shell.run(&line).await;
                must_be_harmless(&format!("{answer}: {line:?}"), &ran, form);
                printed += usize::from(ran.stdout.contains("PWNED") || ran.stderr.contains("PWNED"));
            }
        }
    }
    assert!(printed >= 60, "hostile text is printed by {printed} runs only: they show nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_its_page_show_it_as_text() {
    let service = Service::start().await;
    let shell = Shell::new().set("ARK_BASE_URL", &service.base_url).set("ARK_API_KEY", "a-key-of-nobody");
    let list = "[defaults]\nmodel = \"doubao-seedance-2-0-260128\"\nduration = 4\n[[shots]]\nname = \"a\"\nprompt = \"A <b>kite</b>\u{202e}\"\n";
    fs::write(shell.folder.path().join("l.toml"), list).unwrap();
    let mut printed = 0;
    for (answer, give) in [ANSWERS[5], ANSWERS[1]] {
        *service.answer.lock().unwrap() = give;
        for line in [
            &["batch", "run", "l.toml"][..],
            &["batch", "status", "l.toml", "--all"],
            &["batch", "report", "l.toml"],
            &["batch", "export", "l.toml"],
            &["batch", "retry", "l.toml"],
        ] {
            for form in ["--text", "--json", "--quiet"] {
                let line: Vec<&str> = line.iter().copied().chain([form]).collect();
                let ran = shell.run(&line).await;
                must_be_harmless(&format!("{answer}: {line:?}"), &ran, form);
                printed += usize::from(ran.stdout.contains("PWNED") || ran.stderr.contains("PWNED"));
            }
            if line[1] == "status" {
                let page =
                    shell.run(&["batch", "report", "l.toml", "--html", "page.html", "--overwrite"]).await;
                assert_eq!(page.code, 0, "{}", page.stderr);
                let html = fs::read_to_string(shell.folder.path().join("page.html")).unwrap();
                assert_eq!(html.chars().find(|c| acts(*c) && *c != '\t'), None, "{answer}: raw in the page");
                assert!(
                    !html.contains("<b onclick") && !html.contains("<b>kite"),
                    "{answer}: a tag in the page"
                );
                assert!(html.contains("&lt;b&gt;kite"), "{answer}");
            }
        }
    }
    assert!(printed >= 4, "hostile text is printed by {printed} runs only");
}

/// Keys where no key belongs, and a service that repeats the one it got.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_wrong_place_is_not_shown() {
    const KEY: &str = "sk-SECRETKEY-0123456789abcdef";
    let echo: Answer = |_, _| {
        let message = format!("The API key {KEY} does not exist (Bearer {KEY}).");
        (
            401,
            json!({ "error": { "code": "AuthenticationError", "message": message, "param": KEY, "type": KEY } }),
        )
    };
    let service = Service::start().await;
    *service.answer.lock().unwrap() = echo;
    let url = service.base_url.as_str();
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(Shell::new().set("ARK_API_KEY", KEY), |shell, (name, value)| shell.set(name, value))
    };
    let uuid = "0f9e8d7c-1a2b-3c4d-5e6f-0123456789ab";
    for key in [KEY, uuid] {
        let lines: Vec<(Shell, Vec<&str>)> = vec![
            (with(&[("ARK_REGION", key)]), vec!["list"]),
            (with(&[("ARK_BASE_URL", key)]), vec!["config"]),
            (with(&[("ARK_BASE_URL", key)]), vec!["list"]),
            (with(&[("ARK_PROFILE", key)]), vec!["list"]),
            (with(&[]), vec!["list", "--api-key-file", key]),
            (with(&[]), vec!["list", "--profile", key]),
            (with(&[]), vec!["list", "--base-url", key]),
            (with(&[]), vec!["config", "--base-url", key]),
            (with(&[]), vec!["list", "--config", key]),
            (with(&[]), vec!["config", "--proxy", key]),
            (with(&[]), vec!["generate", key]),
            (with(&[]), vec![key]),
        ];
        for (shell, line) in lines {
            for form in ["--text", "--json"] {
                let ran = shell.run(&[line.as_slice(), &[form]].concat()).await;
                let shown = format!("{}{}", ran.stdout, ran.stderr);
                assert!(!shown.contains("SECRETKEY") && !shown.contains(uuid), "{line:?} {form}: {shown}");
            }
        }
        let shell = with(&[]);
        for (number, text) in [
            format!("{key} = 'x'\n"),
            format!("[{key}]\nmodel = 'm'\n"),
            format!("[profiles.a]\n{key} = 'x'\n"),
            format!("api_key_file = '{key}'\n"),
            format!("base_url = '{key}'\n"),
            format!("[profiles.{key}]\nmodel = 'm'\n"),
        ]
        .iter()
        .enumerate()
        {
            let name = format!("{number}.toml");
            fs::write(shell.folder.path().join(&name), text).unwrap();
            let mut world = vec!["list", "--config", &name];
            world.extend((number == 5).then_some(["--profile", "none"]).into_iter().flatten());
            let ran = Shell::run(&shell, &world).await;
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!shown.contains("SECRETKEY") && !shown.contains(uuid), "{text}: {shown}");
        }
    }
    for form in ["--text", "--json"] {
        for line in [&["list"][..], &["get", "cgt-1"], &["generate", "A cat runs"]] {
            let shell = with(&[("ARK_BASE_URL", url)]);
            let ran = shell.run(&[line, &[form]].concat()).await;
            assert!(
                ran.code != 0 && !format!("{}{}", ran.stdout, ran.stderr).contains("SECRETKEY"),
                "{line:?}: {}",
                ran.stderr
            );
        }
    }
}

//! `check`, `estimate`, `models --why`, `generate --dry-run` and `--max-cost`: what is known before
//! anything is paid. None of it needs a key or a network.

use std::fs;

use serde_json::Value;

use crate::check::RULES;
use crate::cli::{Ran, Shell};
use crate::examples;

fn path(name: &str) -> String {
    examples::repository("schema/examples").join(name).display().to_string()
}

/// Without the places of this machine.
fn plain(shell: &Shell, text: &str) -> String {
    let root = examples::repository("schema/examples").display().to_string();
    text.replace(&shell.folder.path().display().to_string(), "DIR").replace(&root, "EXAMPLES")
}

fn shown(shell: &Shell, ran: &Ran) -> String {
    plain(shell, &format!("exit {}\n--- stdout\n{}--- stderr\n{}", ran.code, ran.stdout, ran.stderr))
}

/// A PNG of this size, as far as its header goes.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    bytes.extend(b"\x08\x02\0\0\0\0\0\0\0");
    bytes
}

/// A video of 1 MB, 30 seconds long.
fn video() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x14ftypisom\0\0\x02\0isom\0\x10\0\0mdat".to_vec();
    bytes.resize(20 + (1 << 20), 0);
    let mut header = [0; 108];
    header[..8].copy_from_slice(b"\0\0\0\x6cmvhd");
    header[20..28].copy_from_slice(&[0, 0, 0, 24, 0, 0, 2, 0xD0]);
    bytes.extend(b"\0\0\0\x74moov");
    bytes.extend(header);
    bytes
}

fn with_media() -> Shell {
    let shell = Shell::new();
    let write = |name: &str, bytes: &[u8]| fs::write(shell.folder.path().join(name), bytes).unwrap();
    write("cat.png", &png(800, 600));
    write("tiny.png", &png(299, 600));
    write("hero.mov", &video());
    shell
}

#[tokio::test]
async fn every_refused_example_names_its_rule_and_its_code() {
    let expected: Vec<Value> = serde_json::from_str(&examples::read("refused/expected.json")).unwrap();
    assert_eq!(expected.len(), RULES.len());
    for entry in expected {
        let file = entry["file"].as_str().unwrap();
        let rule = RULES.iter().find(|(known, _)| *known == file).unwrap().1;
        let later = entry["when"] == "async";
        let name = path(&format!("refused/{file}"));
        let ran = Shell::new().run(&["check", &name]).await;
        assert_eq!(ran.code, if later { 0 } else { 4 }, "{file}: {}", ran.stderr);
        let report = ran.json();
        assert_eq!(
            (&report["refused"], &report["file"]),
            (&(!later).into(), &name.as_str().into()),
            "{file}"
        );
        let found = report["findings"].as_array().unwrap().iter();
        let found = found.clone().find(|found| found["rule"] == rule && found["pointer"] == entry["pointer"]);
        let found = found.unwrap_or_else(|| panic!("{file}: no {rule}: {report}"));
        assert_eq!((&found["code"], &found["http"]), (&entry["code"], &entry["http"]), "{file}");
        let text = Shell::new().run(&["check", "--text", &name]).await;
        assert!(
            text.stdout.contains(&format!("[{rule}; ")) && text.stdout.contains(&name),
            "{}",
            text.stdout
        );
    }
}

#[tokio::test]
async fn every_accepted_example_ends_with_0() {
    let mut names = Vec::new();
    for (file, _) in examples::files("requests") {
        let name = path(&format!("requests/{file}"));
        let ran = Shell::new().run(&["check", &name]).await;
        assert_eq!((ran.code, ran.json()["refused"].as_bool()), (0, Some(false)), "{file}: {}", ran.stdout);
        names.push(name);
    }
    let mut line = vec!["check", "--json"];
    line.extend(names.iter().map(String::as_str));
    let all = Shell::new().run(&line).await;
    assert_eq!((all.code, all.stdout.lines().count(), all.stderr.as_str()), (0, names.len(), ""));
}

#[tokio::test]
async fn people_read_of_their_flags_and_files() {
    let shell = with_media();
    let line = [
        "check",
        "--text",
        "Like Image 3, with Video 1 --rs 720p --fps 60",
        "--ref",
        "hero.mov",
        "--ref",
        "tiny.png",
        "--ref",
        "https://media.example.com/b.mp3?X-Tos-Signature=hidden",
        "-d",
        "3",
        "--tier",
        "flex",
        "--extra-body",
        r#"{"generateAudio": true}"#,
    ];
    let ran = shell.run(&line).await;
    insta::assert_snapshot!("flags", shown(&shell, &ran));
    let names = [path("refused/x15-auto-read-as-edit.json"), path("refused/x17-role-inside-image-url.json")];
    let ran = shell.run(&["check", "--text", &names[0], &names[1], "--resolution", "8k"]).await;
    insta::assert_snapshot!("files", shown(&shell, &ran));
    let name = path("requests/p34-endpoint-priority-end-user.json");
    insta::assert_snapshot!("endpoint", shown(&shell, &shell.run(&["check", "--text", &name]).await));
}

#[tokio::test]
async fn all_that_is_wrong_with_json_is_said_at_once() {
    let shell = Shell::new();
    let text = r#"{"model": 3, "content": [{"type": "text", "text": "SECRET"}, {"type": "image_url", "image_url": "SECRET"}], "seed": "x"}"#;
    fs::write(shell.folder.path().join("r.json"), text).unwrap();
    let ran = shell.run(&["check", "--text", "r.json"]).await;
    assert!(!ran.stdout.contains("SECRET") && !ran.stderr.contains("SECRET"));
    insta::assert_snapshot!("malformed", shown(&shell, &ran));
    let forced = shell.run(&["check", "--force", "r.json"]).await;
    assert_eq!(forced.code, 4, "what is no request stays none");
    let piped = shell.run_with(&["check", "-"], |env| env.stdin = Box::new(&br#"{"model": "m"}"#[..])).await;
    assert_eq!(
        (piped.code, piped.json()["findings"][0]["origin"].as_str()),
        (4, Some("standard input: content"))
    );
}

#[tokio::test]
async fn force_makes_warnings_of_refusals() {
    let shell = Shell::new();
    let name = path("refused/x06-4k-on-2-0-fast.json");
    let ran = shell.run(&["check", "--force", &name]).await;
    assert_eq!(
        (ran.code, ran.json()["findings"][0]["strength"].as_str()),
        (0, Some("warn")),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn a_newer_catalog_changes_what_is_refused_and_what_it_costs() {
    let shell = Shell::new();
    let newer = r#"{"families": {"2.0-fast": {"resolution": {"value": ["480p", "720p", "4k"], "source": "D-create"}}},
        "prices": [{"site": "volcengine", "currency": "CNY", "families": ["2.0"], "resolution": ["720p"], "input_video": false,
                    "tier": "default", "per_million_tokens": "1.00"}]}"#;
    fs::write(shell.folder.path().join("newer.json"), newer).unwrap();
    let name = path("refused/x06-4k-on-2-0-fast.json");
    assert_eq!(shell.run(&["check", &name]).await.code, 4);
    assert_eq!(shell.run(&["check", &name, "--catalog", "newer.json"]).await.code, 0);
    let line = ["estimate", "A boat.", "--ratio", "16:9", "-d", "5", "--catalog", "newer.json"];
    let estimate = shell.run(&line).await.json();
    assert_eq!(estimate["price"]["max"], "0.1089");
    let why = shell.run(&["models", "--why", "2.0-fast", "4k", "--catalog", "newer.json"]).await.json();
    assert_eq!((&why[0]["takes"], &why[0]["cell"]["value"][2]), (&true.into(), &"4k".into()));
    fs::write(shell.folder.path().join("bad.json"), r#"{"families": {"2.0": {"seed": {"value": 5}}}}"#)
        .unwrap();
    let bad = shell.run(&["check", "A boat.", "--catalog", "bad.json"]).await;
    assert_eq!((bad.code, bad.stderr.contains("/families/2.0/seed")), (3, true), "{}", bad.stderr);
    assert_eq!(shell.run(&["models", "--catalog", "none.json"]).await.code, 5);
}

#[tokio::test]
async fn an_estimate_is_a_range_with_its_reasons() {
    let shell = Shell::new();
    let line = ["estimate", "--text", "A boat.", "--ratio", "16:9", "-d", "5", "--resolution", "1080p"];
    insta::assert_snapshot!("estimate", shown(&shell, &shell.run(&line).await));
    let line = [
        "estimate",
        "--text",
        "Edit Video 1.",
        "--ref",
        "https://h/a.mp4",
        "-m",
        "dreamina-seedance-2-5-260628",
    ];
    insta::assert_snapshot!("estimate_of_a_range", shown(&shell, &shell.run(&line).await));
    let line = ["estimate", "A boat.", "--ratio", "16:9", "-d", "5", "-m", "ep-1"];
    let unknown = shell.run(&line).await.json();
    assert_eq!((&unknown["tokens"], &unknown["price"]), (&Value::Null, &Value::Null));
    let refused = shell.run(&["estimate", "A boat.", "-d", "99"]).await;
    assert!(refused.code == 0 && refused.stderr.contains("is not valid"), "{}", refused.stderr);
}

#[tokio::test]
async fn nothing_is_sent_that_may_cost_more_than_allowed() {
    // Nothing listens there: what tries to send ends with 7.
    let shell = Shell::new().set("ARK_API_KEY", "a-key").set("ARK_BASE_URL", "http://127.0.0.1:9/api/v3");
    let line =
        |limit: &'static str| ["generate", "A boat.", "--ratio", "16:9", "-d", "5", "--max-cost", limit];
    for (limit, code) in
        [("5.00CNY", 4), ("5.01CNY", 7), ("108899tokens", 4), ("108900tokens", 7), ("9USD", 4), ("5", 2)]
    {
        assert_eq!(shell.run(&line(limit)).await.code, code, "{limit}");
    }
    let ran = shell.run(&line("5.00CNY")).await;
    insta::assert_snapshot!("max_cost", shown(&shell, &ran));
    let unknown = shell.run(&["generate", "A boat.", "-m", "ep-1", "--max-cost", "5CNY"]).await;
    insta::assert_snapshot!("max_cost_unknown", shown(&shell, &unknown));
    assert_eq!(shell.files(), [""; 0]);
}

#[tokio::test]
async fn a_refused_request_is_not_sent_unless_forced() {
    let shell = Shell::new().set("ARK_API_KEY", "a-key").set("ARK_BASE_URL", "http://127.0.0.1:9/api/v3");
    let ran = shell.run(&["generate", "A boat --foo 1", "-d", "3"]).await;
    insta::assert_snapshot!("generate_refused", shown(&shell, &ran));
    let ran = shell.run(&["--json", "generate", "A boat.", "-d", "3"]).await;
    let error: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    let finding = &error["findings"][0];
    assert_eq!(
        (&error["kind"], &finding["rule"], &finding["origin"]),
        (&"request".into(), &"duration".into(), &"--duration".into())
    );
    let forced = shell.run(&["generate", "A boat.", "-d", "3", "--force"]).await;
    assert_eq!(forced.code, 7);
    assert!(forced.stderr.starts_with("warning: --duration: "), "{}", forced.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_says_is_about_the_users_flag() {
    let shell = with_media();
    let line = [
        "generate",
        "--simulate",
        "Like Image 1.",
        "--ref",
        "cat.png",
        "--ref",
        "https://face.example/b.png",
    ];
    let ran = shell.run(&line).await;
    assert_eq!(ran.code, 8, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("input image 'content[2]' (--ref https://face.example/b.png) may contain real person"),
        "{}",
        ran.stderr
    );
    let line = ["--json", "generate", "--simulate", "A boat.", "-d", "3", "--force"];
    let ran = shell.run(&line).await;
    let error: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((ran.code, &error["param"], &error["origin"]), (8, &"duration".into(), &"--duration".into()));
    assert!(error["message"].as_str().unwrap().contains("duration (--duration)"), "{error}");
    // Accepted, and failed later.
    let edit = path("refused/x15-auto-read-as-edit.json");
    let ran = shell.run(&["generate", "--simulate", &edit, "--ratio", "16:9", "--no-download"]).await;
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert!(ran.stderr.contains("`ratio` (--ratio)"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_dry_run_says_everything_and_sends_nothing() {
    let shell = with_media();
    let line =
        ["generate", "She turns. --dur 5", "--first-frame", "cat.png", "--lift", "--dry-run", "--text"];
    let ran = shell.run(&line).await;
    insta::assert_snapshot!("dry_run", shown(&shell, &ran));
    let line = ["generate", "She turns.", "--first-frame", "cat.png", "-d", "3", "--dry-run", "--json"];
    let ran = shell.run(&line).await;
    let report = ran.json();
    let data = format!("data:image/png;base64,{}", base64(&png(800, 600)));
    assert_eq!(report["body"]["content"][1]["image_url"]["url"], data, "the exact body, read from the file");
    let body = ran.stdout.split_once("\"body\":").unwrap().1.strip_suffix("}\n").unwrap();
    assert_eq!(report["body_bytes"], body.len());
    assert_eq!((ran.code, &report["report"]["refused"]), (4, &true.into()));
    assert_eq!(
        (&report["report"]["media"][0]["width"], &report["estimate"]["family"]),
        (&800.into(), &"2.0".into())
    );
    let bare = shell
        .run(&["generate", "She turns.", "--first-frame", "cat.png", "-d", "3", "--dry-run", "-q"])
        .await;
    assert_eq!(bare.stdout.trim_end(), body);
}

/// Standard base64, to hold against.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[tokio::test]
async fn the_catalog_says_who_says_so() {
    let shell = Shell::new();
    let mut all = String::new();
    for (subject, topic) in [
        ("2.5", "1080p"),
        ("2.0-fast", "4k"),
        ("doubao-seedance-2-0-260128", "duration"),
        ("2.0", "16s"),
        ("2.5", "flex"),
        ("2.0", "seed"),
        ("2.5", "nonsense"),
        ("9.9", "seed"),
    ] {
        let ran = shell.run(&["models", "--text", "--why", subject, topic]).await;
        all.push_str(&format!("$ models --why {subject} {topic}\n{}\n", shown(&shell, &ran)));
    }
    insta::assert_snapshot!("why", all);
}

#[tokio::test]
async fn without_a_key_the_models_are_those_of_the_catalog() {
    let shell = Shell::new();
    let ran = shell.run(&["models", "--text"]).await;
    insta::assert_snapshot!("models", shown(&shell, &ran));
    let with_key = Shell::new().set("ARK_API_KEY", "a-key").set("ARK_BASE_URL", "http://127.0.0.1:9/api/v3");
    let offline = with_key.run(&["models", "--offline", "2-0-fast", "-q"]).await;
    assert_eq!(offline.stdout, "doubao-seedance-2-0-fast-260128\ndreamina-seedance-2-0-fast-260128\n");
    assert_eq!(with_key.run(&["models"]).await.code, 7, "with a key, the service is asked");
    let known = shell.run(&["models", "--offline"]).await.json();
    assert_eq!(known["models"][0]["duration"]["max"], 30);
}

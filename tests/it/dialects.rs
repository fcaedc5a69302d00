//! What our own client makes of resellers' ways of answering: it pays once under each, it never
//! takes an unfinished task for a finished one, and where it cannot go on it says so.

use std::time::Duration;

use ark_video::model::CreateTaskRequest;
use ark_video_simulator::{Dialect, InProcess, Options};
use regex::Regex;
use serde_json::json;

use crate::cli::Shell;

fn request() -> CreateTaskRequest {
    serde_json::from_value(json!({
        "model": "doubao-seedance-1-0-pro-fast-251015", "content": [{ "type": "text", "text": "A paper boat." }],
    }))
    .unwrap()
}

/// Creates a task and waits up to an hour for it; what came of it, in a line.
async fn outcome(dialect: &Dialect) -> String {
    let simulator = InProcess::new(Options::default().dialect(dialect.clone()));
    let client = simulator.client().build().unwrap();
    let came = match client.create(request()).await {
        Err(error) => format!("create: {}", error.message()),
        Ok(handle) => match handle.wait().timeout(Duration::from_secs(3600)).await {
            Err(error) => format!("wait: {}", error.message()).replace(handle.id(), "ID"),
            Ok(task) => {
                let link = task.content.and_then(|content| content.video_url);
                format!("{}, {}", task.status, if link.is_some() { "with a link" } else { "without a link" })
            }
        },
    };
    simulator.advance(Duration::from_secs(60));
    let bills = simulator.bills().len();
    assert_eq!(bills, 1, "{}: one create is one bill", dialect.name());
    let sentence = came.lines().next().unwrap_or_default();
    format!("{:<16}{sentence}", dialect.name())
}

#[tokio::test]
async fn our_client_under_every_dialect() {
    let mut lines = Vec::new();
    for dialect in Dialect::all() {
        lines.push(outcome(dialect).await);
    }
    let mut text = lines.join("\n");
    for (pattern, shown) in [
        (r"request id [0-9A-Za-z]+", "request id ID"),
        (r"the service's [0-9a-z]+", "the service's ID"),
        (r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, shown).into_owned();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_that_there_is_not_is_refused_with_those_there_are() {
    let shell = Shell::new();
    std::fs::write(shell.folder.path().join("own.json"), r#"{"name": "own"}"#).unwrap();
    for (dialect, code, text) in [
        ("klingon", 2, "one of: seedance-prefix, volc-prefix, wrapped"),
        ("none.json", 5, "cannot read none.json"),
        ("own.json", 3, "missing field `about`"),
    ] {
        let ran = shell.run(&["simulate", "--addr", "127.0.0.1:0", "--dialect", dialect]).await;
        assert!(ran.code == code && ran.stderr.contains(text), "{dialect}: {} {}", ran.code, ran.stderr);
    }
    let help = shell.run(&["simulate", "--help"]).await.stdout;
    for dialect in Dialect::all() {
        assert!(help.contains(dialect.name()), "{help}");
    }
}

/// What the checks take by the user's catalog, the simulator behind `--simulate` takes too.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_simulator_goes_by_the_users_catalog() {
    let shell = Shell::new();
    let duration = json!({ "min": 2, "max": 14, "auto": false, "default": 5 });
    let newer = json!({ "families": { "1.0-pro-fast": { "duration": { "value": duration } } } });
    std::fs::write(shell.folder.path().join("newer.json"), newer.to_string()).unwrap();
    let line = "generate --simulate --no-download -m doubao-seedance-1-0-pro-fast-251015 --resolution 480p -d 14 boat";
    let line: Vec<&str> = line.split(' ').collect();
    let refused = shell.run(&[&line[..], &["--force"]].concat()).await;
    assert!(refused.code == 8 && refused.stderr.contains("duration"), "{}", refused.stderr);
    let ran = shell.run(&[&line[..], &["--catalog", "newer.json", "--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["duration"], 14);
    let missing = shell.run(&["simulate", "--catalog", "none.json"]).await;
    assert_eq!(missing.code, 5, "{}", missing.stderr);
}

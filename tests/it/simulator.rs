//! Our own client against the simulator without a socket, on a clock that moves while a client
//! waits; and the audit of a command.

use std::time::Duration;

use ark_video::{Client, model::CreateTaskRequest};
use ark_video_simulator::{Effect, Envelope, FaultPlan, InProcess, Options};
use serde_json::json;

use crate::cli::Shell;

fn client(simulator: &InProcess) -> Client {
    simulator.client().build().unwrap()
}

/// The smallest video that there is.
fn small(prompt: &str) -> CreateTaskRequest {
    serde_json::from_value(json!({
        "model": "doubao-seedance-1-0-pro-fast-251015", "content": [{ "type": "text", "text": prompt }],
        "resolution": "480p", "ratio": "1:1", "frames": 29,
    }))
    .unwrap()
}

#[tokio::test]
async fn a_task_of_an_hour_is_made_waited_for_and_saved_in_no_time() {
    let simulator = InProcess::new(Options::default().running(Duration::from_secs(3600)));
    let client = client(&simulator);
    let handle = client.create(small("A paper boat.")).await.unwrap();
    let task = handle.wait().await.unwrap();
    assert!(task.content.is_some());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boat.mp4");
    handle.download(&path).await.unwrap();
    assert_eq!(&std::fs::read(&path).unwrap()[4..8], b"ftyp");
    let ledger = simulator.ledger();
    assert_eq!((ledger.billed, ledger.never_downloaded.len(), ledger.never_seen.len()), (1, 0, 0));
}

/// The first promise, for everything that can go wrong with a create: it is sent once, whatever
/// comes back.
#[tokio::test]
async fn no_fault_makes_our_client_pay_twice() {
    let status = |status, envelope, accepted| Effect::Status {
        status,
        code: None,
        message: None,
        envelope,
        accepted,
        retry_after: None,
    };
    for effect in [
        Effect::DropBeforeAccept { reset: false },
        Effect::DropBeforeAccept { reset: true },
        Effect::AcceptThenDrop { reset: false },
        Effect::AcceptThenDrop { reset: true },
        Effect::HangBeforeAccept { seconds: 600 },
        Effect::HangAfterAccept { seconds: 600 },
        Effect::HalfAnswer,
        Effect::Garbage,
        Effect::HalfHead,
        Effect::EmptyAnswer,
        Effect::CutJson,
        Effect::EmptyId,
        Effect::NoId,
        Effect::WrongContentType,
        Effect::Html502 { accepted: true },
        Effect::Html502 { accepted: false },
        status(500, Envelope::Nested, true),
        status(500, Envelope::Empty, true),
        status(503, Envelope::Html, true),
        status(504, Envelope::Detail, false),
    ] {
        let simulator = InProcess::new(Options::default());
        simulator.fail_next(effect.clone()).unwrap();
        let client = client(&simulator);
        let outcome = client.create(small("A paper boat.")).await;
        simulator.advance(Duration::from_secs(3600));
        let ledger = simulator.ledger();
        assert!(ledger.accepted <= 1, "{effect:?}: {} tasks for one intent", ledger.accepted);
        if let Err(error) = outcome
            && ledger.accepted == 1
        {
            assert!(
                error.is_outcome_unknown() || error.task_id().is_some(),
                "{effect:?}: nobody would know: {error}"
            );
        }
    }
}

#[tokio::test]
async fn the_vendors_oddities_do_not_break_a_wait() {
    for text in [
        "[[fault:unknown_status on=get hits=2]]",
        "[[fault:string_times]]",
        "[[fault:float_numbers]]",
        "[[fault:extra_fields on=get]]",
        "[[fault:status on=get status=503 hits=2]]",
        "[[fault:html_502 on=get hits=2]]",
        "[[fault:drop_before_accept on=get hits=2]]",
        "[[fault:half_answer on=get hits=1]]",
        "[[fault:delay on=get millis=5000]]",
    ] {
        let simulator = InProcess::new(Options::default());
        let client = client(&simulator);
        let handle = client.create(small(&format!("A paper boat. {text}"))).await.unwrap();
        let task = handle.wait().await.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(task.status, ark_video::model::TaskStatus::Succeeded, "{text}");
        assert_eq!(simulator.bills().len(), 1, "{text}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_reports_and_passes_the_exit_code_on() {
    let shell = Shell::new();
    let quiet = shell
        .run(&[
            "simulate",
            "--json",
            "--audit",
            "--",
            "sh",
            "-c",
            "test -n \"$ARK_BASE_URL\" && test -n \"$ARK_API_KEY\"",
        ])
        .await;
    assert_eq!((quiet.code, &quiet.json()["accepted"]), (0, &json!(0)), "{}", quiet.stderr);
    let ended = shell.run(&["simulate", "--text", "--audit", "--", "sh", "-c", "exit 3"]).await;
    assert_eq!((ended.code, ended.stdout.lines().next()), (3, Some("accepted 0, ran 0, billed 0: 0 tokens")));
    let missing = shell.run(&["simulate", "--audit", "--", "no-such-command-here"]).await;
    assert_eq!(missing.code, 5, "{}", missing.stderr);
    assert_eq!(shell.run(&["simulate", "--audit"]).await.code, 2, "there is nothing to audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_switches_and_states_that_make_no_sense_are_refused_at_once() {
    let shell = Shell::new();
    let write = |name: &str, text: &str| std::fs::write(shell.folder.path().join(name), text).unwrap();
    write("bad.toml", "[[rules]]\neffect = { fault = \"explode\" }\n");
    write("state.json", "{}");
    for (line, code, text) in [
        (&["simulate", "--faults", "bad.toml"][..], 3, "explode"),
        (&["simulate", "--faults", "none.toml"], 5, "none.toml"),
        (&["simulate", "--state", "state.json"], 3, "saved state"),
        (&["simulate", "--switch", "delete-canceled=ok"], 2, "delete-cancelled"),
        (&["simulate", "--rates", "rich"], 2, "personal"),
        (&["simulate", "--manual-clock", "--speed", "2x"], 2, "--speed"),
    ] {
        let ran = shell.run(&[line, &["--addr", "127.0.0.1:0"]].concat()).await;
        assert!(ran.code == code && ran.stderr.contains(text), "{line:?}: {} {}", ran.code, ran.stderr);
    }
}

#[test]
fn the_guide_shows_code_that_runs() {
    let guide = include_str!("../../docs/guide/test-without-paying.md");
    let (_, example) = include_str!("guide_example.rs").trim_end().split_once("\n\n").unwrap();
    assert!(
        guide.contains(&format!("```rust\n{example}\n```")),
        "copy tests/it/guide_example.rs into the guide"
    );
    // The error of an unknown fault lists all names; each is in the guide's table.
    let error = FaultPlan::from_json(r#"{"rules":[{"effect":{"fault":"?"}}]}"#).unwrap_err().to_string();
    let names: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    assert!(names.len() > 35, "{error}");
    for name in names.into_iter().filter(|name| !["refuse", "fail"].contains(name)) {
        assert!(guide.contains(&format!("`{name}`")), "the guide does not name {name}");
    }
}

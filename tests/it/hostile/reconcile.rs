//! `reconcile` and `generate --resume` after a create without an answer: candidates, ids and
//! reasons of the service.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::answers::{Api, MODEL, Schemas, tasks};
use super::service::{Reply, Request, Service};
use super::{SPEED, each, hostile, is_hostile, run, shell};
use crate::cli::Shell;

/// What the list says about a create without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Two that fit.
    Two,
    /// One with the marks of the create, under an odd id that can be used.
    Marked,
    /// The same, under an id that cannot.
    BadId,
    /// Tasks of another model.
    Others,
    /// Two that fit, and one more that is counted and not shown.
    Incomplete,
    /// No list.
    Answer(Api),
}

const LISTED: [Listed; 11] = [
    Listed::Two,
    Listed::Marked,
    Listed::BadId,
    Listed::Others,
    Listed::Incomplete,
    Listed::Answer(Api::NumbersAsText),
    Listed::Answer(Api::Error(400, 1)),
    Listed::Answer(Api::Error(503, 0)),
    Listed::Answer(Api::Page),
    Listed::Answer(Api::CutShort),
    Listed::Answer(Api::Noise),
];

impl Listed {
    /// `sent` is the create, and when it came.
    fn reply(self, schemas: &Schemas, request: &Request, sent: &(Value, i64)) -> Reply {
        if let Self::Answer(api) = self {
            return api.reply(schemas, request);
        }
        let fits = |task: &mut Value| {
            // Settings that speak for another create are left out.
            let kept = ["id", "model", "status", "created_at", "error", "failure_reason", "revised_prompt"];
            task.as_object_mut().unwrap().retain(|field, _| kept.contains(&field.as_str()));
            (task["status"], task["created_at"]) = (json!("failed"), json!(sent.1));
            task["model"] =
                json!(if self == Self::Others { "doubao-seedance-1-0-pro-250528" } else { MODEL });
            let is_odd = task["id"] != "cgt-1";
            if matches!(self, Self::Marked | Self::BadId) && is_odd {
                task["execution_expires_after"] = sent.0["execution_expires_after"].clone();
            }
            if self == Self::BadId && is_odd {
                task["id"] = json!(hostile("cgt-2"));
            }
        };
        if self == Self::Incomplete && request.is_list() {
            let items = ["cgt-1", "cgt-3"].map(|id| {
                let mut task = schemas.body("Task", &json!(5));
                task["id"] = json!(id);
                fits(&mut task);
                task
            });
            return Reply::json(200, &json!({ "total": 3, "items": items }));
        }
        tasks(schemas, request, &json!(5), &fits)
    }
}

/// The create that is lost, and what is asked about it.
const LINES: [(&[&str], &[&str]); 7] = [
    (&["-o", "o.mp4"], &["reconcile", "o.mp4"]),
    (&["-o", "o.mp4"], &["reconcile", "o.mp4", "--once", "--not", "cgt-1"]),
    (&[], &["reconcile", "error.json"]),
    (&[], &["reconcile", "RECORD"]),
    (&[], &["reconcile", "--since", "20m", "--model", MODEL, "--exclusive"]),
    (&["-o", "o.mp4"], &["generate", "A cat runs", "--resume", "-o", "o.mp4"]),
    (&[], &["generate", "A cat runs", "--resume", "--no-wait"]),
];

#[test]
fn nothing_that_a_lost_create_is_compared_with_acts_on_a_terminal_or_a_shell() {
    let hostile = each(LISTED, async |listed| {
        let schemas = Arc::new(Schemas::read());
        let sent = Arc::new(Mutex::new((Value::Null, 0)));
        let service = Service::start(SPEED, |_| Reply::raw(b"")).await;
        let mut hostile = 0;
        for (create, line) in LINES {
            for form in ["--text", "--json"] {
                let shell = shell(&service);
                let record = lose(&service, &shell, create, &sent).await;
                let line: Vec<&str> =
                    line.iter().map(|word| if *word == "RECORD" { record.as_str() } else { word }).collect();
                let (schemas, sent) = (Arc::clone(&schemas), Arc::clone(&sent));
                service.set(move |request| listed.reply(&schemas, request, &sent.lock().unwrap()));
                let about = format!("{listed:?} after {create:?}");
                let first = run(&service, &shell, &about, &line, form).await;
                // What was found is remembered, and named by the next command.
                if listed == Listed::Marked {
                    run(&service, &shell, &about, &line, form).await;
                }
                hostile += usize::from(is_hostile(&first));
            }
        }
        hostile
    });
    // Of others' tasks only their number is shown, and nothing of what cannot be read.
    for (listed, count) in LISTED.iter().zip(&hostile) {
        let shows = !matches!(listed, Listed::Others | Listed::Answer(_))
            || *listed == Listed::Answer(Api::Error(400, 1));
        assert!(!shows || *count > 0, "{listed:?}: hostile text was not shown");
    }
}

/// Sends a create that gets no answer. Gives the id of its record, or the name of its video.
async fn lose(service: &Service, shell: &Shell, create: &[&str], sent: &Arc<Mutex<(Value, i64)>>) -> String {
    let here = Arc::clone(sent);
    service.set(move |request| {
        *here.lock().unwrap() = (request.body.clone(), request.now);
        Reply::raw(b"")
    });
    let line = [&["generate", "A cat runs"], create].concat();
    let ran = run(service, shell, "a lost create", &line, "--json").await;
    assert_eq!(ran.code, 12, "{}", ran.stderr);
    let error = ran.stderr.lines().last().unwrap();
    fs::write(shell.folder.path().join("error.json"), error).unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    let suggestion = error["suggestion"].as_str().unwrap();
    suggestion.split("reconcile ").nth(1).unwrap().split(';').next().unwrap().to_owned()
}

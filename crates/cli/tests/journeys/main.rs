//! The command over several runs, against a simulator that misbehaves: what was started is
//! finished, and billed once.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod kill_generate;
mod network;
mod resume;
mod shells;
mod signals;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ark_video::model::TaskStatus;
use ark_video::provenance::{Progress, Sidecar};
use ark_video_cli::Env;
use ark_video_simulator::{Effect, FaultPoint, FaultRule, Options, Simulator};
use serde_json::Value;
use tempfile::TempDir;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Ran {
    code: u8,
    stdout: String,
    stderr: String,
}

/// A folder and a simulator whose time runs a hundred times as fast.
struct Shell {
    folder: TempDir,
    state: TempDir,
    simulator: Simulator,
}

impl Shell {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let simulator = Simulator::builder().options(options).speed(100.0).start().await.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap(), simulator }
    }

    async fn run(&self, line: &[&str]) -> Ran {
        self.run_with(line, "").await
    }

    async fn run_with(&self, line: &[&str], stdin: &str) -> Ran {
        self.run_in(line, stdin, &self.state.path().display().to_string()).await
    }

    /// Runs with another state directory.
    async fn run_at(&self, line: &[&str], state: &str) -> Ran {
        self.run_in(line, "", state).await
    }

    async fn run_in(&self, line: &[&str], stdin: &str, state: &str) -> Ran {
        let (stdout, stderr) = (Page::default(), Page::default());
        let mut env = Env::new(["ark-video"].iter().chain(line), self.folder.path());
        env.env.insert("ARK_BASE_URL".to_owned(), self.simulator.base_url().to_owned());
        env.env.insert("ARK_API_KEY".to_owned(), self.simulator.api_key().to_owned());
        env.env.insert("ARK_STATE_DIR".to_owned(), state.to_owned());
        env.stdin = Box::new(std::io::Cursor::new(stdin.as_bytes().to_vec()));
        env.stdout = Box::new(stdout.clone());
        env.stderr = Box::new(stderr.clone());
        let code = ark_video_cli::run(env).await;
        Ran { code, stdout: stdout.text(), stderr: stderr.text() }
    }

    /// Runs and expects success.
    async fn ok(&self, line: &[&str]) -> Ran {
        let ran = self.run(line).await;
        assert_eq!(ran.code, 0, "{line:?}: {}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Tasks that were ever created, by any way.
    async fn created(&self) -> usize {
        let listed: Value =
            serde_json::from_str(&self.ok(&["--json", "list", "-n", "100"]).await.stdout).unwrap();
        listed["items"].as_array().unwrap().len()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn sidecar(&self) -> Sidecar {
        Sidecar::read(&self.folder.path().join("cat.mp4")).unwrap().unwrap()
    }
}

const CAT: [&str; 10] =
    ["generate", "A cat.", "-d", "4", "--resolution", "480p", "-o", "cat.mp4", "--poll-interval", "200ms"];

fn cat(more: &[&'static str]) -> Vec<&'static str> {
    CAT.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_not_done_again() {
    let shell = Shell::new().await;
    shell.ok(&CAT).await;
    assert_eq!(shell.files(), ["cat.mp4", "cat.mp4.ark-video.json"]);
    let sidecar = shell.sidecar();
    assert_eq!(sidecar.progress, Progress::Downloaded);
    assert_eq!(sidecar.provenance.unwrap().request["content"][0]["text"], "A cat.");
    assert_eq!(sidecar.task.unwrap()["status"], TaskStatus::Succeeded.as_str());
    let again = shell.ok(&cat(&["--resume"])).await;
    assert!(again.stderr.contains("cat.mp4 is already complete; nothing was sent"), "{}", again.stderr);
    assert_eq!(shell.run(&CAT).await.code, 6, "without --resume the name is taken");
    assert_eq!(shell.created().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stopped_waiting_is_taken_up_by_the_same_command() {
    let shell = Shell::with(Options::default().queued(Duration::from_secs(300))).await;
    let stopped = shell.run(&cat(&["--timeout", "1ms"])).await;
    assert_eq!((stopped.code, shell.sidecar().progress), (11, Progress::Submitted));
    let careless = shell.run(&CAT).await;
    assert_eq!(careless.code, 6, "{}", careless.stderr);
    assert!(careless.stderr.contains("add --resume to continue it"), "{}", careless.stderr);
    let other = shell.run(&["generate", "A dog.", "-o", "cat.mp4", "--resume"]).await;
    assert_eq!(other.code, 6);
    assert!(other.stderr.contains("belongs to another request"), "{}", other.stderr);
    shell.simulator.advance(Duration::from_secs(400));
    shell.ok(&cat(&["--resume"])).await;
    assert_eq!((shell.created().await, shell.sidecar().progress), (1, Progress::Downloaded));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_was_lost_is_found_and_billed_once() {
    let shell = Shell::new().await;
    shell.simulator.fail_next(Effect::AcceptThenDrop { reset: false }).unwrap();
    let lost = shell.run(&cat(&["--tag"])).await;
    assert_eq!(lost.code, 12, "{}", lost.stderr);
    assert!(
        lost.stderr.contains("hint: search for the task: ark-video reconcile cat.mp4"),
        "{}",
        lost.stderr
    );
    assert_eq!((shell.sidecar().progress, shell.created().await), (Progress::Unknown, 1));
    let found = shell.ok(&["--json", "reconcile", "cat.mp4"]).await;
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(
        (&report["verdict"], &report["task"]["evidence"]),
        (&"found".into(), &"tag".into()),
        "{report}"
    );
    assert_eq!(shell.sidecar().task_id.as_deref(), report["id"].as_str());
    shell.ok(&cat(&["--tag", "--resume"])).await;
    assert_eq!((shell.created().await, shell.simulator.bills().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_looks_for_a_lost_create_by_itself_and_stops_where_it_is_not_found() {
    let shell = Shell::new().await;
    shell.simulator.fail_next(Effect::AcceptThenDrop { reset: true }).unwrap();
    assert_eq!(shell.run(&cat(&["--tag"])).await.code, 12);
    shell.ok(&cat(&["--tag", "--resume"])).await;
    assert_eq!(shell.created().await, 1);

    let shell = Shell::new().await;
    shell.simulator.fail_next(Effect::DropBeforeAccept { reset: false }).unwrap();
    assert_eq!(shell.run(&cat(&["--tag"])).await.code, 12);
    let resumed = shell.run(&cat(&["--tag", "--resume"])).await;
    assert_eq!((resumed.code, shell.created().await), (12, 0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("search for it: ark-video reconcile cat.mp4"), "{}", resumed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_writing_down_and_sending_leaves_what_can_be_looked_for() {
    let shell = Shell::new().await;
    shell.simulator.fail_next(Effect::DropBeforeAccept { reset: false }).unwrap();
    shell.run(&cat(&["--tag"])).await;
    // As `kill -9` leaves it.
    let mut sidecar = shell.sidecar();
    sidecar.progress = Progress::Submitting;
    sidecar.write(&shell.folder.path().join("cat.mp4")).unwrap();
    assert_eq!(shell.run(&CAT).await.code, 6);
    let looked = shell.run(&["reconcile", "cat.mp4", "--once", "--text"]).await;
    assert_eq!(looked.code, 12);
    assert!(
        looked.stdout.contains("cat.mp4: not found in one early search; but no search"),
        "{}",
        looked.stdout
    );
    assert!(looked.stderr.contains("is no proof"), "{}", looked.stderr);
    shell.ok(&cat(&["--overwrite"])).await;
    assert_eq!(shell.created().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_nothing_behind_and_patience_gets_past_the_pace() {
    let shell = Shell::new().await;
    let refusal = || Effect::Refuse { code: "InvalidParameter".to_owned(), message: None };
    shell.simulator.fail_next(refusal()).unwrap();
    assert_eq!(shell.run(&CAT).await.code, 8);
    assert!(shell.files().is_empty());
    let throttled = Effect::Status {
        status: 429,
        code: Some("ModelAccountRpmRateLimitExceeded".to_owned()),
        message: None,
        envelope: ark_video_simulator::Envelope::default(),
        accepted: false,
        retry_after: None,
    };
    shell.simulator.fail_next(throttled.clone()).unwrap();
    assert_eq!(shell.run(&CAT).await.code, 9);
    shell.simulator.fail_next(throttled).unwrap();
    shell.ok(&cat(&["--retry", "1m"])).await;
    assert_eq!(shell.created().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_json_is_all_that_reconcile_needs() {
    let shell = Shell::new().await;
    shell.simulator.fail_next(Effect::AcceptThenDrop { reset: false }).unwrap();
    let line = ["--json", "generate", "A cat.", "-d", "4", "--resolution", "480p", "--tag"];
    let lost = shell.run(&line).await;
    assert_eq!(lost.code, 12);
    let found = shell.run_with(&["-q", "reconcile", "-"], &lost.stderr).await;
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert!(found.stdout.starts_with("cgt-"), "{}", found.stdout);
    let nonsense = shell.run_with(&["reconcile", "-"], "{}").await;
    assert_eq!(nonsense.code, 4, "{}", nonsense.stderr);
    assert_eq!(shell.run(&["reconcile", "none.json"]).await.code, 5);
    // What carries a tag belongs to the create that gave it; this one carries none.
    shell.simulator.fail_next(Effect::AcceptThenDrop { reset: false }).unwrap();
    assert_eq!(shell.run(&["generate", "A cat.", "-d", "4"]).await.code, 12);
    let by_time = ["reconcile", "--since", "1h", "--model", "doubao-seedance-2-0-260128", "--once", "--text"];
    let ran = shell.run(&by_time).await;
    assert_eq!(ran.code, 12, "what only fits by time is for a person to choose");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains("several candidates") && lines[1].contains("cgt-"), "{}", ran.stdout);
    assert!(lines.len() == 3 && !ran.stdout.contains(found.stdout.trim()), "{}", ran.stdout);
    assert!(lines[2].contains("none of these"), "{}", ran.stdout);
}

/// Three tasks; the last is cancelled.
async fn three(shell: &Shell) -> Vec<String> {
    let mut ids = Vec::new();
    for prompt in ["One.", "Two.", "Three."] {
        let ran = shell.ok(&["-q", "generate", prompt, "-d", "4", "--resolution", "480p", "--no-wait"]).await;
        ids.push(ran.stdout.trim().to_owned());
    }
    shell.ok(&["cancel", &ids[2]]).await;
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_are_waited_for_and_fetched_together() {
    let shell = Shell::with(Options::default().queued(Duration::from_secs(200))).await;
    let ids = three(&shell).await;
    shell.simulator.advance(Duration::from_secs(250));
    let waited = shell.run(&["--json", "wait", &ids[0], &ids[1], &ids[2]]).await;
    assert_eq!(waited.code, 10, "{}", waited.stderr);
    assert!(waited.stderr.contains("1 of 3 tasks did not succeed: 1 cancelled"), "{}", waited.stderr);
    let mut report: Vec<String> = waited
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].as_str().unwrap().to_owned())
        .collect();
    report.sort();
    assert_eq!(report, ["cancelled", "succeeded", "succeeded"]);
    shell.ok(&["wait", "--all"]).await;

    let fetched = shell.run(&["-q", "download", &ids[0], &ids[1], &ids[2]]).await;
    assert_eq!(fetched.code, 10, "{}", fetched.stderr);
    let mut expected: Vec<String> = ids[..2].iter().map(|id| format!("{id}.mp4")).collect();
    expected.sort();
    let mut names: Vec<&str> = fetched.stdout.lines().collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(shell.files().len(), 4, "each with its sidecar: {:?}", shell.files());
    assert_eq!(shell.run(&["download", &ids[0], &ids[1], "-o", "a.mp4"]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_succeeded_is_fetched_once_however_often_it_is_asked_for() {
    let shell = Shell::with(Options::default().queued(Duration::from_secs(200))).await;
    let ids = three(&shell).await;
    shell.simulator.advance(Duration::from_secs(250));
    shell.ok(&["wait", &ids[0], &ids[1]]).await;
    let fetch = ["download", "--all-succeeded", "-q"];
    assert_eq!(shell.ok(&fetch).await.stdout.lines().count(), 2);
    let before = shell.files();
    // Nothing is fetched again: every file request would fail now.
    shell
        .simulator
        .add_fault(FaultRule::new(Effect::DropBeforeAccept { reset: false }).at(FaultPoint::File))
        .unwrap();
    assert_eq!(shell.ok(&fetch).await.stdout.lines().count(), 2);
    assert_eq!(shell.files(), before);
}

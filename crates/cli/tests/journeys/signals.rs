//! Real signals to a real process that waits for its task: each has its exit code, nothing is
//! cancelled, and the task and its cost are named.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ark_video_simulator::{Options, Simulator};

/// Starts `generate` against this simulator and waits until its task exists.
fn started(mut command: Command, simulator: &Simulator, at: &Path) -> (Child, String) {
    command
        .args(["generate", "A boat.", "-o", "boat.mp4"])
        .env("ARK_BASE_URL", simulator.base_url())
        .env("ARK_API_KEY", simulator.api_key());
    created(command, at)
}

/// Starts a command and waits until it names its task.
fn created(mut command: Command, at: &Path) -> (Child, String) {
    command.current_dir(at).env("HOME", at).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    // What follows the line is left for `ended`.
    let mut stderr = BufReader::with_capacity(1, child.stderr.take().unwrap());
    while !line.ends_with(" created\n") {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0);
    }
    child.stderr = Some(stderr.into_inner());
    let id = line.split(' ').nth(1).unwrap().to_owned();
    (child, id)
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

async fn queued() -> Simulator {
    let options = Options::default().queued(Duration::from_secs(3600));
    Simulator::builder().options(options).start().await.unwrap()
}

fn ark_video() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ark-video"));
    command.env_clear();
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn each_signal_has_its_exit_code_and_the_task_is_named() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (simulator, folder) = (queued().await, tempfile::tempdir().unwrap());
        let (child, id) = started(ark_video(), &simulator, folder.path());
        send(signal, &child);
        let (ended, stderr) = ended(child);
        assert_eq!(ended, Some(code), "{signal}: {stderr}");
        assert!(stderr.contains(&id) && stderr.contains("billed if it succeeds"), "{signal}: {stderr}");
        assert!(stderr.contains("ark-video generate … -o boat.mp4 --resume"), "{signal}: {stderr}");
        assert_eq!(simulator.ledger().accepted, 1);
        assert!(!folder.path().join("boat.mp4").exists());
    }
}

/// The simulator of `--simulate` ends with the command: no task continues, and none is billed.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_simulation_does_not_claim_that_a_task_continues() {
    for (timeout, signal, code) in [("3s", Some("INT"), 130), ("1ms", None, 11)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = ark_video();
        command.args(["generate", "A boat.", "--simulate", "-o", "boat.mp4", "--timeout", timeout]);
        let (child, id) = created(command, folder.path());
        if let Some(signal) = signal {
            send(signal, &child);
        }
        let (ended, stderr) = ended(child);
        assert_eq!(ended, Some(code), "{stderr}");
        assert!(stderr.contains("nothing is billed") && stderr.contains("run the command again"), "{stderr}");
        let failure = &stderr[stderr.find("error: ").unwrap()..];
        assert!(!failure.contains("is billed if") && !failure.contains(&id), "{stderr}");
        assert!(!folder.path().join("boat.mp4").exists());
    }
}

/// `nohup ark-video …` outlives its terminal.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_sighup_stays_ignored() {
    let (simulator, folder) = (queued().await, tempfile::tempdir().unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_ark-video")]);
    let (child, _) = started(shell, &simulator, folder.path());
    send("HUP", &child);
    send("TERM", &child);
    assert_eq!(ended(child).0, Some(143));
}

//! Real signals to a real process that waits for its task: each has its exit code, nothing is
//! cancelled, and the task and its cost are named.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ark_video_simulator::{Options, Simulator};

/// Starts a command and waits until its task exists.
fn started(mut command: Command, simulator: &Simulator, at: &std::path::Path) -> (Child, String) {
    command
        .args(["generate", "A boat.", "-o", "boat.mp4"])
        .current_dir(at)
        .env_clear()
        .env("HOME", at)
        .env("ARK_BASE_URL", simulator.base_url())
        .env("ARK_API_KEY", simulator.api_key())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
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
    Command::new(env!("CARGO_BIN_EXE_ark-video"))
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

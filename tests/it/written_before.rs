//! What an earlier version left on disk is read: sidecars, a journal with its
//! list, a configuration. The files in `fixtures/written-2026-11-30` were written by the version of
//! that day, the configuration excepted, and are never written again.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use ark_video_simulator::Simulator;

use crate::cli::{Ran, Shell};

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/written-2026-11-30").join(name)
}

/// A shell with copies of these files in its folder.
fn shell_with(simulator: &Simulator, names: &[&str]) -> Shell {
    let shell = Shell::at(simulator);
    for name in names {
        fs::copy(kept(name), shell.folder.path().join(name)).unwrap();
    }
    shell
}

const SETTINGS: [&str; 6] = ["-d", "4", "--resolution", "480p", "--ratio", "16:9"];

async fn generate(shell: &Shell, prompt: &str, more: &[&str]) -> Ran {
    let model = ["-m", "doubao-seedance-2-0-260128"];
    shell.run(&[&["generate", prompt], &SETTINGS[..], &model, more].concat()).await
}

async fn fast() -> Simulator {
    Simulator::builder().speed(100.0).start().await.unwrap()
}

/// Its outcome was unknown: nothing is sent before it is resolved.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_of_unknown_outcome_is_still_known() {
    let simulator = fast().await;
    let shell = shell_with(&simulator, &["lost.mp4.ark-video.json"]);
    let again = generate(&shell, "A boat.", &["-o", "lost.mp4"]).await;
    assert!(again.code == 6 && again.stderr.contains("--resume"), "{} {}", again.code, again.stderr);
    let resumed = generate(&shell, "A boat.", &["-o", "lost.mp4", "--resume"]).await;
    // What to search for, and when that is over, is in the file.
    assert!(resumed.code == 12 && resumed.stderr.contains("nothing was sent"), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("not found in one search"), "{}", resumed.stderr);
    assert!(simulator.bills().is_empty());
}

/// Its task exists: it is asked for, and no other is created.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_left_running_is_asked_for_by_its_id() {
    let simulator = fast().await;
    let shell = shell_with(&simulator, &["waiting.mp4.ark-video.json"]);
    let resumed = generate(&shell, "A tree.", &["-o", "waiting.mp4", "--resume"]).await;
    assert!(resumed.stderr.contains("cgt-20261130"), "{} {}", resumed.code, resumed.stderr);
    assert_ne!(resumed.code, 0, "this simulator does not know the task");
    assert!(simulator.bills().is_empty(), "{:?}", simulator.bills());
}

/// The journal opens; its shots are settled, at the cost that was written down.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_opens_with_its_list() {
    let simulator = fast().await;
    let names = ["night.toml", "night.toml.journal", "night.toml.journal.seen", "a.mp4.ark-video.json"];
    let shell = shell_with(&simulator, &names);
    let status = shell.run(&["batch", "status", "night.toml", "--json"]).await;
    assert_eq!(status.code, 0, "{}", status.stderr);
    assert!(status.stdout.contains("\"settled\":2"), "{}", status.stdout);
    let report = shell.run(&["batch", "report", "night.toml", "--html", "night.html"]).await;
    assert_eq!(report.code, 0, "{}", report.stderr);
    let page = fs::read_to_string(shell.folder.path().join("night.html")).unwrap();
    assert!(page.contains("A boat.") && page.contains("A kite."));
    assert!(simulator.bills().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_read_with_its_profiles() {
    let simulator = fast().await;
    let shell = shell_with(&simulator, &["config.toml"]).unset("ARK_BASE_URL").unset("ARK_API_KEY");
    fs::write(shell.folder.path().join("key"), "k").unwrap();
    fs::write(shell.folder.path().join("beijing.key"), "k").unwrap();
    let config = shell.run(&["config", "--config", "config.toml", "--json"]).await;
    assert_eq!(config.code, 0, "{}", config.stderr);
    for value in ["bytepluses.com", "dreamina-seedance-2-0-260128", "\"proxy\":{\"from\""] {
        assert!(config.stdout.contains(value), "{value}: {}", config.stdout);
    }
    let beijing = shell.run(&["config", "--config", "config.toml", "--profile", "beijing", "--json"]).await;
    assert!(beijing.stdout.contains("cn-beijing"), "{} {}", beijing.stdout, beijing.stderr);
}

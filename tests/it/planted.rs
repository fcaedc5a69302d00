//! Something stands already under a name that a command is about to use: a link, a pipe, a folder, a second name of another
//! file. Whatever the command makes of it, nothing is written through it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use ark_video_simulator::Simulator;
use futures_util::future::join_all;
use serde_json::json;

use crate::cli::Shell;

/// Plants something in a folder under a name.
type Plant = fn(&Path, &Path);

/// What can be planted under a name.
const PLANTS: [(&str, Plant); 6] = [
    ("a link that leads nowhere", |folder, name| symlink(folder.join("nowhere"), name).unwrap()),
    ("a link to a file", |folder, name| symlink(folder.join("victim"), name).unwrap()),
    ("a link to an empty file", |folder, name| symlink(folder.join("empty"), name).unwrap()),
    ("a link to a folder", |folder, name| symlink(folder.join("other"), name).unwrap()),
    ("a second name of a file", |folder, name| fs::hard_link(folder.join("victim"), name).unwrap()),
    ("a pipe", |_, name| assert!(Command::new("mkfifo").arg(name).status().unwrap().success())),
];

/// Runs a command once for each plant under each name, and once without any plant, which must work.
async fn nothing_is_written_through(simulator: &Simulator, names: &[&str], line: &[&str]) {
    let pairs = names.iter().flat_map(|name| PLANTS.map(|(what, plant)| (name, what, plant)));
    let runs = pairs.map(|(name, what, plant)| async move {
        let shell = shell(simulator);
        plant(shell.folder.path(), &shell.folder.path().join(name));
        let ran = shell.run(line).await;
        unharmed(&shell, &format!("{what} as {name}: {} {}", ran.code, ran.stderr));
    });
    join_all(runs).await;
    let ran = shell(simulator).run(line).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn unharmed(shell: &Shell, about: &str) {
    let folder = shell.folder.path();
    assert_eq!(fs::read(folder.join("victim")).unwrap(), b"mine", "{about}");
    assert_eq!(fs::read(folder.join("empty")).unwrap(), b"", "{about}");
    assert_eq!(fs::read_dir(folder.join("other")).unwrap().count(), 0, "{about}");
    assert!(!folder.join("nowhere").exists() && !about.contains("panicked"), "{about}");
}

/// A folder with a list, and with what plants lead to.
fn shell(simulator: &Simulator) -> Shell {
    let shell = Shell::at(simulator);
    let folder = shell.folder.path();
    fs::write(folder.join("victim"), "mine").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::create_dir(folder.join("other")).unwrap();
    let list = json!({
        "batch": "night",
        "defaults": {
            "model": "doubao-seedance-1-0-pro-fast-251015", "resolution": "480p", "ratio": "1:1",
            "duration": 2, "return_last_frame": true,
        },
        "shots": [{ "name": "boat", "prompt": "A paper boat." }],
    });
    fs::write(folder.join("l.json"), list.to_string()).unwrap();
    shell
}

async fn fast() -> Simulator {
    Simulator::builder().speed(300.0).start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_by_generate() {
    let names =
        ["o.mp4", "o.mp4.part", "o.mp4.part.json", "o.mp4.ark-video.json", "o.last.png", "o.last.jpeg"];
    let request = [
        "generate",
        "A kite.",
        "--model",
        "doubao-seedance-1-0-pro-fast-251015",
        "-d",
        "2",
        "--resolution",
        "480p",
        "--return-last-frame",
        "--poll-interval",
        "200ms",
        "-o",
        "o.mp4",
    ];
    let simulator = fast().await;
    nothing_is_written_through(&simulator, &names, &request).await;
    let over = [&request[..], &["--overwrite"]].concat();
    nothing_is_written_through(&simulator, &["o.mp4", "o.last.jpeg"], &over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_by_a_batch() {
    let names = [
        "boat.mp4",
        "boat.mp4.part",
        "boat.mp4.part.json",
        "boat.mp4.ark-video.json",
        "boat.last.png",
        "boat.last.png.part",
        "boat.last.jpeg.ark-video.json",
        "l.json.journal",
        "l.json.journal-wal",
        "l.json.journal-shm",
        "l.json.journal-journal",
        "l.json.journal.seen",
    ];
    nothing_is_written_through(&fast().await, &names, &["batch", "run", "l.json"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_by_a_state_or_a_page() {
    let simulator = fast().await;
    let state = ["simulate", "--audit", "--state", "state.json", "--", "true"];
    nothing_is_written_through(&simulator, &["state.json"], &state).await;
    let shell = shell(&simulator);
    assert_eq!(shell.run(&["batch", "run", "l.json"]).await.code, 0);
    let page = shell.folder.path().join("page.html");
    let report = ["batch", "report", "l.json", "--html", "page.html"];
    for (what, plant) in PLANTS {
        for line in [&report[..], &[&report[..], &["--overwrite"]].concat()] {
            plant(shell.folder.path(), &page);
            let ran = shell.run(line).await;
            unharmed(&shell, &format!("{what} as a page: {} {}", ran.code, ran.stderr));
            fs::remove_file(&page).unwrap();
        }
    }
    assert_eq!(shell.run(&report).await.code, 0);
}

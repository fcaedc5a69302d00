//! Something stands already under a name that a command is about to use: a link, a pipe, a folder,
//! a second name of another file. Whatever the command makes of it, nothing is written through it.
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
        let name_at = shell.folder.path().join(name);
        fs::create_dir_all(name_at.parent().unwrap()).unwrap();
        plant(shell.folder.path(), &name_at);
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
    shell.set("ARK_STATE_DIR", "state")
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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_by_the_records_of_creates() {
    let simulator = fast().await;
    let line = ["generate", "A kite.", "-d", "4", "--no-wait"];
    let first = shell(&simulator);
    assert_eq!(first.run(&line).await.code, 0);
    let records = fs::read_dir(first.folder.path().join("state/records")).unwrap();
    let mut names: Vec<String> = records
        .map(|entry| format!("state/records/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    names.sort();
    let endings = ["-1.json", "-1.lock", "-1.sent"];
    assert!(endings.iter().all(|ending| names.iter().any(|name| name.ends_with(ending))), "{names:?}");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    nothing_is_written_through(&simulator, &names, &line).await;
    // Of a mark only the presence counts: it is an empty file that is made and never opened.
    let marks: Vec<_> = fs::read_dir(first.folder.path().join("state/marks")).unwrap().collect();
    assert!(!marks.is_empty());
    for mark in marks {
        assert_eq!(mark.unwrap().metadata().unwrap().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_by_a_rehearsal() {
    let names = ["simulated", "simulated/l.json.journal", "simulated/l.json.journal-wal"];
    nothing_is_written_through(&fast().await, &names, &["batch", "run", "l.json", "--simulate"]).await;
}

/// Unlike a link to anything else, one to a journal is a user's own way to keep it on another disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_behind_a_link_is_used_where_it_is() {
    let simulator = fast().await;
    let shell = shell(&simulator);
    let run = ["batch", "run", "l.json"];
    assert_eq!(shell.run(&run).await.code, 0);
    let folder = shell.folder.path();
    for name in ["l.json.journal", "l.json.journal.seen"] {
        fs::rename(folder.join(name), folder.join("other").join(name)).unwrap();
    }
    symlink("other/l.json.journal", folder.join("l.json.journal")).unwrap();
    let ran = shell.run(&run).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(simulator.ledger().entries.len(), 1);
    assert!(
        !folder.join("l.json.journal.seen").exists() && folder.join("other/l.json.journal.seen").exists()
    );
    // SQLite would write through what is planted beside the file itself, not beside the link.
    symlink("../victim", folder.join("other/l.json.journal-wal")).unwrap();
    let ran = shell.run(&run).await;
    assert!(ran.code != 0 && ran.stderr.contains("SQLite would write to"), "{}", ran.stderr);
    assert_eq!(fs::read(folder.join("victim")).unwrap(), b"mine");
}

//! Where videos go: a rehearsal leaves the real run alone and says what it made, and a shot whose
//! place is taken is not paid for, before the run and in the middle of it. What an earlier run made
//! is in nobody's way.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::fs;
use std::path::Path;

use ark_video_simulator::Simulator;
use serde_json::{Value, json};

use crate::cli::{Page, Shell};

const MODEL: &str = "doubao-seedance-1-0-pro-fast-251015";

fn list(shell: &Shell, head: &Value, shots: &Value) {
    let mut list = json!({
        "batch": "night",
        "defaults": { "model": MODEL, "resolution": "480p", "ratio": "1:1", "duration": 2 },
        "shots": shots,
    });
    list.as_object_mut().unwrap().extend(head.as_object().unwrap().clone());
    fs::write(shell.folder.path().join("night.json"), list.to_string()).unwrap();
}

fn two() -> Value {
    json!([{ "name": "boat", "prompt": "A boat." }, { "name": "bird", "prompt": "A bird." }])
}

async fn fast() -> Simulator {
    Simulator::builder().speed(300.0).start().await.unwrap()
}

fn sidecar(at: &Path) -> Value {
    let mut name = at.as_os_str().to_owned();
    name.push(".ark-video.json");
    serde_json::from_slice(&fs::read(name).unwrap()).unwrap()
}

/// Whether a video says of itself that it was simulated.
fn says_so(video: &Path) -> bool {
    fs::read(video).unwrap().windows(22).any(|piece| piece == b"simulated by ark-video")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_leaves_the_real_run_alone_and_can_be_had_again() {
    let elsewhere = tempfile::tempdir().unwrap();
    let folders = ["", "out", elsewhere.path().to_str().unwrap()];
    futures_util::future::join_all(folders.map(|folder| Box::pin(rehearsed(folder)))).await;
}

/// A rehearsal, then the real run, with this folder for the videos.
async fn rehearsed(output_dir: &str) {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let at = shell.folder.path();
    list(&shell, &json!({ "output_dir": output_dir }), &two());
    for _ in 0..2 {
        let ran = shell.run(&["batch", "run", "night.json", "--simulate"]).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (0, 0), "{output_dir}: {}", ran.stderr);
        assert_eq!(shell.files(), ["night.json", "simulated"], "{output_dir}");
    }
    let folder = at.join("simulated").join(output_dir.trim_start_matches('/'));
    for name in ["boat.mp4", "bird.mp4"] {
        let video = folder.join(name);
        assert!(says_so(&video), "{output_dir}");
        assert_eq!(
            (&sidecar(&video)["simulated"], &sidecar(&video)["file"]["simulated"]),
            (&json!(true), &json!(true))
        );
    }
    let by_path = ["batch", "status", "--journal", "simulated/night.json.journal", "--json"];
    for line in [&by_path[..], &["batch", "status", "night.json", "--simulate", "--json"]] {
        let status = shell.run(line).await;
        assert_eq!(status.code, 0, "{}", status.stderr);
    }

    let real = shell.run(&["batch", "run", "night.json"]).await;
    assert_eq!((real.code, simulator.ledger().accepted), (0, 2), "{output_dir}: {}", real.stderr);
    let videos = at.join(output_dir);
    assert_eq!(sidecar(&videos.join("boat.mp4")).get("simulated"), None, "{output_dir}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_run_does_not_take_a_rehearsals_journal_for_its_own() {
    for moved in [false, true] {
        let simulator = fast().await;
        let shell = Shell::at(&simulator);
        let at = shell.folder.path();
        list(&shell, &json!({}), &two());
        assert_eq!(shell.run(&["batch", "run", "night.json", "--simulate"]).await.code, 0);
        if moved {
            for entry in fs::read_dir(at.join("simulated")).unwrap() {
                let path = entry.unwrap().path();
                fs::rename(&path, at.join(path.file_name().unwrap())).unwrap();
            }
        }
        let journal = if moved { "night.json.journal" } else { "simulated/night.json.journal" };
        let ran = shell.run(&["batch", "run", "night.json", "--journal", journal]).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (16, 0), "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains("simulated run") && ran.stderr.contains("nothing was sent"),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_never_replaces_what_is_not_its_own() {
    let shell = Shell::new();
    list(&shell, &json!({}), &two());
    let video = shell.folder.path().join("simulated/boat.mp4");
    fs::create_dir(video.parent().unwrap()).unwrap();
    fs::write(&video, "mine").unwrap();
    let ran = shell.run(&["batch", "run", "night.json", "--simulate"]).await;
    assert_eq!((ran.code, fs::read(&video).unwrap()), (6, b"mine".to_vec()), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_video_says_so_and_a_real_run_refuses_its_place_before_paying() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let at = shell.folder.path();
    let line =
        ["generate", "A boat.", "-m", MODEL, "-d", "2", "--resolution", "480p", "-r", "1:1", "-o", "a.mp4"];
    let more = |flags: &[&'static str]| [&line[..], flags].concat();
    let ran = shell.run(&more(&["--simulate"])).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(says_so(&at.join("a.mp4")));
    assert_eq!(sidecar(&at.join("a.mp4"))["simulated"], true);
    for flags in [&[][..], &["--resume"]] {
        let ran = shell.run(&more(flags)).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (6, 0), "{flags:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--overwrite"), "{}", ran.stderr);
    }
    list(&shell, &json!({}), &json!([{ "name": "a", "prompt": "A boat." }]));
    for verb in ["check", "run"] {
        let ran = shell.run(&["batch", verb, "night.json"]).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (6, 0), "{verb}: {}", ran.stderr);
    }
    let ran = shell.run(&more(&["--overwrite"])).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 1), "{}", ran.stderr);
    assert_eq!(sidecar(&at.join("a.mp4")).get("simulated"), None);
    // A rehearsal does not replace what was paid for, nor the record of what is under way.
    let ran = shell.run(&more(&["--simulate"])).await;
    assert_eq!(ran.code, 6, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_into_the_way_during_a_run_is_not_paid_for() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    list(&shell, &json!({}), &two());
    let taken = ["boat.mp4", "bird.mp4"].map(|name| shell.folder.path().join(name));
    let mut sent = false;
    // One at a time: when the first is sent, the other's place is taken.
    let stdout = Page::watched(move |text| {
        if text.contains("\"submitted\"") && !sent {
            sent = true;
            let other = if text.contains("boat") { &taken[1] } else { &taken[0] };
            fs::write(other, "mine").unwrap();
        }
    });
    let line = ["batch", "run", "night.json", "--json", "--concurrency", "1"];
    let ran = shell.run_with(&line, |env| env.stdout = Box::new(stdout)).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (10, 1), "{}", ran.stderr);
    let status = shell.run(&["batch", "status", "night.json", "--text"]).await;
    assert!(status.stdout.contains("already exists"), "{}", status.stdout);
    for name in ["boat.mp4", "bird.mp4"] {
        let path = shell.folder.path().join(name);
        if fs::read(&path).unwrap() == b"mine" {
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(shell.run(&["batch", "retry", "night.json"]).await.code, 0);
    let again = shell.run(&["batch", "run", "night.json"]).await;
    assert_eq!((again.code, simulator.ledger().accepted), (0, 2), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_made_is_not_in_the_way() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let at = shell.folder.path();
    list(&shell, &json!({}), &two());
    assert_eq!(shell.run(&["batch", "run", "night.json"]).await.code, 0);
    // Also one that was edited since.
    fs::write(at.join("boat.mp4"), "edited").unwrap();
    for verb in ["check", "run"] {
        let ran = shell.run(&["batch", verb, "night.json"]).await;
        assert_eq!((ran.code, simulator.ledger().accepted), (0, 2), "{verb}: {}", ran.stderr);
    }
    let mut shots = two();
    shots[0]["prompt"] = "A boat at night.".into();
    list(&shell, &json!({}), &shots);
    for verb in ["check", "run"] {
        let ran = shell.run(&["batch", verb, "night.json"]).await;
        assert_eq!(ran.code, 0, "{verb}: {}", ran.stderr);
    }
    assert_eq!(simulator.ledger().accepted, 3);
    assert_eq!(fs::read(at.join("boat.mp4")).unwrap(), b"edited");
}

#[tokio::test(flavor = "multi_thread")]
async fn overwrite_replaces_files_and_never_an_input() {
    let simulator = fast().await;
    let shell = Shell::at(&simulator);
    let at = shell.folder.path();
    fs::write(at.join("boat.mp4"), "mine").unwrap();
    list(&shell, &json!({}), &two());
    let refused = shell.run(&["batch", "run", "night.json"]).await;
    assert_eq!((refused.code, simulator.ledger().accepted), (6, 0), "{}", refused.stderr);
    let ran = shell.run(&["batch", "run", "night.json", "--overwrite"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (0, 2), "{}", ran.stderr);
    assert!(fs::read(at.join("boat.mp4")).unwrap().len() > 1000);

    // An input of one shot, by a link, where another's video goes.
    let png = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/examples/batches/street.png");
    fs::copy(png, at.join("in.png")).unwrap();
    fs::hard_link(at.join("in.png"), at.join("cat.mp4")).unwrap();
    let before = fs::read(at.join("in.png")).unwrap();
    list(
        &shell,
        &json!({}),
        &json!([
            { "name": "cat", "prompt": "A cat." },
            { "name": "dog", "prompt": "A dog.", "first_frame": "in.png", "ratio": null },
        ]),
    );
    let ran = shell.run(&["batch", "run", "night.json", "--overwrite", "--batch", "other"]).await;
    assert_eq!((ran.code, simulator.ledger().accepted), (6, 2), "{}", ran.stderr);
    assert!(ran.stderr.contains("goes into a request"), "{}", ran.stderr);
    assert_eq!(fs::read(at.join("in.png")).unwrap(), before);
}

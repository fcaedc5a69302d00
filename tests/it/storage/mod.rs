//! Local videos through a bucket: the command, its verbs and batches, with S3 servers that verify
//! signatures and a simulator that fetches from them.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod refusals;
mod verbs;

use std::fs;
use std::path::Path;

use ark_video_simulator::Simulator;
use ark_video_simulator::render::{StillFormat, VideoSpec, video};
use ark_video_test_support::s3::{ACCESS_KEY, SECRET_KEY, Server};
use ark_video_test_support::seaweedfs::READER;
use serde_json::{Value, json};

use crate::cli::{Ran, Shell};

/// A video of so many frames at 24 per second, with sound.
fn clip(shell: &Shell, name: &str, frames: u32, seed: u64) {
    let spec = VideoSpec { frames, seed, ..VideoSpec::default() };
    fs::write(shell.folder.path().join(name), video(&spec).unwrap()).unwrap();
}

/// The settings of the server in a configuration file, and its keys in the environment.
fn with_bucket(shell: Shell, server: &Server) -> Shell {
    server.bucket("bucket");
    with_storage(shell, &server.endpoint(), "s3://bucket/clips", [ACCESS_KEY, SECRET_KEY])
}

fn with_storage(shell: Shell, endpoint: &str, url: &str, [access, secret]: [&str; 2]) -> Shell {
    let text = format!("[storage]\nurl = \"{url}\"\nprovider = \"minio\"\nendpoint = \"{endpoint}\"\n");
    fs::write(shell.folder.path().join("c.toml"), text).unwrap();
    shell.set("AWS_ACCESS_KEY_ID", access).set("AWS_SECRET_ACCESS_KEY", secret)
}

async fn run(shell: &Shell, line: &str) -> Ran {
    let words: Vec<&str> = line
        .split('"')
        .enumerate()
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect::<Vec<_>>(),
            _ => vec![part],
        })
        .collect();
    let ran = Box::pin(shell.run(&words)).await;
    must_hide_secrets(&format!("{}{}", ran.stdout, ran.stderr), line);
    ran
}

fn must_hide_secrets(text: &str, origin: &str) {
    for secret in [ACCESS_KEY, SECRET_KEY, READER[0], READER[1], "X-Amz-", "ark-video.invalid"] {
        assert!(!text.contains(secret), "{origin} contains {secret}: {text}");
    }
}

/// Every file below a folder but the videos and the settings of the test.
fn must_keep_no_secrets(folder: &Path) -> usize {
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            seen += must_keep_no_secrets(&path);
        } else if path.extension().is_none_or(|extension| extension != "mp4") {
            // SQLite removes its own files when the last connection is closed.
            let Ok(bytes) = fs::read(&path) else { continue };
            must_hide_secrets(&String::from_utf8_lossy(&bytes), &path.display().to_string());
            seen += 1;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn a_list_with_local_videos_costs_what_was_estimated_with_s3() {
    let server = Server::start();
    let shell = with_bucket(Shell::new(), &server);
    clip(&shell, "clip.mp4", 97, 1);
    clip(&shell, "other.mp4", 121, 2);
    let shot = |name: &str, references: &[&str]| json!({ "name": name, "prompt": "Go on.", "references": references });
    let list = json!({
        "defaults": { "model": "doubao-seedance-2-5-260628", "resolution": "480p", "ratio": "16:9", "duration": 5,
            "omni_reference_task_type": "reference" },
        "shots": [shot("a", &["clip.mp4"]), shot("b", &["clip.mp4", "other.mp4"]), shot("c", &["other.mp4"])],
    });
    fs::write(shell.folder.path().join("shots.json"), list.to_string()).unwrap();
    let without = run(&shell, "batch check shots.json").await;
    assert_eq!(without.code, 4, "{}", without.stderr);
    assert!(without.stderr.contains("--storage s3://BUCKET/PREFIX"), "{}", without.stderr);
    let checked = run(&shell, "batch check shots.json --config c.toml --json").await;
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    let tokens = checked.json()["totals"]["tokens"].clone();
    assert_eq!(tokens["min"], tokens["max"], "{tokens}");
    assert!(server.objects("bucket").is_empty(), "checks upload nothing");
    let ran = run(&shell, "batch run shots.json --simulate --config c.toml --text").await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("3 settled"), "{}", ran.stdout);
    assert_eq!(server.objects("bucket").len(), 2, "each content once");
    let journal = "--journal simulated/shots.json.journal";
    let cost = run(&shell, &format!("cost report {journal} --json")).await.json();
    assert_eq!(cost[0]["tokens_billed"], tokens["max"], "{cost}");
    let exported = run(&shell, &format!("batch export {journal} --shot b --json")).await;
    let objects = &exported.json()["attempt"]["objects"];
    assert!(objects["1"].as_str().unwrap().starts_with("s3://bucket/clips/"), "{}", exported.stdout);
    let report = run(&shell, &format!("batch report {journal} --html simulated/report.html")).await;
    assert_eq!(report.code, 0, "{}", report.stderr);
    assert!(must_keep_no_secrets(shell.folder.path()) > 5);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn old_uploads_are_pruned_with_s3() {
    let server = Server::start();
    let shell = with_bucket(Shell::new(), &server);
    clip(&shell, "clip.mp4", 97, 1);
    let made = run(
        &shell,
        "edit clip.mp4 \"Remove the boat.\" -m 2.5 --resolution 480p --simulate --config c.toml -o a.mp4",
    )
    .await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    for (line, removed, left) in [
        ("storage prune --older-than 30d --config c.toml --json", 0, 1),
        ("storage prune --older-than 0s --dry-run --config c.toml --json", 1, 1),
        ("storage prune --older-than 0s --config c.toml --json", 1, 0),
    ] {
        let ran = run(&shell, line).await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.json()["objects"].as_array().unwrap().len(), removed, "{}", ran.stdout);
        assert_eq!(server.objects("bucket").len(), left, "{line}");
    }
}

/// A BMP image of 25 MB; each number is another content.
fn bitmap(number: u8) -> Vec<u8> {
    let (width, height) = (3000_u32, 2800_u32);
    let mut file = b"BM".to_vec();
    let size = width * height * 3;
    for field in [54 + size, 0, 54, 40, width, height, 1 | 24 << 16, 0, size, 0, 0, 0, 0] {
        file.extend(field.to_le_bytes());
    }
    file.resize((54 + size) as usize, number);
    file
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn images_that_are_together_too_large_for_a_request_go_to_the_store_with_s3() {
    let server = Server::start();
    let shell = with_bucket(Shell::new(), &server);
    for number in 1..=3 {
        fs::write(shell.folder.path().join(format!("{number}.bmp")), bitmap(number)).unwrap();
    }
    let generate = "generate \"A boat.\" --ref 1.bmp --ref 2.bmp --ref 3.bmp -d 4 --resolution 480p";
    let without = run(&shell, &format!("{generate} --simulate -o none.mp4")).await;
    assert_eq!(without.code, 4, "{}", without.stderr);
    assert!(without.stderr.contains("The body has more than"), "{}", without.stderr);
    assert!(without.stderr.contains("--storage s3://BUCKET/PREFIX"), "{}", without.stderr);
    let dry = run(&shell, &format!("{generate} --config c.toml --dry-run --json")).await;
    assert_eq!((dry.code, server.objects("bucket").len()), (0, 0), "{}", dry.stderr);
    let ran = run(&shell, &format!("{generate} --config c.toml --simulate -o boat.mp4")).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("uploaded to s3://bucket/clips/").count(), 2, "{}", ran.stderr);
    // The largest ones that have to.
    let sizes = server.objects("bucket").into_iter().map(|(_, path)| path.metadata().unwrap().len());
    assert_eq!(sizes.collect::<Vec<_>>(), [bitmap(1).len() as u64; 2]);
    let sidecar = fs::read_to_string(shell.folder.path().join("boat.mp4.ark-video.json")).unwrap();
    let sidecar: Value = serde_json::from_str(&sidecar).unwrap();
    let inputs = sidecar["provenance"]["inputs"].as_array().unwrap();
    let uploaded: Vec<bool> = inputs.iter().map(|input| input["object"].is_string()).collect();
    assert_eq!(uploaded, [false, true, true], "{inputs:?}");
    for name in ["1.bmp", "2.bmp", "3.bmp"] {
        fs::remove_file(shell.folder.path().join(name)).unwrap();
    }
    must_keep_no_secrets(shell.folder.path());
}

/// The code blocks of a language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(crate::examples::repository(page)).unwrap();
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n')).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs s3s-fs"]
async fn the_commands_of_the_guide_do_what_it_says_with_s3() {
    let server = Server::start();
    server.bucket("my-bucket");
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let shell = Shell::at(&simulator);
    let folder = shell.folder.path().to_owned();
    let config = folder.join("config/ark-video");
    fs::create_dir_all(&config).unwrap();
    let text = format!(
        "[storage]\nurl = \"s3://my-bucket/clips\"\nprovider = \"minio\"\nendpoint = \"{}\"\n",
        server.endpoint()
    );
    fs::write(config.join("config.toml"), text).unwrap();
    let shell = shell.set("XDG_CONFIG_HOME", folder.join("config").to_str().unwrap());
    let shell = shell.set("AWS_ACCESS_KEY_ID", ACCESS_KEY).set("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    clip(&shell, "clip.mp4", 97, 1);
    clip(&shell, "boat.mp4", 97, 2);
    let frame = ark_video_simulator::render::last_frame(&VideoSpec::default(), StillFormat::Png).unwrap();
    fs::write(folder.join("boat.last.png"), frame).unwrap();
    let page = "docs/guide/storage.md";
    let settings = &blocks(page, "toml")[0];
    fs::write(folder.join("shown.toml"), settings).unwrap();
    let shown = run(&shell, "config --config shown.toml --text").await;
    assert!(shown.stdout.contains("s3://my-bucket/clips"), "{}{}", shown.stdout, shown.stderr);
    let mut ran = 0;
    for line in blocks(page, "sh").iter().flat_map(|block| block.lines()) {
        let line = line.strip_prefix("ark-video ").unwrap();
        if line.starts_with("simulate ") {
            continue;
        }
        for name in ["sea.mp4", "plane.mp4", "sinks.mp4"] {
            let _ = fs::remove_file(folder.join(name));
        }
        let done = run(&shell, line).await;
        assert_eq!(done.code, 0, "{line}: {}", done.stderr);
        ran += 1;
    }
    assert!(ran > 5 && folder.join("both.mp4").exists(), "{ran}");
    assert_eq!(server.objects("my-bucket").len(), 1);
    fs::write(folder.join("shots.toml"), &blocks(page, "toml")[1]).unwrap();
    let list = run(&shell, "batch run shots.toml").await;
    assert_eq!(list.code, 0, "{}{}", list.stdout, list.stderr);
    must_keep_no_secrets(&folder);
}

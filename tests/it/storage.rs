//! Local videos through a bucket: the command, its verbs and batches, with an S3 server that
//! verifies signatures and a simulator that fetches from it.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::fs;
use std::path::Path;

use ark_video_simulator::Simulator;
use ark_video_simulator::render::{StillFormat, VideoSpec, video};
use ark_video_test_support::s3::{ACCESS_KEY, SECRET_KEY, Server};
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
    let text = format!(
        "[storage]\nurl = \"s3://bucket/clips\"\nprovider = \"minio\"\nendpoint = \"{}\"\n",
        server.endpoint()
    );
    fs::write(shell.folder.path().join("c.toml"), text).unwrap();
    shell.set("AWS_ACCESS_KEY_ID", ACCESS_KEY).set("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
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
    for secret in [ACCESS_KEY, SECRET_KEY, "X-Amz-", "ark-video.invalid"] {
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
async fn a_local_video_is_extended_and_its_bill_is_the_estimate_with_s3() {
    let server = Server::start();
    let shell = with_bucket(Shell::new(), &server);
    clip(&shell, "clip.mp4", 97, 1);
    let words = "extend clip.mp4 \"The boat goes on.\" -m 2.5 -d 5 --resolution 720p --config c.toml";
    let dry = run(&shell, &format!("{words} --dry-run --json")).await;
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(server.objects("bucket").is_empty(), "a dry run uploads nothing");
    let body = &dry.json()["body"];
    assert_eq!(body["omni_reference_task_type"], "extend", "{body}");
    assert!(body["content"][1]["video_url"]["url"].as_str().unwrap().contains("clip.mp4"), "{body}");
    for (out, said) in [("one.mp4", "uploaded to"), ("two.mp4", "is already in the storage:")] {
        let ran = run(&shell, &format!("{words} --simulate --json -o {out}")).await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("s3://bucket/clips/"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("assumed"), "the simulator measured it: {}", ran.stderr);
        let document = ran.json();
        let tokens = &document["estimate"]["tokens"];
        // 4.04 s of source count as 4; an extension has no frame of its own.
        assert_eq!(tokens, &json!({ "min": 9 * 24 * 1280 * 720 / 1024, "max": 9 * 24 * 1280 * 720 / 1024 }));
        assert_eq!(document["task"]["usage"]["completion_tokens"], tokens["max"]);
    }
    assert_eq!(server.objects("bucket").len(), 1);
    let sidecar = fs::read_to_string(shell.folder.path().join("one.mp4.ark-video.json")).unwrap();
    let sidecar: Value = serde_json::from_str(&sidecar).unwrap();
    let input = &sidecar["provenance"]["inputs"][0];
    let sha256 = input["sha256"].as_str().unwrap();
    assert_eq!(input["object"], format!("s3://bucket/clips/{}/{sha256}.mp4", &sha256[..2]));
    assert_eq!(
        sidecar["provenance"]["request"]["content"][1]["video_url"]["url"],
        format!("sha256:{sha256}")
    );
    assert!(must_keep_no_secrets(shell.folder.path()) > 2);
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
async fn a_store_that_takes_no_file_costs_nothing_with_s3() {
    let server = Server::start();
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let shell = with_bucket(Shell::at(&simulator), &server);
    clip(&shell, "clip.mp4", 97, 1);
    fs::write(shell.folder.path().join("short.mp4"), "no video").unwrap();
    let list = json!({ "defaults": { "model": "doubao-seedance-2-5-260628" },
        "shots": [{ "name": "a", "prompt": "Go.", "references": ["clip.mp4"] }] });
    fs::write(shell.folder.path().join("shots.json"), list.to_string()).unwrap();
    let generate = "generate \"Video 1 goes on.\" -m 2.5 -d 5 --ref";
    // Refused by the checks: nothing is uploaded for it.
    let refused = run(&shell, &format!("{generate} short.mp4 --config c.toml")).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    let refused =
        run(&shell, &format!("{generate} clip.mp4 -d 99 --config c.toml").replace("-d 5 ", "")).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(server.objects("bucket").is_empty());
    let without = run(&shell, &format!("{generate} clip.mp4")).await;
    assert_eq!(without.code, 4, "{}", without.stderr);
    assert!(without.stderr.contains("--storage s3://BUCKET/PREFIX"), "{}", without.stderr);
    let wrong = shell.unset("AWS_SECRET_ACCESS_KEY").set("AWS_SECRET_ACCESS_KEY", "wrong-secret-key-0001");
    for line in
        [&*format!("{generate} clip.mp4 --config c.toml -o a.mp4"), "batch run shots.json --config c.toml"]
    {
        let ran = run(&wrong, line).await;
        assert_eq!(ran.code, 3, "{line}: {}", ran.stderr);
        let message =
            "the storage s3://bucket does not accept the key (SignatureDoesNotMatch); nothing was sent";
        assert!(ran.stderr.contains(message), "{line}: {}", ran.stderr);
        assert!(!ran.stderr.contains("wrong-secret-key"), "{}", ran.stderr);
    }
    let keyless = wrong.unset("AWS_SECRET_ACCESS_KEY").unset("AWS_ACCESS_KEY_ID").set("HOME", "/nowhere");
    let ran = run(&keyless, &format!("{generate} clip.mp4 --config c.toml")).await;
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("there are no credentials for the storage (minio)"), "{}", ran.stderr);
    assert_eq!((simulator.ledger().accepted, simulator.bills().len()), (0, 0));
    must_keep_no_secrets(keyless.folder.path());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_video_goes_on_from_its_last_frame_and_from_its_task() {
    let simulator = Simulator::builder().speed(300.0).start().await.unwrap();
    let shell = Shell::at(&simulator);
    let small = "-m 2.5 -d 4 --resolution 480p";
    let first =
        run(&shell, &format!("generate \"A boat.\" {small} --return-last-frame -o a.mp4 --json")).await;
    assert_eq!(first.code, 0, "{}", first.stderr);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let ran = run(&shell, &format!("continue a.mp4 \"It sinks.\" {small} -o b.mp4 --join both.mp4")).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let facts = ark_video_media::probe_file(&shell.folder.path().join("both.mp4")).unwrap();
    assert!((facts.seconds.unwrap() - 2.0 * 97.0 / 24.0).abs() < 0.1, "{facts:?}");
    assert_eq!((facts.width, facts.height), (Some(854), Some(480)));
    for (line, body) in [
        (format!("continue {id} \"It sinks.\" {small}"), "first_frame"),
        (format!("extend {id} \"It sinks.\" {small}"), "\"omni_reference_task_type\":\"extend\""),
        (format!("edit {id} \"Remove the boat.\" -m 2.5"), "\"omni_reference_task_type\":\"edit\""),
        ("edit https://example.com/a.mp4 \"Remove it.\" -m 2.0".to_owned(), "https://example.com/a.mp4"),
    ] {
        let ran = run(&shell, &format!("{line} --dry-run --json")).await;
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
        assert!(ran.stdout.contains(body), "{line}: {}", ran.stdout);
    }
    for (line, code, message) in [
        ("extend none.mp4 \"Go.\" -m 2.5", 5, "cannot read none.mp4"),
        ("continue b.mp4 \"Go.\"", 5, "b.mp4 has no last frame; nothing was sent"),
        ("continue https://h/a.mp4 \"Go.\"", 5, "a URL has no last frame"),
        ("continue a.mp4 \"Go.\" --ref cat.png", 2, "it takes no other first frame"),
        ("extend https://h/a.mp4 \"Go.\" -m 2.5 --join x.mp4", 2, "--join needs the first video as a file"),
        ("continue a.mp4 \"Go.\" --join both.mp4", 6, "both.mp4 already exists; nothing was sent"),
        ("edit https://example.com/a.mp4 \"Go.\" -m 2.5 -d 5", 4, "duration"),
        ("edit https://example.com/a.mp4 \"Go.\" -m 2.5 -r 16:9", 4, "ratio"),
    ] {
        let ran = run(&shell, line).await;
        assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{line}: {}", ran.stderr);
    }
    assert_eq!(simulator.ledger().accepted, 2);
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

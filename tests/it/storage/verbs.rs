//! `extend`, `edit` and `continue`: from a file through the bucket, from a URL, from a task.

use std::fs;

use ark_video_cli::{Interrupts, Signal};
use ark_video_simulator::Simulator;
use ark_video_simulator::render::{StillFormat, VideoSpec};
use ark_video_test_support::s3::Server;
use serde_json::{Value, json};

use super::{clip, must_keep_no_secrets, run, with_bucket};
use crate::cli::{Page, Shell};

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

#[tokio::test(flavor = "multi_thread")]
async fn after_ctrl_c_the_hint_has_the_command_that_was_given() {
    let simulator = Simulator::builder().speed(0.001).start().await.unwrap();
    let shell = Shell::at(&simulator);
    let frame = ark_video_simulator::render::last_frame(&VideoSpec::default(), StillFormat::Png).unwrap();
    fs::write(shell.folder.path().join("boat.last.png"), frame).unwrap();
    clip(&shell, "boat.mp4", 97, 1);
    for (command, video) in
        [("extend", "https://h/a.mp4"), ("edit", "https://h/a.mp4"), ("continue", "boat.mp4")]
    {
        let (press, interrupts) = Interrupts::by_hand();
        let stderr = Page::watched(move |text| {
            if text.contains(" created") {
                press.send(Signal::Interrupt).unwrap();
            }
        });
        let seen = stderr.clone();
        let to = format!("{command}.mp4");
        let ran = shell
            .run_with(&[command, video, "It sinks.", "-m", "2.5", "-o", &to], |env| {
                env.interrupts = interrupts;
                env.stderr = Box::new(stderr);
            })
            .await;
        let hint = format!("continue with the same command: ark-video {command} … -o {to} --resume\n");
        assert!(ran.code == 130 && seen.text().contains(&hint), "{} {}", ran.code, seen.text());
    }
}

//! What flags and files become on the wire.

use clap::Parser;

use super::*;
use crate::args::{Cli, Command};

fn parse(line: &[&str]) -> GenerateArgs {
    let words = ["ark-video", "generate"].iter().chain(line);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Generate(args) => *args,
        _ => unreachable!(),
    }
}

fn built(line: &[&str], stdin: &str) -> Result<String, Failure> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prompt.txt"), "From a file.\n").unwrap();
    std::fs::write(folder.path().join("cat.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(folder.path().join("r.json"), FILE).unwrap();
    let request = build(&parse(line), "default-model", folder.path(), stdin.as_bytes())?;
    body(&request)
}

const FILE: &str = r#"{"model": "of-file", "content": [{"type": "text", "text": "Old."},
    {"type": "image_url", "image_url": {"url": "https://h/old.png"}, "role": "first_frame"}],
    "frames": 29, "ratio": "1:1", "watermark": true, "future": {"kept": 1}}"#;

fn wire(line: &[&str]) -> String {
    built(line, "").unwrap()
}

fn refused(line: &[&str]) -> String {
    let failure = built(line, "").unwrap_err();
    format!("{} {}", failure.exit.code(), failure.message)
}

#[test]
fn a_prompt_alone_sends_nothing_that_was_not_asked_for() {
    insta::assert_snapshot!(wire(&["A cat."]), @r#"{"model":"default-model","content":[{"type":"text","text":"A cat."}]}"#);
    insta::assert_snapshot!(wire(&["-p", "@prompt.txt", "-m", "ep-1"]), @r#"{"model":"ep-1","content":[{"type":"text","text":"From a file."}]}"#);
}

#[test]
fn every_flag_has_its_field_and_zero_values_are_sent() {
    insta::assert_snapshot!(wire(&[
        "A cat.", "-d=-1", "-r", "adaptive", "--resolution", "480p", "--seed", "0", "--no-audio", "--watermark=false",
        "--camera-fixed", "--draft", "--return-last-frame", "--callback-url", "https://h/c", "--tier", "flex", "--priority", "0",
        "--expires-after", "3600", "--safety-id", "u", "--tools", "web_search", "--output-format", "mov", "--task-type", "edit",
    ]), @r#"{"model":"default-model","content":[{"type":"text","text":"A cat."}],"generate_audio":false,"ratio":"adaptive","duration":-1,"watermark":false,"callback_url":"https://h/c","return_last_frame":true,"service_tier":"flex","execution_expires_after":3600,"draft":true,"camera_fixed":true,"seed":0,"resolution":"480p","tools":[{"type":"web_search"}],"safety_identifier":"u","priority":0,"output_format":"mov","omni_reference_task_type":"edit"}"#);
    insta::assert_snapshot!(wire(&["A cat.", "--frames", "29", "--audio", "--ratio", "2:1"]), @r#"{"model":"default-model","content":[{"type":"text","text":"A cat."}],"generate_audio":true,"ratio":"2:1","frames":29}"#);
}

#[test]
fn frames_and_references_have_their_roles_and_their_order() {
    insta::assert_snapshot!(wire(&["Go.", "--last-frame", "https://h/b.png", "--first-frame", "@cat.png"]), @r#"{"model":"default-model","content":[{"type":"text","text":"Go."},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="},"role":"first_frame"},{"type":"image_url","image_url":{"url":"https://h/b.png"},"role":"last_frame"}]}"#);
    insta::assert_snapshot!(wire(&["--ref", "first:@cat.png", "--ref", "last:https://h/b.png"]), @r#"{"model":"default-model","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="},"role":"first_frame"},{"type":"image_url","image_url":{"url":"https://h/b.png"},"role":"last_frame"}]}"#);
    insta::assert_snapshot!(wire(&["Go.", "--ref", "https://h/a.mp3", "--ref", "cat.png", "--ref", "video:asset://asset-1"]), @r#"{"model":"default-model","content":[{"type":"text","text":"Go."},{"type":"audio_url","audio_url":{"url":"https://h/a.mp3"},"role":"reference_audio"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="},"role":"reference_image"},{"type":"video_url","video_url":{"url":"asset://asset-1"},"role":"reference_video"}]}"#);
    insta::assert_snapshot!(wire(&["--draft-task", "cgt-1", "-m", "m"]), @r#"{"model":"m","content":[{"type":"draft_task","draft_task":{"id":"cgt-1"}}]}"#);
}

#[test]
fn flags_win_over_the_file_and_the_rest_of_it_stays() {
    insta::assert_snapshot!(wire(&["r.json"]), @r#"{"model":"of-file","content":[{"type":"text","text":"Old."},{"type":"image_url","image_url":{"url":"https://h/old.png"},"role":"first_frame"}],"ratio":"1:1","watermark":true,"frames":29,"future":{"kept":1}}"#);
    insta::assert_snapshot!(wire(&["r.json", "-p", "New.", "-m", "m", "-d", "5", "--watermark=false", "--ref", "https://h/a.png"]), @r#"{"model":"m","content":[{"type":"text","text":"New."},{"type":"image_url","image_url":{"url":"https://h/a.png"},"role":"reference_image"}],"ratio":"1:1","duration":5,"watermark":false,"future":{"kept":1}}"#);
    insta::assert_snapshot!(wire(&["r.json", "--draft-task", "cgt-1"]), @r#"{"model":"of-file","content":[{"type":"draft_task","draft_task":{"id":"cgt-1"}}],"ratio":"1:1","watermark":true,"frames":29,"future":{"kept":1}}"#);
}

#[test]
fn the_extra_body_replaces_adds_and_removes() {
    insta::assert_snapshot!(wire(&["r.json", "--extra-body", r#"{"ratio": "16:9", "frames": null, "content": [], "new": [0]}"#]), @r#"{"model":"of-file","content":[],"ratio":"16:9","watermark":true,"future":{"kept":1},"new":[0]}"#);
}

#[test]
fn a_request_comes_from_standard_input_too() {
    assert_eq!(built(&["-"], r#"{"model":"m","content":[]}"#).unwrap(), r#"{"model":"m","content":[]}"#);
    assert_eq!(
        built(&["-p", "@-", "-m", "m"], "Hi\n").unwrap(),
        r#"{"model":"m","content":[{"type":"text","text":"Hi"}]}"#
    );
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    insta::assert_snapshot!(refused(&[]), @"2 there is nothing to make a video from");
    insta::assert_snapshot!(refused(&["A cat.", "-p", "Another."]), @"2 the prompt is given twice: as an argument and with --prompt");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "https://h/a.mp4"]), @"2 a first or last frame and references cannot be mixed: the service takes one or the other");
    insta::assert_snapshot!(refused(&["--last-frame", "cat.png"]), @"2 a last frame needs a first frame");
    insta::assert_snapshot!(refused(&["--first-frame", "last:cat.png"]), @"2 --first-frame: the prefix before the file says that it is for something else");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "first:cat.png"]), @"2 --ref first: this frame is given twice");
    insta::assert_snapshot!(refused(&["--first-frame", "https://h/a.mp4", "-p", "x"]), @"4 --first-frame takes an image, not a video");
    insta::assert_snapshot!(refused(&["--draft-task", "cgt-1"]), @"2 --draft-task needs --model: the final is rendered by the model that made the draft");
    insta::assert_snapshot!(refused(&["A cat.", "--draft-task", "cgt-1", "-m", "m"]), @"2 --draft-task takes no prompt and no other media: the final has those of the draft");
    insta::assert_snapshot!(refused(&["none.json"]), @"5 the request none.json cannot be read: there is no such file");
    insta::assert_snapshot!(refused(&["-p", "@none.txt"]), @"5 --prompt: the file none.txt cannot be read: there is no such file");
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", "{"]), @r#"
    4 --extra-body:1:1 is not valid JSON: EOF while parsing an object
      |
    1 | {
      | ^
    "#);
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", r#"{"seed": "x"}"#]), @"4 the request with --extra-body: `seed` must be a whole number, but is a text");
}

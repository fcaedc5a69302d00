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
    insta::assert_snapshot!(wire(&["A cat."]), @"");
    insta::assert_snapshot!(wire(&["-p", "@prompt.txt", "-m", "ep-1"]), @"");
}

#[test]
fn every_flag_has_its_field_and_zero_values_are_sent() {
    insta::assert_snapshot!(wire(&[
        "A cat.", "-d=-1", "-r", "adaptive", "--resolution", "480p", "--seed", "0", "--no-audio", "--watermark=false",
        "--camera-fixed", "--draft", "--return-last-frame", "--callback-url", "https://h/c", "--tier", "flex", "--priority", "0",
        "--expires-after", "3600", "--safety-id", "u", "--tools", "web_search", "--output-format", "mov", "--task-type", "edit",
    ]), @"");
    insta::assert_snapshot!(wire(&["A cat.", "--frames", "29", "--audio", "--ratio", "2:1"]), @"");
}

#[test]
fn frames_and_references_have_their_roles_and_their_order() {
    insta::assert_snapshot!(wire(&["Go.", "--last-frame", "https://h/b.png", "--first-frame", "@cat.png"]), @"");
    insta::assert_snapshot!(wire(&["--ref", "first:@cat.png", "--ref", "last:https://h/b.png"]), @"");
    insta::assert_snapshot!(wire(&["Go.", "--ref", "https://h/a.mp3", "--ref", "cat.png", "--ref", "video:asset://asset-1"]), @"");
    insta::assert_snapshot!(wire(&["--draft-task", "cgt-1", "-m", "m"]), @"");
}

#[test]
fn flags_win_over_the_file_and_the_rest_of_it_stays() {
    insta::assert_snapshot!(wire(&["r.json"]), @"");
    insta::assert_snapshot!(wire(&["r.json", "-p", "New.", "-m", "m", "-d", "5", "--watermark=false", "--ref", "https://h/a.png"]), @"");
    insta::assert_snapshot!(wire(&["r.json", "--draft-task", "cgt-1"]), @"");
}

#[test]
fn the_extra_body_replaces_adds_and_removes() {
    insta::assert_snapshot!(wire(&["r.json", "--extra-body", r#"{"ratio": "16:9", "frames": null, "content": [], "new": [0]}"#]), @"");
}

#[test]
fn a_request_comes_from_standard_input_too() {
    assert_eq!(built(&["-"], r#"{"model":"m","content":[]}"#).unwrap(), r#"{"model":"m","content":[]}"#);
    assert_eq!(built(&["-p", "@-", "-m", "m"], "Hi\n").unwrap(), r#"{"model":"m","content":[{"type":"text","text":"Hi"}]}"#);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    insta::assert_snapshot!(refused(&[]), @"");
    insta::assert_snapshot!(refused(&["A cat.", "-p", "Another."]), @"");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "https://h/a.mp4"]), @"");
    insta::assert_snapshot!(refused(&["--last-frame", "cat.png"]), @"");
    insta::assert_snapshot!(refused(&["--first-frame", "last:cat.png"]), @"");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "first:cat.png"]), @"");
    insta::assert_snapshot!(refused(&["--first-frame", "https://h/a.mp4", "-p", "x"]), @"");
    insta::assert_snapshot!(refused(&["--draft-task", "cgt-1"]), @"");
    insta::assert_snapshot!(refused(&["A cat.", "--draft-task", "cgt-1", "-m", "m"]), @"");
    insta::assert_snapshot!(refused(&["none.json"]), @"");
    insta::assert_snapshot!(refused(&["-p", "@none.txt"]), @"");
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", "{"]), @"");
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", r#"{"seed": "x"}"#]), @"");
}

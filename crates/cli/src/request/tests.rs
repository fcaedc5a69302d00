//! The bodies made from flags and files.

use clap::Parser;

use ark_video::model::catalog::{Catalog, Site};

use super::*;
use crate::args::{Cli, Command};
use crate::checking::Checked;
use crate::model_names::ModelSite;
use crate::output::Output;

fn parse(line: &[&str]) -> (RequestArgs, Option<String>) {
    let line = ["ark-video", "generate"].iter().chain(line);
    match Cli::try_parse_from(line).unwrap().command {
        Command::Generate(args) => (args.request, args.input),
        _ => unreachable!(),
    }
}

/// Builds the request of a command line while its files exist.
fn with<T>(line: &[&str], stdin: &str, then: impl FnOnce(&RequestInput) -> T) -> Result<T, Failure> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prompt.txt"), "From a file.\n").unwrap();
    std::fs::write(folder.path().join("cat.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(folder.path().join("r.json"), FILE).unwrap();
    let (args, input) = parse(line);
    let default_model = ("default-model", "the configuration");
    let output = Output::new(Box::new(std::io::sink()), Box::new(std::io::sink()));
    let models = ModelNames::new(
        Catalog::builtin(),
        ModelSite { site: Site::Volcengine, is_vendor: true, is_plan: false },
        &output,
    );
    let at = RequestContext {
        default_model,
        models: &models,
        cwd: folder.path(),
        hosts: false,
        stdin: stdin.as_bytes(),
    };
    let built = build(&args, input.as_deref(), &at);
    Ok(then(&Checked::request(built, Catalog::builtin())?))
}

/// The bytes that go on the wire.
fn built(line: &[&str], stdin: &str) -> Result<String, Failure> {
    with(line, stdin, |parsed| {
        let body = parsed.files.body(&parsed.request).unwrap().read().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    })
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
    insta::assert_snapshot!(wire(&["A cat.", "-m", "mini"]), @r#"{"model":"doubao-seedance-2-0-mini-260615","content":[{"type":"text","text":"A cat."}]}"#);
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
    insta::assert_snapshot!(refused(&[]), @"2 no prompt, request or media given");
    insta::assert_snapshot!(refused(&["A cat.", "-p", "Another."]), @"2 the prompt is given twice: as an argument and with --prompt");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "https://h/a.mp4"]), @"2 frames and references cannot be combined");
    insta::assert_snapshot!(refused(&["--last-frame", "cat.png"]), @"2 a last frame needs a first frame");
    insta::assert_snapshot!(refused(&["--first-frame", "last:cat.png"]), @"2 --first-frame: the prefix of the file is for another flag");
    insta::assert_snapshot!(refused(&["--first-frame", "cat.png", "--ref", "first:cat.png"]), @"2 --ref first: this frame is given twice");
    insta::assert_snapshot!(refused(&["--first-frame", "https://h/a.mp4", "-p", "x"]), @"4 --first-frame takes an image, not a video");
    insta::assert_snapshot!(refused(&["--draft-task", "cgt-1"]), @"2 --draft-task needs --model: the model of the draft");
    insta::assert_snapshot!(refused(&["A cat.", "--draft-task", "cgt-1", "-m", "m"]), @"2 --draft-task takes no prompt and no other media: the draft's are used");
    insta::assert_snapshot!(refused(&["none.json"]), @"5 cannot read the request none.json: there is no such file");
    insta::assert_snapshot!(refused(&["-p", "@none.txt"]), @"5 cannot read the file of --prompt none.txt: there is no such file");
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", "{"]), @r#"
    4 --extra-body:1:1 is not valid JSON: EOF while parsing an object
      |
    1 | {
      | ^
    "#);
    insta::assert_snapshot!(refused(&["A cat.", "--extra-body", r#"{"seed": "x"}"#]), @r"
    4 invalid request; nothing was sent, nothing is billed
      --extra-body: seed: `seed` is a string, and must be an integer. Change its type. [type]
    ");
}

#[test]
fn every_part_is_known_by_who_said_it() {
    let line = [
        "r.json",
        "-p",
        "@prompt.txt",
        "-d",
        "5",
        "--ref",
        "cat.png",
        "--ref",
        "https://h/a.mp4?sign=secret",
        "--extra-body",
        r#"{"seed": 1}"#,
    ];
    let places = |parsed: &RequestInput| {
        [
            "/content/0/text",
            "/content/1/image_url/url",
            "/content/2",
            "/duration",
            "/seed",
            "/ratio",
            "/model",
            "",
        ]
        .map(|pointer| parsed.names.place(pointer))
    };
    let said = with(&line, "", places).unwrap();
    assert_eq!(
        said,
        [
            "--prompt @prompt.txt",
            "--ref cat.png",
            "--ref https://h/a.mp4",
            "--duration",
            "--extra-body: seed",
            "r.json: ratio",
            "r.json: model",
            "r.json",
        ]
    );
    let kept = with(&["r.json", "--extra-body", r#"{"ratio": "9:16"}"#], "", places).unwrap();
    assert_eq!(
        (kept[1].as_str(), kept[5].as_str()),
        ("r.json: content[1].image_url.url", "--extra-body: ratio")
    );
    let own = with(&["A cat."], "", places).unwrap();
    assert_eq!(
        (own[0].as_str(), own[6].as_str(), own[7].as_str()),
        ("the prompt", "model default-model, from the configuration", "the request")
    );
}

#[test]
fn a_lifted_setting_is_known_by_its_flag_in_the_prompt() {
    let line = ["A kite --dur 5 --rs 720p", "--resolution", "480p", "--lift"];
    assert_eq!(
        wire(&line),
        r#"{"model":"default-model","content":[{"type":"text","text":"A kite --rs 720p"}],"duration":5,"resolution":"480p"}"#
    );
    let places =
        with(&line, "", |parsed| ["/duration", "/resolution"].map(|place| parsed.names.place(place)))
            .unwrap();
    assert_eq!(places, ["--duration in the prompt", "--resolution"]);
}

#[test]
fn media_are_measured_where_they_are() {
    let gif = "data:image/gif;base64,R0lGODlhIAMgA4AAAAAAAP///w==";
    let line = ["A cat.", "--ref", gif, "--ref", "cat.png", "--ref", "data:image/png;base64,iVBORw0KGgo="];
    with(&line, "", |parsed| {
        assert_eq!(parsed.facts.get(1).and_then(|facts| facts.width), Some(800));
        let doubts: Vec<usize> = parsed.doubts.iter().map(|(index, _)| *index).collect();
        assert_eq!(doubts, [2, 3], "{:?}", parsed.doubts);
    })
    .unwrap();
}

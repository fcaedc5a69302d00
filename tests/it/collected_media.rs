//! What `check` says of media as people have them: as files, and the same bytes as data URLs, which
//! the simulator is asked about too. One row a file; a rule that changes, shows here.

use std::collections::BTreeSet;

use ark_video_model::{catalog::Catalog, check::Facts};
use ark_video_simulator::{Options, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::agreement::create;
use crate::cli::Shell;
use crate::examples;

const MODEL: &str = "doubao-seedance-2-0-260128";
const FOLDER: &str = "tests/fixtures/collected-media";

/// File, media type of its data URL, and what is found, in both forms.
const MEDIA: &[(&str, &str, &[&str])] = &[
    ("land.jpg", "image/jpeg", &[]),
    ("port.jpg", "image/jpeg", &[]),
    ("exif6.jpg", "image/jpeg", &[]),
    ("a.avif", "image/avif", &["refuse media-format"]),
    ("svg_renamed.png", "image/png", &["refuse media-content"]),
    ("zeros.png", "image/png", &["refuse media-content"]),
    ("lfs_pointer.png", "image/png", &["refuse media-content"]),
    ("expired_link.jpg", "image/jpeg", &["refuse media-content"]),
    ("login_page.mp3", "audio/mp3", &["refuse media-content"]),
    ("voice.m4a", "audio/m4a", &["refuse media-format"]),
    ("voice.m4a", "audio/x-m4a", &["refuse media-format"]),
    ("tone.ogg", "audio/ogg", &["refuse media-format"]),
    ("tone.flac", "audio/flac", &["refuse media-format"]),
    ("tone.aac", "audio/aac", &["refuse media-format"]),
    ("mdhd-in-movie-units.mp4", "video/mp4", &["refuse media-form", "warn media-doubt"]),
    ("fragmented.mp4", "video/mp4", &["refuse media-form", "warn media-doubt"]),
];

fn path(file: &str) -> String {
    examples::repository(FOLDER).join(file).display().to_string()
}

/// Rules and strengths of a report, each said once.
fn found(name: &str, report: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all: Vec<String> = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        assert!(seen.insert((text("pointer"), text("rule"))), "{name}: said twice: {report:#}");
        all.push(format!("{} {}", text("strength"), text("rule")));
    }
    all.sort();
    all
}

fn body(file: &str, media_type: &str) -> Value {
    let data = STANDARD.encode(std::fs::read(path(file)).unwrap());
    let kind = media_type.split('/').next().unwrap();
    let field = format!("{kind}_url");
    let mut item = json!({ "type": field, "role": format!("reference_{kind}") });
    item[&field] = json!({ "url": format!("data:{media_type};base64,{data}") });
    let beside = json!({ "type": "image_url", "role": "reference_image", "image_url": { "url": "https://media.example.com/a.png" } });
    json!({ "model": MODEL, "content": [{ "type": "text", "text": "A kite." }, item, beside] })
}

#[tokio::test]
async fn files_and_data_urls_are_judged_alike() {
    let shell = Shell::new();
    for (file, media_type, expected) in MEDIA {
        let ran = shell
            .run(&[
                "check",
                "A kite.",
                "-m",
                MODEL,
                "--ref",
                &path(file),
                "--ref",
                "https://media.example.com/a.png",
            ])
            .await;
        assert_eq!(found(file, &ran.json()), *expected, "{file}: {}", ran.stdout);
        let inline = shell.folder.path().join("request.json");
        std::fs::write(&inline, body(file, media_type).to_string()).unwrap();
        let ran = shell.run(&["check", "request.json"]).await;
        assert_eq!(found(file, &ran.json()), *expected, "{file} as {media_type}: {}", ran.stdout);
        let refused = expected.iter().any(|found| found.starts_with("refuse"));
        assert_eq!(ran.code, if refused { 4 } else { 0 }, "{file}: {}", ran.stderr);
    }
}

/// The simulator probes inline media, unless that is disabled.
#[test]
fn the_simulator_refuses_inline_media_as_the_checks_do() {
    let mut measuring = Service::new(Options::default());
    let mut ignoring = Service::new(Options::default().ignores_media(true));
    for (file, media_type, expected) in MEDIA {
        let body = body(file, media_type);
        let refused = expected.iter().any(|found| found.starts_with("refuse"));
        let (status, param) = create(&mut measuring, &body);
        assert_eq!(status, if refused { 400 } else { 200 }, "{file}: {param}");
        let field = format!("content[1].{}_url.url", media_type.split('/').next().unwrap());
        assert_eq!(param, if refused { field.as_str() } else { "" }, "{file}");
        // The media type in the URL is checked anyway.
        let (_, report) = ark_video_model::check::check_json(&body, Catalog::builtin(), &Facts::new());
        assert_eq!(create(&mut ignoring, &body).0 == 200, !report.is_refused(), "{file}");
    }
}

#[tokio::test]
async fn frames_are_compared_as_they_are_shown() {
    let shell = Shell::new();
    for (first, last, ratio, expected) in [
        ("land.jpg", Some("port.jpg"), None, &["warn frames-shape"][..]),
        ("land.jpg", Some("land.jpg"), Some("16:9"), &[]),
        // Its orientation turns it upright.
        ("exif6.jpg", Some("port.jpg"), None, &[]),
        ("exif6.jpg", Some("land.jpg"), None, &["warn frames-shape"]),
        ("land.jpg", None, Some("9:16"), &["warn ratio-against-frame"]),
        ("exif6.jpg", None, Some("9:16"), &[]),
    ] {
        let (first, last) = (path(first), last.map(path));
        let mut line = vec!["check", "A kite.", "-m", MODEL, "--first-frame", &first];
        line.extend(last.iter().flat_map(|last| ["--last-frame", last]));
        line.extend(ratio.iter().flat_map(|ratio| ["--ratio", ratio]));
        let ran = shell.run(&line).await;
        assert_eq!(found(&first, &ran.json()), expected, "{line:?}: {}", ran.stdout);
    }
}

/// What a header contradicts is no fact: neither a length nor a rate is given.
#[tokio::test]
async fn what_is_doubted_is_not_stated() {
    let shell = Shell::new();
    for file in ["mdhd-in-movie-units.mp4", "fragmented.mp4"] {
        let ran = shell.run(&["check", "A kite.", "-m", MODEL, "--ref", &path(file)]).await;
        let medium = &ran.json()["media"][0];
        assert_eq!(
            (&medium["seconds"], &medium["frames_per_second"]),
            (&Value::Null, &Value::Null),
            "{medium}"
        );
        assert!(medium["width"].is_u64() && medium["doubts"][0].is_string(), "{medium}");
    }
}

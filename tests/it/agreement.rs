//! The checks against the simulator: what one refuses at once, the other refuses too. The whole
//! catalog is walked, and what live probes have shown stands in a table. A request goes to the
//! service in process; nothing is rendered or sent.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ark_video_model::{
    CreateTaskRequest, ImageToVideo, TextToVideo,
    catalog::{Catalog, Family, Model},
    check::{Facts, Finding, Report, Severity},
};
use ark_video_simulator::{Options, Reply, Service};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::matrix::{NOT_CHECKED, URL, all_words, any, flag, references, set, word};

const NEW: &str = "doubao-seedance-2-0-260128";
const LATEST: &str = "doubao-seedance-2-5-260628";
const OLD: &str = "doubao-seedance-1-0-pro-250528";
const PREMIUM: &str = "dreamina-seedance-2-5-premium-260915";

/// What the service would answer at once; a task that is accepted and fails later is accepted.
fn at_once(report: &Report) -> impl Iterator<Item = &Finding> {
    report.refusals().filter(|finding| finding.code.is_some() && finding.http != Some(200))
}

/// Status of the simulator's answer to a body, and the parameter that it blames.
pub(crate) fn create(service: &mut Service, body: &Value) -> (u16, String) {
    let request = Request::post("/api/v3/contents/generations/tasks")
        .header("authorization", "Bearer any")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let Reply::Answer(answer) = service.handle(1_795_313_730_000, request) else {
        panic!("{body}: no answer")
    };
    let error: Value = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), error["error"]["param"].as_str().unwrap_or_default().to_owned())
}

/// `/content/1/role` as the service writes it.
fn param(pointer: &str) -> String {
    let mut param = String::new();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(index) => param.push_str(&format!("[{index}]")),
            Err(_) if param.is_empty() => param.push_str(part),
            Err(_) => param.push_str(&format!(".{part}")),
        }
    }
    param
}

/// Both verdicts on a request; `true` is refused.
fn agree(service: &mut Service, request: &CreateTaskRequest) -> Result<bool, String> {
    let body = serde_json::to_value(request).unwrap();
    let report = request.check_with(Catalog::builtin(), &Facts::new());
    let refused: Vec<&Finding> = at_once(&report).collect();
    let (status, blamed) = create(service, &body);
    let as_said = match refused.is_empty() {
        true => status == 200,
        false => {
            refused.iter().any(|finding| finding.http == Some(status) && param(&finding.pointer) == blamed)
        }
    };
    match as_said {
        true => Ok(!refused.is_empty()),
        false => Err(format!("{body}\n  the simulator: {status} {blamed}\n  the checks: {report}")),
    }
}

/// Requests about everything that the catalog says of a model: what it lists, and what it does not.
fn requests(model: &Model, family: &Family) -> Vec<CreateTaskRequest> {
    let mut all = Vec::new();
    for row in Family::ROWS.iter().filter(|row| NOT_CHECKED.iter().all(|(known, _)| known != *row)) {
        all.extend(flag(row, model, family).map(|((request, _), ..)| request));
        all.extend(
            all_words(row)
                .iter()
                .filter_map(|each| word(row, each, model, family))
                .map(|((request, _), ..)| request),
        );
    }
    let plain = any(model, family);
    for (field, values) in [
        ("duration", json!([-2, -1, 0, 1, 2, 3, 4, 5, 12, 13, 15, 16, 30, 31])),
        ("frames", json!([28, 29, 57, 58, 289, 290])),
        ("priority", json!([-1, 0, 1, 9, 10])),
        ("seed", json!([-2, -1, 0, 2_147_483_648_u64, 4_294_967_295_u64, 4_294_967_296_u64])),
        ("execution_expires_after", json!([-1, 0, 60, 3599, 3600, 259_200, 259_201])),
        ("resolution", json!(["480P", "720P", "1080P", "4K", "2k", "8K"])),
        ("ratio", json!(["adaptive", "16x9", "9:21"])),
        ("generate_audio", json!([true, false])),
        ("camera_fixed", json!([true, false])),
        ("draft", json!([true, false])),
        ("service_tier", json!(["default", "flex", "priority"])),
        ("output_format", json!(["mp4", "mov", "webm"])),
        ("tools", json!([[], [{ "type": "image_search" }]])),
        ("safety_identifier", json!(["x".repeat(64), "x".repeat(65)])),
    ] {
        all.extend(values.as_array().unwrap().iter().map(|value| set(plain.clone(), field, value.clone())));
    }
    let most = |count: u32| count.min(60) as usize + 1;
    for images in [1, most(family.reference_images.value.max)] {
        all.push(references(model, images, 0, 0).build());
    }
    for videos in [1, most(family.reference_videos.value.max)] {
        all.push(references(model, 0, videos, 0).build());
    }
    for audios in [1, most(family.reference_audios.value.max)] {
        all.push(references(model, 1, 0, audios).build());
    }
    for ratio in ["16:9", "adaptive"] {
        all.push(ImageToVideo::new(model.id.as_ref(), URL).ratio(ratio).build());
    }
    all
}

#[test]
fn checks_and_simulator_agree_on_the_whole_catalog() {
    let catalog = Catalog::builtin();
    let mut service = Service::new(Options::default());
    let (mut accepted, mut refused, mut apart, mut rules) = (0, 0, Vec::new(), BTreeSet::new());
    for model in catalog.models.iter() {
        let family = catalog.families.get(&model.family).unwrap();
        for request in requests(model, family) {
            rules.extend(at_once(&request.check(catalog)).map(|finding| finding.rule.clone()));
            match agree(&mut service, &request) {
                Ok(true) => refused += 1,
                Ok(false) => accepted += 1,
                Err(why) => apart.push(why),
            }
        }
    }
    assert!(apart.is_empty(), "{} differ:\n{}", apart.len(), apart.join("\n"));
    println!("{accepted} accepted and {refused} refused by both, under {} rules", rules.len());
    assert!(accepted >= 800 && refused >= 800 && rules.len() >= 25, "{accepted} {refused} {rules:?}");
}

/// The walk can fail: another catalog in the simulator, and it does.
#[test]
fn the_walk_notices_a_drift() {
    let drifted =
        Catalog::builtin().overlaid(&json!({ "families": { "2.0": { "camera_fixed": { "value": true } } } }));
    let mut service = Service::new(Options::default().catalog(Cow::Owned(drifted.unwrap())));
    let request = set(TextToVideo::new(NEW, "x").build(), "camera_fixed", json!(true));
    assert!(agree(&mut service, &request).is_err());
}

/// What live probes until 2026-11-29 have shown, or left open: (model, what is set, how strongly it
/// is reported).
fn probed() -> Vec<(&'static str, Value, Severity)> {
    use Severity::{Error, Off, Warning};
    let tools = json!([{ "type": "image_search" }]);
    let mut all = vec![
        // Accepted, although the pages list otherwise.
        (NEW, json!({ "resolution": "4K" }), Warning),
        (NEW, json!({ "resolution": "1080P" }), Warning),
        (LATEST, json!({ "resolution": "720P" }), Warning),
        (OLD, json!({ "generate_audio": true }), Warning),
        ("doubao-seedance-1-0-pro-fast-251015", json!({ "generate_audio": true }), Warning),
        (OLD, json!({ "priority": 3 }), Warning),
        ("seedance-1-0-pro-fast-251015", json!({ "priority": 3 }), Warning),
        ("doubao-seedance-1-5-pro-251215", json!({ "priority": 3 }), Error),
        (NEW, json!({ "execution_expires_after": 600 }), Warning),
        (LATEST, json!({ "execution_expires_after": 600 }), Warning),
        (OLD, json!({ "execution_expires_after": 600 }), Error),
        ("doubao-seedance-1-5-pro-251215", json!({ "execution_expires_after": 600 }), Error),
        // Refused, and settled.
        (NEW, json!({ "camera_fixed": true }), Error),
        (LATEST, json!({ "camera_fixed": true }), Error),
        ("dreamina-seedance-2-0-mini-260615", json!({ "camera_fixed": true }), Error),
        (OLD, json!({ "camera_fixed": true }), Off),
        (NEW, json!({ "seed": 7 }), Off),
        ("dreamina-seedance-2-0-260128", json!({ "seed": 4_294_967_295_u64 }), Off),
        ("dreamina-seedance-2-0-260128", json!({ "seed": 4_294_967_296_u64 }), Error),
        (NEW, json!({ "service_tier": "flex" }), Error),
        (NEW, json!({ "service_tier": "default" }), Warning),
        (PREMIUM, json!({ "resolution": "4k" }), Off),
        (PREMIUM, json!({ "resolution": "1080p" }), Error),
        (PREMIUM, json!({ "resolution": "4k", "output_format": "mov" }), Off),
        (PREMIUM, json!({ "resolution": "480p", "draft": true }), Off),
        (PREMIUM, json!({ "resolution": "1080p", "draft": true }), Error),
        (
            PREMIUM,
            json!({ "resolution": "1080p", "content": [{ "type": "draft_task", "draft_task": { "id": "cgt-1" } }] }),
            Error,
        ),
        (LATEST, json!({ "content": [{ "type": "text", "text": "A kite --dur 99" }] }), Error),
    ];
    // A model that is not known may be newer than every range and list.
    all.extend(
        [
            json!({ "duration": 45 }),
            json!({ "resolution": "2k" }),
            json!({ "resolution": "8k" }),
            json!({ "ratio": "9:21" }),
            json!({ "output_format": "webm" }),
            json!({ "tools": tools }),
            json!({ "service_tier": "priority" }),
            json!({ "content": [{ "type": "text", "text": "x" }, { "type": "file_url", "file_url": { "url": URL } }] }),
            json!({ "omni_reference_task_type": "relight" }),
        ]
        .map(|more| ("ep-20260822154500-vtx3q", more, Warning)),
    );
    all
}

#[test]
fn both_say_what_live_probes_have_shown() {
    let mut service = Service::new(Options::default());
    for (model, more, expected) in probed() {
        let mut body = json!({ "model": model, "content": [{ "type": "text", "text": "x" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request: CreateTaskRequest = serde_json::from_value(body.clone()).unwrap();
        let report = request.check(Catalog::builtin());
        let findings = report.findings.iter().filter(|finding| finding.rule != "model-retired");
        let found = findings.map(|finding| finding.strength).max().unwrap_or(Severity::Off);
        assert_eq!(found, expected, "{body}: {report}");
        let (status, param) = create(&mut service, &body);
        assert_eq!(status == 200, expected != Severity::Error, "{body}: {status} {param}");
    }
}

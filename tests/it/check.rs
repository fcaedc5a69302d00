//! The examples under the checks: what must be refused is, by the right rule at the right place;
//! what is accepted is not.

use ark_video_model::{
    CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, Finding, Report, Severity, check_json},
};
use serde_json::Value;

use crate::examples;

fn report(text: &str) -> (Option<CreateTaskRequest>, Report) {
    check_json(&serde_json::from_str(text).unwrap(), Catalog::builtin(), &Facts::new())
}

/// The rule that each refused example breaks.
pub(crate) const RULES: &[(&str, &str)] = &[
    ("x01-content-missing.json", "required"),
    ("x02-frame-mixed-with-reference.json", "mixed-modes"),
    ("x03-last-frame-alone.json", "last-frame-alone"),
    ("x04-two-images-without-roles.json", "role-required"),
    ("x05-audio-alone-on-2-0.json", "audio-alone"),
    ("x06-4k-on-2-0-fast.json", "resolution"),
    ("x07a-duration-3-on-2-0.json", "duration"),
    ("x07b-duration-16-on-2-0.json", "duration"),
    ("x07c-duration-3-on-2-5.json", "duration"),
    ("x07d-duration-31-on-2-5.json", "duration"),
    ("x07e-duration-1-on-1-0.json", "duration"),
    ("x07f-duration-13-on-1-0.json", "duration"),
    ("x08-frames-on-2-0.json", "frames"),
    ("x09-flex-on-2-5.json", "service-tier-flex"),
    ("x10-video-as-data-url.json", "media-form"),
    ("x11-final-with-duration.json", "final-inherited"),
    ("x12-final-at-720p.json", "final-resolution"),
    ("x13-draft-at-720p.json", "draft-resolution"),
    ("x14-edit-with-fixed-ratio.json", "task-type-ratio"),
    ("x15-auto-read-as-edit.json", "task-type-guessed"),
    ("x16-ten-reference-images-on-2-0.json", "reference-images"),
    ("x17-role-inside-image-url.json", "role-required"),
    ("x18-output-format-webm.json", "word"),
    ("x19-ratio-2-1.json", "ratio"),
    ("x20-expires-after-60.json", "execution-expires-after"),
    ("x21-priority-10.json", "priority"),
    ("x22-family-name-as-model.json", "model-id"),
];

#[test]
fn what_must_be_refused_is_refused_by_its_rule() {
    let expected: Vec<Value> = serde_json::from_str(&examples::read("refused/expected.json")).unwrap();
    assert_eq!(expected.len(), RULES.len());
    for entry in expected {
        let file = entry["file"].as_str().unwrap();
        let rule = RULES.iter().find(|(known, _)| *known == file).map(|(_, rule)| *rule);
        let rule = rule.unwrap_or_else(|| panic!("{file} has no rule here"));
        let (_, report) = report(&examples::read(&format!("refused/{file}")));
        let pointer = entry["pointer"].as_str().unwrap();
        let found = report.findings.iter().find(|finding| finding.rule == rule && finding.pointer == pointer);
        let found = found.unwrap_or_else(|| panic!("{file}: no `{rule}` at {pointer}:\n{report}"));
        assert_eq!(found.code.as_deref(), entry["code"].as_str(), "{file}");
        assert_eq!(found.http.map(u64::from), entry["http"].as_u64(), "{file}");
        let later = entry["when"] == "async";
        assert_eq!(found.strength, if later { Severity::Warning } else { Severity::Error }, "{file}");
        assert_eq!(report.is_refused(), !later, "{file}");
        // One mistake, one refusal: nothing else is made of it.
        let refusals: Vec<&Finding> = report.refusals().filter(|finding| finding.rule != rule).collect();
        assert!(refusals.is_empty(), "{file}: {refusals:?}");
    }
}

/// Warnings that stand on accepted examples, each because the contract calls something uncertain or
/// retiring.
const WARNINGS: &[(&str, &[&str])] = &[
    ("p10-text-legacy-flags.json", &["prompt-flags"]),
    ("p14-first-and-last-frame-loop.json", &["model-retired"]),
    ("p23-references-1-0-lite.json", &["model-retired"]),
    ("p30-draft-1-5-first-step.json", &["model-retired"]),
    ("p31-draft-1-5-final.json", &["model-retired"]),
];

#[test]
fn what_is_accepted_is_not_refused() {
    for (file, text) in examples::files("requests") {
        let (request, report) = report(&text);
        assert!(request.is_some() && !report.is_refused(), "{file}: {report}");
        let found: Vec<&str> = report.warnings().map(|finding| &*finding.rule).collect();
        let expected = WARNINGS.iter().find(|(known, _)| *known == file).map_or(&[][..], |(_, rules)| *rules);
        assert_eq!(found, expected, "{file}: {report}");
    }
}

#[test]
fn reports_as_people_read_them() {
    let shown = |path: &str| report(&examples::read(path)).1.to_string();
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("report_x15", shown("refused/x15-auto-read-as-edit.json"));
        insta::assert_snapshot!("report_x17", shown("refused/x17-role-inside-image-url.json"));
        insta::assert_snapshot!("report_x22", shown("refused/x22-family-name-as-model.json"));
        insta::assert_snapshot!("report_p34", shown("requests/p34-endpoint-priority-end-user.json"));
        insta::assert_snapshot!("report_p10", shown("requests/p10-text-legacy-flags.json"));
        insta::assert_snapshot!("report_of_everything_wrong", shown_everything_wrong().to_string());
    });
    let json = serde_json::to_string_pretty(&shown_everything_wrong().findings[0]).unwrap();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("finding_as_json", json) });
}

/// As many mistakes as fit into one request, all named at once.
fn shown_everything_wrong() -> Report {
    let body = serde_json::json!({
        "model": "doubao-seedance-2-0-fast-260128",
        "content": [
            { "type": "text", "text": "Like Image 7 --res 4k --fps 30" },
            { "type": "image_url", "image_url": { "url": "data:image/PNG;base64,AAAA" }, "role": "first_frame" },
            { "type": "image_url", "image_url": { "url": "" } },
            { "type": "video_url", "video_url": { "url": "http://a.example.com/b.mp4" }, "role": "reference_video" },
            { "type": "hologram" }
        ],
        "resolution": "4k", "ratio": "2:1", "duration": 3, "frames": 30, "seed": 4294967296_u64, "service_tier": "flex",
        "priority": 10, "output_format": "mov", "execution_expires_after": 60, "camera_fixed": true, "draft": true,
        "omni_reference_task_type": "edit", "callback_url": "hooks", "generateAudio": true, "tools": [{ "type": "search" }]
    });
    check_json(&body, Catalog::builtin(), &Facts::new()).1
}

#[test]
fn no_finding_repeats_prompt_or_media() {
    let body = serde_json::json!({ "model": "doubao-seedance-2-0-260128", "content": [
        { "type": "text", "text": "SECRET Image 9 --rs SECRET" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,SECRET*" }, "role": "reference_image" },
        { "type": "image_url", "image_url": { "url": "ftp://SECRET" }, "role": "reference_image" },
        { "type": "audio_url", "audio_url": { "url": "data:SECRET" }, "role": "reference_audio" }
    ], "callback_url": "SECRET" });
    let (_, report) = check_json(&body, Catalog::builtin(), &Facts::new());
    assert!(report.findings.len() >= 5, "{report}");
    let shown = format!("{report}\n{report:?}\n{}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains("SECRET"), "{shown}");
}

/// The forms of address stand in the schema too; the catalog must not say otherwise.
#[test]
fn the_schema_and_the_catalog_agree_on_addresses() {
    let text = std::fs::read_to_string(examples::repository("schema/ark-video.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let media = &Catalog::builtin().media;
    for (kind, cell) in [
        ("Image", &media.image.url_forms),
        ("Video", &media.video.url_forms),
        ("Audio", &media.audio.url_forms),
    ] {
        let field = format!("/$defs/{kind}Content/properties/{}_url/x-url-forms", kind.to_lowercase());
        assert_eq!(schema.pointer(&field), Some(&serde_json::to_value(&cell.value).unwrap()), "{kind}");
    }
}

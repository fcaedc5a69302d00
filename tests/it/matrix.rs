//! Every cell of the matrix, from the matrix itself: a request that uses what the cell speaks of
//! gets the verdict that the cell gives, and another verdict as soon as the cell is turned round.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use ark_video_model::{
    CreateTaskRequest, DraftToVideo, FirstAndLastFrame, ImageToVideo, ReferenceToVideo, TextToVideo,
    catalog::{Catalog, Family, Model, StringSet},
    check::{Facts, MediaFacts, MediaFormat, MediaKind, Severity},
};
use serde_json::{Value, json};

pub(crate) const URL: &str = "https://media.example.com/a";

/// Rows that no request can go against.
pub(crate) const NOT_CHECKED: &[(&str, &str)] = &[
    ("edit_extend", "decided by the prompt, or by omni_reference_task_type where that field exists"),
    ("draft_token_factor", "what a draft costs; the estimate's tests use it"),
    ("resolution_default", "what an absent field means; the estimate's tests use it"),
    ("ratio_default_text", "what an absent field means; the estimate's tests use it"),
    ("ratio_default_image", "what an absent field means; the estimate's tests use it"),
    ("ratio_default_references", "what an absent field means; the estimate's tests use it"),
    ("frames_per_second", "what the result is"),
    ("bit_depth", "what the result is"),
];

/// A request that a row speaks of, the rules that say so, and rows that it leans on.
pub(crate) type Probe<Rules> = (Case, Rules, Vec<(&'static str, Value)>);

/// A request, with what is known of its media.
pub(crate) type Case = (CreateTaskRequest, Facts);

fn bare(request: impl Into<CreateTaskRequest>) -> Case {
    (request.into(), Facts::new())
}

/// How a rule reports a case.
fn verdict(catalog: &Catalog, (request, facts): &Case, rules: &[&str]) -> Severity {
    let report = request.check_with(catalog, facts);
    let found = report.findings.iter().filter(|finding| rules.contains(&&*finding.rule));
    found.map(|finding| finding.strength).max().unwrap_or(Severity::Off)
}

/// The catalog with rows of every family replaced; a row without its switch is refused outright.
/// Each is made once.
fn with(rows: &[(&str, Value)]) -> Arc<Catalog> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Catalog>>>> = LazyLock::new(Mutex::default);
    let cells: serde_json::Map<String, Value> = rows
        .iter()
        .map(|(row, value)| ((*row).to_owned(), json!({ "value": value, "switch": null })))
        .collect();
    let mut made = MADE.lock().unwrap();
    let catalog = made.entry(Value::Object(cells.clone()).to_string()).or_insert_with(|| {
        let families: serde_json::Map<String, Value> = Catalog::builtin()
            .families
            .iter()
            .map(|(name, _)| (name.to_owned(), Value::Object(cells.clone())))
            .collect();
        Arc::new(
            Catalog::builtin()
                .overlaid(&json!({ "families": families }))
                .unwrap_or_else(|error| panic!("{error}")),
        )
    });
    Arc::clone(catalog)
}

/// A mode that the family has.
pub(crate) fn any(model: &Model, family: &Family) -> CreateTaskRequest {
    if family.text_only.value == Some(true) {
        TextToVideo::new(model.id.as_ref(), "x").build()
    } else {
        ImageToVideo::new(model.id.as_ref(), URL).build()
    }
}

pub(crate) fn references(model: &Model, images: usize, videos: usize, audios: usize) -> ReferenceToVideo {
    let mut request = ReferenceToVideo::new(model.id.as_ref()).prompt("x");
    for _ in 0..images {
        request = request.image(URL);
    }
    for _ in 0..videos {
        request = request.video(URL);
    }
    (0..audios).fold(request, |request, _| request.audio(URL))
}

pub(crate) fn set(mut request: CreateTaskRequest, name: &str, value: Value) -> CreateTaskRequest {
    let mut body = serde_json::to_value(&request).unwrap();
    body[name] = value;
    request = serde_json::from_value(body).unwrap();
    request
}

/// A request that needs a row of yes or no, the rules that speak of it, and rows that it leans on.
pub(crate) fn flag(row: &str, model: &Model, family: &Family) -> Option<Probe<&'static [&'static str]>> {
    let id = model.id.as_ref();
    let field = |name: &str, value: Value| set(any(model, family), name, value);
    let draft = || set(any(model, family), "draft", json!(true));
    Some(match row {
        "text_only" => (bare(TextToVideo::new(id, "x")), &["text-only"], vec![]),
        "first_frame" => (bare(ImageToVideo::new(id, URL)), &["first-frame"], vec![]),
        "first_and_last_frame" => {
            (bare(FirstAndLastFrame::new(id, URL, URL)), &["first-and-last-frame"], vec![])
        }
        "audio_alone" => (
            bare(references(model, 0, 0, 1)),
            &["audio-alone"],
            vec![("reference_audios", json!({ "min": 1, "max": 3 }))],
        ),
        "draft" => (bare(draft()), &["draft"], vec![]),
        "callback_url" => {
            (bare(field("callback_url", json!("https://h.example.com"))), &["callback-url-support"], vec![])
        }
        "return_last_frame" => {
            (bare(field("return_last_frame", json!(true))), &["return-last-frame"], vec![])
        }
        "return_last_frame_in_draft" => {
            let case = bare(set(draft(), "return_last_frame", json!(true)));
            (case, &["return-last-frame-in-draft"], vec![("draft", json!(true))])
        }
        "service_tier_flex" => (bare(field("service_tier", json!("flex"))), &["service-tier-flex"], vec![]),
        "service_tier_flex_in_draft" => {
            let case = bare(set(draft(), "service_tier", json!("flex")));
            (case, &["service-tier-flex-in-draft"], vec![("service_tier_flex", json!(true))])
        }
        "execution_expires_after" => (
            bare(field("execution_expires_after", json!(3600))),
            &["execution-expires-after-support"],
            vec![],
        ),
        "generate_audio" => (bare(field("generate_audio", json!(true))), &["generate-audio"], vec![]),
        "camera_fixed" => (bare(field("camera_fixed", json!(true))), &["camera-fixed"], vec![]),
        "camera_fixed_with_reference_images" => {
            let case = bare(set(references(model, 1, 0, 0).build(), "camera_fixed", json!(true)));
            (case, &["camera-fixed-with-reference-images"], vec![])
        }
        "watermark" => (bare(field("watermark", json!(true))), &["watermark"], vec![]),
        "seed" => (bare(field("seed", json!(7))), &["seed"], vec![]),
        "ratio_adaptive_text" => {
            (bare(TextToVideo::new(id, "x").ratio("adaptive")), &["ratio-adaptive"], vec![])
        }
        "ratio_adaptive_image" => {
            (bare(ImageToVideo::new(id, URL).ratio("adaptive")), &["ratio-adaptive"], vec![])
        }
        "ratio_adaptive_references" => {
            (bare(references(model, 1, 0, 0).ratio("adaptive")), &["ratio-adaptive"], vec![])
        }
        "frames" => (bare(field("frames", json!(57))), &["frames"], vec![]),
        "tools_web_search" => {
            (bare(field("tools", json!([{ "type": "web_search" }]))), &["web-search"], vec![])
        }
        "safety_identifier" => {
            (bare(field("safety_identifier", json!("u"))), &["safety-identifier-support"], vec![])
        }
        "priority" => (bare(field("priority", json!(1))), &["priority-support"], vec![]),
        "output_format_mov" => (bare(field("output_format", json!("mov"))), &["output-format-mov"], vec![]),
        _ => return None,
    })
}

/// A request with one value of a row that lists values, the rule, and the rows that it depends on.
pub(crate) fn word(row: &str, word: &str, model: &Model, family: &Family) -> Option<Probe<&'static str>> {
    let id = model.id.as_ref();
    let last = || DraftToVideo::new(id, "cgt-1").build();
    let drafts = || vec![("draft", json!(true))];
    Some(match row {
        "resolution" => (bare(set(any(model, family), "resolution", json!(word))), "resolution", vec![]),
        "resolution_with_reference_images" => {
            (bare(references(model, 1, 0, 0).resolution(word)), "resolution", vec![])
        }
        "draft_resolution" => {
            let request = set(any(model, family), "draft", json!(true));
            (bare(set(request, "resolution", json!(word))), "draft-resolution", vec![])
        }
        "final_resolution" => (bare(set(last(), "resolution", json!(word))), "final-resolution", vec![]),
        "final_settable" => (bare(set(last(), word, value_of(word))), "final-settable", drafts()),
        "ratio" => (bare(set(any(model, family), "ratio", json!(word))), "ratio", vec![]),
        "omni_reference_task_type" => {
            let request = references(model, 0, 1, 0).ratio("adaptive").duration(-1);
            (bare(request.omni_reference_task_type(word)), "task-type", vec![])
        }
        _ => return None,
    })
}

/// Some value of a field.
fn value_of(field: &str) -> Value {
    match field {
        "resolution" => json!("1080p"),
        "output_format" => json!("mp4"),
        "service_tier" => json!("default"),
        "ratio" => json!("16:9"),
        "omni_reference_task_type" => json!("auto"),
        "execution_expires_after" => json!(3600),
        "callback_url" | "safety_identifier" => json!("https://h.example.com"),
        "priority" | "seed" => json!(1),
        "duration" => json!(5),
        "frames" => json!(57),
        "tools" => json!([{ "type": "web_search" }]),
        _ => json!(true),
    }
}

/// Every value that a row of values may list.
pub(crate) fn all_words(row: &str) -> &'static [&'static str] {
    match row {
        "ratio" => &["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "2:1"],
        "omni_reference_task_type" => &["auto", "reference", "edit", "extend", "editing"],
        "final_settable" => &[
            "resolution",
            "output_format",
            "watermark",
            "return_last_frame",
            "service_tier",
            "execution_expires_after",
            "priority",
            "callback_url",
            "safety_identifier",
            "tools",
            "frames",
            "draft",
        ],
        _ => &["480p", "720p", "1080p", "4k", "8k"],
    }
}

fn seconds(kind: MediaKind, each: &[f64]) -> Facts {
    let format = if kind == MediaKind::Video { MediaFormat::Mp4 } else { MediaFormat::Wav };
    let facts = each.iter().enumerate().map(|(index, seconds)| {
        let mut facts = MediaFacts::new(kind, format.clone());
        facts.seconds = Some(*seconds);
        (index + 1, facts)
    });
    facts.collect()
}

struct Tried {
    accepted: usize,
    refused: usize,
}

impl Tried {
    fn see(&mut self, what: &str, found: Severity, expected: Severity) {
        assert_eq!(found, expected, "{what}");
        match found {
            Severity::Error => self.refused += 1,
            _ => self.accepted += 1,
        }
    }
}

#[test]
fn every_cell_decides() {
    let catalog = Catalog::builtin();
    let (mut cells, mut accepted, mut refused) = (0, 0, 0);
    for (name, family) in catalog.families.iter() {
        for model in catalog.models.iter().filter(|model| model.family == name) {
            for row in Family::ROWS {
                if NOT_CHECKED.iter().any(|(known, _)| known == row) {
                    continue;
                }
                let mut tried = Tried { accepted: 0, refused: 0 };
                try_row(catalog, family, model, row, &mut tried);
                assert!(
                    tried.accepted > 0 && tried.refused > 0,
                    "{name} {row}: {} accepted, {} refused",
                    tried.accepted,
                    tried.refused
                );
                (cells, accepted, refused) = (cells + 1, accepted + tried.accepted, refused + tried.refused);
            }
        }
    }
    println!("{cells} cells, {accepted} accepted cases, {refused} refused cases");
    assert!(cells >= 400);
    assert!(NOT_CHECKED.iter().all(|(row, why)| Family::ROWS.contains(row) && !why.is_empty()));
}

fn try_row(catalog: &Catalog, family: &Family, model: &Model, row: &str, tried: &mut Tried) {
    let what = format!("{} {row}", model.id);
    let cell = family.cell(row).unwrap();
    if let Some((case, rules, leans)) = flag(row, model, family) {
        let over = |value: bool| {
            let mut rows = leans.clone();
            rows.push((row, json!(value)));
            with(&rows)
        };
        tried.see(&what, verdict(&over(true), &case, rules), Severity::Off);
        tried.see(&what, verdict(&over(false), &case, rules), Severity::Error);
        // As the matrix stands: yes, no, or what the switch of a doubt says.
        let leant_on = leans.iter().all(|(row, value)| {
            family.cell(row).is_some_and(|cell| cell.value == *value || value.is_object())
        });
        let here = cell.sites.is_empty() || cell.sites.contains(&model.site);
        let doubt = cell.switch.as_deref().map(|switch| catalog.strength(switch));
        let possible = leant_on && (row != "audio_alone" || family.reference_audios.value.max > 0);
        let expected = match cell.value.as_bool().filter(|_| here) {
            _ if !possible => Severity::Off,
            Some(true) => Severity::Off,
            Some(false) => doubt.unwrap_or(Severity::Error),
            None => doubt.unwrap_or(Severity::Off),
        };
        assert_eq!(verdict(catalog, &case, rules), expected, "{what}, as it stands");
        return;
    }
    let values: Option<StringSet> = serde_json::from_value(cell.value.clone()).ok();
    if let Some((_, rule, leans)) = word(row, "480p", model, family) {
        let refuse = cell.switch.as_deref().map_or(Severity::Error, |switch| catalog.strength(switch));
        let stands =
            leans.iter().all(|(row, value)| family.cell(row).is_some_and(|cell| cell.value == *value));
        for each in all_words(row) {
            let (case, ..) = word(row, each, model, family).unwrap();
            let mut only = leans.clone();
            only.push((row, json!([each])));
            tried.see(&what, verdict(&with(&only), &case, &[rule]), Severity::Off);
            only.pop();
            only.push((row, json!(["another"])));
            let inherited = row == "final_settable"
                && family.final_inherited.value.as_ref().is_some_and(|names| names.contains(each));
            if !inherited {
                tried.see(&what, verdict(&with(&only), &case, &[rule]), Severity::Error);
            }
            if let (Some(values), true) = (&values, stands) {
                let expected = if values.contains(each) { Severity::Off } else { refuse };
                assert_eq!(verdict(catalog, &case, &[rule]), expected, "{what} {each}, as it stands");
            }
        }
        return;
    }
    numbers(catalog, family, model, row, tried);
}

/// Rows of counts, lengths and ranges, and the two that work the other way round.
fn numbers(catalog: &Catalog, family: &Family, model: &Model, row: &str, tried: &mut Tried) {
    let what = format!("{} {row}", model.id);
    let strength = |row: &str| {
        family
            .cell(row)
            .and_then(|cell| cell.switch)
            .map_or(Severity::Error, |switch| catalog.strength(&switch))
    };
    let group = |row: &str, count: usize| match row {
        "reference_videos" => (bare(references(model, 0, count, 0)), "reference-videos"),
        "reference_audios" => (bare(references(model, 0, 0, count)), "reference-audios"),
        "reference_items" => (bare(references(model, count, 0, 0)), "reference-items"),
        _ => (bare(references(model, count, 0, 0)), "reference-images"),
    };
    match row {
        "reference_images" | "reference_videos" | "reference_audios" | "reference_items" => {
            let mut few = vec![(row, json!({ "min": 1, "max": 2 }))];
            if row == "reference_items" {
                few.push(("reference_images", json!({ "min": 1, "max": 9 })));
            }
            let few = with(&few);
            let on = |catalog: &Catalog, count: usize| {
                let (case, rule) = group(row, count);
                verdict(catalog, &case, &[rule])
            };
            tried.see(&what, on(&few, 2), Severity::Off);
            tried.see(&what, on(&few, 3), Severity::Error);
            let most = family.cell(row).unwrap().value["max"].as_u64().unwrap() as usize;
            if row != "reference_items" {
                assert_eq!(on(catalog, most), Severity::Off, "{what} {most}");
                assert_eq!(on(catalog, most + 1), strength(row), "{what} {}", most + 1);
            }
        }
        "duration" => {
            let lengths = family.duration.value;
            let of = |seconds: i64| bare(set(any(model, family), "duration", json!(seconds)));
            for (seconds, expected) in [
                (lengths.min, Severity::Off),
                (lengths.max, Severity::Off),
                (lengths.min - 1, Severity::Error),
                (lengths.max + 1, Severity::Error),
            ] {
                tried.see(&what, verdict(catalog, &of(seconds), &["duration"]), expected);
            }
            let auto = if lengths.auto == Some(true) { Severity::Off } else { strength(row) };
            assert_eq!(verdict(catalog, &of(-1), &["duration-auto"]), auto, "{what} -1");
            let none = with(&[(row, json!({ "min": 2, "max": 40, "auto": false, "default": 5 }))]);
            tried.see(&what, verdict(&none, &of(-1), &["duration-auto"]), Severity::Error);
            tried.see(&what, verdict(&none, &of(40), &["duration", "range"]), Severity::Off);
        }
        "execution_expires_after_floor" => {
            let soon = bare(set(any(model, family), "execution_expires_after", json!(600)));
            let rule = &["execution-expires-after"];
            tried.see(&what, verdict(&with(&[(row, json!(false))]), &soon, rule), Severity::Warning);
            tried.see(&what, verdict(&with(&[(row, json!(true))]), &soon, rule), Severity::Error);
            let taken = family.execution_expires_after_floor.value == Some(false);
            let expected = if taken { Severity::Warning } else { Severity::Error };
            assert_eq!(verdict(catalog, &soon, rule), expected, "{what}, as it stands");
        }
        "ratio_adaptive_required_in_frame_mode" => {
            let fixed = bare(ImageToVideo::new(model.id.as_ref(), URL).ratio("16:9"));
            let rule = &["ratio-with-frames"];
            tried.see(&what, verdict(&with(&[(row, json!(false))]), &fixed, rule), Severity::Off);
            tried.see(&what, verdict(&with(&[(row, json!(true))]), &fixed, rule), Severity::Error);
            let stands = family.ratio_adaptive_required_in_frame_mode.value == Some(true);
            assert_eq!(
                verdict(catalog, &fixed, rule),
                if stands { Severity::Error } else { Severity::Off },
                "{what}"
            );
        }
        "final_inherited" => {
            let last = || DraftToVideo::new(model.id.as_ref(), "cgt-1").build();
            for field in
                ["duration", "ratio", "seed", "generate_audio", "omni_reference_task_type", "camera_fixed"]
            {
                let case = bare(set(last(), field, value_of(field)));
                let over = with(&[(row, json!([field])), ("draft", json!(true))]);
                tried.see(&what, verdict(&over, &case, &["final-inherited"]), Severity::Error);
                tried.see(&what, verdict(&over, &bare(last()), &["final-inherited"]), Severity::Off);
                if let Some(names) = &family.final_inherited.value {
                    let expected = if names.contains(field) { strength(row) } else { Severity::Off };
                    assert_eq!(verdict(catalog, &case, &["final-inherited"]), expected, "{what} {field}");
                }
            }
        }
        "input_video_seconds" | "input_audio_seconds" => {
            let kind = if row == "input_video_seconds" { MediaKind::Video } else { MediaKind::Audio };
            let request = |count| match kind {
                MediaKind::Video => references(model, 0, count, 0).build(),
                _ => references(model, 0, 0, count).build(),
            };
            let rules = &["media-seconds", "media-seconds-total"];
            let own: Option<[f64; 3]> =
                serde_json::from_value::<Value>(family.cell(row).unwrap().value).ok().and_then(|value| {
                    Some([
                        value["each_min"].as_f64()?,
                        value["each_max"].as_f64()?,
                        value["total_max"].as_f64()?,
                    ])
                });
            let given = with(&[(row, json!({ "each_min": 3, "each_max": 9, "total_max": 12 }))]);
            let stands = own.map(|limits| (catalog, limits));
            for (catalog, [min, max, total]) in std::iter::once((&*given, [3.0, 9.0, 12.0])).chain(stands) {
                for (each, expected) in [
                    (vec![min], Severity::Off),
                    (vec![max], Severity::Off),
                    (vec![min - 0.1], Severity::Error),
                    (vec![max + 0.3], Severity::Error),
                    (vec![total / 2.0, total / 2.0], Severity::Off),
                    (vec![total / 2.0 + 0.2, total / 2.0 + 0.2], Severity::Error),
                ] {
                    let case = (request(each.len()), seconds(kind, &each));
                    tried.see(&format!("{what} {each:?}"), verdict(catalog, &case, rules), expected);
                }
            }
        }
        "edit_source_seconds" => {
            let over =
                with(&[(row, json!({ "min": 5, "max": 6 })), ("omni_reference_task_type", json!(["edit"]))]);
            let edit = references(model, 0, 1, 0).omni_reference_task_type("edit").build();
            let at = |catalog: &Catalog, length: f64| {
                verdict(
                    catalog,
                    &(edit.clone(), seconds(MediaKind::Video, &[length])),
                    &["edit-source-seconds"],
                )
            };
            for (length, expected) in
                [(5.0, Severity::Off), (6.0, Severity::Off), (4.9, Severity::Error), (6.1, Severity::Error)]
            {
                tried.see(&what, at(&over, length), expected);
            }
            if let (Some(source), Some(values)) =
                (family.edit_source_seconds.value, &family.omni_reference_task_type.value)
            {
                assert!(values.contains("edit"), "{what}");
                assert_eq!(at(catalog, source.min), Severity::Off, "{what}");
                assert_eq!(at(catalog, source.min - 0.1), Severity::Error, "{what}");
            }
        }
        _ => panic!("{row} is neither tried here nor listed with a reason"),
    }
}

/// A request that each switch of the checks decides, with the rule.
fn doubtful(switch: &str) -> Option<(Case, &'static str)> {
    let (new, old) = ("doubao-seedance-2-5-260628", "doubao-seedance-1-0-pro-250528");
    let text = |model: &str| TextToVideo::new(model, "x");
    let video = |set: fn(&mut MediaFacts)| {
        let mut facts = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
        set(&mut facts);
        (ReferenceToVideo::new(new).video(URL).build(), Facts::new().with(0, facts))
    };
    let images = |count| (0..count).fold(ReferenceToVideo::new(new), |request, _| request.image(URL));
    Some(match switch {
        "seed-above-31-bits" => (bare(text(old).seed(3_000_000_000_i64)), "seed-range"),
        "prompt-flag-and-field" => {
            (bare(TextToVideo::new(old, "x --dur 5").duration(5)), "prompt-flag-and-field")
        }
        "auto-duration-on-1-0" => (bare(text(old).duration(-1)), "duration-auto"),
        "premium-capabilities" => {
            (bare(text("dreamina-seedance-2-5-premium-260915").web_search()), "web-search")
        }
        "web-search-on-byteplus" => (bare(text("dreamina-seedance-2-5-260628").web_search()), "web-search"),
        "idle-fields-on-1-0" => (bare(text(old).priority(3)), "priority-support"),
        "web-search-with-media" => (bare(images(1).web_search()), "web-search-with-media"),
        "retired-models-on-volcengine" => (bare(text("doubao-seedance-1-5-pro-251215")), "model-retired"),
        "retired-models-on-byteplus" => (bare(text("seedance-1-5-pro-251215")), "model-retired"),
        "media-range-ends" => {
            (video(|facts| (facts.width, facts.height) = (Some(1500), Some(600))), "media-ratio")
        }
        "heic-on-1-0" => (bare(ImageToVideo::new(old, "data:image/heic;base64,AAAA")), "media-format"),
        "older-video-limits" => (video(|facts| facts.bytes = Some(60 << 20)), "media-bytes"),
        "video-frame-rate-just-under" => {
            (video(|facts| facts.frames_per_second = Some(23.9)), "media-frame-rate")
        }
        "media-seconds-grace" => (video(|facts| facts.seconds = Some(30.1)), "media-seconds"),
        "sdk-only-fields" => (bare(text(new).extra("optimize_prompt", true)), "sdk-only-field"),
        "reference-counts-on-2-5" => (bare(images(31)), "reference-images"),
        "inherited-fields-on-1-5-final" => (
            bare(DraftToVideo::new("doubao-seedance-1-5-pro-251215", "cgt-1").build().duration(5)),
            "final-inherited",
        ),
        "plain-http-media" => {
            (bare(ImageToVideo::new(new, "http://a.example.com/b.png")), "media-plain-http")
        }
        "tos-media" => (bare(ImageToVideo::new(new, "tos://bucket/key")), "media-tos"),
        _ => return None,
    })
}

/// Switches of the checks that a request alone cannot ask.
const NOT_ASKED: &[(&str, &str)] =
    &[("models-on-byteplus-eu", "a request does not say which base URL it goes to")];

#[test]
fn every_switch_decides() {
    let catalog = Catalog::builtin();
    for (name, _) in catalog.switches.iter().filter(|(_, switch)| switch.used_by.contains("check")) {
        let Some((case, rule)) = doubtful(name) else {
            assert!(
                NOT_ASKED.iter().any(|(known, _)| *known == name),
                "{name} is neither tried nor listed with a reason"
            );
            continue;
        };
        for answer in ["refuse", "warn", "off"] {
            let overlay = json!({ "switches": { name: answer } });
            let found = verdict(&catalog.overlaid(&overlay).unwrap(), &case, &[rule]);
            assert_eq!(found.as_str(), answer, "{name}");
        }
        assert_eq!(
            verdict(catalog, &case, &[rule]),
            Severity::Warning,
            "{name}: a doubt is a warning by default"
        );
    }
}

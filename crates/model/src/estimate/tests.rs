//! The published usages and prices, and the five-second table of the price page, exactly.

use serde_json::{Value, json};

use super::*;
use crate::{FirstFrame, FromDraft, MediaFacts, MediaFormat, MediaKind, References, TextToVideo};

fn model(family: &str, site: Site) -> &'static str {
    let models = &Catalog::builtin().models;
    models
        .iter()
        .find(|model| model.family == family && model.site == site)
        .map_or("", |model| model.id.as_ref())
}

fn of(request: &CreateTaskRequest, facts: &Facts) -> Estimate {
    estimate(request, Catalog::builtin(), facts, None)
}

fn tokens(request: CreateTaskRequest) -> (u64, u64) {
    of(&request, &Facts::new()).tokens.map(|tokens| (tokens.min, tokens.max)).expect("known model")
}

fn usages(list: &str) -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../../../schema/examples/usages.json")).expect("JSON");
    file[list].as_array().expect("a list").clone()
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("{name} in {row}"))
}

#[test]
fn the_published_usages_are_met_exactly() {
    for row in usages("tokens") {
        let input = row["input_video_seconds"].as_f64().expect("a number");
        let mut request = References::new(model(text(&row, "family"), Site::Volcengine)).prompt("x");
        let mut facts = Facts::new();
        if input > 0.0 {
            request = request.video("https://a.example.com/b.mp4");
            let mut video = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
            video.seconds = Some(input);
            facts.insert(1, video);
        }
        let mut request = request.resolution(text(&row, "resolution")).ratio(text(&row, "ratio")).build();
        request.duration = row["output_seconds"].as_i64();
        request.frames = row["frames"].as_i64();
        let expected = row["tokens"].as_u64().expect("a number");
        let found = of(&request, &facts).tokens;
        assert_eq!(found, Some(Span { min: expected, max: expected }), "{row}");
    }
}

#[test]
fn five_seconds_cost_what_the_table_says() {
    let ratios = ["16:9", "4:3", "1:1", "3:4", "9:16", "21:9"];
    let newer: &[&str] = &["2.0", "2.0-fast", "2.0-mini", "1.5-pro"];
    let older: &[&str] = &["1.0-pro", "1.0-pro-fast", "1.0-lite-t2v", "1.0-lite-i2v"];
    let table: [(&str, &[&str], [u64; 6]); 8] = [
        ("480p", &["2.5"], [48437, 49761, 48400, 49761, 48437, 50638]),
        ("480p", newer, [50638, 49761, 48400, 49761, 50638, 50638]),
        ("480p", older, [49005, 47311, 48400, 47311, 49005, 47190]),
        (
            "720p",
            &["2.5", "2.0", "2.0-fast", "2.0-mini", "1.5-pro"],
            [108900, 109586, 108900, 109586, 108900, 109431],
        ),
        ("720p", older, [103818, 110110, 108900, 110110, 103818, 113740]),
        ("1080p", &["2.5", "2.0", "1.5-pro"], [245025, 245388, 245025, 245388, 245025, 246593]),
        ("1080p", older, [246840, 245388, 245025, 245388, 246840, 238612]),
        ("4k", &["2.0"], [980100, 980176, 980100, 980176, 980100, 980126]),
    ];
    for (resolution, families, row) in table {
        for family in families {
            for (ratio, expected) in ratios.iter().zip(row) {
                let request = TextToVideo::new(model(family, Site::Volcengine), "x")
                    .duration(5)
                    .resolution(resolution)
                    .ratio(*ratio);
                assert_eq!(tokens(request.build()), (expected, expected), "{family} {resolution} {ratio}");
            }
        }
    }
}

/// The vendor's own examples leave the extra frame out; without it they are met to the last digit printed.
#[test]
fn the_published_prices_are_met() {
    let catalog =
        Catalog::builtin().overlaid(&json!({ "billing": { "extra_frames": { "value": 0 } } })).expect("fits");
    for row in usages("prices") {
        let site = if text(&row, "currency") == "CNY" { Site::Volcengine } else { Site::Byteplus };
        let request =
            TextToVideo::new(model(text(&row, "family"), site), "x").resolution(text(&row, "resolution"));
        let mut request = request.ratio(text(&row, "ratio")).build();
        request.duration = row["output_seconds"].as_i64();
        let price = estimate(&request, &catalog, &Facts::new(), None).price.expect("public");
        let expected = text(&row, "price");
        let digits = expected.split('.').nth(1).map_or(0, str::len) as u32;
        assert_eq!(
            (price.max.round(digits).to_string(), price.currency.as_ref()),
            (expected.to_owned(), text(&row, "currency")),
            "{row}"
        );
    }
}

#[test]
fn what_is_not_known_makes_a_range() {
    let new = model("2.5", Site::Volcengine);
    let auto = TextToVideo::new(new, "x").resolution("480p").ratio("16:9").build();
    let estimate = of(&auto, &Facts::new());
    assert_eq!(estimate.tokens, Some(Span { min: 38_830, max: 288_625 }));
    assert!(estimate.assumptions.iter().any(|note| note == "The model picks the length: 4 to 30 seconds."));
    let adaptive = TextToVideo::new(new, "x").resolution("480p").duration(5).build();
    assert_eq!(tokens(adaptive), (48_400, 50_638));
    let frame = FirstFrame::new(model("1.0-pro", Site::Volcengine), "https://a/b").duration(5).build();
    assert_eq!(tokens(frame), (238_612, 246_840));
    let last = of(&FromDraft::new(new, "cgt-1").build(), &Facts::new());
    assert_eq!(
        last.tokens.map(|t| t.min),
        Some(tokens(TextToVideo::new(new, "x").resolution("1080p").ratio("1:1").duration(4).build()).0)
    );
    let silent_or_not = of(
        &FromDraft::new(model("1.5-pro", Site::Volcengine), "cgt-1").resolution("720p").build(),
        &Facts::new(),
    );
    let each = silent_or_not.price.expect("public").per_million_tokens;
    assert_eq!((each.min.to_string(), each.max.to_string()), ("8.00".into(), "16.00".into()));
}

#[test]
fn input_video_counts_at_least_four_seconds() {
    let model = model("2.0", Site::Byteplus);
    let request =
        References::new(model).video("https://a/b").resolution("720p").ratio("16:9").duration(5).build();
    let mut video = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
    video.seconds = Some(2.0);
    let facts = Facts::new().with(0, video);
    let nine = (24 * 9 + 1) * 1280 * 720 / 1024;
    assert_eq!(of(&request, &facts).tokens, Some(Span { min: nine, max: nine }));
    let plain = Catalog::builtin()
        .overlaid(&json!({ "switches": { "video-input-minimum": "as_long_as_it_is" } }))
        .expect("fits");
    let seven = (24 * 7 + 1) * 1280 * 720 / 1024;
    assert_eq!(estimate(&request, &plain, &facts, None).tokens.map(|t| t.max), Some(seven));
    let unknown = of(&request, &Facts::new());
    assert_eq!(unknown.tokens, Some(Span { min: nine, max: (24 * 20 + 1) * 1280 * 720 / 1024 }));
    assert_eq!(unknown.price.map(|price| price.per_million_tokens.max.to_string()).as_deref(), Some("4.30"));
}

#[test]
fn drafts_sound_and_tier_decide_the_price() {
    let model = model("1.5-pro", Site::Volcengine);
    let text = TextToVideo::new(model, "x").resolution("480p").ratio("16:9").duration(5);
    let full = 50_638;
    assert_eq!(tokens(text.clone().build()), (full, full));
    assert_eq!(tokens(text.clone().draft(true).build()), (full * 6 / 10, full * 6 / 10));
    assert_eq!(
        tokens(text.clone().draft(true).generate_audio(false).build()),
        (full * 7 / 10, full * 7 / 10)
    );
    let each = |request: TextToVideo| {
        of(&request.build(), &Facts::new()).price.map(|price| price.per_million_tokens.min.to_string())
    };
    assert_eq!(each(text.clone()).as_deref(), Some("16.00"));
    assert_eq!(each(text.clone().generate_audio(false)).as_deref(), Some("8.00"));
    assert_eq!(each(text.clone().service_tier("flex")).as_deref(), Some("8.00"));
    assert_eq!(each(text.service_tier("flex").generate_audio(false)).as_deref(), Some("4.00"));
}

#[test]
fn settings_in_the_prompt_count() {
    let prompt =
        TextToVideo::new(model("1.0-pro", Site::Volcengine), "A kite --rs 720p --rt 1:1 --dur 10").build();
    let fields = TextToVideo::new(model("1.0-pro", Site::Volcengine), "x")
        .resolution("720p")
        .ratio("1:1")
        .duration(10)
        .build();
    assert_eq!(tokens(prompt.clone()), tokens(fields));
    let both = prompt.duration(5);
    let flag_wins = Catalog::builtin()
        .overlaid(&json!({ "switches": { "prompt-flag-precedence": "flag_wins" } }))
        .expect("fits");
    let max =
        |catalog: &Catalog| estimate(&both, catalog, &Facts::new(), None).tokens.map(|tokens| tokens.max);
    assert_eq!(max(Catalog::builtin()), Some(108_900));
    assert_eq!(max(&flag_wins), Some((24 * 10 + 1) * 960 * 960 / 1024));
}

#[test]
fn an_edit_is_as_long_as_its_source() {
    let edit = References::new(model("2.5", Site::Volcengine)).prompt("x").video("https://a/b");
    let edit = edit.omni_reference_task_type("edit").resolution("480p").ratio("16:9").build();
    let mut video = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
    video.seconds = Some(4.0);
    assert_eq!(of(&edit, &Facts::new().with(1, video)).tokens.map(|t| t.max), Some(77_260));
    assert!(of(&edit, &Facts::new()).tokens.is_some_and(|tokens| tokens.max > 500_000));
}

#[test]
fn nothing_is_guessed() {
    for unknown in ["ep-1", "some-model", ""] {
        let estimate = of(&TextToVideo::new(unknown, "x").build(), &Facts::new());
        assert_eq!(
            (estimate.tokens, estimate.price, estimate.assumptions.len()),
            (None, None, 1),
            "{unknown}"
        );
    }
    let plan = of(&TextToVideo::new("doubao-seedance-2.0", "x").build(), &Facts::new());
    assert!(plan.tokens.is_some() && plan.price.is_none());
    let premium = of(&TextToVideo::new("dreamina-seedance-2-5-premium-260915", "x").build(), &Facts::new());
    assert!(premium.tokens.is_some() && premium.price.is_none());
    let wild =
        TextToVideo::new(model("2.0", Site::Volcengine), "x").duration(i64::MAX).resolution("720p").build();
    assert!(of(&wild, &Facts::new()).tokens.is_some());
    let negative =
        TextToVideo::new(model("2.0", Site::Volcengine), "x").duration(-7).resolution("nonsense").build();
    assert_eq!(of(&negative, &Facts::new()).tokens, None);
}

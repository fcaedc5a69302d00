//! The published usages and prices, and the five-second table of the price page, exactly.

use serde_json::{Value, json};

use super::*;
use crate::{
    DraftToVideo, ImageToVideo, ReferenceToVideo, TextToVideo,
    check::{MediaFacts, MediaFormat, MediaKind},
};

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

/// The request of a paid task and what was known of its media before it was sent.
fn paid(row: &Value) -> (CreateTaskRequest, Facts) {
    let model = model(text(row, "family"), Site::Volcengine);
    let mut facts = Facts::new();
    let mut request = if row["first_frame"].is_array() {
        ImageToVideo::new(model, "https://a.example.com/b.png").build()
    } else {
        let mut request = ReferenceToVideo::new(model).prompt("x");
        for (index, seconds) in row["source_seconds"].as_array().into_iter().flatten().enumerate() {
            request = request.video("https://a.example.com/b.mp4");
            if let Some(seconds) = seconds.as_f64() {
                facts.insert(index + 1, video(seconds));
            }
        }
        request.build()
    };
    request.resolution = Some(text(row, "resolution").into());
    request.ratio = Some(text(row, "ratio").into());
    request.duration = row["output_seconds"].as_i64();
    request.frames = row["frames"].as_i64();
    if text(row, "family") == "2.5" && row["source_seconds"].is_array() {
        request.ratio = None;
        request.omni_reference_task_type = Some(text(row, "task_type").into());
    }
    (request, facts)
}

fn video(seconds: f64) -> MediaFacts {
    let mut video = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
    video.seconds = Some(seconds);
    video
}

/// Every paid task whose size and lengths are known, by the one rule.
#[test]
fn every_paid_task_is_met_to_the_token() {
    let catalog = Catalog::builtin();
    for row in usages("tokens").iter().filter(|row| row["unknown"].is_null()) {
        let side = |index: usize| row["result"][index].as_u64();
        let listed = catalog.pixels_of(text(row, "family"), text(row, "resolution"), text(row, "ratio"));
        let pixels = match (side(0).zip(side(1)), listed) {
            (Some((width, height)), _) => width * height,
            (None, Some(size)) => u64::from(size.width) * u64::from(size.height),
            (None, None) => panic!("no size: {row}"),
        };
        let length = match row["frames"].as_u64() {
            Some(frames) => BilledLength::Frames(frames),
            None => BilledLength::Millis(row["output_seconds"].as_u64().expect("a number") * 1000),
        };
        let mut bill = Bill::new(pixels, length);
        if let Some(sources) = row["source_seconds"].as_array() {
            let seconds: f64 = sources.iter().filter_map(Value::as_f64).map(f64::floor).sum();
            bill = bill.input(seconds as u64, text(row, "task_type") != "extend");
        }
        assert_eq!(Some(bill.tokens(&catalog.billing)), row["tokens"].as_u64(), "{row}");
    }
}

#[test]
fn every_paid_task_is_within_its_estimate_whatever_was_known_of_its_source() {
    for row in usages("tokens") {
        let (request, facts) = paid(&row);
        let billed = row["tokens"].as_u64().expect("a number");
        let mut undeclared = request.clone();
        undeclared.omni_reference_task_type = None;
        for request in [&request, &undeclared] {
            for facts in [&facts, &Facts::new()] {
                let found = of(request, facts).tokens.expect("known model");
                assert!((found.min..=found.max).contains(&billed), "{found:?} {row}");
            }
        }
        let exact = of(&request, &facts).tokens.expect("known model");
        let is_plain = row["source_seconds"].is_null() && row["first_frame"].is_null();
        assert!(!is_plain || exact.min == exact.max, "{exact:?} {row}");
    }
}

#[test]
fn the_smallest_charges_of_the_quick_table() {
    for row in usages("minimums") {
        let request = ReferenceToVideo::new(model("2.5", Site::Volcengine)).video("https://a/b");
        let mut request = request.resolution(text(&row, "resolution")).ratio(text(&row, "ratio")).build();
        request.duration = row["output_seconds"].as_i64();
        let found = of(&request, &Facts::new().with(0, video(2.0))).tokens;
        let least = row["tokens"].as_u64().expect("a number");
        assert_eq!(found, Some(Span { min: least, max: least }), "{row}");
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

/// The vendor's own examples leave the extra frame out; without it they are met to the last digit
/// printed.
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
    let frame = ImageToVideo::new(model("1.0-pro", Site::Volcengine), "https://a/b").duration(5).build();
    assert_eq!(tokens(frame), (238_612, 246_840));
    let last = of(&DraftToVideo::new(new, "cgt-1").build(), &Facts::new());
    let least = (24 * 4 + 1) * (1440 * 1440 * 99 / 100) / 1024;
    assert_eq!(last.tokens.map(|t| t.min), Some(least));
    let silent_or_not = of(
        &DraftToVideo::new(model("1.5-pro", Site::Volcengine), "cgt-1").resolution("720p").build(),
        &Facts::new(),
    );
    let each = silent_or_not.price.expect("public").per_million_tokens;
    assert_eq!((each.min.to_string(), each.max.to_string()), ("8.00".into(), "16.00".into()));
}

const AREA: u64 = 1280 * 720;

fn frames(count: u64) -> u64 {
    count * AREA / 1024
}

/// Seconds of each source, output seconds, task type: frames at least and at most.
#[test]
fn input_video_counts_by_its_length_and_by_what_the_request_is() {
    type Row<'a> = (&'a str, &'a [Option<f64>], i64, Option<&'a str>, (u64, u64));
    let table: [Row<'_>; 14] = [
        ("2.5", &[Some(10.0)], 5, Some("reference"), (24 * 15 + 1, 24 * 15 + 1)),
        ("2.5", &[Some(10.0)], 5, None, (24 * 15, 24 * 15 + 1)),
        ("2.5", &[Some(10.0)], 5, Some("auto"), (24 * 15, 24 * 15 + 1)),
        ("2.5", &[Some(10.99)], 5, Some("reference"), (24 * 15 + 1, 24 * 15 + 1)),
        // The smallest charge has no extra frame.
        ("2.5", &[Some(2.0)], 5, Some("reference"), (24 * 9, 24 * 9)),
        ("2.0", &[Some(2.0)], 15, None, (24 * 25, 24 * 25)),
        // A tie: the longer of the two.
        ("2.0", &[Some(8.0)], 11, None, (24 * 19 + 1, 24 * 19 + 1)),
        ("2.0", &[Some(7.9)], 11, None, (24 * 19, 24 * 19)),
        // Several clips: each rounded down, or their sum.
        ("2.0", &[Some(5.6), Some(5.7)], 4, None, (24 * 14 + 1, 24 * 15 + 1)),
        ("2.0", &[Some(5.0), Some(5.0)], 4, None, (24 * 14 + 1, 24 * 14 + 1)),
        ("2.5", &[Some(5.6), Some(5.7)], 4, None, (24 * 14, 24 * 15 + 1)),
        // A length that is not known.
        ("2.0", &[None], 5, None, (24 * 9, 24 * 20 + 1)),
        ("2.0", &[Some(9.0), None], 5, None, (24 * 15 + 1, 24 * 20 + 1)),
        ("2.5", &[None, None], 30, None, (24 * 50, 24 * 60 + 1)),
    ];
    for (family, sources, output, task, (min, max)) in table {
        let mut request = ReferenceToVideo::new(model(family, Site::Byteplus));
        let mut facts = Facts::new();
        for (index, seconds) in sources.iter().enumerate() {
            request = request.video("https://a/b");
            if let Some(seconds) = seconds {
                facts.insert(index, video(*seconds));
            }
        }
        let mut request = request.resolution("720p").ratio("16:9").build();
        request.duration = Some(output);
        request.omni_reference_task_type = task.map(Into::into);
        let found = of(&request, &facts);
        let expected = Span { min: frames(min), max: frames(max) };
        assert_eq!(found.tokens, Some(expected), "{family} {sources:?} {output} {task:?}");
        let each = found.price.expect("public").per_million_tokens;
        let rate = if family == "2.0" { "4.30" } else { "6.40" };
        assert_eq!((each.min.to_string().as_str(), each.max.to_string().as_str()), (rate, rate));
    }
}

#[test]
fn a_first_frame_of_2_5_may_have_a_proportion_of_its_own() {
    let frame = |family: &str| {
        let request = ImageToVideo::new(model(family, Site::Volcengine), "https://a/b");
        tokens(request.resolution("720p").duration(5).build())
    };
    let largest = 1112 * 834 * 121;
    assert_eq!(frame("2.5"), (AREA * 99 / 100 * 121 / 1024, largest * 101 / 100 / 1024));
    assert_eq!(frame("2.0"), (108_900, largest / 1024));
    // A fixed ratio is refused there, or ignored.
    let fixed = ImageToVideo::new(model("2.5", Site::Volcengine), "https://a/b");
    let fixed = fixed.resolution("720p").ratio("16:9").duration(5).build();
    assert_eq!(tokens(fixed), frame("2.5"));
}

#[test]
fn a_final_may_have_the_input_video_of_its_draft() {
    let last = DraftToVideo::new(model("2.5", Site::Volcengine), "cgt-1").build();
    let found = of(&last, &Facts::new());
    let each = found.price.clone().expect("public").per_million_tokens;
    assert_eq!((each.min.to_string(), each.max.to_string()), ("46.00".into(), "77.00".into()));
    let longest = (24 * (30 + 30) + 1) * 1920 * 1080 / 1024;
    assert!(found.tokens.is_some_and(|tokens| tokens.max > longest), "{found:?}");
    let older = of(&DraftToVideo::new(model("1.5-pro", Site::Volcengine), "cgt-1").build(), &Facts::new());
    assert_eq!(older.tokens.map(|tokens| tokens.max), Some((24 * 12 + 1) * 1112 * 834 / 1024));
}

#[test]
fn sizes_are_read_in_any_case() {
    for resolution in ["720P", "720p"] {
        let request = TextToVideo::new(model("2.0", Site::Volcengine), "x").resolution(resolution);
        assert_eq!(tokens(request.ratio("16:9").duration(5).build()), (108_900, 108_900));
    }
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
    let edit = |count: usize| {
        let request = ReferenceToVideo::new(model("2.5", Site::Volcengine)).prompt("x");
        let request = (0..count).fold(request, |request, _| request.video("https://a/b"));
        request.omni_reference_task_type("edit").resolution("480p").ratio("16:9").build()
    };
    let pixels = 854 * 480;
    let range = |count: usize, facts: Facts| of(&edit(count), &facts).tokens.map(|t| (t.min, t.max));
    let four = Some(((24 * (4 + 3) + 1) * pixels / 1024, 77_260));
    assert_eq!(range(1, Facts::new().with(1, video(4.0))), four);
    // The service picks one of several as the source.
    let two = Facts::new().with(1, video(4.0)).with(2, video(20.0));
    assert_eq!(
        range(2, two),
        Some(((24 * (24 + 3) + 1) * pixels / 1024, (24 * (24 + 20) + 1) * pixels / 1024))
    );
    let unknown = range(1, Facts::new()).expect("known model");
    assert!(unknown.0 <= 77_260 && unknown.1 >= (24 * 60 + 1) * pixels / 1024, "{unknown:?}");
    // What was not declared may be read as an edit, and then be shorter than any other result.
    let mut undeclared = edit(1);
    undeclared.omni_reference_task_type = None;
    let shortest = of(&undeclared, &Facts::new().with(1, video(4.0))).tokens.map(|t| t.min);
    assert_eq!(shortest, Some(24 * (4 + 3) * pixels / 1024));
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

/// The published bill of an extension is met exactly where the source was measured.
#[test]
fn a_measured_source_decides_the_size_of_its_extension() {
    let family = Catalog::builtin().families.get("2.5").expect("a family");
    for (size, ratio) in [
        ((1280, 720), Some("16:9")),
        ((854, 480), Some("16:9")),
        ((720, 1280), Some("9:16")),
        ((1470, 630), Some("21:9")),
        ((1000, 800), None),
        ((0, 0), None),
    ] {
        assert_eq!(family.ratio_of(size.0, size.1), ratio, "{size:?}");
    }
    let mut request =
        ReferenceToVideo::new(model("2.5", Site::Volcengine)).prompt("x").video("https://h/a.mp4").build();
    request.resolution = Some("720p".into());
    request.duration = Some(5);
    request.omni_reference_task_type = Some("extend".into());
    let known = |width, height| {
        let mut facts = video(5.07);
        (facts.width, facts.height) = (Some(width), Some(height));
        of(&request, &Facts::new().with(1, facts)).tokens.map(|tokens| (tokens.min, tokens.max))
    };
    assert_eq!(known(720, 1280), Some((216_000, 216_000)));
    let of_its_own = known(1000, 800).expect("known model");
    assert!(of_its_own.0 < 216_000 && 216_000 < of_its_own.1, "{of_its_own:?}");
}

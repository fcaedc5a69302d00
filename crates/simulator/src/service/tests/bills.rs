//! Bills: every paid task that was published comes out to the token, and no bill is outside of what
//! the estimate said before.

use std::fs;

use ark_video_model::{
    ContentItem, CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, MediaFacts, MediaFormat, MediaKind},
    estimate::{Estimate, estimate},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::{prelude::*, test_runner::Config};

use super::*;
use crate::service::price::Price;

/// The head of a PNG of this size, as a data URL.
fn picture(width: u32, height: u32) -> String {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend(b"\x08\x02\0\0\0\0\0\0\0");
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

fn paid() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/examples/usages.json");
    let usages: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    usages["tokens"].as_array().unwrap().clone()
}

#[test]
fn every_paid_task_comes_out_to_the_token() {
    let mut counted = 0;
    for row in paid().iter().filter(|row| row["unknown"].is_null()) {
        let known = &Catalog::builtin().models;
        let model = known.iter().find(|model| row["family"] == *model.family).unwrap();
        let source = row["source_seconds"][0].as_f64().unwrap_or(5.0);
        let mut options = Options::default().assumed_video_seconds(source as u32);
        if row["task_type"] == "extend" {
            options = options.assumed_video_ratio(row["ratio"].as_str().unwrap());
        }
        let (mut items, mut more) = (Vec::new(), json!({ "resolution": row["resolution"] }));
        if let (Some(width), Some(height)) = (row["first_frame"][0].as_u64(), row["first_frame"][1].as_u64())
        {
            let url = picture(width as u32, height as u32);
            items.push(json!({ "type": "image_url", "image_url": { "url": url } }));
        } else {
            items.push(json!({ "type": "text", "text": "A paper boat." }));
        }
        if row["source_seconds"].is_array() {
            items.push(video());
            more["omni_reference_task_type"] = row["task_type"].clone();
        }
        if row["task_type"] == "none" || row["task_type"] == "reference" {
            more["ratio"] = row["ratio"].clone();
        }
        // The length of an edit is that of its source.
        let length = if row["frames"].is_null() { "duration" } else { "frames" };
        if row["task_type"] != "edit" {
            let value = if length == "frames" { &row["frames"] } else { &row["output_seconds"] };
            more[length] = value.clone();
        }
        let mut env = TestEnv::with(options);
        let id = env.create(&with(content(&model.id, items), more));
        let task = env.at(4000).task(&id);
        assert_eq!(task["usage"]["completion_tokens"], row["tokens"], "{row}\n{task}");
        counted += 1;
    }
    assert!(counted >= 19, "{counted}");
}

/// A request that the service may take.
#[derive(Debug, Clone)]
struct Wish {
    model: usize,
    items: Items,
    prompt: &'static str,
    resolution: Option<&'static str>,
    ratio: Option<&'static str>,
    duration: Option<i64>,
    frames: Option<i64>,
    task_type: Option<&'static str>,
    draft: bool,
    audio: Option<bool>,
    flex: bool,
    /// What the simulator takes every reference video for.
    seconds: u32,
    video_ratio: &'static str,
}

#[derive(Debug, Clone)]
enum Items {
    Text,
    Frame(Option<(u32, u32)>),
    Frames,
    References { images: usize, videos: usize },
}

const RATIOS: [&str; 7] = ["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"];

fn wishes() -> impl Strategy<Value = Wish> {
    let items = prop_oneof![
        2 => Just(Items::Text),
        1 => prop::option::of((300_u32..3000, 300_u32..3000)).prop_map(Items::Frame),
        1 => Just(Items::Frames),
        5 => (0_usize..2, 1_usize..4).prop_map(|(images, videos)| Items::References { images, videos }),
    ];
    let prompt = prop::sample::select(vec![
        "A paper boat.",
        "Extend Video 1.",
        "Replace the boat of Video 1.",
        "A boat --dur 6",
        "A boat --rs 480p --rt 1:1",
    ]);
    let lengths = (prop::option::weighted(0.7, -1_i64..31), prop::option::weighted(0.1, 7_i64..72));
    let task_type = prop::option::of(prop::sample::select(vec!["auto", "reference", "edit", "extend"]));
    let sizes = (
        prop::option::of(prop::sample::select(vec!["480p", "720p", "1080p", "4K"])),
        prop::option::of(prop::sample::select(RATIOS.to_vec())),
    );
    let rest = (prop::bool::weighted(0.3), prop::option::of(any::<bool>()), prop::bool::weighted(0.1));
    let assumed = (1_u32..32, prop::sample::select(vec!["16:9", "9:16", "5:4", "7:5", "1:1"]));
    (0_usize..64, items, prompt, sizes, lengths, task_type, rest, assumed).prop_map(
        |(model, items, prompt, sizes, lengths, task_type, rest, assumed)| Wish {
            model,
            items,
            prompt,
            resolution: sizes.0,
            ratio: sizes.1,
            duration: lengths.0,
            frames: lengths.1.map(|count| 25 + 4 * (count - 6)),
            task_type,
            draft: rest.0,
            audio: rest.1,
            flex: rest.2,
            seconds: assumed.0,
            video_ratio: assumed.1,
        },
    )
}

impl Wish {
    fn body(&self) -> Value {
        let models = &Catalog::builtin().models;
        let mut items = vec![json!({ "type": "text", "text": self.prompt })];
        match self.items {
            Items::Text => {}
            Items::Frame(size) => items.push(match size {
                Some((width, height)) => {
                    json!({ "type": "image_url", "image_url": { "url": picture(width, height) } })
                }
                None => image(Some("first_frame")),
            }),
            Items::Frames => items.extend([image(Some("first_frame")), image(Some("last_frame"))]),
            Items::References { images, videos } => {
                items.extend(std::iter::repeat_with(|| image(Some("reference_image"))).take(images));
                items.extend(std::iter::repeat_with(video).take(videos));
            }
        }
        let mut body = content(&models[self.model % models.len()].id, items);
        for (name, value) in [
            ("resolution", json!(self.resolution)),
            ("ratio", json!(self.ratio)),
            ("duration", json!(self.duration)),
            ("frames", json!(self.frames)),
            ("omni_reference_task_type", json!(self.task_type)),
            ("draft", json!(self.draft.then_some(true))),
            ("generate_audio", json!(self.audio)),
            ("service_tier", json!(self.flex.then_some("flex"))),
        ] {
            if !value.is_null() {
                body[name] = value;
            }
        }
        body
    }
}

/// Whether tokens and price are within what was said before.
fn assert_within(estimate: &Estimate, env: &TestEnv, id: &str, task: &Value) -> Result<(), TestCaseError> {
    let tokens = task["usage"]["completion_tokens"].as_u64().unwrap();
    let range = estimate.tokens.unwrap();
    prop_assert!((range.min..=range.max).contains(&tokens), "{tokens}: {estimate:?}\n{task}");
    let record = env.service.store.get(id).unwrap();
    let price = Price::of(Catalog::builtin(), &record.facts(), tokens as i64);
    prop_assert_eq!(price.is_some(), estimate.price.is_some(), "{:?}\n{}", estimate, task);
    if let (Some(price), Some(said)) = (price, &estimate.price) {
        // Hundred-millionths against millionths.
        let (min, max) = (said.min.millionths() * 100, said.max.millionths() * 100);
        prop_assert!((min..=max).contains(&price.units.unsigned_abs()), "{price}: {said:?}\n{task}");
    }
    Ok(())
}

/// Creates what was wished for, and holds its bill against every estimate. Whether it was taken,
/// and billed.
fn run(wish: &Wish) -> Result<(bool, bool), TestCaseError> {
    let options =
        Options::default().assumed_video_seconds(wish.seconds).assumed_video_ratio(wish.video_ratio);
    let mut env = TestEnv::with(options);
    let body = wish.body();
    let (status, answer) = env.post(&body);
    if status != 200 {
        return Ok((false, false));
    }
    let id = answer["id"].as_str().unwrap().to_owned();
    let task = env.at(60_000).task(&id);
    if task["status"] != "succeeded" {
        return Ok((true, false));
    }
    let request: CreateTaskRequest = serde_json::from_value(body.clone()).unwrap();
    let of = |request: &CreateTaskRequest, facts: &Facts| estimate(request, Catalog::builtin(), facts, None);
    let mut known = Facts::new();
    let videos = request.content.iter().filter(|item| matches!(item, ContentItem::Video(_))).count();
    let each = env.service.store.get(&id).unwrap().plan.input_seconds / videos.max(1) as i64;
    for (index, item) in request.content.iter().enumerate() {
        if matches!(item, ContentItem::Video(_)) {
            let mut facts = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
            facts.seconds = Some(each as f64);
            known.insert(index, facts);
        }
    }
    for facts in [&known, &Facts::new()] {
        assert_within(&of(&request, facts), &env, &id, &task)?;
    }
    if wish.draft {
        let item = json!({ "type": "draft_task", "draft_task": { "id": id } });
        let body = content(body["model"].as_str().unwrap(), vec![item]);
        let last = env.create(&body);
        let task = env.at(120_000).task(&last);
        let request: CreateTaskRequest = serde_json::from_value(body).unwrap();
        assert_within(&of(&request, &Facts::new()), &env, &last, &task)?;
    }
    Ok((true, true))
}

#[test]
fn no_bill_is_outside_of_its_estimate() {
    let (mut taken, mut billed) = (0, 0);
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let counts = std::cell::RefCell::new((&mut taken, &mut billed));
    runner
        .run(&wishes(), |wish| {
            let (was_taken, was_billed) = run(&wish)?;
            let mut counts = counts.borrow_mut();
            *counts.0 += i32::from(was_taken);
            *counts.1 += i32::from(was_billed);
            Ok(())
        })
        .unwrap();
    // Not an empty promise: so many were taken and billed.
    assert!(taken > 300 && billed > 200, "{taken} taken, {billed} billed");
}

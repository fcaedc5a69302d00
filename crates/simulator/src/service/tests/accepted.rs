//! Every request under `schema/examples/requests` is accepted and reaches its end, with the bill
//! that the rule gives.

use std::{collections::BTreeMap, fs, path::Path};

use super::*;

fn examples() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/examples/requests");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect()
}

#[test]
fn every_example_is_accepted_and_succeeds() {
    let examples = examples();
    assert!(examples.len() >= 38, "{}", examples.len());
    for (name, body) in &examples {
        let mut env = TestEnv::with(Options::default().plan_names(true));
        let id = env.create(body);
        assert_eq!(env.task(&id)["status"], "queued", "{name}");
        let task = env.at(13_000).task(&id);
        assert_eq!(task["status"], "succeeded", "{name}: {task}");
        let read: ark_video_model::Task = serde_json::from_value(task.clone()).unwrap();
        assert!(read.extra.is_empty(), "{name}: {:?}", read.extra);
        for field in [
            "resolution",
            "ratio",
            "duration",
            "generate_audio",
            "seed",
            "frames",
            "output_format",
            "priority",
        ] {
            let requested = &body[field];
            let decided = requested == &json!(-1)
                || requested == "adaptive"
                || (field == "generate_audio" && name.contains("mini"));
            if !requested.is_null() && !decided {
                let shown = &task[field];
                assert_eq!(shown, requested, "{name}: {field} is as asked");
            }
        }
        assert_eq!(env.service.bills().len(), 1, "{name}");
        assert_eq!(task["usage"]["total_tokens"], env.service.bills()[0].tokens, "{name}");
    }
}

#[test]
fn the_vendors_example_is_billed_with_its_assumed_input() {
    let mut env = TestEnv::new();
    let id = env.create(&examples()["vendor-tea"]);
    let notes = env.service.take_notes();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].task_id, id);
    assert!(notes[0].text.starts_with("assumed 5 s for video 1, which is a link"), "{}", notes[0].text);
    let task = env.at(4000).task(&id);
    // Five seconds of input and eleven of output: the smallest charge, ceil(11 · 5/3) seconds, is
    // more.
    assert_eq!(task["usage"]["completion_tokens"], 24 * 19 * 1470 * 630 / 1024);
    assert_eq!((&task["ratio"], &task["duration"]), (&json!("21:9"), &json!(11)));
}

#[test]
fn plan_names_are_for_plan_endpoints() {
    let plan = examples()["p36-plan-name"].clone();
    assert_refused(TestEnv::new().post(&plan), 404, "UnsupportedModel");
    let mut env = TestEnv::with(Options::default().plan_names(true).prefix("/api/plan/v3"));
    let (status, _) = env.call(Method::POST, "/api/plan/v3/contents/generations/tasks", plan.to_string());
    assert_eq!(status, 200);
}

#[test]
fn an_endpoint_id_stands_for_a_model() {
    let mut env = TestEnv::new();
    let id = env.create(&text("ep-20260710120000-abcde"));
    assert_eq!(env.task(&id)["model"], M20);
    assert_eq!(env.ids("filter.model=ep-20260710120000-abcde"), [id]);
    assert!(
        env.ids(&format!("filter.model={M20}")).is_empty(),
        "a model id finds tasks of the preset endpoint only"
    );
}

#[test]
fn assumed_videos_never_exceed_what_the_model_takes() {
    for (model, count, set, each) in
        [(M20, 1, 5, 5), (M20, 3, 5, 5), (M20, 3, 9, 5), (M25, 10, 5, 3), (M25, 1, 99, 30), (M20, 1, 0, 2)]
    {
        let mut env = TestEnv::with(Options::default().assumed_video_seconds(set));
        let items = std::iter::repeat_with(video).take(count).collect();
        let body =
            with(content(model, items), json!({ "duration": 4, "ratio": "16:9", "resolution": "720p" }));
        let id = env.create(&if model == M25 {
            with(body, json!({ "omni_reference_task_type": "reference" }))
        } else {
            body
        });
        assert_eq!(env.service.take_notes().len(), count);
        let input = each * i64::try_from(count).unwrap();
        // At least ceil(4 · 5/3) seconds in all.
        let frames = (24 * (input + 4) + 1).max(24 * 7);
        let tokens = frames * 1280 * 720 / 1024;
        assert_eq!(env.at(4000).task(&id)["usage"]["total_tokens"], tokens, "{model} {count} {set}");
    }
}

#[test]
fn a_first_frame_whose_size_is_known_decides_the_ratio() {
    // A PNG head that says 300 x 400.
    let url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAASwAAAGQCAIAAAAAAAAA";
    let mut env = TestEnv::new();
    let item = json!({ "type": "image_url", "image_url": { "url": url } });
    let id = env.create(&content(M20, vec![item]));
    assert_eq!(env.at(4000).task(&id)["ratio"], "3:4");
}

#[test]
fn web_search_is_counted_and_told_only_when_used() {
    let mut env = TestEnv::new();
    let mut used = 0;
    for _ in 0..20 {
        let start = env.now;
        let id = env.create(&with(text(M20), json!({ "tools": [{ "type": "web_search" }] })));
        let task = env.at(start + 4000).task(&id);
        let searches = task["usage"]["tool_usage"]["web_search"].as_i64().unwrap();
        assert_eq!(task["tools"], if searches > 0 { json!([{ "type": "web_search" }]) } else { Value::Null });
        used += i64::from(searches > 0);
    }
    assert!(used > 0 && used < 20, "{used}");
}

#[test]
fn the_tag_of_the_end_user_is_echoed_at_once() {
    let mut env = TestEnv::new();
    let (_, created) = env.post(&with(text(M20), json!({ "safety_identifier": "u-5f1d3c9b" })));
    assert_eq!(created["safety_identifier"], "u-5f1d3c9b");
    assert_eq!(env.list("").1["items"][0]["safety_identifier"], "u-5f1d3c9b");
}

#[test]
fn unknown_members_and_nulls_do_no_harm() {
    let mut env = TestEnv::new();
    env.create(&with(text(M20), json!({ "framespersecond": 999, "optimize_prompt": true, "seed": null, "frames": null, "tools": null })));
}

#[test]
fn an_edit_on_2_5_comes_out_as_its_source_is_even_outside_the_tables() {
    let mut env = TestEnv::with(Options::default().assumed_video_ratio("5:4").assumed_video_seconds(4));
    let edit = content(M25, vec![json!({ "type": "text", "text": "Replace the sky of Video 1." }), video()]);
    let id = env.create(&with(edit, json!({ "resolution": "480p" })));
    let task = env.at(4000).task(&id);
    assert_eq!((&task["ratio"], &task["duration"]), (&json!("5:4"), &json!(4)));
    assert_eq!(task["usage"]["total_tokens"], 77_260, "as published for such an edit");
}

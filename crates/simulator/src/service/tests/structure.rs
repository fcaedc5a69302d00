//! The rules of `content`: roles, mixing, modes, counts.

use super::*;

/// The parameter that a refusal blames, or "" where the request is accepted.
fn blamed(body: &Value) -> String {
    let (status, answer) = TestEnv::new().post(body);
    if status == 200 { String::new() } else { answer["error"]["param"].as_str().unwrap().to_owned() }
}

#[test]
fn items_that_fit_together_are_accepted_and_others_are_blamed_by_place() {
    let t = || json!({ "type": "text", "text": "Move." });
    let (first, last, reference) =
        (|| image(Some("first_frame")), || image(Some("last_frame")), || image(Some("reference_image")));
    let bare_video =
        || json!({ "type": "video_url", "video_url": { "url": "https://media.example.com/a.mp4" } });
    let bare_audio =
        || json!({ "type": "audio_url", "audio_url": { "url": "https://media.example.com/a.mp3" } });
    let draft = || json!({ "type": "draft_task", "draft_task": { "id": "cgt-1" } });
    for (items, expected) in [
        (vec![t()], ""),
        (vec![image(None)], ""),
        (vec![t(), first()], ""),
        (vec![t(), first(), last()], ""),
        (vec![last(), first()], ""),
        (vec![reference()], ""),
        (vec![t(), reference(), video(), audio()], ""),
        (vec![video(), audio()], ""),
        (vec![video()], ""),
        // 1: a last frame needs a first
        (vec![t(), last()], "content[1].role"),
        // 2: frames and references
        (vec![first(), reference()], "content[1].role"),
        (vec![reference(), t(), first()], "content[2].role"),
        (vec![first(), last(), video()], "content[2].role"),
        // of two violations (1 as well) one is reported
        (vec![last(), reference()], "content[0].role"),
        // 3: at most one of each frame
        (vec![first(), first()], "content[1].role"),
        (vec![first(), last(), last()], "content[2].role"),
        // 4: with several images each needs a role
        (vec![image(None), image(None)], "content[0].role"),
        (vec![first(), image(None)], "content[1].role"),
        // 5: references need theirs
        (vec![reference(), bare_video()], "content[1].role"),
        (vec![reference(), bare_audio()], "content[1].role"),
        // 6: a bare image beside audio is a frame beside a reference
        (vec![image(None), audio()], "content[1].role"),
        // 7: audio alone
        (vec![t(), audio()], "content[1]"),
        // 8: unknown roles
        (vec![image(Some("mask"))], "content[0].role"),
        // 9: counts
        (std::iter::repeat_with(reference).take(9).collect(), ""),
        (std::iter::repeat_with(reference).take(10).collect(), "content[9]"),
        (std::iter::repeat_with(video).take(4).collect(), "content[3]"),
        // 11: a draft stands alone
        (vec![draft(), t()], "content[1]"),
        (vec![t(), draft()], "content[0]"),
        (vec![draft()], "content[0]"),
        // shapes
        (vec![t(), t()], ""),
        (vec![json!({ "type": "text", "text": " " })], "content[0].text"),
        (vec![json!({ "type": "text" })], "content[0].text"),
        (vec![json!({ "type": "text", "text": 5 })], "content[0].text"),
        (vec![json!({ "text": "no type" })], "content[0].type"),
        (
            vec![json!({ "type": "music_url", "music_url": { "url": "https://x.example" } })],
            "content[0].type",
        ),
        (vec![json!("a text")], "content[0]"),
        (
            vec![json!({ "type": "image_url", "image_url": "https://x.example/a.png" })],
            "content[0].image_url",
        ),
        (vec![json!({ "type": "image_url" })], "content[0].image_url"),
        (vec![json!({ "type": "image_url", "image_url": {} })], "content[0].image_url.url"),
        (vec![json!({ "type": "image_url", "image_url": { "url": "cat.png" } })], "content[0].image_url.url"),
        (vec![json!({ "type": "draft_task", "draft_task": { "id": "" } })], "content[0].draft_task.id"),
    ] {
        assert_eq!(blamed(&content(M20, items.clone())), expected, "{}", Value::from(items));
    }
}

#[test]
fn modes_are_up_to_the_model() {
    let (first, last, reference) =
        (image(Some("first_frame")), image(Some("last_frame")), image(Some("reference_image")));
    for (model, items, expected) in [
        (M25, vec![audio()], ""),
        (M15, vec![reference.clone()], "content[0]"),
        (M10, vec![video()], "content[0]"),
        (M10, vec![first.clone(), last.clone()], ""),
        ("doubao-seedance-1-0-pro-fast-251015", vec![first.clone(), last], "content[1].role"),
        ("doubao-seedance-1-0-lite-i2v-250428", vec![reference], ""),
        (
            "doubao-seedance-1-0-lite-i2v-250428",
            vec![json!({ "type": "text", "text": "A boat." })],
            "content",
        ),
        ("doubao-seedance-1-0-lite-t2v-250428", vec![first], "content[0]"),
    ] {
        assert_eq!(blamed(&content(model, items)), expected, "{model}");
    }
}

#[test]
fn task_types_of_2_5_bind_ratio_and_duration() {
    let prompt = |text: &str| json!({ "type": "text", "text": text });
    let body = |text: &str, more: Value| with(content(M25, vec![prompt(text), video()]), more);
    let edit = "Replace the bag in Video 1.";
    for (body, blame, ends) in [
        (body(edit, json!({ "omni_reference_task_type": "edit" })), "", "succeeded"),
        (body(edit, json!({ "omni_reference_task_type": "edit", "duration": 5 })), "duration", ""),
        (
            body("Extend Video 1.", json!({ "omni_reference_task_type": "extend", "duration": 5 })),
            "",
            "succeeded",
        ),
        (
            body("Extend Video 1.", json!({ "omni_reference_task_type": "extend", "ratio": "1:1" })),
            "ratio",
            "",
        ),
        (
            body("Extend Video 1.", json!({ "omni_reference_task_type": "edit" })),
            "",
            "InvalidParameter.TaskTypeMismatch",
        ),
        (
            body(edit, json!({ "omni_reference_task_type": "reference", "ratio": "1:1", "duration": 5 })),
            "",
            "succeeded",
        ),
        (body(edit, json!({ "duration": 5 })), "", "InvalidParameter.TaskTypeConstraint"),
        (body("Extend Video 1.", json!({ "duration": 5 })), "", "succeeded"),
        (body("As in Video 1.", json!({ "duration": 5, "ratio": "1:1" })), "", "succeeded"),
        (with(text(M25), json!({ "omni_reference_task_type": "edit" })), "omni_reference_task_type", ""),
        (with(text(M20), json!({ "omni_reference_task_type": "auto" })), "omni_reference_task_type", ""),
    ] {
        assert_eq!(blamed(&body), blame, "{body}");
        if blame.is_empty() {
            let mut env = TestEnv::new();
            let id = env.create(&body);
            let task = env.at(4000).task(&id);
            let end = if task["status"] == "failed" { &task["error"]["code"] } else { &task["status"] };
            assert_eq!(end, ends, "{body}");
        }
    }
}

#[test]
fn an_edit_is_as_long_as_its_source() {
    let mut env = TestEnv::with(Options::default().assumed_video_seconds(7));
    let items = vec![json!({ "type": "text", "text": "Remove the car." }), video()];
    let id = env.create(&content(M25, items));
    assert_eq!(env.at(4000).task(&id)["duration"], 7);
}

#[test]
fn a_fixed_ratio_with_frames_on_2_5_is_refused_or_fails_by_switch() {
    let body = with(content(M25, vec![image(Some("first_frame"))]), json!({ "ratio": "16:9" }));
    assert_eq!(blamed(&body), "ratio");
    let mut env = TestEnv::with_switch("answer-to-fixed-ratio-with-frames-on-2-5", "fail_later");
    let id = env.create(&body);
    assert_eq!(env.at(4000).task(&id)["error"]["code"], "InvalidParameter.TaskTypeConstraint");
}

//! Drafts and the finals made from them.

use super::*;

fn from_draft(model: &str, id: &str) -> Value {
    content(model, vec![json!({ "type": "draft_task", "draft_task": { "id": id } })])
}

#[test]
fn a_final_takes_over_what_the_draft_had() {
    let mut env = TestEnv::new();
    let draft = env.create(&with(
        text(M25),
        json!({ "draft": true, "duration": 6, "ratio": "3:4", "seed": 42, "generate_audio": false }),
    ));
    let task = env.at(4000).task(&draft);
    assert_eq!(
        (&task["draft"], &task["resolution"]),
        (&json!(true), &json!("480p")),
        "480p without being asked"
    );
    assert_eq!(task["usage"]["total_tokens"], 145 * 560 * 752 / 1024, "a draft of 2.5 costs what 480p costs");
    let body = with(from_draft(M25, &draft), json!({ "output_format": "mov" }));
    let last = env.create(&body);
    assert!(env.service.take_notes().is_empty(), "nothing had to be assumed");
    let task = env.at(8000).task(&last);
    for (key, value) in [
        ("draft_task_id", json!(draft)),
        ("draft", json!(false)),
        ("resolution", json!("1080p")),
        ("ratio", json!("3:4")),
        ("duration", json!(6)),
        ("seed", json!(42)),
        ("generate_audio", json!(false)),
        ("output_format", json!("mov")),
    ] {
        assert_eq!(task[key], value, "{key}");
    }
}

#[test]
fn a_draft_of_1_5_is_billed_in_part() {
    for (audio, factor) in [(true, 6), (false, 7)] {
        let mut env = TestEnv::new();
        let id = env.create(&with(
            text(M15),
            json!({ "draft": true, "ratio": "16:9", "duration": 5, "generate_audio": audio }),
        ));
        assert_eq!(env.at(4000).task(&id)["usage"]["total_tokens"], 50_638 * factor / 10);
    }
}

#[test]
fn only_a_succeeded_draft_of_the_same_model_will_do() {
    let mut env = TestEnv::new();
    let param = |answer: &(u16, Value)| answer.1["error"]["param"].as_str().unwrap_or_default().to_owned();
    let whole = env.create(&text(M25));
    let draft = env.create(&with(text(M25), json!({ "draft": true })));
    let running = env.post(&from_draft(M25, &draft));
    assert_eq!(param(&running), "content[0].draft_task.id");
    assert_refused(running, 400, "InvalidParameter");
    env.at(4000);
    assert_refused(env.post(&from_draft(M25, &whole)), 400, "InvalidParameter");
    assert_refused(env.post(&from_draft(M15, &draft)), 400, "InvalidParameter");
    assert_refused(env.post(&from_draft(M20, &draft)), 400, "InvalidParameter");
    assert_eq!(env.post(&from_draft(M25, &draft)).0, 200);
}

#[test]
fn a_draft_from_elsewhere_is_assumed_and_said_so_or_refused() {
    let body = from_draft(M25, "cgt-20261120101500-k3x9p");
    let mut env = TestEnv::new();
    let id = env.create(&body);
    let notes = env.service.take_notes();
    assert!(notes.len() == 1 && notes[0].text.contains("assumed a text draft of 5 s at 16:9"), "{notes:?}");
    let task = env.at(4000).task(&id);
    assert_eq!(task["usage"]["total_tokens"], 245_025);
    assert_eq!(task["draft_task_id"], "cgt-20261120101500-k3x9p");
    assert_refused(
        TestEnv::with(Options::default().unknown_drafts(false)).post(&body),
        400,
        "InvalidParameter",
    );
}

#[test]
fn what_a_final_inherits_must_not_be_sent() {
    let body = from_draft(M25, "cgt-1");
    for (more, code) in [
        (json!({ "seed": 1 }), "InvalidParameter"),
        (json!({ "ratio": "16:9" }), "InvalidParameter"),
        (json!({ "generate_audio": true }), "InvalidParameter"),
        (json!({ "draft": true }), "InvalidParameter"),
        (json!({ "resolution": "480p" }), "InvalidResolutionParameter"),
    ] {
        assert_refused(TestEnv::new().post(&with(body.clone(), more)), 400, code);
    }
    let old = with(from_draft(M15, "cgt-1"), json!({ "seed": 1 }));
    assert_eq!(TestEnv::new().post(&old).0, 200, "on 1.5 it is ignored");
    assert_refused(
        TestEnv::with_switch("inherited-fields-on-1-5-final", "refuse").post(&old),
        400,
        "InvalidParameter",
    );
}

#[test]
fn a_draft_of_1_5_has_no_last_frame_and_no_flex() {
    let draft = with(text(M15), json!({ "draft": true }));
    assert_refused(
        TestEnv::new().post(&with(draft.clone(), json!({ "return_last_frame": true }))),
        400,
        "InvalidParameter",
    );
    assert_refused(
        TestEnv::new().post(&with(draft, json!({ "service_tier": "flex" }))),
        400,
        "InvalidParameter",
    );
}

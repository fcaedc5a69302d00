//! States by the clock: start, end, expiry, cancelling, forgetting; and what a task shows in each.

use super::*;

fn keys(task: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = task.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_task_waits_one_second_runs_three_and_succeeds() {
    let mut env = TestEnv::new();
    let id = env.create(&text(M20));
    for (at, status, updated) in [
        (0, "queued", 0),
        (999, "queued", 0),
        (1000, "running", 1),
        (3999, "running", 1),
        (4000, "succeeded", 4),
    ] {
        let task = env.at(at).task(&id);
        assert_eq!(task["status"], status, "at {at} ms");
        assert_eq!(task["updated_at"], BEGIN / 1000 + updated, "at {at} ms");
        assert_eq!(task["created_at"], BEGIN / 1000);
    }
}

#[test]
fn nobody_needs_to_look_for_time_to_pass() {
    let mut env = TestEnv::new();
    let id = env.create(&text(M20));
    let task = env.at(60_000).task(&id);
    assert_eq!(task["updated_at"], BEGIN / 1000 + 4, "it changed when it was due, not when it was looked at");
    assert_eq!(env.service.bills()[0].at, BEGIN + 4000);
}

#[test]
fn waiting_and_running_tasks_tell_little_and_older_models_less() {
    let mut env = TestEnv::new();
    let few = ["created_at", "id", "model", "status", "updated_at"];
    let more = ["execution_expires_after", "service_tier"];
    for (model, extra) in [
        (M25, &["draft", "generate_audio", "priority"][..]),
        (M20, &["draft", "generate_audio", "priority"]),
        (MINI, &["draft", "priority"]),
        (M15, &["draft", "generate_audio"]),
        (M10, &[]),
    ] {
        env.at(0);
        let id = env.create(&text(model));
        let mut expected: Vec<&str> =
            few.iter().chain(if model == M10 { &[] } else { &more[..] }).chain(extra).copied().collect();
        expected.sort_unstable();
        assert_eq!(keys(&env.task(&id)), expected, "{model} queued");
        assert_eq!(keys(&env.at(1000).task(&id)), expected, "{model} running");
    }
}

#[test]
fn a_finished_task_tells_everything_about_its_film() {
    let mut env = TestEnv::new();
    let id = env.create(&with(
        text(M20),
        json!({ "ratio": "9:16", "duration": 5, "seed": 58944, "return_last_frame": true }),
    ));
    let task = env.at(4000).task(&id);
    for (key, value) in [
        ("seed", json!(58944)),
        ("resolution", json!("720p")),
        ("ratio", json!("9:16")),
        ("duration", json!(5)),
        ("framespersecond", json!(24)),
        ("service_tier", json!("default")),
        ("execution_expires_after", json!(172_800)),
        ("generate_audio", json!(true)),
        ("draft", json!(false)),
        ("priority", json!(0)),
        ("usage", json!({ "completion_tokens": 108_900, "total_tokens": 108_900 })),
        ("frames", Value::Null),
        ("output_format", Value::Null),
        ("error", Value::Null),
    ] {
        assert_eq!(task[key], value, "{key}");
    }
    let content = task["content"].as_object().unwrap();
    assert!(content["video_url"].as_str().unwrap().contains(".mp4?X-Tos-Algorithm="));
    assert!(content["last_frame_url"].as_str().unwrap().contains(".jpeg?X-Tos-Algorithm="));
    let read: ark_video_model::Task = serde_json::from_value(task).unwrap();
    assert!(read.extra.is_empty(), "the types know every member: {:?}", read.extra);
}

#[test]
fn frames_take_the_place_of_the_duration() {
    let mut env = TestEnv::new();
    let id = env.create(&with(text(M10), json!({ "resolution": "720p", "frames": 57 })));
    let task = env.at(4000).task(&id);
    assert_eq!(
        (&task["frames"], &task["duration"], &task["usage"]["total_tokens"]),
        (&json!(57), &Value::Null, &json!(48_906))
    );
    assert_eq!(task["generate_audio"], Value::Null, "1.0 knows no sound");
}

#[test]
fn what_the_model_decides_is_decided_once_and_within_its_range() {
    let mut env = TestEnv::new();
    for (model, min, max) in [(M25, 4, 30), (M20, 4, 15), (M15, 4, 12)] {
        for _ in 0..20 {
            let start = env.now;
            let id = env.create(&with(text(model), json!({ "duration": -1, "seed": -1 })));
            let task = env.at(start + 4000).task(&id);
            let seconds = task["duration"].as_i64().unwrap();
            assert!((min..=max).contains(&seconds), "{model}: {seconds}");
            assert!((0..=i64::from(i32::MAX)).contains(&task["seed"].as_i64().unwrap()));
            assert_eq!(env.task(&id), task);
        }
    }
}

#[test]
fn a_task_that_is_not_done_in_its_time_expires() {
    let options = Options::default()
        .queued(std::time::Duration::from_secs(3000))
        .running(std::time::Duration::from_secs(3000))
        .flex_wait_factor(1);
    let mut env = TestEnv::with(options);
    let id = env.create(&with(text(M10), json!({ "execution_expires_after": 3600, "service_tier": "flex" })));
    assert_eq!(env.at(3_599_999).task(&id)["status"], "running");
    let task = env.at(3_600_000).task(&id);
    assert_eq!((&task["status"], &task["updated_at"]), (&json!("expired"), &json!(BEGIN / 1000 + 3600)));
    assert_eq!((&task["service_tier"], &task["execution_expires_after"]), (&json!("flex"), &json!(3600)));
    assert_eq!(env.at(7_200_000).task(&id)["status"], "expired");
    assert!(env.service.bills().is_empty(), "what expires costs nothing");
    assert_eq!(env.delete(&id), (200, json!({})));
}

#[test]
fn a_delete_does_what_the_state_allows() {
    let mut env = TestEnv::new();
    let [queued, running, done] = [0; 3].map(|_| env.create(&text(M20)));
    assert_eq!(env.at(999).delete(&queued), (200, json!({})));
    assert_eq!(env.task(&queued)["status"], "cancelled");
    env.at(1000);
    let refused = env.delete(&running);
    assert!(
        refused.1["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with(&format!("Cannot delete task `{running}` because it is currently"))
    );
    assert_refused(refused, 409, "InvalidAction.RunningTaskDeletion");
    assert_eq!(env.task(&running)["status"], "running");
    assert_eq!(env.at(4000).delete(&done), (200, json!({})));
    assert_refused(env.get(&done), 404, "ResourceNotFound");
    assert_refused(env.delete(&done), 404, "ResourceNotFound");
    assert_refused(env.delete("cgt-20200101000000-aaaaa"), 404, "ResourceNotFound");
    assert_eq!(env.service.bills().len(), 2, "deleting the record of a finished task does not undo its bill");
}

#[test]
fn deleting_a_cancelled_task_is_a_switch() {
    for (value, status, code) in [
        ("conflict", 409, Some("InvalidAction")),
        ("not_found", 404, Some("ResourceNotFound")),
        ("ok", 200, None),
    ] {
        let mut env = TestEnv::with_switch("delete-cancelled", value);
        let id = env.create(&text(M20));
        env.delete(&id);
        let second = env.delete(&id);
        match code {
            Some(code) => assert_refused(second, status, code),
            None => assert_eq!(second, (200, json!({}))),
        }
    }
}

#[test]
fn records_are_forgotten_after_seven_days_and_cancelled_ones_after_one() {
    let mut env = TestEnv::new();
    let [kept, cancelled] = [0; 2].map(|_| env.create(&text(M20)));
    env.at(500).delete(&cancelled);
    assert_eq!(env.at(500 + DAY - 1).get(&cancelled).0, 200);
    assert_refused(env.at(500 + DAY).get(&cancelled), 404, "ResourceNotFound");
    assert_eq!(env.at(7 * DAY).get(&kept).0, 200);
    assert_refused(env.at(7 * DAY + 1).get(&kept), 404, "ResourceNotFound");
    assert_eq!(env.service.bills().len(), 1, "a bill outlives its record");
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let mut env = TestEnv::with(Options::default().seed(seed));
        let ids = [0; 5].map(|_| env.create(&with(text(M25), json!({ "duration": -1 }))));
        env.at(4000);
        ids.map(|id| env.task(&id))
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

//! Resellers' ways of answering: what a client sees of the same service under each.

use super::*;
use crate::Dialect;

fn test_env(name: &str) -> TestEnv {
    TestEnv::with(Options::default().dialect(Dialect::named(name).unwrap().clone()))
}

/// Creates a task, and gives what the create and the gets in each state answer.
fn life(env: &mut TestEnv, tasks: &str) -> (Value, [Value; 3]) {
    let (status, created) = env.call(Method::POST, tasks, with(text(M20), json!({ "seed": 7 })).to_string());
    assert_eq!(status, 200, "{created}");
    let id = ["id", "task_id", "taskNo"].iter().find_map(|name| created[name].as_str()).unwrap().to_owned();
    let seen = [0, 1000, 4000].map(|millis| {
        let (status, task) = env.at(millis).call(Method::GET, &format!("{tasks}/{id}"), "");
        assert_eq!(status, 200, "{task}");
        task
    });
    (created, seen)
}

#[test]
fn a_prefix_moves_the_whole_api() {
    let mut env = test_env("volc-prefix");
    let tasks = "/volc/v3/contents/generations/tasks";
    let (_, seen) = life(&mut env, tasks);
    assert_eq!(seen.map(|task| task["status"].clone()), ["queued", "running", "succeeded"]);
    assert_refused(env.post(&text(M20)), 404, "ResourceNotFound");
}

#[test]
fn an_operation_that_a_reseller_lacks_is_not_there() {
    let mut env = test_env("seedance-prefix");
    let tasks = "/seedance/api/v3/contents/generations/tasks";
    let (_, created) = env.call(Method::POST, tasks, text(M20).to_string());
    let task = format!("{tasks}/{}", created["id"].as_str().unwrap());
    assert_refused(env.call(Method::DELETE, &task, "{}"), 404, "ResourceNotFound");
    assert_eq!(env.call(Method::GET, &task, "").1["status"], "queued", "it was not cancelled");
}

#[test]
fn a_wrapper_holds_the_vendors_task() {
    let mut env = test_env("wrapped");
    let (created, [_, _, done]) = life(&mut env, TASKS);
    assert!(created["id"].is_string());
    assert_eq!((&done["code"], &done["data"]["status"]), (&json!("success"), &json!("succeeded")));
    assert!(done["data"]["content"]["video_url"].is_string());
    assert_refused(env.get("cgt-unknown"), 404, "ResourceNotFound");
}

#[test]
fn statuses_names_and_paths_are_the_resellers() {
    let statuses = |task: &Value| task["status"].clone();
    let (created, seen) = life(&mut test_env("new-api"), TASKS);
    assert!(created["task_id"].is_string() && created["id"].is_null(), "{created}");
    assert_eq!(seen.each_ref().map(statuses), ["queued", "in_progress", "completed"]);
    let done = &seen[2];
    assert!(done["url"].as_str().unwrap().contains("/files/") && done["content"].is_null(), "{done}");
    assert_eq!((&done["metadata"]["duration"], &done["metadata"]["fps"]), (&json!(5), &json!(24)));
    assert_eq!((&done["metadata"]["seed"], &done["usage"]["total_tokens"]), (&json!(7), &json!(108_900)));

    let (created, seen) = life(&mut test_env("task-no"), TASKS);
    assert!(created["taskNo"].is_string(), "{created}");
    assert_eq!(seen.each_ref().map(|seen| statuses(&seen["data"])), ["pending", "processing", "success"]);
    assert_eq!(seen[2]["code"], 1000);
    assert!(seen[2]["data"]["data"]["result"][0].as_str().unwrap().contains("/files/"), "{}", seen[2]);
}

#[test]
fn lists_and_errors_speak_the_dialect_too() {
    let mut env = test_env("flat-errors");
    life(&mut env, TASKS);
    let (_, list) = env.list("page_size=1");
    assert!(list["items"][0]["task_id"].is_string() && list["total"] == 1, "{list}");
    let (status, refused) = env.post(&with(text(M20), json!({ "ratio": "2:1" })));
    assert_eq!((status, &refused["code"]), (400, &json!("InvalidParameter")), "{refused}");
    assert!(refused["error"].is_null() && refused["message"].as_str().unwrap().contains("Request id: 02"));
}

#[test]
fn a_callback_speaks_it_as_a_get_does() {
    let mut env = test_env("new-api");
    let body = with(text(M20), json!({ "callback_url": "http://127.0.0.1:1/" }));
    assert_eq!(env.post(&body).0, 200);
    env.at(1000).tick();
    let bodies: Vec<Value> = env
        .service
        .take_callbacks(BEGIN + 1000)
        .iter()
        .map(|callback| serde_json::from_slice(&callback.body).unwrap())
        .collect();
    let states: Vec<&Value> = bodies.iter().map(|task| &task["status"]).collect();
    assert_eq!(states, ["queued", "in_progress"]);
    assert!(bodies.iter().all(|task| task["task_id"].is_string()));
}

#[test]
fn faults_and_bills_are_the_vendors_underneath() {
    let mut env = test_env("wrapped");
    let wild = json!({ "type": "text", "text": "A boat. [[fault:html_502 on=get hits=1]]" });
    let id = env.create(&content(M20, vec![wild]));
    let page = env.raw(Method::GET, &format!("{TASKS}/{id}"), &[("authorization", "Bearer k")], "");
    assert_eq!(page.status(), 502);
    assert!(page.body().starts_with(b"<html>"));
    assert_eq!(env.at(4000).task(&id)["data"]["status"], "succeeded");
    let bill = &env.tick().bills()[0];
    assert_eq!((&*bill.task_id, bill.tokens), (&*id, 108_900));
}

#[test]
fn a_dialect_of_ones_own_is_data() {
    let own = r#"{ "name": "own", "about": "", "source": "", "read": "", "statuses": { "cancelled": "canceled" } }"#;
    let mut env = TestEnv::with(Options::default().dialect(Dialect::from_json(own).unwrap()));
    let id = env.create(&text(M20));
    env.delete(&id);
    assert_eq!(env.task(&id)["status"], "canceled");
}

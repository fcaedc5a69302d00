//! Every recorded answer decodes, and nothing of it is lost when it is written again.

use ark_video::error::{ApiError, EnvelopeKind};
use ark_video_model::{CreateTaskResponse, ModelList, Task, TaskList};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::examples;

fn again<T: DeserializeOwned + Serialize>(text: &str) -> Value {
    serde_json::to_value(serde_json::from_str::<T>(text).unwrap()).unwrap()
}

#[test]
fn every_answer_survives() {
    let index: Vec<Value> = serde_json::from_str(&examples::read("responses/index.json")).unwrap();
    assert_eq!(index.len(), 28);
    for entry in index {
        let file = entry["file"].as_str().unwrap();
        let text = examples::read(&format!("responses/{file}"));
        let written = match entry["decodes"].as_str().unwrap() {
            "CreateTaskResponse" => again::<CreateTaskResponse>(&text),
            "Task" => again::<Task>(&text),
            "TaskList" => again::<TaskList>(&text),
            "ModelList" => again::<ModelList>(&text),
            "Empty" => again::<Value>(&text),
            "error" => {
                let status = u16::try_from(entry["http"].as_u64().unwrap()).unwrap();
                let mut answer = http::Response::new(text.clone().into());
                *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                let error = ApiError::from_answer(&answer);
                let envelope = match entry["envelope"].as_str().unwrap() {
                    "nested" => EnvelopeKind::Nested,
                    "flat" => EnvelopeKind::Flat,
                    other => panic!("{file}: no envelope is called {other}"),
                };
                assert_eq!(error.envelope, envelope, "{file}");
                if envelope == EnvelopeKind::Nested {
                    let info = error.code.info();
                    let info =
                        info.unwrap_or_else(|| panic!("{file}: schema/errors.json lacks `{}`", error.code));
                    let http = info.http;
                    assert!(
                        http.contains(&status),
                        "{file}: schema/errors.json has `{}` with {http:?}",
                        info.code
                    );
                }
                serde_json::from_slice(error.encode().body()).unwrap()
            }
            other => panic!("{file}: nothing decodes {other}"),
        };
        assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{file}");
    }
}

/// What the contract allows beyond the recorded answers, and what a sick gateway might send: still
/// a task.
#[test]
fn odd_answers_are_still_answers() {
    let list: TaskList = serde_json::from_str(
        r#"{"total":2,"items":[{"id":"a","status":"paused","created_at":"12"},null,{"model":"m"}]}"#,
    )
    .unwrap();
    let seen: Vec<_> =
        list.items.iter().map(|task| (task.id.as_str(), task.status.as_str(), task.created_at)).collect();
    assert_eq!(seen, [("a", "paused", Some(12)), ("", "", None)]);
    for text in [r#"{}"#, r#"{"items":null}"#, r#"{"total":"many"}"#] {
        assert!(serde_json::from_str::<TaskList>(text).unwrap().items.is_empty(), "{text}");
    }
    let odd: TaskList = serde_json::from_str(r#"{"items":[{"id":"a"},"b",{"id":"c"}]}"#).unwrap();
    assert!(odd.items.is_empty());
    assert_eq!(odd.extra["items"][2]["id"], "c");
    assert!(serde_json::from_str::<CreateTaskResponse>("{}").unwrap().id.is_empty());
}

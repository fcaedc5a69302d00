//! Every recorded answer decodes, and nothing of it is lost when it is written again.

use ark_video_model::{CreateTaskResponse, ErrorCode, ErrorEnvelope, FlatError, ModelList, Task, TaskList};
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
            "error" => match entry["envelope"].as_str().unwrap() {
                "nested" => {
                    let error: ErrorEnvelope = serde_json::from_str(&text).unwrap();
                    let info = ErrorCode::from(error.error.code.as_str()).info();
                    let info = info
                        .unwrap_or_else(|| panic!("{file}: schema/errors.json lacks `{}`", error.error.code));
                    let status = u16::try_from(entry["http"].as_u64().unwrap()).unwrap();
                    assert!(
                        info.http.contains(&status),
                        "{file}: schema/errors.json has `{}` with {:?}",
                        info.code,
                        info.http
                    );
                    again::<ErrorEnvelope>(&text)
                }
                "flat" => again::<FlatError>(&text),
                other => panic!("{file}: no envelope is called {other}"),
            },
            other => panic!("{file}: nothing decodes {other}"),
        };
        assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{file}");
    }
}

/// What the contract allows beyond the recorded answers, and what a sick gateway might send: still a task.
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

//! Property: whatever the resolved schema allows survives decoding and encoding.
//!
//! Instances come from the schema itself, at random and repeatable. Three things may change on the
//! way, each because two spellings mean the same: null and absent, `5` and `5.0`, a time as a
//! number and as digits in a text.

use ark_video::error::{ApiError, EnvelopeKind};
use ark_video_model::{CreateTaskRequest, CreateTaskResponse, ModelList, Task, TaskList};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::schema;

fn survives<T: DeserializeOwned + Serialize>(name: &str, seed: u64) -> Result<(), TestCaseError> {
    let instance = noson::generate(&schema::without_rules(name), &mut StdRng::seed_from_u64(seed));
    let instance = instance.map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
    let read: T = serde_json::from_value(instance.clone())
        .map_err(|error| TestCaseError::fail(format!("{name}: {error}\n{instance}")))?;
    let written = serde_json::to_value(&read).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(canonical(written), canonical(instance), "{}", name);
    Ok(())
}

fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, member)| !member.is_null());
            let one_spelling = kept.map(|(name, member)| {
                let time = matches!(name.as_str(), "created_at" | "updated_at");
                let member = match member {
                    Value::String(digits) if time => {
                        digits.parse::<i64>().map_or(Value::String(digits), Value::from)
                    }
                    other => canonical(other),
                };
                (name, member)
            });
            Value::Object(one_spelling.filter(|(_, member)| *member != Value::Array(Vec::new())).collect())
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => Value::Number(number),
        },
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_requests(seed in any::<u64>()) {
        survives::<CreateTaskRequest>("CreateTaskRequest", seed)?;
    }

    #[test]
    fn of_answers(seed in any::<u64>()) {
        survives::<CreateTaskResponse>("CreateTaskResponse", seed)?;
        survives::<Task>("Task", seed)?;
        survives::<TaskList>("TaskList", seed)?;
        survives::<ModelList>("ModelList", seed)?;
    }

    #[test]
    fn of_errors(seed in any::<u64>()) {
        let (name, envelope, code, message) = match seed % 3 {
            0 => ("ErrorEnvelope", EnvelopeKind::Nested, "/error/code", "/error/message"),
            1 => ("FlatError", EnvelopeKind::Flat, "/code", "/message"),
            _ => {
                let [code, message] = ["/ResponseMetadata/Error/Code", "/ResponseMetadata/Error/Message"];
                ("ManagementError", EnvelopeKind::Management, code, message)
            }
        };
        let instance = noson::generate(&schema::schema_of(name), &mut StdRng::seed_from_u64(seed))
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let [code, message] = [code, message].map(|at| instance.pointer(at).and_then(Value::as_str));
        // The management envelope may come without an error: then it is none.
        if let (Some(code), Some(message)) = (code, message) {
            let mut answer = http::Response::new(instance.to_string().into());
            *answer.status_mut() = http::StatusCode::BAD_REQUEST;
            let error = ApiError::from_answer(&answer);
            prop_assert_eq!((error.envelope, error.code.as_str(), error.message.as_str()), (envelope, code, message));
        }
    }

    /// Any JSON object at all is an answer, and what is in it stays in it.
    #[test]
    fn of_anything_that_is_an_object(seed in any::<u64>()) {
        let anything = serde_json::json!({ "type": "object", "additionalProperties": {}, "minProperties": 1, "properties": {
            "id": {}, "status": {}, "created_at": {}, "content": {}, "usage": {}, "error": {}, "tools": {}, "ratio": {}, "duration": {}, "draft": {}
        }});
        let instance = noson::generate(&anything, &mut StdRng::seed_from_u64(seed)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let task: Task = serde_json::from_value(instance.clone()).map_err(|error| TestCaseError::fail(format!("{error}\n{instance}")))?;
        let written = canonical(serde_json::to_value(&task).unwrap());
        let Value::Object(given) = canonical(instance) else { unreachable!() };
        for (name, member) in given {
            prop_assert_eq!(&written[&name], &member, "{}", name);
        }
    }
}

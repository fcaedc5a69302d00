//! The service through its one door, `handle`, on a clock that the tests move.

mod accepted;
mod any_input;
mod bills;
mod callbacks;
mod catalog;
mod codes;
mod dialects;
mod drafts;
mod faults;
mod files;
mod flags;
mod ledger;
mod listing;
mod rates;
mod recorded;
mod reference;
mod refused;
mod snapshot;
mod states;
mod structure;
mod switches;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Reply, Service};
use crate::Options;

/// 2026-11-22T02:15:30Z.
const BEGIN: i64 = 1_795_313_730_000;
const TASKS: &str = "/api/v3/contents/generations/tasks";
const DAY: i64 = 86_400_000;

/// A service and the time since the start, in milliseconds.
struct TestEnv {
    service: Service,
    now: i64,
}

impl TestEnv {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        Self { service: Service::new(options), now: 0 }
    }

    fn with_switch(name: &str, value: &str) -> Self {
        let mut options = Options::default();
        options.switches.set(name, value).unwrap();
        Self::with(options)
    }

    /// Moves the clock to `millis` after the start.
    fn at(&mut self, millis: i64) -> &mut Self {
        self.now = millis;
        self
    }

    /// Lets everything happen that is due, and gives the service.
    fn tick(&mut self) -> &mut Service {
        self.service.advance(BEGIN + self.now);
        &mut self.service
    }

    fn reply(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.service.handle(BEGIN + self.now, request.body(body.into()).unwrap())
    }

    fn raw(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        match self.reply(method, path, headers, body) {
            Reply::Answer(answer) => answer,
            other => panic!("{path} is no answer: {other:?}"),
        }
    }

    /// With a key; the answer's status and JSON.
    fn call(&mut self, method: Method, path: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let answer = self.raw(method, path, &[("authorization", "Bearer k")], body);
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(answer.body()).unwrap())
    }

    fn post(&mut self, body: &Value) -> (u16, Value) {
        self.call(Method::POST, TASKS, body.to_string())
    }

    /// Creates a task that must be accepted, and gives its id.
    fn create(&mut self, body: &Value) -> String {
        let (status, answer) = self.post(body);
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    fn get(&mut self, id: &str) -> (u16, Value) {
        self.call(Method::GET, &format!("{TASKS}/{id}"), "")
    }

    /// A task that must be there.
    fn task(&mut self, id: &str) -> Value {
        let (status, task) = self.get(id);
        assert_eq!(status, 200, "{task}");
        task
    }

    fn delete(&mut self, id: &str) -> (u16, Value) {
        self.call(Method::DELETE, &format!("{TASKS}/{id}"), "{}")
    }

    fn list(&mut self, query: &str) -> (u16, Value) {
        self.call(Method::GET, &format!("{TASKS}?{query}"), "")
    }

    /// The ids that a list gives, in its order.
    fn ids(&mut self, query: &str) -> Vec<String> {
        let (status, list) = self.list(query);
        assert_eq!(status, 200, "{list}");
        list["items"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// A text request for a model.
fn text(model: &str) -> Value {
    json!({ "model": model, "content": [{ "type": "text", "text": "A paper boat." }] })
}

/// A request with more fields.
fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn image(role: Option<&str>) -> Value {
    match role {
        Some(role) => {
            json!({ "type": "image_url", "image_url": { "url": "https://media.example.com/a.png" }, "role": role })
        }
        None => json!({ "type": "image_url", "image_url": { "url": "https://media.example.com/a.png" } }),
    }
}

fn video() -> Value {
    json!({ "type": "video_url", "video_url": { "url": "https://media.example.com/a.mp4" }, "role": "reference_video" })
}

fn audio() -> Value {
    json!({ "type": "audio_url", "audio_url": { "url": "https://media.example.com/a.mp3" }, "role": "reference_audio" })
}

fn content(model: &str, items: Vec<Value>) -> Value {
    json!({ "model": model, "content": items })
}

const M25: &str = "doubao-seedance-2-5-260628";
const M20: &str = "doubao-seedance-2-0-260128";
const MINI: &str = "doubao-seedance-2-0-mini-260615";
const M15: &str = "doubao-seedance-1-5-pro-251215";
const M10: &str = "doubao-seedance-1-0-pro-250528";

/// A refusal in the vendor's form: code, and a message that ends with the id of the request.
#[track_caller]
fn assert_refused((status, answer): (u16, Value), expected: u16, code: &str) {
    assert_eq!((status, &answer["error"]["code"]), (expected, &json!(code)), "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("Request id: 02"), "{message}");
    assert!(StatusCode::from_u16(expected).is_ok());
}
